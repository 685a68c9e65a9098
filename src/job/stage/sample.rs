//! A few images, evenly spread over the test split, on which an attack and a network are tried
//! before their numbers are believed.

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::chosen;
use super::networks::Networks;
use crate::attack::{Victims, soundness};
use crate::data::{Batch, Dataset};
use crate::error::{Error, Result};
use crate::job::context::Context;
use crate::job::{build, suspicion};
use crate::model::Model;
use crate::run::results::warning::Warning;
use crate::spec::{self, AttackMethod, MethodSpec, Spec};

/// Images on which gradients are looked at and more steps are tried.
const IMAGES: usize = 100;

/// Images on which an attack must change nothing with a bound of 0.
const FEW: usize = 16;

/// The images.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) images: Batch,
    pub(super) few: Batch,
}

impl Sample {
    /// Reads them.
    pub(super) fn of(
        context: &Context,
        test: &Arc<dyn Dataset>,
        networks: &Networks,
    ) -> Result<Self> {
        let read = |count| -> Result<Batch> {
            let order = spread(test.len(), count);
            let size = order.len().max(1);
            let mut loader = chosen(context, test, order, size, &Arc::default())?;
            let batch = loader.next();
            networks.take(
                batch.unwrap_or_else(|| Err(Error::bad_input("the test split has no image")))?,
            )
        };
        Ok(Self { images: read(IMAGES)?, few: read(FEW)? })
    }
}

/// `count` places of `0..len`, or all, as far apart as they can be.
fn spread(len: usize, count: usize) -> Vec<usize> {
    let count = count.min(len);
    (0..count).map(|place| place * len / count).collect()
}

/// An error if the attack, with a bound of 0, changes a pixel or an answer. `targets` for an attack
/// that aims at classes. Attacks that need no bound are not tried.
pub(super) fn check_zero(
    spec: &Spec,
    how: &MethodSpec,
    (model, few): (&Model, &Batch),
    targets: Option<&Tensor>,
    runs: &Path,
) -> Result<()> {
    // The others look for the smallest perturbation; for them 0 is no bound.
    if !how.method.needs_epsilon() {
        return Ok(());
    }
    let zero = MethodSpec { epsilon: Some(0.0), ..how.clone() };
    let attack = build::attack(spec, &zero, runs)?;
    let victims =
        Victims { images: &few.images, labels: &few.labels, indices: &few.indices, targets };
    let changed = soundness::changed(model, &*attack, &victims)?;
    // A network that answers at random does so with unchanged pixels; it has a warning of its own.
    let random = changed.images == 0 && soundness::is_random(model, &few.images)?;
    if changed.images == 0 && (changed.predictions == 0 || random) {
        return Ok(());
    }
    Err(Error::failed(format!(
        "{} with epsilon 0 changes {} of {} images and {} predictions, where it must change \
         nothing: accuracies under it would mean nothing",
        spec::word(how.method),
        changed.images,
        few.indices.len(),
        changed.predictions,
    ))
    .hint("this is a mistake in the attack; please report it with the run's spec.toml"))
}

/// What a network lets an attack see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gradients {
    /// Images looked at.
    pub(super) images: u64,
    /// Images without a gradient to follow.
    pub(super) vanishing: u64,
    /// Whether the same images get other answers when asked again.
    pub(super) random: bool,
}

/// Looks at the gradients of a network on the sample.
pub(super) fn gradients(model: &Model, batch: &Batch) -> Result<Gradients> {
    Ok(Gradients {
        images: batch.indices.len() as u64,
        vanishing: soundness::vanishing(model, &batch.images, &batch.labels)? as u64,
        random: soundness::is_random(model, &batch.images)?,
    })
}

impl Gradients {
    /// What this says of an attack on that network.
    pub(super) fn warnings(&self, how: &MethodSpec) -> Vec<Warning> {
        let (attacks, follows) = match how.method {
            AttackMethod::None => (false, false),
            AttackMethod::Square => (true, false),
            _ => (true, true),
        };
        let vanishing = suspicion::vanishing_gradients(self.vanishing, self.images);
        let random = suspicion::random_model(self.random);
        vanishing.filter(|_| follows).into_iter().chain(random.filter(|_| attacks)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_reaches_over_the_whole_split() {
        assert_eq!(spread(1000, 4), [0, 250, 500, 750]);
        assert_eq!(spread(3, 16), [0, 1, 2]);
        assert_eq!(spread(0, 16), [0; 0]);
    }

    #[test]
    fn only_what_follows_gradients_is_doubted_for_them() {
        let seen = Gradients { images: 100, vanishing: 50, random: true };
        let count = |method| seen.warnings(&MethodSpec::new(method, Some(4.0))).len();
        assert_eq!(count(AttackMethod::None), 0);
        assert_eq!(count(AttackMethod::Square), 1);
        assert_eq!(count(AttackMethod::Pgd), 2);
    }
}
