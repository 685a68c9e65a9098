//! One training step: forward, loss, backward, update.

use candle_core::{D, Tensor};

use super::optimizer::Optimizer;
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use crate::ops::cross_entropy::cross_entropy;

/// What to do when training has left the numbers.
pub(super) const DIVERGED: &str = "resume goes back to the last good checkpoint; to get past this \
    point start again with a smaller train.optimizer.lr or a longer train.schedule.warmup_epochs";

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
    /// Mean cross-entropy of the logits over the batch, before the update.
    pub loss: f64,
    /// Images that were right, before the update.
    pub correct: usize,
    /// Images in the batch.
    pub images: usize,
    /// Of this step.
    pub learning_rate: f64,
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
        if !loss.is_finite() {
            return Err(Error::failed(format!(
                "the loss became {loss} at step {} (learning rate {learning_rate:.2e})",
                self.step + 1
            ))
            .hint(DIVERGED));
        }
        let objective = match &pass.auxiliary {
            None => of_logits,
            Some(auxiliary) => {
                let second = cross_entropy(auxiliary, labels, self.label_smoothing)?;
                (of_logits + (second * AUXILIARY)?)?
            }
        };
        let hits = pass.logits.detach().argmax(D::Minus1)?.eq(labels)?;
        let gradients = pass.backward(&objective)?;
        self.optimizer.step(&gradients.parameters, learning_rate)?;
        self.step += 1;
        let correct = hits.to_vec1::<u8>()?.iter().map(|&hit| usize::from(hit)).sum();
        Ok(StepReport { loss, correct, images: labels.dim(0)?, learning_rate })
    }
}
