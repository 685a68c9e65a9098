//! `run.json`: who, when, with what. Written once, when the run is created.

use serde::{Deserialize, Serialize};

/// The version of the run folder's format that this program writes.
pub const FORMAT: u32 = 1;

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The folder's name: `20261123-141502-alexnet-consistent-7f3a`.
    pub id: String,
    /// The spec's title.
    pub title: String,
    /// RFC 3339, with offset.
    pub created: String,
    /// What wrote it.
    pub versions: Versions,
    /// Host that created it.
    pub host: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// The command line.
    pub argv: Vec<String>,
    /// The spec's seed.
    pub seed: u64,
    /// The id of the study that made it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
}

/// What wrote the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// [`FORMAT`].
    pub format: u32,
    /// This crate's version.
    pub glassbox: String,
}
