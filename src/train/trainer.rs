//! One training step: forward, loss, backward, update.

use candle_core::{D, Tensor};

use super::objective::{Objective, Terms};
use super::optimizer::Optimizer;
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use crate::ops::cross_entropy::cross_entropy;

/// What to do when training has left the numbers.
pub(super) const DIVERGED: &str = "start again with a smaller train.optimizer.lr or a longer \
    train.schedule.warmup_epochs; resume goes back to the last good checkpoint, if one was written, \
    and from there takes the same way";

/// Weight of a second head's loss beside the first's (Szegedy et al., arXiv 1512.00567; as in
/// torchvision's training).
const AUXILIARY: f64 = 0.4;

/// A network in training.
pub struct Trainer {
    /// The network.
    pub model: Model,
    /// What its outputs stand for.
    pub class_names: Vec<String>,
    /// What moves it.
    pub optimizer: Optimizer,
    /// How fast.
    pub schedule: Schedule,
    /// Weight of the uniform distribution in the target, 0..1.
    pub label_smoothing: f64,
    /// Steps done.
    pub step: u64,
}

/// What a step gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Mean cross-entropy of the logits of the clean images, before the update.
    pub loss: f64,
    /// Clean images that were right, before the update.
    pub correct: usize,
    /// What adversarial training has besides.
    pub adversarial: Option<AdversarialReport>,
    /// Images in the batch.
    pub images: usize,
    /// Of this step.
    pub learning_rate: f64,
}

/// What a step on clean and adversarial images gave besides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdversarialReport {
    /// The terms of the objective.
    pub terms: Terms,
    /// Adversarial images that were right, before the update.
    pub correct: usize,
}

/// A second head's loss beside the first's.
pub(super) fn auxiliary_weighted(first: Tensor, second: Tensor) -> candle_core::Result<Tensor> {
    first + (second * AUXILIARY)?
}

impl Trainer {
    /// One step on `images` `[batch, channels, height, width]` in 0..1 and `labels` `[batch]` u32.
    ///
    /// A loss that is not a number is an error; the weights are then still those of the step
    /// before.
    pub fn step(&mut self, images: &Tensor, labels: &Tensor) -> Result<StepReport> {
        let learning_rate = self.schedule.at(self.step);
        let mode = Mode::Train { step: self.step };
        let pass = self.model.record(images, mode, &[], Wanted::PARAMETERS)?;
        let of_logits = cross_entropy(&pass.logits, labels, self.label_smoothing)?;
        let loss = f64::from(of_logits.to_scalar::<f32>()?);
        self.check_finite(loss, learning_rate)?;
        let objective = match &pass.auxiliary {
            None => of_logits,
            Some(auxiliary) => {
                let second = cross_entropy(auxiliary, labels, self.label_smoothing)?;
                auxiliary_weighted(of_logits, second)?
            }
        };
        let hits = pass.logits.detach().argmax(D::Minus1)?.eq(labels)?;
        let gradients = pass.backward(&objective)?;
        self.optimizer.step(&gradients.parameters, learning_rate)?;
        self.step += 1;
        let correct = hits.to_vec1::<u8>()?.iter().map(|&hit| usize::from(hit)).sum();
        Ok(StepReport { loss, correct, adversarial: None, images: labels.dim(0)?, learning_rate })
    }

    /// One step of adversarial training on `images` and their `adversarial` versions, both
    /// `[batch, channels, height, width]` in 0..1, and `labels` `[batch]` u32. Errors as
    /// [`Self::step`].
    pub fn step_adversarial(
        &mut self,
        images: &Tensor,
        adversarial: &Tensor,
        labels: &Tensor,
        objective: &Objective,
    ) -> Result<StepReport> {
        let learning_rate = self.schedule.at(self.step);
        let both = [images, adversarial];
        let smoothing = self.label_smoothing;
        let outcome = objective.evaluate(&self.model, both, labels, smoothing, self.step)?;
        self.check_finite(outcome.terms.total, learning_rate)?;
        self.optimizer.step(&outcome.gradients, learning_rate)?;
        self.step += 1;
        let terms = outcome.terms;
        Ok(StepReport {
            loss: terms.clean,
            correct: outcome.clean_correct,
            adversarial: Some(AdversarialReport { terms, correct: outcome.adversarial_correct }),
            images: labels.dim(0)?,
            learning_rate,
        })
    }

    fn check_finite(&self, loss: f64, learning_rate: f64) -> Result<()> {
        if loss.is_finite() {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the loss became {loss} at step {} (learning rate {learning_rate:.2e})",
            self.step + 1
        ))
        .hint(DIVERGED))
    }
}
