//! Steps of consistency training, as `consistency.py` computed their terms.

use candle_core::{Device, Tensor};
use glassbox::train::{
    BatchStatistics, Consistency, ConsistencyGradient, Objective, Optimizer, Rule, Schedule, Sgd,
    Shape, Trainer,
};

use super::Fixture;
use super::shapesnet::{model, numbers};

const SIZE: usize = 32;
const SHAPE: [usize; 4] = [6, 3, SIZE, SIZE];

fn trainer() -> Trainer {
    let model = model(SIZE);
    for buffer in model.parameters().buffers() {
        if buffer.name.ends_with("running_var") {
            buffer.var.set(&buffer.var.affine(0.0, 4.0).unwrap()).unwrap();
        }
    }
    let rule = Rule::Sgd(Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 });
    Trainer {
        optimizer: Optimizer::new(rule, model.parameters()),
        model,
        class_names: Vec::new(),
        schedule: Schedule { peak: 0.02, warmup_steps: 0, total_steps: 4, shape: Shape::Constant },
        label_smoothing: 0.1,
        step: 0,
    }
}

fn objective(gradient: ConsistencyGradient, statistics: BatchStatistics) -> Objective {
    let layers = vec!["conv3".into(), "conv5".into()];
    Objective {
        clean_weight: 0.3,
        consistency: Some(Consistency { weight: 20.0, layers, gradient }),
        statistics,
    }
}

/// Images, their adversarial versions, labels.
fn batch(step: u64) -> [Tensor; 3] {
    let images = numbers(&SHAPE, 100 + step).affine(0.5, 0.5).unwrap();
    let noise = numbers(&SHAPE, 200 + step).flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let noise: Vec<f32> =
        noise.into_iter().map(|n| if n < 0.0 { -8.0 / 255.0 } else { 8.0 / 255.0 }).collect();
    let noise = Tensor::from_vec(noise, &SHAPE, &Device::Cpu).unwrap();
    let adversarial = (&images + noise).unwrap().clamp(0.0, 1.0).unwrap();
    let labels: Vec<u32> = (0..6).map(|at| (at * 3 + step as u32) % 10).collect();
    [images, adversarial, Tensor::new(labels, &Device::Cpu).unwrap()]
}

#[test]
fn every_term_of_every_step_is_pytorchs() {
    let fixture = Fixture::read("consistency.safetensors");
    let (both, adversarial) = (ConsistencyGradient::Both, ConsistencyGradient::Adversarial);
    let (shared, separate, frozen) =
        (BatchStatistics::Shared, BatchStatistics::Separate, BatchStatistics::Frozen);
    for (case, gradient, statistics) in [
        ("both.shared", both, shared),
        ("both.separate", both, separate),
        ("both.frozen", both, frozen),
        ("adversarial.shared", adversarial, shared),
        ("adversarial.separate", adversarial, separate),
        ("adversarial.frozen", adversarial, frozen),
    ] {
        let expected: Vec<Vec<f64>> = fixture.get(case).to_vec2().unwrap();
        let (mut trainer, objective) = (trainer(), objective(gradient, statistics));
        for (step, expected) in expected.iter().enumerate() {
            let [images, adversarial, labels] = batch(step as u64);
            let report =
                trainer.step_adversarial(&images, &adversarial, &labels, &objective).unwrap();
            let terms = report.adversarial.unwrap().terms;
            let ours = [terms.clean, terms.adversarial, terms.consistency.unwrap(), terms.total];
            for (ours, theirs) in ours.iter().zip(expected) {
                let error = (ours / theirs - 1.0).abs();
                println!("{case}, step {step}: off by {error:.1e}");
                // Later steps carry what the Winograd convolutions' gradients are off by; the
                // cases lie further apart (below).
                let allowed = if step == 0 { 1e-5 } else { 3e-4 };
                assert!(error <= allowed, "{case}, step {step}: {ours}, PyTorch's {theirs}");
            }
        }
        assert_eq!(expected.len(), 4);
    }
}

#[test]
fn the_gradient_modes_and_the_statistics_differ() {
    // Otherwise the test above could not tell them apart.
    let fixture = Fixture::read("consistency.safetensors");
    let last = |case: &str| fixture.get(case).to_vec2::<f64>().unwrap()[3][3];
    for (one, other) in [
        ("both.shared", "adversarial.shared"),
        ("both.separate", "adversarial.separate"),
        ("both.frozen", "adversarial.frozen"),
        ("both.shared", "both.separate"),
        ("both.shared", "both.frozen"),
    ] {
        assert!((last(one) / last(other) - 1.0).abs() > 5e-4, "{one} and {other}");
    }
}

#[test]
fn without_weight_the_features_are_not_read_and_the_rest_is_the_same() {
    let weights = |objective: &Objective| -> Vec<Vec<f32>> {
        let mut trainer = trainer();
        for step in 0..3 {
            let [images, adversarial, labels] = batch(step);
            let report =
                trainer.step_adversarial(&images, &adversarial, &labels, objective).unwrap();
            let terms = report.adversarial.unwrap().terms;
            assert_eq!(terms.consistency.is_some(), objective.consistency.is_some());
            let mixed = 0.3 * terms.clean + 0.7 * terms.adversarial;
            assert!((terms.total - mixed).abs() < 1e-5);
        }
        let trainable = trainer.model.parameters().trainable();
        trainable.iter().map(|p| p.var.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    let with = objective(ConsistencyGradient::Both, BatchStatistics::Shared);
    let plain = Objective { consistency: None, ..with.clone() };
    let mut weightless = with;
    weightless.consistency.as_mut().unwrap().weight = 0.0;
    assert!(weights(&plain) == weights(&weightless), "a weight of 0 changed the training");
}
