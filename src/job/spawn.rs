//! Starting workers: this same binary, in a session of its own, so that it outlives the terminal,
//! the connection and the workbench.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::Access;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};
use crate::run::control::{self, Command as Ask};
use crate::run::folder::RunFolder;
use crate::run::state::{Status, is_worker, this_host};
use crate::run::{reserve, write};

/// Starts a worker on a run folder and returns its pid. It detaches itself (`job::work`).
///
/// `slots` is how many runs may use one device at a time: told to the worker, since the settings
/// that say it may have been named on this command line only.
pub fn spawn(folder: &Path, slots: usize) -> Result<u32> {
    let failed = |error: std::io::Error| {
        Error::failed(format!("failed to start a worker: {error}"))
            .hint("is there memory, and may this user start more processes (ulimit -u)?")
    };
    let folder = whole_path(folder).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
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
    let pid = child.id();
    // A study and the workbench outlive the workers that they start: one that has ended and is not
    // waited for stays in the table of processes. Without the thread it does so until we end.
    let _ = std::thread::Builder::new().name("reaper".into()).spawn(move || child.wait());
    Ok(pid)
}

/// The absolute path of a run folder under its own name. That may be a link to a larger disk; the
/// queue and the other runs are where it hangs, not where it leads.
fn whole_path(folder: &Path) -> std::io::Result<PathBuf> {
    match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => {
            Ok(Path::new(".").canonicalize()?.join(name))
        }
        (Some(parent), Some(name)) => Ok(parent.canonicalize()?.join(name)),
        _ => folder.canonicalize(),
    }
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
            // Nor can one that finds no room for its first word.
            reserve::keep(folder.path())?;
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

/// Ends a run at once, without a checkpoint.
pub fn end_now(folder: &RunFolder) -> Result<()> {
    control::send(folder.path(), Ask::StopNow)?;
    // A worker in the middle of a long step reads no file; the second signal ends it. Two different
    // ones, since the kernel counts the same one only once.
    let state = folder.state()?;
    let here = state.host.is_some_and(|host| host == this_host());
    let worker = state.pid.filter(|pid| here && is_worker(*pid, folder.path()));
    let worker = worker.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = worker {
        for signal in [Signal::TERM, Signal::INT] {
            // Gone meanwhile is what was asked for.
            let _ = kill_process(pid, signal);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_folder_that_is_a_link_stays_in_its_runs_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("disk/run-1")).unwrap();
        std::fs::create_dir_all(root.join("runs")).unwrap();
        std::os::unix::fs::symlink(root.join("disk/run-1"), root.join("runs/run-1")).unwrap();
        assert_eq!(whole_path(&root.join("runs/run-1")).unwrap(), root.join("runs/run-1"));
        std::os::unix::fs::symlink(root.join("runs"), root.join("other")).unwrap();
        assert_eq!(whole_path(&root.join("other/run-1")).unwrap(), root.join("runs/run-1"));
        assert!(whole_path(Path::new("src")).unwrap().is_absolute());
    }
}
