//! A study: its worker makes each of its runs in turn, as a run of its own with its own worker, and
//! follows it. It takes no slot of the device: its runs do. Killed, it leaves the run under way alone,
//! and taken up again goes on with it.

mod create;
mod follow;

use std::sync::Arc;

pub use create::{create, estimate};

use self::follow::Going;
use super::context::{StageEnd, log_line};
use super::life::Life;
use super::signals::Signals;
use super::stage::{STAGES, runs_of};
use super::{create as runs, spawn};
use crate::error::Result;
use crate::run::control::{self, Command};
use crate::run::event::Appender;
use crate::run::folder::RunFolder;
use crate::run::results::study::{Member as Started, Study};
use crate::run::state::{State, Status};
use crate::run::study;
use crate::spec::Spec;
use crate::spec::study::Member;

/// A study under way.
struct Work<'w> {
    folder: &'w RunFolder,
    life: &'w Life,
    signals: &'w Signals,
    /// How many runs may use one device at a time.
    slots: usize,
    log: Appender,
    members: Vec<Member>,
    /// What each of them costs, relative to the others.
    costs: Vec<f64>,
    /// Those that have been started: `results/study.json`.
    started: Study,
    /// A pause was asked for, and no run has taken it yet.
    pause: bool,
    /// A stop was asked for.
    stop: bool,
}

/// A run that is followed, and what its state was before it got a new worker.
struct TakenUp {
    run: RunFolder,
    /// It has been followed before, or at least went without us: what it has said is old.
    is_old: bool,
    before: Option<State>,
}

/// The whole life of a study's worker.
pub(super) fn run(
    folder: &RunFolder,
    spec: &Spec,
    life: &Arc<Life>,
    signals: &Arc<Signals>,
    slots: usize,
) -> Result<StageEnd> {
    let members = crate::spec::study::members(spec)?;
    let costs = members.iter().map(|member| cost(&member.spec)).collect();
    let mut log = Appender::open(&folder.path().join("log.txt"))?;
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let version = env!("CARGO_PKG_VERSION");
    let pid = std::process::id();
    log_line(&mut log, &format!("glassbox {version}, pid {pid}: a study of {}", names.join(", ")))?;
    let started = study::read(folder)?.unwrap_or_default();
    let (pause, stop) = (false, false);
    let mut work = Work { folder, life, signals, slots, log, members, costs, started, pause, stop };
    for index in 0..work.members.len() {
        if work.member(index)? == StageEnd::Stopped {
            return Ok(StageEnd::Stopped);
        }
    }
    Ok(StageEnd::Done)
}

/// Of all its stages.
fn cost(spec: &Spec) -> f64 {
    let stages = STAGES.iter().filter(|stage| (stage.wanted)(spec));
    stages.map(|stage| (stage.cost)(spec)).sum::<f64>().max(f64::MIN_POSITIVE)
}

impl Work<'_> {
    /// Brings one run to its end.
    fn member(&mut self, index: usize) -> Result<StageEnd> {
        let name = self.members[index].name.clone();
        self.life.change(|state| {
            state.status = Status::Starting;
            state.stage = Some(name.clone());
            (state.step, state.steps) = (0, 0);
            (state.eta_s, state.reason) = (None, None);
        })?;
        self.listen(None)?;
        if self.pause && self.hold()? == StageEnd::Stopped || self.stop {
            return Ok(StageEnd::Stopped);
        }
        let taken_up = match self.known(&name)? {
            Some(run) => {
                let Some(taken_up) = self.take_up(run)? else {
                    self.completed(index);
                    return Ok(StageEnd::Done);
                };
                taken_up
            }
            None => self.start(index)?,
        };
        let end = Going::new(self, index, taken_up).follow()?;
        if end == StageEnd::Done {
            self.completed(index);
        }
        Ok(end)
    }

    /// The folder of a run that was started before. One that somebody has deleted is made anew.
    fn known(&mut self, name: &str) -> Result<Option<RunFolder>> {
        let Some(at) = self.started.runs.iter().position(|run| run.name == name) else {
            return Ok(None);
        };
        let id = self.started.runs[at].run.clone();
        match study::open(self.folder, &id) {
            Ok(run) => Ok(Some(run)),
            Err(_) if !self.folder.path().with_file_name(&id).exists() => {
                self.say(&format!("{name}: the folder of {id} is gone, so it is run anew"))?;
                self.started.runs.remove(at);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a run that was started before go on; `None` = it is finished.
    fn take_up(&mut self, run: RunFolder) -> Result<Option<TakenUp>> {
        let (state, status) = run.status()?;
        let id = run.id();
        let before = match status {
            Status::Finished => return Ok(None),
            // Whoever resumes the study means its runs.
            Status::Paused => {
                control::send(run.path(), Command::Resume)?;
                None
            }
            Status::Queued if state.pid.is_none() => {
                spawn::spawn(run.path(), self.slots)?;
                Some(state)
            }
            Status::Queued | Status::Starting | Status::Running => {
                self.say(&format!("{id} is {} and is followed", status.word()))?;
                None
            }
            Status::Failed | Status::Stopped | Status::Lost => {
                self.say(&format!("{id} is {} and goes on", status.word()))?;
                spawn::resume(&run, self.slots)?;
                Some(state)
            }
        };
        Ok(Some(TakenUp { run, is_old: true, before }))
    }

    /// Makes the folder of a run, writes down that it is this study's, and starts its worker.
    fn start(&mut self, index: usize) -> Result<TakenUp> {
        let member = &self.members[index];
        let mut spec = member.spec.clone();
        if let Some((name, which)) = member.weights_of()
            && let Some(earlier) = self.started.runs.iter().find(|run| run.name == name)
        {
            spec.model.weights = Some(format!("run:{}@{which}", earlier.run));
        }
        let name = member.name.clone();
        let forgotten = study::forgotten(self.folder, &spec.title, &self.started)?;
        let run = if let Some(run) = forgotten {
            run
        } else {
            let argv = self.folder.info()?.argv;
            let beside = runs_of(self.folder.path());
            runs::create_member(beside, spec, argv, &self.folder.id()).map_err(|mut error| {
                error.message = format!("run '{name}' of the study: {}", error.message);
                error
            })?
        };
        self.started.runs.push(Started { name: name.clone(), run: run.id() });
        study::write(self.folder, &self.started)?;
        self.say(&format!("{name} is {}", run.id()))?;
        let before = Some(run.state()?);
        spawn::spawn(run.path(), self.slots)?;
        Ok(TakenUp { run, is_old: false, before })
    }

    /// A run is finished.
    fn completed(&self, index: usize) {
        let name = &self.members[index].name;
        let progress = self.progress(index, 1.0);
        self.life.update(|state| {
            state.status = Status::Running;
            state.progress = progress;
            if !state.completed.contains(name) {
                state.completed.push(name.clone());
            }
        });
    }

    /// Of the whole study, when run `index` is so far.
    fn progress(&self, index: usize, of_run: f64) -> f64 {
        let total: f64 = self.costs.iter().sum();
        let done: f64 = self.costs[..index].iter().sum();
        (done + self.costs[index] * of_run.clamp(0.0, 1.0)) / total
    }

    /// Takes what is asked of the study and passes it on to the run under way.
    fn listen(&mut self, run: Option<&RunFolder>) -> Result<()> {
        let mut asked = control::take(self.folder.path());
        if self.signals.take_checkpoint() {
            asked = asked.or(Some(Command::Checkpoint));
        }
        if self.signals.stop_asked() && !self.stop {
            asked = Some(stronger(asked, Command::Stop));
        }
        let Some(command) = asked else { return Ok(()) };
        match command {
            Command::Pause => self.pause = true,
            Command::Resume => self.pause = false,
            Command::Stop => self.stop = true,
            Command::StopNow => {
                run.map_or(Ok(()), spawn::end_now)?;
                return Err(super::context::stopped_now());
            }
            Command::Checkpoint => {}
        }
        run.map_or(Ok(()), |run| control::send(run.path(), command))
    }

    /// Holds still between two runs until told otherwise.
    fn hold(&mut self) -> Result<StageEnd> {
        self.life.change(|state| {
            state.status = Status::Paused;
            state.eta_s = None;
        })?;
        self.say("paused")?;
        while self.pause && !self.stop {
            std::thread::sleep(follow::EVERY);
            self.listen(None)?;
        }
        if self.stop {
            return Ok(StageEnd::Stopped);
        }
        self.say("resumed")?;
        self.life.change(|state| state.status = Status::Starting)?;
        Ok(StageEnd::Done)
    }

    fn say(&mut self, line: &str) -> Result<()> {
        log_line(&mut self.log, line)
    }
}

/// Of what was asked for at the same time, a signal's `stop` and a file's command: to end at once is
/// more than to stop, which is more than the others.
fn stronger(asked: Option<Command>, stop: Command) -> Command {
    asked.filter(|command| *command == Command::StopNow).unwrap_or(stop)
}

/// Ends the run that a study has under way, at once; of a run that is no study nothing. For a worker
/// that is told to end in the middle of whatever it does.
pub(super) fn end_runs_now(folder: &RunFolder) {
    let Ok(Some(started)) = folder.result::<Study>("study") else { return };
    for member in started.runs {
        if let Ok(run) = study::open(folder, &member.run)
            && run.status().is_ok_and(|(_, status)| status.is_live())
        {
            let _ = spawn::end_now(&run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_takes_the_place_of_less_and_not_of_an_end_at_once() {
        let found = |asked| Some(stronger(asked, Command::Stop));
        assert_eq!(found(None), Some(Command::Stop));
        assert_eq!(found(Some(Command::Pause)), Some(Command::Stop));
        assert_eq!(found(Some(Command::Checkpoint)), Some(Command::Stop));
        assert_eq!(found(Some(Command::StopNow)), Some(Command::StopNow));
    }
}
