//! What the screens draw from: a snapshot of the runs, made by the reader, in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::run::bookmarks::Bookmarks;
use crate::run::folder::inside;
use crate::run::info::RunInfo;
use crate::run::results::attack::Attack;
use crate::run::results::consistency::Consistency;
use crate::run::results::dissect::Dissect;
use crate::run::results::evaluate::Evaluate;
use crate::run::results::neurons::Neurons;
use crate::run::results::trace::Trace;
use crate::run::state::{State, Status};
use crate::tui::history::History;

/// Everything known about the runs. A snapshot shares what has not changed with the one before.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Newest first.
    pub runs: Vec<Arc<RunSummary>>,
    /// Of the runs that a screen asked to follow, by id.
    pub details: HashMap<String, Arc<RunDetail>>,
    /// When the reader looked, in Unix seconds.
    pub now: f64,
    /// Whether the reader has looked at all.
    pub loaded: bool,
    /// Why the runs folder cannot be read.
    pub problem: Option<String>,
    /// Folders that look like runs and cannot be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

impl World {
    /// The run of this id.
    pub fn run(&self, id: &str) -> Option<&RunSummary> {
        self.runs.iter().find(|run| run.info.id == id).map(AsRef::as_ref)
    }

    /// Of a study its first run, since it has no results of its own; any other run itself.
    pub fn with_results<'a>(&'a self, id: &'a str) -> &'a str {
        let members = self.runs.iter().filter(|run| run.info.study.as_deref() == Some(id));
        members.map(|run| run.info.id.as_str()).min().unwrap_or(id)
    }

    /// What is known of a followed run.
    pub fn detail(&self, id: &str) -> Option<&RunDetail> {
        self.details.get(id).map(AsRef::as_ref)
    }
}

/// How busy this machine is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Machine {
    /// All cores together, 0..1.
    pub cpu: f64,
    /// In use.
    pub memory_bytes: u64,
    /// There is.
    pub memory_total_bytes: u64,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The run folder.
    pub folder: PathBuf,
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
#[derive(Debug, Clone, Default)]
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
    /// `neurons/history/`, by step, oldest first; of a long history not every step.
    pub neuron_history: Vec<(u64, Arc<Neurons>)>,
    /// `neurons/bookmarks.json`
    pub bookmarks: Bookmarks,
    /// `results/dissect.json`
    pub dissect: Option<Arc<Dissect>>,
    /// `results/consistency.json`
    pub consistency: Option<Arc<Consistency>>,
    /// `results/trace.json`
    pub trace: Option<Arc<Trace>>,
    /// Results that are there and cannot be read: their name, and why.
    pub unreadable: BTreeMap<&'static str, String>,
}

impl RunDetail {
    /// Where a file lies that the run's results name. Empty where the name leads out of the run
    /// folder: the decoder says so in the picture's place.
    pub fn file(&self, relative: &str) -> PathBuf {
        inside(&self.folder, relative).unwrap_or_default()
    }
}
