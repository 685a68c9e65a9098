//! `glassbox predict`: the table, the JSON, damaged pictures, weights that do not fit.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::runs::{Runs, SMALL, with};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// A folder of the pictures that a run in the fixtures has written, by class.
fn pictures() -> String {
    fixture("runs/v1/20261101-120000-version-1-0001/adversarial")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn with_code(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    text(&output.stderr)
}

#[test]
fn weights_of_a_run_know_their_network_input_and_classes() {
    let runs = Runs::new();
    let run = |words: &[&str]| runs.glassbox(words).output().unwrap();
    with_code(0, &run(&with(&["run", "quickstart", "--json"], SMALL)));
    let pictures = pictures();

    let output = run(&["predict", "--weights", "run:last", &pictures, "--json"]);
    with_code(0, &output);
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let images = value["images"].as_array().unwrap();
    assert_eq!(images.len(), 4);
    assert_eq!(value.as_object().unwrap().len(), 1);
    assert!(images[0]["image"].as_str().unwrap().ends_with("clock/test-000000.png"));
    for image in images {
        let top = image["top"].as_array().unwrap();
        let chances: Vec<f64> = top.iter().map(|g| g["probability"].as_f64().unwrap()).collect();
        assert_eq!(chances.len(), 5);
        assert!(chances.is_sorted_by(|a, b| a >= b) && chances.iter().sum::<f64>() <= 1.0 + 1e-9);
        assert!(top.iter().all(|guess| guess["index"].as_u64().unwrap() < 16));
        assert!(top.iter().all(|guess| guess["label"].as_str().unwrap().parse::<u32>().is_err()));
    }

    // The same numbers from a file, for people.
    let checkpoint = runs.root().join(
        std::fs::read_dir(runs.root())
            .unwrap()
            .flatten()
            .find(|entry| entry.path().join("run.json").exists())
            .unwrap()
            .file_name(),
    );
    let weights = checkpoint.join("checkpoints/best.safetensors");
    let weights = weights.to_str().unwrap();
    let words = ["predict", "--arch", "shapesnet", "--weights", weights, &pictures, "--top", "1"];
    let output = run(&words);
    with_code(0, &output);
    let table = text(&output.stdout);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert!(lines[0].starts_with("IMAGE") && lines[0].contains("LABEL"), "{table}");
    for (line, image) in lines[1..].iter().zip(images) {
        assert!(line.contains(image["top"][0]["label"].as_str().unwrap()), "{line}");
    }

    // A normalisation of one's own changes the answer.
    let chance = |more: &[&str]| {
        let words = [&["predict", "--weights", weights, &pictures, "--json"], more].concat();
        let value: Value = serde_json::from_slice(&run(&words).stdout).unwrap();
        value["images"][0]["top"][0]["probability"].as_f64().unwrap()
    };
    let own = images[0]["top"][0]["probability"].as_f64().unwrap();
    assert_eq!(chance(&[]), own);
    assert_ne!(chance(&["--mean", "0.1,0.2,0.3"]), own);
    assert_ne!(chance(&["--std", "1,1,1"]), own);
    assert_ne!(chance(&["--resize", "80"]), own);

    // What belongs to the weights is a resolved spec's default, and the spec may say otherwise.
    let spec = |more: &[&str]| {
        let weights = format!("model.weights='{weights}'");
        let words = [&["check", "quickstart", "--set", &weights], more].concat();
        let output = run(&words);
        with_code(0, &output);
        text(&output.stdout)
    };
    assert!(spec(&[]).contains("mean = [0.5, 0.5, 0.5]"));
    assert!(spec(&["--set", "model.mean=[0.1, 0.5, 0.5]"]).contains("mean = [0.1, 0.5, 0.5]"));
    let shown = text(&run(&["show", "last"]).stdout);
    assert!(shown.contains("shapesnet, 16 classes") && shown.contains("mean 0.5, 0.5"), "{shown}");
}

#[test]
fn damaged_pictures_are_named_and_the_others_answered() {
    let runs = Runs::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let good = std::fs::read(Path::new(&pictures()).join("clock/test-000000.png")).unwrap();
    std::fs::write(path("a.png"), &good[..good.len() / 2]).unwrap();
    std::fs::write(path("b.png"), &good).unwrap();
    std::fs::write(path("c.jpg"), b"<html>").unwrap();
    let weights = path("w.safetensors");
    write_weights(Path::new(&weights));
    let predict = |more: &[&str]| {
        runs.glassbox(&[&["predict", "--weights", &weights], more].concat()).output().unwrap()
    };

    let output = predict(&[folder.path().to_str().unwrap(), "--json"]);
    let error = with_code(1, &output);
    assert!(error.contains("a.png") && error.contains("c.jpg"), "{error}");
    assert!(error.contains("2 of 3 images could not be read"), "{error}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["images"].as_array().unwrap().len(), 1);
    assert!(value["images"][0]["image"].as_str().unwrap().ends_with("b.png"));
    assert_eq!(value["images"][0]["top"][0]["label"], "one");

    let output = predict(&[&path("a.png"), &path("c.jpg")]);
    let error = with_code(1, &output);
    assert!(error.contains("2 of 2") && output.stdout.is_empty(), "{error}");
    assert!(!runs.root().exists(), "predict leaves nothing behind");
}

/// A network whose answer is always its only class.
fn write_weights(path: &Path) {
    use glassbox::model::{Arch, ModelConfig, build, weights};
    let config = ModelConfig {
        classes: 1,
        channels: 1,
        image_size: 28,
        mean: vec![0.5],
        std: vec![0.5],
        seed: 1,
        layers: Vec::new(),
    };
    let model = build(Arch::Shapesnet, config, &candle_core::Device::Cpu).unwrap();
    weights::write(path, &model, &["one".to_owned()]).unwrap();
}

#[test]
fn what_does_not_fit_is_bad_input() {
    let runs = Runs::new();
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("w.safetensors");
    write_weights(&weights);
    let weights = weights.to_str().unwrap();
    let (pictures, pth) = (pictures(), fixture("weights/zip.pth"));
    let hostile = fixture("weights/hostile.pth");
    for (words, expected) in [
        (&["--weights", &pth, &pictures][..], "--arch"),
        (&["--arch", "shapesnet", "--weights", &pth, &pictures], "'conv1.weight' is missing"),
        (&["--arch", "shapesnet", "--weights", &hostile, &pictures], "posix.system"),
        (&["--arch", "shapesnt", "--weights", &pth, &pictures], "shapesnet"),
        (&["--weights", "run:nothing", &pictures], "nothing"),
        (&["--weights", "absent.pth", &pictures], "absent.pth"),
        (&["--weights", weights, "/nowhere.jpg"], "/nowhere.jpg"),
        (&["--weights", weights, &pictures, "--mean", "1,2,3"], "mean"),
        (&["--weights", weights, &pictures, "--resize", "20"], "--crop"),
        (&["--weights", weights, &pictures, "--crop", "5"], "28"),
        (&["--weights", weights], "IMAGE"),
    ] {
        let output = runs.glassbox(&[&["predict"], words].concat()).output().unwrap();
        let error = with_code(2, &output);
        assert!(error.contains(expected), "{words:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}
