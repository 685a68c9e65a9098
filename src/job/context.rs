//! What a stage may do to the outside world: tell how far it is, and be told to hold still or stop.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::life::Life;
use super::progress::{Clock, Plan};
use super::signals::Signals;
use crate::error::{Error, Result};
use crate::run::control::{self, Command};
use crate::run::event::{Appender, Event};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::Neurons;
use crate::run::state::{StageTime, Status};
use crate::run::tensorboard::{self, Writer};
use crate::run::write;
use crate::spec::Spec;

/// How often the control file is looked for: quick for a hand, slow for a file server.
const CONTROL_EVERY: Duration = Duration::from_millis(150);

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
pub struct Context {
    folder: RunFolder,
    spec: Spec,
    events: Appender,
    /// Where the spec asks for it.
    tensorboard: Option<Writer>,
    log: Appender,
    life: Arc<Life>,
    signals: Arc<Signals>,
    clock: Clock,
    plan: Plan,
    last_control: Instant,
    /// Paused, and only out of [`Self::hold`] to write a checkpoint.
    held: bool,
}

impl Context {
    pub(super) fn new(
        folder: RunFolder,
        spec: Spec,
        life: Arc<Life>,
        signals: Arc<Signals>,
        plan: Plan,
    ) -> Result<Self> {
        let events = folder.path().join("events.jsonl");
        let clock = Clock::after(&events);
        let asked = spec.tensorboard == Some(true);
        let mut log = Appender::open(&folder.path().join("log.txt"))?;
        let mut tensorboard = None;
        if asked {
            match open_tensorboard(folder.path()) {
                Ok(writer) => tensorboard = Some(writer),
                Err(error) => log_line(&mut log, &no_more_tensorboard(&error))?,
            }
        }
        Ok(Self {
            events: Appender::open(&events)?,
            tensorboard,
            log,
            folder,
            spec,
            life,
            signals,
            clock,
            plan,
            last_control: Instant::now(),
            held: false,
        })
    }

    /// The resolved spec.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Seconds of work so far; what was spent waiting or paused does not count.
    pub fn seconds(&self) -> f64 {
        self.clock.seconds()
    }

    /// Appends one event of the current stage. A full disk or lost permission is an error of the
    /// run. Values that JSON cannot hold (NaN, infinity) are left out.
    pub fn metrics(&mut self, step: u64, metrics: &[(&str, f64)]) -> Result<()> {
        let event = Event {
            t: self.clock.seconds(),
            stage: self.plan.stage().to_owned(),
            step,
            metrics: metrics
                .iter()
                .filter(|(_, value)| value.is_finite())
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        };
        self.events.event(&event)?;
        show(&mut self.tensorboard, &mut self.log, |writer| {
            writer.scalars(tensorboard::now(), &event)
        })
    }

    /// Shows TensorBoard what neurons like, where the spec asks for it. Their pictures are in the
    /// run folder by now. `step` is the current stage's.
    pub fn pictures(&mut self, step: u64, neurons: &Neurons) -> Result<()> {
        let (stage, run) = (self.plan.stage(), self.folder.path());
        show(&mut self.tensorboard, &mut self.log, |writer| {
            writer.pictures(tensorboard::now(), stage, step, run, neurons)
        })
    }

    /// Appends one line to `log.txt`, stamped with the time of day.
    pub fn log(&mut self, line: &str) -> Result<()> {
        log_line(&mut self.log, line)
    }

    /// Says how far the stage is and asks what to do. Call it after every step or batch: it costs
    /// microseconds. Blocks while paused. An error means: end now, without a checkpoint.
    pub fn progress(&mut self, step: u64, steps: u64) -> Result<Flow> {
        let (progress, eta_s) = self.plan.advance(step, steps, self.clock.seconds());
        self.life.update(|state| {
            state.step = step;
            state.steps = steps;
            state.progress = progress;
            state.eta_s = eta_s;
        });
        if let Some(error) = self.life.take_failure() {
            return Err(error);
        }
        let command = if self.held { Some(Command::Pause) } else { self.command() };
        let mut flow = match command {
            Some(Command::Pause) => self.hold()?,
            Some(Command::Checkpoint) => Flow::Checkpoint,
            Some(Command::Stop) => Flow::Stop,
            Some(Command::StopNow) => return Err(stopped_now()),
            Some(Command::Resume) | None => Flow::Continue,
        };
        if self.signals.take_checkpoint() && flow == Flow::Continue {
            flow = Flow::Checkpoint;
        }
        if self.signals.stop_asked() {
            flow = Flow::Stop;
        }
        if flow == Flow::Stop {
            self.log("asked to stop: writing a checkpoint")?;
        }
        Ok(flow)
    }

    /// Writes a file of the run folder whole. `path` is relative.
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.write_with(path, |scratch| {
            std::fs::write(scratch, bytes)
                .map_err(|error| write::failed("write", Path::new(path), &error))
        })
    }

    /// The same for a file that `fill` writes at the path it is given.
    pub fn write_with(&mut self, path: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let path = self.folder.path().join(path);
        if let Some(parent) = path.parent() {
            write::folder(parent)?;
        }
        write::whole_with(&path, fill)
    }

    pub(super) fn enter(&mut self, stage: &'static str) -> Result<()> {
        self.plan.enter(stage);
        self.life.change(|state| {
            state.status = Status::Running;
            state.stage = Some(stage.to_owned());
            state.step = 0;
            state.steps = 0;
            state.reason = None;
        })
    }

    pub(super) fn leave(&mut self, stage: &'static str) -> Result<()> {
        self.plan.leave();
        let now = self.clock.seconds();
        self.life.change(|state| {
            // The clock goes on over an interruption: a stage took what those before it did not.
            let before: f64 = state.times.iter().map(|time| time.seconds).sum();
            let seconds = (now - before).max(0.0);
            state.times.push(StageTime { stage: stage.to_owned(), seconds });
            if !state.completed.iter().any(|done| done == stage) {
                state.completed.push(stage.to_owned());
            }
        })
    }

    /// The newest request, if one has come.
    fn command(&mut self) -> Option<Command> {
        if self.last_control.elapsed() < CONTROL_EVERY {
            return None;
        }
        self.last_control = Instant::now();
        control::take(self.folder.path())
    }

    /// Holds still until told otherwise.
    fn hold(&mut self) -> Result<Flow> {
        self.clock.pause();
        self.life.change(|state| {
            state.status = Status::Paused;
            state.eta_s = None;
        })?;
        if !std::mem::take(&mut self.held) {
            self.log("paused")?;
        }
        let flow = loop {
            if self.signals.stop_asked() {
                break Flow::Stop;
            }
            let by_signal = || self.signals.take_checkpoint().then_some(Command::Checkpoint);
            match control::take(self.folder.path()).or_else(by_signal) {
                Some(Command::Resume) => break Flow::Continue,
                Some(Command::Stop) => break Flow::Stop,
                Some(Command::StopNow) => return Err(stopped_now()),
                Some(Command::Checkpoint) => {
                    self.held = true;
                    // Until it holds still again it works: it writes, and takes one more step.
                    self.clock.go_on();
                    return Ok(Flow::Checkpoint);
                }
                Some(Command::Pause) | None => std::thread::sleep(CONTROL_EVERY),
            }
        };
        self.clock.go_on();
        if flow == Flow::Continue {
            self.life.change(|state| state.status = Status::Running)?;
            self.log("resumed")?;
        }
        Ok(flow)
    }
}

/// Writes for TensorBoard, where the run has a writer. Its files are a copy of what the run has
/// elsewhere: where one cannot be written the log says so, once, and the run goes on without. Errors:
/// the log cannot be written.
fn show(
    tensorboard: &mut Option<Writer>,
    log: &mut Appender,
    write: impl FnOnce(&mut Writer) -> Result<()>,
) -> Result<()> {
    let Some(Err(error)) = tensorboard.as_mut().map(write) else { return Ok(()) };
    *tensorboard = None;
    log_line(log, &no_more_tensorboard(&error))
}

/// What the log says when TensorBoard's files end.
fn no_more_tensorboard(error: &Error) -> String {
    format!(
        "warning: no more TensorBoard files: {}; glassbox report --format tensorboard makes them of \
         what the run has measured",
        error.message
    )
}

/// A new event file, which begins with the spec.
fn open_tensorboard(run: &Path) -> Result<Writer> {
    let path = run.join("spec.toml");
    let spec =
        std::fs::read_to_string(&path).map_err(|error| write::failed("read", &path, &error))?;
    let mut writer = Writer::create(&run.join(tensorboard::FOLDER))?;
    writer.code(tensorboard::now(), "spec", &spec)?;
    Ok(writer)
}

/// Appends a line with the local time of day in front.
pub(super) fn log_line(log: &mut Appender, line: &str) -> Result<()> {
    log.line(&format!("{}  {line}", jiff::Zoned::now().strftime("%H:%M:%S")))
}

pub(super) fn stopped_now() -> Error {
    Error::interrupted("stopped at once, without a checkpoint")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::neurons::{Layer, Neuron, TopImage};

    #[test]
    fn what_tensorboard_cannot_be_shown_is_logged_once_and_the_run_goes_on() {
        let run = tempfile::tempdir().unwrap();
        let path = run.path().join("log.txt");
        let mut log = Appender::open(&path).unwrap();
        let mut writer = Some(Writer::create(&run.path().join(tensorboard::FOLDER)).unwrap());
        show(&mut writer, &mut log, |writer| writer.code(1.0, "spec", "seed = 1")).unwrap();
        assert!(writer.is_some() && std::fs::read_to_string(&path).unwrap().is_empty());

        // A neuron whose picture is not there.
        let image = TopImage {
            image: "gone".into(),
            picture: "neurons/gone.png".into(),
            activation: 1.0,
            position: [0, 0],
            label: "cat".into(),
            label_index: 0,
            prediction: "cat".into(),
            prediction_index: 0,
            counterpart: None,
        };
        let neuron = Neuron {
            index: 0,
            real: vec![image],
            adversarial: Vec::new(),
            threshold: None,
            regions: None,
            discrepancy: None,
        };
        let layer = Layer { layer: "conv5".into(), receptive_field: None, neurons: vec![neuron] };
        let neurons = Neurons { image_size: 8, layers: vec![layer], ..Neurons::default() };
        for _ in 0..2 {
            let folder = run.path();
            show(&mut writer, &mut log, |writer| {
                writer.pictures(1.0, "train", 9, folder, &neurons)
            })
            .unwrap();
            assert!(writer.is_none());
        }
        let log = std::fs::read_to_string(&path).unwrap();
        assert_eq!(log.matches("warning: no more TensorBoard files").count(), 1, "{log}");
        assert!(log.contains("gone.png") && log.lines().count() == 1, "{log}");
    }
}
