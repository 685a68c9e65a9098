//! `results/neurons.json` (SCIENCE §3): the images that excite each neuron most.

use serde::{Deserialize, Serialize};

/// Every layer that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Neurons {
    /// Class names, by index.
    pub classes: Vec<String>,
    /// `test` or `train`: whose images were ranked; empty in results of older versions.
    #[serde(default)]
    pub split: String,
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
    /// What of the input a position of the feature map can see, by the layers' geometry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receptive_field: Option<ReceptiveField>,
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
    /// The value that 0.005 of all positions of all real images lie above (SCIENCE §4.1): where the
    /// neuron counts as firing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The strip with what drives it by its feature map: see [`Strip`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<String>,
    /// What drives it by occlusion; only of neurons for which that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discrepancy: Option<Discrepancy>,
}

/// A greyscale PNG in the run folder with one tile a picture, side by side: `image_size` pixels a
/// side, the real pictures in their order, then the adversarial ones. A pixel's lower seven bits
/// are the map, from its smallest to its largest value; its highest bit says whether it drives the
/// neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strip;

impl Strip {
    /// The bit that is set where the neuron is driven.
    pub const LIT: u8 = 0x80;
    /// The bits that hold the map.
    pub const MAP: u8 = 0x7f;

    /// The tile of a picture, counted from the left.
    pub fn tile(neuron: &Neuron, is_adversarial: bool, rank: usize) -> usize {
        if is_adversarial { neuron.real.len() + rank } else { rank }
    }
}

/// The theoretical receptive field of a layer tap, in pixels of the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReceptiveField {
    /// Side of the square that one position sees.
    pub size: usize,
    /// From one position to the next.
    pub stride: usize,
    /// Centre of the first position's square, from the image's edge.
    pub start: f64,
}

/// How the activation changes when a patch hides a part of the picture (SCIENCE §3 (b)).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// The strip with a map for each picture: see [`Strip`]. Lit where the change is at least
    /// `neurons.discrepancy_share` of the picture's largest.
    pub maps: String,
    /// The empirical receptive field, real pictures: a strip of one tile, the mean of the maps
    /// shifted so that each one's largest value is at the centre.
    pub receptive_field: String,
    /// Side, in pixels, of a square as large as the part of it that is at least that share of its
    /// largest value.
    pub receptive_field_size: f64,
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
    /// The same image on the other side of the attack, if it is there: the first adversarial image
    /// of a real one, the original of an adversarial one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<Counterpart>,
}

/// What a neuron makes of a picture's counterpart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterpart {
    /// The 8-bit picture, relative to the run folder.
    pub picture: String,
    /// Spatial maximum of the channel.
    pub activation: f64,
    /// Its place among all ranked images of its side, from 1; ties by image index.
    pub rank: u64,
    /// The network's answer to it, by name.
    pub prediction: String,
    /// The network's answer to it.
    pub prediction_index: u32,
}
