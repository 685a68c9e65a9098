//! What it takes to go on as if nothing had happened: named tensors and plain numbers. The files
//! are `job`'s.
//!
//! No random state is among them: every draw depends on the seed, the epoch and the image alone.

use std::collections::HashMap;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::optimizer::PREFIX;
use super::trainer::{DIVERGED, Trainer};
use crate::error::{Error, Result};
use crate::model::weights::encode_with;

/// The numbers beside the tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Optimizer steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: u64,
    /// Batches done in the current epoch.
    pub batch: u64,
    /// The accuracy of the best weights so far, 0..1: of whichever kind decides.
    #[serde(alias = "best_top1")]
    pub best: Option<f64>,
    /// Running sums of the epoch, so that what is logged after a resume is what would have been.
    pub epoch_loss: f64,
    /// Images seen in the current epoch.
    pub epoch_images: u64,
    /// Of them right.
    pub epoch_correct: u64,
    /// The same sums of adversarial training.
    #[serde(default)]
    pub epoch_adversarial_loss: f64,
    /// The same.
    #[serde(default)]
    pub epoch_consistency: f64,
    /// The step after which the probe set was last measured.
    #[serde(default)]
    pub probed: Option<u64>,
    /// Of catastrophic overfitting.
    #[serde(default)]
    pub alarm: Alarm,
}

/// Weights, running statistics and the optimizer's memory as one safetensors file's bytes.
///
/// Numbers that are none are an error: an update may overflow while the loss before it was still
/// finite, and whoever resumed from such a checkpoint could not go on.
pub fn encode(trainer: &Trainer) -> Result<Vec<u8>> {
    let memory = trainer.optimizer.state()?;
    for (name, tensor) in trainer.model.parameters().to_tensors()?.iter().chain(&memory) {
        let numbers: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(Error::failed(format!(
                "'{name}' holds a number that is none after step {}",
                trainer.step
            ))
            .hint(DIVERGED));
        }
    }
    encode_with(&trainer.model, &trainer.class_names, memory)
}

/// Puts a trainer where a checkpoint was made. Errors if it belongs to another network.
pub fn restore(
    trainer: &mut Trainer,
    numbers: &Numbers,
    mut tensors: HashMap<String, Tensor>,
) -> Result<()> {
    trainer.optimizer.restore(numbers.step, &mut tensors)?;
    if let Some(name) = tensors.keys().find(|name| name.starts_with(PREFIX)) {
        return Err(Error::failed(format!("the checkpoint holds '{name}', which nothing wants")));
    }
    trainer.model.parameters().load(tensors)?;
    trainer.step = numbers.step;
    Ok(())
}

/// The weights of a checkpoint without the optimizer's memory.
pub fn weights_only(mut tensors: HashMap<String, Tensor>) -> HashMap<String, Tensor> {
    tensors.retain(|name, _| !name.starts_with(PREFIX));
    tensors
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::train::fixture::{batch, goes_on_bit_for_bit, trainer};

    #[test]
    fn an_interrupted_training_equals_an_uninterrupted_one_bit_for_bit() {
        goes_on_bit_for_bit(|trainer| {
            let (images, labels) = batch(trainer.step);
            trainer.step(&images, &labels).unwrap();
        });
    }

    #[test]
    fn refuses_to_save_numbers_that_are_none() {
        let trainer = trainer();
        let weight = &trainer.model.parameters().trainable()[0].var;
        weight.set(&Tensor::full(f32::NAN, weight.shape(), &Device::Cpu).unwrap()).unwrap();
        let error = encode(&trainer).unwrap_err();
        assert!(error.message.contains("conv1.weight"), "{}", error.message);
        assert!(error.hint.unwrap().contains("train.optimizer.lr"));
    }
}
