//! Weights that people have, in our networks, on real photographs: right on as many as
//! `SOURCES.md`, beside the data, says of PyTorch.

use std::path::Path;

use candle_core::Device;
use glassbox::attack::evaluate::Accuracy;
use glassbox::attack::{Clean, Victims};
use glassbox::data::{Loader, LoaderConfig};
use glassbox::job::build;
use glassbox::spec::Document;

use crate::real;

/// How many of the test images a spec's network has right: at first, and among five.
fn right(spec: &str) -> [usize; 2] {
    let mut spec = Document::parse("test", spec).unwrap().spec().unwrap();
    let runs = Path::new(".");
    let opened = build::resolve(&mut spec, runs).unwrap_or_else(|error| panic!("{error}"));
    let model = build::network(&spec, 3, runs).unwrap();
    let mut accuracy = Accuracy::default();
    for batch in Loader::new(LoaderConfig::new(opened.test, 50)).unwrap() {
        let batch = batch.unwrap();
        let images = batch.images.to_device(&Device::Cpu).unwrap();
        let victims = Victims {
            images: &images,
            labels: &batch.labels,
            indices: &batch.indices,
            targets: None,
        };
        accuracy.add(&model, &Clean, &victims).unwrap();
    }
    assert_eq!(accuracy.images, 1000);
    [accuracy.first, accuracy.among_five]
}

#[test]
fn cifar_resnets_are_right_as_often_as_in_pytorch() {
    let Some(data) = real("cifar-10-subset") else { return };
    for (arch, file, expected) in [
        ("resnet20", "resnet20-12fca82f.th", 915),
        ("resnet32", "resnet32-d509ac18.th", 928),
        ("resnet44", "resnet44-014dd654.th", 933),
        ("resnet56", "resnet56-4bfd9763.th", 926),
    ] {
        let Some(weights) = real(&format!("weights/cifar10-resnet/{file}")) else { return };
        // Mean and deviation are the architecture's.
        let spec = format!(
            "[data]\nformat = 'cifar10'\npath = '{}'\n[model]\narch = '{arch}'\nweights = '{}'\n\
             [evaluate]",
            data.display(),
            weights.display()
        );
        assert_eq!(right(&spec)[0], expected, "{arch}");
    }
}

#[test]
fn plain_networks_are_right_as_often_as_in_pytorch() {
    let Some(data) = real("cifar-10-subset") else { return };
    let small = "[0.4914, 0.4822, 0.4465]";
    let usual = ("[0.485, 0.456, 0.406]", "[0.225, 0.225, 0.225]");
    let two = |first: &str, second: &str| {
        format!("'conv {first}', 'relu', 'conv {second}', 'relu', 'flatten'")
    };
    let wide = two("16 4 stride=2 padding=1", "32 4 stride=2 padding=1");
    let deep = "'conv 8 4 stride=2 padding=1', 'relu', 'conv 8 3 padding=1', 'relu', \
                'conv 8 3 padding=1', 'relu', 'conv 8 4 stride=2 padding=1', 'relu', 'flatten'";
    let cnn_a = ("[0.4914, 0.4824, 0.4467]", "[0.2471, 0.2435, 0.2616]");
    for (file, convs, (mean, std), expected) in [
        ("cifar_cnn_a_adv.model", wide.clone(), cnn_a, 664),
        ("cifar_cnn_a_mix.model", wide.clone(), cnn_a, 760),
        ("cifar_wide.pth", wide, usual, 636),
        ("cifar_base.pth", two("8 4 stride=2 padding=1", "16 4 stride=2 padding=1"), usual, 611),
        ("cifar_deep.pth", deep.to_owned(), usual, 565),
        (
            "cifar_conv_small_pgd.pth",
            two("16 4 stride=2", "32 4 stride=2"),
            (small, "[0.2023, 0.1994, 0.2010]"),
            630,
        ),
    ] {
        let Some(weights) = real(&format!("weights/cifar10-robust/{file}")) else { return };
        let spec = format!(
            "[data]\nformat = 'cifar10'\npath = '{}'\n[model]\narch = 'sequential'\n\
             weights = '{}'\nlayers = [{convs}, 'linear 100', 'relu', 'linear 10']\n\
             mean = {mean}\nstd = {std}\n[evaluate]",
            data.display(),
            weights.display()
        );
        assert_eq!(right(&spec)[0], expected, "{file}");
    }
}
