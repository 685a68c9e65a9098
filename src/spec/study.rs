//! `[study]`: several runs of one spec, one after the other, each with keys of its own.

use serde::{Deserialize, Serialize};

/// `[study]`: the rest of the spec is what its runs have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StudySpec {
    /// In the order in which they run.
    pub runs: Vec<MemberSpec>,
}

/// One run of a study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemberSpec {
    /// Unique in the study; its run's title is the study's and this. A later run's weights may be
    /// `study:NAME`, or `study:NAME@best`.
    pub name: String,
    /// Overrides as `--set` takes them: `train.epochs=5`.
    pub set: Vec<String>,
}
