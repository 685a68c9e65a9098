//! What every attack has to keep, on a small network with random weights.

use candle_core::{Device, Tensor};

use super::measure::{Distances, predictions};
use super::*;
use crate::model::arch::sequential::{Layer, Pool};
use crate::model::{self, Arch, Mode, ModelConfig};

const SIDE: usize = 10;
const CLASSES: usize = 6;

fn network(seed: u64) -> Model {
    let conv = |outputs, stride| Layer::Conv {
        outputs,
        kernel: 3,
        stride,
        padding: 1,
        dilation: 1,
        groups: 1,
        bias: true,
    };
    let config = ModelConfig {
        classes: CLASSES,
        channels: 3,
        image_size: SIDE,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        seed,
        layers: vec![
            conv(8, 1),
            Layer::Relu,
            Layer::MaxPool(Pool { kernel: 2, stride: 2, padding: 0, ceil: false }),
            conv(12, 1),
            Layer::Relu,
            Layer::Flatten,
            Layer::Linear { outputs: CLASSES },
        ],
    };
    model::build(Arch::Sequential, config, &Device::Cpu).unwrap()
}

/// Images and what the network takes them for, so that every attack has something to do.
fn batch(model: &Model, count: usize) -> (Tensor, Tensor) {
    let pixels: Vec<f32> = (0..count * 3 * SIDE * SIDE)
        .map(|at| ((at as u64).wrapping_mul(2_654_435_761) >> 7) as u8)
        .map(|level| f32::from(level) / 255.0)
        .collect();
    let images = Tensor::from_vec(pixels, (count, 3, SIDE, SIDE), &Device::Cpu).unwrap();
    let labels = seen(model, &images);
    (images, Tensor::from_vec(labels, count, &Device::Cpu).unwrap())
}

fn seen(model: &Model, images: &Tensor) -> Vec<u32> {
    predictions(&model.forward(images, Mode::Evaluate, &[]).unwrap().logits).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every bounded attack; whether it takes targets.
fn bounded(epsilon: f64, seed: u64) -> Vec<(&'static str, Ball, bool, Box<dyn Attack>)> {
    let mut all: Vec<(&'static str, Ball, bool, Box<dyn Attack>)> = Vec::new();
    let linf = Ball::linf(epsilon);
    let (radius, step) = (PixelLevels(epsilon), PixelLevels(epsilon / 4.0));
    all.push(("bim", linf, true, Box::new(Bim { epsilon: radius, steps: 8, step_size: step })));
    let mim = Mim { epsilon: radius, steps: 8, step_size: step, momentum: 1.0 };
    all.push(("mim", linf, true, Box::new(mim)));
    let least = LeastLikely { epsilon: radius, steps: 8, step_size: step };
    all.push(("least-likely", linf, false, Box::new(least)));
    let bound = |ball| DeepFool { bound: Some(ball), steps: 10, overshoot: 0.02 };
    all.push(("deepfool", Ball::l2(epsilon), false, Box::new(bound(Ball::l2(epsilon)))));
    let cw = CarliniWagner {
        bound: Some(Ball::l2(epsilon)),
        steps: 20,
        confidence: 0.0,
        learning_rate: 0.02,
        search_steps: 2,
        initial_c: 1.0,
    };
    all.push(("cw", Ball::l2(epsilon), true, Box::new(cw)));
    let ensemble = Ensemble {
        models: Vec::new(),
        fusion: Fusion::Loss,
        bound: Some(linf),
        steps: 10,
        step_size: step,
        distortion_weight: 0.0,
    };
    all.push(("ensemble", linf, true, Box::new(ensemble)));
    for ball in [linf, Ball::l2(epsilon * 10.0)] {
        let step_size = PixelLevels(ball.epsilon.0 / 4.0);
        all.push(("fgsm", ball, true, Box::new(Fgsm { ball })));
        let pgd = Pgd { ball, steps: 8, step_size, restarts: 2, seed };
        all.push(("pgd", ball, true, Box::new(pgd)));
        let ce = Apgd { ball, loss: ApgdLoss::CrossEntropy, steps: 12, restarts: 2, seed };
        all.push(("apgd-ce", ball, true, Box::new(ce)));
        let loss = ApgdLoss::DifferenceOfLogitsRatio;
        let dlr = Apgd { ball, loss, steps: 12, restarts: 2, seed };
        all.push(("apgd-dlr", ball, false, Box::new(dlr)));
        let square = Square { ball, queries: 60, restarts: 2, seed };
        all.push(("square", ball, true, Box::new(square)));
    }
    all
}

#[test]
fn every_attack_stays_in_its_ball_and_in_range_and_helps() {
    let model = network(1);
    let (images, labels) = batch(&model, 12);
    let indices: Vec<usize> = (0..12).collect();
    let targets: Vec<u32> =
        labels.to_vec1::<u32>().unwrap().iter().map(|label| (label + 1) % CLASSES as u32).collect();
    let targets = Tensor::new(targets, &Device::Cpu).unwrap();
    for (name, ball, takes_targets, attack) in bounded(8.0, 3) {
        for targets in [None, Some(&targets)] {
            if targets.is_some() && !takes_targets {
                continue;
            }
            let victims = Victims { images: &images, labels: &labels, indices: &indices, targets };
            let made = attack.perturb(&model, &victims).unwrap();
            assert_eq!(made.dims(), images.dims());
            assert!(flat(&made).iter().all(|pixel| (0.0..=1.0).contains(pixel)), "{name}");
            for image in 0..12 {
                let one = |images: &Tensor| images.narrow(0, image, 1).unwrap();
                let distances = Distances::of(&one(&made), &one(&images)).unwrap();
                match ball.norm {
                    Norm::Linf => assert!(distances.linf_max <= 8.001, "{name}: {distances:?}"),
                    Norm::L2 => {
                        let most = ball.epsilon.to_unit() * 1.0001;
                        assert!(distances.l2_sum <= most, "{name}: {distances:?}");
                    }
                }
            }
            let found = seen(&model, &made);
            let wanted: Vec<u32> = targets.unwrap_or(&labels).to_vec1().unwrap();
            let same = found.iter().zip(&wanted).filter(|(a, b)| a == b).count();
            if name == "least-likely" || (name == "ensemble" && targets.is_none()) {
                let least = |images| {
                    let of = Target::LeastLikely.choose(&model, images, &labels, &indices);
                    of.unwrap().to_vec1::<u32>().unwrap()
                };
                let (before, after) = (least(&images), least(&made));
                let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                assert!(moved >= 9, "{moved} of 12 are no longer least likely to be their target");
            } else if ball.epsilon.0 >= 8.0 && (ball.norm == Norm::Linf || ball.epsilon.0 > 8.0) {
                match targets {
                    None => assert!(same <= 9, "{name}: {same} of 12 hold out"),
                    Some(_) => assert!(same >= 3, "{name}: {same} of 12 at their target"),
                }
            }
        }
    }
}

#[test]
fn an_epsilon_of_0_changes_nothing() {
    let model = network(1);
    let (images, labels) = batch(&model, 4);
    let victims =
        Victims { images: &images, labels: &labels, indices: &[0, 1, 2, 3], targets: None };
    for (name, _, _, attack) in bounded(0.0, 3) {
        let made = attack.perturb(&model, &victims).unwrap();
        for (new, old) in flat(&made).iter().zip(flat(&images)) {
            // f32 pixels of a search in tanh space are not exactly the ones it began with.
            assert!((new - old).abs() < 1e-6, "{name}: {old} became {new}");
        }
    }
}

#[test]
fn an_image_becomes_the_same_whatever_stands_beside_it() {
    let model = network(2);
    let (images, labels) = batch(&model, 7);
    for (name, ball, _, attack) in bounded(6.0, 5) {
        let run = |places: &[usize]| -> Vec<Vec<f32>> {
            let at: Vec<u32> = places.iter().map(|&place| place as u32).collect();
            let at = Tensor::new(at, &Device::Cpu).unwrap();
            let (images, labels) =
                (images.index_select(&at, 0).unwrap(), labels.index_select(&at, 0).unwrap());
            let indices: Vec<usize> = places.iter().map(|place| place + 100).collect();
            let victims =
                Victims { images: &images, labels: &labels, indices: &indices, targets: None };
            attack.perturb(&model, &victims).unwrap().flatten_from(1).unwrap().to_vec2().unwrap()
        };
        let all = run(&[0, 1, 2, 3, 4, 5, 6]);
        let parts = [run(&[4, 1]), run(&[6, 0, 5]), run(&[3]), run(&[2])];
        let order = [4, 1, 6, 0, 5, 3, 2];
        for (place, made) in order.into_iter().zip(parts.concat()) {
            // What is drawn is the same to the bit; sums of a network's layers may be rounded
            // otherwise in a batch of another size, and a sign then falls otherwise.
            let far = |&(a, b): &(&f32, &f32)| (a - b).abs() > 1e-4;
            let differ = made.iter().zip(&all[place]).filter(far).count();
            let (norm, pixels) = (ball.norm, made.len());
            assert!(differ * 100 <= pixels, "{name} {norm:?}: {differ} of {pixels} pixels differ");
        }
    }
}

#[test]
fn random_attacks_depend_on_the_seed() {
    let model = network(2);
    let (images, labels) = batch(&model, 3);
    let victims = Victims { images: &images, labels: &labels, indices: &[0, 1, 2], targets: None };
    let random = ["pgd", "apgd-ce", "apgd-dlr", "square"];
    for ((name, _, _, one), (_, _, _, other)) in bounded(2.0, 1).into_iter().zip(bounded(2.0, 2)) {
        let made = |attack: &dyn Attack| flat(&attack.perturb(&model, &victims).unwrap());
        assert_eq!(made(&*one) != made(&*other), random.contains(&name), "{name}");
    }
}

#[test]
fn the_smallest_perturbations_are_smaller_than_gradient_steps_and_fool() {
    let model = network(4);
    let (images, labels) = batch(&model, 8);
    let indices: Vec<usize> = (0..8).collect();
    let victims = Victims { images: &images, labels: &labels, indices: &indices, targets: None };
    let length = |attack: &dyn Attack| {
        let made = attack.perturb(&model, &victims).unwrap();
        let labels: Vec<u32> = labels.to_vec1().unwrap();
        assert!(seen(&model, &made).iter().zip(&labels).all(|(a, b)| a != b));
        Distances::of(&made, &images).unwrap().l2_sum / 8.0
    };
    let deepfool = length(&DeepFool { bound: None, steps: 50, overshoot: 0.02 });
    let cw = length(&CarliniWagner {
        bound: None,
        steps: 200,
        confidence: 0.0,
        learning_rate: 0.01,
        search_steps: 8,
        initial_c: 1.0,
    });
    let pgd = length(&Pgd {
        ball: Ball::l2(500.0),
        steps: 20,
        step_size: PixelLevels(60.0),
        restarts: 3,
        seed: 1,
    });
    assert!(cw < deepfool * 1.05 && deepfool < pgd, "cw {cw}, deepfool {deepfool}, pgd {pgd}");
}

#[test]
fn confidence_is_a_lead_of_logits() {
    let model = network(4);
    let (images, labels) = batch(&model, 4);
    let victims =
        Victims { images: &images, labels: &labels, indices: &[0, 1, 2, 3], targets: None };
    let attack = CarliniWagner {
        bound: None,
        steps: 200,
        confidence: 0.5,
        learning_rate: 0.01,
        search_steps: 6,
        initial_c: 1.0,
    };
    let made = attack.perturb(&model, &victims).unwrap();
    let labels: Vec<u32> = labels.to_vec1().unwrap();
    for (row, &label) in objective::logits(&model, &made).unwrap().iter().zip(&labels) {
        let lead = row[objective::other(row, label as usize)] - row[label as usize];
        assert!(lead >= 0.499, "{lead}");
    }
}

#[test]
fn an_ensemble_fools_networks_of_other_input_sizes_together() {
    let (first, second) = (network(1), network(2));
    let config = ModelConfig { image_size: 14, ..network(3).config().clone() };
    let larger = model::build(Arch::Sequential, config, &Device::Cpu).unwrap();
    let (images, labels) = batch(&first, 6);
    let targets = Tensor::new(&[0_u32, 1, 2, 3, 4, 5], &Device::Cpu).unwrap();
    let indices: Vec<usize> = (0..6).collect();
    for fusion in [Fusion::Loss, Fusion::Probability, Fusion::Logits] {
        let attack = Ensemble {
            models: vec![network(1), network(2)],
            fusion,
            bound: None,
            steps: 100,
            step_size: PixelLevels(2.0),
            distortion_weight: 0.0,
        };
        let victims = Victims {
            images: &images,
            labels: &labels,
            indices: &indices,
            targets: Some(&targets),
        };
        let made = attack.perturb(&first, &victims).unwrap();
        for model in [&first, &second] {
            assert_eq!(seen(model, &made), [0, 1, 2, 3, 4, 5], "{fusion:?}");
        }
        let near = Ensemble { distortion_weight: 0.02, ..attack };
        let near = near.perturb(&first, &victims).unwrap();
        let far = |made: &Tensor| Distances::of(made, &images).unwrap().rmsd_sum;
        assert!(far(&near) < far(&made), "{fusion:?}: {} {}", far(&near), far(&made));
    }
    let mixed = Ensemble {
        models: vec![network(1), larger],
        fusion: Fusion::Loss,
        bound: None,
        steps: 40,
        step_size: PixelLevels(5.0),
        distortion_weight: 0.0,
    };
    let victims = Victims { images: &images, labels: &labels, indices: &indices, targets: None };
    let made = mixed.perturb(&first, &victims).unwrap();
    assert_ne!(seen(&first, &made), labels.to_vec1::<u32>().unwrap());
}

#[test]
fn attacks_without_a_targeted_form_refuse_targets_and_no_class_is_bad_input() {
    let model = network(1);
    let (images, labels) = batch(&model, 2);
    let victims = |targets| Victims { images: &images, labels: &labels, indices: &[0, 1], targets };
    let deepfool = DeepFool { bound: None, steps: 3, overshoot: 0.02 };
    let error = deepfool.perturb(&model, &victims(Some(&labels))).unwrap_err();
    assert!(error.message.contains("cannot aim"), "{}", error.message);
    let beyond = Tensor::new(&[0_u32, CLASSES as u32], &Device::Cpu).unwrap();
    let fgsm = Fgsm { ball: Ball::linf(1.0) };
    assert_eq!(fgsm.perturb(&model, &victims(Some(&beyond))).unwrap_err().exit_code(), 2);
}
