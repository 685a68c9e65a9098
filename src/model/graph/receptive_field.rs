//! What of the input a position of a feature map can see, composed from the layers' kernels, strides,
//! paddings and dilations (Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural
//! Networks", Distill, §"Single-path networks" and "Arbitrary computation graphs").

use super::layer::Layer;
use super::{Graph, Node};

/// The theoretical receptive field of a tap, in pixels of the network's input, whose first pixel
/// reaches from 0 to 1. It may stick out over the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReceptiveField {
    /// Side of the square that one position sees.
    pub size: usize,
    /// From one position to the next.
    pub stride: usize,
    /// Centre of the first position's square, from the image's edge.
    pub start: f64,
}

/// What positions see along one axis: position i the pixels from `first + i · stride` up to, but
/// without, `end + i · stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: i64,
    end: i64,
    stride: i64,
}

impl Span {
    /// Of the input: every position itself.
    const INPUT: Self = Self { first: 0, end: 1, stride: 1 };

    /// Of what reads this through windows of `kernel` positions that lie `dilation` apart.
    fn through(
        self,
        kernel: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
    ) -> Option<Self> {
        let number = |value: usize| i64::try_from(value).ok();
        let last = number(kernel)?.checked_sub(1)?.checked_mul(number(dilation)?)?;
        let first = self.first.checked_sub(number(padding)?.checked_mul(self.stride)?)?;
        let size = (self.end - self.first).checked_add(last.checked_mul(self.stride)?)?;
        let stride = self.stride.checked_mul(number(stride)?)?;
        Some(Self { first, end: first.checked_add(size)?, stride })
    }

    /// All that either sees. Only of maps whose positions lie equally far apart.
    fn hull(self, other: Self) -> Option<Self> {
        (self.stride == other.stride).then(|| Self {
            first: self.first.min(other.first),
            end: self.end.max(other.end),
            stride: self.stride,
        })
    }
}

/// Along height and width.
type Field = [Span; 2];

impl Graph {
    /// That of a tap by name or alias; `None` if there is no such tap, or no one square for all its
    /// positions.
    pub(in crate::model) fn receptive_field(&self, tap: &str) -> Option<ReceptiveField> {
        let is_it =
            |known: &super::LayerTap| known.name == tap || known.alias.as_deref() == Some(tap);
        let end = self.tapped[self.taps.iter().position(is_it)?];
        let mut fields: Vec<Option<Field>> = Vec::with_capacity(end + 1);
        for node in &self.nodes[..=end] {
            let seen = node.inputs.iter().map(|&input| fields.get(input).copied().flatten());
            let field = of(node, &seen.collect::<Vec<_>>());
            fields.push(field);
        }
        let [height, width] = fields.pop()??;
        if height.stride != width.stride {
            return None;
        }
        // The square round a rectangle: kernels of 1×7 and 7×1 take turns.
        let square = height.hull(width)?;
        Some(ReceptiveField {
            size: usize::try_from(square.end - square.first).ok()?,
            stride: usize::try_from(square.stride).ok()?,
            start: (square.first + square.end) as f64 / 2.0,
        })
    }
}

/// What the positions of a node see, from what its inputs' do.
fn of(node: &Node, inputs: &[Option<Field>]) -> Option<Field> {
    let windows = |field: Field, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]| {
        both(|axis| field[axis].through(kernel[axis], stride[axis], padding[axis], 1))
    };
    match &node.layer {
        Layer::Input => Some([Span::INPUT; 2]),
        Layer::Conv(conv) => {
            let (maps, residual) = inputs.split_first()?;
            let operator = conv.operator;
            let seen = (*maps)?;
            let seen = both(|axis| {
                seen[axis].through(
                    conv.kernel[axis],
                    operator.stride[axis],
                    operator.padding[axis],
                    operator.dilation[axis],
                )
            })?;
            match residual {
                [] => Some(seen),
                [residual, ..] => hull(seen, (*residual)?),
            }
        }
        Layer::MaxPool { pool, .. } => {
            windows((*inputs.first()?)?, pool.kernel, pool.stride, pool.padding)
        }
        Layer::AveragePool { pool, .. } => {
            windows((*inputs.first()?)?, pool.kernel, pool.stride, pool.padding)
        }
        Layer::AdaptiveAveragePool { out, size } => {
            let seen = (*inputs.first()?)?;
            both(|axis| {
                // Otherwise its windows differ in size.
                let even = out[axis] > 0 && size[axis].is_multiple_of(out[axis]);
                let window = even.then(|| size[axis] / out[axis])?;
                seen[axis].through(window, window, 0, 1)
            })
        }
        Layer::Norm(..) | Layer::Relu | Layer::Dropout { .. } | Layer::PadChannels { .. } => {
            *inputs.first()?
        }
        Layer::Concat { .. } => {
            let (first, rest) = inputs.split_first()?;
            rest.iter().try_fold((*first)?, |seen, other| hull(seen, (*other)?))
        }
        // No positions are left.
        Layer::Linear(_) | Layer::Flatten { .. } => None,
    }
}

fn both(along: impl Fn(usize) -> Option<Span>) -> Option<Field> {
    Some([along(0)?, along(1)?])
}

fn hull(one: Field, other: Field) -> Option<Field> {
    both(|axis| one[axis].hull(other[axis]))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use crate::model::arch::sequential::{Layer as Listed, Pool};
    use crate::model::{Arch, Mode, Model, ModelConfig, build};

    fn model(arch: Arch, image_size: usize) -> Model {
        build(arch, ModelConfig::plain(3, 3, image_size), &Device::Cpu).unwrap()
    }

    fn field(model: &Model, tap: &str) -> (usize, usize, f64) {
        let field = model.receptive_field(tap).unwrap();
        (field.size, field.stride, field.start)
    }

    /// Sizes and strides as published, for ImageNet's networks in the table of Araujo et al.
    #[test]
    fn published_networks_have_their_known_fields() {
        let alexnet = model(Arch::Alexnet, 64);
        assert_eq!(field(&alexnet, "features.0"), (11, 4, 3.5));
        assert_eq!(field(&alexnet, "features.10"), (163, 16, 15.5));
        assert_eq!(field(&alexnet, "conv5"), field(&alexnet, "features.10"));
        // The layers before the classifier are VGG-16's.
        let vgg = model(Arch::Vgg16Small, 32);
        assert_eq!(field(&vgg, "conv1_1"), (3, 1, 0.5));
        assert_eq!(field(&vgg, "conv5_3"), (196, 16, 8.0));
        let resnet = model(Arch::Resnet18, 64);
        assert_eq!(field(&resnet, "layer4.1"), (435, 32, 0.5));
        assert_eq!(field(&resnet, "layer1.0"), (27, 4, 0.5));
        let small = model(Arch::Resnet20, 32);
        assert_eq!(field(&small, "conv1"), (3, 1, 0.5));
        assert_eq!(field(&small, "layer1.2"), (15, 1, 0.5));
        assert_eq!(field(&small, "layer2.2"), (37, 2, 0.5));
        assert_eq!(field(&small, "layer3.2"), (81, 4, 0.5));
        assert_eq!(small.receptive_field("layer9.9"), None);
    }

    #[test]
    fn dilation_and_pooling_of_everything_count() {
        let conv = |kernel, stride, padding, dilation| Listed::Conv {
            outputs: 2,
            kernel,
            stride,
            padding,
            dilation,
            groups: 1,
            bias: true,
        };
        let pool = Pool { kernel: 2, stride: 2, padding: 0, ceil: false };
        let network = |last: usize| {
            let layers = vec![
                conv(3, 1, 2, 2),
                Listed::AvgPool(pool),
                Listed::AdaptiveAvgPool { size: last },
                conv(1, 1, 0, 1),
                Listed::Flatten,
                Listed::Linear { outputs: 3 },
            ];
            let config = ModelConfig { layers, ..ModelConfig::plain(3, 3, 12) };
            build(Arch::Sequential, config, &Device::Cpu).unwrap()
        };
        // 3×3 with holes sees 5; two of them 6; all six of those 16, from 2 pixels before the edge.
        assert_eq!(field(&network(1), "conv1"), (5, 1, 0.5));
        assert_eq!(field(&network(1), "conv2"), (16, 12, 6.0));
        assert_eq!(field(&network(6), "conv2"), (6, 2, 1.0));
        // Windows of 1 and 2.
        assert_eq!(network(4).receptive_field("conv2"), None);
    }

    /// Every pixel lit in turn, in a network that lets everything through: a position answers to
    /// exactly the pixels of its square.
    #[test]
    fn positions_answer_to_the_pixels_of_their_square_and_no_others() {
        const SIZE: usize = 64;
        let config =
            ModelConfig { mean: vec![0.0], std: vec![1.0], ..ModelConfig::plain(3, 1, SIZE) };
        let model = build(Arch::Shapesnet, config, &Device::Cpu).unwrap();
        for parameter in model.parameters().trainable() {
            let value = match parameter.var.dims() {
                // Of a convolution; its channels together weigh 1.
                [_, _, _, _] => 1.0 / parameter.pytorch_dims()[1] as f32,
                _ if parameter.name.ends_with("weight") => 1.0,
                _ => 0.0,
            };
            let filled = Tensor::full(value, parameter.var.shape(), &Device::Cpu).unwrap();
            parameter.var.set(&filled).unwrap();
        }
        // Image x has only its column x lit.
        let pixels = (0..SIZE * SIZE * SIZE)
            .map(|at| if at % SIZE == at / (SIZE * SIZE) { 1.0_f32 } else { 0.0 })
            .collect();
        let images = Tensor::from_vec(pixels, (SIZE, 1, SIZE, SIZE), &Device::Cpu).unwrap();
        for tap in ["conv1", "conv3", "conv5"] {
            let field = model.receptive_field(tap).unwrap();
            let maps = model.forward(&images, Mode::Evaluate, &[tap]).unwrap().taps.remove(0);
            let width = maps.dim(3).unwrap();
            let middle = maps.dim(2).unwrap() / 2;
            let row = maps.narrow(1, 0, 1).unwrap().narrow(2, middle, 1).unwrap();
            let row: Vec<f32> = row.flatten_all().unwrap().to_vec1().unwrap();
            for (x, answers) in row.chunks_exact(width).enumerate() {
                let most = answers.iter().copied().fold(0.0, f32::max);
                for (position, answer) in answers.iter().enumerate() {
                    let centre = field.start + (position * field.stride) as f64;
                    let distance = (x as f64 + 0.5 - centre).abs();
                    let sees = distance < field.size as f64 / 2.0;
                    assert_eq!(*answer > 1e-4 * most, sees, "{tap}: {position} of pixel {x}");
                }
            }
        }
    }
}
