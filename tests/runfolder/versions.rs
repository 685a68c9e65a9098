//! Folders of every version since the first load; those of a later one are refused in words.
//!
//! `fixtures/runs/v1` was written by `glassbox run quickstart` of version 0.1.0 and is never edited
//! again but for its id and paths. The checkpoints' tensors, three megabytes, are left out.

use std::path::{Path, PathBuf};

use glassbox::run::folder::RunFolder;
use glassbox::run::follow::Follower;
use glassbox::run::latest::latest;
use glassbox::run::results::attack::Attack;
use glassbox::run::results::evaluate::Evaluate;
use glassbox::run::results::neurons::Neurons;
use glassbox::run::state::Status;
use glassbox::spec;

use crate::runs::Runs;

fn first_version() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs/v1")
}

#[test]
fn a_folder_of_version_1_loads_whole() {
    let run = RunFolder::resolve(&first_version(), "last").unwrap();
    let info = run.info().unwrap();
    assert_eq!((info.title.as_str(), info.versions.format), ("Version 1", 1));
    let (state, status) = run.status().unwrap();
    assert_eq!((status, state.completed.len()), (Status::Finished, 4));
    let spec = spec::read_resolved(&run.path().join("spec.toml")).unwrap();
    assert_eq!(spec.train.unwrap().epochs, 2);
    let evaluate: Evaluate = run.result("evaluate").unwrap().unwrap();
    assert_eq!(evaluate.rows.len(), 4);
    let attack: Attack = run.result("attack").unwrap().unwrap();
    assert_eq!((attack.images, attack.pairs.len()), (4, 4));
    let neurons: Neurons = run.result("neurons").unwrap().unwrap();
    let layer = &neurons.layers[0];
    assert_eq!((layer.layer.as_str(), layer.neurons[0].real.len()), ("conv2", 2));
    assert!(run.path().join(&layer.neurons[0].real[0].picture).is_file());
    let update = Follower::new(run.path()).poll();
    assert_eq!(update.unreadable, 0);
    assert!(update.events.iter().any(|event| event.stage == "train"));
    assert!(update.log.last().unwrap().ends_with("finished"));
    assert!(latest(run.path()).contains_key("top1"));
}

#[test]
fn every_command_that_reads_understands_version_1() {
    let runs = Runs::new();
    let root = first_version();
    let root = root.to_str().unwrap();
    for words in [
        &["runs"][..],
        &["runs", "--json"],
        &["show", "last"],
        &["show", "last", "--json"],
        &["watch", "last"],
        &["view", "last", "--layer", "conv2", "--neuron", "0"],
    ] {
        let output = runs.glassbox(words).args(["--runs-dir", root]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        assert!(!output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn a_folder_of_the_future_is_refused_by_name() {
    let runs = Runs::new();
    let run = runs.create(crate::runs::SMALL);
    let text = r#"{"versions":{"format":2,"glassbox":"9.1.0"},"who":"knows"}"#;
    std::fs::write(run.path().join("run.json"), text).unwrap();
    let output = runs.glassbox(&["show", "last"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("glassbox 9.1.0") && error.contains("newer"), "{error}");
    // The list goes on without it, with the reason.
    let output = runs.glassbox(&["runs"]).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("unreadable"));
}
