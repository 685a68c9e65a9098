//! What is printed: results on standard output, talk on standard error, no control codes.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::runs::{Runs, SMALL, with};

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(runs: &Runs, words: &[&str]) -> Value {
    serde_json::from_str(&stdout(runs, words)).unwrap()
}

#[test]
fn a_run_prints_one_json_value_and_every_command_reads_it_after() {
    let runs = Runs::new();
    let run = json(&runs, &with(&["run", "quickstart", "--json"], SMALL));
    assert_eq!(run["status"], "finished");
    assert_eq!(run["progress"], 1.0);
    assert_eq!(run["results"]["evaluate"]["rows"][0]["attack"], "none");
    let largest = run["results"]["attack"]["linf_max"].as_f64().unwrap();
    // Levels are measured in single precision: 4 of them may be off in the last digits.
    assert!(largest <= 4.0, "epsilon is 4, and {largest} was measured");
    assert_eq!(run["results"]["neurons"]["layers"][0]["layer"], "conv2");
    assert!(run["metrics"]["loss"].as_f64().unwrap() > 0.0);

    let id = run["id"].as_str().unwrap();
    let list = json(&runs, &["runs", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["id"], id);
    assert_eq!(json(&runs, &["show", id, "--json"]), run);
    assert_eq!(json(&runs, &["watch", "last", "--json"]), run);
    let shown = stdout(&runs, &["show", "last"]);
    for part in [id, "finished", "ATTACK", "fgsm", "conv2"] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    assert!(stdout(&runs, &["runs"]).contains(id));
    // The past, and how it ended.
    let watched = stdout(&runs, &["watch", "last"]);
    assert!(watched.ends_with("finished\n"), "{watched}");

    let output = runs.glassbox(&["resume", id]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a finished run has nothing left to do");
}

#[test]
fn a_detached_run_prints_its_id_and_goes_on_alone() {
    let runs = Runs::new();
    let printed = stdout(&runs, &with(&["run", "quickstart", "--detach"], SMALL));
    let id = printed.trim();
    assert_eq!(printed, format!("{id}\n"));
    // Two readers at once.
    let [one, two] =
        [(), ()].map(|()| runs.glassbox(&["watch", id]).stdout(Stdio::piped()).spawn().unwrap());
    for watching in [one, two] {
        let output = watching.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{lines}");
        assert!(lines.contains("epoch 2 of 2") && lines.ends_with("finished\n"), "{lines}");
    }
    let value = json(&runs, &with(&["run", "quickstart", "--detach", "--json"], SMALL));
    let id = value["id"].as_str().unwrap();
    crate::runs::wait_for_end(&runs.root().join(id));
}

#[test]
fn without_a_terminal_there_are_plain_lines_and_no_control_codes() {
    let runs = Runs::new();
    let output = runs.glassbox(&with(&["run", "quickstart"], SMALL)).output().unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(talk.lines().filter(|line| line.contains("epoch ")).count(), 2, "{talk}");
    let all = format!("{talk}{}", String::from_utf8(output.stdout).unwrap());
    assert!(!all.chars().any(|c| c.is_control() && c != '\n'), "{all:?}");
}

#[test]
fn control_codes_of_files_never_reach_the_terminal() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    let path = run.path().join("run.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"quickstart\"", "\"\\u001b]0;owned\\u0007\"")).unwrap();
    std::fs::write(run.path().join("log.txt"), "12:00:00  \u{1b}[2Jgone\n").unwrap();
    let mut state = run.state().unwrap();
    state.status = glassbox::run::state::Status::Failed;
    state.stage = Some("train\u{1b}[2J\u{9b}2J".into());
    state.error = Some(glassbox::run::state::Failure {
        message: "\u{1b}[31mred".into(),
        hint: Some("\u{9b}2J".into()),
    });
    state.write(run.path()).unwrap();
    for words in [
        &["runs"][..],
        &["show", "last"],
        &["watch", "last"],
        &["runs", "--json"],
        &["show", "last", "--json"],
    ] {
        let output = runs.glassbox(words).output().unwrap();
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{words:?}: {text:?}");
        }
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let runs = Runs::new();
    runs.create(SMALL);
    for words in [&["runs"][..], &["show", "last"], &["presets"], &["check", "quickstart"]] {
        let mut command = runs.glassbox(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut error = String::new();
        child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words:?}: {error}");
    }
}

#[test]
fn a_list_tells_status_by_sign_and_word_and_the_age() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    let mut state = run.state().unwrap();
    state.status = glassbox::run::state::Status::Finished;
    state.write(run.path()).unwrap();
    let path = run.path().join("run.json");
    let mut info: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let then = jiff::Zoned::now().checked_sub(jiff::Span::new().hours(51)).unwrap();
    info["created"] = then.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into();
    std::fs::write(&path, info.to_string()).unwrap();
    let list = |words: &[&str]| {
        let mut command = runs.glassbox(words);
        let output = command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = list(&["runs"]);
    assert!(shown.contains("✓ finished") && shown.contains("2 d 03 h"), "{shown}");
    let shown = list(&["runs", "--ascii"]);
    assert!(shown.is_ascii() && shown.contains("* finished"), "{shown}");
}

#[test]
fn broken_folders_are_listed_with_the_reason() {
    let runs = Runs::new();
    runs.create(SMALL);
    std::fs::create_dir(runs.root().join("99990101-broken")).unwrap();
    let list = json(&runs, &["runs", "--json"]);
    assert_eq!(list[0]["status"], "unreadable");
    assert!(list[0]["error"]["message"].as_str().unwrap().contains("run.json"));
    assert_eq!(list[1]["status"], "queued");
    assert!(stdout(&runs, &["runs"]).contains("not a run folder"));
}

#[test]
fn presets_and_completions_and_help_are_there() {
    let runs = Runs::new();
    assert!(stdout(&runs, &["presets"]).contains("quickstart"));
    assert!(stdout(&runs, &["check", "quickstart"]).contains("[train]"));
    assert!(stdout(&runs, &["completions", "bash"]).contains("_glassbox"));
    assert_eq!(stdout(&runs, &["-V"]), format!("glassbox {}\n", env!("CARGO_PKG_VERSION")));
    let version = stdout(&runs, &["--version"]);
    assert!(
        version.starts_with("glassbox ") && version.contains("WordNet Release 3.0"),
        "{version}"
    );
    let help = stdout(&runs, &["--help"]);
    assert!(help.starts_with("Examples:"), "{help}");
    assert!(!help.contains("worker") && !stdout(&runs, &["-h"]).contains("Examples:"));
    assert_eq!(stdout(&runs, &["--no-color", "presets"]), stdout(&runs, &["presets"]));
    assert!(stdout(&runs, &["doctor"]).contains(runs.root().to_str().unwrap()));
}

#[test]
fn without_unicode_a_run_is_told_in_seven_bits() {
    let runs = Runs::new();
    let run = runs.create(SMALL);
    let mut state = run.state().unwrap();
    state.status = glassbox::run::state::Status::Finished;
    state.write(run.path()).unwrap();
    std::fs::write(run.path().join("log.txt"), "12:00:00  fgsm ε 4: top-1 0.5 → 0.1\n").unwrap();
    for words in [&["show", "last"][..], &["watch", "last"]] {
        let unicode = stdout(&runs, words);
        assert!(!unicode.is_ascii(), "{unicode}");
        let ascii = stdout(&runs, &[words, &["--ascii"]].concat());
        assert!(ascii.is_ascii() && ascii.contains("finished"), "{ascii}");
    }
}

#[test]
fn a_runs_folder_whose_name_is_not_utf8_is_listed() {
    use std::os::unix::ffi::OsStrExt;
    let runs = Runs::new();
    let odd = runs.root().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir_all(&odd).unwrap();
    let run = runs.create(SMALL);
    std::fs::rename(run.path(), odd.join(run.id())).unwrap();
    for words in [&["runs", "--json"][..], &["show", "last", "--json"], &["runs"]] {
        let output = runs.glassbox(words).arg("--runs-dir").arg(&odd).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&run.id()));
    }
}
