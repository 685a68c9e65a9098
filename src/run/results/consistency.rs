//! `results/consistency.json` (SCIENCE §4.2): level and consistency of each neuron by WordNet.

use serde::{Deserialize, Serialize};

/// Every layer that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Consistency {
    /// By index.
    pub classes: Vec<Class>,
    /// The nouns of the classes and all that they are kinds of, each after what it is a kind of;
    /// the first is the root.
    pub nouns: Vec<Noun>,
    /// `3.0`, or the dictionary's folder.
    pub wordnet: String,
    /// `test` or `train`.
    pub split: String,
    /// Real images that were ranked.
    pub real_images: u64,
    /// Adversarial images that were ranked; 0 = there were none.
    pub adversarial_images: u64,
    /// Images that could not be read.
    pub damaged: u64,
    /// As many of the images that excite a neuron most are counted: real, adversarial. Fewer of a
    /// neuron that answers to fewer.
    pub top: [u64; 2],
    /// What CS2 sets beside the classes of the real images: `target`, the class that the attack
    /// aimed at, or `prediction`, the network's answer, where it aimed at none. Empty without
    /// adversarial images.
    pub against: String,
    /// K: `gaussian`, `exponential`, `wu-palmer`, `path`.
    pub kernel: String,
    /// A.
    pub affinity: String,
    /// Of the gaussian and the exponential.
    pub sigma: f64,
    /// In the spec's order.
    pub layers: Vec<Layer>,
}

/// A class of the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// As the data call it.
    pub name: String,
    /// Its place in the nouns.
    pub noun: usize,
}

/// A noun of WordNet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noun {
    /// `n02084071`
    pub wnid: String,
    /// Its first word.
    pub name: String,
    /// Edges of the longest way up to the root.
    pub depth: usize,
    /// What it is a kind of: places in the nouns.
    pub parents: Vec<usize>,
}

/// One layer tap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The tap's name.
    pub layer: String,
    /// By index.
    pub neurons: Vec<Neuron>,
    /// Neurons that answer to all real images, or to all adversarial ones, alike: on that side they
    /// have no classes. They have neither CS1 nor CS2, and are in no mean and in no group.
    #[serde(default)]
    pub silent: usize,
    /// Means over its neurons, the silent ones apart.
    pub mean: Means,
    /// The neurons that are not silent in groups of equal size by LC, the lowest first: the curves of Figure 10.
    pub groups: Vec<Group>,
    /// Mean LC with other sigmas.
    pub sweep: Vec<SweepPoint>,
}

/// One channel of the layer's feature map.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Neuron {
    /// Channel.
    pub index: usize,
    /// Of its real images, by their class.
    pub real: Level,
    /// Of its adversarial images, by the class of their originals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<Level>,
    /// Shares of its adversarial images by what CS2 sets beside the real ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<(u32, f64)>,
    /// cos(p, q): the classes of its real images beside those of its adversarial ones' originals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs1: Option<f64>,
    /// cos(p, t): the classes of its real images beside those that [`Consistency::against`] says of
    /// its adversarial ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs2: Option<f64>,
    /// What CS2 would be if those were all classes alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs2_null: Option<f64>,
}

/// What the images that excite a neuron most have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// LC = pᵀ K p.
    pub lc: f64,
    /// consis(n) = pᵀ A p.
    pub consistency: f64,
    /// The lowest noun that all of their classes are kinds of: its place in the nouns.
    pub ancestor: usize,
    /// p: the share of each class that is there, the largest first; empty = the neuron is silent, and
    /// the rest means nothing.
    pub classes: Vec<(u32, f64)>,
}

/// A mean and its 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Over neurons.
    pub mean: f64,
    /// Over resampled neurons; `None`: of too few to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

/// Means over the neurons of a layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// LC of real images.
    pub lc: Estimate,
    /// consis of real images.
    pub consistency: Estimate,
    /// LC of adversarial images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_lc: Option<Estimate>,
    /// consis of adversarial images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_consistency: Option<Estimate>,
    /// LC of adversarial images less that of the real ones, neuron by neuron.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lc_change: Option<Estimate>,
    /// consis of adversarial images less that of the real ones, neuron by neuron.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency_change: Option<Estimate>,
    /// CS1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs1: Option<Estimate>,
    /// CS2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs2: Option<Estimate>,
}

/// Neurons of neighbouring LC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub neurons: usize,
    /// Their mean LC.
    pub lc: f64,
    /// The smallest and the largest.
    pub lc_range: [f64; 2],
    /// Their mean CS1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs1: Option<Estimate>,
    /// Their mean CS2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs2: Option<Estimate>,
    /// The mean of what CS2 would be by chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cs2_null: Option<f64>,
}

/// Mean LC at a sigma.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// In edges.
    pub sigma: f64,
    /// Of real images.
    pub lc: f64,
    /// Of adversarial images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial_lc: Option<f64>,
}
