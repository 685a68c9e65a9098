//! The attacks that detectors are tried against: those of `[evaluate]`, and one that knows the
//! detector by distances.

use crate::run::results::attack::Attack as Named;
use crate::spec::{self, AttackMethod, DetectorSpec, MethodSpec, Norm, Spec};

/// Steps of the attack that knows the detector, if none of the others has more.
const FEWEST_STEPS: usize = 40;

/// Pixel levels where no attack of the run has a bound (SCIENCE §5: the papers' own).
const USUAL_EPSILON: f64 = 4.0;

/// The attack that knows the detector by distance: one random start, its last step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AwareKeys {
    /// `aware pgd ε 4`
    pub(super) name: String,
    /// Pixel levels.
    pub(super) epsilon: f64,
    pub(super) steps: usize,
    pub(super) step_size: f64,
    pub(super) weight: f64,
}

/// `[evaluate].attacks` with every key written and a name each, without the images as they are and
/// without what stands there twice.
pub(super) fn of(spec: &Spec) -> Vec<(String, MethodSpec)> {
    let mut found: Vec<(String, MethodSpec)> = Vec::new();
    for how in spec.evaluate.iter().flat_map(|section| &section.attacks) {
        let how = how.resolved();
        if how.method == AttackMethod::None || found.iter().any(|(_, other)| *other == how) {
            continue;
        }
        let mut name = title(&how);
        if found.iter().any(|(other, _)| *other == name)
            && let Some(steps) = how.steps
        {
            name = format!("{name}, {steps} steps");
        }
        let mut numbered = name.clone();
        let mut number = 2;
        while found.iter().any(|(other, _)| *other == numbered) {
            numbered = format!("{name} ({number})");
            number += 1;
        }
        found.push((numbered, how));
    }
    found
}

/// `pgd ε 4`, `pgd ε 300 l2`, and `cw` where there is no bound.
fn title(how: &MethodSpec) -> String {
    Named {
        method: spec::word(how.method),
        epsilon: how.bound(),
        norm: spec::word(how.bounding_norm()),
        ..Named::default()
    }
    .name()
}

/// The attack that knows the detector by distance; `None` where none is asked for.
pub(super) fn aware(spec: &Spec, section: &DetectorSpec) -> Option<AwareKeys> {
    if section.aware_weight <= 0.0 {
        return None;
    }
    let attacks = of(spec);
    let epsilon = if section.aware_epsilon > 0.0 {
        section.aware_epsilon
    } else {
        let bounded = attacks.iter().filter(|(_, how)| how.bounding_norm() == Norm::Linf);
        let largest = bounded.map(|(_, how)| how.bound()).fold(0.0, f64::max);
        if largest > 0.0 { largest } else { USUAL_EPSILON }
    };
    let steps = attacks.iter().filter_map(|(_, how)| how.steps).fold(FEWEST_STEPS, usize::max);
    Some(AwareKeys {
        name: format!("aware pgd ε {epsilon}"),
        epsilon,
        steps,
        // Far enough to cross the ball and come back, as Madry et al. have it.
        step_size: 2.5 * epsilon / steps as f64,
        weight: section.aware_weight,
    })
}
