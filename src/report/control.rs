//! Training with a consistent loss and its control, the same training without that term (SCIENCE §6:
//! every experiment with β > 0 is shown beside β = 0).

use crate::spec::Spec;

/// A line on each run with a consistent loss: which of the runs is its control, or how to make one.
pub(super) fn notes(runs: &[(String, Spec)]) -> Vec<String> {
    let with_a_weight = runs.iter().filter_map(|(id, spec)| Some((id, spec, weight(spec)?)));
    with_a_weight
        .filter(|(_, _, weight)| *weight > 0.0)
        .map(|(id, spec, weight)| {
            let is_control = |other: &&(String, Spec)| is_control_of(&other.1, spec);
            match runs.iter().find(is_control) {
                Some((control, _)) => format!(
                    "{id} (β = {weight}) stands beside its control {control} (β = 0): what the \
                     consistent loss does is the difference between these two."
                ),
                None => format!(
                    "The control is missing: what the consistent loss (β = {weight}) does to {id} \
                     shows only beside the same training with --set \
                     train.adversarial.consistency_weight=0. Then: glassbox report {id} CONTROL"
                ),
            }
        })
        .collect()
}

/// β, of a run that trains against attacks.
fn weight(spec: &Spec) -> Option<f64> {
    let section = spec.train.as_ref().and_then(|train| train.adversarial.as_ref());
    section.map(|section| section.consistency_weight)
}

/// Whether a run trains the same network on the same images in the same way, but for β = 0 and what
/// only a β needs.
fn is_control_of(other: &Spec, spec: &Spec) -> bool {
    let train = |spec: &Spec| {
        let mut train = spec.train.clone();
        if let Some(section) = train.as_mut().and_then(|train| train.adversarial.as_mut()) {
            section.consistency_weight = 0.0;
            section.consistency_layer = None;
            section.consistency_gradient = crate::spec::adversarial::ConsistencyGradient::Both;
        }
        train
    };
    weight(other) == Some(0.0)
        && train(other) == train(spec)
        && other.model == spec.model
        && other.data == spec.data
}
