//! Weights and images that both sides compute: `formula.py` in Rust.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use glassbox::model::Model;

/// Multiples of 1/512 in [-1, 1).
pub(super) fn numbers(count: usize, salt: u64) -> Vec<f32> {
    let value = |index: u64| {
        let x = (index + salt * 1_000_003) * 2_654_435_761 % (1 << 32);
        let x = (x ^ (x >> 15)) * 2_246_822_519 % (1 << 32);
        (x >> 22) as f32 / 512.0 - 1.0
    };
    (0..count as u64).map(value).collect()
}

/// FNV-1a, to three digits.
fn salt_of(name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0x811c_9dc5_u64, |state, byte| (state ^ u64::from(byte)) * 0x0100_0193 % (1 << 32));
    hash % 1000
}

/// Of a parameter or buffer in PyTorch's shape.
fn value(name: &str, shape: &[usize]) -> Tensor {
    let drawn = numbers(shape.iter().product(), salt_of(name));
    let (factor, summand) = if shape.len() > 1 {
        let inputs: usize = shape[1..].iter().product();
        ((6.0 / inputs as f64).sqrt() as f32, 0.0)
    } else if name.ends_with("running_var") || name.ends_with(".weight") {
        (0.25, 1.0)
    } else {
        (0.125, 0.0)
    };
    let values = drawn.into_iter().map(|number| number * factor + summand).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Gives a network the weights of the formula.
pub(super) fn fill(model: &Model) {
    let parameters = model.parameters();
    let all = parameters.trainable().iter().chain(parameters.buffers());
    let tensors: HashMap<String, Tensor> = all
        .map(|parameter| {
            (parameter.name.clone(), value(&parameter.name, &parameter.pytorch_dims()))
        })
        .collect();
    parameters.load(tensors).unwrap();
}

/// Square colour images in 0..1.
pub(super) fn images(count: usize, size: usize, salt: u64) -> Tensor {
    let drawn = numbers(count * 3 * size * size, salt);
    let values = drawn.into_iter().map(|number| number * 0.5 + 0.5).collect();
    Tensor::from_vec(values, (count, 3, size, size), &Device::Cpu).unwrap()
}
