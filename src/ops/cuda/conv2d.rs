//! Convolutions: by cuDNN where the build has it, else unfolded.

use candle_core::{Result, Tensor};

#[cfg(feature = "cudnn")]
use super::cudnn as by;
use super::elementwise::{Affine, affine};
#[cfg(not(feature = "cudnn"))]
use super::unfolded as by;
use crate::ops::Activation;
use crate::ops::conv2d::{Epilogue, Geometry};

/// `maps` `[batch, height, width, inputs]`, `weight` `[outputs, kernel_h, kernel_w, inputs /
/// groups]`, both contiguous, of the geometry's sizes.
pub(in crate::ops) fn convolution(
    g: &Geometry,
    maps: &Tensor,
    weight: &Tensor,
    after: &Epilogue<'_>,
) -> Result<Tensor> {
    let output = by::forward(g, maps, weight)?;
    let Epilogue { scale, shift, residual, activation } = *after;
    if scale.is_none() && shift.is_none() && residual.is_none() && activation == Activation::None {
        return Ok(output);
    }
    affine(&output, &Affine { mean: None, scale, shift, residual, activation })
}

/// `[batch, height, width, inputs]`.
pub(in crate::ops) fn convolution_input_gradient(
    g: &Geometry,
    grad: &Tensor,
    weight: &Tensor,
) -> Result<Tensor> {
    by::input_gradient(g, grad, weight)
}

/// `[outputs, kernel_h, kernel_w, inputs / groups]`.
pub(in crate::ops) fn convolution_weight_gradient(
    g: &Geometry,
    grad: &Tensor,
    maps: &Tensor,
) -> Result<Tensor> {
    by::weight_gradient(g, grad, maps)
}
