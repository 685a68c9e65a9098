//! Dropout with the host's mask: one seed drops the same numbers everywhere.

use candle_core::{DType, Device, Result, Tensor};

pub(in crate::ops) fn dropout(features: &Tensor, probability: f32, seed: u64) -> Result<Tensor> {
    let ones = Tensor::ones(features.shape(), DType::F32, &Device::Cpu)?;
    let mask = crate::ops::dropout(&ones, probability, seed)?;
    features.mul(&mask.to_device(features.device())?)
}
