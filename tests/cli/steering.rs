//! Pause, resume, stop, and Ctrl-C in the foreground.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use glassbox::run::folder::RunFolder;
use glassbox::run::state::Status;

use crate::runs::{ENDLESS, Runs, SMALL, signal, wait_for, wait_for_training, with};

/// `glassbox run` in the foreground, once it trains.
fn foreground(runs: &Runs) -> (Child, RunFolder) {
    let mut command = runs.glassbox(&with(&["run", "quickstart", "--json"], ENDLESS));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    let run = loop {
        if let Ok(run) = RunFolder::resolve(&runs.root(), "last") {
            break run;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "no run was made");
        std::thread::sleep(Duration::from_millis(20));
    };
    wait_for_training(run.path());
    (child, run)
}

fn done(runs: &Runs, words: &[&str]) -> serde_json::Value {
    let output = runs.glassbox(words).arg("--json").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn ctrl_c_once_stops_with_a_checkpoint_and_exits_with_130() {
    let runs = Runs::new();
    let (child, run) = foreground(&runs);
    signal(child.id(), "-INT");
    let output = child.wait_with_output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{talk}");
    assert!(talk.contains("Ctrl-C again"), "{talk}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["status"], "stopped");
    assert!(run.path().join("checkpoints/last.json").exists());
}

#[test]
fn ctrl_c_twice_stops_at_once() {
    let runs = Runs::new();
    let (child, run) = foreground(&runs);
    // Held still, so that the first one cannot end it before the second comes.
    assert_eq!(done(&runs, &["pause", "last"])["status"], "paused");
    signal(run.state().unwrap().pid.unwrap(), "-STOP");
    signal(child.id(), "-INT");
    std::thread::sleep(Duration::from_millis(600));
    signal(child.id(), "-INT");
    std::thread::sleep(Duration::from_millis(600));
    signal(run.state().unwrap().pid.unwrap(), "-CONT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stopping at once"));
    assert_eq!(run.state().unwrap().status, Status::Stopped);
}

/// Step, time and images a second of every training event.
fn rates(run: &RunFolder) -> Vec<(f64, f64, f64)> {
    let events = std::fs::read_to_string(run.path().join("events.jsonl")).unwrap();
    let rate = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        let rate = event["metrics"]["images_per_second"].as_f64()?;
        Some((event["step"].as_f64()?, event["t"].as_f64()?, rate))
    };
    events.lines().filter_map(rate).collect()
}

#[test]
fn a_run_is_paused_resumed_stopped_and_taken_up_again() {
    let runs = Runs::new();
    let words = with(&["run", "quickstart", "--detach"], ENDLESS);
    assert!(runs.glassbox(&words).output().unwrap().status.success());
    let run = RunFolder::resolve(&runs.root(), "last").unwrap();
    wait_for_training(run.path());

    let paused = done(&runs, &["pause", "last"]);
    assert_eq!((&paused["status"], &paused["done"]), (&"paused".into(), &true.into()));
    let before = run.state().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let after = run.state().unwrap();
    assert_eq!(after.step, before.step, "a paused run holds still");
    assert!(after.heartbeat > before.heartbeat, "and lives");
    let again = runs.glassbox(&["pause", "last"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "it is paused already");

    assert_eq!(done(&runs, &["resume", "last"])["status"], "running");
    wait_for(run.path(), "more steps", |state| state.step > after.step);

    assert_eq!(done(&runs, &["stop", "last"])["status"], "stopped");
    // The clock of the events stands still in a pause; the rate must go by the same clock.
    for pair in rates(&run).windows(2) {
        let ((from, since, _), (to, until, rate)) = (pair[0], pair[1]);
        let seconds = 16.0 * (to - from) / rate;
        assert!(seconds < until - since + 0.1, "{rate} images/s at step {to}: with the pause");
    }
    let stopped = run.state().unwrap();
    assert_eq!(runs.glassbox(&["stop", "last"]).output().unwrap().status.code(), Some(2));

    assert!(done(&runs, &["resume", "last"])["done"].as_bool().unwrap());
    let taken_up = wait_for(run.path(), "more steps", |state| {
        state.status == Status::Running && state.step > stopped.step
    });
    assert_ne!(taken_up.pid, stopped.pid);
    assert_eq!(done(&runs, &["stop", "last"])["status"], "stopped");
}

#[test]
fn a_run_whose_worker_is_killed_is_lost_and_exits_with_1() {
    let runs = Runs::new();
    let (child, run) = foreground(&runs);
    signal(run.state().unwrap().pid.unwrap(), "-KILL");
    let output = child.wait_with_output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("is lost") && talk.contains("glassbox resume"), "{talk}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["status"], "lost");
    let output = runs.glassbox(&["stop", "last"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is lost"));
}

/// A run that was stopped before its first step.
fn stopped(runs: &Runs) -> RunFolder {
    let run = runs.create(SMALL);
    let mut state = run.state().unwrap();
    state.status = Status::Stopped;
    state.write(run.path()).unwrap();
    run
}

#[test]
fn a_run_that_cannot_be_resumed_says_why() {
    let runs = Runs::new();
    let run = stopped(&runs);
    std::fs::write(run.path().join("spec.toml"), "title = 7\n").unwrap();
    let output = runs.glassbox(&["resume", "last"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("failed: ") && talk.contains("spec.toml"), "{talk}");
}

#[test]
fn a_worker_that_gives_no_sign_of_life_is_told() {
    let runs = Runs::new();
    let run = stopped(&runs);
    // Nobody can lock a folder, so that no worker gets as far as to write a state.
    std::fs::create_dir(run.path().join("worker.lock")).unwrap();
    let output = runs.glassbox(&["resume", "last"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("no sign of life") && talk.contains("glassbox worker"), "{talk}");
}

#[test]
fn watching_can_be_given_up_and_the_run_goes_on() {
    let runs = Runs::new();
    let (mut child, run) = foreground(&runs);
    let mut command = runs.glassbox(&["watch", "last"]);
    let watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(800));
    signal(watching.id(), "-INT");
    let output = watching.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("goes on"));
    assert_eq!(run.state().unwrap().status, Status::Running);
    signal(child.id(), "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
