//! Follows a run of a study to its end: its state is the study's, its words are told, and what is asked
//! of the study is asked of it.

use std::time::{Duration, Instant};

use super::{TakenUp, Work};
use crate::error::{Error, Result};
use crate::job::context::StageEnd;
use crate::run::control::{self, Command};
use crate::run::folder::RunFolder;
use crate::run::follow::Follower;
use crate::run::state::{State, Status};

/// Quick for a hand, slow for a file server.
pub(super) const EVERY: Duration = Duration::from_millis(150);

/// A new worker tells that it lives before it opens anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run under way.
pub(super) struct Going<'g, 'w> {
    work: &'g mut Work<'w>,
    index: usize,
    run: RunFolder,
    words: Follower,
    /// Its state before it got a new worker, until that shows.
    before: Option<State>,
    since: Instant,
    shown: Option<Status>,
}

impl<'g, 'w> Going<'g, 'w> {
    pub(super) fn new(work: &'g mut Work<'w>, index: usize, taken_up: TakenUp) -> Self {
        let TakenUp { run, is_old, before } = taken_up;
        let mut words = Follower::new(run.path());
        if is_old {
            while words.poll().more {}
        }
        Self { work, index, run, words, before, since: Instant::now(), shown: None }
    }

    /// Until it ends, one way or another. Errors: it failed or is lost.
    pub(super) fn follow(mut self) -> Result<StageEnd> {
        loop {
            self.work.listen(Some(&self.run))?;
            if let Some(error) = self.work.life.take_failure() {
                return Err(error);
            }
            // The state before the words: those of an ended run are all there then.
            let (state, status) = self.run.status()?;
            self.tell()?;
            if self.is_old_state(&state)? {
                std::thread::sleep(EVERY);
                continue;
            }
            match status {
                Status::Finished => return Ok(StageEnd::Done),
                Status::Stopped => return Ok(StageEnd::Stopped),
                Status::Failed => return Err(self.failure(&state)),
                Status::Lost => return Err(self.lost()),
                Status::Queued | Status::Starting | Status::Running | Status::Paused => {
                    self.mirror(&state, status)?;
                }
            }
            std::thread::sleep(EVERY);
        }
    }

    /// Whether this is still what its last worker has left. Errors: the new one does not come.
    fn is_old_state(&mut self, state: &State) -> Result<bool> {
        let Some(before) = &self.before else { return Ok(false) };
        if state.pid != before.pid || state.heartbeat > before.heartbeat {
            self.before = None;
            return Ok(false);
        }
        if self.since.elapsed() < PATIENCE {
            return Ok(true);
        }
        Err(Error::failed(format!("the worker of '{}' gives no sign of life", self.run.id()))
            .hint(format!("see what it says: glassbox worker {}", self.run.path().display())))
    }

    /// The study is where its run is.
    fn mirror(&mut self, state: &State, status: Status) -> Result<()> {
        // It has taken the pause; whoever lets it go on, whichever way, has ended that.
        if self.shown == Some(Status::Paused) && status == Status::Running {
            self.work.pause = false;
        }
        // One that waited for its device could not take it, and let it go by.
        let began = !matches!(self.shown, Some(Status::Running | Status::Paused));
        if self.work.pause && began && status == Status::Running {
            control::send(self.run.path(), Command::Pause)?;
        }
        let work = &*self.work;
        let name = &work.members[self.index].name;
        let stage = state.stage.as_ref().map_or_else(|| name.clone(), |s| format!("{name} · {s}"));
        let progress = work.progress(self.index, state.progress);
        let eta_s = state.eta_s.map(|eta| eta + self.later(eta, state.progress));
        // One that has said nothing of a queue is only on its way.
        let waits = status == Status::Queued && state.reason.is_some() && state.pid.is_some();
        let shown = if status == Status::Queued && !waits { Status::Starting } else { status };
        let change = |of_study: &mut State| {
            of_study.status = shown;
            of_study.stage = Some(stage);
            of_study.progress = progress;
            of_study.eta_s = eta_s;
            (of_study.step, of_study.steps) = (state.step, state.steps);
            of_study.reason = state.reason.clone().filter(|_| waits);
        };
        if self.shown == Some(shown) {
            work.life.update(change);
        } else {
            work.life.change(change)?;
            self.shown = Some(shown);
        }
        Ok(())
    }

    /// Seconds for the runs after this one, if they go at its pace.
    fn later(&self, eta: f64, progress: f64) -> f64 {
        let work = &*self.work;
        let left = work.costs[self.index] * (1.0 - progress);
        let after: f64 = work.costs[self.index + 1..].iter().sum();
        if left > 0.0 { eta / left * after } else { 0.0 }
    }

    /// Its log goes into the study's, each line with its name.
    fn tell(&mut self) -> Result<()> {
        loop {
            let update = self.words.poll();
            let name = &self.work.members[self.index].name;
            for line in update.log {
                let told = match line.split_once("  ") {
                    // The time of day.
                    Some((time, words)) if time.len() == 8 => format!("{time}  {name}: {words}"),
                    _ => format!("{name}: {line}"),
                };
                self.work.log.line(&told)?;
            }
            if !update.more {
                return Ok(());
            }
        }
    }

    fn failure(&self, state: &State) -> Error {
        let name = &self.work.members[self.index].name;
        let failure = state.error.as_ref();
        let why = failure.map_or("it does not say why", |failure| &failure.message);
        let error = Error::failed(format!("run '{name}' ({}): {why}", self.run.id()));
        match failure.and_then(|failure| failure.hint.clone()) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn lost(&self) -> Error {
        let name = &self.work.members[self.index].name;
        Error::failed(format!(
            "run '{name}' ({}) is lost: its worker gives no sign of life and its process is gone",
            self.run.id()
        ))
        .hint(format!("go on from its last checkpoint: glassbox resume {}", self.work.folder.id()))
    }
}
