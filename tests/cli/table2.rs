//! The presets of the papers' Table 2, on a few small pictures and random weights: what they take,
//! what they do, and what stands in the report.

use std::path::{Path, PathBuf};

use glassbox::model::{Arch, ModelConfig, build, weights};
use serde_json::Value;

use crate::runs::{Runs, with};

/// Two classes of ImageNet, two pictures each in a split, none as large as the network's input.
fn write_pictures(folder: &Path) {
    for split in ["train", "val"] {
        for (class, wnid) in ["n02099601", "n07747607"].iter().enumerate() {
            let home = folder.join(split).join(wnid);
            std::fs::create_dir_all(&home).unwrap();
            for number in 0..2 {
                let picture = image::RgbImage::from_fn(96, 80, |x, y| {
                    let mix = |a: u32, b: u32| ((x * a + y * b + 40 * number) % 256) as u8;
                    image::Rgb([mix(3, 1), mix(1, 5), 120 * class as u8])
                });
                picture.save(home.join(format!("{number}.png"))).unwrap();
            }
        }
    }
}

/// A file of fresh weights of a network for ImageNet.
fn write_weights(folder: &Path, arch: Arch) -> PathBuf {
    let config = ModelConfig {
        classes: 1000,
        channels: 3,
        image_size: 224,
        mean: vec![0.485, 0.456, 0.406],
        std: vec![0.229, 0.224, 0.225],
        seed: 1,
        layers: Vec::new(),
    };
    let model = build(arch, config, &candle_core::Device::Cpu).unwrap();
    let path = folder.join(format!("{}.safetensors", arch.as_str()));
    weights::write(&path, &model, &[]).unwrap();
    path
}

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn table_2_of_alexnet_has_the_papers_numbers_beside_ours() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    write_pictures(&folder.path().join("imagenet"));
    let weights = write_weights(folder.path(), Arch::Alexnet);
    let data = format!("data.path={}", folder.path().join("imagenet").display());
    let weights = format!("model.weights={}", weights.display());
    let sets = [data.as_str(), &weights, "data.limit=2", "evaluate.attacks[2].steps=2"];
    let done: Value =
        serde_json::from_str(&stdout(&runs, &with(&["run", "table2-alexnet", "--json"], &sets)))
            .unwrap();
    let rows = done["results"]["evaluate"]["rows"].as_array().unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row["attack"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["none", "fgsm", "pgd"]);
    assert!(rows.iter().all(|row| row["images"] == 2), "{rows:?}");
    assert!(rows[1]["linf_max"].as_f64().unwrap() <= 4.0);

    let page = stdout(&runs, &["report", "last"]);
    let line = |name: &str| page.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(line("| clean | – |").contains("| 54.53 | 78.17 | 2 |"), "{page}");
    assert!(line("| fgsm | 4 |").contains("| 9.04 | 32.77 | 2 |"), "{page}");
    assert!(line("| pgd-2 | 4 |").contains("| – | – | 2 |"), "{page}");
    assert!(page.contains("10.16383/j.aas.c200317") && page.contains("first 2 images"), "{page}");

    // Its counterpart takes the same weights.
    let shown = stdout(&runs, &with(&["check", "table2-alexnet-consistent"], &sets[..2]));
    for part in [
        "consistency_weight = 0.1",
        "consistency_layer = \"features.10\"",
        "epsilon = \"normal 4 cut 8\"",
        "20 forward, 20 forward and back to make them",
    ] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
}

#[test]
fn the_consistent_resnet18_trains_on_from_given_weights_and_is_measured_as_the_others() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    write_pictures(&folder.path().join("imagenet"));
    let weights = write_weights(folder.path(), Arch::Resnet18);
    let data = format!("data.path={}", folder.path().join("imagenet").display());
    let weights = format!("model.weights={}", weights.display());
    let sets = [
        data.as_str(),
        &weights,
        "data.limit=2",
        "train.epochs=1",
        "train.batch_size=2",
        "train.probe.images=2",
        "train.probe.alarm_steps=1",
        "evaluate.attacks[2].steps=1",
        "evaluate.attacks[3].steps=1",
        "evaluate.attacks[4].steps=1",
        "evaluate.attacks[5].queries=2",
    ];
    let words = with(&["run", "table2-resnet18-consistent", "--json"], &sets);
    let done: Value = serde_json::from_str(&stdout(&runs, &words)).unwrap();
    let rows = done["results"]["evaluate"]["rows"].as_array().unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row["attack"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["none", "fgsm", "pgd", "apgd-ce", "apgd-dlr", "square"]);
    let folder = PathBuf::from(done["folder"].as_str().unwrap());
    let log = std::fs::read_to_string(folder.join("log.txt")).unwrap();
    assert!(log.contains("β 0.1 at layer4.1") && log.contains("weights: the best of"), "{log}");
    let page = stdout(&runs, &["report", "last"]);
    assert!(page.contains("the paper's resnet18-Adv, whose row could not be read"), "{page}");
    assert!(
        page.contains("RobustBench") && page.contains("first 2 images of each split"),
        "{page}"
    );
    assert!(page.contains("The control is missing") && page.contains("weight=0"), "{page}");
}

#[test]
fn every_network_of_table_2_has_its_preset_and_its_counterpart() {
    let runs = Runs::new();
    let all = stdout(&runs, &["presets"]);
    for (network, variable) in
        [("alexnet", "ALEXNET"), ("vgg16", "VGG16"), ("resnet18", "RESNET18")]
    {
        for name in [format!("table2-{network}"), format!("table2-{network}-consistent")] {
            let line = all.lines().find(|line| line.split_whitespace().next() == Some(&name));
            let line = line.unwrap_or_else(|| panic!("no {name} in\n{all}"));
            assert!(line.contains(&format!("${variable}")), "{line}");
            // Without the data it says what to set.
            let output = runs.glassbox(&["check", &name]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{error}");
            assert!(error.contains("--set data.path=/the/path"), "{error}");
            assert!(error.contains("--set model.weights=/the/path"), "{error}");
        }
    }
}
