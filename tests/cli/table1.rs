//! The presets for what a neuron means: what they ask for, and what a small run of one leaves and
//! reports.

use std::path::Path;

use serde_json::Value;

use crate::runs::{Runs, with};

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_network_of_table_1_has_its_preset_and_its_counterpart() {
    let runs = Runs::new();
    let all = stdout(&runs, &["presets"]);
    for network in ["alexnet", "vgg16", "resnet18"] {
        for name in [format!("table1-{network}"), format!("table1-{network}-consistent")] {
            assert!(all.lines().any(|line| line.split_whitespace().next() == Some(&name)), "{all}");
            // Without the data it says what to set.
            let output = runs.glassbox(&["check", &name]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{error}");
            for key in ["data.path", "model.weights", "dissect.data.path"] {
                assert!(error.contains(&format!("--set {key}=/the/path")), "no {key} in {error}");
            }
        }
    }
}

#[test]
fn the_small_presets_are_fine_as_they_are() {
    let runs = Runs::new();
    for name in ["quickstart", "concepts-shapes", "concepts-shapes-consistent"] {
        let shown = stdout(&runs, &["check", name]);
        for part in ["[dissect]", "iou_threshold = 0.04", "[consistency]", "share = 0.05"] {
            assert!(shown.contains(part), "{name}: no {part} in\n{shown}");
        }
    }
}

#[test]
fn what_neurons_mean_is_measured_and_stands_in_every_report() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let sets = [
        "data.image_size=32",
        "data.train_images=160",
        "data.test_images=48",
        "train.epochs=1",
        "train.probe.images=0",
        "evaluate.attacks=[{ method = \"none\" }]",
        "attack.steps=2",
        "neurons.top=2",
        "dissect.top=2",
        "dissect.attack.steps=2",
        "dissect.layers=[\"conv5\"]",
        "consistency.layers=[\"conv5\"]",
    ];
    let words = with(&["run", "concepts-shapes", "--json"], &sets);
    let done: Value = serde_json::from_str(&stdout(&runs, &words)).unwrap();
    let id = done["id"].as_str().unwrap();

    let page = stdout(&runs, &["report", id]);
    for part in [
        "## Table 1: neurons that detect a concept",
        "| real, shuffled labels |",
        "## Neurons that detect a concept, at other thresholds",
        "## Level and consistency, means over neurons",
        "## CS1 and CS2 along LC, conv5",
        "## The most consistent neurons, conv5",
        "    entity",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let report: Value =
        serde_json::from_str(&stdout(&runs, &["report", id, "--format", "json"])).unwrap();
    assert_eq!(report["dissections"][0]["images"], 48);
    assert_eq!(report["consistencies"][0]["layers"][0]["layer"], "conv5");
    let neurons = report["dissections"][0]["layers"][0]["neurons"].as_array().unwrap().len();
    assert_eq!(neurons, 128);

    let out = folder.path().join("tables");
    let words = ["report", id, "--format", "csv", "--out", out.to_str().unwrap()];
    let named = stdout(&runs, &words);
    let names: Vec<&str> =
        named.lines().map(|line| Path::new(line).file_name().unwrap().to_str().unwrap()).collect();
    let expected = [
        "accuracies.csv",
        "sets.csv",
        "table1.csv",
        "table1-sweep.csv",
        "concepts.csv",
        "consistency.csv",
        "consistency-sweep.csv",
        "consistency-curves.csv",
        "consistency-neurons.csv",
        "training.csv",
        "times.csv",
        "settings.csv",
        "runs.csv",
        "machines.csv",
        "dissect-data.csv",
        "consistency-data.csv",
    ];
    assert_eq!(names, expected);
    let table = std::fs::read_to_string(out.join("concepts.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + neurons);

    let page = stdout(&runs, &["report", id, "--format", "html", "--neurons", "1"]);
    assert!(page.contains("<svg") && page.contains("Table 1"), "{page}");
}
