//! A whole training step and an attack's gradient of shapesnet, as `shapesnet.py` computed them.

use std::collections::HashMap;

use candle_core::{Device, Tensor, Var};
use glassbox::model::{Arch, Mode, Model, ModelConfig, build};
use glassbox::ops::cross_entropy;

use super::{Fixture, assert_close};

/// The same hash as in `shapesnet.py`: multiples of 1/512 in [-1, 1).
pub(super) fn numbers(shape: &[usize], salt: u64) -> Tensor {
    let count: usize = shape.iter().product();
    let value = |index: u64| {
        let x = (index + salt * 1_000_003) * 2_654_435_761 % (1 << 32);
        let x = (x ^ (x >> 15)) * 2_246_822_519 % (1 << 32);
        (x >> 22) as f32 / 512.0 - 1.0
    };
    let values: Vec<f32> = (0..count as u64).map(value).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The numbers of a large tensor that the fixture keeps.
fn sample(tensor: &Tensor) -> Tensor {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let step = values.len().div_ceil(4096);
    let values: Vec<f32> = values.into_iter().step_by(step).collect();
    Tensor::new(values, &Device::Cpu).unwrap()
}

/// The network of `shapesnet.py`.
pub(super) fn model(image_size: usize) -> Box<dyn Model> {
    let config = ModelConfig {
        classes: 10,
        channels: 3,
        image_size,
        mean: vec![0.5, 0.375, 0.25],
        std: vec![0.25, 0.5, 0.25],
        seed: 1,
    };
    let model = build(Arch::Shapesnet, config, &Device::Cpu).unwrap();
    let mut tensors: HashMap<_, _> = model.parameters().to_tensors().unwrap().into_iter().collect();
    for (index, (name, var)) in model.parameters().trainable().iter().enumerate() {
        let one = if name.starts_with("bn") && name.ends_with("weight") { 1.0 } else { 0.0 };
        let values = numbers(var.dims(), index as u64 + 1).affine(0.25, one).unwrap();
        tensors.insert(name.clone(), values);
    }
    model.parameters().load(tensors).unwrap();
    model
}

#[test]
fn a_training_step_and_an_attack_are_pytorchs() {
    let fixture = Fixture::read("shapesnet.safetensors");
    for size in [32, 45] {
        let expected = |name: &str| fixture.get(&format!("{size}.{name}"));
        let close = |name: &str, actual: &Tensor, tolerance| {
            assert_close(&format!("{size} {name}"), actual, expected(name), tolerance);
        };
        let model = model(size);
        let images = numbers(&[6, 3, size, size], 100).affine(0.5, 0.5).unwrap();
        let images = Var::from_tensor(&images).unwrap();
        let labels: Vec<u32> = (0..6).map(|i| i * 3 % 10).collect();
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();

        let logits = model.forward(&images, Mode::Train, &[]).unwrap().logits;
        let loss = cross_entropy(&logits, &labels, 0.1).unwrap();
        let grads = loss.backward().unwrap();
        close("train.logits", &logits, 1e-5);
        close("train.loss", &loss, 1e-5);
        close("train.grad.images", &sample(grads.get(&images).unwrap()), 1e-4);
        for (name, var) in model.parameters().trainable() {
            close(&format!("train.grad.{name}"), &sample(grads.get(var).unwrap()), 1e-4);
        }
        for (name, var) in model.parameters().buffers() {
            close(name, var, 1e-5);
        }

        let logits = model.forward(&images, Mode::Evaluate, &[]).unwrap().logits;
        let loss = cross_entropy(&logits, &labels, 0.0).unwrap();
        let grads = loss.backward().unwrap();
        close("evaluate.logits", &logits, 1e-5);
        close("evaluate.loss", &loss, 1e-5);
        close("evaluate.grad.images", &sample(grads.get(&images).unwrap()), 1e-4);
    }
}
