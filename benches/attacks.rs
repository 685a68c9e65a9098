//! Robust accuracy and speed of every attack, beside torchattacks' on the same networks and images
//! with the same parameters.
//!
//! `cargo bench --bench attacks -- NETWORK IMAGES [WORD]`: NETWORK is resnet20, cnn_a_adv, wide, base,
//! deep or conv_small; WORD keeps the attacks whose names contain it. Needs the real data below
//! `$GLASSBOX_TEST_DATA`, and for the other half a Python (`PYTHON` names one) with torchattacks.
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use candle_core::{Device, Tensor};
use glassbox::attack::{Attack, Victims};
use glassbox::job::build;
use glassbox::model::{Mode, Model};
use glassbox::spec::{Document, Spec};

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 100;

/// Attacks within a bound, as `bounded` of tests/reference/attack_table.py.
fn bounded(epsilon: f64) -> Vec<String> {
    let [quarter, eighth, tenth] = [4.0, 8.0, 10.0].map(|part| epsilon / part);
    vec![
        format!("method = 'fgsm', epsilon = {epsilon}"),
        format!("method = 'bim', epsilon = {epsilon}, steps = 10, step_size = {quarter}"),
        format!("method = 'pgd', epsilon = {epsilon}, steps = 20, step_size = {eighth}"),
        format!("method = 'mim', epsilon = {epsilon}, steps = 10, step_size = {tenth}"),
        format!("method = 'apgd-ce', epsilon = {epsilon}, steps = 30"),
        format!("method = 'apgd-dlr', epsilon = {epsilon}, steps = 30"),
        format!("method = 'square', epsilon = {epsilon}, queries = 501"),
    ]
}

/// Those that look for the smallest perturbation.
const SMALLEST: [&str; 2] =
    ["method = 'deepfool'", "method = 'cw', steps = 50, search_steps = 1, initial_c = 1"];

fn main() -> anyhow::Result<()> {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let name = words.first().map_or("cnn_a_adv", String::as_str);
    let count: usize = words.get(1).map_or(Ok(500), |count| count.parse())?;
    let only = words.get(2).map_or("", String::as_str);
    let data = std::env::var_os("GLASSBOX_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let spec = spec(name, count, &data)?;
    let model = build::network(&spec, 3, Path::new("."))?;
    let test = build::open_data(&spec)?.test;
    let mut pixels = Vec::new();
    for index in 0..test.len() {
        pixels.extend(test.example(index)?.pixels.iter().map(|&level| f32::from(level) / 255.0));
    }
    let images = Tensor::from_vec(pixels, (test.len(), 3, 32, 32), &Device::Cpu)?;
    let labels: Vec<u32> = (0..test.len()).map(|index| test.label(index)).collect();
    let labels = Tensor::from_vec(labels, test.len(), &Device::Cpu)?;
    let set = Set { images, labels };

    let threads = rayon::current_num_threads();
    println!(
        "{}, {threads} threads; {name}, {} images",
        glassbox::device::describe_cpu(),
        set.len()?
    );
    let clean = set.right(&model, &set.images)?;
    let clean = clean.iter().filter(|right| **right).count() as f64 / clean.len() as f64;
    println!("clean: {:.1} %", clean * 100.0);
    let theirs = theirs(&data, name, count, threads, only);
    println!("\nattack    epsilon     ours  torchattacks   images/s ours  torchattacks  ratio");
    for epsilon in [2.0, 4.0, 8.0] {
        for keys in bounded(epsilon) {
            let (attack_name, attack) = made(&spec, &keys)?;
            if attack_name.contains(only) {
                let (right, _, speed) = set.run(&model, &*attack)?;
                line(&attack_name, epsilon, share(&right), speed, &theirs);
            }
        }
    }
    for keys in SMALLEST {
        let (attack_name, attack) = made(&spec, keys)?;
        if !attack_name.contains(only) {
            continue;
        }
        let (right, lengths, speed) = set.run(&model, &*attack)?;
        for epsilon in [64.0, 128.0, 255.0] {
            let holds: Vec<bool> = right
                .iter()
                .zip(&lengths)
                .map(|(right, length)| *right || *length > epsilon)
                .collect();
            line(&attack_name, epsilon, share(&holds), speed, &theirs);
        }
    }
    Ok(())
}

fn share(of: &[bool]) -> f64 {
    of.iter().filter(|holds| **holds).count() as f64 / of.len().max(1) as f64
}

/// Accuracy and images a second by attack and epsilon.
type Table = HashMap<(String, String), (f64, f64)>;

fn line(name: &str, epsilon: f64, robust: f64, speed: f64, theirs: &Table) {
    print!("{name:9} {epsilon:7} {:7.1} %", robust * 100.0);
    match theirs.get(&(name.to_owned(), epsilon.to_string())) {
        Some((other, other_speed)) => println!(
            " {:11.1} % {speed:15.1} {other_speed:13.1} {:6.2}",
            other * 100.0,
            speed / other_speed
        ),
        None => println!(" {:>13} {speed:15.1}", "–"),
    }
}

struct Set {
    images: Tensor,
    labels: Tensor,
}

impl Set {
    fn len(&self) -> anyhow::Result<usize> {
        Ok(self.images.dim(0)?)
    }

    fn right(&self, model: &Model, images: &Tensor) -> anyhow::Result<Vec<bool>> {
        let mut right = Vec::new();
        for start in (0..self.len()?).step_by(BATCH) {
            let size = BATCH.min(self.len()? - start);
            let logits =
                model.forward(&images.narrow(0, start, size)?, Mode::Evaluate, &[])?.logits;
            let same = logits.argmax(1)?.eq(&self.labels.narrow(0, start, size)?)?;
            right.extend(same.to_vec1::<u8>()?.into_iter().map(|same| same == 1));
        }
        Ok(right)
    }

    /// Whether each image holds out, how long its perturbation is (times 255), images a second.
    fn run(
        &self,
        model: &Model,
        attack: &dyn Attack,
    ) -> anyhow::Result<(Vec<bool>, Vec<f64>, f64)> {
        let begun = Instant::now();
        let mut made = Vec::new();
        for start in (0..self.len()?).step_by(BATCH) {
            let size = BATCH.min(self.len()? - start);
            let (images, labels) =
                (self.images.narrow(0, start, size)?, self.labels.narrow(0, start, size)?);
            let indices: Vec<usize> = (start..start + size).collect();
            let victims =
                Victims { images: &images, labels: &labels, indices: &indices, targets: None };
            made.push(attack.perturb(model, &victims)?);
        }
        let speed = self.len()? as f64 / begun.elapsed().as_secs_f64();
        let made = Tensor::cat(&made, 0)?;
        let change = (&made - &self.images)?.flatten_from(1)?;
        let lengths = change.sqr()?.sum(1)?.sqrt()?.to_vec1::<f32>()?;
        let lengths = lengths.into_iter().map(|length| f64::from(length) * 255.0).collect();
        Ok((self.right(model, &made)?, lengths, speed))
    }
}

fn spec(name: &str, count: usize, data: &Path) -> anyhow::Result<Spec> {
    let cnn_a = "'conv 16 4 stride=2 padding=1', 'relu', 'conv 32 4 stride=2 padding=1', 'relu'";
    let base = "'conv 8 4 stride=2 padding=1', 'relu', 'conv 16 4 stride=2 padding=1', 'relu'";
    let deep = "'conv 8 4 stride=2 padding=1', 'relu', 'conv 8 3 padding=1', 'relu', \
                'conv 8 3 padding=1', 'relu', 'conv 8 4 stride=2 padding=1', 'relu'";
    let small = "'conv 16 4 stride=2', 'relu', 'conv 32 4 stride=2', 'relu'";
    let usual = ["[0.485, 0.456, 0.406]", "[0.225, 0.225, 0.225]"];
    let of_cnn_a = ["[0.4914, 0.4824, 0.4467]", "[0.2471, 0.2435, 0.2616]"];
    let of_small = ["[0.4914, 0.4822, 0.4465]", "[0.2023, 0.1994, 0.2010]"];
    let (file, layers, [mean, std]) = match name {
        "resnet20" => ("cifar10-resnet/resnet20-12fca82f.th", "", [""; 2]),
        "cnn_a_adv" => ("cifar10-robust/cifar_cnn_a_adv.model", cnn_a, of_cnn_a),
        "wide" => ("cifar10-robust/cifar_wide.pth", cnn_a, usual),
        "base" => ("cifar10-robust/cifar_base.pth", base, usual),
        "deep" => ("cifar10-robust/cifar_deep.pth", deep, usual),
        "conv_small" => ("cifar10-robust/cifar_conv_small_pgd.pth", small, of_small),
        other => bail!("no network '{other}'"),
    };
    let model = if layers.is_empty() {
        "arch = 'resnet20'".to_owned()
    } else {
        format!(
            "arch = 'sequential'\nmean = {mean}\nstd = {std}\n\
             layers = [{layers}, 'flatten', 'linear 100', 'relu', 'linear 10']"
        )
    };
    let text = format!(
        "device = 'cpu'\n[data]\nformat = 'cifar10'\npath = '{}'\nlimit = {count}\n[model]\n{model}\n\
         weights = '{}'\n[evaluate]",
        data.join("cifar-10-subset").display(),
        data.join("weights").join(file).display()
    );
    let document =
        Document::parse("bench", &text).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let mut spec = document.spec().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    build::resolve(&mut spec, Path::new(".")).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(spec)
}

/// The attack of these keys, by the way every run takes, and its name.
fn made(spec: &Spec, keys: &str) -> anyhow::Result<(String, Box<dyn Attack>)> {
    let text = format!("[evaluate]\nattacks = [{{ {keys} }}]");
    let document =
        Document::parse("bench", &text).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let asked = document.spec().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let how = asked.evaluate.context("no [evaluate]")?.attacks.remove(0);
    Ok((glassbox::spec::word(how.method), build::attack(spec, &how, Path::new("."))?))
}

/// What torchattacks comes to; nothing where there is no Python with it.
fn theirs(data: &Path, name: &str, count: usize, threads: usize, only: &str) -> Table {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/attack_table.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(data)
        .args([name, &count.to_string(), &threads.to_string(), only])
        .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            eprintln!("torchattacks did not run:\n{}", String::from_utf8_lossy(&output.stderr));
            return Table::new();
        }
        Err(error) => {
            eprintln!("no Python ({error}): ours alone");
            return Table::new();
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let row = |line: &str| {
        let [name, epsilon, robust, speed] = line.split(' ').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(((name.into(), epsilon.into()), (robust.parse().ok()?, speed.parse().ok()?)))
    };
    text.lines().filter_map(row).collect()
}
