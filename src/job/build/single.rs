//! Batches of a single image: where a network brings its maps down to 1×1, batch normalisation has
//! one number a channel in them, whose variance says nothing. PyTorch refuses them too ("Expected
//! more than 1 value per channel when training").

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use crate::spec::Spec;
use crate::spec::adversarial::BatchStatistics;

/// What the operator says of it.
const SAYS: &str = "more than one number a channel";

/// Refuses a training of so many `images` of which some batch holds one alone, if `network` cannot
/// train on that.
pub(super) fn check(spec: &Spec, images: usize, network: &Model) -> Result<()> {
    let Some(train) = &spec.train else { return Ok(()) };
    let size = train.batch_size;
    if images == 0 || !leaves_one(images, size) {
        return Ok(());
    }
    let adversarial = train.adversarial.as_ref();
    match adversarial.map(|section| section.batch_statistics) {
        // An image and its adversarial version are two; frozen statistics are not the batch's.
        Some(BatchStatistics::Shared | BatchStatistics::Frozen) => return Ok(()),
        Some(BatchStatistics::Separate) | None => {}
    }
    if can_train_on_one(network)? {
        return Ok(());
    }
    let batch = if size == 1 { "a batch" } else { "the last batch of an epoch" };
    let found = format!(
        "train.batch_size = {size} leaves one image for {batch} ({images} training images), and \
         {} cannot train on one: its batch normalisation needs more than one value per channel",
        network.arch()
    );
    let mut hint = match better(images, size) {
        Some(better) => format!("set train.batch_size to {better}"),
        None => "train on two images or more".to_owned(),
    };
    if adversarial.is_some() {
        hint += ", or train.adversarial.batch_statistics to 'shared'";
    }
    Err(Error::bad_input(found).hint(hint))
}

/// Says what to do where a step failed because its batch held one image: the others were damaged.
pub fn explain(error: Error, images: usize) -> Error {
    if images != 1 || !error.message.contains(SAYS) {
        return error;
    }
    Error::failed(
        "a batch with one image left cannot be trained on: batch normalisation needs more than one \
         value per channel",
    )
    .hint(
        "the other images of the batch are damaged, see log.txt: mend or remove them, or set \
         train.batch_size higher",
    )
    .caused_by(error)
}

/// Whether some batch of so many images holds one alone.
fn leaves_one(images: usize, size: usize) -> bool {
    size == 1 || images.checked_rem(size) == Some(1)
}

/// The nearest batch size that leaves no image alone.
fn better(images: usize, size: usize) -> Option<usize> {
    let around = (1..=images).flat_map(|by| [size.checked_sub(by), size.checked_add(by)]);
    around.flatten().find(|&size| size > 1 && !leaves_one(images, size))
}

/// Tries it. Moves the running statistics of `network`.
fn can_train_on_one(network: &Model) -> Result<bool> {
    let config = network.config();
    let shape = (1, config.channels, config.image_size, config.image_size);
    let image = Tensor::zeros(shape, DType::F32, network.device())?;
    let passed = network.record(&image, Mode::Train { step: 0 }, &[], Wanted::default());
    match passed.map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(error) if error.message.contains(SAYS) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::job::build::resolve;
    use crate::spec::Document;

    fn tried(images: usize, train: &str, norm: &str) -> Result<()> {
        let layers = format!("'conv 4 32', {norm} 'relu', 'flatten', 'linear 16'");
        let text = format!(
            "[data]\nimage_size = 32\ntrain_images = {images}\ntest_images = 4\n\
             [model]\narch = 'sequential'\nlayers = [{layers}]\n[train]\n{train}\n"
        );
        let mut spec = Document::parse("test", &text).unwrap().spec().unwrap();
        resolve(&mut spec, Path::new(".")).map(|_| ())
    }

    const NORM: &str = "'batch-norm',";

    #[test]
    fn a_last_batch_of_one_is_refused_with_a_batch_size_that_will_do() {
        let error = tried(9, "batch_size = 4", NORM).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        for part in ["train.batch_size = 4", "9 training images", "more than one value per channel"]
        {
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert_eq!(error.hint.unwrap(), "set train.batch_size to 3");
        tried(9, "batch_size = 3", NORM).unwrap();
        tried(8, "batch_size = 4", NORM).unwrap();
        tried(9, "batch_size = 4", "").unwrap();
    }

    #[test]
    fn batches_of_one_are_refused_throughout() {
        let error = tried(4, "batch_size = 1", NORM).unwrap_err();
        assert_eq!(error.hint.unwrap(), "set train.batch_size to 2");
        let error = tried(1, "batch_size = 8", NORM).unwrap_err();
        assert_eq!(error.hint.unwrap(), "train on two images or more");
    }

    #[test]
    fn adversarial_training_has_two_of_each_image_unless_each_half_counts_alone() {
        let train = |statistics: &str| {
            format!(
                "batch_size = 4\n[train.adversarial]\nmethod = 'fgsm'\nepsilon = 4\n\
                 batch_statistics = '{statistics}'\n"
            )
        };
        tried(9, &train("shared"), NORM).unwrap();
        tried(9, &train("frozen"), NORM).unwrap();
        let error = tried(9, &train("separate"), NORM).unwrap_err();
        assert!(error.hint.unwrap().contains("'shared'"));
    }

    #[test]
    fn the_nearest_size_is_found() {
        assert_eq!(better(9, 8), Some(7));
        assert_eq!(better(7, 2), Some(4));
        assert_eq!(better(1, 4), None);
    }
}
