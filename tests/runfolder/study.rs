//! Studies: several runs of one spec, made one after the other, stopped, killed and gone on with.

use std::fs;
use std::path::Path;
use std::process::Command;

use glassbox::run::control::{self, Command as Ask};
use glassbox::run::folder::RunFolder;
use glassbox::run::results::study::Study;
use glassbox::run::state::{State, Status};
use glassbox::run::study::members;

use crate::runs::{Runs, signal, wait_for, wait_for_end};

/// Two runs, the second from the weights of the first; the first trains for so many epochs.
fn two(epochs: usize) -> String {
    format!(
        "title = 'two'\n[data]\nimage_size = 32\ntrain_images = 32\ntest_images = 8\n\
         [train]\nepochs = {epochs}\nbatch_size = 8\n[train.probe]\nimages = 0\n\
         [evaluate]\nattacks = [{{ method = 'none' }}]\n\
         [study]\nruns = [{{ name = 'first' }},\n\
         {{ name = 'second', set = [\"model.weights='study:first'\", 'train.epochs=1'] }}]\n"
    )
}

/// The first run of a study, as soon as there is one.
fn first(study: &RunFolder) -> RunFolder {
    let told = wait_for(study.path(), "a run", |_| {
        study.result::<Study>("study").unwrap().is_some_and(|study| !study.runs.is_empty())
    });
    assert!(told.status.is_live(), "{told:#?}");
    members(study).unwrap().remove(0)
}

fn training(run: &RunFolder) -> State {
    wait_for(run.path(), "training", |state| state.status == Status::Running && state.step > 0)
}

fn log(run: &RunFolder) -> String {
    fs::read_to_string(run.path().join("log.txt")).unwrap()
}

/// Both runs are there and finished, and so is the study.
fn assert_finished(runs: &Runs, study: &RunFolder) -> Vec<RunFolder> {
    let state = study.state().unwrap();
    assert_eq!(state.status, Status::Finished, "{state:#?}");
    assert_eq!((state.progress, state.completed), (1.0, vec!["first".into(), "second".into()]));
    let found = members(study).unwrap();
    assert_eq!(found.len(), 2);
    for run in &found {
        assert_eq!(run.state().unwrap().status, Status::Finished, "{}", run.id());
        assert_eq!(run.info().unwrap().study, Some(study.id()));
    }
    assert_eq!(RunFolder::list(&runs.root()).unwrap().len(), 3, "no run was made twice");
    found
}

#[test]
fn a_study_makes_each_of_its_runs_in_turn() {
    let runs = Runs::new();
    let study = runs.create_from(&two(2));
    assert_eq!(runs.work(&study).wait(), Some(0), "{}", log(&study));
    let found = assert_finished(&runs, &study);
    let titles: Vec<String> = found.iter().map(|run| run.info().unwrap().title).collect();
    assert_eq!(titles, ["two · first", "two · second"]);
    let spec = found[1].spec().unwrap();
    assert!(spec.contains(&format!("run:{}@best", found[0].id())), "{spec}");
    assert!(spec.contains("epochs = 1") && !spec.contains("[study]"), "{spec}");
    // Each has its own worker, and the study tells what they say.
    assert_ne!(found[0].state().unwrap().pid, found[1].state().unwrap().pid);
    let said = log(&study);
    assert!(
        said.contains("first: epoch 2 of 2") && said.contains("second: epoch 1 of 1"),
        "{said}"
    );
    assert_eq!(RunFolder::resolve(&runs.root(), "last").unwrap(), study);
    // A finished one has nothing left to do.
    let output = runs.glassbox(&["resume", "last"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_study_is_where_its_run_is_and_passes_on_what_it_is_asked() {
    let runs = Runs::new();
    let study = runs.create_from(&two(40));
    let worker = runs.work(&study);
    let run = first(&study);
    training(&run);
    let state = wait_for(study.path(), "its run's stage", |state| {
        state.stage.as_deref() == Some("first · train") && state.step > 0
    });
    assert!(state.progress > 0.0 && state.progress < 1.0, "{state:#?}");

    control::send(study.path(), Ask::Pause).unwrap();
    wait_for(run.path(), "a pause", |state| state.status == Status::Paused);
    wait_for(study.path(), "a pause", |state| state.status == Status::Paused);
    control::send(study.path(), Ask::Resume).unwrap();
    training(&run);
    wait_for(study.path(), "the end of the pause", |state| state.status == Status::Running);

    control::send(study.path(), Ask::Stop).unwrap();
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(study.state().unwrap().status, Status::Stopped);
    assert_eq!(run.state().unwrap().status, Status::Stopped);
    assert_eq!(members(&study).unwrap(), std::slice::from_ref(&run), "the next one has not begun");

    assert_eq!(runs.work(&study).wait(), Some(0), "{}", log(&study));
    assert_eq!(assert_finished(&runs, &study)[0], run);
    assert!(log(&run).contains("stopped; resume it to go on"), "{}", log(&run));
}

#[test]
fn a_study_that_is_ended_at_once_ends_its_run() {
    let runs = Runs::new();
    let study = runs.create_from(&two(100_000));
    let worker = runs.work(&study);
    let run = first(&study);
    training(&run);
    // As Ctrl-C twice.
    for name in ["-TERM", "-INT"] {
        signal(worker.pid(), name);
    }
    worker.wait();
    assert_eq!(study.state().unwrap().status, Status::Stopped);
    assert_eq!(wait_for_end(run.path()).status, Status::Stopped);
}

#[test]
fn a_study_whose_worker_was_killed_leaves_its_run_and_follows_it_again() {
    let runs = Runs::new();
    let study = runs.create_from(&two(40));
    let worker = runs.work(&study);
    let run = first(&study);
    training(&run);
    assert!(worker.kill_nine());
    let before = run.state().unwrap();
    let after = wait_for(run.path(), "more steps", |state| state.step > before.step + 2);
    assert_eq!(after.pid, before.pid, "it goes on by itself");
    assert_eq!(runs.work(&study).wait(), Some(0), "{}", log(&study));
    assert_finished(&runs, &study);
    let said = log(&study);
    assert!(said.contains("and is followed"), "{said}");
    assert_eq!(run.state().unwrap().pid, before.pid, "by the worker that it had");
}

#[test]
fn a_study_whose_run_was_killed_says_so_and_goes_on_with_it() {
    let runs = Runs::new();
    let study = runs.create_from(&two(40));
    let worker = runs.work(&study);
    let run = first(&study);
    let state = training(&run);
    signal(state.pid.unwrap(), "-KILL");
    assert_eq!(worker.wait(), Some(1));
    let failure = study.state().unwrap().error.unwrap();
    assert!(failure.message.contains("run 'first'"), "{failure:?}");
    assert!(failure.message.contains("is lost"), "{failure:?}");
    assert_eq!(runs.work(&study).wait(), Some(0), "{}", log(&study));
    assert_eq!(assert_finished(&runs, &study)[0], run);
}

/// Two classes of two grey pictures, one of which cannot be read.
fn pictures(root: &Path) -> std::path::PathBuf {
    for split in ["train", "val"] {
        for class in ["a", "b"] {
            let folder = root.join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..2_u8 {
                let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([number * 90; 3]));
                picture.save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let damaged = root.join("val/b/1.png");
    fs::write(&damaged, "no picture").unwrap();
    damaged
}

#[test]
fn a_study_fails_with_the_error_of_its_run_and_goes_on_when_that_is_mended() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let damaged = pictures(folder.path());
    let study = runs.create_from(&format!(
        "title = 'two'\n[data]\nformat = 'image-folder'\npath = '{}'\nimage_size = 32\n\
         [evaluate]\nattacks = [{{ method = 'none' }}]\n\
         [study]\nruns = [{{ name = 'first', set = [\"data.damaged='skip'\"] }},\n\
         {{ name = 'second', set = [\"data.damaged='fail'\"] }}]\n",
        folder.path().display()
    ));
    assert_eq!(runs.work(&study).wait(), Some(1));
    let [first, second] = members(&study).unwrap().try_into().unwrap();
    assert_eq!(first.state().unwrap().status, Status::Finished);
    let (of_study, of_run) = (study.state().unwrap().error, second.state().unwrap().error);
    let (of_study, of_run) = (of_study.unwrap(), of_run.unwrap());
    assert!(of_study.message.contains(&of_run.message), "{of_study:?}");
    assert!(of_study.message.contains("run 'second'"), "{of_study:?}");
    assert_eq!(of_study.hint, of_run.hint);

    fs::copy(damaged.with_file_name("0.png"), &damaged).unwrap();
    assert_eq!(runs.work(&study).wait(), Some(0), "{}", log(&study));
    assert_eq!(assert_finished(&runs, &study), [first, second]);
}

#[test]
fn what_does_not_fit_one_of_its_runs_makes_no_folder() {
    let runs = Runs::new();
    let text = two(1).replace("'train.epochs=1'", "'train.epochs=1', 'model.classes=3'");
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("study.toml");
    fs::write(&path, text).unwrap();
    let mut command: Command = runs.glassbox(&["run", path.to_str().unwrap()]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("run 'second' of the study"), "{error}");
    assert!(error.contains("model.classes = 3"), "{error}");
    assert!(!runs.root().exists());
}
