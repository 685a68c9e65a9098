//! `sequential`: any plain network, given as a list of layers. Parameters bear the names that
//! `torch.nn.Sequential` gives them, the layer's place in the list: `0.weight`.
//!
//! Taps: every convolution, by its place (`2`) or by counting convolutions (`conv2`), read after
//! the batch normalisation and the ReLU that follow it directly.

use serde::{Deserialize, Serialize};

use super::super::ModelConfig;
use super::super::graph::{Builder, Conv, Linear, NodeId, Size};
use super::EPSILON;
use crate::error::{Error, Result};
use crate::ops::{Activation, AveragePool2d, MaxPool2d};

/// A layer of the list, as PyTorch's module of that name. Windows are square.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layer {
    /// `nn.Conv2d`
    Conv {
        /// Channels.
        outputs: usize,
        /// Side.
        kernel: usize,
        /// Pixels between two windows.
        stride: usize,
        /// Zeros round the maps.
        padding: usize,
        /// Pixels between two numbers of the kernel.
        dilation: usize,
        /// Channels are cut into so many groups.
        groups: usize,
        /// Whether it adds a number of its own to each channel.
        bias: bool,
    },
    /// `nn.BatchNorm2d`, or `nn.BatchNorm1d` behind `flatten`.
    BatchNorm,
    /// `nn.ReLU`
    Relu,
    /// `nn.MaxPool2d`
    MaxPool(Pool),
    /// `nn.AvgPool2d`
    AvgPool(Pool),
    /// `nn.AdaptiveAvgPool2d`
    AdaptiveAvgPool {
        /// Side of what comes out.
        size: usize,
    },
    /// `nn.Dropout`
    Dropout {
        /// How likely a number is dropped.
        probability: f32,
    },
    /// `nn.Flatten`
    Flatten,
    /// `nn.Linear`
    Linear {
        /// Numbers that come out.
        outputs: usize,
    },
}

/// How a pooling layer's window moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Side.
    pub kernel: usize,
    /// Pixels between two windows.
    pub stride: usize,
    /// Round the maps.
    pub padding: usize,
    /// Whether a last window may stick out.
    pub ceil: bool,
}

pub(super) fn build(b: &mut Builder, config: &ModelConfig) -> Result<NodeId> {
    let mut x = Builder::INPUT;
    let mut convs = 0;
    let mut at = 0;
    while let Some(layer) = config.layers.get(at) {
        let (node, used) = add(b, x, at, &config.layers[at..]).map_err(|mut error| {
            error.message = format!("model.layers[{at}]: {}", error.message);
            error
        })?;
        x = node;
        if matches!(layer, Layer::Conv { .. }) {
            convs += 1;
            b.tap(x, &at.to_string(), Some(&format!("conv{convs}")))?;
        }
        at += used;
    }
    match b.size(x) {
        Size::Features(outputs) if outputs == config.classes => Ok(x),
        Size::Features(outputs) => Err(Error::bad_input(format!(
            "model.layers ends with {outputs} outputs, but there are {} classes",
            config.classes
        ))
        .hint(format!("end with \"linear {}\"", config.classes))),
        Size::Maps { .. } => Err(Error::bad_input("model.layers ends with maps, not with classes")
            .hint(format!("end with \"flatten\", \"linear {}\"", config.classes))),
    }
}

/// Adds the first of `layers`, with those behind it that it can take along; says how many.
fn add(b: &mut Builder, from: NodeId, at: usize, layers: &[Layer]) -> Result<(NodeId, usize)> {
    let name = at.to_string();
    let follows = |place: usize, layer: Layer| layers.get(place) == Some(&layer);
    let Some(layer) = layers.first() else { return Ok((from, 0)) };
    let mut used = 1;
    let node = match *layer {
        Layer::Conv { outputs, kernel, stride, padding, dilation, groups, bias } => {
            let norm = (at + 1).to_string();
            let mut conv = Conv::new(&name, outputs, kernel).stride(stride).padding(padding);
            conv = conv.dilation(dilation).groups(groups).bias(bias);
            if follows(used, Layer::BatchNorm) {
                conv = conv.norm(&norm, EPSILON);
                used += 1;
            }
            if follows(used, Layer::Relu) {
                conv = conv.relu();
                used += 1;
            }
            b.conv(from, &conv)?
        }
        Layer::BatchNorm if follows(1, Layer::Relu) => {
            used += 1;
            b.norm(from, &name, EPSILON, Activation::Relu)?
        }
        Layer::BatchNorm => b.norm(from, &name, EPSILON, Activation::None)?,
        Layer::Linear { outputs } if follows(1, Layer::Relu) => {
            used += 1;
            b.linear(from, &Linear::new(&name, outputs).relu())?
        }
        Layer::Linear { outputs } => b.linear(from, &Linear::new(&name, outputs))?,
        Layer::Relu => b.relu(from, &name),
        Layer::MaxPool(Pool { kernel, stride, padding, ceil }) => {
            let pool = MaxPool2d {
                kernel: [kernel; 2],
                stride: [stride; 2],
                padding: [padding; 2],
                ceil_mode: ceil,
            };
            b.max_pool(from, &name, pool)?
        }
        Layer::AvgPool(Pool { kernel, stride, padding, ceil }) => {
            let pool = AveragePool2d {
                kernel: [kernel; 2],
                stride: [stride; 2],
                padding: [padding; 2],
                ceil_mode: ceil,
                count_include_pad: true,
            };
            b.average_pool(from, &name, pool)?
        }
        Layer::AdaptiveAvgPool { size } => b.adaptive_average_pool(from, &name, [size; 2])?,
        Layer::Dropout { probability } => b.dropout(from, &name, probability),
        Layer::Flatten => b.flatten(from, &name)?,
    };
    Ok((node, used))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::model::{Arch, Mode, build, weights};

    #[test]
    fn a_weights_file_says_what_the_network_was_so_that_it_can_be_made_again() {
        let pool = Pool { kernel: 2, stride: 2, padding: 0, ceil: true };
        let conv = Layer::Conv {
            outputs: 4,
            kernel: 3,
            stride: 1,
            padding: 1,
            dilation: 1,
            groups: 1,
            bias: false,
        };
        let config = ModelConfig {
            layers: vec![
                conv,
                Layer::BatchNorm,
                Layer::Relu,
                Layer::MaxPool(pool),
                Layer::Dropout { probability: 0.5 },
                Layer::AdaptiveAvgPool { size: 2 },
                Layer::Flatten,
                Layer::Linear { outputs: 3 },
            ],
            ..ModelConfig::plain(3, 1, 7)
        };
        let model = build(Arch::Sequential, config.clone(), &Device::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.safetensors");
        weights::write(&path, &model, &[]).unwrap();
        let read = weights::read(&path, &Device::Cpu).unwrap();
        let (arch, again) = read.header.unwrap().to_config(1).unwrap();
        assert_eq!((arch, &again), (Arch::Sequential, &config));
        let other = build(arch, ModelConfig { seed: 2, ..again }, &Device::Cpu).unwrap();
        other.parameters().load(read.tensors).unwrap();
        let image = Tensor::full(0.3_f32, (1, 1, 7, 7), &Device::Cpu).unwrap();
        let logits = |model: &crate::model::Model| -> Vec<Vec<f32>> {
            model.forward(&image, Mode::Evaluate, &[]).unwrap().logits.to_vec2().unwrap()
        };
        assert_eq!(logits(&model), logits(&other));
    }
}
