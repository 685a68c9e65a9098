//! `shapesnet`: the small batch-normalised network for the embedded data and other small images.
//!
//! ```text
//! images   C × S × S           S ≥ 28
//! conv1    5×5, 16, stride 2 (1 where S ≤ 40) → bn1 → ReLU       tap conv1
//! conv2    3×3, 32 → bn2 → ReLU                                  tap conv2
//! max pool 2×2
//! conv3    3×3, 64 → bn3 → ReLU                                  tap conv3
//! max pool 2×2
//! conv4    3×3, 128 → bn4 → ReLU                                 tap conv4
//! max pool 2×2
//! conv5    3×3, 128 → bn5 → ReLU                                 tap conv5
//! global average pool → fc → logits
//! ```
//!
//! The first stride keeps the work for 32×32 photographs and 64×64 scenes the same: conv1's map is
//! 32×32 for both.

use candle_core::{Device, Result, Tensor, bail};

use super::layer::{ConvBatchNormRelu, ConvShape, Linear, Normalize};
use super::parameters::Parameters;
use super::{Arch, LayerTap, Mode, Model, ModelConfig, Output, collect_taps};
use crate::ops::nchw::{MaxPool2d, global_average_pool};

/// Channels of conv1 to conv5.
const WIDTHS: [usize; 5] = [16, 32, 64, 128, 128];

const POOL: MaxPool2d = MaxPool2d { kernel: 2, stride: 2, padding: 0 };

/// The network.
#[derive(Debug)]
pub struct Shapesnet {
    config: ModelConfig,
    parameters: Parameters,
    taps: Vec<LayerTap>,
    normalize: Normalize,
    convs: Vec<ConvBatchNormRelu>,
    fc: Linear,
}

impl Shapesnet {
    /// Smallest image side: three halvings leave conv5 a map of 3×3.
    pub const MIN_SIZE: usize = 28;

    /// A fresh network; [`super::build`] has checked `config`.
    pub(super) fn new(config: ModelConfig, device: &Device) -> Result<Self> {
        let mut parameters = Parameters::new(config.seed, device);
        let mut convs = Vec::new();
        let mut taps = Vec::new();
        let mut size = config.image_size;
        let mut inputs = config.channels;
        for (index, outputs) in WIDTHS.into_iter().enumerate() {
            let (kernel, stride) = match index {
                0 if config.image_size > 40 => (5, 2),
                0 => (5, 1),
                _ => (3, 1),
            };
            if index >= 2 {
                size /= 2;
            }
            size = size.div_ceil(stride);
            let name = format!("conv{}", index + 1);
            let shape = ConvShape { inputs, outputs, kernel, stride };
            convs.push(ConvBatchNormRelu::new(
                &mut parameters,
                &name,
                &format!("bn{}", index + 1),
                shape,
            )?);
            taps.push(LayerTap { name, alias: None, shape: [outputs, size, size] });
            inputs = outputs;
        }
        let fc = Linear::new(&mut parameters, "fc", inputs, config.classes)?;
        let normalize = Normalize::new(&config.mean, &config.std);
        Ok(Self { config, parameters, taps, normalize, convs, fc })
    }
}

impl Model for Shapesnet {
    fn forward(&self, images: &Tensor, mode: Mode, taps: &[&str]) -> Result<Output> {
        let (_, channels, height, width) = images.dims4()?;
        let ModelConfig { channels: c, image_size: s, .. } = self.config;
        if (channels, height, width) != (c, s, s) {
            bail!("shapesnet was built for {c}×{s}×{s} images, not {channels}×{height}×{width}");
        }
        let mut maps = Vec::with_capacity(self.convs.len());
        let mut x = self.normalize.forward(images)?;
        for (index, conv) in self.convs.iter().enumerate() {
            if index >= 2 {
                x = POOL.forward(&x)?;
            }
            x = conv.forward(&x, mode)?;
            maps.push(x.clone());
        }
        let logits = self.fc.forward(&global_average_pool(&x)?, mode)?;
        Ok(Output { logits, taps: collect_taps(&self.taps, &maps, taps)? })
    }

    fn taps(&self) -> &[LayerTap] {
        &self.taps
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn arch(&self) -> Arch {
        Arch::Shapesnet
    }

    fn config(&self) -> &ModelConfig {
        &self.config
    }
}
