//! One line of `events.jsonl`, in both directions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something measured. Steps may repeat after a resume: the later line wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds of work since the run first started (waiting and pauses not counted).
    pub t: f64,
    /// `train`, `evaluate`, `attack`, `neurons`.
    pub stage: String,
    /// The stage's own count: optimizer steps for `train`, images for the others.
    pub step: u64,
    /// DESIGN §5 names them. Fractions are 0..1.
    pub metrics: BTreeMap<String, f64>,
}
