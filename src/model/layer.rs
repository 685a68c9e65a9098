//! The layers that architectures are made of: parameters bound to operators, in both modes.

use candle_core::{Result, Tensor, Var};

use super::Mode;
use super::parameters::Parameters;
use crate::ops::init::Init;
use crate::ops::nchw::channel_affine::{Activation, channel_affine};
use crate::ops::nchw::{BatchNorm, Conv2d};

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
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalize {
    pub(super) fn new(mean: &[f64], std: &[f64]) -> Self {
        Self {
            scale: std.iter().map(|std| (1.0 / std) as f32).collect(),
            shift: mean.iter().zip(std).map(|(mean, std)| (-mean / std) as f32).collect(),
        }
    }

    pub(super) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        channel_affine(images, self.scale.clone(), self.shift.clone(), Activation::None)
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
        let conv = Conv2d { stride, padding: kernel / 2, activation: Activation::None };
        let mut running_mean = self.running_mean.to_vec1::<f32>()?;
        let mut running_var = self.running_var.to_vec1::<f32>()?;
        if mode == Mode::Evaluate {
            let (gamma, beta) = (self.gamma.to_vec1::<f32>()?, self.beta.to_vec1::<f32>()?);
            let (scale, shift) = BATCH_NORM.frozen(&gamma, &beta, &running_mean, &running_var);
            let outputs = scale.len();
            let scale = Tensor::from_vec(scale, (outputs, 1, 1, 1), images.device())?;
            let weight = self.weight.as_detached_tensor().broadcast_mul(&scale)?;
            let shift = Tensor::from_vec(shift, outputs, images.device())?;
            let fused = Conv2d { activation: Activation::Relu, ..conv };
            return fused.forward(images, &weight, Some(&shift));
        }
        let maps = conv.forward(images, &self.weight, None)?;
        let (maps, statistics) = BATCH_NORM.forward(&maps, &self.gamma, &self.beta)?;
        statistics.update(&mut running_mean, &mut running_var, MOMENTUM);
        let device = maps.device();
        self.running_mean.set(&Tensor::from_vec(running_mean, self.shape.outputs, device)?)?;
        self.running_var.set(&Tensor::from_vec(running_var, self.shape.outputs, device)?)?;
        Ok(maps)
    }
}

/// PyTorch's defaults.
const BATCH_NORM: BatchNorm = BatchNorm { epsilon: 1e-5, activation: Activation::Relu };
const MOMENTUM: f64 = 0.1;

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
