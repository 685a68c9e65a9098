//! Detectors, representation ratios and the attack that knows a detector against PyTorch, ROC and
//! DeLong's interval against NumPy (`detector.py`).

use candle_core::{DType, Device, Tensor};
use glassbox::attack::{Attack, Aware, PixelLevels, Victims};
use glassbox::model::arch::sequential::{Layer, Pool};
use glassbox::model::{Arch, Model, ModelConfig, build};
use glassbox::neuron::trace::detector::Detector;
use glassbox::neuron::trace::reference::flattened;
use glassbox::neuron::trace::representation::{r_mean, r_pair};
use glassbox::neuron::trace::{Measure, Reference, roc};

use super::{Fixture, assert_close};

const TAP: &str = "3";
const CLASSES: usize = 5;
const BATCH: usize = 64;

fn fixture() -> Fixture {
    Fixture::read("detector.safetensors")
}

/// The network of `detector.py`.
fn network(fixture: &Fixture) -> Model {
    let conv = |outputs| Layer::Conv {
        outputs,
        kernel: 3,
        stride: 1,
        padding: 1,
        dilation: 1,
        groups: 1,
        bias: true,
    };
    let config = ModelConfig {
        classes: CLASSES,
        channels: 3,
        image_size: 12,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        seed: 1,
        layers: vec![
            conv(6),
            Layer::Relu,
            Layer::MaxPool(Pool { kernel: 2, stride: 2, padding: 0, ceil: false }),
            conv(8),
            Layer::Relu,
            Layer::AdaptiveAvgPool { size: 2 },
            Layer::Flatten,
            Layer::Linear { outputs: CLASSES },
        ],
    };
    let model = build(Arch::Sequential, config, &Device::Cpu).unwrap();
    let weights = ["0.weight", "0.bias", "3.weight", "3.bias", "7.weight", "7.bias"];
    let weights =
        weights.map(|name| (name.to_owned(), fixture.get(&format!("weights.{name}")).clone()));
    model.parameters().load(weights.into()).unwrap();
    model
}

fn classes(tensor: &Tensor) -> Vec<u32> {
    tensor.to_dtype(DType::U32).unwrap().to_vec1().unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &Tensor) {
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let apart = (found - expected).abs();
        assert!(apart <= 1e-4, "{what} {at}: {found}, expected {expected}");
    }
}

/// The reference images, a batch at a time.
fn reference(fixture: &Fixture, model: &Model) -> Reference {
    let pixels = fixture.get("images").to_dtype(DType::F32).unwrap();
    let images = (pixels / 255.0).unwrap();
    let labels = classes(fixture.get("labels"));
    let shape = model.taps().iter().find(|tap| tap.name == TAP).unwrap().shape;
    let mut builder = Reference::builder(shape, CLASSES, labels.len());
    for start in (0..labels.len()).step_by(BATCH) {
        let count = BATCH.min(labels.len() - start);
        let batch = images.narrow(0, start, count).unwrap();
        let maps = model.features(&batch, &[TAP]).unwrap().remove(0);
        builder.add(&maps, &labels[start..start + count]).unwrap();
    }
    builder.finish()
}

#[test]
fn what_real_images_do_is_what_it_is_in_pytorch() {
    let fixture = fixture();
    let model = network(&fixture);
    let reference = reference(&fixture, &model);
    assert_eq!((reference.images, reference.kept(), reference.missing()), (400, 400, 0));
    let means: Vec<f64> = reference.means.iter().map(|&mean| f64::from(mean)).collect();
    close("channel means", &means, fixture.get("channel_means"));
    let means: Vec<f64> = (0..CLASSES as u32)
        .flat_map(|class| reference.class_mean(class).unwrap())
        .map(|&value| f64::from(value))
        .collect();
    close("class means", &means, fixture.get("class_means"));
    close("p", &reference.p.concat(), fixture.get("p"));
}

#[test]
fn scores_are_those_of_pytorch() {
    let fixture = fixture();
    let model = network(&fixture);
    let reference = reference(&fixture, &model);
    let detector = Detector {
        model: &model,
        tap: TAP,
        reference: &reference,
        measure: Measure::Probability,
        top: 3,
    };
    let seen = detector.look(fixture.get("tested")).unwrap();
    let all: Vec<usize> = (0..seen.predictions.len()).collect();
    let scores = detector.scores(&seen, &all).unwrap();
    close("scores", &scores.concat(), fixture.get("scores"));
    // Some of a batch have the scores that they have in the whole of it.
    let some = detector.scores(&seen, &[7, 2]).unwrap();
    for (some, all) in some.iter().zip([scores[7], scores[2]]) {
        for (some, all) in some.iter().zip(all) {
            assert!((some - all).abs() < 1e-6);
        }
    }
}

#[test]
fn ratios_are_those_of_pytorch() {
    let fixture = fixture();
    let model = network(&fixture);
    let reference = reference(&fixture, &model);
    let features = |name| {
        let maps = model.features(fixture.get(name), &[TAP]).unwrap().remove(0);
        flattened(&maps).unwrap()
    };
    let (adversarial, originals) = (features("tested"), features("originals"));
    let (labels, targets) = (classes(fixture.get("true")), classes(fixture.get("targets")));
    let mut ratios = (Vec::new(), Vec::new());
    for at in 0..labels.len() {
        let (phi, reached) = (&adversarial[at], targets[at]);
        ratios.0.push(r_mean(&reference, phi, labels[at], reached).unwrap());
        ratios.1.push(r_pair(&reference, phi, &originals[at], reached).unwrap());
    }
    close("r_mean", &ratios.0, fixture.get("r_mean"));
    close("r_pair", &ratios.1, fixture.get("r_pair"));
}

#[test]
fn the_attack_that_knows_the_detector_follows_pytorchs_gradient() {
    let fixture = fixture();
    let model = network(&fixture);
    let means = fixture.get("class_means").to_vec2::<f32>().unwrap();
    let weight = numbers(fixture.get("aware.weight"))[0];
    let aware = |steps, weight| Aware {
        epsilon: PixelLevels(8.0),
        steps,
        step_size: PixelLevels(1.0),
        weight,
        tap: TAP,
        means: means.iter().map(|mean| Some(mean.as_slice())).collect(),
        seed: 4,
    };
    let (images, targets) = (fixture.get("tested"), fixture.get("targets"));
    let targets = targets.to_dtype(DType::U32).unwrap();
    let descent = aware(1, weight).descent(&model, images, &targets).unwrap();
    let losses: Vec<f64> = descent.losses.iter().map(|&loss| f64::from(loss)).collect();
    close("losses", &losses, fixture.get("aware.losses"));
    assert_close("gradient", &descent.gradient, fixture.get("aware.gradient"), 1e-4);

    // A step is one against the sign of that gradient where the attack has come to.
    let labels = fixture.get("true").to_dtype(DType::U32).unwrap();
    let indices: Vec<usize> = (0..12).collect();
    let victims = Victims { images, labels: &labels, indices: &indices, targets: Some(&targets) };
    let start = aware(0, weight).perturb(&model, &victims).unwrap();
    let once = aware(1, weight).perturb(&model, &victims).unwrap();
    let gradient = aware(1, weight).descent(&model, &start, &targets).unwrap().gradient;
    let [start, once, gradient, origin] = [&start, &once, &gradient, images].map(numbers);
    let epsilon = 8.0 / 255.0;
    for at in 0..start.len() {
        let sign = if gradient[at] == 0.0 { 0.0 } else { gradient[at].signum() };
        let moved = start[at] - sign / 255.0;
        let within = moved.clamp(origin[at] - epsilon, origin[at] + epsilon).clamp(0.0, 1.0);
        assert!((once[at] - within).abs() < 1e-6, "{at}: {} {within}", once[at]);
    }
    let untargeted = Victims { targets: None, ..victims };
    assert_eq!(aware(1, weight).perturb(&model, &untargeted).unwrap_err().exit_code(), 2);
}

#[test]
fn curves_are_those_counted_pair_by_pair() {
    let fixture = fixture();
    let rate = numbers(fixture.get("roc.rate"))[0];
    for case in ["plain", "ties", "worse"] {
        let get = |what: &str| numbers(fixture.get(&format!("roc.{case}.{what}")));
        let (real, adversarial) = (get("real"), get("adversarial"));
        let curve = roc::curve(&real, &adversarial).unwrap();
        let threshold = roc::threshold(&real, rate).unwrap();
        let found = [curve.auc, curve.interval[0], curve.interval[1], threshold];
        for (found, expected) in found.iter().zip(get("found")) {
            assert!((found - expected).abs() < 1e-12, "{case}: {found} {expected}");
        }
        let points = get("points");
        assert_eq!(curve.points.len() * 2, points.len(), "{case}");
        for (found, expected) in curve.points.concat().iter().zip(points) {
            assert!((found - expected).abs() < 1e-12, "{case}: {found} {expected}");
        }
    }
}
