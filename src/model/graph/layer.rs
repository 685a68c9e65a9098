//! What a node computes: each layer forward, and back from the gradient of its output.

use candle_core::{Result, Tensor, bail};

use super::super::Mode;
use super::norm::Norm;
use super::{Keep, ParameterGradients, Weight, conv, norm, through};
use crate::ops::{self, Activation, AveragePool2d, MaxPool2d, Winners};

/// Maps are `[batch, height, width, channels]`, features `[batch, features]`.
#[derive(Debug)]
pub(super) enum Layer {
    /// What the network is given, already normalised.
    Input,
    /// Reads maps and perhaps a residual.
    Conv(conv::Conv),
    /// Batch normalisation that follows no convolution.
    Norm(Norm, Activation),
    Linear(Linear),
    Relu,
    MaxPool {
        pool: MaxPool2d,
        size: [usize; 2],
    },
    AveragePool {
        pool: AveragePool2d,
        size: [usize; 2],
    },
    AdaptiveAveragePool {
        out: [usize; 2],
        size: [usize; 2],
    },
    /// Drops features while training.
    Dropout {
        probability: f32,
    },
    /// Maps side by side; how many channels each has.
    Concat {
        channels: Vec<usize>,
    },
    /// Channels of zeros before and after.
    PadChannels {
        before: usize,
        channels: usize,
        after: usize,
    },
    /// Maps `[height, width, channels]` to features, in PyTorch's order: channel by channel.
    Flatten {
        maps: [usize; 3],
    },
}

/// Fully connected.
#[derive(Debug)]
pub(super) struct Linear {
    pub(super) weight: Weight,
    pub(super) bias: Weight,
    pub(super) activation: Activation,
}

/// How a node is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) mode: Mode,
    pub(super) keep: Keep,
    /// Draws what dropout drops.
    pub(super) seed: u64,
}

/// What a node keeps for its gradients.
#[derive(Debug, Clone, Default)]
pub(super) enum Saved {
    #[default]
    Nothing,
    Conv(conv::Saved),
    Norm {
        norm: norm::Saved,
        output: Tensor,
    },
    Linear {
        features: Option<Tensor>,
        output: Option<Tensor>,
    },
    Output(Tensor),
    Winners(Winners),
    /// Dropout's seed.
    Seed(u64),
}

/// Gradients of what a node reads, in its order, and of its parameters.
pub(super) type Gradients = (Vec<Option<Tensor>>, ParameterGradients);

impl Layer {
    pub(super) fn has_parameters(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Norm(..) | Self::Linear(_))
    }

    pub(super) fn forward(&self, inputs: &[Tensor], how: How) -> Result<(Tensor, Saved)> {
        let How { mode, keep, seed } = how;
        let keeps = keep != Keep::Nothing;
        let [first, rest @ ..] = inputs else { bail!("a layer reads nothing") };
        let nothing = |output| Ok((output, Saved::Nothing));
        match self {
            Self::Input => nothing(first.clone()),
            Self::Conv(conv) => {
                let (output, saved) = conv.forward(first, rest.first(), mode, keep)?;
                Ok((output, saved.map_or(Saved::Nothing, Saved::Conv)))
            }
            Self::Norm(norm, activation) => {
                // Features are maps of one place.
                let dims = first.dims().to_vec();
                let maps = match dims[..] {
                    [batch, features] => first.reshape((batch, 1, 1, features))?,
                    _ => first.clone(),
                };
                let (output, saved) = norm.forward(&maps, None, *activation, mode, keep)?;
                let output = output.reshape(dims)?;
                let saved = saved
                    .map_or(Saved::Nothing, |norm| Saved::Norm { norm, output: output.clone() });
                Ok((output, saved))
            }
            Self::Linear(linear) => {
                let (weight, bias) = (linear.weight.value(), linear.bias.value());
                let output = ops::linear(first, &weight, Some(&bias), linear.activation)?;
                let saved = Saved::Linear {
                    features: (keep == Keep::ForParameters).then(|| first.clone()),
                    output: (keeps && linear.activation == Activation::Relu)
                        .then(|| output.clone()),
                };
                Ok((output, saved))
            }
            Self::Relu => {
                let output = ops::relu(first)?;
                let saved = if keeps { Saved::Output(output.clone()) } else { Saved::Nothing };
                Ok((output, saved))
            }
            Self::MaxPool { pool, .. } => {
                let (output, winners) = pool.forward(first)?;
                Ok((output, if keeps { Saved::Winners(winners) } else { Saved::Nothing }))
            }
            Self::AveragePool { pool, .. } => nothing(pool.forward(first)?),
            Self::AdaptiveAveragePool { out, .. } => {
                nothing(ops::adaptive_average_pool(first, *out)?)
            }
            Self::Dropout { .. } if mode == Mode::Evaluate => nothing(first.clone()),
            Self::Dropout { probability } => {
                Ok((ops::dropout(first, *probability, seed)?, Saved::Seed(seed)))
            }
            Self::Concat { .. } => nothing(ops::concat(&inputs.iter().collect::<Vec<_>>())?),
            Self::PadChannels { before, after, .. } => {
                nothing(first.pad_with_zeros(3, *before, *after)?)
            }
            Self::Flatten { .. } => nothing(ops::to_channels_first(first)?.flatten_from(1)?),
        }
    }

    /// From the gradient of the output to those of the inputs that `wanted` names and, if the
    /// forward pass kept enough, of the parameters.
    pub(super) fn backward(
        &self,
        saved: Saved,
        grad: Tensor,
        wanted: &[bool],
    ) -> Result<Gradients> {
        let one = |grad: Tensor| Ok((vec![Some(grad)], Vec::new()));
        let first = wanted.first().copied().unwrap_or(false);
        match (self, saved) {
            (Self::Conv(conv), Saved::Conv(saved)) => {
                let (maps, residual, parameters) = conv.backward(saved, grad, first)?;
                let mut inputs = vec![maps];
                if wanted.len() > 1 {
                    inputs.push(Some(residual));
                }
                Ok((inputs, parameters))
            }
            (Self::Norm(norm, activation), Saved::Norm { norm: saved, output }) => {
                let dims = grad.dims().to_vec();
                let grad = through(*activation, Some(&output), grad)?;
                let grad = match dims[..] {
                    [batch, features] => grad.reshape((batch, 1, 1, features))?,
                    _ => grad,
                };
                let (maps, parameters) = norm.backward(saved, &grad)?;
                Ok((vec![Some(maps.reshape(dims)?)], parameters))
            }
            (Self::Linear(linear), Saved::Linear { features, output }) => {
                let grad = through(linear.activation, output.as_ref(), grad)?;
                let mut parameters = Vec::new();
                if let Some(features) = &features {
                    let weight = ops::linear_weight_gradient(&grad, features)?;
                    parameters.push((linear.weight.index, weight));
                    parameters.push((linear.bias.index, ops::channel_sum(&grad)?));
                }
                let weight = linear.weight.value();
                let input = first.then(|| ops::linear_input_gradient(&grad, &weight));
                Ok((vec![input.transpose()?], parameters))
            }
            (Self::Relu, Saved::Output(output)) => one(ops::relu_gradient(&output, &grad)?),
            (Self::MaxPool { pool, size }, Saved::Winners(winners)) => {
                one(pool.input_gradient(&grad, &winners, *size)?)
            }
            (Self::AveragePool { pool, size }, _) => one(pool.input_gradient(&grad, *size)?),
            (Self::AdaptiveAveragePool { size, .. }, _) => {
                one(ops::adaptive_average_pool_gradient(&grad, *size)?)
            }
            (Self::Dropout { probability }, Saved::Seed(seed)) => {
                one(ops::dropout_gradient(&grad, *probability, seed)?)
            }
            (Self::Dropout { .. }, _) => one(grad),
            (Self::Concat { channels }, _) => {
                Ok((ops::split(&grad, channels)?.into_iter().map(Some).collect(), Vec::new()))
            }
            (Self::PadChannels { before, channels, .. }, _) => {
                one(grad.narrow(3, *before, *channels)?.contiguous()?)
            }
            (Self::Flatten { maps: [height, width, channels] }, _) => {
                let batch = grad.dim(0)?;
                let grad = grad.contiguous()?.reshape((batch, *channels, *height, *width))?;
                one(ops::to_channels_last(&grad)?)
            }
            (layer, _) => bail!("a layer kept nothing for its gradient: {layer:?}"),
        }
    }
}
