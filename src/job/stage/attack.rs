//! `attack`: a set of adversarial images of the test split, written as 8-bit PNGs and measured on
//! what was written (SCIENCE §2).

use std::sync::Arc;

use rayon::prelude::*;

use super::pixels;
use super::{in_order, log_damage, runs_of, trained_network};
use crate::attack::Victims;
use crate::attack::measure::{Distances, predictions};
use crate::data::DamageReport;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::model::Mode;
use crate::run::results::attack::{Attack, ModelRow, Pair};
use crate::run::write;
use crate::spec;

/// Where the images go, in the run folder.
pub const FOLDER: &str = "adversarial";

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.attack.clone() else { return Ok(StageEnd::Done) };
    let test = build::open_data(&spec)?.test;
    let shape = test.shape();
    let model = trained_network(context, &*test)?;
    let attack = build::attack(&spec, &section.how, runs_of(context.folder()))?;
    let target = build::target(&spec, section.target);
    let damage = Arc::<DamageReport>::default();
    let folder = context.folder().to_owned();
    let names = pixels::PictureNames::of(&*test);
    if section.how.pixel_bound() < 1.0 {
        context.log("epsilon is below one pixel level: 8-bit images cannot hold such a change")?;
    }
    let mut pairs: Vec<Pair> = Vec::with_capacity(test.len());
    let mut distances = Distances::default();
    for batch in in_order(context, &test, section.batch_size, &damage)? {
        let batch = batch?.to_device(model.device())?;
        let targets = target
            .map(|target| target.choose(&model, &batch.images, &batch.labels, &batch.indices))
            .transpose()?;
        let victims = Victims {
            images: &batch.images,
            labels: &batch.labels,
            indices: &batch.indices,
            targets: targets.as_ref(),
        };
        let adversarial = pixels::to_bytes_within(
            &attack.perturb(&model, &victims)?,
            &batch.images,
            section.how.pixel_bound(),
        )?;
        // From here on only what the files hold counts.
        let written = pixels::from_bytes(&adversarial, shape)?.to_device(model.device())?;
        distances = distances.and(Distances::of(&written, &batch.images)?);
        let clean = predictions(&model.forward(&batch.images, Mode::Evaluate, &[])?.logits)?;
        let fooled = predictions(&model.forward(&written, Mode::Evaluate, &[])?.logits)?;
        let targets: Option<Vec<u32>> = targets.map(|targets| targets.to_vec1()).transpose()?;
        let first = pairs.len();
        for (at, &index) in batch.indices.iter().enumerate() {
            pairs.push(Pair {
                index: index as u64,
                image: test.name(index),
                picture: format!("{FOLDER}/{}", names.of_image(index)),
                label: test.label(index),
                target: targets.as_ref().and_then(|targets| targets.get(at).copied()),
                prediction_clean: clean[at],
                prediction_adversarial: fooled[at],
            });
        }
        adversarial.par_iter().zip(&pairs[first..]).try_for_each(|(image, pair)| {
            let path = folder.join(&pair.picture);
            if let Some(parent) = path.parent() {
                write::folder(parent)?;
            }
            write::whole_unsynced(&path, &pixels::encode(image, shape)?)
        })?;
        let done = pairs.len() as u64;
        context.metrics(done, &[("adversarial_top1", share(&pairs, is_right_adversarial))])?;
        if context.progress(done, test.len() as u64)? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
    }
    log_damage(context, &damage, &mut 0)?;
    if pairs.is_empty() {
        return Err(Error::failed("no image could be read, so none was attacked"));
    }
    let result = summarise(&spec, &section, distances, pairs);
    context.log(&format!(
        "{} ε {}: {} images, success {:.4}, top-1 {:.4} → {:.4}; largest perturbation {:.2}/255",
        result.method,
        result.epsilon,
        result.images,
        result.success_rate,
        result.models[0].top1_clean,
        result.models[0].top1_adversarial,
        result.linf_max,
    ))?;
    let json = serde_json::to_vec_pretty(&result)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    context.write("results/attack.json", &json)?;
    Ok(StageEnd::Done)
}

fn summarise(
    spec: &spec::Spec,
    section: &spec::AttackSpec,
    distances: Distances,
    pairs: Vec<Pair>,
) -> Attack {
    let targeted = section.target != spec::Target::None;
    let reached = |pair: &Pair| pair.target == Some(pair.prediction_adversarial);
    // What the network takes for the target anyway is no success of the attack.
    let elsewhere: Vec<Pair> =
        pairs.iter().filter(|pair| pair.target != Some(pair.prediction_clean)).cloned().collect();
    let targeted_success = targeted.then(|| share(&elsewhere, reached));
    let were_right: Vec<Pair> = pairs.iter().filter(|pair| is_right_clean(pair)).cloned().collect();
    let untargeted = share(&were_right, |pair| !is_right_adversarial(pair));
    let images = distances.images.max(1) as f64;
    Attack {
        method: spec::word(section.how.method),
        epsilon: section.how.bound(),
        images: pairs.len() as u64,
        targeted,
        success_rate: targeted_success.unwrap_or(untargeted),
        linf_max: distances.linf_max,
        l2_mean: distances.l2_sum / images,
        rmsd_mean: distances.rmsd_sum / images,
        models: vec![ModelRow {
            arch: spec::word(spec.model.arch),
            top1_clean: share(&pairs, is_right_clean),
            top1_adversarial: share(&pairs, is_right_adversarial),
            target_rate: targeted.then(|| share(&pairs, reached)),
        }],
        pairs,
    }
}

fn is_right_clean(pair: &Pair) -> bool {
    pair.prediction_clean == pair.label
}

fn is_right_adversarial(pair: &Pair) -> bool {
    pair.prediction_adversarial == pair.label
}

fn share(pairs: &[Pair], holds: impl Fn(&Pair) -> bool) -> f64 {
    if pairs.is_empty() {
        return 0.0;
    }
    pairs.iter().filter(|pair| holds(pair)).count() as f64 / pairs.len() as f64
}
