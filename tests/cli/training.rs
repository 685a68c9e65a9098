//! Adversarial training that goes wrong for real, and what the probe shows of trainings that have
//! no attack to show.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::runs::Runs;

/// Pictures of four classes, 16×16: each class a pattern of its own, faint in much noise, so that a
/// network can hold against a large epsilon, but learns faster to hide its gradients.
fn write_pictures(folder: &Path) {
    // Drawn from a fixed state (Numerical Recipes' generator).
    let mut state = 1_u32;
    let mut draw = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1_u32 << 24)
    };
    let patterns: Vec<Vec<f64>> = (0..4)
        .map(|_| (0..48).map(|_| if draw() < 0.5 { -20.0 } else { 20.0 }).collect())
        .collect();
    for (split, count) in [("train", 100), ("val", 50)] {
        for (class, pattern) in patterns.iter().enumerate() {
            let home = folder.join(split).join(format!("class{class}"));
            std::fs::create_dir_all(&home).unwrap();
            for number in 0..count {
                let picture = image::RgbImage::from_fn(16, 16, |x, y| {
                    let level = |channel: u32| {
                        let place = (y / 4 * 4 + x / 4) * 3 + channel;
                        let noise = 120.0 * draw() - 60.0;
                        (128.0 + pattern[place as usize] + noise).round() as u8
                    };
                    let mut level = level;
                    image::Rgb([level(0), level(1), level(2)])
                });
                picture.save(home.join(format!("{number:03}.png"))).unwrap();
            }
        }
    }
}

/// A network that starts with one answer to everything, so that nothing fools it: it is right about
/// a quarter of the images, attacked or not. What training makes of that is the alarm's business.
fn write_weights(path: &Path) {
    use glassbox::model::{Arch, ModelConfig, arch::sequential::Layer, build, weights};
    let conv = |outputs, stride| Layer::Conv {
        outputs,
        kernel: 3,
        stride,
        padding: 1,
        dilation: 1,
        groups: 1,
        bias: true,
    };
    let config = ModelConfig {
        classes: 4,
        channels: 3,
        image_size: 16,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        seed: 1,
        layers: vec![
            conv(16, 1),
            Layer::Relu,
            conv(32, 2),
            Layer::Relu,
            Layer::Flatten,
            Layer::Linear { outputs: 64 },
            Layer::Relu,
            Layer::Linear { outputs: 4 },
        ],
    };
    let model = build(Arch::Sequential, config, &candle_core::Device::Cpu).unwrap();
    for last in model.parameters().trainable().iter().rev().take(2) {
        last.var.set(&last.var.zeros_like().unwrap()).unwrap();
    }
    weights::write(path, &model, &[]).unwrap();
}

/// FGSM training that overfits: a large epsilon, a large learning rate, little data.
fn spec(home: &Path, more: &str) -> String {
    write_pictures(&home.join("data"));
    write_weights(&home.join("start.safetensors"));
    let home = home.display();
    format!(
        "seed = 1\n[data]\nformat = 'image-folder'\npath = '{home}/data'\nimage_size = 16\n\
         [model]\narch = 'sequential'\nweights = '{home}/start.safetensors'\n\
         layers = ['conv 16 3 padding=1', 'relu', 'conv 32 3 stride=2 padding=1', 'relu',\n\
         'flatten', 'linear 64', 'relu', 'linear 4']\n\
         [train]\nepochs = 40\nbatch_size = 50\n\
         optimizer = {{ lr = 0.1, momentum = 0.9, weight_decay = 0 }}\n\
         schedule = {{ name = 'constant' }}\n{more}"
    )
}

const AGAINST: &str = "[train.adversarial]\nmethod = 'fgsm'\ntarget = 'none'\nepsilon = 24\n\
    consistency_weight = 0\n";

const PROBE: &str = "[train.probe]\nmethod = 'fgsm'\nepsilon = 24\nimages = 200\n";

fn run(runs: &Runs, folder: &Path, spec: &str, sets: &[&str]) -> Output {
    let file = folder.join("mine.toml");
    std::fs::write(&file, spec).unwrap();
    let words = ["run", file.to_str().unwrap(), "--json"];
    runs.glassbox(&crate::runs::with(&words, sets)).output().unwrap()
}

/// What a run printed, where it lies, its events and its log.
fn told(output: &Output) -> (Value, PathBuf, Vec<Value>, String) {
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = PathBuf::from(done["folder"].as_str().unwrap());
    let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let log = std::fs::read_to_string(folder.join("log.txt")).unwrap();
    (done, folder, events, log)
}

/// Looks at the probe set: step, FGSM and PGD accuracy, whether the alarm is on.
fn readings(events: &[Value]) -> Vec<(u64, f64, f64, bool)> {
    let number = |event: &Value, name: &str| event["metrics"][name].as_f64();
    let reading = |event: &Value| {
        let on = number(event, "overfitting")? > 0.0;
        let step = event["step"].as_u64().unwrap();
        Some((step, number(event, "fgsm_top1").unwrap(), number(event, "pgd_top1").unwrap(), on))
    };
    events.iter().filter_map(reading).collect()
}

/// What the alarm is about, seen in the events: the last reading, and the best before it.
fn assert_collapsed(events: &[Value]) -> (u64, u64) {
    let readings = readings(events);
    let (&(step, fgsm, pgd, on), before) = readings.split_last().unwrap();
    assert!(on && before.iter().all(|reading| !reading.3), "{readings:?}");
    // The first of equals, as the alarm has it.
    let mut best = before[0];
    for &reading in before {
        if reading.2 > best.2 {
            best = reading;
        }
    }
    assert!(pgd <= 0.5 * best.2, "PGD accuracy has not collapsed: {readings:?}");
    assert!(best.1 - fgsm <= 0.25 * (best.2 - pgd), "FGSM accuracy fell too: {readings:?}");
    (step, best.0)
}

#[test]
fn a_training_that_overfits_catastrophically_stops_or_falls_back_to_good_weights() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let spec = spec(folder.path(), &format!("{AGAINST}{PROBE}"));

    let stop = ["train.adversarial.on_overfitting=stop"];
    let output = run(&runs, folder.path(), &spec, &stop);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    let (_, stopped, events, log) = told(&output);
    let (step, _) = assert_collapsed(&events);
    let state: Value =
        serde_json::from_slice(&std::fs::read(stopped.join("state.json")).unwrap()).unwrap();
    assert_eq!(state["status"], "failed");
    let what = format!("catastrophic overfitting: at step {step} FGSM accuracy is");
    for text in [state["error"]["message"].as_str().unwrap(), &log, &error] {
        assert!(text.contains(&what), "{text}");
    }
    let hint = state["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("train.adversarial.method=pgd"), "{hint}");

    let restore = ["train.adversarial.on_overfitting=restore", "attack={method='pgd', epsilon=24}"];
    let output = run(&runs, folder.path(), &spec, &restore);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let (done, restored, events, log) = told(&output);
    let (again, _) = assert_collapsed(&events);
    assert_eq!(again, step, "the same seed overfits at the same step");
    assert!(log.contains(&what) && log.contains("Training ends here"), "{log}");
    assert_eq!(done["status"], "finished", "{done}");
    // Good is what is within a tenth of the best: the last such step.
    let readings = readings(&events);
    let mut best = 0.0_f64;
    let mut good = 0;
    for &(step, _, pgd, _) in &readings {
        if pgd >= 0.9 * best {
            good = step;
        }
        best = best.max(pgd);
    }
    let weights: Value =
        serde_json::from_slice(&std::fs::read(restored.join("checkpoints/best.json")).unwrap())
            .unwrap();
    assert_eq!(weights["numbers"]["step"], good, "{readings:?}");
    assert!(log.contains(&format!("best is the weights of step {good}")), "{log}");
    // And these are the weights that the stages after training look at.
    let of_good = readings.iter().find(|reading| reading.0 == good).unwrap().2;
    let of_collapse = readings.last().unwrap().2;
    let attacked = done["results"]["attack"]["models"][0]["top1_adversarial"].as_f64().unwrap();
    assert!(
        (attacked - of_good).abs() < (attacked - of_collapse).abs(),
        "{attacked} is no accuracy of step {good}: {readings:?}"
    );
}

#[test]
fn a_probe_without_an_attack_shows_no_adversarial_accuracy() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let probe = "[train.probe]\nmethod = 'none'\n";
    let names = |events: &[Value]| -> std::collections::BTreeSet<String> {
        let metrics = events.iter().filter_map(|event| event["metrics"].as_object());
        metrics.flat_map(|metrics| metrics.keys().cloned()).collect()
    };
    let few = ["train.epochs=2", "data.limit=40"];
    let ordinary = spec(folder.path(), probe);
    let finished = |spec: &str, sets: &[&str]| {
        let output = run(&runs, folder.path(), spec, sets);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        told(&output)
    };
    let (_, _, events, log) = finished(&ordinary, &few);
    let found = names(&events);
    assert!(found.contains("top1"), "{found:?}");
    assert!(!found.iter().any(|name| name.contains("adversarial")), "{found:?}");
    assert!(!log.contains("none ε"), "{log}");

    // In adversarial training the alarm's attacks are still told, each by its name.
    let against = spec(folder.path(), &format!("{AGAINST}{probe}"));
    let (_, _, events, log) = finished(&against, &few);
    let found = names(&events);
    assert!(found.contains("pgd_top1") && found.contains("fgsm_top1"), "{found:?}");
    assert!(!found.contains("adversarial_top1"), "{found:?}");
    assert!(log.contains("best is by the lowest adversarial accuracy"), "{log}");

    // Without those there is nothing to choose the best weights by but clean accuracy.
    let blind = [&few[..], &["train.probe.alarm_steps=0"]].concat();
    let (_, blinded, _, log) = finished(&against, &blind);
    assert!(log.contains("best is by clean top-1"), "{log}");
    assert!(blinded.join("checkpoints/best.safetensors").is_file());
    let asked = [&blind[..], &["train.best=adversarial_top1"]].concat();
    let output = run(&runs, folder.path(), &against, &asked);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("no probe measures it"), "{error}");
}
