//! Attacks against torchattacks, as `attacks.py` ran them: whole perturbations on a network and
//! images made by a hash, and on published networks and real images how many hold out.

use std::path::PathBuf;

use candle_core::{Device, Tensor};
use glassbox::attack::{
    Apgd, ApgdLoss, Attack, Ball, Bim, CarliniWagner, DeepFool, Fgsm, Mim, Pgd, PixelLevels,
    Square, Victims,
};
use glassbox::job::build;
use glassbox::model::{Mode, Model};
use glassbox::spec::Document;

use super::shapesnet::{model, numbers};
use super::{Fixture, data};

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Attacks that draw nothing, as `deterministic` of `attacks.py`.
fn deterministic(epsilon: f64) -> Vec<(&'static str, Box<dyn Attack>)> {
    let (radius, step_size) = (PixelLevels(epsilon), PixelLevels(epsilon / 4.0));
    vec![
        ("fgsm", Box::new(Fgsm { ball: Ball::linf(epsilon) })),
        ("bim", Box::new(Bim { epsilon: radius, steps: 10, step_size })),
        ("mim", Box::new(Mim { epsilon: radius, steps: 10, step_size, momentum: 1.0 })),
        ("deepfool", Box::new(DeepFool { bound: None, steps: 50, overshoot: 0.02 })),
        (
            "cw",
            Box::new(CarliniWagner {
                bound: None,
                steps: 50,
                confidence: 0.0,
                learning_rate: 0.01,
                search_steps: 1,
                initial_c: 1.0,
            }),
        ),
    ]
}

/// Attacks that draw something, as `random` of `attacks.py`.
fn random(epsilon: f64) -> Vec<(&'static str, Box<dyn Attack>)> {
    let (ball, seed, restarts) = (Ball::linf(epsilon), 1, 1);
    let apgd = |loss| Box::new(Apgd { ball, loss, steps: 30, restarts, seed });
    let step_size = PixelLevels(epsilon / 8.0);
    vec![
        ("pgd", Box::new(Pgd { ball, steps: 20, step_size, restarts, seed })),
        ("apgd-ce", apgd(ApgdLoss::CrossEntropy)),
        ("apgd-dlr", apgd(ApgdLoss::DifferenceOfLogitsRatio)),
        ("square", Box::new(Square { ball, queries: 501, restarts, seed })),
    ]
}

#[test]
fn perturbations_are_torchattacks_pixel_by_pixel() {
    let fixture = Fixture::read("attacks.safetensors");
    let net = model(32);
    let images = numbers(&[6, 3, 32, 32], 100).affine(0.5, 0.5).unwrap();
    let labels = fixture.get("shapesnet.labels");
    let indices = [0, 1, 2, 3, 4, 5];
    let victims = Victims { images: &images, labels, indices: &indices, targets: None };
    for (name, attack) in deterministic(4.0) {
        let made = attack.perturb(&net, &victims).unwrap();
        let change = flat(&((made - &images).unwrap() * 255.0).unwrap());
        let expected = fixture.get(&format!("shapesnet.{name}"));
        let expected = flat(&expected.to_dtype(candle_core::DType::F32).unwrap());
        // What half precision keeps of a change in pixel levels.
        let close = |(ours, theirs): (&f32, &f32)| {
            (ours - theirs).abs() <= 2e-3_f32.max(2e-3 * theirs.abs())
        };
        let share = change.iter().zip(&expected).filter(|&pair| close(pair)).count() as f64
            / expected.len() as f64;
        // The sign of a gradient that nearly vanishes may differ, and what differs once leads
        // elsewhere: iterated signs agree less.
        let least = match name {
            "fgsm" => 0.995,
            "bim" | "mim" => 0.98,
            _ => 0.97,
        };
        println!("{name}: {:.3} % of the pixels are torchattacks'", share * 100.0);
        assert!(share >= least, "{name}: only {share} of the pixels agree");
        assert!(expected.iter().any(|change| *change != 0.0));
    }
}

/// A published network and the first test images with their labels; none without the data.
fn published(name: &str, count: usize) -> Option<(Model, Tensor, Tensor)> {
    let images = data("cifar-10-subset")?;
    let weights = |file: &str| -> Option<PathBuf> { data(&format!("weights/{file}")) };
    let convs = "'conv 16 4 stride=2 padding=1', 'relu', 'conv 32 4 stride=2 padding=1', 'relu'";
    let tail = "'flatten', 'linear 100', 'relu', 'linear 10'";
    let plain = |convs: &str, mean: &str, std: &str| {
        format!("arch = 'sequential'\nlayers = [{convs}, {tail}]\nmean = {mean}\nstd = {std}")
    };
    let (file, model) = match name {
        "resnet20" => ("cifar10-resnet/resnet20-12fca82f.th", "arch = 'resnet20'".to_owned()),
        "wide" => (
            "cifar10-robust/cifar_wide.pth",
            plain(convs, "[0.485, 0.456, 0.406]", "[0.225, 0.225, 0.225]"),
        ),
        "cnn_a_adv" => (
            "cifar10-robust/cifar_cnn_a_adv.model",
            plain(convs, "[0.4914, 0.4824, 0.4467]", "[0.2471, 0.2435, 0.2616]"),
        ),
        other => panic!("no network {other}"),
    };
    let text = format!(
        "device = 'cpu'\n[data]\nformat = 'cifar10'\npath = '{}'\nlimit = {count}\n[model]\n{model}\n\
         weights = '{}'\n[evaluate]",
        images.display(),
        weights(file)?.display()
    );
    let mut spec = Document::parse("test", &text).unwrap().spec().unwrap();
    let runs = PathBuf::from(".");
    let opened = build::resolve(&mut spec, &runs).unwrap();
    let model = build::network(&spec, 3, &runs).unwrap();
    let examples: Vec<_> =
        (0..count).map(|index| opened.test.example(index).unwrap().pixels).collect();
    let pixels: Vec<f32> =
        examples.into_iter().flatten().map(|level| f32::from(level) / 255.0).collect();
    let images = Tensor::from_vec(pixels, (count, 3, 32, 32), &Device::Cpu).unwrap();
    let labels: Vec<u32> = (0..count).map(|index| opened.test.label(index)).collect();
    Some((model, images, Tensor::from_vec(labels, count, &Device::Cpu).unwrap()))
}

fn holding(model: &Model, images: &Tensor, labels: &Tensor) -> u32 {
    let found = model.forward(images, Mode::Evaluate, &[]).unwrap().logits.argmax(1).unwrap();
    found.eq(labels).unwrap().to_vec1::<u8>().unwrap().into_iter().map(u32::from).sum()
}

fn number(fixture: &Fixture, name: &str) -> u32 {
    fixture.get(name).to_vec1::<u32>().unwrap()[0]
}

#[test]
fn as_many_images_hold_out_as_against_torchattacks() {
    let fixture = Fixture::read("attacks.safetensors");
    for (name, whole) in [("wide", 100), ("cnn_a_adv", 100), ("resnet20", 20)] {
        let Some((net, all_images, all_labels)) = published(name, whole) else { return };
        let clean = number(&fixture, &format!("{name}.clean"));
        assert_eq!(holding(&net, &all_images, &all_labels), clean);
        let all = deterministic(8.0).into_iter().map(|attack| (attack, true));
        for ((attack_name, attack), draws_nothing) in
            all.chain(random(8.0).into_iter().map(|attack| (attack, false)))
        {
            // One by one is slow in Python.
            let count = if attack_name == "cw" { 20 } else { whole };
            let images = all_images.narrow(0, 0, count).unwrap();
            let labels = all_labels.narrow(0, 0, count).unwrap();
            let indices: Vec<usize> = (0..count).collect();
            let victims =
                Victims { images: &images, labels: &labels, indices: &indices, targets: None };
            let made = attack.perturb(&net, &victims).unwrap();
            let (ours, theirs) = (
                holding(&net, &made, &labels),
                number(&fixture, &format!("{name}.{attack_name}.holding")),
            );
            println!("{name} {attack_name}: {ours} of {count} hold out, torchattacks {theirs}");
            // Of 1,000 images two may differ, so of these one; random ones by what is to be
            // expected of two samples.
            let share = f64::from(theirs) / count as f64;
            let interval = 1.96 * (2.0 * share * (1.0 - share) * count as f64).sqrt();
            let allowed = if draws_nothing { 1.0 } else { interval.max(1.0) };
            assert!(
                f64::from(ours.abs_diff(theirs)) <= allowed,
                "{name} {attack_name}: {ours} of {count} hold out, torchattacks {theirs}"
            );
            let change = (&made - &images).unwrap().flatten_from(1).unwrap();
            if attack_name == "fgsm" {
                let signs = fixture.get(&format!("{name}.fgsm.signs")).flatten_all().unwrap();
                // Stored as bytes: 255 is −1.
                let signs: Vec<u8> = signs.to_vec1().unwrap();
                let change: Vec<f32> = change.flatten_all().unwrap().to_vec1().unwrap();
                let same = change.iter().zip(&signs).filter(|&(&change, &sign)| {
                    let expected = f32::from(sign.cast_signed());
                    if change == 0.0 { sign == 0 } else { change.signum() == expected }
                });
                let share = same.count() as f64 / signs.len() as f64;
                println!("{name} fgsm: {:.3} % of the pixels go the same way", share * 100.0);
                assert!(share >= 0.995, "{name}: {share}");
            }
            if let "deepfool" | "cw" = attack_name {
                let ours: Vec<f32> =
                    change.sqr().unwrap().sum(1).unwrap().sqrt().unwrap().to_vec1().unwrap();
                let theirs: Vec<f32> =
                    fixture.get(&format!("{name}.{attack_name}.lengths")).to_vec1().unwrap();
                let close = |(a, b): &(&f32, &f32)| (*a - *b).abs() <= 0.01 * b.max(0.01);
                let share = ours.iter().zip(&theirs).filter(close).count() as f64 / count as f64;
                let mean = |all: &[f32]| all.iter().sum::<f32>() / count as f32;
                println!(
                    "{name} {attack_name}: mean length {:.4}, torchattacks {:.4}; {:.1} % within 1 %",
                    mean(&ours),
                    mean(&theirs),
                    share * 100.0
                );
                assert!(share >= 0.9, "{name} {attack_name}: only {share} of the lengths agree");
            }
        }
    }
}
