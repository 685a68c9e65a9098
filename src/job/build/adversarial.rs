//! From `[train.adversarial]` to who makes the adversarial images and what is made small (SCIENCE
//! §6).

use std::path::Path;

use super::{attack, known_class, taps};
use crate::attack::{Attack, SignSteps};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::spec::adversarial::{self, AdversarialSpec, Draw, Layers};
use crate::spec::{self, AttackMethod, MethodSpec, Norm, ProbeSpec, Spec};
use crate::train::{
    Adversary, Aim, BatchStatistics, Consistency, ConsistencyGradient, EpsilonDraw, Method,
    Objective,
};

/// What adversarial training has besides ordinary training.
pub struct Against {
    /// Who makes x*.
    pub adversary: Adversary,
    /// What is made small.
    pub objective: Objective,
    /// The consistency layers, which are measured also where their term has no weight.
    pub layers: Vec<String>,
    /// What the alarm does.
    pub on_overfitting: spec::OnOverfitting,
}

/// Fills the keys of `[train]` that other keys and the network decide.
pub(super) fn resolve(spec: &mut Spec, network: &Model) -> Result<()> {
    let Some(train) = &mut spec.train else { return Ok(()) };
    let best = match &train.adversarial {
        Some(_) if train.measures_attacks() => spec::Best::AdversarialTop1,
        _ => spec::Best::Top1,
    };
    train.best.get_or_insert(best);
    if let Some(section) = &mut train.adversarial {
        *section = section.resolved();
        section.consistency_layer = Some(Layers::of(layers(section, network)?));
    }
    if let Some(evaluate) = &mut spec.evaluate
        && let Some(asked) = &evaluate.feature_layer
    {
        let key = "evaluate.feature_layer";
        evaluate.feature_layer = Some(Layers::of(taps(network, key, asked.names())?));
    }
    Ok(())
}

/// The consistency layers as the network names them.
fn layers(section: &AdversarialSpec, network: &Model) -> Result<Vec<String>> {
    match &section.consistency_layer {
        Some(asked) => taps(network, "train.adversarial.consistency_layer", asked.names()),
        None => network.taps().last().map(|tap| vec![tap.name.clone()]).ok_or_else(|| {
            Error::bad_input(format!("{} has no layer whose features can be read", network.arch()))
        }),
    }
}

/// The layers whose features `[evaluate]` measures: its own, else the consistency layers.
pub fn feature_layers(spec: &Spec) -> Vec<String> {
    let own = spec.evaluate.as_ref().and_then(|evaluate| evaluate.feature_layer.as_ref());
    let trained = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    let trained = trained.and_then(|section| section.consistency_layer.as_ref());
    own.or(trained).map(|layers| layers.names().to_vec()).unwrap_or_default()
}

/// What a resolved spec's `[train.adversarial]` describes; `None` = ordinary training. `runs` is
/// where `run:ID` looks.
pub fn against(spec: &Spec, network: &Model, runs: &Path) -> Result<Option<Against>> {
    let section = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    let Some(section) = section else { return Ok(None) };
    let layers = layers(section, network)?;
    let consistency = (section.consistency_weight > 0.0).then(|| Consistency {
        weight: section.consistency_weight,
        layers: layers.clone(),
        gradient: match section.consistency_gradient {
            adversarial::ConsistencyGradient::Both => ConsistencyGradient::Both,
            adversarial::ConsistencyGradient::Adversarial => ConsistencyGradient::Adversarial,
        },
    });
    let statistics = match section.batch_statistics {
        adversarial::BatchStatistics::Shared => BatchStatistics::Shared,
        adversarial::BatchStatistics::Separate => BatchStatistics::Separate,
        adversarial::BatchStatistics::Frozen => BatchStatistics::Frozen,
    };
    Ok(Some(Against {
        adversary: Adversary {
            method: method(spec, section, runs)?,
            target: target(section, network)?,
            seed: spec.seed,
        },
        objective: Objective { clean_weight: section.clean_weight, consistency, statistics },
        layers,
        on_overfitting: section.on_overfitting,
    }))
}

fn method(spec: &Spec, section: &AdversarialSpec, runs: &Path) -> Result<Method> {
    let how = section.method();
    let draw = section
        .epsilon
        .draw()
        .map_err(|expected| Error::bad_input(format!("train.adversarial.epsilon: {expected}")))?;
    let draw = match draw {
        Draw::Fixed(_) => {
            // Made once now, so that what is wrong is said before the first step.
            attack(spec, &how, runs)?;
            let (spec, runs) = (spec.clone(), runs.to_owned());
            return Ok(Method::Whole(Box::new(move |seed| {
                attack(&Spec { seed, ..spec.clone() }, &how, &runs)
            })));
        }
        Draw::Uniform { min, max } => EpsilonDraw::Uniform { min, max },
        Draw::Normal { deviation, cut } => EpsilonDraw::Normal { deviation, cut },
    };
    let several = |random_start, momentum| SignSteps {
        count: how.steps.unwrap_or(1),
        // A step is told for the largest bound; smaller ones have it in proportion.
        size: how.step_size.map_or(1.0, |size| size / draw.largest()),
        random_start,
        momentum,
    };
    let steps = match how.method {
        AttackMethod::Fgsm => {
            SignSteps { count: 1, size: 1.0, random_start: false, momentum: None }
        }
        AttackMethod::Bim | AttackMethod::LeastLikely => several(false, None),
        AttackMethod::Pgd => several(true, None),
        AttackMethod::Mim => several(false, how.momentum),
        other => {
            let name = spec::word(other);
            return Err(Error::bad_input(format!(
                "train.adversarial.epsilon is drawn for each image, which {name} cannot take"
            ))
            .hint("give it as one number"));
        }
    };
    Ok(Method::Drawn(steps, draw))
}

fn target(section: &AdversarialSpec, network: &Model) -> Result<Option<Aim>> {
    let drawn = !matches!(section.epsilon.draw(), Ok(Draw::Fixed(_)));
    if section.how.method == AttackMethod::LeastLikely {
        // The attack itself aims there; its steps alone do not.
        return Ok(drawn.then_some(Aim::LeastLikely));
    }
    Ok(match section.target() {
        spec::Target::Named(spec::TargetName::None) => None,
        spec::Target::Named(spec::TargetName::Random) => Some(Aim::Random),
        spec::Target::Named(spec::TargetName::LeastLikely) => Some(Aim::LeastLikely),
        spec::Target::Class(class) => {
            Some(Aim::Class(known_class("train.adversarial.target", class, network)?))
        }
    })
}

/// FGSM and PGD within the probe's bound, for the alarm; `None` = there is none.
pub fn alarm_attacks(
    spec: &Spec,
    probe: &ProbeSpec,
    runs: &Path,
) -> Result<Option<[Box<dyn Attack>; 2]>> {
    if probe.alarm_steps == 0 {
        return Ok(None);
    }
    let section = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    let trained = section.map_or(0.0, |section| section.epsilon.largest());
    // A probe in L2, or without a bound, says nothing of how far single pixels go.
    let of_pixels = probe.how.bounding_norm() == Norm::Linf && probe.how.bound() > 0.0;
    let epsilon = Some(if of_pixels { probe.how.bound() } else { trained });
    let fgsm = MethodSpec::new(AttackMethod::Fgsm, epsilon);
    let steps = Some(probe.alarm_steps);
    let pgd = MethodSpec { steps, ..MethodSpec::new(AttackMethod::Pgd, epsilon) };
    Ok(Some([attack(spec, &fgsm, runs)?, attack(spec, &pgd, runs)?]))
}
