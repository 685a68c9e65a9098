//! What the workbench and the small worker behind the attack screen say to each other: a line of JSON
//! each, questions on the worker's standard input, answers on its standard output, in order.
//!
//! `glassbox worker RUN --live` opens the network and the test split of a run that has
//! trained, or was given weights, once and then attacks one image a question. It writes nothing into the run folder: its pictures go
//! to a folder of its own, which it is given and whoever gave it removes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Attack one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Counts up; the answer repeats it, so that an answer to an older question can be told.
    pub id: u64,
    /// Position in the run's test split, from 0.
    pub image: usize,
    /// One inline table of the spec: `method = "pgd", epsilon = 8, steps = 20`.
    pub attack: String,
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// Before any other: the network and the data are open. Again, before the answer to a question,
    /// when the network was opened anew: a running run got better weights, or the card failed.
    Ready {
        /// Images of the test split.
        images: usize,
        /// The names of the network's classes, by output.
        classes: Vec<String>,
        /// The true class of every image of the test split, by position.
        labels: Vec<u32>,
        /// Which weights the network has, in words: `the best of this run`, `/w/alexnet.pth`.
        #[serde(default)]
        weights: String,
        /// Where it computes: `cpu`, `cuda:0`.
        #[serde(default)]
        device: String,
    },
    /// An image was attacked.
    Attacked(Box<Attacked>),
    /// A question could not be answered; the next one may be.
    Refused {
        /// The question's number.
        id: u64,
        /// Why, and what to do.
        why: String,
    },
    /// The worker cannot go on and ends.
    Failed {
        /// Why, and what to do.
        why: String,
    },
}

/// One image before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attacked {
    /// The question's number.
    pub id: u64,
    /// Position in the test split.
    pub image: usize,
    /// The attack as it was carried out, with every default filled in: `pgd ε 8 · 20 steps`.
    pub attack: String,
    /// The true class.
    pub label: u32,
    /// The softmax of the network's logits for the original image, one per class, 0..1.
    pub clean: Vec<f32>,
    /// The same for the adversarial image, as the 8-bit file holds it.
    pub adversarial: Vec<f32>,
    /// Largest change of a pixel, in levels of 255, measured on the 8-bit images.
    pub linf: f64,
    /// Euclidean length of the change, pixels in 0..1.
    pub l2: f64,
    /// Milliseconds that the attack took.
    pub took_ms: u64,
    /// PNG, as the network sees it. Its name is never used for another picture, nor is that of the
    /// adversarial one: whoever shows them keeps pictures by name.
    pub original_file: PathBuf,
    /// PNG of the same size.
    pub adversarial_file: PathBuf,
}
