//! Every operator on the first card beside the same on the CPU, over random shapes. Where no card
//! opens they say so and pass.

use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::unfolded;
use crate::device::DeviceName;
use crate::ops::check::{assert_close, random};
use crate::ops::precision::{self, Precision};
use crate::ops::{self, Activation, AveragePool2d, BatchNorm, Conv2d, Epilogue, MaxPool2d};

/// Relative errors allowed forward and for gradients, in f32.
const FORWARD: f64 = 1e-4;
const GRADIENT: f64 = 1e-3;

/// The precision is the whole process's: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The first card, in f32, until the guard is let go.
fn card(test: &str) -> Option<(Device, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    precision::set(Precision::F32);
    match DeviceName::Cuda(vec![0]).open() {
        Ok(device) => Some((device, turn)),
        Err(error) => {
            println!("skipped: {test} needs a graphics card; {}", error.message);
            None
        }
    }
}

/// Holds a result from the card against the CPU's.
fn same(on_card: &Result<Tensor>, on_cpu: &Result<Tensor>, tolerance: f64) {
    let (on_card, on_cpu) = (on_card.as_ref().unwrap(), on_cpu.as_ref().unwrap());
    assert!(on_card.device().is_cuda() && on_cpu.device().is_cpu());
    assert_close(&on_card.to_device(&Device::Cpu).unwrap(), on_cpu, tolerance);
}

/// A convolution and the shapes of its arguments: `[batch, height, width, inputs]`, `[outputs,
/// kernel_h, kernel_w, inputs / groups]`.
fn convolutions() -> Vec<(Conv2d, [usize; 4], [usize; 4])> {
    let mut draw = ChaCha8Rng::seed_from_u64(7);
    let mut random = || {
        let mut between = |from: usize, to: usize| draw.random_range(from..=to);
        let groups = between(1, 3);
        let kernel = [between(1, 5), between(1, 5)];
        let conv = Conv2d {
            stride: [between(1, 3), between(1, 3)],
            padding: [between(0, 2), between(0, 2)],
            dilation: [between(1, 2), between(1, 2)],
            groups,
        };
        let inputs = groups * between(1, 9);
        let outputs = groups * between(1, 9);
        let maps = [between(1, 4), between(9, 20), between(9, 20), inputs];
        (conv, maps, [outputs, kernel[0], kernel[1], inputs / groups])
    };
    let mut cases: Vec<_> = (0..24).map(|_| random()).collect();
    let conv = |stride, padding| Conv2d {
        stride: [stride; 2],
        padding: [padding; 2],
        ..Conv2d::default()
    };
    // Those of the networks that matter most.
    cases.extend([
        (conv(1, 1), [4, 32, 32, 64], [64, 3, 3, 64]),
        (conv(2, 0), [4, 16, 16, 64], [128, 1, 1, 64]),
        (conv(1, 0), [4, 16, 16, 64], [32, 1, 1, 64]),
        (conv(4, 2), [2, 64, 64, 3], [64, 11, 11, 3]),
        (conv(2, 3), [2, 64, 64, 3], [64, 7, 7, 3]),
    ]);
    cases
}

#[test]
fn convolutions_are_the_cpus_in_all_three_directions() {
    let Some((card, _turn)) = card("convolution") else { return };
    for (conv, maps, weight) in convolutions() {
        let (size, kernel) = ([maps[1], maps[2]], [weight[1], weight[2]]);
        let Ok(out) = conv.output_size(size, kernel) else { continue };
        let outputs = [maps[0], out[0], out[1], weight[0]];
        let here = [
            random("maps", &maps),
            random("weight", &weight),
            random("grad", &outputs),
            random("scale", &[weight[0]]),
            random("shift", &[weight[0]]),
        ];
        let there = here.each_ref().map(|tensor| tensor.to_device(&card).unwrap());
        let run = |[maps, weight, grad, scale, shift]: &[Tensor; 5]| {
            let after = Epilogue {
                scale: Some(scale),
                shift: Some(shift),
                residual: Some(grad),
                activation: Activation::Relu,
            };
            [
                conv.forward(maps, weight, &Epilogue::default()),
                conv.forward(maps, weight, &after),
                conv.input_gradient(grad, weight, size),
                conv.weight_gradient(grad, maps, kernel),
            ]
        };
        let (there_results, here_results) = (run(&there), run(&here));
        for (index, (there, here)) in there_results.iter().zip(&here_results).enumerate() {
            same(there, here, if index < 2 { FORWARD } else { GRADIENT });
        }
        // The way without cuDNN.
        let g = conv.geometry(maps[0], size, maps[3], here[1].shape()).unwrap();
        let [maps, weight, grad, ..] = &there;
        same(&unfolded::forward(&g, maps, weight), &here_results[0], FORWARD);
        same(&unfolded::input_gradient(&g, grad, weight), &here_results[2], GRADIENT);
        same(&unfolded::weight_gradient(&g, grad, maps), &here_results[3], GRADIENT);
    }
}

#[test]
fn less_precision_is_near_and_not_the_same() {
    let Some((card, _turn)) = card("precision") else { return };
    let (conv, maps, weight) = (
        Conv2d { padding: [1, 1], ..Conv2d::default() },
        random("maps", &[4, 16, 16, 64]),
        random("weight", &[64, 3, 3, 64]),
    );
    let expected = conv.forward(&maps, &weight, &Epilogue::default()).unwrap();
    let (maps, weight) = (maps.to_device(&card).unwrap(), weight.to_device(&card).unwrap());
    for (precision, tolerance) in [(Precision::Tf32, 5e-3), (Precision::Bf16, 3e-2)] {
        precision::set(precision);
        let found = conv.forward(&maps, &weight, &Epilogue::default()).unwrap();
        let features = maps.reshape((256, 256)).unwrap();
        let product = ops::linear(&features, &features, None, Activation::None).unwrap();
        precision::set(Precision::F32);
        assert_eq!(found.dtype(), DType::F32);
        let found = found.to_device(&Device::Cpu).unwrap();
        assert_close(&found, &expected, tolerance);
        let features = features.to_device(&Device::Cpu).unwrap();
        let exact = ops::linear(&features, &features, None, Activation::None).unwrap();
        assert_close(&product.to_device(&Device::Cpu).unwrap(), &exact, tolerance);
        let differences = (found - &expected).unwrap().abs().unwrap();
        let largest = differences.max_all().unwrap().to_scalar::<f32>().unwrap();
        // f32 alone would be within a few units of its own last place.
        assert!(precision == Precision::Tf32 || largest > 1e-4, "{precision:?} changed nothing");
    }
}

#[test]
fn batch_normalisation_is_the_cpus() {
    let Some((card, _turn)) = card("batch normalisation") else { return };
    let norm = BatchNorm { epsilon: 1e-5 };
    for shape in [[4, 9, 7, 5], [2, 1, 1, 33], [8, 32, 32, 64], [3, 5, 5, 1]] {
        let channels = shape[3];
        let positive = |name| (random(name, &[channels]) + 1.5).unwrap();
        let here = [
            (random("maps", &shape) + 3.0).unwrap(),
            random("residual", &shape),
            random("grad", &shape),
            positive("gamma"),
            random("beta", &[channels]),
            random("mean", &[channels]),
            positive("var"),
        ];
        let there = here.each_ref().map(|tensor| tensor.to_device(&card).unwrap());
        let run = |tensors: &[Tensor; 7]| -> Result<Vec<Tensor>> {
            let [maps, residual, grad, gamma, beta, mean, var] = tensors;
            let activation = Activation::Relu;
            let (output, statistics) =
                norm.forward(maps, gamma, beta, Some(residual), activation)?;
            let grads = norm.backward(maps, gamma, &statistics, grad)?;
            let (mean, var) = (Var::from_tensor(mean)?, Var::from_tensor(var)?);
            statistics.update(&mean, &var, 0.1)?;
            let (mean, var) = (mean.as_detached_tensor(), var.as_detached_tensor());
            let (scale, shift) = norm.frozen(gamma, beta, &mean, &var)?;
            let known = ops::Statistics::known(&mean, &var)?;
            let of_known = norm.backward(maps, gamma, &known, grad)?;
            Ok(vec![
                output,
                mean,
                var,
                scale,
                shift,
                grads.input,
                grads.gamma,
                grads.beta,
                of_known.gamma,
                of_known.beta,
            ])
        };
        let (there, here) = (run(&there).unwrap(), run(&here).unwrap());
        for (index, (there, here)) in there.into_iter().zip(here).enumerate() {
            same(&Ok(there), &Ok(here), if index < 5 { FORWARD } else { GRADIENT });
        }
    }
}

#[test]
fn pooling_is_the_cpus() {
    let Some((card, _turn)) = card("pooling") else { return };
    for (size, kernel, stride, padding, ceil_mode) in [
        ([13, 11], [3, 3], [2, 2], [0, 0], false),
        ([14, 12], [3, 2], [2, 1], [1, 1], false),
        ([7, 9], [3, 3], [2, 2], [1, 1], true),
        ([10, 7], [3, 3], [1, 1], [1, 1], false),
        ([9, 5], [2, 4], [3, 2], [1, 2], true),
    ] {
        // With equals among them.
        let maps = (random("maps", &[3, size[0], size[1], 5]) * 3.0).unwrap().round().unwrap();
        let max = MaxPool2d { kernel, stride, padding, ceil_mode };
        let out = max.output_size(size).unwrap();
        let grad = random("grad", &[3, out[0], out[1], 5]);
        let run = |maps: &Tensor, grad: &Tensor| -> Result<Vec<Tensor>> {
            let (pooled, winners) = max.forward(maps)?;
            let back = max.input_gradient(grad, &winners, size)?;
            let mut all = vec![pooled, back];
            for count_include_pad in [false, true] {
                let average =
                    AveragePool2d { kernel, stride, padding, ceil_mode, count_include_pad };
                all.push(average.forward(maps)?);
                all.push(average.input_gradient(grad, size)?);
            }
            let pooled = ops::adaptive_average_pool(maps, [6, 4])?;
            all.push(ops::adaptive_average_pool_gradient(&pooled, size)?);
            all.push(pooled);
            Ok(all)
        };
        let here = run(&maps, &grad).unwrap();
        let there = run(&maps.to_device(&card).unwrap(), &grad.to_device(&card).unwrap()).unwrap();
        for (there, here) in there.into_iter().zip(here) {
            same(&Ok(there), &Ok(here), 1e-5);
        }
    }
}

#[test]
fn the_small_operators_are_the_cpus() {
    let Some((card, _turn)) = card("elementwise operators") else { return };
    let shape = [3, 8, 5, 6];
    let here = [
        random("maps", &shape),
        random("other", &shape),
        random("scale", &[6]),
        random("shift", &[6]),
        random("features", &[17, 40]),
        random("weight", &[23, 40]),
        random("bias", &[23]),
        random("of outputs", &[17, 23]),
    ];
    let there = here.each_ref().map(|tensor| tensor.to_device(&card).unwrap());
    let run = |tensors: &[Tensor; 8]| -> Result<Vec<Tensor>> {
        let [maps, other, scale, shift, features, weight, bias, grad] = tensors;
        let apart = ops::split(maps, &[1, 3, 2])?;
        Ok(vec![
            ops::relu(maps)?,
            ops::relu_gradient(maps, other)?,
            ops::add(maps, other)?,
            ops::channel_affine(maps, scale, shift, Activation::Relu)?,
            ops::channel_scale(maps, scale)?,
            ops::channel_sum(maps)?,
            ops::to_channels_first(maps)?,
            ops::to_channels_last(maps)?,
            ops::concat(&[maps, other])?,
            apart[0].clone(),
            apart[1].clone(),
            apart[2].clone(),
            ops::dropout(features, 0.4, 5)?,
            ops::dropout_gradient(features, 0.4, 5)?,
            ops::linear(features, weight, Some(bias), Activation::Relu)?,
            ops::linear(features, weight, None, Activation::None)?,
            ops::linear_input_gradient(grad, weight)?,
            ops::linear_weight_gradient(grad, features)?,
        ])
    };
    for (there, here) in run(&there).unwrap().into_iter().zip(run(&here).unwrap()) {
        same(&Ok(there), &Ok(here), FORWARD);
    }
    // More than one stream of random numbers is for.
    let ones = Tensor::ones((3, 11_003), DType::F32, &Device::Cpu).unwrap();
    let there = ops::dropout(&ones.to_device(&card).unwrap(), 0.3, 9).unwrap();
    same(&Ok(there), &ops::dropout(&ones, 0.3, 9), 0.0);
    let nan = Tensor::full(f32::NAN, (1, 1), &card).unwrap();
    assert!(ops::relu(&nan).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
}

#[test]
fn cross_entropy_is_the_cpus_and_refuses_what_is_no_class() {
    let Some((card, _turn)) = card("cross-entropy") else { return };
    let logits = (random("logits", &[9, 13]) * 20.0).unwrap();
    let labels: Vec<u32> = (0..9).map(|at| at * 5 % 13).collect();
    let run = |device: &Device, smoothing: f64| -> Result<Vec<Tensor>> {
        let logits = Var::from_tensor(&logits.to_device(device)?)?;
        let labels = Tensor::new(labels.as_slice(), device)?;
        let each = ops::cross_entropy_per_image(&logits, &labels, smoothing)?;
        let mean = ops::cross_entropy(&logits, &labels, smoothing)?;
        let of_each = each.sum_all()?.backward()?.remove(&logits);
        let of_mean = mean.backward()?.remove(&logits);
        Ok(vec![each.detach(), mean.detach(), of_each.unwrap(), of_mean.unwrap()])
    };
    for smoothing in [0.0, 0.1] {
        let (there, here) = (run(&card, smoothing).unwrap(), run(&Device::Cpu, smoothing).unwrap());
        for (there, here) in there.into_iter().zip(here) {
            same(&Ok(there), &Ok(here), FORWARD);
        }
    }
    let none = Tensor::new(&[13_u32; 9], &card).unwrap();
    assert!(ops::cross_entropy(&logits.to_device(&card).unwrap(), &none, 0.0).is_err());
}
