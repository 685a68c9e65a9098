//! The worker's sign of life: `state.json`, rewritten by a thread of its own every second, so that
//! neither a long step nor a slow disk makes a living worker look lost.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::run::reserve;
use crate::run::state::{self, State};

const BEAT: Duration = Duration::from_secs(1);

/// The state of a worker, shared between the work and the heartbeat.
#[derive(Debug)]
pub struct Life {
    folder: PathBuf,
    state: Mutex<State>,
    /// Held while the file is written, so that an older state never replaces a newer one. Whether
    /// the last word is said.
    file: Mutex<bool>,
    failure: Mutex<Option<Error>>,
    heart: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Life {
    /// Takes over `state.json` of a run and starts the heartbeat. An error is in the state too, if
    /// the room that was kept for it will do.
    pub fn begin(folder: &RunFolder, state: State) -> Result<Arc<Self>> {
        let life = Arc::new(Self {
            folder: folder.path().to_owned(),
            state: Mutex::new(state),
            file: Mutex::new(false),
            failure: Mutex::new(None),
            heart: Mutex::new(None),
        });
        life.start().inspect_err(|error| life.fail(error))?;
        Ok(life)
    }

    fn start(self: &Arc<Self>) -> Result<()> {
        self.write()?;
        // A run that is made or resumed has it already, but whoever starts a worker by hand may not.
        reserve::keep(&self.folder)?;
        let (stop, stopped) = channel();
        let beating = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || beating.beat(&stopped))
            .map_err(|error| Error::failed(format!("failed to start the heartbeat: {error}")))?;
        *lock(&self.heart) = Some((stop, thread));
        Ok(())
    }

    /// The last word of a worker that could not even begin.
    pub fn fail(&self, error: &Error) {
        let _ = self.end(|state| state.fail(error));
    }

    /// Changes the state; the next heartbeat writes it.
    pub fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
    }

    /// Changes the state and writes it at once.
    pub fn change(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        self.update(change);
        self.write()
    }

    /// The last word: ends the heartbeat and writes the final state, if need be into the room that
    /// was kept for it. Nothing is written after it: the work may still go on for a moment while
    /// the signals' thread ends the process.
    pub fn end(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        let heart = lock(&self.heart).take();
        if let Some((stop, thread)) = heart {
            drop(stop);
            let _ = thread.join();
        }
        reserve::give_up(&self.folder);
        let mut said = lock(&self.file);
        if !*said {
            self.update(change);
            self.put()?;
            *said = true;
        }
        Ok(())
    }

    /// Why a heartbeat could not be written, if one could not.
    pub fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    fn write(&self) -> Result<()> {
        let said = lock(&self.file);
        if *said { Ok(()) } else { self.put() }
    }

    /// To be called with `file` held.
    fn put(&self) -> Result<()> {
        let state = {
            let mut state = lock(&self.state);
            state.heartbeat = state::now();
            state.clone()
        };
        state.write(&self.folder)
    }

    fn beat(&self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = self.write() {
                *lock(&self.failure) = Some(error);
            }
        }
    }
}

/// A poisoned lock means that another thread panicked; the state itself is plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::folder::NewRun;
    use crate::run::state::Status;

    #[test]
    fn nothing_is_written_after_the_last_word() {
        let root = tempfile::tempdir().unwrap();
        let run = NewRun { title: "t", spec: "", device: "cpu", seed: 1, argv: Vec::new() };
        let folder = RunFolder::create(root.path(), &run).unwrap();
        let life = Life::begin(&folder, State::queued(None)).unwrap();
        life.change(|state| state.status = Status::Running).unwrap();
        assert_eq!(folder.state().unwrap().status, Status::Running);
        life.end(|state| state.status = Status::Stopped).unwrap();
        life.change(|state| state.status = Status::Running).unwrap();
        life.end(|state| state.status = Status::Finished).unwrap();
        assert_eq!(folder.state().unwrap().status, Status::Stopped);
    }
}
