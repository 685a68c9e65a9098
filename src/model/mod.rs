//! Architectures, layer taps, weights in and out. Models take pixels in 0..1 and normalise inside.

mod config;
mod layer;
pub mod parameters;
pub mod shapesnet;
pub mod weights;

use candle_core::{Device, Result, Tensor, bail};

pub use config::{Arch, ModelConfig};
pub use parameters::Parameters;
use shapesnet::Shapesnet;

/// How batch normalisation and dropout behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics; running statistics are updated; weights carry gradients.
    Train,
    /// Running statistics; weights are plain tensors, so only the input can carry a gradient.
    Evaluate,
}

/// A named place whose feature map can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTap {
    /// The name in the parameter tree: `features.10`.
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

/// A network.
pub trait Model: Send + Sync {
    /// `images` `[batch, channels, height, width]`, f32 in 0..1; `taps` are names or aliases from
    /// [`Model::taps`].
    fn forward(&self, images: &Tensor, mode: Mode, taps: &[&str]) -> Result<Output>;
    /// Places that can be read, from input to output.
    fn taps(&self) -> &[LayerTap];
    /// Weights and running statistics.
    fn parameters(&self) -> &Parameters;
    /// Which architecture this is.
    fn arch(&self) -> Arch;
    /// What it was built for.
    fn config(&self) -> &ModelConfig;
    /// Number of outputs.
    fn classes(&self) -> usize {
        self.config().classes
    }
}

/// A fresh network. Errors name what in `config` does not fit.
pub fn build(
    arch: Arch,
    config: ModelConfig,
    device: &Device,
) -> crate::error::Result<Box<dyn Model>> {
    config.check(arch)?;
    Ok(match arch {
        Arch::Shapesnet => Box::new(Shapesnet::new(config, device)?),
    })
}

/// The feature maps asked for: `maps` holds one for each of `known`.
fn collect_taps(known: &[LayerTap], maps: &[Tensor], asked: &[&str]) -> Result<Vec<Tensor>> {
    asked
        .iter()
        .map(|&name| {
            let found =
                known.iter().position(|tap| tap.name == name || tap.alias.as_deref() == Some(name));
            let Some(map) = found.and_then(|index| maps.get(index)) else {
                let names: Vec<_> = known.iter().map(|tap| tap.name.as_str()).collect();
                bail!("no layer '{}', there are {}", printable(name), names.join(", "))
            };
            Ok(map.clone())
        })
        .collect()
}

/// A name from outside, fit to be shown: control codes replaced, cut to 80 characters.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(80).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    fn config(channels: usize, image_size: usize) -> ModelConfig {
        ModelConfig {
            classes: 7,
            channels,
            image_size,
            mean: vec![0.5; channels],
            std: vec![0.25; channels],
            seed: 3,
        }
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

    #[test]
    fn only_the_mode_asked_for_moves_statistics_and_tracks_weights() {
        let model = build(Arch::Shapesnet, config(3, 32), &Device::Cpu).unwrap();
        let buffers = || -> Vec<Vec<f32>> {
            let buffers = model.parameters().buffers().iter();
            buffers.map(|(_, var)| var.to_vec1().unwrap()).collect()
        };
        let before = buffers();
        let input = Var::from_tensor(&images(3, 32)).unwrap();
        let output = model.forward(&input, Mode::Evaluate, &[]).unwrap();
        let grads = output.logits.sum_all().unwrap().backward().unwrap();
        assert!(grads.get(&input).is_some());
        assert!(model.parameters().trainable().iter().all(|(_, var)| grads.get(var).is_none()));
        assert_eq!(before, buffers());

        let output = model.forward(&images(3, 32), Mode::Train, &[]).unwrap();
        let grads = output.logits.sum_all().unwrap().backward().unwrap();
        assert!(model.parameters().trainable().iter().all(|(_, var)| grads.get(var).is_some()));
        assert!(before.iter().zip(&buffers()).all(|(before, after)| before != after));
    }

    #[test]
    fn the_same_seed_takes_the_same_step_bit_for_bit() {
        let step = || -> Vec<Vec<f32>> {
            let model = build(Arch::Shapesnet, config(3, 32), &Device::Cpu).unwrap();
            let output = model.forward(&images(3, 32), Mode::Train, &[]).unwrap();
            let labels = Tensor::new(&[1_u32, 5], &Device::Cpu).unwrap();
            let loss = crate::ops::cross_entropy(&output.logits, &labels, 0.1).unwrap();
            let grads = loss.backward().unwrap();
            let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
            let trainable = model.parameters().trainable().iter();
            let buffers = model.parameters().buffers().iter();
            let grads = trainable.map(|(_, var)| flat(grads.get(var).unwrap()));
            grads.chain(buffers.map(|(_, var)| flat(var))).collect()
        };
        let first = step();
        for _ in 0..5 {
            assert!(first == step());
        }
    }

    #[test]
    fn a_plain_image_builds_no_graph_in_evaluation() {
        let model = build(Arch::Shapesnet, config(1, 28), &Device::Cpu).unwrap();
        let output = model.forward(&images(1, 28), Mode::Evaluate, &["conv2"]).unwrap();
        assert!(!output.logits.track_op() && !output.taps[0].track_op());
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
