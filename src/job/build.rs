//! From what a spec says to the objects that do it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};

mod adversarial;
mod attack;
mod labelled;
mod nouns;
mod resolve;
mod set;
pub mod single;
mod taps;
mod trace;

pub use adversarial::{Against, against, alarm_attacks, feature_layers};
pub(super) use attack::resolve_members;
pub use attack::{attack, named_network};
pub use labelled::labelled;
pub use nouns::{Nouns, affinity, nouns};
pub use resolve::{estimate, resolve};
pub use set::adversarial_set;
pub use taps::{chosen_taps, taps};
pub use trace::{given_pictures, measure, tap_to_trace};

use crate::attack::Target;
use crate::data::OnDamaged;
use crate::data::{Augmentation, Dataset};
use crate::data::{Format, Opened, Source};
use crate::device::{DeviceName, usual_precision};
use crate::error::text::escaped;
use crate::error::{Error, Result};
use crate::model::arch::sequential;
use crate::model::weights::{self, Header, Weights};
use crate::model::{self, Arch, Model, ModelConfig};
use crate::ops::{self, Precision};
use crate::run::folder::RunFolder;
use crate::run::study;
use crate::spec::{self, Spec};
use crate::train::checkpoint::weights_only;
use crate::train::{Adam, Optimizer, Rule, Schedule, Sgd, Shape, Trainer};

/// Both splits of the spec's data.
pub fn open_data(spec: &Spec) -> Result<Opened> {
    crate::data::open(&source(spec))
}

/// The test split alone, for what looks at no other.
pub fn open_test(spec: &Spec) -> Result<Arc<dyn Dataset>> {
    crate::data::open_test(&source(spec))
}

fn source(spec: &Spec) -> Source {
    let data = &spec.data;
    Source {
        format: match data.format {
            spec::DataFormat::Shapes => {
                Format::Shapes { train: data.train_images, test: data.test_images }
            }
            spec::DataFormat::ImageFolder => Format::ImageFolder,
            spec::DataFormat::Cifar10 => Format::Cifar10,
            spec::DataFormat::Idx => Format::Idx,
        },
        path: data.path.as_ref().map(PathBuf::from),
        image_size: data.image_size,
        limit: data.limit,
        class_names: (!data.class_names.is_empty()).then(|| data.class_names.clone()),
        resize: None,
        holdout: data.holdout,
        seed: spec.seed,
    }
}

/// Mean and standard deviation of 0..1 pixels where the spec and the weights say nothing: those of
/// the architecture's published weights, otherwise the data's.
fn normalisation(arch: Arch, format: spec::DataFormat, channels: usize) -> (Vec<f64>, Vec<f64>) {
    if let (Some((mean, std)), 3) = (arch.usual_normalisation(), channels) {
        return (mean.to_vec(), std.to_vec());
    }
    match (format, channels) {
        (spec::DataFormat::Cifar10, 3) => {
            (vec![0.4914, 0.4822, 0.4465], vec![0.2470, 0.2435, 0.2616])
        }
        (spec::DataFormat::ImageFolder, 3) => {
            (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225])
        }
        // Fashion-MNIST's own.
        (spec::DataFormat::Idx, 1) => (vec![0.2860], vec![0.3530]),
        _ => (vec![0.5; channels], vec![0.25; channels]),
    }
}

/// The network of a resolved spec, with `model.weights` in it or fresh ones from the seed.
pub fn network(spec: &Spec, channels: usize, runs: &Path) -> Result<Model> {
    let device = spec.device.parse::<DeviceName>()?.open()?;
    ops::precision::set(match spec.precision {
        None => usual_precision(&device),
        Some(spec::Precision::F32) => Precision::F32,
        Some(spec::Precision::Tf32) => Precision::Tf32,
        Some(spec::Precision::Bf16) => Precision::Bf16,
    });
    network_on(&device, spec, channels, runs)
}

fn network_on(device: &Device, spec: &Spec, channels: usize, runs: &Path) -> Result<Model> {
    let unresolved = || Error::bad_input("the spec is not resolved: a key of [model] is missing");
    let config = ModelConfig {
        classes: spec.model.classes.ok_or_else(unresolved)?,
        channels,
        image_size: spec.data.image_size.ok_or_else(unresolved)?,
        mean: spec.model.mean.clone().ok_or_else(unresolved)?,
        std: spec.model.std.clone().ok_or_else(unresolved)?,
        seed: spec.seed,
        layers: listed(&spec.model.layers)?,
    };
    let model = model::build(arch(spec.model.arch)?, config, device)?;
    if let Some(word) = &spec.model.weights {
        load_weights(&model, &weights_path(word, runs)?, &Device::Cpu)?;
    }
    Ok(model)
}

/// What weights say of themselves, if they do. `section` is where they are named.
pub(super) fn header(
    section: &str,
    arch: spec::Arch,
    word: &str,
    runs: &Path,
) -> Result<Option<Header>> {
    let path = weights_path(word, runs)?;
    let header = weights::read(&path, &Device::Cpu)?.header;
    let arch = spec::word(arch);
    match &header {
        Some(header) if header.arch != arch => Err(Error::bad_input(format!(
            "the weights '{}' are of '{}', but {section}.arch = '{arch}'",
            path.display(),
            header.arch,
        ))),
        _ => Ok(header),
    }
}

/// The architecture of a spec: both rooms write their names alike.
fn arch(arch: spec::Arch) -> Result<Arch> {
    spec::word(arch).parse()
}

/// The entries of a list of layers.
fn listed(layers: &[String]) -> Result<Vec<sequential::Layer>> {
    layers.iter().map(|layer| sequential_layer(layer)).collect()
}

/// An entry of `model.layers`, which the spec has checked.
fn sequential_layer(text: &str) -> Result<sequential::Layer> {
    use sequential::Layer as To;
    use spec::layer::Layer as From;
    let layer: From = text.parse().map_err(|expected| {
        Error::bad_input(format!("model.layers: '{}': {expected}", escaped(text)))
    })?;
    let pool = |pool: spec::layer::Pool| {
        let spec::layer::Pool { kernel, stride, padding, ceil } = pool;
        sequential::Pool { kernel, stride, padding, ceil }
    };
    Ok(match layer {
        From::Conv { outputs, kernel, stride, padding, dilation, groups, bias } => {
            To::Conv { outputs, kernel, stride, padding, dilation, groups, bias }
        }
        From::BatchNorm => To::BatchNorm,
        From::Relu => To::Relu,
        From::MaxPool(of) => To::MaxPool(pool(of)),
        From::AvgPool(of) => To::AvgPool(pool(of)),
        From::AdaptiveAvgPool { size } => To::AdaptiveAvgPool { size },
        From::Dropout { probability } => To::Dropout { probability },
        From::Flatten => To::Flatten,
        From::Linear { outputs } => To::Linear { outputs },
    })
}

/// Puts the weights of a file, or of a checkpoint, into a network.
pub fn load_weights(model: &Model, path: &Path, device: &Device) -> Result<()> {
    let Weights { tensors, .. } = weights::read(path, device)?;
    put_weights(model, weights_only(tensors), path)
}

/// Puts tensors that were read from `path` into a network.
pub(super) fn put_weights(
    model: &Model,
    tensors: HashMap<String, Tensor>,
    path: &Path,
) -> Result<()> {
    model.parameters().load(tensors).map_err(|mut error| {
        error.message = format!("'{}': {}", path.display(), error.message);
        error
    })
}

/// The file behind `model.weights`: a path, `run:ID`, `run:ID@best` or `run:ID@last`.
pub fn weights_path(word: &str, runs: &Path) -> Result<PathBuf> {
    let Some(of_run) = word.strip_prefix("run:") else { return Ok(PathBuf::from(word)) };
    let (id, which) = of_run.split_once('@').unwrap_or((of_run, "best"));
    let folder = RunFolder::resolve(runs, id)?;
    study::alone(&folder)?;
    let path = super::checkpoints::named(folder.path(), which)?;
    path.ok_or_else(|| {
        Error::bad_input(format!("run '{}' has no checkpoint '{which}' yet", folder.id()))
            .hint("say run:ID@best or run:ID@last, of a run that has trained for an epoch")
    })
}

/// `run:ID@best` with the run's whole id; other words as they are.
pub(super) fn whole_word(word: &str, runs: &Path) -> Result<String> {
    let Some(of_run) = word.strip_prefix("run:") else { return Ok(word.to_owned()) };
    let (id, which) = of_run.split_once('@').unwrap_or((of_run, "best"));
    Ok(format!("run:{}@{which}", RunFolder::resolve(runs, id)?.id()))
}

/// The trainer of a resolved spec, at step 0 of `total_steps`.
pub fn trainer(
    spec: &spec::TrainSpec,
    model: Model,
    class_names: Vec<String>,
    steps_an_epoch: u64,
    total_steps: u64,
) -> Trainer {
    let optimizer = &spec.optimizer;
    let adam = |decoupled| {
        Rule::Adam(Adam {
            betas: optimizer.betas,
            eps: optimizer.eps,
            weight_decay: optimizer.weight_decay,
            decoupled,
        })
    };
    let rule = match optimizer.name {
        spec::OptimizerName::Sgd => Rule::Sgd(Sgd {
            momentum: optimizer.momentum,
            nesterov: optimizer.nesterov,
            weight_decay: optimizer.weight_decay,
        }),
        spec::OptimizerName::Adam => adam(false),
        spec::OptimizerName::Adamw => adam(true),
    };
    let steps = |epochs: f64| (epochs * steps_an_epoch as f64).round() as u64;
    let shape = match spec.schedule.name {
        spec::ScheduleName::Constant => Shape::Constant,
        spec::ScheduleName::Cosine => Shape::Cosine,
        spec::ScheduleName::Step => Shape::Step {
            every: steps(spec.schedule.step_epochs).max(1),
            gamma: spec.schedule.gamma,
        },
    };
    Trainer {
        optimizer: Optimizer::new(rule, model.parameters()),
        model,
        class_names,
        schedule: Schedule {
            peak: optimizer.lr,
            warmup_steps: steps(spec.schedule.warmup_epochs),
            total_steps,
            shape,
        },
        label_smoothing: spec.label_smoothing,
        step: 0,
    }
}

/// Where a targeted attack aims; `None` = untargeted.
pub fn target(spec: &Spec, target: spec::Target) -> Option<Target> {
    match target {
        spec::Target::Named(spec::TargetName::None) => None,
        spec::Target::Named(spec::TargetName::Random) => Some(Target::Random { seed: spec.seed }),
        spec::Target::Named(spec::TargetName::LeastLikely) => Some(Target::LeastLikely),
        spec::Target::Class(class) => Some(Target::Class(class as u32)),
    }
}

/// The class that `key` names, if the network has it.
fn known_class(key: &str, class: usize, network: &Model) -> Result<u32> {
    if class < network.classes() {
        return Ok(class as u32);
    }
    Err(Error::bad_input(format!(
        "{key} = {class}, but the network has {} classes",
        network.classes()
    ))
    .hint(format!("class indices go from 0 to {}", network.classes().saturating_sub(1))))
}

/// The augmentations of a spec.
pub fn augmentations(augment: &[spec::Augment]) -> Vec<Augmentation> {
    augment
        .iter()
        .map(|augment| match augment {
            spec::Augment::HorizontalFlip => Augmentation::HorizontalFlip,
            spec::Augment::RandomCrop => Augmentation::RandomCrop,
            spec::Augment::RandomResizedCrop => Augmentation::RandomResizedCrop,
        })
        .collect()
}

/// What happens to a file that cannot be decoded.
pub fn on_damaged(damaged: spec::Damaged) -> OnDamaged {
    match damaged {
        spec::Damaged::Skip => OnDamaged::Skip,
        spec::Damaged::Fail => OnDamaged::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::help::{self, ValueKind};

    fn spec(model: &str) -> Spec {
        let data = "[data]\nimage_size = 32\ntrain_images = 4\ntest_images = 4\n";
        let text = format!("{data}[model]\n{model}\n[neurons]\nadversarial = 'none'");
        spec::Document::parse("test", &text).unwrap().spec().unwrap()
    }

    #[test]
    fn every_architecture_of_a_spec_is_one_of_the_models() {
        let Some(ValueKind::Choice(words)) = help::find("model.arch").map(|key| key.kind) else {
            panic!("model.arch is no choice")
        };
        let known = Arch::ALL.map(Arch::as_str);
        assert_eq!(words, known);
    }

    #[test]
    fn a_listed_network_is_built_with_every_layer() {
        let layers = "'conv 8 3 padding=1', 'batch-norm', 'relu', 'max-pool 2', \
                      'conv 8 3 groups=2 bias=false', 'relu', 'avg-pool 2 ceil=true', \
                      'adaptive-avg-pool 2', 'dropout 0.5', 'flatten', 'linear 16'";
        let mut spec = spec(&format!("arch = 'sequential'\nlayers = [{layers}]"));
        resolve(&mut spec, Path::new(".")).unwrap();
        let model = network(&spec, 3, Path::new(".")).unwrap();
        let taps: Vec<_> = model.taps().iter().map(|t| (t.name.as_str(), t.shape)).collect();
        assert_eq!(taps, [("0", [8, 32, 32]), ("4", [8, 14, 14])]);
        let names: Vec<_> =
            model.parameters().trainable().iter().map(|parameter| &parameter.name).collect();
        let expected =
            ["0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "10.weight", "10.bias"];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_list_that_makes_no_network_is_bad_input_that_names_the_layer() {
        for (layers, part) in [
            ("'conv 8 3', 'linear 16'", "model.layers[1]"),
            ("'conv 8 40', 'flatten', 'linear 16'", "does not fit maps of 32×32"),
            ("'conv 8 3 groups=2', 'flatten', 'linear 16'", "into 2 groups"),
            ("'flatten', 'linear 3'", "ends with 3 outputs, but there are 16 classes"),
            ("'conv 8 3'", "ends with maps"),
            ("'flatten', 'conv 8 3', 'linear 16'", "model.layers[1]"),
        ] {
            let mut spec = spec(&format!("arch = 'sequential'\nlayers = [{layers}]"));
            let error = resolve(&mut spec, Path::new(".")).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{layers}");
            assert!(error.message.contains(part), "{layers}: {}", error.message);
        }
    }

    #[test]
    fn a_target_that_is_no_class_is_refused() {
        for (sections, key) in [
            ("[attack]\ntarget = 16", "attack.target = 16"),
            (
                "[train.adversarial]\nmethod = 'fgsm'\nepsilon = 4\ntarget = 16",
                "train.adversarial.target = 16",
            ),
        ] {
            let text = format!("[data]\ntrain_images = 4\ntest_images = 4\n{sections}\n");
            let mut spec = spec::Document::parse("test", &text).unwrap().spec().unwrap();
            let error = resolve(&mut spec, Path::new(".")).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{key}");
            assert!(error.message.contains(key), "{}", error.message);
            assert!(error.message.contains("16 classes"), "{}", error.message);
            assert!(error.hint.unwrap().contains("0 to 15"));
        }
    }

    #[test]
    fn an_architecture_for_larger_images_says_what_it_takes() {
        let error = resolve(&mut spec("arch = 'alexnet'"), Path::new(".")).err().unwrap();
        assert!(error.message.contains("at least 63×63"), "{}", error.message);
        let mut small = spec("arch = 'resnet20'");
        resolve(&mut small, Path::new(".")).unwrap();
        assert_eq!(small.model.mean, Some(vec![0.485, 0.456, 0.406]));
    }
}
