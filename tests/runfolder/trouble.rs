//! Disks that are full or forbidden: the error is in `state.json`, what was there stays whole.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use glassbox::run::control;
use glassbox::run::state::{State, Status};

use crate::runs::{Runs, SMALL, signal, wait_for, wait_for_training, with};

#[test]
fn a_full_disk_ends_the_run_and_the_state_says_so() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    // Every write to it fails as on a full disk.
    symlink("/dev/full", run.path().join("events.jsonl")).unwrap();
    assert_eq!(runs.work(&run).wait(), Some(1));
    let state = run.state().unwrap();
    assert_eq!(state.status, Status::Failed);
    let error = state.error.unwrap();
    assert!(error.message.contains("events.jsonl"), "{}", error.message);
    assert!(error.message.contains("disk is full"), "{}", error.message);
    assert!(error.hint.unwrap().contains("make room"));

    // With room again it goes on to the end.
    std::fs::remove_file(run.path().join("events.jsonl")).unwrap();
    assert_eq!(runs.work(&run).wait(), Some(0));
    let state = run.state().unwrap();
    assert_eq!((state.status, state.error), (Status::Finished, None));
}

/// Runs a script of `sh` with these arguments where it may mount a disk of its own; `None`, and a
/// line, where this machine allows nobody that.
fn with_own_mounts(script: &str, arguments: &[&Path]) -> Option<std::process::Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.args(arguments).output()
    };
    let allowed = unshare("mount -t tmpfs -o size=1m none \"$1\"");
    if !allowed.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine lets nobody mount a small disk");
        return None;
    }
    Some(unshare(script).unwrap())
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m none \"$1\" && cp -r \"$2\" \"$1/run\" || exit 99
                  dd if=/dev/zero of=\"$1/fill\" bs=4k 2>/dev/null
                  \"$3\" worker --slots 1 \"$1/run\"; code=$?
                  cat \"$1/run/state.json\"; exit $code";
    let program = Path::new(env!("CARGO_BIN_EXE_glassbox"));
    let Some(output) = with_own_mounts(script, &[folder.path(), run.path(), program]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let state: State = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(state.status, Status::Failed);
    let error = state.error.unwrap();
    assert!(error.message.contains("disk is full"), "{}", error.message);
    assert!(error.hint.unwrap().contains("make room"));
}

#[test]
fn a_checkpoint_that_does_not_fit_leaves_the_older_files_whole() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    // Blocks of 512 bytes: room for every file but a checkpoint.
    let script = "trap '' XFSZ; ulimit -f 400; exec \"$@\"";
    let worker = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_glassbox"), "worker", "--slots", "1"])
        .arg(run.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(worker.code(), Some(1));
    let state = run.state().unwrap();
    assert_eq!(state.status, Status::Failed);
    let message = state.error.unwrap().message;
    assert!(message.contains("checkpoints/"), "{message}");
    let left: Vec<PathBuf> = std::fs::read_dir(run.path().join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(left.is_empty(), "half a checkpoint is left: {left:?}");

    assert_eq!(runs.work(&run).wait(), Some(0));
    assert_eq!(run.state().unwrap().status, Status::Finished);
}

#[test]
fn a_runs_folder_that_cannot_be_written_is_told_before_anything_starts() {
    let runs = Runs::new();
    let forbidden = runs.root();
    std::fs::create_dir_all(&forbidden).unwrap();
    std::fs::set_permissions(&forbidden, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not hold the superuser back; nobody makes folders in /proc.
    let root = if rustix::process::geteuid().is_root() {
        PathBuf::from("/proc/glassbox-runs")
    } else {
        forbidden
    };
    let words = with(&["run", "quickstart", "--runs-dir", root.to_str().unwrap()], SMALL);
    let output = runs.glassbox(&words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("failed to make the folder"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_run_that_cannot_be_written_is_not_resumed_and_says_why_at_once() {
    use std::os::unix::process::CommandExt;
    let runs = Runs::new();
    let run = runs.create(SMALL);
    State { status: Status::Stopped, ..run.state().unwrap() }.write(run.path()).unwrap();
    std::fs::set_permissions(run.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = runs.glassbox(&["resume", &run.id()]);
    // Permissions do not hold the superuser back: somebody else tries.
    let program = runs.root().join("glassbox");
    if rustix::process::geteuid().is_root() {
        std::fs::copy(env!("CARGO_BIN_EXE_glassbox"), &program).unwrap();
        let home = runs.root().parent().unwrap().to_owned();
        std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o755)).unwrap();
        command = Command::new(&program);
        command.args(["resume", &run.id()]).uid(54_321).gid(54_321).current_dir("/");
        command.env_clear().env("GLASSBOX_RUNS_DIR", runs.root()).env("HOME", runs.root());
    }
    let since = std::time::Instant::now();
    let output = command.output().unwrap();
    std::fs::set_permissions(run.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("failed to write to") && error.contains(&run.id()), "{error}");
    assert!(since.elapsed() < std::time::Duration::from_secs(5), "it waited for a worker");
}

#[test]
fn a_paused_run_writes_a_checkpoint_and_stays_paused() {
    let runs = Runs::new();
    let run = runs.create(crate::runs::ENDLESS);
    let worker = runs.work(&run);
    wait_for_training(run.path());
    control::send(run.path(), control::Command::Pause).unwrap();
    wait_for(run.path(), "the pause", |state| state.status == Status::Paused);
    // When, not what: the last one of its own accord may be of this very step.
    let last = run.path().join("checkpoints/last.json");
    let written = || std::fs::metadata(&last).and_then(|file| file.modified()).ok();
    let before = written();
    let wait_for_another = |before: Option<std::time::SystemTime>| {
        let since = std::time::Instant::now();
        while written() == before {
            assert!(since.elapsed() < std::time::Duration::from_secs(30), "no checkpoint");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    control::send(run.path(), control::Command::Checkpoint).unwrap();
    wait_for_another(before);
    // By a signal, too.
    let before = written();
    signal(worker.pid(), "-USR1");
    wait_for_another(before);
    // Long enough to see it run on, if it did.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(run.state().unwrap().status, Status::Paused);
    control::send(run.path(), control::Command::Stop).unwrap();
    worker.wait();
    assert_eq!(run.state().unwrap().status, Status::Stopped);
    let log = std::fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(log.contains("paused") && !log.contains("resumed"), "{log}");
}
