//! The layers that architectures are made of: parameters bound to operators, in both modes.

use candle_core::{Result, Tensor, Var};

use super::Mode;
use super::parameters::Parameters;
use crate::ops::init::Init;

/// A parameter as the mode wants it: with its gradient, or as a plain tensor.
fn bound(var: &Var, mode: Mode) -> Tensor {
    match mode {
        Mode::Train => var.as_tensor().clone(),
        Mode::Evaluate => var.as_detached_tensor(),
    }
}

/// Brings pixels in 0..1 to zero mean and unit deviation, channel by channel.
#[derive(Debug)]
pub(super) struct Normalize {
    mean: Tensor,
    std: Tensor,
}

impl Normalize {
    pub(super) fn new(mean: &[f64], std: &[f64], device: &candle_core::Device) -> Result<Self> {
        let tensor = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::from_vec(values, (1, mean.len(), 1, 1), device)
        };
        Ok(Self { mean: tensor(mean)?, std: tensor(std)? })
    }

    pub(super) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        images.broadcast_sub(&self.mean)?.broadcast_div(&self.std)
    }
}

/// A square convolution without bias.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvShape {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

/// Convolution (padded to `size / stride`), batch normalisation, ReLU.
#[derive(Debug)]
pub(super) struct ConvBatchNormRelu {
    shape: ConvShape,
    weight: Var,
    gamma: Var,
    beta: Var,
    running_mean: Var,
    running_var: Var,
}

impl ConvBatchNormRelu {
    /// Parameters `{conv}.weight` and `{bn}.weight bias running_mean running_var`.
    pub(super) fn new(p: &mut Parameters, conv: &str, bn: &str, shape: ConvShape) -> Result<Self> {
        let ConvShape { inputs, outputs, kernel, .. } = shape;
        Ok(Self {
            shape,
            weight: p.add(
                &format!("{conv}.weight"),
                &[outputs, inputs, kernel, kernel],
                Init::KaimingNormal,
            )?,
            gamma: p.add(&format!("{bn}.weight"), &[outputs], Init::Constant(1.0))?,
            beta: p.add(&format!("{bn}.bias"), &[outputs], Init::Constant(0.0))?,
            running_mean: p.add_buffer(&format!("{bn}.running_mean"), &[outputs], 0.0)?,
            running_var: p.add_buffer(&format!("{bn}.running_var"), &[outputs], 1.0)?,
        })
    }

    pub(super) fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let ConvShape { kernel, stride, .. } = self.shape;
        let weight = bound(&self.weight, mode);
        let maps = images.conv2d(&weight, kernel / 2, stride, 1, 1)?;
        let (mean, var) = match mode {
            Mode::Train => {
                let mean = maps.mean_keepdim((0, 2, 3))?;
                let var = maps.broadcast_sub(&mean)?.sqr()?.mean_keepdim((0, 2, 3))?;
                let count = (maps.elem_count() / self.shape.outputs) as f64;
                let unbiased = (&var * (count / (count - 1.0)))?;
                follow(&self.running_mean, &mean)?;
                follow(&self.running_var, &unbiased)?;
                (mean, var)
            }
            Mode::Evaluate => {
                let shape = (1, self.shape.outputs, 1, 1);
                let mean = self.running_mean.as_detached_tensor().reshape(shape)?;
                (mean, self.running_var.as_detached_tensor().reshape(shape)?)
            }
        };
        let gamma = bound(&self.gamma, mode).reshape(mean.shape())?;
        let beta = bound(&self.beta, mode).reshape(mean.shape())?;
        let scale = gamma.div(&(var + EPSILON)?.sqrt()?)?;
        maps.broadcast_sub(&mean)?.broadcast_mul(&scale)?.broadcast_add(&beta)?.relu()
    }
}

/// PyTorch's defaults.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Moves a running statistic towards this batch's.
fn follow(running: &Var, batch: &Tensor) -> Result<()> {
    let batch = batch.detach().reshape(running.shape())?;
    running
        .set(&((running.as_detached_tensor() * (1.0 - MOMENTUM))? + (batch * MOMENTUM)?)?.detach())
}

/// Fully connected, with bias.
#[derive(Debug)]
pub(super) struct Linear {
    weight: Var,
    bias: Var,
}

impl Linear {
    /// Parameters `{name}.weight` `[outputs, inputs]` and `{name}.bias`.
    pub(super) fn new(
        p: &mut Parameters,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self> {
        let init = Init::Uniform { fan_in: inputs };
        Ok(Self {
            weight: p.add(&format!("{name}.weight"), &[outputs, inputs], init)?,
            bias: p.add(&format!("{name}.bias"), &[outputs], init)?,
        })
    }

    /// `features` `[batch, inputs]` to `[batch, outputs]`.
    pub(super) fn forward(&self, features: &Tensor, mode: Mode) -> Result<Tensor> {
        features.matmul(&bound(&self.weight, mode).t()?)?.broadcast_add(&bound(&self.bias, mode))
    }
}
