//! How far adversarial images have moved between the classes in a layer, and how well they are told
//! from real ones by that (SCIENCE §7).

mod attacks;
mod gather;
mod judge;
mod pairs;
mod representation;

use std::sync::Arc;

pub(super) use self::gather::gather;
pub(super) use self::judge::detector;
pub(super) use self::representation::representation;
use crate::data::{Dataset, epoch_order};
use crate::job::stage::evaluate::cost_of_attack;
use crate::job::stage::ranking::twins::Twin;
use crate::model::Model;
use crate::neuron::trace::{Measure, Reference};
use crate::spec::{DetectorSpec, Spec, TraceSpec};

/// What is looked at.
pub(super) struct Subject<'a> {
    /// The network.
    pub(super) network: &'a Model,
    /// The layer.
    pub(super) tap: &'a str,
    /// What makes a neuron influential.
    pub(super) measure: Measure,
    /// `[trace]`.
    pub(super) section: &'a TraceSpec,
    /// All of the run's spec.
    pub(super) spec: &'a Spec,
    /// The test split.
    pub(super) test: &'a Arc<dyn Dataset>,
    /// The run's set of adversarial images, made of images of the test split.
    pub(super) twins: &'a [Twin],
    /// What real images do in the layer.
    pub(super) reference: &'a Reference,
    /// What the prediction differences of an image cost, in passes through the network.
    pub(super) differences: u64,
}

/// How a part of the stage ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    /// With this.
    Done(T),
    /// Asked to stop.
    Stopped,
}

/// Passes through the network that are done, and all that there will be, over the whole stage: each
/// part adds to the former, whoever calls it has summed up the latter.
pub(super) type Progress = [u64; 2];

/// Passes through the network that [`representation`] takes over so many adversarial images.
pub(super) fn representation_work(twins: usize) -> u64 {
    2 * twins as u64
}

/// The same of [`detector`], whose adversarial set has so many images of a test split of `test`; at
/// most: it is not known before how many images an attack fools. `differences` as in [`Subject`].
pub(super) fn detector_work(
    spec: &Spec,
    section: &DetectorSpec,
    [test, twins]: [usize; 2],
    differences: u64,
) -> u64 {
    let images = section.images.min(test) as u64;
    let looked_at = 1 + differences;
    let attacks = attacks::of(spec);
    let mut passes: u64 =
        attacks.iter().map(|(_, how)| cost_of_attack(how) as u64 + looked_at).sum();
    if let Some(aware) = attacks::aware(spec, section) {
        passes = passes.saturating_add(3 * aware.steps as u64 + looked_at);
    }
    let set = section.images.min(twins) as u64;
    let attacked = (images / 2).saturating_mul(passes);
    (images + set).saturating_mul(looked_at).saturating_add(set).saturating_add(attacked)
}

/// Which of `len` things are looked at where only `count` are: drawn by the seed, for `purpose`.
fn drawn(len: usize, count: usize, seed: u64, purpose: &[u8; 8]) -> Vec<usize> {
    let mut order = epoch_order(len, seed, u64::from_le_bytes(*purpose), true);
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests;
