//! Fashion-MNIST's training images through three taps of shapesnet: each neuron's nine most exciting
//! images and its dissection threshold, in one pass, beside PyTorch's with the same weights; seconds,
//! memory, and whether both find the same.
//!
//! `cargo bench --bench neurons -- IMAGES`, of 60,000; 10,000 by itself. Needs the real data below
//! `$GLASSBOX_TEST_DATA`, and for the other half a Python (`PYTHON` names one) with PyTorch and
//! safetensors.
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use candle_core::{Device, Tensor};
use glassbox::data::{Dataset, idx};
use glassbox::model::{Arch, Mode, Model, ModelConfig, build, weights};
use glassbox::neuron::activation::Maxima;
use glassbox::neuron::quantile::TopQuantiles;
use glassbox::neuron::top::TopImages;

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 100;
const TOP: usize = 9;
const ABOVE: f64 = 0.005;
const TAPS: [&str; 3] = ["conv2", "conv4", "conv5"];

/// What is kept of a tap.
struct Layer {
    top: TopImages,
    quantiles: TopQuantiles,
    neurons: usize,
}

/// One side's outcome.
struct Outcome {
    seconds: f64,
    peak: f64,
    /// By tap: the sum of the activations found, and of the thresholds.
    sums: Vec<[f64; 2]>,
}

fn main() -> anyhow::Result<()> {
    let asked = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let count: usize = asked.map_or(Ok(10_000), |count| count.parse())?;
    let data = std::env::var_os("GLASSBOX_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let (train, _) = idx::open(&data.join("fashion-mnist"), None, None)?;
    let count = count.min(train.len());
    let config = ModelConfig {
        classes: 10,
        channels: 1,
        image_size: 28,
        mean: vec![0.5],
        std: vec![0.25],
        seed: 1,
        layers: Vec::new(),
    };
    let model = build(Arch::Shapesnet, config, &Device::Cpu)?;
    let threads = rayon::current_num_threads();
    let cpu = glassbox::device::describe_cpu();
    println!("{cpu}, {threads} threads; shapesnet 28×28, {count} images, taps {}", TAPS.join(", "));

    let ours = ours(&model, &train, count)?;
    let folder = std::env::temp_dir().join(format!("glassbox-neurons-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("shapesnet.safetensors");
    let written = weights::write(&file, &model, &[]);
    let theirs =
        written.map_err(anyhow::Error::from).and_then(|()| theirs(&data, &file, count, threads));
    std::fs::remove_dir_all(&folder)?;
    let rate = |outcome: &Outcome| count as f64 / outcome.seconds;
    println!(
        "ours     {:9.2} s {:9.0} images/s, peak {:6.0} MB",
        ours.seconds,
        rate(&ours),
        ours.peak / 1e6
    );
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => {
            eprintln!("PyTorch did not run: {error:#}");
            return Ok(());
        }
    };
    println!(
        "PyTorch  {:9.2} s {:9.0} images/s, peak {:6.0} MB",
        theirs.seconds,
        rate(&theirs),
        theirs.peak / 1e6
    );
    println!(
        "time: {:.2} times as fast; memory: {:.2} of PyTorch's",
        theirs.seconds / ours.seconds,
        ours.peak / theirs.peak
    );
    for ((tap, ours), theirs) in TAPS.iter().zip(&ours.sums).zip(&theirs.sums) {
        let off = |at: usize| (ours[at] / theirs[at] - 1.0).abs();
        println!("{tap}: activations differ by {:.1e}, thresholds by {:.1e}", off(0), off(1));
    }
    Ok(())
}

fn ours(model: &Model, train: &dyn Dataset, count: usize) -> anyhow::Result<Outcome> {
    let mut layers = Vec::new();
    for name in TAPS {
        let tap = model.taps().iter().find(|tap| tap.name == name).context("no such tap")?;
        let [neurons, height, width] = tap.shape;
        layers.push(Layer {
            top: TopImages::new(neurons, TOP),
            quantiles: TopQuantiles::new(neurons, ABOVE, (count * height * width) as u64),
            neurons,
        });
    }
    let begun = Instant::now();
    for first in (0..count).step_by(BATCH) {
        let indices: Vec<usize> = (first..count.min(first + BATCH)).collect();
        let mut pixels = Vec::with_capacity(indices.len() * 28 * 28);
        for &index in &indices {
            pixels
                .extend(train.example(index)?.pixels.iter().map(|&level| f32::from(level) / 255.0));
        }
        let images = Tensor::from_vec(pixels, (indices.len(), 1, 28, 28), &Device::Cpu)?;
        let output = model.forward(&images, Mode::Evaluate, &TAPS)?;
        let predictions = output.logits.argmax(1)?.to_vec1::<u32>()?;
        for (layer, maps) in layers.iter_mut().zip(&output.taps) {
            let (_, _, height, width) = maps.dims4()?;
            let maps = maps.flatten_all()?.to_vec1::<f32>()?;
            let maxima = Maxima::of(&maps, layer.neurons, width, height * width);
            layer.top.offer_batch(&indices, &predictions, &maxima);
            layer.quantiles.add_maps(&maps, height * width);
        }
        if [count / 4, count]
            .iter()
            .any(|&mark| (first..first + BATCH).contains(&mark.saturating_sub(1)))
        {
            let bytes: usize = layers.iter().map(|layer| layer.quantiles.bytes()).sum();
            println!(
                "after {} images: {:.0} MB held, {:.1} MB of them histograms",
                first + indices.len(),
                status("VmRSS")? / 1e6,
                bytes as f64 / 1e6
            );
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let sums = layers.iter().map(|layer| {
        let ranked = layer.top.neurons().iter().flatten();
        let thresholds = (0..layer.neurons).filter_map(|neuron| layer.quantiles.threshold(neuron));
        [
            ranked.map(|ranked| f64::from(ranked.activation.value)).sum(),
            thresholds.map(f64::from).sum(),
        ]
    });
    Ok(Outcome { seconds, peak: status("VmHWM")?, sums: sums.collect() })
}

fn theirs(data: &Path, file: &Path, count: usize, threads: usize) -> anyhow::Result<Outcome> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/neurons_bench.py");
    let output = Command::new(&python)
        .arg(script)
        .args([data, file])
        .args([count.to_string(), threads.to_string()])
        .args(TAPS)
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let [seconds, peak] = lines.next().unwrap_or_default()[..] else { bail!("no times: {text}") };
    let sums = lines.map(|line| match line[..] {
        [_, activations, thresholds] => Ok([activations.parse()?, thresholds.parse()?]),
        _ => bail!("no sums: {text}"),
    });
    Ok(Outcome {
        seconds: seconds.parse()?,
        peak: peak.parse()?,
        sums: sums.collect::<anyhow::Result<_>>()?,
    })
}

/// Bytes of a line of the process's status.
fn status(key: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(key)).context("no such line")?;
    let kilobytes = line.split_whitespace().nth(1).context("no number")?;
    Ok(kilobytes.parse::<f64>()? * 1024.0)
}
