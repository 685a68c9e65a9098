//! A whole training step and an attack's gradient of shapesnet, as `shapesnet.py` computed them.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use glassbox::model::{Arch, Mode, Model, ModelConfig, Wanted, build};
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
pub(super) fn model(image_size: usize) -> Model {
    let config = ModelConfig {
        classes: 10,
        channels: 3,
        image_size,
        mean: vec![0.5, 0.375, 0.25],
        std: vec![0.25, 0.5, 0.25],
        seed: 1,
        layers: Vec::new(),
    };
    let model = build(Arch::Shapesnet, config, &Device::Cpu).unwrap();
    let mut tensors: HashMap<_, _> = model.parameters().to_tensors().unwrap().into_iter().collect();
    for (index, parameter) in model.parameters().trainable().iter().enumerate() {
        let (name, dims) = (&parameter.name, parameter.pytorch_dims());
        let one = if name.starts_with("bn") && name.ends_with("weight") { 1.0 } else { 0.0 };
        let values = numbers(&dims, index as u64 + 1).affine(0.25, one).unwrap();
        tensors.insert(name.clone(), values);
    }
    model.parameters().load(tensors).unwrap();
    model
}

/// Gradients of six images, of `pixels` numbers each before sampling. One of them may be off: a
/// number that is a rounding away from a ReLU's corner, or from another in a pooling window, sends
/// its gradient another way.
fn assert_close_by_image(actual: &Tensor, expected: &Tensor, pixels: usize) {
    let step = (6 * pixels).div_ceil(4096);
    let pairs: Vec<(f32, f32)> =
        actual.to_vec1().unwrap().into_iter().zip(expected.to_vec1().unwrap()).collect();
    let errors = [0, 1, 2, 3, 4, 5].map(|image| {
        let of_image = pairs.iter().enumerate().filter(|(at, _)| at * step / pixels == image);
        let (difference, length) = of_image.fold((0.0, 0.0), |(d, l), (_, (ours, theirs))| {
            (d + f64::from(ours - theirs).powi(2), l + f64::from(*theirs).powi(2))
        });
        (difference / length).sqrt()
    });
    let exact = errors.iter().filter(|&&error| error <= 1e-4).count();
    assert!(exact >= 5 && errors.iter().all(|&error| error <= 5e-2), "{errors:?}");
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
        let labels: Vec<u32> = (0..6).map(|i| i * 3 % 10).collect();
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();

        let wanted = Wanted { input: true, parameters: true, taps: false };
        let pass = model.record(&images, Mode::Train { step: 0 }, &[], wanted).unwrap();
        let loss = cross_entropy(&pass.logits, &labels, 0.1).unwrap();
        close("train.logits", &pass.logits, 1e-5);
        close("train.loss", &loss, 1e-5);
        let grads = pass.backward(&loss).unwrap();
        close("train.grad.images", &sample(&grads.input.unwrap()), 1e-4);
        for (grad, parameter) in grads.parameters.iter().zip(model.parameters().trainable()) {
            let grad = parameter.to_pytorch(grad.as_ref().unwrap()).unwrap();
            close(&format!("train.grad.{}", parameter.name), &sample(&grad), 1e-4);
        }
        for buffer in model.parameters().buffers() {
            close(&buffer.name, &buffer.var, 1e-5);
        }

        let pass = model.record(&images, Mode::Evaluate, &[], Wanted::INPUT).unwrap();
        let loss = cross_entropy(&pass.logits, &labels, 0.0).unwrap();
        close("evaluate.logits", &pass.logits, 1e-5);
        close("evaluate.loss", &loss, 1e-5);
        let grads = pass.backward(&loss).unwrap();
        assert_close_by_image(
            &sample(&grads.input.unwrap()),
            expected("evaluate.grad.images"),
            3 * size * size,
        );
    }
}
