//! From the keys of an attack to the attack, with the networks of an ensemble.

use std::path::Path;

use candle_core::Device;

use super::{arch, header, listed, load_weights, normalisation, weights_path, whole_word};
use crate::attack::{
    Apgd, ApgdLoss, Attack, Ball, Bim, CarliniWagner, Clean, DeepFool, Ensemble, Fgsm, Fusion,
    LeastLikely, Mim, Pgd, PixelLevels, Square,
};
use crate::device::DeviceName;
use crate::error::{Error, Result};
use crate::model::{self, Model, ModelConfig};
use crate::spec::{self, AttackMethod, EnsembleModel, MethodSpec, Norm, Spec};

/// Fills what the weights of the networks besides `[model]` decide.
pub(in crate::job) fn resolve_members(spec: &mut Spec, channels: usize, runs: &Path) -> Result<()> {
    let (format, image_size) = (spec.data.format, spec.data.image_size);
    let resolve = |section: &str, member: &mut EnsembleModel| -> Result<()> {
        member.weights = whole_word(&member.weights, runs)?;
        let header = header(section, member.arch, &member.weights, runs)?;
        let (mean, std) = match &header {
            Some(header) if header.channels == channels => {
                (header.mean.clone(), header.std.clone())
            }
            _ => normalisation(arch(member.arch)?, format, channels),
        };
        member.mean.get_or_insert(mean);
        member.std.get_or_insert(std);
        if member.image_size.is_none() {
            member.image_size = header.map(|header| header.image_size).or(image_size);
        }
        Ok(())
    };
    let mut done = Ok(());
    spec.change_networks(|section, member| {
        if done.is_ok() {
            done = resolve(section, member);
        }
    });
    done
}

/// The attack that `how` describes, in a run of the resolved `spec` and on its device; `runs` is
/// where `run:ID` looks. What it draws at random comes from the run's seed.
pub fn attack(spec: &Spec, how: &MethodSpec, runs: &Path) -> Result<Box<dyn Attack>> {
    attack_on(&spec.device.parse::<DeviceName>()?.open()?, spec, how, runs)
}

/// The same on a device.
pub(super) fn attack_on(
    device: &Device,
    spec: &Spec,
    how: &MethodSpec,
    runs: &Path,
) -> Result<Box<dyn Attack>> {
    let how = how.resolved();
    let missing = || Error::failed(format!("{} misses a key", spec::word(how.method)));
    let ball = |epsilon| match how.bounding_norm() {
        Norm::Linf => Ball::linf(epsilon),
        Norm::L2 => Ball::l2(epsilon),
    };
    let bound = how.epsilon.filter(|&epsilon| epsilon > 0.0).map(ball);
    let ball = ball(how.epsilon.unwrap_or(0.0));
    let epsilon = ball.epsilon;
    let steps = || how.steps.ok_or_else(missing);
    let step_size = || how.step_size.map(PixelLevels).ok_or_else(missing);
    let restarts = || how.restarts.ok_or_else(missing);
    let seed = spec.seed;
    let apgd = |loss| -> Result<Box<dyn Attack>> {
        Ok(Box::new(Apgd { ball, loss, steps: steps()?, restarts: restarts()?, seed }))
    };
    Ok(match how.method {
        AttackMethod::None => Box::new(Clean),
        AttackMethod::Fgsm => Box::new(Fgsm { ball }),
        AttackMethod::Bim => Box::new(Bim { epsilon, steps: steps()?, step_size: step_size()? }),
        AttackMethod::Pgd => {
            let (step_size, restarts) = (step_size()?, restarts()?);
            Box::new(Pgd { ball, steps: steps()?, step_size, restarts, seed })
        }
        AttackMethod::Mim => Box::new(Mim {
            epsilon,
            steps: steps()?,
            step_size: step_size()?,
            momentum: how.momentum.ok_or_else(missing)?,
        }),
        AttackMethod::LeastLikely => {
            Box::new(LeastLikely { epsilon, steps: steps()?, step_size: step_size()? })
        }
        AttackMethod::Deepfool => Box::new(DeepFool {
            bound,
            steps: steps()?,
            overshoot: how.overshoot.ok_or_else(missing)?,
        }),
        AttackMethod::Cw => Box::new(CarliniWagner {
            bound,
            steps: steps()?,
            confidence: how.confidence.ok_or_else(missing)?,
            learning_rate: how.learning_rate.ok_or_else(missing)?,
            search_steps: how.search_steps.ok_or_else(missing)?,
            initial_c: how.initial_c.ok_or_else(missing)?,
        }),
        AttackMethod::ApgdCe => apgd(ApgdLoss::CrossEntropy)?,
        AttackMethod::ApgdDlr => apgd(ApgdLoss::DifferenceOfLogitsRatio)?,
        AttackMethod::Square => {
            let queries = how.queries.ok_or_else(missing)?;
            Box::new(Square { ball, queries, restarts: restarts()?, seed })
        }
        AttackMethod::Ensemble => Box::new(Ensemble {
            models: how
                .models
                .iter()
                .map(|member| network_on(device, spec, member, runs))
                .collect::<Result<_>>()?,
            fusion: match how.fusion.ok_or_else(missing)? {
                spec::Fusion::Loss => Fusion::Loss,
                spec::Fusion::Probability => Fusion::Probability,
                spec::Fusion::Logits => Fusion::Logits,
            },
            bound,
            steps: steps()?,
            step_size: step_size()?,
            distortion_weight: how.distortion_weight.ok_or_else(missing)?,
        }),
    })
}

/// A network that is named besides `[model]`, with its weights, on the run's device.
pub fn named_network(spec: &Spec, member: &EnsembleModel, runs: &Path) -> Result<Model> {
    network_on(&spec.device.parse::<DeviceName>()?.open()?, spec, member, runs)
}

fn network_on(device: &Device, spec: &Spec, member: &EnsembleModel, runs: &Path) -> Result<Model> {
    let unresolved = || Error::bad_input("the spec is not resolved: a key of a network is missing");
    let mean = member.mean.clone().ok_or_else(unresolved)?;
    let config = ModelConfig {
        classes: spec.model.classes.ok_or_else(unresolved)?,
        channels: mean.len(),
        image_size: member.image_size.ok_or_else(unresolved)?,
        mean,
        std: member.std.clone().ok_or_else(unresolved)?,
        seed: spec.seed,
        layers: listed(&member.layers)?,
    };
    let model = model::build(arch(member.arch)?, config, device)?;
    load_weights(&model, &weights_path(&member.weights, runs)?, &Device::Cpu)?;
    Ok(model)
}
