//! A network as a list of nodes, each after those it reads: what it computes, in which order, and
//! what can be read from it. Not here: whole passes ([`pass`]) and single layers ([`layer`]).
//!
//! No autograd: a static graph knows what each gradient needs, so it keeps nothing else, frees
//! each map at its last use, and hands out the gradient of any tap.

mod builder;
mod conv;
mod layer;
mod norm;
pub mod pass;
pub mod receptive_field;
#[cfg(test)]
mod tests;

use candle_core::{Result, Tensor, Var};

pub(super) use builder::{Builder, Conv, Fans, Initial, Linear, NodeId, Size};
use layer::Layer;

use super::LayerTap;
use crate::ops::{self, Activation};

/// The whole network.
#[derive(Debug)]
pub(super) struct Graph {
    /// Node 0 stands for the normalised images.
    nodes: Vec<Node>,
    logits: usize,
    /// A second head that only training has.
    auxiliary: Option<usize>,
    /// The nodes behind `taps`, in the same order.
    tapped: Vec<usize>,
    taps: Vec<LayerTap>,
    normalize: Normalize,
    /// With the step and the node, it draws what dropout drops.
    seed: u64,
    parameters: usize,
}

#[derive(Debug)]
struct Node {
    /// The module's name in PyTorch, for messages.
    name: String,
    layer: Layer,
    /// Nodes before this one.
    inputs: Vec<usize>,
}

impl Graph {
    pub(super) fn taps(&self) -> &[LayerTap] {
        &self.taps
    }
}

/// A parameter of a layer.
#[derive(Debug, Clone)]
struct Weight {
    /// Its place among the trainable ones.
    index: usize,
    var: Var,
}

impl Weight {
    /// As it is now, unknown to candle's autograd.
    fn value(&self) -> Tensor {
        self.var.as_detached_tensor()
    }
}

/// What a node keeps of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// No gradient will be asked for.
    Nothing,
    /// Enough for the gradient of what it reads.
    ForInputs,
    /// Enough for the gradients of its parameters too.
    ForParameters,
}

/// Gradients of a node's parameters, by [`Weight::index`].
type ParameterGradients = Vec<(usize, Tensor)>;

/// Takes a gradient back through the activation that gave `output`.
fn through(
    activation: Activation,
    output: Option<&Tensor>,
    grad: Tensor,
) -> candle_core::Result<Tensor> {
    match (activation, output) {
        (Activation::Relu, Some(output)) => ops::relu_gradient(output, &grad),
        _ => Ok(grad),
    }
}

/// Brings pixels in 0..1 to zero mean and unit deviation, channel by channel, and puts channels
/// last.
#[derive(Debug)]
pub(super) struct Normalize {
    scale: Tensor,
    shift: Tensor,
}

impl Normalize {
    /// `pixel · scale + shift`, both `[channels]`.
    pub(super) fn new(scale: &[f64], shift: &[f64], device: &candle_core::Device) -> Result<Self> {
        let tensor = |values: &[f64]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Tensor::from_vec(values, scale.len(), device)
        };
        Ok(Self { scale: tensor(scale)?, shift: tensor(shift)? })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let pixels = ops::to_channels_last(&images.detach())?;
        ops::channel_affine(&pixels, &self.scale, &self.shift, Activation::None)
    }

    fn backward(&self, grad: &Tensor) -> Result<Tensor> {
        ops::to_channels_first(&ops::channel_scale(grad, &self.scale)?)
    }
}
