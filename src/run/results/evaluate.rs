//! `results/evaluate.json` (SCIENCE §5).

use serde::{Deserialize, Serialize};

/// Accuracy, clean and under attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// One row an attack, in the spec's order.
    pub rows: Vec<Row>,
}

/// One attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `none`, `fgsm`.
    pub attack: String,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Fraction, 0..1.
    pub top1: f64,
    /// Fraction, 0..1.
    pub top5: f64,
    /// How many images this is over.
    pub images: u64,
    /// Largest perturbation measured, in pixel levels of 255.
    pub linf_max: f64,
}
