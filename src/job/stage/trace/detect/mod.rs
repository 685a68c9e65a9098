//! How far adversarial images have moved between the classes in a layer, and how well they are told
//! from real ones by that (SCIENCE §7).

mod attacks;
mod judge;
mod pairs;
mod parts;
mod representation;

use std::sync::Arc;

use self::judge::detector;
use self::parts::Parts;
use self::representation::representation;
use super::Stage;
use crate::data::{Dataset, epoch_order};
use crate::error::Result;
use crate::job::build;
use crate::job::context::Context;
use crate::job::stage::evaluate::cost_of_attack;
use crate::job::stage::ranking::twins::Twin;
use crate::model::Model;
use crate::neuron::trace::reference::MOST_BYTES;
use crate::neuron::trace::{Measure, Reference};
use crate::run::results::trace::Trace;
use crate::spec::{DetectorSpec, Spec, TraceSpec};

/// What is looked at.
struct Subject<'a> {
    /// The network.
    network: &'a Model,
    /// The layer.
    tap: &'a str,
    /// What makes a neuron influential.
    measure: Measure,
    /// `[trace]`.
    section: &'a TraceSpec,
    /// All of the run's spec.
    spec: &'a Spec,
    /// The test split.
    test: &'a Arc<dyn Dataset>,
    /// The run's set of adversarial images, made of images of the test split.
    twins: &'a [Twin],
    /// What real images do in the layer.
    reference: &'a Reference,
    /// What the prediction differences of an image cost, in passes through the network.
    differences: u64,
}

impl Stage {
    /// How far adversarial images have moved between the classes, and how well they are told from
    /// real ones. `None` = asked to stop; a resume takes up the parts that are done.
    pub(super) fn detect(
        &mut self,
        context: &mut Context,
        reference: &Reference,
        result: &mut Trace,
    ) -> Result<Option<()>> {
        if !self.ranking.twins.is_empty() || self.section.detector.is_some() {
            for line in lines(reference) {
                context.log(&line)?;
            }
        }
        let mut progress = self.ranking.progress;
        let mut parts = Parts::open(context, &self.key)?;
        let subject = Subject {
            network: &self.ranking.model,
            tap: &self.tap.name,
            measure: build::measure(self.section.measure),
            section: &self.section,
            spec: &self.spec,
            test: &self.ranking.dataset,
            twins: &self.ranking.twins,
            reference,
            differences: self.weight(),
        };
        let Ended::Done(ratios) = representation(context, &subject, &mut parts, &mut progress)?
        else {
            return Ok(None);
        };
        result.representation = ratios;
        if let Some(section) = &self.section.detector {
            let done = (&mut parts, &mut progress);
            let Ended::Done(found) = detector(context, &subject, section, done)? else {
                return Ok(None);
            };
            result.detector = Some(found);
        }
        self.ranking.progress = progress;
        parts.close();
        Ok(Some(()))
    }

    /// How much of it there will be, in images looked at.
    pub(super) fn detection_work(&self) -> u64 {
        let lens = [self.ranking.dataset.len(), self.ranking.twins.len()];
        let detector = self.section.detector.as_ref();
        representation_work(lens[1])
            + detector.map_or(0, |section| detector_work(&self.spec, section, lens, self.weight()))
    }
}

/// What is to be known of the reference images, in words.
fn lines(reference: &Reference) -> Vec<String> {
    let (images, kept, missing) = (reference.images, reference.kept(), reference.missing());
    let mut lines = Vec::new();
    if (kept as u64) < images {
        lines.push(format!(
            "nearest neighbours are sought among {kept} of the {images} reference images, taken \
             evenly: the features of more do not fit in {} MiB",
            MOST_BYTES >> 20
        ));
    }
    if missing > 0 {
        let (count, classes) =
            (reference.classes(), if missing == 1 { "class" } else { "classes" });
        lines.push(format!(
            "warning: {missing} {classes} of {count} have no reference image: the detector by \
             distance suspects every answer of such a class; raise trace.reference"
        ));
    }
    lines
}

/// How a part of the stage ended.
#[derive(Debug)]
enum Ended<T> {
    /// With this.
    Done(T),
    /// Asked to stop.
    Stopped,
}

/// Passes through the network that are done, and all that there will be, over the whole stage: each
/// part adds to the former, whoever calls it has summed up the latter.
type Progress = [u64; 2];

/// Passes through the network that [`representation`] takes over so many adversarial images.
fn representation_work(twins: usize) -> u64 {
    2 * twins as u64
}

/// The same of [`detector`], whose adversarial set has so many images of a test split of `test`; at
/// most: it is not known before how many images an attack fools. `differences` as in [`Subject`].
fn detector_work(
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
