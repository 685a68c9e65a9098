//! Pictures that cannot be read: each split counts its own, and results say what they are not over.

use std::path::Path;

use serde_json::Value;

use crate::runs::Runs;

/// Eight pictures a split in two classes; the first of the training split is damaged, and the first
/// two of the test split.
fn pictures(root: &Path) {
    for (split, damaged) in [("train", 1), ("val", 2)] {
        for class in ["a", "b"] {
            let folder = root.join(split).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for number in 0..4_u8 {
                let path = folder.join(format!("{number}.png"));
                if class == "a" && number < damaged {
                    std::fs::write(path, b"no picture").unwrap();
                } else {
                    let shade = if class == "a" { number * 20 } else { 255 - number * 20 };
                    image::RgbImage::from_pixel(16, 16, image::Rgb([shade; 3])).save(path).unwrap();
                }
            }
        }
    }
}

/// A spec on them, in a file.
fn spec(folder: &Path, layers: &str, batch_size: usize) -> String {
    pictures(&folder.join("pictures"));
    let file = folder.join("mine.toml");
    let text = format!(
        "[data]\nformat = 'image-folder'\npath = '{}'\nimage_size = 16\n\
         [model]\narch = 'sequential'\nlayers = [{layers}]\n\
         [train]\nepochs = 2\nbatch_size = {batch_size}\n[train.probe]\nimages = 0\n\
         [evaluate]\nattacks = [{{ method = 'none' }}]\nbatch_size = 2\n\
         [attack]\nmethod = 'fgsm'\nepsilon = 4\n[neurons]\ntop = 2\n",
        folder.join("pictures").display()
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn each_split_counts_its_damaged_images_and_results_say_so() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let layers = "'conv 4 3 padding=1', 'relu', 'adaptive-avg-pool 1', 'flatten', 'linear 2'";
    let output =
        runs.glassbox(&["run", &spec(folder.path(), layers, 4), "--json"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{talk}");
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = &done["results"];
    assert_eq!(results["evaluate"]["rows"][0]["images"], 6, "{results}");
    for stage in ["evaluate", "attack", "neurons"] {
        assert_eq!(results[stage]["damaged"], 2, "{stage}");
    }
    let id = done["id"].as_str().unwrap();
    let log = std::fs::read_to_string(runs.root().join(id).join("log.txt")).unwrap();
    let told = |text: &str| log.matches(text).count();
    assert_eq!(told("skipped 1 damaged image of the training split: a/0.png"), 1, "{log}");
    // Once in each stage.
    assert_eq!(told("skipped 2 damaged images of the test split: a/0.png"), 4, "{log}");
    let shown = runs.glassbox(&["show", id]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.matches("without 2 damaged images of the test split").count(), 3, "{shown}");
}

#[test]
fn a_batch_of_which_one_image_is_left_says_what_to_do() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let layers = "'conv 4 16', 'batch-norm', 'relu', 'flatten', 'linear 2'";
    let refused = |words: &[&str], code: i32, parts: &[&str]| {
        let output = runs.glassbox(words).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        for part in parts {
            assert!(talk.contains(part), "no '{part}' in {talk}");
        }
    };
    // Seen before it starts where the numbers tell it: 8 images.
    let spec = spec(folder.path(), layers, 7);
    refused(&["check", &spec], 2, &["8 training images", "set train.batch_size to 6"]);
    // One of the eight is damaged, so that some pair of them has one left.
    let words = ["run", &spec, "--set", "train.batch_size=2"];
    refused(&words, 1, &["more than one value per channel", "train.batch_size higher"]);
}
