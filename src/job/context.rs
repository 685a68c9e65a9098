//! What a stage may do to the outside world: tell how far it is, and be told to hold still or stop.

use std::path::Path;

use crate::error::Result;
use crate::spec::Spec;

/// What a stage should do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Write a checkpoint, then go on.
    Checkpoint,
    /// Write a checkpoint, then return [`StageEnd::Stopped`].
    Stop,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageEnd {
    /// All done; its results are written.
    Done,
    /// Asked to stop; a resume goes on from here.
    Stopped,
}

/// A stage's view of its run.
#[derive(Debug)]
pub struct Context {}

impl Context {
    /// The resolved spec.
    pub fn spec(&self) -> &Spec {
        todo!()
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        todo!()
    }

    /// Appends one event. A full disk or lost permission is an error of the run.
    pub fn metrics(&mut self, _step: u64, _metrics: &[(&str, f64)]) -> Result<()> {
        todo!()
    }

    /// Appends one line to `log.txt`, stamped with the time of day.
    pub fn log(&mut self, _line: &str) -> Result<()> {
        todo!()
    }

    /// Says how far the stage is and asks what to do. Call it after every step or batch: cheap
    /// (state and control files are touched a few times a second at most). Blocks while paused.
    pub fn progress(&mut self, _step: u64, _steps: u64) -> Result<Flow> {
        todo!()
    }

    /// Writes a file of the run folder whole: temp beside it, fsync, rename. `path` is relative.
    pub fn write(&mut self, _path: &str, _bytes: &[u8]) -> Result<()> {
        todo!()
    }

    /// The same for a file that `fill` writes at the path it is given.
    pub fn write_with(
        &mut self,
        _path: &str,
        _fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        todo!()
    }
}
