//! One run a device: first come, first served, and the dead hold nobody up.

use glassbox::run::control::{self, Command};
use glassbox::run::folder::RunFolder;
use glassbox::run::state::Status;

use crate::runs::{ENDLESS, Runs, SMALL, Worker, wait_for, wait_for_end, wait_for_training};

/// Starts a worker and waits until it stands in the queue, so that the order is known. The reason
/// names the run that has the device, not one that waits too.
fn queue(runs: &Runs, overrides: &[&str], holder: &RunFolder) -> (RunFolder, Worker) {
    let run = runs.create(overrides);
    let worker = runs.work(&run);
    let state = wait_for(run.path(), "a place in the queue", |state| {
        state.reason.as_deref().is_some_and(|reason| reason.contains("waits for cpu"))
    });
    let reason = state.reason.unwrap();
    assert_eq!(state.status, Status::Queued);
    assert!(reason.contains(&holder.id()), "{reason}");
    assert!(reason.contains("pid"), "{reason}");
    (run, worker)
}

#[test]
fn three_runs_go_in_the_order_in_which_they_came() {
    let runs = Runs::new();
    let first = runs.create(ENDLESS);
    let holder = runs.work(&first);
    wait_for_training(first.path());
    let (second, second_worker) = queue(&runs, ENDLESS, &first);
    let (third, third_worker) = queue(&runs, SMALL, &first);

    assert!(holder.kill_nine());
    wait_for_training(second.path());
    let waiting = third.state().unwrap();
    assert_eq!((waiting.status, waiting.step), (Status::Queued, 0));

    crate::runs::signal(second_worker.pid(), "-TERM");
    assert_eq!(wait_for_end(second.path()).status, Status::Stopped);
    assert_eq!(third_worker.wait(), Some(0));
    assert_eq!(third.state().unwrap().status, Status::Finished);
}

#[test]
fn a_waiting_run_answers_stop_and_leaves_the_queue() {
    let runs = Runs::new();
    let first = runs.create(ENDLESS);
    let holder = runs.work(&first);
    wait_for_training(first.path());
    let (second, second_worker) = queue(&runs, SMALL, &first);
    control::send(second.path(), Command::Stop).unwrap();
    assert_eq!(second_worker.wait(), Some(0));
    assert_eq!(second.state().unwrap().status, Status::Stopped);
    assert_eq!(first.state().unwrap().status, Status::Running);
    assert!(holder.kill_nine());
}

#[test]
fn a_run_stopped_before_its_worker_is_up_never_starts() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    control::send(run.path(), Command::Stop).unwrap();
    assert_eq!(runs.work(&run).wait(), Some(0));
    let state = run.state().unwrap();
    assert_eq!((state.status, state.step), (Status::Stopped, 0));
    // It was meant once.
    assert_eq!(runs.work(&run).wait(), Some(0));
    assert_eq!(run.state().unwrap().status, Status::Finished);
}

#[test]
fn what_was_asked_of_a_dead_worker_is_not_asked_of_the_one_that_resumes() {
    let runs = Runs::new();
    let run = runs.create(ENDLESS);
    let worker = runs.work(&run);
    wait_for_training(run.path());
    assert!(worker.kill_nine());
    control::send(run.path(), Command::Stop).unwrap();
    wait_for(run.path(), "the loss noticed", |_| run.status().unwrap().1 == Status::Lost);
    assert!(runs.glassbox(&["resume", "last"]).output().unwrap().status.success());
    let state = wait_for_training(run.path());
    crate::runs::signal(state.pid.unwrap(), "-TERM");
    assert_eq!(wait_for_end(run.path()).status, Status::Stopped);
}

#[test]
fn a_waiting_run_that_is_killed_holds_nobody_up() {
    let runs = Runs::new();
    let first = runs.create(ENDLESS);
    let holder = runs.work(&first);
    wait_for_training(first.path());
    let (_second, second_worker) = queue(&runs, SMALL, &first);
    let (third, third_worker) = queue(&runs, SMALL, &first);
    assert!(second_worker.kill_nine());
    assert!(holder.kill_nine());
    assert_eq!(third_worker.wait(), Some(0));
    assert_eq!(third.state().unwrap().status, Status::Finished);
}
