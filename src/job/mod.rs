//! A worker: executes a spec's stages, writes the run folder. The only folder that sees both the
//! maths and the run folder.

pub mod build;
mod checkpoints;
pub mod context;
pub mod create;
pub mod estimate;
mod ledger;
mod life;
pub mod live;
mod machine;
pub mod predict;
mod progress;
mod signals;
pub mod spawn;
pub mod stage;
pub mod study;
mod suspicion;
mod usage;
pub mod wordnet;

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use self::context::{Context, StageEnd, log_line, stopped_now};
use self::life::Life;
use self::progress::Plan;
use self::signals::Signals;
use self::stage::STAGES;
use crate::error::{Error, Kind, Result};
use crate::run::control::{self, Command};
use crate::run::event::Appender;
use crate::run::folder::RunFolder;
use crate::run::slots::Ticket;
use crate::run::state::{State, Status, this_host};
use crate::run::write;
use crate::spec::Spec;

/// How often a waiting run looks whether it may go: it should not keep a file server busy.
const QUEUE_EVERY: Duration = Duration::from_millis(300);

/// The whole life of a worker process on the run in `path`: waits for a slot of the device, runs
/// every stage that is not done yet, and leaves the outcome in `state.json`.
///
/// `slots` is how many runs may use one device at a time. Nothing is printed. Errors are in
/// `state.json` too, wherever that can be written.
pub fn work(path: &Path, slots: usize) -> Result<()> {
    // Fails only for a process that leads a group already, started by hand in a terminal: then it
    // stays in that terminal's session.
    let _ = rustix::process::setsid();
    let folder = RunFolder::open(path)?;
    let _alone = lock_worker(&folder)?;
    sweep(folder.path());
    let before = folder.state().unwrap_or_else(|_| State::queued(None));
    let life = Life::begin(
        &folder,
        State {
            pid: Some(std::process::id()),
            host: Some(this_host()),
            completed: before.completed,
            times: before.times,
            progress: before.progress,
            // Until it has its slot, what it has done was done there.
            machine: before.machine,
            ..State::queued(None)
        },
    )?;
    let (at_once, its_runs) = (Arc::clone(&life), folder.clone());
    let signals = Signals::listen(move || {
        study::end_runs_now(&its_runs);
        let _ = at_once.end(|state| state.status = Status::Stopped);
        std::process::exit(130);
    })
    .inspect_err(|error| life.fail(error))?;
    log_panics(&folder);

    let outcome = catch_unwind(AssertUnwindSafe(|| run(&folder, &life, &signals, slots)))
        .unwrap_or_else(|_| {
            Err(Error::failed("the worker panicked: this is a bug in glassbox")
                .hint("log.txt in the run folder says where; please report it"))
        });
    if let Ok(mut log) = Appender::open(&folder.path().join("log.txt")) {
        let _ = match &outcome {
            Ok(StageEnd::Done) => log_line(&mut log, "finished"),
            Ok(StageEnd::Stopped) => log_line(&mut log, "stopped; resume it to go on"),
            Err(error) => log_line(&mut log, &error_line(error)),
        };
    }
    life.end(|state| {
        state.eta_s = None;
        state.reason = None;
        match &outcome {
            Ok(StageEnd::Done) => {
                state.status = Status::Finished;
                state.progress = 1.0;
            }
            Ok(StageEnd::Stopped) => state.status = Status::Stopped,
            Err(error) if error.kind == Kind::Interrupted => state.status = Status::Stopped,
            Err(error) => state.fail(error),
        }
    })?;
    outcome.map(|_| ())
}

fn run(
    folder: &RunFolder,
    life: &Arc<Life>,
    signals: &Arc<Signals>,
    slots: usize,
) -> Result<StageEnd> {
    let spec = crate::spec::read_resolved(&folder.path().join("spec.toml"))?;
    if spec.study.is_some() {
        // It takes no slot: its runs do.
        return study::run(folder, &spec, life, signals, slots);
    }
    let device = folder.info()?.device;
    let Some(_slot) = wait_for_slot(folder, &device, life, signals, slots)? else {
        return Ok(StageEnd::Stopped);
    };
    life.change(|state| {
        state.status = Status::Starting;
        state.reason = None;
        state.machine = Some(machine::of(&device));
    })?;
    let completed = folder.state()?.completed;
    let stages: Vec<_> = STAGES.iter().filter(|stage| (stage.wanted)(&spec)).collect();
    let plan = Plan::new(stages.iter().map(|stage| (stage.name, (stage.cost)(&spec))).collect());
    let mut context =
        Context::new(folder.clone(), spec, Arc::clone(life), Arc::clone(signals), plan)?;
    context.log(&format!(
        "glassbox {} on {} ({device}), pid {}",
        env!("CARGO_PKG_VERSION"),
        this_host(),
        std::process::id()
    ))?;
    for stage in stages {
        if completed.iter().any(|done| done == stage.name) {
            continue;
        }
        context.enter(stage.name)?;
        if (stage.run)(&mut context)? == StageEnd::Stopped {
            return Ok(StageEnd::Stopped);
        }
        context.leave(stage.name)?;
    }
    Ok(StageEnd::Done)
}

/// Waits in the queue of the device. `None` = asked to stop while waiting.
fn wait_for_slot(
    folder: &RunFolder,
    device: &str,
    life: &Life,
    signals: &Signals,
    slots: usize,
) -> Result<Option<Ticket>> {
    let runs = folder.path().parent().unwrap_or(Path::new("."));
    let ticket = Ticket::take(runs, device, &folder.id())?;
    let mut shown = None;
    loop {
        // Asked before the place in the queue: whoever stops a run that has hardly started means it.
        match control::take(folder.path()) {
            Some(Command::Stop) => return Ok(None),
            Some(Command::StopNow) => return Err(stopped_now()),
            _ if signals.stop_asked() => return Ok(None),
            _ => {}
        }
        let Some(ahead) = ticket.ahead(slots)? else { return Ok(Some(ticket)) };
        if shown.as_ref() != Some(&ahead) {
            let place = match ahead.count {
                1 => "next in line".to_owned(),
                count => format!("{count} ahead"),
            };
            let reason =
                format!("waits for {device}: {} (pid {}) has it; {place}", ahead.run, ahead.pid);
            life.change(|state| state.reason = Some(reason))?;
            shown = Some(ahead);
        }
        if let Some(error) = life.take_failure() {
            return Err(error);
        }
        std::thread::sleep(QUEUE_EVERY);
    }
}

/// Two workers on one folder would spoil it; the kernel frees the lock when its holder dies.
fn lock_worker(folder: &RunFolder) -> Result<File> {
    let path = folder.path().join("worker.lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| write::failed("open", &path, &error))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::bad_input(format!("run '{}' has a worker already", folder.id())))?;
    Ok(file)
}

/// Scratch files of a worker that was killed, in `folder` and below: pictures lie in folders of their
/// classes. What a watcher is just asking is left.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep(&entry.path());
        } else if write::is_scratch(name) && !control::is_request(name) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A panic goes to `log.txt`, with its place; the worker has no other mouth.
fn log_panics(folder: &RunFolder) {
    let path = folder.path().join("log.txt");
    std::panic::set_hook(Box::new(move |panic| {
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        if let Ok(mut log) = Appender::open(&path) {
            let _ = log_line(&mut log, &format!("{panic}"));
            for line in trace.lines() {
                let _ = log.line(line);
            }
        }
    }));
}

fn error_line(error: &Error) -> String {
    match &error.hint {
        Some(hint) => format!("{error} (hint: {hint})"),
        None => error.to_string(),
    }
}

/// A stage of a run (DESIGN §2).
#[derive(Debug)]
pub struct Stage {
    /// The section in the spec, and the name in the events.
    pub name: &'static str,
    /// Whether the spec asks for it.
    pub wanted: fn(&Spec) -> bool,
    /// Relative to the other stages.
    pub cost: fn(&Spec) -> f64,
    /// Does it.
    pub run: fn(&mut Context) -> Result<StageEnd>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_files_are_swept_out_of_every_folder_and_requests_are_left() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("adversarial/dog/deep")).unwrap();
        let scratch = [
            ".tmp-1-0-state.json",
            "adversarial/.tmp-1-1-a.png",
            "adversarial/dog/deep/.tmp-1-2-b.png",
        ];
        let kept = ["state.json", "adversarial/dog/a.png", ".tmp-9-0-control", "control"];
        for name in scratch.iter().chain(&kept) {
            fs::write(path(name), "x").unwrap();
        }
        sweep(root.path());
        for name in scratch {
            assert!(!path(name).exists(), "{name}");
        }
        for name in kept {
            assert!(path(name).exists(), "{name}");
        }
    }
}
