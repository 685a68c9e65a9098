//! What it takes to go on as if nothing had happened: named tensors and plain numbers. The files
//! are `job`'s.
//!
//! No random state is among them: every draw depends on the seed, the epoch and the image alone.

use std::collections::HashMap;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::optimizer::PREFIX;
use super::trainer::Trainer;
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
    /// Best clean top-1 so far, 0..1.
    pub best_top1: Option<f64>,
    /// Running sums of the epoch, so that what is logged after a resume is what would have been.
    pub epoch_loss: f64,
    /// Images seen in the current epoch.
    pub epoch_images: u64,
    /// Of them right.
    pub epoch_correct: u64,
}

/// Weights, running statistics and the optimizer's memory as one safetensors file's bytes.
pub fn encode(trainer: &Trainer) -> Result<Vec<u8>> {
    encode_with(&*trainer.model, trainer.optimizer.state()?)
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
