//! A small training that tests take steps of.

use candle_core::{Device, Tensor};

use super::checkpoint::{Numbers, encode, restore};
use super::{Optimizer, Rule, Schedule, Sgd, Shape, Trainer};
use crate::model::{Arch, Model, ModelConfig, build};

/// Of three classes and one channel, at 28×28.
pub(super) fn model() -> Model {
    build(Arch::Shapesnet, ModelConfig::plain(3, 1, 28), &Device::Cpu).unwrap()
}

/// At the first of six steps, two of them warmup.
pub(super) fn trainer() -> Trainer {
    let model = model();
    let rule = Rule::Sgd(Sgd { momentum: 0.9, nesterov: false, weight_decay: 1e-4 });
    Trainer {
        optimizer: Optimizer::new(rule, model.parameters()),
        model,
        class_names: Vec::new(),
        schedule: Schedule { peak: 0.05, warmup_steps: 2, total_steps: 6, shape: Shape::Cosine },
        label_smoothing: 0.0,
        step: 0,
    }
}

/// Four images and their labels, others at every step.
pub(super) fn batch(step: u64) -> (Tensor, Tensor) {
    let pixels: Vec<f32> =
        (0..4 * 784).map(|at| ((at * 31 + step * 17) % 256) as f32 / 255.0).collect();
    let images = Tensor::from_vec(pixels, (4, 1, 28, 28), &Device::Cpu).unwrap();
    (images, Tensor::new(&[0u32, 1, 2, step as u32 % 3], &Device::Cpu).unwrap())
}

/// Six steps give the same bytes whether a checkpoint interrupts them or not.
pub(super) fn goes_on_bit_for_bit(step: impl Fn(&mut Trainer)) {
    let mut straight = trainer();
    (0..6).for_each(|_| step(&mut straight));
    let mut first = trainer();
    (0..3).for_each(|_| step(&mut first));
    let bytes = encode(&first).unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let mut second = trainer();
    restore(&mut second, &Numbers { step: 3, ..Numbers::default() }, tensors).unwrap();
    (0..3).for_each(|_| step(&mut second));
    assert!(encode(&straight).unwrap() == encode(&second).unwrap());
}
