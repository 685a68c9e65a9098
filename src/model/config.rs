//! What a network is built for: its architecture, classes, image size and normalisation.

use std::fmt;
use std::str::FromStr;

use super::arch::sequential;
use crate::error::text::printable;
use crate::error::{Error, Result};

/// Architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// The small batch-normalised network for the embedded data: [`super::arch::shapesnet`].
    Shapesnet,
    /// As torchvision defines it: [`super::arch::alexnet`].
    Alexnet,
    /// As torchvision defines it: [`super::arch::vgg`].
    Vgg16,
    /// As torchvision defines it: [`super::arch::resnet`].
    Resnet18,
    /// As torchvision defines it: [`super::arch::inception`].
    InceptionV3,
    /// As torchvision defines it: [`super::arch::squeezenet`].
    Squeezenet10,
    /// AlexNet for images from 24×24 on.
    AlexnetSmall,
    /// VGG-16 for images from 32×32 on.
    Vgg16Small,
    /// ResNet-18 with a 3×3 stem and no first pooling.
    Resnet18Small,
    /// The CIFAR-10 networks of He et al. 2016, §4.2: [`super::arch::cifar_resnet`].
    Resnet20,
    /// The same, deeper.
    Resnet32,
    /// The same, deeper.
    Resnet44,
    /// The same, deeper.
    Resnet56,
    /// Any plain network: [`super::arch::sequential`].
    Sequential,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Shapesnet,
        Self::Alexnet,
        Self::Vgg16,
        Self::Resnet18,
        Self::InceptionV3,
        Self::Squeezenet10,
        Self::AlexnetSmall,
        Self::Vgg16Small,
        Self::Resnet18Small,
        Self::Resnet20,
        Self::Resnet32,
        Self::Resnet44,
        Self::Resnet56,
        Self::Sequential,
    ];

    /// The name in specs and weight files; torchvision's, where it has one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shapesnet => "shapesnet",
            Self::Alexnet => "alexnet",
            Self::Vgg16 => "vgg16",
            Self::Resnet18 => "resnet18",
            Self::InceptionV3 => "inception_v3",
            Self::Squeezenet10 => "squeezenet1_0",
            Self::AlexnetSmall => "alexnet_small",
            Self::Vgg16Small => "vgg16_small",
            Self::Resnet18Small => "resnet18_small",
            Self::Resnet20 => "resnet20",
            Self::Resnet32 => "resnet32",
            Self::Resnet44 => "resnet44",
            Self::Resnet56 => "resnet56",
            Self::Sequential => "sequential",
        }
    }

    /// Side of the images it was published for; `None` = made for no size in particular.
    pub fn usual_image_size(self) -> Option<usize> {
        match self {
            Self::Alexnet | Self::Vgg16 | Self::Resnet18 | Self::Squeezenet10 => Some(224),
            Self::InceptionV3 => Some(299),
            Self::Resnet20 | Self::Resnet32 | Self::Resnet44 | Self::Resnet56 => Some(32),
            _ => None,
        }
    }

    /// Mean and standard deviation of 0..1 pixels that its published weights go with: ImageNet's,
    /// which those of the CIFAR-10 networks were trained with too. `None` = no such weights.
    pub fn usual_normalisation(self) -> Option<([f64; 3], [f64; 3])> {
        self.usual_image_size().map(|_| ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    }

    /// Smallest image side that leaves every layer a map.
    fn smallest(self) -> usize {
        match self {
            Self::Shapesnet => 28,
            Self::Alexnet => 63,
            Self::Vgg16 | Self::Vgg16Small => 32,
            // Its second head needs maps of 17×17 where it branches off.
            Self::InceptionV3 => 299,
            Self::Squeezenet10 => 21,
            Self::AlexnetSmall => 24,
            Self::Resnet18
            | Self::Resnet18Small
            | Self::Resnet20
            | Self::Resnet32
            | Self::Resnet44
            | Self::Resnet56 => 8,
            Self::Sequential => 1,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Arch {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|arch| arch.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::bad_input(format!("unknown architecture '{}'", printable(name)))
                .hint(format!("known architectures: {known}"))
        })
    }
}

/// What a network is built for.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Outputs.
    pub classes: usize,
    /// Channels of an image: 1 or 3.
    pub channels: usize,
    /// Side of the square images.
    pub image_size: usize,
    /// Per channel, of 0..1 pixels; subtracted inside the model.
    pub mean: Vec<f64>,
    /// Per channel, of 0..1 pixels; divided by inside the model.
    pub std: Vec<f64>,
    /// Draws the initial weights, and what dropout drops.
    pub seed: u64,
    /// [`Arch::Sequential`] only: the network, layer by layer.
    pub layers: Vec<sequential::Layer>,
}

impl ModelConfig {
    /// What tests build networks for that have nothing special about them.
    #[cfg(test)]
    pub(crate) fn plain(classes: usize, channels: usize, image_size: usize) -> Self {
        Self {
            classes,
            channels,
            image_size,
            mean: vec![0.5; channels],
            std: vec![0.25; channels],
            seed: 1,
            layers: Vec::new(),
        }
    }

    pub(super) fn check(&self, arch: Arch) -> Result<()> {
        let smallest = arch.smallest();
        let fail = |message: String| Err(Error::bad_input(message));
        if self.classes == 0 {
            return fail("a network needs at least one class".into());
        }
        if !matches!(self.channels, 1 | 3) {
            return fail(format!("{arch} takes images of 1 or 3 channels, not {}", self.channels));
        }
        if arch == Arch::InceptionV3 && self.channels != 3 {
            return fail(format!("{arch} takes images of 3 channels, not {}", self.channels));
        }
        if self.image_size < smallest {
            return Err(Error::bad_input(format!(
                "{arch} takes images of at least {smallest}×{smallest} pixels, not {0}×{0}",
                self.image_size
            ))
            .hint("set data.image_size, or choose an architecture for small images"));
        }
        match (arch, self.layers.is_empty()) {
            (Arch::Sequential, true) => {
                return Err(Error::bad_input("a sequential network needs its list of layers")
                    .hint("a spec lists them under model.layers, and weights trained here know theirs"));
            }
            (Arch::Sequential, false) | (_, true) => {}
            (_, false) => return fail(format!("{arch} has its own layers")),
        }
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != self.channels {
                return fail(format!(
                    "model.{key} has {} values, the images have {} channels",
                    values.len(),
                    self.channels
                ));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return fail(format!("model.{key} holds {value}, which is not a number"));
            }
        }
        match self.std.iter().find(|&&value| value <= 0.0) {
            Some(value) => fail(format!("model.std holds {value}, it must be above 0")),
            None => Ok(()),
        }
    }
}
