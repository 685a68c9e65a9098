//! A small run folder with neurons, for the tests of figures and pages.

use std::path::Path;

use super::Source;
use crate::report::raster::Raster;
use crate::run::folder::{NewRun, RunFolder};
use crate::run::history;
use crate::run::results::neurons::{Counterpart, Layer, Neuron, Neurons, TopImage};

/// Pixels along the side of every picture.
pub const SIDE: usize = 8;

/// The colour of a picture of a class.
pub fn color(class: u32, is_adversarial: bool) -> [u8; 3] {
    [100 + 20 * class as u8, if is_adversarial { 200 } else { 50 }, 10]
}

const CLASSES: [&str; 3] = ["dog", "<bus>", "tea & cup"];

fn picture(class: u32, is_adversarial: bool) -> String {
    let folder = if is_adversarial { "adversarial" } else { "neurons/pictures" };
    format!("{folder}/{class}.png")
}

fn top(class: u32, activation: f64, answer: u32, is_adversarial: bool) -> TopImage {
    let name = |class: u32| CLASSES[class as usize].to_owned();
    TopImage {
        image: format!("{class}.png"),
        picture: picture(class, is_adversarial),
        activation,
        position: [0, 0],
        label: name(class),
        label_index: class,
        prediction: name(answer),
        prediction_index: answer,
        counterpart: (is_adversarial && class == 1).then(|| Counterpart {
            picture: picture(class, false),
            activation: 0.5,
            rank: 57,
            prediction: name(class),
            prediction_index: class,
        }),
    }
}

/// One whose real pictures are all dogs and of whose adversarial ones so many are.
fn neuron(index: usize, activation: f64, dogs: usize) -> Neuron {
    let real = (0..3).map(|at| top(0, activation - 0.1 * f64::from(at), 0, false)).collect();
    let class = |at: usize| u32::from(at >= dogs);
    let adversarial = (0..3).map(|at| top(class(at), activation - 0.2, 2, true)).collect();
    Neuron { index, real, adversarial, threshold: None, regions: None, discrepancy: None }
}

/// Three neurons in a layer `conv<5>`: 0 keeps its meaning, 1 loses it and has regions, 2 is silent.
pub fn neurons() -> Neurons {
    let mut lied = neuron(1, 3.0, 0);
    lied.regions = Some("neurons/regions/1.png".into());
    let layer = Layer {
        layer: "conv<5>".into(),
        receptive_field: None,
        neurons: vec![neuron(0, 4.0, 3), lied, neuron(2, 0.0, 1)],
    };
    Neurons {
        classes: CLASSES.map(str::to_owned).to_vec(),
        split: "test".into(),
        real_images: 100,
        damaged: 0,
        adversarial_images: 100,
        image_size: SIDE,
        layers: vec![layer],
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes these neurons and their pictures into a new run. In every picture the upper half drives
/// neuron 1. At step 400 its neurons were the same.
pub fn run(root: &Path, title: &str, neurons: &Neurons) -> RunFolder {
    let spec =
        "[data]\nformat = 'shapes'\n[model]\narch = 'shapesnet'\n[neurons]\nadversarial = 'none'\n";
    let new = NewRun { title, spec, device: "cpu", seed: 1, argv: vec![] };
    let folder = RunFolder::create(root, &new).unwrap();
    let json = serde_json::to_vec(neurons).unwrap();
    write(&folder.path().join("results/neurons.json"), &json);
    write(&folder.path().join(history::file(400)), &json);
    for class in 0..3 {
        for side in [false, true] {
            let png = Raster::filled(SIDE, SIDE, color(class, side)).png().unwrap();
            write(&folder.path().join(picture(class, side)), &png);
        }
    }
    let strip = image::GrayImage::from_fn(6 * SIDE as u32, SIDE as u32, |_, y| {
        image::Luma([if y < SIDE as u32 / 2 { 0x80 | 0x70 } else { 0x10 }])
    });
    let path = folder.path().join("neurons/regions/1.png");
    write(&path, &[]);
    strip.save(&path).unwrap();
    folder
}

/// The neurons of such a run.
pub fn source(root: &Path) -> Source {
    Source::open(&run(root, "fixture", &neurons()), None).unwrap()
}
