//! What a network says of some pictures: `glassbox predict`, without a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::build;
use crate::data::wordnet::imagenet_classes;
use crate::data::{CentreCrop, DamageReport, Dataset, Loader, LoaderConfig, OnDamaged, Pictures};
use crate::device::{DeviceName, usual_precision};
use crate::error::{Error, Kind, Result};
use crate::model::weights::{self, Header, Weights};
use crate::model::{self, Arch, Mode, Model, ModelConfig};
use crate::ops;
use crate::train::checkpoint::weights_only;

/// Pictures that go through the network together.
const BATCH: usize = 32;

/// Up to this size networks are trained on whole small pictures, not on the centre of large ones.
const SMALL: usize = 64;

/// What is to be predicted, and how. `None` = as the weights say, else the usual.
#[derive(Debug, Clone)]
pub struct Request {
    /// The architecture's name; weights that this program wrote know theirs.
    pub arch: Option<String>,
    /// A file, `run:ID`, `run:ID@best` or `run:ID@last`.
    pub weights: String,
    /// Per channel, of pixels in 0..1.
    pub mean: Option<Vec<f64>>,
    /// Per channel, of pixels in 0..1.
    pub std: Option<Vec<f64>>,
    /// Short side to scale to, in pixels.
    pub resize: Option<usize>,
    /// Side of the square cut out of the centre.
    pub crop: Option<usize>,
    /// How many classes to tell; fewer if the network has fewer.
    pub top: usize,
    /// Files and folders.
    pub images: Vec<PathBuf>,
}

/// A class and how likely it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    /// The network's output.
    pub index: usize,
    /// What it stands for; where that is not known, the index again.
    pub label: String,
    /// 0..1.
    pub probability: f64,
}

/// What came of one picture: the likeliest classes, the likeliest first, or why it cannot be read.
pub type Outcome = (PathBuf, Result<Vec<Guess>, String>);

/// Predicts every picture, in order.
pub fn predict(request: &Request, runs: impl FnOnce() -> Result<PathBuf>) -> Result<Vec<Outcome>> {
    let device = DeviceName::Auto.open()?;
    ops::precision::set(usual_precision(&device));
    let path = if request.weights.starts_with("run:") {
        build::weights_path(&request.weights, &runs()?)?
    } else {
        PathBuf::from(&request.weights)
    };
    let Weights { header, tensors } = weights::read(&path, &Device::Cpu)?;
    let tensors = weights_only(tensors);
    let (arch, config) = record(request, header.as_ref(), &path)?;
    let model = fitting(arch, config, &tensors, &device)?;
    build::put_weights(&model, tensors, &path)?;

    let config = model.config();
    let crop = config.image_size;
    let usual = usual_crop(crop);
    let transform = CentreCrop { resize: request.resize.unwrap_or(usual.resize), crop };
    let pictures = Arc::new(Pictures::find(&request.images, transform, config.channels)?);
    let labels = class_names(header.as_ref(), config.classes);
    run(&model, &pictures, request.top, &labels, &device)
}

/// How pictures of any size become a network's input of `side` pixels.
pub(super) fn usual_crop(side: usize) -> CentreCrop {
    if side > SMALL { CentreCrop::usual(side) } else { CentreCrop::scale(side) }
}

/// Which network, made for what: what the request says, else what the weights say, else the
/// architecture's default.
fn record(request: &Request, header: Option<&Header>, path: &Path) -> Result<(Arch, ModelConfig)> {
    let arch: Arch = match (&request.arch, header) {
        (Some(asked), Some(header)) if *asked != header.arch => {
            return Err(Error::bad_input(format!(
                "the weights '{}' are of '{}', not of '{asked}'",
                path.display(),
                header.arch
            ))
            .hint("leave --arch out: these weights know theirs"));
        }
        (Some(asked), _) => asked.parse()?,
        (None, Some(header)) => header.arch.parse()?,
        (None, None) => {
            return Err(Error::bad_input(format!(
                "the weights '{}' do not say of what network they are",
                path.display()
            ))
            .hint("add --arch: the network's architecture"));
        }
    };
    let mut config = match header {
        Some(header) => header.to_config(0)?.1,
        None => usual_config(arch),
    };
    if arch == Arch::Sequential && config.layers.is_empty() {
        return Err(Error::bad_input(format!(
            "the weights '{}' do not say of what layers their network is",
            path.display()
        ))
        .hint("name the layers in a spec, as model.layers, and measure them by [evaluate]"));
    }
    if let Some(crop) = request.crop {
        config.image_size = crop;
    }
    for (given, value) in [(&request.mean, &mut config.mean), (&request.std, &mut config.std)] {
        if let Some(given) = given {
            value.clone_from(given);
        }
    }
    Ok((arch, config))
}

/// What weights of other programs are taken for.
fn usual_config(arch: Arch) -> ModelConfig {
    let image_size = arch.usual_image_size().unwrap_or(SMALL);
    ModelConfig {
        classes: if image_size > SMALL { 1000 } else { 10 },
        channels: 3,
        image_size,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
        seed: 0,
        layers: Vec::new(),
    }
}

/// A network with as many outputs as the weights have: its last value has one number for each.
fn fitting(
    arch: Arch,
    config: ModelConfig,
    tensors: &std::collections::HashMap<String, Tensor>,
    device: &Device,
) -> Result<Model> {
    let model = model::build(arch, config, device)?;
    let last = model.parameters().trainable().last().map(|last| last.name.clone());
    let found = last.and_then(|name| tensors.get(&name)?.dims().first().copied());
    match found {
        Some(classes) if classes > 0 && classes != model.classes() => {
            let config = ModelConfig { classes, ..model.config().clone() };
            drop(model);
            model::build(arch, config, device)
        }
        _ => Ok(model),
    }
}

/// What each output stands for; empty where nobody says.
pub(super) fn class_names(header: Option<&Header>, classes: usize) -> Vec<String> {
    let known = header.map(|header| header.class_names.clone()).unwrap_or_default();
    if known.is_empty() && classes == 1000 {
        return imagenet_classes().into_iter().map(str::to_owned).collect();
    }
    known
}

fn run(
    model: &Model,
    pictures: &Arc<Pictures>,
    top: usize,
    labels: &[String],
    device: &Device,
) -> Result<Vec<Outcome>> {
    let mut guesses: Vec<Option<Vec<Guess>>> = vec![None; pictures.len()];
    let damage = Arc::new(DamageReport::default());
    let loader = Loader::new(LoaderConfig {
        on_damaged: OnDamaged::Skip,
        damage: Arc::clone(&damage),
        ..LoaderConfig::new(Arc::clone(pictures) as Arc<dyn Dataset>, BATCH)
    })?;
    for batch in loader {
        let batch = match batch {
            // The loader's complaint that nothing could be read: each picture gets its own.
            Err(error) if error.kind == Kind::BadInput && damage.count() == pictures.len() => break,
            batch => batch?,
        };
        let images = batch.images.to_device(device)?;
        let logits = model.forward(&images, Mode::Evaluate, &[])?.logits.to_vec2::<f32>()?;
        for (&index, logits) in batch.indices.iter().zip(&logits) {
            if let Some(place) = guesses.get_mut(index) {
                *place = Some(best(logits, top, labels));
            }
        }
    }
    let outcomes = guesses.into_iter().enumerate().map(|(index, guesses)| {
        let outcome = match guesses {
            Some(guesses) => Ok(guesses),
            // Read once more, for the reason.
            None => Err(pictures
                .example(index)
                .err()
                .map_or_else(|| "changed while it was read".to_owned(), |error| error.message)),
        };
        (pictures.path(index).to_owned(), outcome)
    });
    Ok(outcomes.collect())
}

/// The likeliest classes; of equal ones the first.
fn best(logits: &[f32], top: usize, labels: &[String]) -> Vec<Guess> {
    let probabilities = probabilities(logits);
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order
        .into_iter()
        .take(top)
        .map(|index| Guess {
            index,
            label: labels.get(index).cloned().unwrap_or_else(|| index.to_string()),
            probability: probabilities[index],
        })
        .collect()
}

/// The softmax of one image's logits.
pub(super) fn probabilities(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.iter().map(|&logit| f64::from(logit - most).exp());
    let sum: f64 = weights.clone().sum();
    weights.map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_their_probabilities_are_softmax() {
        let labels = ["cat", "dog"].map(String::from);
        let found = best(&[1.0, 3.0, 3.0, -200.0], 3, &labels);
        let order: Vec<(usize, &str)> =
            found.iter().map(|guess| (guess.index, guess.label.as_str())).collect();
        assert_eq!(order, [(1, "dog"), (2, "2"), (0, "cat")]);
        let expected = 1.0 / (2.0 + (-2.0_f64).exp());
        assert!((found[0].probability - expected).abs() < 1e-12);
        assert_eq!(best(&[1.0], 5, &[]).len(), 1);
    }

    #[test]
    fn a_thousand_classes_without_names_are_imagenets() {
        assert_eq!(class_names(None, 1000)[207], "golden retriever");
        assert!(class_names(None, 10).is_empty());
    }
}
