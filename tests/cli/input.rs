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
        (&["run", "quickstart", "--set", "device='cuda:99'"], "device 'cuda:99'"),
        (&["check", "quickstart", "--set", "device='cuda:0,1'"], "one device"),
        (
            &["check", "quickstart", "--set", "device='cpu'", "--set", "precision='bf16'"],
            "the CPU computes in f32 alone",
        ),
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
fn the_doctor_works_with_wrong_settings_and_names_them() {
    let runs = Runs::new();
    std::fs::create_dir_all(runs.root()).unwrap();
    let file = runs.root().join("my.toml");
    for (text, line, advice) in [
        ("theme = 'dark'\nslot = 2\n", "my.toml:2: unknown setting 'slot'", "'slots'"),
        ("keys = [\n{ on = 'q', do = 'quti' } ]", "my.toml:2: unknown action 'quti'", "'quit'"),
    ] {
        std::fs::write(&file, text).unwrap();
        let words = ["doctor", "--config", file.to_str().unwrap()];
        let output = runs.glassbox(&words).output().unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{report}");
        let at = report.lines().position(|said| said.contains(line)).expect(&report);
        let said: Vec<&str> = report.lines().skip(at).take(2).collect();
        assert!(said[0].starts_with("  FIX   settings ") && said[1].contains(advice), "{report}");
        assert!(report.contains("1 thing to fix"), "{report}");
    }
}

#[test]
fn a_file_where_the_runs_folder_should_be_is_bad_input() {
    let runs = Runs::new();
    let file = env!("CARGO_BIN_EXE_glassbox");
    for words in [["runs", "--runs-dir", file].as_slice(), &["show", "last", "--runs-dir", file]] {
        let error = refused(&runs, words);
        assert!(error.contains(file) && error.contains("a file, not a folder"), "{error}");
    }
}

#[test]
fn neurons_that_are_still_to_come_are_told_from_those_that_never_will() {
    let runs = Runs::new();
    let id = runs.create(SMALL).id();
    let error = refused(&runs, &["view", &id, "--layer", "conv2", "--neuron", "1"]);
    assert!(error.contains("has not come that far"), "{error}");
}

#[test]
fn a_wrong_spec_file_is_told_with_its_line_and_the_nearest_key() {
    let runs = Runs::new();
    std::fs::create_dir_all(runs.root()).unwrap();
    let file = runs.root().join("mine.toml");
    std::fs::write(&file, "title = 'mine'\n\n[train]\nepoch = 2\n").unwrap();
    for command in ["run", "check"] {
        let error = refused(&runs, &[command, file.to_str().unwrap()]);
        assert!(error.contains("mine.toml:4") && error.contains("'epochs'"), "{error}");
    }
}

#[test]
fn without_a_home_folder_runs_need_a_place_and_everything_works_with_one() {
    use std::os::unix::process::CommandExt;
    // Whoever has a line in /etc/passwd has a home; only the superuser can be somebody without.
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only the superuser can be somebody without a home");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("runs");
    std::fs::create_dir(&root).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(54_321), Some(54_321)).unwrap();
    std::os::unix::fs::chown(&root, Some(54_321), Some(54_321)).unwrap();
    // Nobody else may look into the folder this was built in.
    let program = folder.path().join("glassbox");
    std::fs::copy(env!("CARGO_BIN_EXE_glassbox"), &program).unwrap();
    let glassbox = |words: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(words).current_dir("/").env_clear().uid(54_321).gid(54_321);
        command.output().unwrap()
    };
    let output = glassbox(&["runs"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    for part in ["no home folder", "--runs-dir", "GLASSBOX_RUNS_DIR"] {
        assert!(error.contains(part), "{error}");
    }
    // Nothing is read from there.
    let output = glassbox(&["check", "quickstart"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    let output = glassbox(&["check", "quickstart", "--set", "model.weights='run:last'"]);
    assert_eq!(output.status.code(), Some(2));
    let report = String::from_utf8(glassbox(&["doctor"]).stdout).unwrap();
    assert!(report.contains("there is no home folder"), "{report}");
    let runs_dir = ["--runs-dir", root.to_str().unwrap()];
    let words = with(&["run", "quickstart", "--json"], SMALL);
    for words in [&words[..], &["runs"], &["show", "last"], &["doctor"], &["check", "quickstart"]] {
        let output = glassbox(&[words, &runs_dir].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    }
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
