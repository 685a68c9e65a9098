//! How fast and how lean networks compute here, beside PyTorch where a Python with torch is found
//! (`PYTHON` names another one).
//!
//! `cargo bench --bench table` prints medians of alternating runs in one process each, and ratios;
//! nothing is asserted. `cargo bench --bench table -- convolution` adds single layers, any other
//! word keeps the steps that contain it. `--device cuda:0` measures a graphics card, both sides on
//! it, in turns and waiting for it (build with `--features cuda,cudnn`); `--precision f32`, `tf32`
//! or `bf16` says how exactly, tf32 by itself.
#![allow(clippy::print_stdout, missing_docs)]

mod pytorch;
mod steps;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use candle_core::Device;
use glassbox::device::DeviceName;
use glassbox::ops::Precision;
use pytorch::PyTorch;

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Alternations of each measurement; the median is printed.
const ROUNDS: usize = 7;

/// Runs before it, as in `steps.py`.
const WARM_UP: usize = 1;

/// What is measured: the step's name on both sides, what it is to people, gate and goal as
/// PyTorch's time over ours.
type Line = (&'static str, &'static str, f64, f64);

const STEPS: [Line; 9] = [
    ("train resnet18_small 16 32", "train step, ResNet-18 32×32, batch 16", 0.8, 1.3),
    ("train alexnet 8 224", "train step, AlexNet 224, batch 8", 0.8, 1.3),
    ("fgsm resnet18_small 16 32", "FGSM, ResNet-18 32×32, batch 16", 0.9, 2.0),
    ("fgsm alexnet 8 224", "FGSM, AlexNet 224, batch 8", 0.9, 2.0),
    ("fgsm resnet18 8 224", "FGSM, ResNet-18 224, batch 8", 0.9, 2.0),
    ("forward resnet18_small 16 32", "forward, ResNet-18 32×32, batch 16", 0.85, 1.5),
    ("forward resnet18 8 224", "forward, ResNet-18 224, batch 8", 0.85, 1.5),
    ("forward vgg16 2 224", "forward, VGG-16 224, batch 2", 0.85, 1.5),
    ("forward alexnet 8 224", "forward, AlexNet 224, batch 8", 0.85, 1.5),
];

/// The same on a graphics card, with batches that fill it.
const CARD_STEPS: [Line; 11] = [
    ("train resnet18_small 256 32", "train step, ResNet-18 32×32, batch 256", 0.8, 1.0),
    ("train resnet18 64 224", "train step, ResNet-18 224, batch 64", 0.8, 1.0),
    ("train alexnet 128 224", "train step, AlexNet 224, batch 128", 0.8, 1.0),
    ("adversarial resnet18_small 256 32", "and 3 of PGD before, 32×32, batch 256", 0.8, 1.0),
    ("adversarial resnet18 64 224", "and 3 of PGD before, 224, batch 64", 0.8, 1.0),
    ("fgsm resnet18_small 256 32", "FGSM, ResNet-18 32×32, batch 256", 0.8, 1.0),
    ("fgsm resnet18 64 224", "FGSM, ResNet-18 224, batch 64", 0.8, 1.0),
    ("fgsm alexnet 128 224", "FGSM, AlexNet 224, batch 128", 0.8, 1.0),
    ("forward resnet18 64 224", "forward, ResNet-18 224, batch 64", 0.8, 1.0),
    ("forward vgg16 32 224", "forward, VGG-16 224, batch 32", 0.8, 1.0),
    ("forward alexnet 128 224", "forward, AlexNet 224, batch 128", 0.8, 1.0),
];

/// Layers of those networks: batch, inputs, size, outputs, kernel, stride, padding.
const LAYERS: [&str; 14] = [
    "16 64 32 64 3 1 1",
    "16 128 16 128 3 1 1",
    "16 256 8 256 3 1 1",
    "16 512 4 512 3 1 1",
    "16 64 32 128 3 2 1",
    "16 3 32 64 3 1 1",
    "8 3 224 64 11 4 2",
    "8 64 27 192 5 1 2",
    "8 384 13 256 3 1 1",
    "8 3 224 64 7 2 3",
    "8 64 56 64 3 1 1",
    "2 64 224 64 3 1 1",
    "2 256 56 256 3 1 1",
    "2 512 14 512 3 1 1",
];

/// Set for a process that runs one step to tell how much memory it takes.
const MEMORY: &str = "GLASSBOX_BENCH_MEMORY";

/// Tells the allocator to keep freed memory.
const KEEP: &str = "MIMALLOC_PURGE_DELAY";

fn main() -> anyhow::Result<()> {
    if let Ok(step) = std::env::var(MEMORY) {
        return memory(&step);
    }
    // As workers are started.
    if std::env::var_os(KEEP).is_none() {
        let again = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(KEEP, "-1")
            .env("MIMALLOC_ALLOW_THP", "0")
            .status()?;
        anyhow::ensure!(again.success(), "the benchmark failed");
        return Ok(());
    }
    let asked = Asked::read()?;
    let device = asked.device.open().map_err(|error| anyhow::anyhow!("{error}"))?;
    glassbox::ops::precision::set(asked.precision);
    let word = asked.word.as_deref();
    let contains = |name: &str| word.is_none_or(|word| name.contains(word));
    let threads = rayon::current_num_threads();
    let steps: &[Line] = if device.is_cpu() {
        println!("{}, {threads} threads", glassbox::device::describe_cpu());
        &STEPS
    } else {
        for card in glassbox::device::cards().unwrap_or_default() {
            println!("{}: {}", card.name, card.model);
        }
        let libraries = glassbox::device::cuda_libraries().unwrap_or_else(|missing| missing);
        println!("on {}, {}; {libraries}", asked.device, asked.precision_word());
        &CARD_STEPS
    };
    let python = pytorch::find();
    if python.is_none() {
        println!("no Python with torch and torchvision here (PYTHON names one): ours alone");
    }
    let how = [threads.to_string(), asked.device.to_string(), asked.precision_word().to_owned()];
    let mut reference = python.as_ref().map(|p| PyTorch::start(p, &how)).transpose()?;

    println!("\n{:42} {:>9} {:>9} {:>6}   gate  goal", "", "ours", "PyTorch", "ratio");
    for (name, title, gate, goal) in steps.iter().filter(|step| contains(step.0)) {
        let line = compare(name, &device, reference.as_mut())?;
        println!("{title:42} {line}   {gate:4.2}  {goal:4.1}");
    }
    if word == Some("convolution") {
        println!();
        for layer in LAYERS {
            for direction in ["forward", "input", "weight"] {
                let name = format!("convolution {direction} {layer}");
                let line = compare(&name, &device, reference.as_mut())?;
                println!("{:42} {line}", format!("{direction} {layer}"));
            }
        }
        return Ok(());
    }
    if !device.is_cpu() {
        return Ok(());
    }
    println!(
        "\n{:42} {:>9} {:>9} {:>6}   gate  goal",
        "memory a step adds", "ours", "PyTorch", "ratio"
    );
    for (name, title, ..) in STEPS.iter().filter(|step| contains(step.0)) {
        let ours = memory_of(name)? / 1e6;
        print!("{title:42} {ours:6.0} MB");
        match &python {
            Some(python) => {
                let theirs = pytorch::memory(python, &how, name)? / 1e6;
                println!(" {theirs:6.0} MB {:6.2}   1.00   0.6", ours / theirs);
            }
            None => println!(),
        }
    }
    Ok(())
}

/// What the command line asks for.
struct Asked {
    word: Option<String>,
    device: DeviceName,
    precision: Precision,
}

impl Asked {
    fn read() -> anyhow::Result<Self> {
        let (mut word, mut device, mut precision) = (None, DeviceName::Cpu, None);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().context(format!("{argument} wants a value"));
            match argument.as_str() {
                "--device" => {
                    device = value()?.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
                }
                "--precision" => precision = Some(value()?),
                // Cargo's own.
                other if other.starts_with("--") => {}
                other => word = Some(other.to_owned()),
            }
        }
        let (device, _) = device.resolve();
        let precision = match (precision.as_deref(), &device) {
            (None | Some("f32"), DeviceName::Cpu) | (Some("f32"), _) => Precision::F32,
            (Some(_), DeviceName::Cpu) => anyhow::bail!("the CPU computes in f32 alone"),
            (None | Some("tf32"), _) => Precision::Tf32,
            (Some("bf16"), _) => Precision::Bf16,
            (Some(other), _) => anyhow::bail!("--precision {other}: expected f32, tf32 or bf16"),
        };
        Ok(Self { word, device, precision })
    }

    /// As `steps.py` reads it.
    fn precision_word(&self) -> &'static str {
        match self.precision {
            Precision::F32 => "f32",
            Precision::Tf32 => "tf32",
            Precision::Bf16 => "bf16",
        }
    }
}

/// Both sides in turns: medians and PyTorch's time over ours.
fn compare(
    name: &str,
    device: &Device,
    mut reference: Option<&mut PyTorch>,
) -> anyhow::Result<String> {
    let mut step = steps::make(name, device)?;
    for _ in 0..WARM_UP {
        steps::time(&mut step, device)?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(steps::time(&mut step, device)? * 1e3);
        if let Some(reference) = &mut reference {
            theirs.push(reference.time(name)? * 1e3);
        }
    }
    let ours = median(&mut ours);
    if theirs.is_empty() {
        return Ok(format!("{ours:6.2} ms"));
    }
    let theirs = median(&mut theirs);
    Ok(format!("{ours:6.2} ms {theirs:6.2} ms {:6.2}", theirs / ours))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bytes by which a fresh process of ours grows in three runs of `name`.
fn memory_of(name: &str) -> anyhow::Result<f64> {
    let program: PathBuf = std::env::current_exe()?;
    let output = Command::new(program).env(MEMORY, name).output()?;
    String::from_utf8(output.stdout)?.trim().parse().context("no figure from our own process")
}

fn memory(name: &str) -> anyhow::Result<()> {
    let before = status("VmRSS:")?;
    let mut step = steps::make(name, &Device::Cpu)?;
    for _ in 0..3 {
        step()?;
    }
    println!("{}", status("VmHWM:")? - before);
    Ok(())
}

/// A line of what Linux says of this process, in bytes.
fn status(key: &str) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.context("the memory of this process is not told here")?.trim().parse::<f64>()?
        * 1024.0)
}
