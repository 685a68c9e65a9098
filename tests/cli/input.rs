//! Bad input: exit code 2, one clear message, what to do; nothing on standard output.

use crate::runs::{Runs, SMALL, with};

/// The message of a command that must fail with 2.
fn refused(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
    assert!(output.stdout.is_empty(), "{words:?}");
    error
}

#[test]
fn bad_input_says_what_and_what_to_do() {
    let runs = Runs::new();
    for (words, expected) in [
        (&["run"][..], "SPEC|PRESET"),
        (&["dance"], "dance"),
        (&["run", "quickstrat"], "quickstart"),
        (&["run", "no/such.toml"], "no/such.toml"),
        (&["run", "quickstart", "--set", "train.epoch=2"], "epochs"),
        (&["run", "quickstart", "--set", "device='cuda:0'"], "CUDA"),
        (&["run", "quickstart", "--readonly"], "readonly"),
        (&["check", "quickstart", "--set", "train.epochs=-1"], "epochs"),
        (&["show", "last"], "glassbox run quickstart"),
        (&["show", "zzz"], "glassbox runs"),
        (&["watch", "zzz"], "zzz"),
        (&["pause", "zzz"], "zzz"),
        (&["resume", "zzz"], "zzz"),
        (&["stop", "zzz"], "zzz"),
        (&["runs", "--images", "crayon"], "crayon"),
    ] {
        let error = refused(&runs, words);
        assert!(error.contains(expected), "{words:?}: {error}");
    }
    assert!(!runs.root().exists(), "bad input leaves nothing behind");
}

#[test]
fn an_ambiguous_prefix_names_the_candidates() {
    let runs = Runs::new();
    let (one, two) = (runs.create(SMALL), runs.create(SMALL));
    let error = refused(&runs, &["show", &one.id()[..4]]);
    assert!(error.contains(&one.id()) && error.contains(&two.id()), "{error}");
}

#[test]
fn a_wrong_settings_file_is_told_with_its_line() {
    let runs = Runs::new();
    std::fs::create_dir_all(runs.root()).unwrap();
    let file = runs.root().join("my.toml");
    std::fs::write(&file, "theme = 'dark'\nslot = 2\n").unwrap();
    let error = refused(&runs, &["runs", "--config", file.to_str().unwrap()]);
    assert!(error.contains("my.toml:2") && error.contains("'slots'"), "{error}");
}

#[test]
fn the_workbench_needs_a_terminal() {
    let error = refused(&Runs::new(), &[]);
    assert!(error.contains("terminal"), "{error}");
}

#[test]
fn a_run_that_diverges_fails_with_1_and_says_what_to_try() {
    let runs = Runs::new();
    let sets: Vec<&str> = SMALL.iter().copied().chain(["train.optimizer.lr=1e30"]).collect();
    let output = runs.glassbox(&with(&["run", "quickstart", "--json"], &sets)).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("NaN") && error.contains("hint: "), "{error}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["status"], "failed");
    assert!(value["error"]["hint"].is_string());
}
