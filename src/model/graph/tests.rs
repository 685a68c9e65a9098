//! Gradients of whole networks against finite differences: input, parameters, taps.

use candle_core::{Device, Result, Tensor};

use crate::model::arch::sequential::{Layer, Pool};
use crate::model::{Arch, Mode, Model, ModelConfig, Wanted, build};
use crate::ops::init::Init;

const ALL: Wanted = Wanted { input: true, parameters: true, taps: true };

fn random(name: &str, shape: &[usize]) -> Tensor {
    let values = Init::Within(1.0).values(shape, name, 1);
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn sequential(layers: Vec<Layer>, classes: usize, image_size: usize) -> Model {
    let config = ModelConfig {
        classes,
        channels: 1,
        image_size,
        mean: vec![0.5],
        std: vec![0.25],
        seed: 1,
        layers,
    };
    let model = build(Arch::Sequential, config, &Device::Cpu).unwrap();
    // Away from the values that hide mistakes: gamma 1, beta 0, mean 0, variance 1.
    for (parameter, centre) in model
        .parameters()
        .trainable()
        .iter()
        .map(|parameter| (parameter, 0.0))
        .chain(model.parameters().buffers().iter().map(|buffer| (buffer, 1.0)))
    {
        let is_norm = parameter.var.rank() == 1;
        let drawn = random(&parameter.name, parameter.var.dims());
        let value = if is_norm { drawn.affine(0.3, 0.8 + centre) } else { Ok(drawn) };
        parameter.var.set(&value.unwrap()).unwrap();
    }
    model
}

/// Smooth in everything: no ReLU and no max, so that differences are exact enough.
fn smooth() -> Vec<Layer> {
    let pool = Pool { kernel: 3, stride: 2, padding: 1, ceil: true };
    let conv = |outputs, kernel, groups, bias| Layer::Conv {
        outputs,
        kernel,
        stride: 1,
        padding: 1,
        dilation: 1,
        groups,
        bias,
    };
    vec![
        conv(4, 3, 1, true),
        Layer::AvgPool(pool),
        conv(6, 2, 2, true),
        Layer::BatchNorm,
        Layer::AdaptiveAvgPool { size: 3 },
        Layer::Flatten,
        Layer::Linear { outputs: 5 },
        Layer::BatchNorm,
        Layer::Linear { outputs: 3 },
    ]
}

/// Σ direction · logits + Σ direction · tap².
fn loss(logits: &Tensor, taps: &[Tensor]) -> Result<Tensor> {
    let mut sum = (logits * random("logits", logits.dims()))?.sum_all()?;
    for tap in taps {
        sum = (sum + (tap.sqr()? * random("tap", tap.dims()))?.sum_all()?)?;
    }
    Ok(sum)
}

/// Compares a gradient with central differences at up to 24 places.
fn assert_differences(
    what: &str,
    gradient: &Tensor,
    value: &Tensor,
    loss_at: impl Fn(&Tensor) -> f64,
) {
    const STEP: f32 = 1e-2;
    let (gradient, values) = (flat(gradient), flat(value));
    let largest = gradient.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    assert!(largest > 1e-4, "{what}: nothing to compare");
    for place in (0..values.len()).step_by(values.len().div_ceil(24)) {
        let at = |step: f32| {
            let mut moved = values.clone();
            moved[place] += step;
            loss_at(&Tensor::from_vec(moved, value.dims(), &Device::Cpu).unwrap())
        };
        let difference = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
        let error = (difference - f64::from(gradient[place])).abs();
        assert!(
            error <= 1e-2 * f64::from(largest),
            "{what}, number {place}: {} by the pass, {difference} by differences",
            gradient[place]
        );
    }
}

fn check(model: &Model, mode: Mode, taps: &[&str]) {
    let size = model.config().image_size;
    let images = random("images", &[3, 1, size, size]).affine(0.5, 0.5).unwrap();
    let pass = model.record(&images, mode, taps, ALL).unwrap();
    let objective = loss(&pass.logits, &pass.taps).unwrap();
    let gradients = pass.backward(&objective).unwrap();
    let loss_of = |images: &Tensor| -> f64 {
        let output = model.forward(images, mode, taps).unwrap();
        f64::from(loss(&output.logits, &output.taps).unwrap().to_scalar::<f32>().unwrap())
    };
    assert_differences("input", &gradients.input.unwrap(), &images, loss_of);
    assert_eq!(gradients.parameters.len(), model.parameters().trainable().len());
    for (gradient, parameter) in gradients.parameters.iter().zip(model.parameters().trainable()) {
        let value = parameter.var.as_detached_tensor().copy().unwrap();
        let largest = flat(gradient.as_ref().unwrap()).iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        if largest < 1e-3 {
            // A bias whose batch normalisation takes it away again.
            assert!(mode != Mode::Evaluate && parameter.name.ends_with("bias"));
            continue;
        }
        assert_differences(&parameter.name, gradient.as_ref().unwrap(), &value, |moved| {
            parameter.var.set(moved).unwrap();
            let loss = loss_of(&images);
            parameter.var.set(&value).unwrap();
            loss
        });
    }
    for (name, gradient) in taps.iter().zip(&gradients.taps) {
        assert_eq!(gradient.as_ref().unwrap().rank(), 4, "{name}");
    }
}

#[test]
fn a_plain_networks_gradients_agree_with_differences_in_both_modes() {
    for mode in [Mode::Evaluate, Mode::Train { step: 3 }] {
        check(&sequential(smooth(), 3, 6), mode, &["2", "conv1"]);
    }
}

#[test]
fn dropout_passes_the_gradient_where_it_lets_numbers_through() {
    let mut layers = smooth();
    layers.insert(6, Layer::Dropout { probability: 0.4 });
    check(&sequential(layers, 3, 6), Mode::Train { step: 5 }, &[]);
}

#[test]
fn the_gradient_of_a_tap_is_that_of_what_follows_it() {
    let model = sequential(smooth(), 3, 6);
    let images = random("images", &[2, 1, 6, 6]);
    let wanted = Wanted { taps: true, ..Wanted::default() };
    let pass = model.record(&images, Mode::Evaluate, &["conv2"], wanted).unwrap();
    let maps = pass.taps[0].detach();
    let objective = loss(&pass.logits, &[]).unwrap();
    let gradients = pass.backward(&objective).unwrap();
    assert!(gradients.input.is_none() && gradients.parameters.is_empty());
    let gradient = gradients.taps[0].as_ref().unwrap();
    assert_differences("conv2", gradient, &maps, |maps| {
        let logits = model.forward_from("conv2", maps).unwrap();
        f64::from(loss(&logits, &[]).unwrap().to_scalar::<f32>().unwrap())
    });
}

#[test]
fn a_loss_on_maps_alone_reaches_what_lies_before_them_and_nothing_else() {
    let model = sequential(smooth(), 3, 6);
    let images = random("images", &[2, 1, 6, 6]);
    let pass = model.record(&images, Mode::Train { step: 0 }, &["conv1"], ALL).unwrap();
    let objective = pass.taps[0].sqr().unwrap().sum_all().unwrap();
    let gradients = pass.backward(&objective).unwrap();
    assert!(gradients.input.is_some());
    for (gradient, parameter) in gradients.parameters.iter().zip(model.parameters().trainable()) {
        assert_eq!(gradient.is_some(), parameter.name.starts_with("0."), "{}", parameter.name);
    }
}

#[test]
fn a_residual_networks_gradients_agree_with_differences() {
    let config = ModelConfig {
        classes: 4,
        channels: 1,
        image_size: 8,
        mean: vec![0.5],
        std: vec![0.5],
        seed: 2,
        layers: Vec::new(),
    };
    let model = build(Arch::Resnet20, config, &Device::Cpu).unwrap();
    let images = random("images", &[4, 1, 8, 8]).affine(0.5, 0.5).unwrap();
    let pass = model.record(&images, Mode::Evaluate, &["layer2.0", "layer3.2"], ALL).unwrap();
    let objective = loss(&pass.logits, &pass.taps).unwrap();
    let gradients = pass.backward(&objective).unwrap();
    // Along the gradient itself: a step so small that hardly any ReLU changes its mind, in the
    // direction where the difference is largest.
    let loss_of = || -> f64 {
        let taps = ["layer2.0", "layer3.2"];
        let output = model.forward(&images, Mode::Evaluate, &taps).unwrap();
        f64::from(loss(&output.logits, &output.taps).unwrap().to_scalar::<f32>().unwrap())
    };
    for (gradient, parameter) in gradients.parameters.iter().zip(model.parameters().trainable()) {
        let gradient = gradient.as_ref().unwrap();
        let square: f32 = gradient.sqr().unwrap().sum_all().unwrap().to_scalar().unwrap();
        let length = f64::from(square).sqrt();
        let value = parameter.var.as_detached_tensor().copy().unwrap();
        let at = |step: f64| {
            let moved = (&value + (gradient * (step / length)).unwrap()).unwrap();
            parameter.var.set(&moved).unwrap();
            let loss = loss_of();
            parameter.var.set(&value).unwrap();
            loss
        };
        let difference = (at(2e-3) - at(-2e-3)) / 4e-3;
        assert!(
            (difference / length - 1.0).abs() < 3e-2,
            "{}: length {length}, by differences {difference}",
            parameter.name
        );
    }
}

#[test]
fn what_needs_more_than_the_maps_cannot_start_from_them() {
    let config = ModelConfig {
        classes: 4,
        channels: 3,
        image_size: 64,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
        seed: 2,
        layers: Vec::new(),
    };
    let model = build(Arch::Alexnet, config, &Device::Cpu);
    assert!(model.unwrap().forward_from("nowhere", &random("maps", &[1, 1, 2, 2])).is_err());
}
