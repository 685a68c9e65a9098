//! `results/attack.json` (SCIENCE §2): measured on the written 8-bit images.

use serde::{Deserialize, Serialize};

/// What the attack stage made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attack {
    /// `fgsm`.
    pub method: String,
    /// The bound asked for, in pixel levels of 255.
    pub epsilon: f64,
    /// Images written.
    pub images: u64,
    /// Whether it aimed at a class.
    pub targeted: bool,
    /// Targeted: share that reached the target, of the images that were not taken for it before.
    /// Untargeted: share that is now wrong, of the images that were right.
    pub success_rate: f64,
    /// Largest change of a pixel, in pixel levels of 255.
    pub linf_max: f64,
    /// Mean over images of the L2 norm of the change, pixels in 0..1.
    pub l2_mean: f64,
    /// Mean over images of the root mean squared deviation, in pixel levels of 255.
    pub rmsd_mean: f64,
    /// The networks it was tried on.
    pub models: Vec<ModelRow>,
    /// One entry an image, in the order of the test split.
    pub pairs: Vec<Pair>,
}

/// How one network fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// The architecture.
    pub arch: String,
    /// On the originals.
    pub top1_clean: f64,
    /// On the written adversarial images.
    pub top1_adversarial: f64,
    /// Share that the network takes for the target; `None` when untargeted.
    pub target_rate: Option<f64>,
}

/// One original and its adversarial image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Index in the test split.
    pub index: u64,
    /// The original's relative name.
    pub image: String,
    /// The adversarial image, relative to the run folder: under `adversarial/` the original's name
    /// with the ending `.png`.
    pub picture: String,
    /// True class.
    pub label: u32,
    /// What the attack aimed at.
    pub target: Option<u32>,
    /// The network's answer to the original.
    pub prediction_clean: u32,
    /// The network's answer to the written adversarial image.
    pub prediction_adversarial: u32,
}
