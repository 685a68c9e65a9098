//! What the screens draw from: a snapshot of the runs, made by the reader, in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::run::info::RunInfo;
use crate::run::results::attack::Attack;
use crate::run::results::evaluate::Evaluate;
use crate::run::results::neurons::Neurons;
use crate::run::state::{State, Status};
use crate::tui::history::History;

/// Everything known about the runs.
#[derive(Debug, Default)]
pub struct World {
    /// Newest first.
    pub runs: Vec<RunSummary>,
    /// Of the runs that a screen asked to follow, by id.
    pub details: HashMap<String, RunDetail>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// `run.json`
    pub info: RunInfo,
    /// `state.json`
    pub state: State,
    /// `state.status`, or `Lost` where the worker is gone.
    pub status: Status,
    /// Last value of every metric.
    pub latest: BTreeMap<String, f64>,
}

/// What the right-hand side needs.
#[derive(Debug, Default)]
pub struct RunDetail {
    /// The run folder: pictures are files in it.
    pub folder: PathBuf,
    /// `events.jsonl`, as series.
    pub history: History,
    /// `log.txt`, newest last, bounded.
    pub log: Vec<String>,
    /// `spec.toml`
    pub spec: String,
    /// `results/evaluate.json`
    pub evaluate: Option<Arc<Evaluate>>,
    /// `results/attack.json`
    pub attack: Option<Arc<Attack>>,
    /// `results/neurons.json`
    pub neurons: Option<Arc<Neurons>>,
}
