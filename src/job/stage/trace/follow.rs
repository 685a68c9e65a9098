//! The neurons behind predictions, batch by batch.

use std::path::PathBuf;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::{Chosen, Kind, Record, Stage, UNDER_WAY};
use crate::data::Batch;
use crate::error::text::escaped;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow};
use crate::job::stage::ranking::put;
use crate::job::stage::read_before;
use crate::neuron::activation::{Maxima, spatial_maxima};
use crate::neuron::trace::checks::{gradient_times_activation, overlap, spearman};
use crate::neuron::trace::{
    Differences, Reference, Removed, followed_logits, influential, logits_without,
    mean_differences, prediction_differences, probabilities,
};
use crate::run::results::trace::{ABLATED, Ablation, Answer, Influence, Prediction};
use crate::spec::{Followed, FollowedName};

/// Answers that are told of each picture.
const TOLD: usize = 5;

/// Neurons that are taken away, one at a time, between two looks at whether to stop.
const A_LOOK: usize = 1024;

/// A traced prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Traced {
    /// Its place in its set.
    pub(super) image: usize,
    /// Without names and files, and without ablations where no picture is kept.
    pub(super) prediction: Prediction,
    /// Of gradient × activation, then of the mean: rank correlation with PD, where it has one, and
    /// overlap.
    pub(super) checks: [(Option<f64>, f64); 2],
}

/// A batch of them: by prediction, PD of probability of every neuron, then of logit.
struct Followings {
    traced: Vec<Traced>,
    differences: Vec<f32>,
}

/// What is known of a batch before its neurons are taken away.
struct Known {
    maps: Tensor,
    logits: Vec<Vec<f32>>,
    /// Whose score is followed.
    classes: Vec<u32>,
    gradients: Vec<Vec<f32>>,
    maxima: Maxima,
}

impl Stage {
    /// What the records of traced predictions of a kind are filed under.
    fn followed(&self, kind: Kind) -> String {
        format!("{} {}", self.key, kind.word())
    }

    /// The file with the prediction differences of a batch.
    fn differences_file(&self, context: &Context, kind: Kind, batch: usize) -> PathBuf {
        let name = format!("{}-{}-{batch}.f32", self.key, kind.word());
        context.folder().join(UNDER_WAY).join(name)
    }

    /// Traces the chosen predictions of a kind that an earlier try has not.
    pub(super) fn follow(
        &mut self,
        context: &mut Context,
        chosen: &Chosen,
        reference: &Reference,
    ) -> Result<Flow> {
        let (pass, size) = (self.followed(chosen.kind), self.section.batch_size.max(1));
        let batches = chosen.images.len().div_ceil(size);
        self.forget_lost(context, chosen, batches);
        let missing = |batch: &usize| self.ledger.get(&pass, *batch).is_none();
        let Some(first) = (0..batches).find(missing) else {
            self.ranking.progress[0] += chosen.images.len() as u64 * self.weight();
            return Ok(Flow::Continue);
        };
        let before = (first * size).min(chosen.images.len());
        self.ranking.goes_on(context, before, self.weight())?;
        let order = chosen.images.clone();
        let mut loader = read_before(context, &chosen.set.dataset, order, size, first)?;
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(self.ranking.model.device())?;
            let number = loader.position() - 1;
            let Some((found, flow)) = self.trace(context, chosen, &batch, reference)? else {
                return Ok(Flow::Stop);
            };
            let bytes: Vec<u8> =
                found.differences.iter().flat_map(|value| value.to_le_bytes()).collect();
            put(&self.differences_file(context, chosen.kind, number), &bytes)?;
            // NaN of none: a metric that is no number is left out.
            let mean = |check: usize| {
                let all: Vec<f64> =
                    found.traced.iter().filter_map(|traced| traced.checks[check].0).collect();
                all.iter().sum::<f64>() / all.len() as f64
            };
            let metrics = [("gradient_agreement", mean(0)), ("mean_agreement", mean(1))];
            self.ledger.put(&pass, number, Record::Traced(found.traced))?;
            context.metrics(self.ranking.progress[0], &metrics)?;
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// The files beside the records are not synced one by one: a power cut may have taken some.
    fn forget_lost(&mut self, context: &Context, chosen: &Chosen, batches: usize) {
        let pass = self.followed(chosen.kind);
        for batch in 0..batches {
            let Some(Record::Traced(traced)) = self.ledger.get(&pass, batch) else { continue };
            let bytes = (traced.len() * self.tap.shape[0] * 2 * size_of::<f32>()) as u64;
            let file = self.differences_file(context, chosen.kind, batch);
            if !std::fs::metadata(file).is_ok_and(|file| file.len() == bytes) {
                self.ledger.forget(&pass, batch);
            }
        }
    }

    /// Hands every traced prediction of a kind to `each`, with PD of probability and of logit of every
    /// neuron.
    pub(super) fn each_traced(
        &self,
        context: &Context,
        kind: Kind,
        mut each: impl FnMut(&Traced, &[f32], &[f32]),
    ) -> Result<()> {
        let (pass, neurons) = (self.followed(kind), self.tap.shape[0]);
        for (batch, record) in self.ledger.pass(&pass) {
            let Record::Traced(traced) = record else { continue };
            let path = self.differences_file(context, kind, batch);
            let bytes = std::fs::read(&path)
                .map_err(|error| crate::run::write::failed("read", &path, &error))?;
            let (numbers, _) = bytes.as_chunks::<4>();
            let values: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            if values.len() != traced.len() * neurons * 2 {
                return Err(Error::failed(format!("'{}' is damaged", path.display()))
                    .hint("remove it and resume the run: what it held is made again"));
            }
            for (traced, values) in traced.iter().zip(values.chunks_exact(2 * neurons)) {
                let (probability, logit) = values.split_at(neurons);
                each(traced, probability, logit);
            }
        }
        Ok(())
    }

    /// The neurons behind a batch. `None` = asked to stop before its end.
    fn trace(
        &mut self,
        context: &mut Context,
        chosen: &Chosen,
        batch: &Batch,
        reference: &Reference,
    ) -> Result<Option<(Followings, Flow)>> {
        let known = self.known(chosen, batch)?;
        let neurons = self.tap.shape[0];
        let a_look = (A_LOOK / neurons.max(1)).max(1);
        let mut found = Followings { traced: Vec::new(), differences: Vec::new() };
        let mut flow = Flow::Continue;
        for start in (0..batch.indices.len()).step_by(a_look) {
            if flow == Flow::Stop {
                return Ok(None);
            }
            let part = start..(start + a_look).min(batch.indices.len());
            let maps = known.maps.narrow(0, start, part.len())?.contiguous()?;
            let (model, tap) = (&self.ranking.model, self.tap.name.as_str());
            let classes = &known.classes[part.clone()];
            let zero = prediction_differences(model, tap, &maps, classes)?;
            let mean = mean_differences(model, tap, &maps, classes, &reference.means)?;
            for (place, (zero, mean)) in zero.iter().zip(&mean).enumerate() {
                let at = start + place;
                let mut traced = self.of_one(&known, at, zero, mean);
                traced.image = batch.indices[at];
                if chosen.kept.contains(&traced.image) {
                    traced.prediction.ablations =
                        self.ablations(&maps, place, &traced.prediction)?;
                }
                traced.prediction.label = self.label(&chosen.set, traced.image);
                found.traced.push(traced);
                found.differences.extend(zero.probability.iter().chain(&zero.logit));
            }
            flow = self.ranking.advance(context, part.len() * self.weight() as usize)?;
        }
        Ok(Some((found, flow)))
    }

    /// The answers to a batch, and what needs one pass. Errors: an answer that is no number.
    fn known(&self, chosen: &Chosen, batch: &Batch) -> Result<Known> {
        let (model, tap) = (&self.ranking.model, self.tap.name.as_str());
        let maps = model.features(&batch.images, &[tap])?.swap_remove(0);
        let logits = followed_logits(model, tap, &maps)?;
        for (logits, image) in logits.iter().zip(&batch.indices) {
            if logits.iter().any(|logit| !logit.is_finite()) {
                return Err(Error::failed(format!(
                    "the network's answer to '{}' is no number",
                    escaped(&chosen.set.dataset.name(*image))
                ))
                .hint("its weights are damaged, or its training has diverged"));
            }
        }
        let class = |(logits, image): (&Vec<f32>, &usize)| match self.section.class {
            Followed::Class(class) => Ok(class as u32),
            Followed::Named(FollowedName::Predicted) => Ok(answers(logits)[0].class),
            Followed::Named(FollowedName::True) => {
                self.label(&chosen.set, *image).ok_or_else(|| {
                    Error::failed(format!(
                        "trace.class = true, but the true class of '{}' is not known",
                        escaped(&chosen.set.dataset.name(*image))
                    ))
                    .hint("--set trace.class=predicted")
                })
            }
        };
        let classes: Vec<u32> =
            logits.iter().zip(&batch.indices).map(class).collect::<Result<_>>()?;
        let gradients = gradient_times_activation(model, tap, &batch.images, &classes)?;
        Ok(Known { maxima: spatial_maxima(&maps)?, maps, logits, classes, gradients })
    }

    /// What is told of image `at` of a batch.
    fn of_one(&self, known: &Known, at: usize, zero: &Differences, mean: &Differences) -> Traced {
        let (logits, followed) = (&known.logits[at], known.classes[at]);
        let (gradient, (maxima, _)) = (&known.gradients[at], known.maxima.image(at));
        let top = self.section.top;
        let neurons = influential(zero, build::measure(self.section.measure), top);
        let check =
            |other: &[f32]| (spearman(&zero.logit, other), overlap(&zero.logit, other, top));
        let influence = |&index: &usize| Influence {
            index,
            probability: f64::from(zero.probability[index]),
            logit: f64::from(zero.logit[index]),
            gradient: f64::from(gradient[index]),
            mean: f64::from(mean.logit[index]),
            activation: f64::from(maxima[index]),
        };
        let prediction = Prediction {
            followed,
            probability: probability(logits, followed),
            logit: logits.get(followed as usize).copied().map_or(0.0, f64::from),
            answers: answers(logits),
            neurons: neurons.iter().map(influence).collect(),
            ..Prediction::default()
        };
        Traced { image: 0, prediction, checks: [check(gradient), check(&mean.logit)] }
    }

    /// The answers without each set of the first influential neurons of image `place`.
    fn ablations(
        &self,
        maps: &Tensor,
        place: usize,
        prediction: &Prediction,
    ) -> Result<Vec<Ablation>> {
        let first: Vec<usize> =
            prediction.neurons.iter().take(ABLATED).map(|neuron| neuron.index).collect();
        let subset = |bits: u32| -> Vec<usize> {
            let is_in = |(at, _): &(usize, &usize)| bits >> at & 1 == 1;
            first.iter().enumerate().filter(is_in).map(|(_, neuron)| *neuron).collect()
        };
        let rows: Vec<(usize, Vec<usize>)> =
            (1..1_u32 << first.len()).map(|bits| (place, subset(bits))).collect();
        let (model, tap) = (&self.ranking.model, self.tap.name.as_str());
        let without = logits_without(model, tap, maps, &rows, Removed::Zero)?;
        let ablation = |((_, neurons), logits): ((usize, Vec<usize>), &Vec<f32>)| Ablation {
            neurons,
            probability: probability(logits, prediction.followed),
            answers: answers(logits),
        };
        Ok(rows.into_iter().zip(&without).map(ablation).collect())
    }
}

/// Of one class.
fn probability(logits: &[f32], class: u32) -> f64 {
    probabilities(logits).get(class as usize).copied().unwrap_or(0.0)
}

/// The most likely classes, the likeliest first; of equal ones the first.
fn answers(logits: &[f32]) -> Vec<Answer> {
    let probabilities = probabilities(logits);
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    order.truncate(TOLD);
    let answer = |class| Answer { class: class as u32, probability: probabilities[class] };
    order.into_iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_classes_come_first() {
        let found = answers(&[0.0, 2.0, 2.0, -1.0, 1.0, 0.5]);
        let classes: Vec<u32> = found.iter().map(|answer| answer.class).collect();
        assert_eq!(classes, [1, 2, 4, 5, 0]);
        assert_eq!(found[0].probability, probability(&[0.0, 2.0, 2.0, -1.0, 1.0, 0.5], 2));
        assert_eq!(answers(&[1.0, 2.0]).len(), 2);
    }
}
