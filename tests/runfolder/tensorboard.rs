//! Event files of real runs: what our own reader makes of them, and what TensorBoard does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use glassbox::run::event::{self, Event};
use glassbox::run::folder::RunFolder;
use glassbox::run::tensorboard::{self, Records};
use serde_json::Value;

use crate::runs::{Runs, SMALL, with};

/// What an exit code of the script means: there is no TensorBoard.
const MISSING: i32 = 77;

/// Files of a folder in the order in which TensorBoard reads them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A finished run of every stage with a look at neurons an epoch.
fn finished(runs: &Runs) -> RunFolder {
    let looks = ["train.neurons.every='1 epoch'", "train.neurons.layers=['conv2']"];
    let sets = [SMALL, &looks].concat();
    let words = with(&["run", "quickstart", "--tensorboard", "--json"], &sets);
    let output = runs.glassbox(&words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    RunFolder::resolve(&runs.root(), run["id"].as_str().unwrap()).unwrap()
}

/// Every value of `events.jsonl` by tag, the last of each step.
fn measured(run: &RunFolder) -> BTreeMap<String, BTreeMap<u64, f32>> {
    let mut tags: BTreeMap<String, BTreeMap<u64, f32>> = BTreeMap::new();
    for event in event::read(run.path()).unwrap() {
        let Event { stage, step, metrics, .. } = event.unwrap();
        for (name, value) in metrics {
            tags.entry(format!("{stage}/{name}")).or_default().insert(step, value as f32);
        }
    }
    assert!(tags.len() > 10, "{tags:?}");
    tags
}

fn by_tag(records: &Records) -> BTreeMap<String, BTreeMap<u64, f32>> {
    let mut tags: BTreeMap<String, BTreeMap<u64, f32>> = BTreeMap::new();
    for (tag, step, value) in &records.scalars {
        tags.entry(tag.clone()).or_default().insert(*step, *value);
    }
    tags
}

/// What TensorBoard itself reads; `None` = there is none, which is said.
fn read_by_tensorboard(folder: &Path) -> Option<Value> {
    let python = std::env::var("GLASSBOX_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tensorboard.py");
    let Ok(output) = Command::new(&python).arg(script).arg(folder).output() else {
        println!("SKIPPED: no {python}; set GLASSBOX_PYTHON to one that has tensorboard");
        return None;
    };
    if output.status.code() == Some(MISSING) {
        println!("SKIPPED: {python} has no tensorboard; set GLASSBOX_PYTHON to one that has");
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn assert_tensorboard_agrees(folder: &Path, run: &RunFolder) {
    let Some(read) = read_by_tensorboard(folder) else { return };
    assert_eq!(read["complaints"], serde_json::json!([]));
    let points = |value: &Value| -> Vec<(u64, f32)> {
        let points = value.as_array().unwrap().iter();
        points.map(|p| (p[0].as_u64().unwrap(), p[1].as_f64().unwrap() as f32)).collect()
    };
    let scalars = read["scalars"].as_object().unwrap();
    let measured = measured(run);
    assert_eq!(scalars.keys().collect::<BTreeSet<_>>(), measured.keys().collect(), "tags");
    for (tag, values) in &measured {
        let read: BTreeMap<u64, f32> = points(&scalars[tag]).into_iter().collect();
        assert_eq!(&read, values, "{tag}");
    }
    let images = read["images"].as_object().unwrap();
    let of = |stage: &str| images.keys().filter(|tag| tag.starts_with(stage)).count();
    assert!(of("neurons/conv2/") > 0 && of("neurons/conv2/") <= 16, "{images:?}");
    assert!(of("train/conv2/") > 0, "{images:?}");
    for (tag, pages) in images {
        let width = pages[0][1].as_u64().unwrap();
        assert!(width >= 32, "{tag}: {pages}");
    }
    assert_eq!(read["tensors"], serde_json::json!(["spec/text_summary"]));
}

#[test]
fn a_run_writes_what_it_measures_as_tensorboard_reads_it() {
    let runs = Runs::new();
    let run = finished(&runs);
    let folder = run.path().join("tensorboard");
    let files = files(&folder);
    assert_eq!(files.len(), 1, "{files:?}");
    let records = tensorboard::read(&files[0]).unwrap();
    assert_eq!(records.rest, 0);
    assert_eq!(by_tag(&records), measured(&run));
    assert!(records.texts[0].1.contains("tensorboard = true"), "{:?}", records.texts);
    let page = image::load_from_memory(&records.images[0].2).unwrap();
    assert!(page.width() >= 64 && page.height() >= 64, "{}×{}", page.width(), page.height());
    assert_tensorboard_agrees(&folder, &run);

    // The same of a run that wrote none.
    let out = runs.root().join("logs");
    let words = ["report", "last", "--format", "tensorboard", "--out", out.to_str().unwrap()];
    let output = runs.glassbox(&words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let exported = out.join(run.id());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.trim_end(), exported.to_str().unwrap());
    let again = tensorboard::read(&self::files(&exported)[0]).unwrap();
    assert_eq!(by_tag(&again), measured(&run));
    assert_eq!(again.images.len(), records.images.len());
    assert_tensorboard_agrees(&exported, &run);
    let twice = runs.glassbox(&words).output().unwrap();
    assert_eq!(twice.status.code(), Some(2), "a folder with files in it is another run's");
}

#[test]
fn the_settings_decide_where_the_spec_says_nothing() {
    let runs = Runs::new();
    let check = |words: &[&str], variable: &str| {
        let mut command = runs.glassbox(words);
        let output = command.env("GLASSBOX_TENSORBOARD", variable).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().contains("tensorboard = true")
    };
    assert!(!check(&["check", "quickstart"], ""));
    assert!(check(&["check", "quickstart"], "1"));
    assert!(!check(&["check", "quickstart", "--set", "tensorboard=false"], "1"));
}

#[test]
fn metrics_come_as_csv_and_as_json() {
    let runs = Runs::new();
    let run = runs.create(&[]);
    let line = |step: u64, metrics: &str| {
        format!("{{\"t\":1.5,\"stage\":\"train\",\"step\":{step},\"metrics\":{{{metrics}}}}}\n")
    };
    let text = line(1, "\"loss\":0.5") + &line(2, "\"loss\":0.25,\"top1\":0.75") + "{\"t\":";
    std::fs::write(run.path().join("events.jsonl"), text).unwrap();
    let show = |format: &str| {
        let output = runs.glassbox(&["show", "last", "--metrics", format]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(show("csv"), "t,stage,step,loss,top1\n1.5,train,1,0.5,\n1.5,train,2,0.25,0.75\n");
    let events: Vec<Event> = serde_json::from_str(&show("json")).unwrap();
    assert_eq!(events.iter().map(|event| event.step).collect::<Vec<_>>(), [1, 2]);
    std::fs::remove_file(run.path().join("events.jsonl")).unwrap();
    assert_eq!(show("json"), "[]\n");
    assert_eq!(show("csv"), "t,stage,step\n");
}
