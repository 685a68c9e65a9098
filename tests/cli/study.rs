//! Studies on the command line: what is refused, what is shown, and what a report makes of them.

use std::path::Path;

use glassbox::run::folder::RunFolder;
use glassbox::run::study::members;
use serde_json::Value;

use crate::runs::Runs;

fn small(folder: &Path, more: &str) -> String {
    let text = format!(
        "title = 'two'\n[data]\nimage_size = 32\ntrain_images = 32\ntest_images = 8\n\
         [train]\nepochs = 1\nbatch_size = 8\n[train.probe]\nimages = 0\n\
         [evaluate]\nattacks = [{{ method = 'none' }}, {{ method = 'fgsm', epsilon = 4 }}]\n\
         [study]\nruns = [{{ name = 'first' }}, {{ name = 'second', set = [{more}] }}]\n"
    );
    let file = folder.join("study.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_wrong_run_of_a_study_is_refused_with_its_place() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    for (set, expected) in [
        ("'train.epochs=0'", "study.runs[1].set[0]: 'train.epochs' is 0"),
        ("'seed=1', 'train.epoch=2'", "study.runs[1].set[1]: unknown key 'epoch'"),
        (
            "\"model.weights='study:third'\"",
            "which is no earlier run of the study (before it run first)",
        ),
        ("\"model.weights='study:first@worst'\"", "expected study:NAME, study:NAME@best"),
        ("'study.runs=[]'", "cannot be a study itself"),
    ] {
        let file = small(folder.path(), set);
        for command in ["check", "run"] {
            let output = runs.glassbox(&[command, &file]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).replace("\nhint: ", " (") + ")";
            let error = error.replace("\n)", ")");
            assert_eq!(output.status.code(), Some(2), "{set}: {error}");
            assert!(output.stdout.is_empty() && error.contains(expected), "{set}: {error}");
        }
    }
    let words = ["run", "quickstart", "--set", "model.weights='study:first'"];
    let output = runs.glassbox(&words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("no run of a study") && error.contains("run:ID"), "{error}");
    assert!(!runs.root().exists(), "bad input leaves nothing behind");
}

#[test]
fn a_study_is_checked_run_shown_and_reported_by_its_runs() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let file = small(folder.path(), "\"model.weights='study:first'\", 'train.epochs=2'");
    let checked = stdout(&runs, &["check", &file]);
    for part in [
        "[study]",
        "# run first",
        "# run second, from the best weights of first",
        "# 2 runs in all",
        "# train      12 steps, 96 images",
    ] {
        assert!(checked.contains(part), "{part} is not in\n{checked}");
    }

    let run: Value = serde_json::from_str(&stdout(&runs, &["run", &file, "--json"])).unwrap();
    assert_eq!(run["status"], "finished");
    let study = RunFolder::resolve(&runs.root(), "last").unwrap();
    assert_eq!(run["id"], study.id());
    let found = members(&study).unwrap();
    let names: Vec<&str> =
        run["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["first", "second"]);
    for (run, folder) in run["runs"].as_array().unwrap().iter().zip(&found) {
        assert_eq!((&run["id"], &run["status"]), (&folder.id().into(), &"finished".into()));
        assert!(run["metrics"]["top1"].is_f64(), "{run}");
    }
    assert_eq!(run["results"]["study"]["runs"][1]["run"], found[1].id());

    let shown = stdout(&runs, &["show", "last"]);
    let listed = stdout(&runs, &["runs"]);
    let at = |text: &str, id: &str| text.find(id).unwrap_or_else(|| panic!("{id}: {text}"));
    assert!(at(&shown, &found[0].id()) < at(&shown, &found[1].id()), "{shown}");
    let order = [&study, &found[0], &found[1]].map(|run| at(&listed, &run.id()));
    assert!(order.is_sorted(), "{listed}");

    let of_study = stdout(&runs, &["report", "last", "--format", "json"]);
    let ids: Vec<String> = found.iter().map(RunFolder::id).collect();
    let of_both = stdout(&runs, &["report", &ids[0], &ids[1], "--format", "json"]);
    assert_eq!(of_study, of_both);
}
