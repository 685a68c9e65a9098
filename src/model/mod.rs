//! Architectures, layer taps, weights in and out. Models take pixels in 0..1 and normalise inside.
//!
//! Outside, images and feature maps are `[batch, channels, height, width]` and weights have
//! PyTorch's shapes; inside, channels lie last.

pub mod arch;
mod config;
mod graph;
pub mod parameters;
pub mod weights;

use candle_core::{Device, Result, Tensor, bail};

use crate::error::text::printable;
use arch::inception;
pub use config::{Arch, ModelConfig};
pub use graph::pass::{Gradients, Pass, Wanted};
pub use graph::receptive_field::ReceptiveField;
use graph::{Builder, Graph, Normalize};
pub use parameters::Parameters;

/// How batch normalisation and dropout behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, which move the running ones; dropout drops.
    Train {
        /// With the network's seed, it draws what dropout drops.
        step: u64,
    },
    /// Running statistics, which stay as they are; dropout drops. For fine-tuning.
    Frozen {
        /// As for [`Mode::Train`].
        step: u64,
    },
    /// Running statistics; nothing is dropped.
    Evaluate,
}

impl Mode {
    /// Whether batch normalisation takes the batch's own mean and variance.
    fn normalises_by_batch(self) -> bool {
        matches!(self, Self::Train { .. })
    }
}

/// A named place whose feature map can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTap {
    /// The module's name in torchvision: `features.10`.
    pub name: String,
    /// The papers' name: `conv5`.
    pub alias: Option<String>,
    /// `[channels, height, width]` at the model's input size.
    pub shape: [usize; 3],
}

/// What a forward pass gives.
#[derive(Debug)]
pub struct Output {
    /// `[batch, classes]`.
    pub logits: Tensor,
    /// The feature maps asked for, `[batch, channels, height, width]`, in the order asked.
    pub taps: Vec<Tensor>,
}

/// A network. Images are `[batch, channels, height, width]`, f32 in 0..1; taps are asked for by
/// name or alias.
#[derive(Debug)]
pub struct Model {
    arch: Arch,
    config: ModelConfig,
    parameters: Parameters,
    graph: Graph,
}

impl Model {
    /// Logits and feature maps; nothing can be taken back from them.
    pub fn forward(&self, images: &Tensor, mode: Mode, taps: &[&str]) -> Result<Output> {
        self.check(images)?;
        self.graph.forward(images, mode, taps)
    }

    /// Feature maps in evaluation, without what comes after the last of them.
    pub fn features(&self, images: &Tensor, taps: &[&str]) -> Result<Vec<Tensor>> {
        self.check(images)?;
        self.graph.features(images, taps)
    }

    /// Logits in evaluation, from the feature maps `[batch, channels, height, width]` of a tap on.
    /// Errors if what follows needs more than those.
    pub fn forward_from(&self, tap: &str, maps: &Tensor) -> Result<Tensor> {
        self.graph.forward_from(tap, maps)
    }

    /// Whether [`Self::forward_from`] is possible from a tap: whether its maps are all that what
    /// follows needs. False if there is no such tap.
    pub fn goes_on_from(&self, tap: &str) -> bool {
        self.graph.goes_on_from(tap)
    }

    /// A forward pass from whose tensors a loss can be built and taken back.
    pub fn record(
        &self,
        images: &Tensor,
        mode: Mode,
        taps: &[&str],
        wanted: Wanted,
    ) -> Result<Pass<'_>> {
        self.check(images)?;
        self.graph.record(images, mode, taps, wanted)
    }

    /// Places that can be read, from input to output.
    pub fn taps(&self) -> &[LayerTap] {
        self.graph.taps()
    }

    /// What of the input one position of a tap can see, by the layers' geometry. `None` if there is
    /// no such tap, or if its positions see squares of different sizes or at different distances.
    pub fn receptive_field(&self, tap: &str) -> Option<ReceptiveField> {
        self.graph.receptive_field(tap)
    }

    /// Weights and running statistics.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Which architecture this is.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// What it was built for.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where it computes: images come from there, and what it gives lies there.
    pub fn device(&self) -> &Device {
        self.parameters.device()
    }

    /// Number of outputs.
    pub fn classes(&self) -> usize {
        self.config.classes
    }

    fn check(&self, images: &Tensor) -> Result<()> {
        let (_, channels, height, width) = images.dims4()?;
        let ModelConfig { channels: c, image_size: s, .. } = self.config;
        if (channels, height, width) != (c, s, s) {
            let arch = self.arch;
            bail!("{arch} was built for {c}×{s}×{s} images, not {channels}×{height}×{width}");
        }
        Ok(())
    }
}

/// A fresh network. Errors name what in `config` does not fit.
pub fn build(arch: Arch, config: ModelConfig, device: &Device) -> crate::error::Result<Model> {
    config.check(arch)?;
    let mut builder = Builder::new(config.channels, config.image_size, config.seed, device);
    let logits = arch::build(&mut builder, arch, &config)?;
    let mut scale: Vec<f64> = config.std.iter().map(|std| 1.0 / std).collect();
    let mut shift: Vec<f64> = config.mean.iter().zip(&scale).map(|(mean, s)| -mean * s).collect();
    if arch == Arch::InceptionV3 {
        for (channel, (factor, summand)) in
            inception::TRANSFORM.0.into_iter().zip(inception::TRANSFORM.1).enumerate()
        {
            scale[channel] *= factor;
            shift[channel] = shift[channel] * factor + summand;
        }
    }
    let normalize = Normalize::new(&scale, &shift, device)?;
    let (graph, parameters) = builder.finish(logits, normalize, config.seed);
    Ok(Model { arch, config, parameters, graph })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::cross_entropy;

    fn config(channels: usize, image_size: usize) -> ModelConfig {
        ModelConfig { seed: 3, ..ModelConfig::plain(7, channels, image_size) }
    }

    fn images(channels: usize, size: usize) -> Tensor {
        let count = 2 * channels * size * size;
        let pixels: Vec<f32> = (0..count).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
        Tensor::from_vec(pixels, (2, channels, size, size), &Device::Cpu).unwrap()
    }

    #[test]
    fn tap_shapes_hold_at_every_size() {
        for (channels, size) in [(1, 28), (3, 32), (3, 33), (1, 40), (3, 41), (3, 63), (3, 64)] {
            let model = build(Arch::Shapesnet, config(channels, size), &Device::Cpu).unwrap();
            let names: Vec<_> = model.taps().iter().map(|tap| tap.name.as_str()).collect();
            assert!(names.len() >= 4);
            let output = model.forward(&images(channels, size), Mode::Evaluate, &names).unwrap();
            assert_eq!(output.logits.dims(), [2, 7]);
            for (tap, map) in model.taps().iter().zip(&output.taps) {
                assert_eq!(map.dims()[1..], tap.shape, "{} at {size}", tap.name);
            }
        }
    }

    const TRAIN: Mode = Mode::Train { step: 0 };

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn only_training_moves_statistics_and_only_what_is_wanted_has_a_gradient() {
        let model = build(Arch::Shapesnet, config(3, 32), &Device::Cpu).unwrap();
        let buffers = || -> Vec<Vec<f32>> {
            model.parameters().buffers().iter().map(|buffer| numbers(&buffer.var)).collect()
        };
        let before = buffers();
        let pass = model.record(&images(3, 32), Mode::Evaluate, &[], Wanted::INPUT).unwrap();
        let loss = pass.logits.sum_all().unwrap();
        let grads = pass.backward(&loss).unwrap();
        assert_eq!(grads.input.unwrap().dims(), [2, 3, 32, 32]);
        assert!(grads.parameters.is_empty() && grads.taps.is_empty());
        assert_eq!(before, buffers());

        let pass = model.record(&images(3, 32), TRAIN, &[], Wanted::PARAMETERS).unwrap();
        let loss = pass.logits.sqr().unwrap().sum_all().unwrap();
        let grads = pass.backward(&loss).unwrap();
        assert!(grads.input.is_none());
        for (grad, parameter) in grads.parameters.iter().zip(model.parameters().trainable()) {
            assert_eq!(grad.as_ref().unwrap().dims(), parameter.var.dims(), "{}", parameter.name);
        }
        assert!(before.iter().zip(&buffers()).all(|(before, after)| before != after));
    }

    #[test]
    fn the_same_seed_takes_the_same_step_bit_for_bit() {
        // With dropout, which is drawn too.
        let step = |step| -> Vec<Vec<f32>> {
            let model = build(Arch::AlexnetSmall, config(3, 32), &Device::Cpu).unwrap();
            let mode = Mode::Train { step };
            let pass = model.record(&images(3, 32), mode, &[], Wanted::PARAMETERS).unwrap();
            let labels = Tensor::new(&[1_u32, 5], &Device::Cpu).unwrap();
            let loss = cross_entropy(&pass.logits, &labels, 0.1).unwrap();
            let grads = pass.backward(&loss).unwrap();
            grads.parameters.iter().map(|grad| numbers(grad.as_ref().unwrap())).collect()
        };
        let first = step(7);
        assert!(first == step(7));
        assert!(first != step(8));
    }

    #[test]
    fn a_pass_forward_keeps_nothing_of_candles_graph() {
        let model = build(Arch::Shapesnet, config(1, 28), &Device::Cpu).unwrap();
        let output = model.forward(&images(1, 28), Mode::Evaluate, &["conv2"]).unwrap();
        assert!(!output.logits.track_op() && !output.taps[0].track_op());
    }

    #[test]
    fn features_and_what_follows_them_are_the_whole_network() {
        let model = build(Arch::Resnet20, config(3, 32), &Device::Cpu).unwrap();
        let images = images(3, 32);
        let output = model.forward(&images, Mode::Evaluate, &["layer2.0", "conv1"]).unwrap();
        let features = model.features(&images, &["layer2.0", "conv1"]).unwrap();
        for (maps, features) in output.taps.iter().zip(&features) {
            assert_eq!(numbers(maps), numbers(features));
            let tap = if maps.dim(1).unwrap() == 32 { "layer2.0" } else { "conv1" };
            let logits = model.forward_from(tap, maps).unwrap();
            assert_eq!(numbers(&logits), numbers(&output.logits));
        }
    }

    #[test]
    fn the_network_goes_on_from_every_block() {
        for arch in [Arch::Shapesnet, Arch::Resnet20, Arch::AlexnetSmall] {
            let model = build(arch, config(3, 32), &Device::Cpu).unwrap();
            for tap in model.taps() {
                assert!(model.goes_on_from(&tap.name), "{arch} {}", tap.name);
            }
            assert!(!model.goes_on_from("conv99"));
        }
    }

    #[test]
    fn an_unknown_tap_names_the_known_ones() {
        let model = build(Arch::Shapesnet, config(1, 28), &Device::Cpu).unwrap();
        let error = model.forward(&images(1, 28), Mode::Evaluate, &["conv9"]).unwrap_err();
        assert!(error.to_string().contains("conv1, conv2"), "{error}");
    }

    #[test]
    fn impossible_configurations_are_bad_input() {
        let wrong = [
            ModelConfig { classes: 0, ..config(3, 32) },
            ModelConfig { image_size: 27, ..config(3, 32) },
            ModelConfig { mean: vec![0.5], ..config(3, 32) },
            ModelConfig { std: vec![0.25, 0.0, 0.25], ..config(3, 32) },
            ModelConfig { std: vec![0.25, f64::NAN, 0.25], ..config(3, 32) },
            ModelConfig { channels: 2, mean: vec![0.0; 2], std: vec![1.0; 2], ..config(3, 32) },
        ];
        for config in wrong {
            let error = build(Arch::Shapesnet, config.clone(), &Device::Cpu).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{config:?}");
        }
        assert!("resnet999".parse::<Arch>().is_err());
    }
}
