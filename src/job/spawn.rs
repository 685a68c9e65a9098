//! Starting workers: this same binary, in a session of its own, so that it outlives the terminal,
//! the connection and the workbench.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::Access;

use crate::error::{Error, Result};
use crate::run::control::{self, Command as Ask};
use crate::run::folder::RunFolder;
use crate::run::state::Status;
use crate::run::write;

/// Starts a worker on a run folder and returns its pid. It detaches itself (`job::work`).
///
/// `slots` is how many runs may use one device at a time: told to the worker, since the settings
/// that say it may have been named on this command line only.
pub fn spawn(folder: &Path, slots: usize) -> Result<u32> {
    let failed = |error: std::io::Error| {
        Error::failed(format!("failed to start a worker: {error}"))
            .hint("is there memory, and may this user start more processes (ulimit -u)?")
    };
    let folder = folder.canonicalize().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let child = Command::new(program)
        .arg("worker")
        .arg("--slots")
        .arg(slots.to_string())
        .arg(folder)
        // Never keeps a mounted folder busy.
        .current_dir("/")
        // A worker needs the same memory in every step: it keeps it, in pages as small as needed.
        .env("MIMALLOC_PURGE_DELAY", "-1")
        .env("MIMALLOC_ALLOW_THP", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    Ok(child.id())
}

/// Makes a run go on: a paused one is told to, an ended one gets a new worker, which continues from
/// the last checkpoint. `slots` as for [`spawn`]. Errors: it is going, or there is nothing left to do.
pub fn resume(folder: &RunFolder, slots: usize) -> Result<()> {
    let (_, status) = folder.status()?;
    match status {
        Status::Paused => control::send(folder.path(), Ask::Resume),
        Status::Failed | Status::Stopped | Status::Lost => {
            // A worker that can write nothing cannot even say so.
            rustix::fs::access(folder.path(), Access::WRITE_OK | Access::EXEC_OK)
                .map_err(|error| write::failed("write to", folder.path(), &error.into()))?;
            // What was asked of the worker before is not meant for the next one. The worker itself
            // cannot tell, and takes what it finds: somebody may have stopped it on its way up.
            control::take(folder.path());
            spawn(folder.path(), slots).map(|_| ())
        }
        Status::Finished => Err(Error::bad_input(format!(
            "run '{}' is finished: there is nothing left to do",
            folder.id()
        ))
        .hint(format!("see its results with: glassbox show {}", folder.id()))),
        Status::Queued | Status::Starting | Status::Running => {
            Err(Error::bad_input(format!("run '{}' is {} already", folder.id(), status.word())))
        }
    }
}
