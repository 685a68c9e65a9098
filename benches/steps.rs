//! How fast shapesnet computes here: our operators beside candle's own, in one process, in turns.
//!
//! `cargo bench --bench steps` prints medians and ratios; nothing is asserted.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor, Var};
use glassbox::model::{Arch, Mode, Model, ModelConfig, Wanted, build};
use glassbox::ops::cross_entropy;
use glassbox::ops::init::Init;

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Repetitions of each measurement; the median is printed.
const ROUNDS: usize = 7;

fn main() -> anyhow::Result<()> {
    println!("{}", glassbox::device::describe_cpu());
    networks()
}

fn random(name: &str, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(Init::Uniform { fan_in: 1 }.values(shape, name, 1), shape, &Device::Cpu)
}

/// Median seconds of each candidate, measured in turns after one warm-up each.
fn medians<const N: usize>(
    mut candidates: [&mut dyn FnMut() -> Result<()>; N],
) -> Result<[f64; N]> {
    let mut times = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (times, candidate) in times.iter_mut().zip(&mut candidates) {
            let start = Instant::now();
            candidate()?;
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    Ok(times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }))
}

/// The same network in candle's own operators.
struct Stock {
    parameters: HashMap<String, Var>,
    convs: usize,
}

impl Stock {
    /// With the weights of `model`.
    fn of(model: &Model) -> Result<Self> {
        let tensors = model.parameters().to_tensors()?.into_iter();
        let parameters: Result<_> =
            tensors.map(|(name, tensor)| Ok((name, Var::from_tensor(&tensor)?))).collect();
        Ok(Self { parameters: parameters?, convs: model.taps().len() })
    }

    fn logits(&self, images: &Tensor, mode: Mode) -> Result<Tensor> {
        let get = |name: &str| -> Result<Tensor> {
            match self.parameters.get(name) {
                Some(var) if mode == Mode::Evaluate => Ok(var.as_detached_tensor()),
                Some(var) => Ok(var.as_tensor().clone()),
                None => candle_core::bail!("no parameter {name}"),
            }
        };
        let mut x = ((images - 0.5)? / 0.25)?;
        for index in 1..=self.convs {
            let weight = get(&format!("conv{index}.weight"))?;
            let stride = if index == 1 && images.dim(3)? > 40 { 2 } else { 1 };
            if index > 2 {
                x = x.max_pool2d(2)?;
            }
            x = x.conv2d(&weight, weight.dim(3)? / 2, stride, 1, 1)?;
            let column = |name: &str| -> Result<Tensor> {
                get(&format!("bn{index}.{name}"))?.reshape((1, (), 1, 1))
            };
            let (mean, var) = match mode {
                Mode::Train { .. } => {
                    let mean = x.mean_keepdim((0, 2, 3))?;
                    let var = x.broadcast_sub(&mean)?.sqr()?.mean_keepdim((0, 2, 3))?;
                    (mean, var)
                }
                Mode::Evaluate | Mode::Frozen { .. } => {
                    (column("running_mean")?, column("running_var")?)
                }
            };
            let scale = column("weight")?.div(&(var + 1e-5)?.sqrt()?)?;
            let scaled = x.broadcast_sub(&mean)?.broadcast_mul(&scale)?;
            x = scaled.broadcast_add(&column("bias")?)?.relu()?;
        }
        x.mean((2, 3))?.matmul(&get("fc.weight")?.t()?)?.broadcast_add(&get("fc.bias")?)
    }
}

fn networks() -> anyhow::Result<()> {
    println!("\nshapesnet, batch 64, images a second         ours   candle   ratio");
    for (size, channels) in [(64, 3), (32, 3), (28, 1)] {
        let config = ModelConfig {
            classes: 16,
            channels,
            image_size: size,
            mean: vec![0.5; channels],
            std: vec![0.25; channels],
            seed: 1,
            layers: Vec::new(),
        };
        let model = build(Arch::Shapesnet, config, &Device::Cpu)?;
        let stock = Stock::of(&model)?;
        let images = random("images", &[64, channels, size, size])?.affine(0.5, 0.5)?;
        let labels = Tensor::arange(0_u32, 64, &Device::Cpu)?.to_dtype(DType::F32)?;
        let labels = (labels / 4.0)?.to_dtype(DType::U32)?;
        let training = Mode::Train { step: 0 };
        let ours = |mode, wanted| -> Result<()> {
            let pass = model.record(&images, mode, &[], wanted)?;
            let loss = cross_entropy(&pass.logits, &labels, 0.0)?;
            pass.backward(&loss).map(|_| ())
        };
        let candle = |images: &Tensor, mode| stock.logits(images, mode);
        let rate = |what: &str, [ours, candle]: [f64; 2]| {
            println!(
                "{size}×{size}×{channels} {what:30} {:10.0} {:8.0}   {:5.2}",
                64.0 / ours,
                64.0 / candle,
                candle / ours
            );
        };
        let backward =
            |logits: Result<Tensor>| cross_entropy(&logits?, &labels, 0.0)?.backward().map(|_| ());
        rate(
            "forward",
            medians([
                &mut || model.forward(&images, Mode::Evaluate, &[]).map(|_| ()),
                &mut || candle(&images, Mode::Evaluate).map(|_| ()),
            ])?,
        );
        rate(
            "forward and backward",
            medians([&mut || ours(training, Wanted::PARAMETERS), &mut || {
                backward(candle(&images, training))
            }])?,
        );
        let input = Var::from_tensor(&images)?;
        rate(
            "gradient for the image (FGSM)",
            medians([&mut || ours(Mode::Evaluate, Wanted::INPUT), &mut || {
                backward(candle(&input, Mode::Evaluate))
            }])?,
        );
    }
    Ok(())
}
