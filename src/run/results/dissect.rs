//! `results/dissect.json` (SCIENCE §4.1): the concept that each neuron detects, by Network
//! Dissection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The category under which shares over all categories stand.
pub const ALL: &str = "all";

/// Every layer that was dissected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Dissect {
    /// `broden` or `shapes`.
    pub data: String,
    /// Labelled images that were looked at.
    pub images: u64,
    /// Those of them that were attacked and looked at again; 0 = none.
    pub adversarial_images: u64,
    /// Images that could not be read.
    pub damaged: u64,
    /// `pgd ε 4, random targets`; empty without an attack.
    pub attack: String,
    /// Share of the attacked images that the network takes for another class than the clean ones.
    pub fooled: Option<f64>,
    /// The share of all positions above a neuron's threshold.
    pub quantile: f64,
    /// Side of the stored pictures, in pixels.
    pub image_size: usize,
    /// Of concepts, in the data's order.
    pub categories: Vec<String>,
    /// By number, from 1 on.
    pub concepts: Vec<Concept>,
    /// In the spec's order.
    pub layers: Vec<Layer>,
}

/// Something that pixels are labelled with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// Number in the label maps.
    pub number: u32,
    /// For people: `roof`.
    pub name: String,
    /// The one it belongs to.
    pub category: String,
    /// Images that have it.
    pub images: u64,
    /// Pixels of the label maps that have it.
    pub pixels: u64,
}

/// One layer tap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The tap's name.
    pub layer: String,
    /// A neuron detects its best concept if their intersection over union is larger.
    pub threshold: f64,
    /// By index.
    pub neurons: Vec<Neuron>,
    /// Share of the neurons that detect a concept, by the category of their best concept; all of
    /// them under [`ALL`]. Fractions, 0..1.
    pub ratio: Sides<Ratio>,
    /// 95 % intervals of these, by the jackknife over blocks of images.
    pub interval: Sides<BTreeMap<String, [f64; 2]>>,
    /// The ratio of the real images where each has the labels of another: what chance alone gives.
    pub null: Ratio,
    /// The same of the attacked ones, where a neuron fires above the threshold of the real ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_null: Option<Ratio>,
    /// The same of the attacked ones, each neuron with a threshold found on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rethresholded_null: Option<Ratio>,
    /// The ratio of all at other thresholds of intersection over union.
    pub sweep: Vec<SweepPoint>,
    /// A safetensors file in the run folder with every neuron's intersection over union with every
    /// concept: `real`, and if there are such images `adversarial` and `rethresholded`, f32
    /// `[neurons, concepts]`.
    pub iou: String,
}

/// A share of the neurons by category, and under [`ALL`].
pub type Ratio = BTreeMap<String, f64>;

/// The same of real and of adversarial images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sides<T> {
    /// Of the images as they are.
    pub real: T,
    /// Of the attacked ones, where a neuron fires above the threshold of the real ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<T>,
    /// Of the attacked ones, each neuron with a threshold found on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rethresholded: Option<T>,
}

/// One channel of the layer's feature map.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Neuron {
    /// Channel.
    pub index: usize,
    /// The value above which it fires, found on the real images; `None` where its answers there are
    /// no numbers, and it never fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Its best concept over all categories.
    #[serde(flatten)]
    pub best: Sides<Match>,
    /// Its best concept in each category, real images, in the order of the categories.
    pub by_category: Vec<Match>,
    /// The labelled pictures that excite it most.
    pub pictures: Vec<Picture>,
    /// The attacked ones.
    pub adversarial_pictures: Vec<Picture>,
    /// See [`Outlines`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlines: Option<String>,
}

/// A concept and how well a neuron matches it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Its name; empty where the neuron meets none.
    pub concept: String,
    /// Its category.
    pub category: String,
    /// Intersection over union over the whole set, 0..1.
    pub iou: f64,
    /// Of the neuron's largest value in an image as a detector of images with the concept; real
    /// images alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_precision: Option<f64>,
}

/// A labelled picture that excites a neuron.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Relative name in the labelled data.
    pub image: String,
    /// The 8-bit picture, relative to the run folder.
    pub picture: String,
    /// Spatial maximum of the channel.
    pub activation: f64,
}

/// A greyscale PNG in the run folder with one tile a picture, side by side: `image_size` pixels a
/// side, the real pictures in their order, then the adversarial ones. What a pixel's bits tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlines;

impl Outlines {
    /// Set where the neuron fires.
    pub const FIRING: u8 = 0x80;
    /// Set where the picture is labelled with the neuron's best concept on real images.
    pub const CONCEPT: u8 = 0x40;
}

/// The ratio of all at a threshold of intersection over union. Fractions, 0..1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Of intersection over union.
    pub threshold: f64,
    /// On the images as they are, and on the attacked ones.
    #[serde(flatten)]
    pub ratio: Sides<f64>,
    /// With shuffled labels, on the images as they are.
    pub null: f64,
    /// The same on the attacked ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_null: Option<f64>,
    /// The same on the attacked ones, with thresholds found on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rethresholded_null: Option<f64>,
}

impl Match {
    /// Whether the neuron detects this concept.
    pub fn detects(&self, threshold: f64) -> bool {
        !self.concept.is_empty() && self.iou > threshold
    }
}
