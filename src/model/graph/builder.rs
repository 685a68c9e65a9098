//! Puts a network together, layer by layer, in the order in which PyTorch lists their parameters.

use candle_core::Device;

use super::super::LayerTap;
use super::super::parameters::{Layout, Parameters};
use super::layer::{self, Layer};
use super::norm::Norm;
use super::{Graph, Node, Normalize, Weight, conv};
use crate::error::{Error, Result};
use crate::ops::init::Init;
use crate::ops::{Activation, AveragePool2d, BatchNorm, Conv2d, MaxPool2d};

/// A node of the network being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) struct NodeId(usize);

/// What a node gives for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum Size {
    /// Maps.
    Maps { channels: usize, height: usize, width: usize },
    /// A row of numbers.
    Features(usize),
}

/// How fresh weights are drawn.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Initial {
    pub(in crate::model) conv: fn(Fans) -> Init,
    pub(in crate::model) linear: fn(Fans) -> Init,
    /// Biases at 0; otherwise PyTorch's default, uniform in ±1/√fan_in.
    pub(in crate::model) zero_bias: bool,
}

/// Over how many numbers one output sums, and into how many outputs one input goes.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct Fans {
    pub(in crate::model) inward: usize,
    pub(in crate::model) outward: usize,
}

impl Initial {
    /// What `nn.Conv2d` and `nn.Linear` do by themselves.
    pub(in crate::model) const PYTORCH: Self = Self {
        conv: |fans| Init::Uniform { fan_in: fans.inward },
        linear: |fans| Init::Uniform { fan_in: fans.inward },
        zero_bias: false,
    };
}

/// A convolution to be added. Fresh: stride 1, no padding, a bias, nothing after it.
#[derive(Debug, Clone)]
pub(in crate::model) struct Conv<'a> {
    name: &'a str,
    outputs: usize,
    kernel: [usize; 2],
    operator: Conv2d,
    bias: bool,
    norm: Option<(&'a str, f64)>,
    residual: Option<NodeId>,
    activation: Activation,
    init: Option<Init>,
}

impl<'a> Conv<'a> {
    /// A square kernel.
    pub(in crate::model) fn new(name: &'a str, outputs: usize, kernel: usize) -> Self {
        Self::rectangular(name, outputs, [kernel, kernel])
    }

    /// Height and width of the kernel.
    pub(in crate::model) fn rectangular(name: &'a str, outputs: usize, kernel: [usize; 2]) -> Self {
        Self {
            name,
            outputs,
            kernel,
            operator: Conv2d::default(),
            bias: true,
            norm: None,
            residual: None,
            activation: Activation::None,
            init: None,
        }
    }

    pub(in crate::model) fn stride(mut self, stride: usize) -> Self {
        self.operator.stride = [stride, stride];
        self
    }

    pub(in crate::model) fn padding(self, padding: usize) -> Self {
        self.padding_of([padding, padding])
    }

    pub(in crate::model) fn padding_of(mut self, padding: [usize; 2]) -> Self {
        self.operator.padding = padding;
        self
    }

    pub(in crate::model) fn dilation(mut self, dilation: usize) -> Self {
        self.operator.dilation = [dilation, dilation];
        self
    }

    pub(in crate::model) fn groups(mut self, groups: usize) -> Self {
        self.operator.groups = groups;
        self
    }

    pub(in crate::model) fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Followed by this batch normalisation.
    pub(in crate::model) fn norm(mut self, name: &'a str, epsilon: f64) -> Self {
        self.norm = Some((name, epsilon));
        self
    }

    /// Then this is added.
    pub(in crate::model) fn residual(mut self, residual: NodeId) -> Self {
        self.residual = Some(residual);
        self
    }

    /// Then ReLU.
    pub(in crate::model) fn relu(mut self) -> Self {
        self.activation = Activation::Relu;
        self
    }

    /// The weight drawn in another way than the network's usual one.
    pub(in crate::model) fn init(mut self, init: Init) -> Self {
        self.init = Some(init);
        self
    }
}

/// A fully connected layer to be added.
#[derive(Debug, Clone)]
pub(in crate::model) struct Linear<'a> {
    name: &'a str,
    outputs: usize,
    activation: Activation,
    init: Option<Init>,
}

impl<'a> Linear<'a> {
    pub(in crate::model) fn new(name: &'a str, outputs: usize) -> Self {
        Self { name, outputs, activation: Activation::None, init: None }
    }

    /// Followed by ReLU.
    pub(in crate::model) fn relu(mut self) -> Self {
        self.activation = Activation::Relu;
        self
    }

    /// The weight drawn in another way than the network's usual one.
    pub(in crate::model) fn init(mut self, init: Init) -> Self {
        self.init = Some(init);
        self
    }
}

/// The network so far.
#[derive(Debug)]
pub(in crate::model) struct Builder {
    parameters: Parameters,
    initial: Initial,
    nodes: Vec<Node>,
    sizes: Vec<Size>,
    tapped: Vec<usize>,
    taps: Vec<LayerTap>,
    auxiliary: Option<usize>,
}

impl Builder {
    /// The normalised images.
    pub(in crate::model) const INPUT: NodeId = NodeId(0);

    /// Nothing but square images.
    pub(in crate::model) fn new(
        channels: usize,
        image_size: usize,
        seed: u64,
        device: &Device,
    ) -> Self {
        Self {
            parameters: Parameters::new(seed, device),
            initial: Initial::PYTORCH,
            nodes: vec![Node { name: "input".into(), layer: Layer::Input, inputs: Vec::new() }],
            sizes: vec![Size::Maps { channels, height: image_size, width: image_size }],
            tapped: Vec::new(),
            taps: Vec::new(),
            auxiliary: None,
        }
    }

    /// How the weights of the layers to come are drawn.
    pub(in crate::model) fn initial(&mut self, initial: Initial) {
        self.initial = initial;
    }

    /// What `node` gives.
    pub(in crate::model) fn size(&self, node: NodeId) -> Size {
        self.sizes[node.0]
    }

    /// `[channels, height, width]`, or an error that names the layer which wants maps.
    pub(in crate::model) fn maps(&self, node: NodeId, name: &str) -> Result<[usize; 3]> {
        match self.size(node) {
            Size::Maps { channels, height, width } => Ok([channels, height, width]),
            Size::Features(features) => Err(Error::bad_input(format!(
                "layer '{name}' wants maps, but what comes before it gives {features} numbers"
            ))),
        }
    }

    fn add(&mut self, name: &str, layer: Layer, inputs: &[NodeId], size: Size) -> NodeId {
        let inputs = inputs.iter().map(|node| node.0).collect();
        self.nodes.push(Node { name: name.into(), layer, inputs });
        self.sizes.push(size);
        NodeId(self.nodes.len() - 1)
    }

    fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        layout: Layout,
        init: Init,
    ) -> Result<Weight> {
        let index = self.parameters.add(name, shape, layout, init)?;
        Ok(Weight { index, var: self.parameters.trainable()[index].var.clone() })
    }

    fn bias(&mut self, name: &str, outputs: usize, fan_in: usize) -> Result<Weight> {
        let init =
            if self.initial.zero_bias { Init::Constant(0.0) } else { Init::Uniform { fan_in } };
        self.weight(&format!("{name}.bias"), &[outputs], Layout::Same, init)
    }

    fn norm_of(&mut self, name: &str, channels: usize, epsilon: f64) -> Result<Norm> {
        let mut parameter = |part: &str, value| {
            self.weight(&format!("{name}.{part}"), &[channels], Layout::Same, Init::Constant(value))
        };
        let (gamma, beta) = (parameter("weight", 1.0)?, parameter("bias", 0.0)?);
        let mut buffer = |part: &str, value| {
            self.parameters.add_buffer(&format!("{name}.{part}"), channels, value)
        };
        Ok(Norm {
            operator: BatchNorm { epsilon },
            gamma,
            beta,
            running_mean: buffer("running_mean", 0.0)?,
            running_var: buffer("running_var", 1.0)?,
        })
    }

    /// Parameters `{name}.weight`, `{name}.bias` and the normalisation's.
    pub(in crate::model) fn conv(&mut self, from: NodeId, conv: &Conv<'_>) -> Result<NodeId> {
        let Conv { name, outputs, kernel, operator, bias, activation, .. } = *conv;
        let [channels, height, width] = self.maps(from, name)?;
        let groups = operator.groups;
        if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(Error::bad_input(format!(
                "layer '{name}' cannot cut {channels} inputs and {outputs} outputs into {groups} \
                 groups"
            )));
        }
        let out = operator.output_size([height, width], kernel);
        let [out_height, out_width] = out.map_err(|_| too_small(name, [height, width], kernel))?;
        let size = Size::Maps { channels: outputs, height: out_height, width: out_width };
        if let Some(residual) = conv.residual
            && self.size(residual) != size
        {
            return Err(Error::failed(format!("layer '{name}' and its residual differ in shape")));
        }
        let area = kernel[0] * kernel[1];
        let inputs = channels / groups;
        let fans = Fans { inward: inputs * area, outward: outputs * area };
        let init = conv.init.unwrap_or((self.initial.conv)(fans));
        let shape = [outputs, inputs, kernel[0], kernel[1]];
        let weight = self.weight(&format!("{name}.weight"), &shape, Layout::ChannelsLast, init)?;
        let bias = bias.then(|| self.bias(name, outputs, fans.inward)).transpose()?;
        let norm = conv.norm.map(|(name, epsilon)| self.norm_of(name, outputs, epsilon));
        let layer = Layer::Conv(conv::Conv {
            operator,
            kernel,
            size: [height, width],
            weight,
            bias,
            norm: norm.transpose()?,
            activation,
        });
        let from: Vec<NodeId> = [Some(from), conv.residual].into_iter().flatten().collect();
        Ok(self.add(name, layer, &from, size))
    }

    /// Batch normalisation by itself, parameters `{name}.weight` and `{name}.bias`.
    pub(in crate::model) fn norm(
        &mut self,
        from: NodeId,
        name: &str,
        epsilon: f64,
        activation: Activation,
    ) -> Result<NodeId> {
        let size = self.size(from);
        let (Size::Maps { channels, .. } | Size::Features(channels)) = size;
        let norm = self.norm_of(name, channels, epsilon)?;
        Ok(self.add(name, Layer::Norm(norm, activation), &[from], size))
    }

    /// Parameters `{name}.weight` `[outputs, inputs]` and `{name}.bias`.
    pub(in crate::model) fn linear(&mut self, from: NodeId, linear: &Linear<'_>) -> Result<NodeId> {
        let Linear { name, outputs, activation, init } = *linear;
        let Size::Features(inputs) = self.size(from) else {
            return Err(Error::bad_input(format!(
                "layer '{name}' wants a row of numbers, but what comes before it gives maps"
            ))
            .hint("put flatten before the first linear layer"));
        };
        let init = init.unwrap_or((self.initial.linear)(Fans { inward: inputs, outward: outputs }));
        let shape = [outputs, inputs];
        let weight = self.weight(&format!("{name}.weight"), &shape, Layout::Same, init)?;
        let bias = self.bias(name, outputs, inputs)?;
        let layer = Layer::Linear(layer::Linear { weight, bias, activation });
        Ok(self.add(name, layer, &[from], Size::Features(outputs)))
    }

    /// ReLU by itself.
    pub(in crate::model) fn relu(&mut self, from: NodeId, name: &str) -> NodeId {
        self.add(name, Layer::Relu, &[from], self.size(from))
    }

    pub(in crate::model) fn max_pool(
        &mut self,
        from: NodeId,
        name: &str,
        pool: MaxPool2d,
    ) -> Result<NodeId> {
        let [channels, height, width] = self.maps(from, name)?;
        let size = [height, width];
        let [height, width] =
            pool.output_size(size).map_err(|_| too_small(name, size, pool.kernel))?;
        let layer = Layer::MaxPool { pool, size };
        Ok(self.add(name, layer, &[from], Size::Maps { channels, height, width }))
    }

    pub(in crate::model) fn average_pool(
        &mut self,
        from: NodeId,
        name: &str,
        pool: AveragePool2d,
    ) -> Result<NodeId> {
        let [channels, height, width] = self.maps(from, name)?;
        let size = [height, width];
        let [height, width] =
            pool.output_size(size).map_err(|_| too_small(name, size, pool.kernel))?;
        let layer = Layer::AveragePool { pool, size };
        Ok(self.add(name, layer, &[from], Size::Maps { channels, height, width }))
    }

    pub(in crate::model) fn adaptive_average_pool(
        &mut self,
        from: NodeId,
        name: &str,
        out: [usize; 2],
    ) -> Result<NodeId> {
        let [channels, height, width] = self.maps(from, name)?;
        let layer = Layer::AdaptiveAveragePool { out, size: [height, width] };
        let size = Size::Maps { channels, height: out[0], width: out[1] };
        Ok(self.add(name, layer, &[from], size))
    }

    pub(in crate::model) fn dropout(&mut self, from: NodeId, name: &str, p: f32) -> NodeId {
        self.add(name, Layer::Dropout { probability: p }, &[from], self.size(from))
    }

    /// Maps side by side, of the same height and width.
    pub(in crate::model) fn concat(&mut self, from: &[NodeId], name: &str) -> Result<NodeId> {
        let mut channels = Vec::with_capacity(from.len());
        let mut sides = [0, 0];
        for &node in from {
            let [count, height, width] = self.maps(node, name)?;
            channels.push(count);
            sides = [height, width];
        }
        let [height, width] = sides;
        let size = Size::Maps { channels: channels.iter().sum(), height, width };
        Ok(self.add(name, Layer::Concat { channels }, from, size))
    }

    /// Channels of zeros before and after.
    pub(in crate::model) fn pad_channels(
        &mut self,
        from: NodeId,
        name: &str,
        [before, after]: [usize; 2],
    ) -> Result<NodeId> {
        let [channels, height, width] = self.maps(from, name)?;
        let layer = Layer::PadChannels { before, channels, after };
        let size = Size::Maps { channels: before + channels + after, height, width };
        Ok(self.add(name, layer, &[from], size))
    }

    /// Maps to a row of numbers, channel by channel.
    pub(in crate::model) fn flatten(&mut self, from: NodeId, name: &str) -> Result<NodeId> {
        let [channels, height, width] = self.maps(from, name)?;
        let layer = Layer::Flatten { maps: [height, width, channels] };
        Ok(self.add(name, layer, &[from], Size::Features(channels * height * width)))
    }

    /// Lets the maps of `node` be read under `name`.
    pub(in crate::model) fn tap(
        &mut self,
        node: NodeId,
        name: &str,
        alias: Option<&str>,
    ) -> Result<()> {
        let shape = self.maps(node, name)?;
        self.tapped.push(node.0);
        self.taps.push(LayerTap { name: name.into(), alias: alias.map(Into::into), shape });
        Ok(())
    }

    /// The second head, which only training has.
    pub(in crate::model) fn auxiliary(&mut self, node: NodeId) {
        self.auxiliary = Some(node.0);
    }

    /// The network whose last node is `logits`.
    pub(in crate::model) fn finish(
        self,
        logits: NodeId,
        normalize: Normalize,
        seed: u64,
    ) -> (Graph, Parameters) {
        let graph = Graph {
            nodes: self.nodes,
            logits: logits.0,
            auxiliary: self.auxiliary,
            tapped: self.tapped,
            taps: self.taps,
            normalize,
            seed,
            parameters: self.parameters.trainable().len(),
        };
        (graph, self.parameters)
    }
}

fn too_small(name: &str, [height, width]: [usize; 2], kernel: [usize; 2]) -> Error {
    Error::bad_input(format!(
        "layer '{name}': a window of {}×{} does not fit maps of {height}×{width}",
        kernel[0], kernel[1]
    ))
    .hint("a larger data.image_size gives larger maps")
}
