//! `state.json`: where a run is. Rewritten whole (temp, fsync, rename) by the worker alone.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::write;
use crate::error::{Error, Result};

/// The file's name in the run folder.
pub const FILE: &str = "state.json";

/// A worker on this host that was silent for so long is looked for by its pid. It beats every second.
const SILENT_HERE_S: f64 = 2.5;

/// A worker that has not told its pid yet may still be on its way.
const STARTING_S: f64 = 10.0;

/// A worker on another host, whose pid says nothing here. Clocks may differ by a little.
const SILENT_ELSEWHERE_S: f64 = 90.0;

/// `state.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Where it is.
    pub status: Status,
    /// The stage being worked on, or the last one.
    pub stage: Option<String>,
    /// Of the whole run, 0..1.
    pub progress: f64,
    /// The stage's own count.
    pub step: u64,
    /// The stage's own total.
    pub steps: u64,
    /// Seconds left, if known.
    pub eta_s: Option<f64>,
    /// Unix seconds of the last sign of life.
    pub heartbeat: f64,
    /// The worker, on `host`.
    pub pid: Option<u32>,
    /// The host the worker runs on (may differ from the one that created the run).
    pub host: Option<String>,
    /// Stages that are done.
    #[serde(default)]
    pub completed: Vec<String>,
    /// How long each of them took; absent in folders of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<StageTime>,
    /// What the worker runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Why it waits, while `queued`.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// How long a stage took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// Its name.
    pub stage: String,
    /// Seconds of work; waiting and pauses do not count.
    pub seconds: f64,
}

/// The machine that a worker runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, where the system tells it.
    #[serde(default)]
    pub cpu: String,
    /// Threads that compute: the cores that the worker may use.
    #[serde(default)]
    pub cores: usize,
    /// Bytes of memory; 0 = not known.
    #[serde(default)]
    pub memory: u64,
    /// The graphics card that the run computes on, as its maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Bytes of its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory: Option<u64>,
    /// `linux x86_64`
    #[serde(default)]
    pub system: String,
}

/// A run's status (DESIGN §5). `Lost` is never written: readers conclude it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for its device.
    Queued,
    /// Opens data and model.
    Starting,
    /// Works.
    Running,
    /// Holds still until resumed; keeps its device.
    Paused,
    /// All stages are done.
    Finished,
    /// An error ended it; `error` says which.
    Failed,
    /// Stopped by the user, with a checkpoint; can be resumed.
    Stopped,
    /// No heartbeat and no process.
    Lost,
}

/// `state.json`'s `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl State {
    /// A run that has not been started.
    pub fn queued(reason: Option<String>) -> Self {
        Self {
            status: Status::Queued,
            stage: None,
            progress: 0.0,
            step: 0,
            steps: 0,
            eta_s: None,
            heartbeat: now(),
            pid: None,
            host: None,
            completed: Vec::new(),
            times: Vec::new(),
            machine: None,
            reason,
            error: None,
        }
    }

    /// The same run, ended by an error.
    pub fn fail(&mut self, error: &Error) {
        self.status = Status::Failed;
        self.error = Some(Failure { message: error.message.clone(), hint: error.hint.clone() });
    }

    /// Reads `state.json` of a run folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).map_err(|error| write::failed("read", &path, &error))?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::failed(format!("failed to read '{}': {error}", path.display()))
                .hint("the run folder is damaged; its events.jsonl and checkpoints may be whole")
        })
    }

    /// Writes it whole.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write::whole(&folder.join(FILE), &to_json(self)?)
    }

    /// What a reader should show: the status, or `Lost` where a worker should be and is not.
    ///
    /// `alive` tells whether a pid of this host is a worker of this run; it is asked only when the
    /// heartbeat has gone stale.
    pub fn conclude(&self, now: f64, host: &str, alive: impl FnOnce(u32) -> bool) -> Status {
        if !self.status.is_live() {
            return self.status;
        }
        let silent = now - self.heartbeat;
        let here = self.host.as_deref().is_none_or(|of_worker| of_worker == host);
        let lost = if here {
            match self.pid {
                Some(pid) => silent > SILENT_HERE_S && !alive(pid),
                None => silent > STARTING_S,
            }
        } else {
            silent > SILENT_ELSEWHERE_S
        };
        if lost { Status::Lost } else { self.status }
    }
}

impl Status {
    /// Whether a worker should be there.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Starting | Self::Running | Self::Paused)
    }

    /// The word, as in `state.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }
}

/// Unix seconds.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// This host's name, as run folders write it.
pub fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether `pid` on this host is a worker of the run in `folder`.
pub fn is_worker(pid: u32, folder: &Path) -> bool {
    let Some(id) = folder.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return false;
    };
    match std::fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => is_worker_of(&line, &id),
        // No /proc (not Linux): the pid alone has to do.
        Err(_) if !Path::new("/proc/self").exists() => i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()),
        Err(_) => false,
    }
}

/// Whether this command line, its arguments ended by zeroes, is that of a worker of run `id`. The
/// small worker behind the attack screen names the run, too, but carries nothing out.
fn is_worker_of(command_line: &[u8], id: &str) -> bool {
    let mut arguments = command_line.split(|byte| *byte == 0);
    !arguments.any(|argument| argument == b"--live")
        && String::from_utf8_lossy(command_line).contains(id)
}

pub(super) fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(heartbeat: f64, host: &str) -> State {
        State {
            status: Status::Running,
            heartbeat,
            pid: Some(4711),
            host: Some(host.into()),
            ..State::queued(None)
        }
    }

    #[test]
    fn is_lost_only_when_silent_and_gone() {
        let state = running(1000.0, "here");
        assert_eq!(state.conclude(1002.0, "here", |_| false), Status::Running);
        assert_eq!(state.conclude(1003.0, "here", |_| false), Status::Lost);
        assert_eq!(state.conclude(1020.0, "here", |_| true), Status::Running);
        assert_eq!(state.conclude(1020.0, "here", |_| false), Status::Lost);
        assert_eq!(state.conclude(1020.0, "elsewhere", |_| false), Status::Running);
        assert_eq!(state.conclude(1200.0, "elsewhere", |_| true), Status::Lost);
    }

    #[test]
    fn ended_runs_are_never_lost() {
        let state = State { status: Status::Finished, ..running(0.0, "here") };
        assert_eq!(state.conclude(1e9, "here", |_| false), Status::Finished);
    }

    #[test]
    fn survives_a_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let state = State {
            times: vec![StageTime { stage: "train".into(), seconds: 1.5 }],
            machine: Some(Machine { cpu: "a".into(), cores: 2, ..Machine::default() }),
            ..running(12.5, "here")
        };
        state.write(folder.path()).unwrap();
        assert_eq!(State::read(folder.path()).unwrap(), state);
    }

    #[test]
    fn knows_that_this_test_is_no_worker() {
        assert!(!is_worker(std::process::id(), Path::new("/runs/20200101-000000-nothing-0000")));
    }

    #[test]
    fn the_small_worker_of_the_attack_screen_does_not_keep_its_run_alive() {
        let id = "20200101-000000-a-0000";
        assert!(is_worker_of(b"glassbox\0worker\0/runs/20200101-000000-a-0000\0", id));
        let live = b"glassbox\0worker\0--live\0--pictures\0/p\0/runs/20200101-000000-a-0000\0";
        assert!(!is_worker_of(live, id));
        assert!(!is_worker_of(b"glassbox\0worker\0/runs/20200101-000000-b-0000\0", id));
        assert!(is_worker_of(b"glassbox\0worker\0/runs/--live/20200101-000000-a-0000\0", id));
    }
}
