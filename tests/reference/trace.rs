//! What networks answer without a neuron, as `trace.py` has it from a hook in the whole network.

use candle_core::{Device, Tensor};
use glassbox::model::{Arch, Model};
use glassbox::neuron::trace::checks::gradient_times_activation;
use glassbox::neuron::trace::{
    Differences, Measure, Removed, influential, logits_without, mean_differences,
    prediction_differences,
};

use super::{Fixture, assert_close, formula, networks, shapesnet};

/// By image and neuron.
fn rows(all: &[Differences], values: impl Fn(&Differences) -> &Vec<f32>) -> Tensor {
    let rows: Vec<Vec<f32>> = all.iter().map(|one| values(one).clone()).collect();
    Tensor::new(rows, &Device::Cpu).unwrap()
}

/// No number further from what was expected than this.
#[track_caller]
fn assert_near(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f32) {
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    let off = (actual - expected).unwrap().abs().unwrap().flatten_all().unwrap();
    let most = off.to_vec1::<f32>().unwrap().into_iter().fold(0.0_f32, f32::max);
    assert!(most <= tolerance, "{what}: differs by {most:e}, allowed {tolerance:e}");
}

/// Compares everything of one layer; channels that are 0 everywhere make no difference at all.
fn check(name: &str, model: &Model, tap: &str, images: &Tensor, some_are_silent: bool) {
    let fixture = Fixture::read("trace.safetensors");
    let get = |what: &str| fixture.get(&format!("{name}.{what}"));
    let classes: Vec<u32> =
        get("classes").to_vec1::<i64>().unwrap().into_iter().map(|class| class as u32).collect();
    let maps = model.features(images, &[tap]).unwrap().remove(0);
    let found = prediction_differences(model, tap, &maps, &classes).unwrap();
    let (probability, logit) =
        (rows(&found, |one| &one.probability), rows(&found, |one| &one.logit));
    assert_near(&format!("{name}, probability"), &probability, get("probability"), 1e-4);
    // Where the network is as good as sure, no neuron alone changes its mind.
    let is_sure = name.starts_with("resnet20");
    if !is_sure {
        assert_close(&format!("{name}, probability"), &probability, get("probability"), 1e-4);
    }
    assert_close(&format!("{name}, logit"), &logit, get("logit"), 1e-4);
    let none = found.iter().flat_map(|one| &one.logit).filter(|value| **value == 0.0).count();
    assert_eq!(none > 0, some_are_silent, "{name}: {none} without a difference");

    let means: Vec<f32> = get("means").to_vec1().unwrap();
    let found_mean = mean_differences(model, tap, &maps, &classes, &means).unwrap();
    let mean = rows(&found_mean, |one| &one.logit);
    assert_close(&format!("{name}, mean"), &mean, get("mean"), 1e-4);

    let gradient = gradient_times_activation(model, tap, images, &classes).unwrap();
    let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
    assert_close(&format!("{name}, gradient"), &gradient, get("gradient"), 1e-4);

    let pairs: Vec<(usize, Vec<usize>)> = found
        .iter()
        .enumerate()
        .map(|(image, one)| (image, influential(one, Measure::Logit, 2)))
        .collect();
    let logits = logits_without(model, tap, &maps, &pairs, Removed::Zero).unwrap();
    let logits = Tensor::new(logits, &Device::Cpu).unwrap();
    assert_close(&format!("{name}, without two"), &logits, get("pair"), 1e-4);
}

#[test]
fn a_shapesnet_without_a_neuron_is_pytorchs() {
    let model = shapesnet::model(32);
    let images = shapesnet::numbers(&[2, 3, 32, 32], 100).affine(0.5, 0.5).unwrap();
    check("shapesnet.conv5", &model, "conv5", &images, true);
    check("shapesnet.conv2", &model, "conv2", &images, false);
}

#[test]
fn an_alexnet_without_a_neuron_is_pytorchs() {
    let model = networks::model(Arch::AlexnetSmall, 1000, 32);
    check("alexnet_small.features.10", &model, "conv5", &formula::images(2, 32, 100), true);
}

#[test]
fn a_residual_network_without_a_neuron_is_pytorchs() {
    let model = networks::model(Arch::Resnet20, 1000, 32);
    check("resnet20.layer2.2", &model, "layer2.2", &formula::images(2, 32, 100), false);
}
