//! `results/neurons.json` (SCIENCE §3): the images that excite each neuron most.

use serde::{Deserialize, Serialize};

/// Every layer that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neurons {
    /// Class names, by index.
    pub classes: Vec<String>,
    /// Real images that were ranked.
    pub real_images: u64,
    /// Images of the test split that could not be read and are not ranked.
    #[serde(default)]
    pub damaged: u64,
    /// Adversarial images that were ranked; 0 = there were none.
    pub adversarial_images: u64,
    /// Side of the stored pictures, in pixels.
    pub image_size: usize,
    /// In the spec's order.
    pub layers: Vec<Layer>,
}

/// One layer tap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The tap's name.
    pub layer: String,
    /// By index.
    pub neurons: Vec<Neuron>,
}

/// One channel of the layer's feature map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Neuron {
    /// Channel.
    pub index: usize,
    /// Most exciting first; ties by image index.
    pub real: Vec<TopImage>,
    /// The same over the adversarial images, ranked on their own.
    pub adversarial: Vec<TopImage>,
}

/// A picture and how much it excites the neuron.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopImage {
    /// Relative name in its split.
    pub image: String,
    /// The 8-bit picture, relative to the run folder.
    pub picture: String,
    /// Spatial maximum of the channel.
    pub activation: f64,
    /// Row and column of that maximum in the feature map.
    pub position: [usize; 2],
    /// True class, by name.
    pub label: String,
    /// True class.
    pub label_index: u32,
    /// The network's answer to this picture, by name.
    pub prediction: String,
    /// The network's answer to this picture.
    pub prediction_index: u32,
}
