//! `glassbox worker RUN_FOLDER`: the process that executes a run. Hidden; `run` and `resume` start
//! it, and so may whatever can start a process on a host that sees the folder.

use super::WorkerArgs;
use crate::error::Result;
use crate::job;

/// Works until the run ends. `slots` is asked for only when the command line does not say it.
pub fn run(args: &WorkerArgs, slots: impl FnOnce() -> Result<usize>) -> Result<()> {
    let slots = match args.slots {
        Some(slots) => slots as usize,
        None => slots()?,
    };
    job::work(&args.folder, slots)
}
