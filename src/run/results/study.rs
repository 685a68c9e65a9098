//! `results/study.json`: the runs that a study has started. Written anew when each one starts.

use serde::{Deserialize, Serialize};

/// In the order in which they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    /// Those that have started.
    pub runs: Vec<Member>,
}

/// One run of a study.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// As the study calls it.
    pub name: String,
    /// The run's id, in the same runs folder.
    pub run: String,
}
