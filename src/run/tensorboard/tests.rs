//! Event files are what TensorBoard reads: records decoded again, and their sums checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use image::{Rgb, RgbImage};

use super::*;
use crate::run::results::neurons::{Layer, Neuron, TopImage};

fn event(stage: &str, step: u64, metrics: &[(&str, f64)]) -> Event {
    let metrics: BTreeMap<String, f64> =
        metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Event { t: 1.0, stage: stage.into(), step, metrics }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn scalars_come_back_as_stage_and_metric() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path()).unwrap();
    writer.code(1.0, "spec", "seed = 1\n[train]").unwrap();
    writer.scalars(2.0, &event("train", 5, &[("loss", 0.5), ("top1", 0.25)])).unwrap();
    writer.scalars(3.0, &event("evaluate", 100, &[("top1", 0.125)])).unwrap();
    writer.scalars(3.0, &event("evaluate", 101, &[])).unwrap();
    let files = files(folder.path());
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("events.out.tfevents."), "{name}");
    let records = read(&files[0]).unwrap();
    let expected = [
        ("train/loss".to_owned(), 5, 0.5),
        ("train/top1".to_owned(), 5, 0.25),
        ("evaluate/top1".to_owned(), 100, 0.125),
    ];
    assert_eq!(records.scalars, expected);
    let text = ("spec/text_summary".to_owned(), "    seed = 1\n    [train]".to_owned());
    assert_eq!(records.texts, [text]);
    assert_eq!(records.rest, 0);
}

#[test]
fn training_that_goes_on_from_a_checkpoint_takes_back_what_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let steps = |steps: &[u64]| {
        let mut writer = Writer::create(folder.path()).unwrap();
        for step in steps {
            writer.scalars(1.0, &event("train", *step, &[("loss", 1.0)])).unwrap();
        }
        writer.scalars(1.0, &event("evaluate", 1, &[("top1", 1.0)])).unwrap();
        writer.scalars(1.0, &event("evaluate", 1, &[("top1", 1.0)])).unwrap();
        read(&writer.path).unwrap().restarts
    };
    assert_eq!(steps(&[1, 2, 3]), [1]);
    assert_eq!(steps(&[3, 4, 4]), [3], "a file of its own, which begins at the checkpoint");
    assert_eq!(steps(&[1, 9, 5, 6]), [1, 5], "one file that tells of two workers");
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn what_is_measured_at_the_step_of_the_first_look_does_not_take_the_look_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path()).unwrap();
    let none = Neurons::default();
    writer.pictures(1.0, "train", 4, folder.path(), &none).unwrap();
    writer.scalars(1.0, &event("train", 4, &[("lc", 1.0)])).unwrap();
    assert_eq!(read(&writer.path).unwrap().restarts, [4], "before the look, and once");
}

#[test]
fn the_neurons_that_disagree_most_are_drawn_real_above_adversarial() {
    let run = tempfile::tempdir().unwrap();
    let paint = |name: &str, color: [u8; 3]| {
        RgbImage::from_pixel(8, 8, Rgb(color)).save(run.path().join(name)).unwrap();
    };
    paint("red.png", [255, 0, 0]);
    paint("blue.png", [0, 0, 255]);
    let top = |picture: &str, label: u32| TopImage {
        image: picture.into(),
        picture: picture.into(),
        activation: 1.0,
        position: [0, 0],
        label: label.to_string(),
        label_index: label,
        prediction: label.to_string(),
        prediction_index: label,
        counterpart: None,
    };
    let neuron = |index: usize| Neuron {
        index,
        real: vec![top("red.png", 0), top("red.png", 0)],
        // The odd ones mean something else under attack.
        adversarial: vec![top("blue.png", (index % 2) as u32)],
        threshold: None,
        regions: None,
        discrepancy: None,
    };
    let layer = Layer {
        layer: "conv5".into(),
        receptive_field: None,
        neurons: (0..40).map(neuron).collect(),
    };
    let neurons = Neurons { image_size: 8, layers: vec![layer], ..Neurons::default() };
    let mut writer = Writer::create(&run.path().join(FOLDER)).unwrap();
    writer.pictures(1.0, "neurons", 9, run.path(), &neurons).unwrap();
    let records = read(&writer.path).unwrap();
    let tags: Vec<&str> = records.images.iter().map(|(tag, ..)| tag.as_str()).collect();
    let odd: Vec<String> =
        (0..grid::NEURONS).map(|at| format!("neurons/conv5/{}", 2 * at + 1)).collect();
    assert_eq!(tags, odd);
    let page = image::load_from_memory(&records.images[0].2).unwrap().into_rgb8();
    assert_eq!(page.dimensions(), (18, 18));
    assert_eq!(page.get_pixel(12, 4).0, [255, 0, 0]);
    assert_eq!(page.get_pixel(4, 12).0, [0, 0, 255]);
    assert_eq!(page.get_pixel(12, 12).0, [128, 128, 128], "there is no second adversarial one");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Writer::create(&file.path().join("tensorboard")).unwrap_err();
    assert!(error.message.contains(file.path().to_str().unwrap()), "{}", error.message);
}

#[test]
fn a_full_disk_is_an_error_as_of_every_file_of_a_run() {
    // Linux' own disk that is always full.
    let full = Path::new("/dev/full");
    let Ok(file) = OpenOptions::new().append(true).open(full) else {
        return;
    };
    let mut writer = Writer { file, path: full.to_owned(), length: 0, trained: None };
    let error = writer.scalars(1.0, &event("evaluate", 1, &[("top1", 1.0)])).unwrap_err();
    assert!(error.message.contains("the disk is full"), "{}", error.message);
    assert!(error.hint.unwrap().contains("make room"));
}
