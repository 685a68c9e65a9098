//! `state.json`: where a run is. Rewritten whole (temp, fsync, rename) by the worker alone.

use serde::{Deserialize, Serialize};

/// `state.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Where it is.
    pub status: Status,
    /// The stage being worked on, or the last one.
    pub stage: Option<String>,
    /// Of the whole run, 0..1.
    pub progress: f64,
    /// The stage's own count.
    pub step: u64,
    /// The stage's own total.
    pub steps: u64,
    /// Seconds left, if known.
    pub eta_s: Option<f64>,
    /// Unix seconds of the last sign of life.
    pub heartbeat: f64,
    /// The worker, on `host`.
    pub pid: Option<u32>,
    /// The host the worker runs on (may differ from the one that created the run).
    pub host: Option<String>,
    /// Stages that are done.
    #[serde(default)]
    pub completed: Vec<String>,
    /// Why it waits, while `queued`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// A run's status (DESIGN §5). `Lost` is never written: readers conclude it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for its device.
    Queued,
    /// Opens data and model.
    Starting,
    /// Works.
    Running,
    /// Holds still until resumed; keeps its device.
    Paused,
    /// All stages are done.
    Finished,
    /// An error ended it; `error` says which.
    Failed,
    /// Stopped by the user, with a checkpoint; can be resumed.
    Stopped,
    /// No heartbeat and no process.
    Lost,
}

/// `state.json`'s `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}
