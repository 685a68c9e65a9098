//! How fast and how lean networks compute here, beside PyTorch where a Python with torch is found
//! (`PYTHON` names another one).
//!
//! `cargo bench --bench table` prints medians of alternating runs in one process each, and ratios;
//! nothing is asserted. `cargo bench --bench table -- convolution` adds single layers, any other
//! word keeps the steps that contain it.
#![allow(clippy::print_stdout, missing_docs)]

mod pytorch;
mod steps;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use pytorch::PyTorch;

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Alternations of each measurement; the median is printed.
const ROUNDS: usize = 7;

/// What is measured: the step's name on both sides, what it is to people, gate and goal as
/// PyTorch's time over ours.
const STEPS: [(&str, &str, f64, f64); 9] = [
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
    let word = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let asked = |name: &str| word.as_deref().is_none_or(|word| name.contains(word));
    let threads = rayon::current_num_threads();
    println!("{}, {threads} threads", glassbox::device::describe_cpu());
    let python = pytorch::find();
    if python.is_none() {
        println!("no Python with torch and torchvision here (PYTHON names one): ours alone");
    }
    let mut reference = python.as_ref().map(|p| PyTorch::start(p, threads)).transpose()?;

    println!("\n{:42} {:>9} {:>9} {:>6}   gate  goal", "", "ours", "PyTorch", "ratio");
    for (name, title, gate, goal) in STEPS.iter().filter(|step| asked(step.0)) {
        let line = compare(name, reference.as_mut())?;
        println!("{title:42} {line}   {gate:4.2}  {goal:4.1}");
    }
    if word.as_deref() == Some("convolution") {
        println!();
        for layer in LAYERS {
            for direction in ["forward", "input", "weight"] {
                let line =
                    compare(&format!("convolution {direction} {layer}"), reference.as_mut())?;
                println!("{:42} {line}", format!("{direction} {layer}"));
            }
        }
        return Ok(());
    }
    println!(
        "\n{:42} {:>9} {:>9} {:>6}   gate  goal",
        "memory a step adds", "ours", "PyTorch", "ratio"
    );
    for (name, title, ..) in STEPS.iter().filter(|step| asked(step.0)) {
        let ours = memory_of(name)? / 1e6;
        print!("{title:42} {ours:6.0} MB");
        match &python {
            Some(python) => {
                let theirs = pytorch::memory(python, threads, name)? / 1e6;
                println!(" {theirs:6.0} MB {:6.2}   1.00   0.6", ours / theirs);
            }
            None => println!(),
        }
    }
    Ok(())
}

/// Both sides in turns: medians and PyTorch's time over ours.
fn compare(name: &str, mut reference: Option<&mut PyTorch>) -> anyhow::Result<String> {
    let mut step = steps::make(name)?;
    steps::time(&mut step)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(steps::time(&mut step)? * 1e3);
        if let Some(reference) = &mut reference {
            theirs.push(reference.time(name)? * 1e3);
        }
    }
    let ours = median(&mut ours);
    if theirs.is_empty() {
        return Ok(format!("{ours:6.1} ms"));
    }
    let theirs = median(&mut theirs);
    Ok(format!("{ours:6.1} ms {theirs:6.1} ms {:6.2}", theirs / ours))
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
    let mut step = steps::make(name)?;
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
