//! Dissection that was killed or stopped within its passes, and what a power cut leaves of them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use glassbox::run::folder::RunFolder;
use glassbox::run::state::Status;

use crate::killed::{collect, kill_and_compare, outcome};
use crate::runs::{Runs, wait_for};

/// Both stages that tell what neurons mean, on a network of one layer.
const CONCEPTS: &str = "[data]\nimage_size = 32\ntest_images = 600\ntrain_images = 16\n\
    [model]\narch = 'sequential'\nlayers = ['conv 16 5 stride=2 padding=2', 'relu', \
    'adaptive-avg-pool 2', 'flatten', 'linear 16']\n\
    [attack]\nmethod = 'fgsm'\nepsilon = 4\n\
    [dissect]\ntop = 3\nbatch_size = 4\n\
    [dissect.attack]\nmethod = 'pgd'\nepsilon = 4\nsteps = 3\n\
    [consistency]\nbatch_size = 4\n";

#[test]
fn dissection_killed_between_its_passes_ends_with_the_same_bits() {
    let runs = Runs::new();
    // What a pass leaves when it has ended.
    let files = ["real.progress", "real.counts", "adversarial.progress"];
    kill_and_compare(
        &runs,
        || runs.create_from(CONCEPTS),
        files.len(),
        |kill, run| {
            let file = run.path().join("progress/dissect").join(files[kill]);
            let since = std::time::Instant::now();
            while !file.exists() {
                assert!(since.elapsed() < Duration::from_secs(300), "no {}", file.display());
                std::thread::sleep(Duration::from_millis(1));
            }
        },
    );
}

/// Starts the worker and kills it as soon as the dissection has left a file of what is under way.
fn kill_at(runs: &Runs, run: &RunFolder, file: &str) {
    let worker = runs.work(run);
    let file = run.path().join("progress/dissect").join(file);
    let since = std::time::Instant::now();
    while !file.exists() {
        assert!(since.elapsed() < Duration::from_secs(300), "no {}", file.display());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(worker.kill_nine(), "the run is too short");
}

#[test]
fn dissection_whose_pictures_are_lost_or_killed_before_its_result_ends_with_the_same_bits() {
    let runs = Runs::new();
    let whole = runs.create_from(CONCEPTS);
    assert_eq!(runs.work(&whole).wait(), Some(0));
    let run = runs.create_from(CONCEPTS);
    kill_at(&runs, &run, "adversarial.progress");
    // As a power cut leaves it: counted as written, and gone.
    let mut pictures = BTreeMap::new();
    collect(run.path(), &run.path().join("dissect/adversarial"), &mut pictures);
    let first = run.path().join(pictures.keys().next().unwrap());
    fs::remove_file(&first).unwrap();
    kill_at(&runs, &run, "adversarial.counts");
    assert!(first.exists(), "the lost picture is made again");
    assert_eq!(runs.work(&run).wait(), Some(0));
    assert!(outcome(&run) == outcome(&whole), "the results differ");
}

#[test]
fn an_attack_on_labelled_images_goes_on_where_some_before_it_are_damaged() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let images = 200;
    crate::runs::broden(folder.path(), images);
    // From here on no image has the place of its number.
    for number in [1, 2, 5] {
        fs::write(folder.path().join(format!("images/{number}_object.png")), b"no PNG").unwrap();
    }
    let spec = format!(
        "[data]\nimage_size = 16\ntest_images = 4\ntrain_images = 4\n\
         [model]\narch = 'sequential'\nlayers = ['conv 4 3', 'relu', 'flatten', 'linear 16']\n\
         [dissect]\nbatch_size = 4\ntop = 3\n\
         [dissect.data]\nformat = 'broden'\npath = '{}'\n\
         [dissect.attack]\nmethod = 'pgd'\nepsilon = 8\nsteps = 200\n",
        folder.path().display()
    );
    let whole = runs.create_from(&spec);
    assert_eq!(runs.work(&whole).wait(), Some(0));
    let run = runs.create_from(&spec);
    let worker = runs.work(&run);
    // Two passes over the images come first.
    wait_for(run.path(), "the attack", |state| {
        state.stage.as_deref() == Some("dissect") && state.step > 2 * images as u64 + 200
    });
    glassbox::run::control::send(run.path(), glassbox::run::control::Command::Stop).unwrap();
    worker.wait();
    assert_eq!(run.state().unwrap().status, Status::Stopped);
    let pictures = || {
        let mut pictures = BTreeMap::new();
        collect(run.path(), &run.path().join("dissect/adversarial"), &mut pictures);
        pictures.len()
    };
    assert!((1..images - 3).contains(&pictures()), "{} are attacked", pictures());
    assert_eq!(runs.work(&run).wait(), Some(0));
    assert_eq!(pictures(), images - 3);
    assert!(outcome(&run) == outcome(&whole), "the results differ");
}

#[test]
fn dissection_asked_to_stop_goes_on_within_its_passes() {
    let runs = Runs::new();
    let whole = runs.create_from(CONCEPTS);
    assert_eq!(runs.work(&whole).wait(), Some(0));
    let run = runs.create_from(CONCEPTS);
    // While thresholds are found, labels counted, images attacked.
    for steps in [60, 700, 1500] {
        let worker = runs.work(&run);
        wait_for(run.path(), "the dissection", |state| {
            state.stage.as_deref() == Some("dissect") && state.step > steps
        });
        glassbox::run::control::send(run.path(), glassbox::run::control::Command::Stop).unwrap();
        worker.wait();
        assert_eq!(run.state().unwrap().status, Status::Stopped, "after {steps} steps");
    }
    assert_eq!(runs.work(&run).wait(), Some(0));
    let log = fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(log.matches("goes on after").count() >= 3, "{log}");
    assert!(outcome(&run) == outcome(&whole), "the results differ");
}
