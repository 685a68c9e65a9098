//! Twenty steps of training, as `resnet18_training.py` computed their losses.

use candle_core::{Device, Tensor};
use glassbox::device::DeviceName;
use glassbox::model::Arch;
use glassbox::train::{Optimizer, Rule, Schedule, Sgd, Shape, Trainer};

use super::Fixture;
use super::formula::images;
use super::networks::model_on;

#[test]
fn losses_of_a_training_are_pytorchs() {
    train(&Device::Cpu);
}

/// In f32, which is what a process computes in unless told otherwise.
#[test]
fn losses_of_a_training_on_a_card_are_pytorchs() {
    match DeviceName::Cuda(vec![0]).open() {
        Ok(card) => train(&card),
        Err(error) => println!("SKIPPED: no graphics card to train on; {}", error.message),
    }
}

fn train(device: &Device) {
    let losses = Fixture::read("resnet18_training.safetensors").get("losses").clone();
    let losses: Vec<f64> = losses.to_vec1().unwrap();
    let model = model_on(device, Arch::Resnet18Small, 10, 32);
    let rule = Rule::Sgd(Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.5 });
    let schedule =
        Schedule { peak: 2e-4, warmup_steps: 0, total_steps: 20, shape: Shape::Constant };
    let mut trainer = Trainer {
        optimizer: Optimizer::new(rule, model.parameters()),
        model,
        class_names: Vec::new(),
        schedule,
        label_smoothing: 0.0,
        step: 0,
    };
    for (step, &expected) in losses.iter().enumerate() {
        let labels: Vec<u32> = (0..8).map(|at| (at * 3 + step as u32 % 4) % 10).collect();
        let labels = Tensor::new(labels, device).unwrap();
        let batch = images(8, 32, 200 + step as u64 % 4).to_device(device).unwrap();
        let report = trainer.step(&batch, &labels).unwrap();
        let error = (report.loss / expected - 1.0).abs();
        assert!(error <= 1e-3, "step {step}: loss {}, PyTorch's {expected}", report.loss);
    }
    assert_eq!(losses.len(), 20);
}
