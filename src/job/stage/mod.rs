//! One file a stage: the maths on one side, [`Context`] on the other.

pub(super) mod attack;
mod consistency;
mod dissect;
mod evaluate;
pub(super) mod networks;
pub(super) mod neurons;
pub(super) mod pixels;
mod ranking;
mod rounded;
mod sample;
mod trace;
mod train;

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use super::Stage;
use super::build;
use super::checkpoints;
use super::context::Context;
use crate::data::Dataset;
use crate::data::{DamageReport, Loader, LoaderConfig, OnDamaged};
use crate::error::Result;
use crate::model::Model;
use crate::spec::{Spec, TrainSpec};

/// Every stage, in the order in which a run goes through them.
///
/// Costs are in forward passes over the images: a training step is one and two backward ones.
pub const STAGES: &[Stage] = &[
    Stage {
        name: "train",
        wanted: |spec| spec.train.is_some(),
        cost: |spec| spec.train.as_ref().map_or(0.0, training_cost),
        run: train::run,
    },
    Stage {
        name: "evaluate",
        wanted: |spec| spec.evaluate.is_some(),
        cost: |spec| spec.evaluate.as_ref().map_or(0.0, evaluate::cost),
        run: evaluate::run,
    },
    Stage {
        name: "attack",
        wanted: |spec| spec.attack.is_some(),
        cost: |spec| spec.attack.as_ref().map_or(0.0, attack::cost),
        run: attack::run,
    },
    Stage {
        name: "neurons",
        wanted: |spec| spec.neurons.is_some(),
        cost: |spec| spec.neurons.as_ref().map_or(0.0, neurons::cost),
        run: neurons::run,
    },
    Stage {
        name: "dissect",
        wanted: |spec| spec.dissect.is_some(),
        cost: |spec| spec.dissect.as_ref().map_or(0.0, |section| dissect::cost(spec, section)),
        run: dissect::run,
    },
    Stage {
        name: "consistency",
        wanted: |spec| spec.consistency.is_some(),
        cost: |spec| spec.consistency.as_ref().map_or(0.0, consistency::cost),
        run: consistency::run,
    },
    Stage {
        name: "trace",
        wanted: |spec| spec.trace.is_some(),
        cost: |spec| spec.trace.as_ref().map_or(0.0, |section| trace::cost(spec, section)),
        run: trace::run,
    },
];

/// Adversarial training sees each image twice, and its attack goes forward, or forward and back
/// without the weights' gradients: a third and two thirds of a training pass.
fn training_cost(train: &TrainSpec) -> f64 {
    let attacked = train.adversarial.as_ref().map_or(0.0, |section| {
        let [forward, gradient] = section.passes();
        1.0 + (forward as f64 + 2.0 * gradient as f64) / 3.0
    });
    15.0 * train.epochs as f64 * (1.0 + attacked)
}

/// The runs folder that a run lies in.
pub(super) fn runs_of(folder: &Path) -> &Path {
    folder.parent().unwrap_or(Path::new("."))
}

/// The network that the stages after training look at. Says in the log which.
fn trained_network(context: &mut Context, dataset: &dyn Dataset) -> Result<Model> {
    let (network, weights) = network_of(context.spec(), context.folder(), dataset.shape()[0])?;
    context.log(&format!("weights: {weights}"))?;
    Ok(network)
}

/// The network of the run in `folder`, with its best weights if it has trained, otherwise with
/// `model.weights`; and which these are, in words.
pub(super) fn network_of(spec: &Spec, folder: &Path, channels: usize) -> Result<(Model, String)> {
    let network = build::network(spec, channels, runs_of(folder))?;
    let weights = if spec.train.is_some()
        && let Some(best) = checkpoints::named(folder, "best")?
    {
        build::load_weights(&network, &best, &Device::Cpu)?;
        "the best of this run".to_owned()
    } else if let Some(weights) = &spec.model.weights {
        weights.clone()
    } else {
        "fresh ones from the seed; this network has learned nothing".to_owned()
    };
    Ok((network, weights))
}

/// A loader over a whole set in order, from a batch on: what came before is done.
fn from(
    context: &Context,
    dataset: &Arc<dyn Dataset>,
    batch_size: usize,
    start_batch: usize,
    damage: &Arc<DamageReport>,
) -> Result<Loader> {
    let order = (0..dataset.len()).collect();
    Loader::new(LoaderConfig { start_batch, ..config(context, dataset, order, batch_size, damage) })
}

/// A loader over images that could be read before, from a batch on.
fn read_before(
    context: &Context,
    dataset: &Arc<dyn Dataset>,
    order: Vec<usize>,
    batch_size: usize,
    start_batch: usize,
) -> Result<Loader> {
    let damage = Arc::default();
    let config = config(context, dataset, order, batch_size, &damage);
    // What can no longer be read would be missing from half of the result.
    Loader::new(LoaderConfig { start_batch, on_damaged: OnDamaged::Fail, ..config })
}

/// A loader over some images of a set, unchanged.
fn chosen(
    context: &Context,
    dataset: &Arc<dyn Dataset>,
    order: Vec<usize>,
    batch_size: usize,
    damage: &Arc<DamageReport>,
) -> Result<Loader> {
    Loader::new(config(context, dataset, order, batch_size, damage))
}

fn config(
    context: &Context,
    dataset: &Arc<dyn Dataset>,
    order: Vec<usize>,
    batch_size: usize,
    damage: &Arc<DamageReport>,
) -> LoaderConfig {
    let data = &context.spec().data;
    LoaderConfig {
        order,
        workers: data.workers,
        on_damaged: build::on_damaged(data.damaged),
        damage: Arc::clone(damage),
        ..LoaderConfig::new(Arc::clone(dataset), batch_size)
    }
}

/// Says once how many images of `of`, the `test split`, could not be read, and which.
fn log_damage(
    context: &mut Context,
    of: &str,
    damage: &DamageReport,
    already: &mut usize,
) -> Result<()> {
    let count = damage.count();
    if count > *already {
        let named: Vec<String> =
            damage.first().iter().map(|one| format!("{}: {}", one.name, one.reason)).collect();
        let (images, named) = (if count == 1 { "image" } else { "images" }, named.join("; "));
        context.log(&format!("skipped {count} damaged {images} of the {of}: {named}"))?;
        *already = count;
    }
    Ok(())
}
