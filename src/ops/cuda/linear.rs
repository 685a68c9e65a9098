//! Fully connected layers, by cuBLAS.

use candle_core::{Result, Tensor};

use super::elementwise::{Affine, affine};
use super::product;
use crate::ops::Activation;

pub(in crate::ops) fn linear(
    features: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    activation: Activation,
) -> Result<Tensor> {
    let output = product(&features.contiguous()?, &weight.t()?)?;
    if bias.is_none() && activation == Activation::None {
        return Ok(output);
    }
    affine(&output, &Affine { shift: bias, activation, ..Affine::default() })
}

pub(in crate::ops) fn linear_input_gradient(grad: &Tensor, weight: &Tensor) -> Result<Tensor> {
    product(&grad.contiguous()?, weight)
}

pub(in crate::ops) fn linear_weight_gradient(grad: &Tensor, features: &Tensor) -> Result<Tensor> {
    product(&grad.contiguous()?.t()?, &features.contiguous()?)
}
