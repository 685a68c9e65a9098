//! `glassbox pause`, `resume`, `stop`: asks a run's worker, and waits a moment for its answer.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::follow::verdict;
use super::print;
use crate::error::{Error, Result};
use crate::job::spawn;
use crate::run::control::{self, Command};
use crate::run::folder::RunFolder;
use crate::run::state::Status;

/// A worker looks for requests a few times a second, after a step or batch.
const PATIENCE: Duration = Duration::from_secs(3);

/// A new worker tells that it lives before it opens anything.
const PATIENCE_WITH_A_NEW_ONE: Duration = Duration::from_secs(8);

/// Asks the worker of a run that is going.
pub fn ask(folder: &RunFolder, command: Command, json: bool) -> Result<()> {
    let (_, status) = folder.status()?;
    let id = folder.id();
    if !status.is_live() {
        let word = status.word();
        let error = Error::bad_input(format!("run '{id}' is not going: it is {word}"));
        return Err(match status {
            Status::Finished => error,
            _ => error.hint(format!("take it up again with: glassbox resume {id}")),
        });
    }
    if command == Command::Pause {
        match status {
            Status::Queued => {
                return Err(Error::bad_input(format!(
                    "run '{id}' waits for its device: there is nothing to pause yet"
                ))
                .hint(format!("take it out of the queue with: glassbox stop {id}")));
            }
            Status::Paused => {
                return Err(Error::bad_input(format!("run '{id}' is paused already")));
            }
            _ => {}
        }
    }
    control::send(folder.path(), command)?;
    let reached = match command {
        Command::Pause => await_status(folder, |status| status == Status::Paused)?,
        _ => await_status(folder, |status| !status.is_live())?,
    };
    tell(folder, command.word(), reached, json)
}

/// Makes a run go on. Errors: what keeps it from that, as far as it shows at once.
pub fn resume(folder: &RunFolder, slots: usize, json: bool) -> Result<()> {
    let (before, status) = folder.status()?;
    spawn::resume(folder, slots)?;
    if status == Status::Paused {
        let reached = await_status(folder, |status| status != Status::Paused)?;
        return tell(folder, "resume", reached, json);
    }
    let lives = || folder.state().is_ok_and(|state| state.pid.is_some() && state.pid != before.pid);
    if !wait(PATIENCE_WITH_A_NEW_ONE, || Ok(lives()))? {
        let shown = folder.path().display();
        return Err(Error::failed(format!(
            "the new worker of '{}' gives no sign of life",
            folder.id()
        ))
        .hint(format!("see what it says: glassbox worker {shown}")));
    }
    // At work or in the queue: what is wrong with the spec or the data has shown by then.
    wait(PATIENCE, || {
        let (state, status) = folder.status()?;
        let queued = status == Status::Queued && state.reason.is_some();
        Ok(queued || !matches!(status, Status::Queued | Status::Starting))
    })?;
    match folder.status()?.1 {
        status @ (Status::Failed | Status::Lost) => verdict(folder, status),
        _ => tell(folder, "resume", true, json),
    }
}

/// Waits for a status; `false` = it was not reached in time.
fn await_status(folder: &RunFolder, reached: impl Fn(Status) -> bool) -> Result<bool> {
    wait(PATIENCE, || Ok(reached(folder.status()?.1)))
}

fn wait(patience: Duration, reached: impl Fn() -> Result<bool>) -> Result<bool> {
    let since = Instant::now();
    loop {
        if reached()? {
            return Ok(true);
        }
        if since.elapsed() > patience {
            return Ok(false);
        }
        sleep(Duration::from_millis(50));
    }
}

fn tell(folder: &RunFolder, asked: &str, reached: bool, json: bool) -> Result<()> {
    let (_, status) = folder.status()?;
    let (id, word) = (folder.id(), status.word());
    if json {
        return print::json(&serde_json::json!({
            "id": id, "asked": asked, "done": reached, "status": word,
        }));
    }
    print::talk(&if reached {
        format!("{id} is {word}")
    } else {
        format!("{id} is asked to {asked}; it answers after the step it is in")
    });
    Ok(())
}
