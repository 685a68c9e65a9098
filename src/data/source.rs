//! From "this format, at this path" to a training and a test split.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::shapes::{Shapes, Split};
use super::{Class, Dataset, Example, Part, cifar10, idx, image_folder};
use crate::error::{Error, Result};

/// Formats that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The embedded scene generator.
    Shapes {
        /// Scenes in the training split.
        train: usize,
        /// Scenes in the test split.
        test: usize,
    },
    /// CIFAR-10's binary batches.
    Cifar10,
    /// MNIST's IDX files.
    Idx,
    /// JPEG and PNG, one folder a class.
    ImageFolder,
}

/// What to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Which reader.
    pub format: Format,
    /// The folder; shapes needs none.
    pub path: Option<PathBuf>,
    /// Side of the square images that come out; `None` = the data's own (image folders: 224).
    pub image_size: Option<usize>,
    /// Images a split, 0 = all. The first ones, and of an image folder, which is sorted by class,
    /// the first of every class in turn.
    pub limit: usize,
    /// Class names in place of the data's own (IDX).
    pub class_names: Option<Vec<String>>,
    /// Image folders: short side before the centre is cut out; `None` = 8/7 of `image_size`.
    pub resize: Option<usize>,
    /// Image folders without `train` and `val`: share held out for testing, 0..1.
    pub holdout: f64,
    /// Decides which images are held out.
    pub seed: u64,
}

impl Source {
    /// All of what is at `path`, in its own size.
    pub fn new(format: Format, path: impl Into<PathBuf>) -> Self {
        Self {
            format,
            path: Some(path.into()),
            image_size: None,
            limit: 0,
            class_names: None,
            resize: None,
            holdout: 0.1,
            seed: 1,
        }
    }

    fn folder(&self) -> Result<&Path> {
        self.path.as_deref().ok_or_else(|| {
            Error::bad_input("this data format needs a path").hint("set data.path to its folder")
        })
    }

    /// Of an image folder.
    fn options(&self) -> image_folder::Options {
        image_folder::Options {
            side: self.image_size.unwrap_or(image_folder::USUAL_SIDE),
            resize: self.resize,
            holdout: self.holdout,
            seed: self.seed,
        }
    }
}

/// Two splits with the same classes and shape.
#[derive(Clone)]
pub struct Opened {
    /// To learn from.
    pub train: Arc<dyn Dataset>,
    /// To measure on.
    pub test: Arc<dyn Dataset>,
    /// What a user should know about how the data was read, a line each.
    pub notes: Vec<String>,
}

impl Opened {
    fn new(train: impl Dataset + 'static, test: impl Dataset + 'static) -> Self {
        Self { train: Arc::new(train), test: Arc::new(test), notes: Vec::new() }
    }

    fn limited(self, limit: usize, choose: Choose) -> Self {
        let [train, test] = [self.train, self.test].map(|split| limited(split, limit, choose));
        Self { train, test, notes: self.notes }
    }
}

/// Picks so many images of a split.
type Choose = fn(&dyn Dataset, usize) -> Vec<usize>;

/// Keeps of a split the images that `choose` picks, if it has more than `limit` (0 = all).
fn limited(dataset: Arc<dyn Dataset>, limit: usize, choose: Choose) -> Arc<dyn Dataset> {
    if limit == 0 || limit >= dataset.len() {
        return dataset;
    }
    let indices = choose(dataset.as_ref(), limit);
    Arc::new(Subset { dataset, indices })
}

/// Opens what `source` describes. Images are decoded when they are asked for, or held in memory if
/// their format has them all in one file.
pub fn open(source: &Source) -> Result<Opened> {
    if source.image_size == Some(0) {
        return Err(Error::bad_input("images of 0 pixels cannot be made")
            .hint("set data.image_size to 1 or more, or leave it out"));
    }
    let path = || source.folder();
    match source.format {
        Format::Shapes { train, test } => {
            let split = |split, images| {
                let shapes = Shapes::new(source.seed, split, images);
                match source.image_size {
                    Some(size) => shapes.with_image_size(size),
                    None => shapes,
                }
            };
            let train = split(Split::Train, train);
            Ok(Opened::new(train, split(Split::Test, test)).limited(source.limit, first))
        }
        Format::Cifar10 => {
            let (train, test) = cifar10::open(path()?, source.image_size)?;
            Ok(Opened::new(train, test).limited(source.limit, first))
        }
        Format::Idx => {
            let (train, test) = idx::open(path()?, source.image_size, source.class_names.clone())?;
            Ok(Opened::new(train, test).limited(source.limit, first))
        }
        Format::ImageFolder => {
            let (train, test, notes) = image_folder::open(path()?, source.options())?;
            let opened = Opened { notes, ..Opened::new(train, test) };
            Ok(opened.limited(source.limit, first_of_each_class))
        }
    }
}

/// The test split of [`open`] alone, which of a large image folder takes much less time.
pub fn open_test(source: &Source) -> Result<Arc<dyn Dataset>> {
    if source.format != Format::ImageFolder || source.image_size == Some(0) {
        return Ok(open(source)?.test);
    }
    let test = image_folder::open_test(source.folder()?, source.options())?;
    Ok(limited(Arc::new(test), source.limit, first_of_each_class))
}

/// The first `limit` images: where the classes are mixed.
fn first(_: &dyn Dataset, limit: usize) -> Vec<usize> {
    (0..limit).collect()
}

/// The first image of every class, the second of every class, until there are `limit`; in the order
/// of the data set.
fn first_of_each_class(dataset: &dyn Dataset, limit: usize) -> Vec<usize> {
    let mut seen = vec![0_usize; dataset.classes().len()];
    let mut by_rank: Vec<(usize, usize)> = (0..dataset.len())
        .map(|index| {
            let rank = seen.get_mut(dataset.label(index) as usize).map_or(0, |seen| {
                *seen += 1;
                *seen
            });
            (rank, index)
        })
        .collect();
    by_rank.sort_unstable();
    by_rank.truncate(limit);
    let mut indices: Vec<usize> = by_rank.into_iter().map(|(_, index)| index).collect();
    indices.sort_unstable();
    indices
}

/// Some images of a data set.
struct Subset {
    dataset: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl Subset {
    fn inner(&self, index: usize) -> usize {
        self.indices.get(index).copied().unwrap_or(usize::MAX)
    }
}

impl Dataset for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn example(&self, index: usize) -> Result<Example> {
        let beyond = || Error::failed(format!("there is no image {index} of {}", self.len()));
        self.dataset.example(*self.indices.get(index).ok_or_else(beyond)?)
    }
    fn part(
        &self,
        index: usize,
        choose: &mut dyn FnMut(usize, usize) -> Part,
    ) -> Result<Option<Example>> {
        self.dataset.part(self.inner(index), choose)
    }
    fn label(&self, index: usize) -> u32 {
        self.dataset.label(self.inner(index))
    }
    fn name(&self, index: usize) -> String {
        self.dataset.name(self.inner(index))
    }
    fn classes(&self) -> &[Class] {
        self.dataset.classes()
    }
    fn shape(&self) -> [usize; 3] {
        self.dataset.shape()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::test_data;
    use crate::error::Kind;

    #[test]
    fn a_limit_takes_the_first_of_each_split() {
        let Some(path) = test_data::folder("cifar-10-subset") else { return };
        let all = open(&Source::new(Format::Cifar10, &path)).unwrap();
        let some = open(&Source { limit: 7, ..Source::new(Format::Cifar10, path) }).unwrap();
        assert_eq!((some.train.len(), some.test.len()), (7, 7));
        assert_eq!(some.train.name(6), all.train.name(6));
        assert_eq!(some.train.example(6).unwrap(), all.train.example(6).unwrap());
        assert!(some.train.example(7).is_err());
    }

    #[test]
    fn a_limit_on_data_sorted_by_class_takes_of_every_class() {
        let root = tempfile::tempdir().unwrap();
        for (class, count) in [("a", 5), ("b", 1), ("c", 5)] {
            for split in ["train", "val"] {
                let folder = root.path().join(split).join(class);
                std::fs::create_dir_all(&folder).unwrap();
                for number in 0..count {
                    std::fs::write(folder.join(format!("{number}.png")), b"").unwrap();
                }
            }
        }
        let source = Source { limit: 4, ..Source::new(Format::ImageFolder, root.path()) };
        let train = open(&source).unwrap().train;
        let names: Vec<String> = (0..train.len()).map(|index| train.name(index)).collect();
        assert_eq!(names, ["a/0.png", "a/1.png", "b/0.png", "c/0.png"]);
        let alone = open_test(&source).unwrap();
        let of_alone: Vec<String> = (0..alone.len()).map(|index| alone.name(index)).collect();
        assert_eq!(of_alone, names);
    }

    #[test]
    fn shapes_need_no_path_and_come_in_any_size() {
        let format = Format::Shapes { train: 5, test: 4 };
        let source = Source { path: None, limit: 3, ..Source::new(format, "") };
        let own = open(&source).unwrap();
        assert_eq!((own.train.len(), own.test.len(), own.test.shape()), (3, 3, [3, 64, 64]));
        assert_ne!(own.train.example(0).unwrap().pixels, own.test.example(0).unwrap().pixels);
        let small = open(&Source { image_size: Some(32), ..source }).unwrap();
        assert_eq!(small.test.shape(), [3, 32, 32]);
        assert_eq!(small.test.example(2).unwrap().pixels.len(), 3 * 32 * 32);
        assert!(small.test.example(3).is_err());
    }

    #[test]
    fn a_path_that_is_missing_is_bad_input() {
        for format in [Format::Cifar10, Format::Idx, Format::ImageFolder] {
            let error = open(&Source::new(format, "/nowhere/at/all")).err().unwrap();
            assert_eq!(error.kind, Kind::BadInput);
            assert_eq!(error.message, "'/nowhere/at/all' does not exist");
            assert!(error.hint.unwrap().contains("data.path"));
            let error = open(&Source { path: None, ..Source::new(format, "") }).err().unwrap();
            assert_eq!(error.kind, Kind::BadInput);
        }
    }
}
