//! `[neurons]` and `[train.neurons]`: what excites each neuron, at the end and on the way.

use serde::{Deserialize, Serialize};

/// `[neurons]` (SCIENCE §3)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeuronsSpec {
    /// Layer taps, by torchvision's name or the papers' alias; empty = every tap.
    pub layers: Vec<String>,
    /// Images kept a neuron and side.
    pub top: usize,
    /// Whose images are ranked.
    pub split: Split,
    /// `stage` = this run's `[attack]`, `run:ID`, a folder, or `none`.
    pub adversarial: String,
    /// The share of all positions that lie above a neuron's threshold (SCIENCE §4.1): where it counts
    /// as firing.
    pub quantile: f64,
    /// Channels whose pictures are also looked at through occlusion (SCIENCE §3 (b)), in every layer
    /// that has them. Thousands of forward passes a picture.
    pub discrepancy: Vec<usize>,
    /// Side of the patch that hides a part of the picture, in pixels.
    pub discrepancy_patch: usize,
    /// From one place of the patch to the next, in pixels.
    pub discrepancy_stride: usize,
    /// Lit is where the activation changes by at least this share of the picture's largest change.
    pub discrepancy_share: f64,
    /// Images a batch.
    pub batch_size: usize,
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What the network has not been trained on.
    Test,
    /// What it has, without augmentation.
    Train,
}

impl Default for NeuronsSpec {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            top: 9,
            split: Split::Test,
            adversarial: "stage".into(),
            quantile: 0.005,
            discrepancy: Vec::new(),
            discrepancy_patch: 11,
            discrepancy_stride: 3,
            discrepancy_share: 0.5,
            batch_size: 100,
        }
    }
}

/// `[train.neurons]`: what chosen neurons like, now and then while the network is trained. Their
/// adversarial images are made by the probe's attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainNeuronsSpec {
    /// Layer taps; empty = the last one.
    pub layers: Vec<String>,
    /// Channels; those that a layer does not have are left out.
    pub neurons: Vec<usize>,
    /// Pictures kept a neuron and side.
    pub top: usize,
    /// Test images that are ranked.
    pub images: usize,
    /// `"1 epoch"`, `"200 steps"`.
    pub every: String,
}

impl Default for TrainNeuronsSpec {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            neurons: (0..16).collect(),
            top: 9,
            images: 500,
            every: "1 epoch".into(),
        }
    }
}
