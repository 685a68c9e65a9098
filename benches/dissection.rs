//! Network Dissection's second pass, intersections and unions of every neuron with every concept,
//! beside NetDissect-Lite's method: the same feature maps (SqueezeNet's `features.12`, 512 neurons of
//! 13 × 13), thresholds and label maps (photographs in Broden's format); seconds, and whether both
//! find the same. Maps and labels lie in memory, on both sides.
//!
//! `cargo bench --bench dissection -- IMAGES`, of 375; all by itself. Needs the real data below
//! `$GLASSBOX_TEST_DATA`, and for the other half a Python (`PYTHON` names one) with NumPy, Pillow and
//! safetensors.
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use candle_core::{Device, Tensor};
use glassbox::data::Dataset;
use glassbox::data::labelled::{Broden, Labelled, Labels, open_broden};
use glassbox::model::{Arch, Mode, ModelConfig, build, weights};
use glassbox::neuron::dissection::{Dissection, Vocabulary};
use glassbox::neuron::quantile::TopQuantiles;

/// The workbench's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 32;
const TAP: &str = "features.12";
const ABOVE: f64 = 0.005;
const IOU: f64 = 0.04;
/// The faster of so many passes counts, on our side; the other side takes long enough as it is.
const PASSES: usize = 3;

fn main() -> anyhow::Result<()> {
    let asked = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let limit: usize = asked.map_or(Ok(0), |count| count.parse())?;
    let root = std::env::var_os("GLASSBOX_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("broden-mini");
    let data = open_broden(&folder, 227, 3, limit)?;
    let (maps, [neurons, height, width]) = maps_of(&root, &data)?;
    let (images, positions) = (data.len(), height * width);
    let mut quantiles = TopQuantiles::new(neurons, ABOVE, (images * positions) as u64);
    quantiles.add_maps(&maps, positions);
    let thresholds: Vec<f32> = (0..neurons)
        .map(|neuron| quantiles.threshold(neuron).context("a neuron without a value"))
        .collect::<anyhow::Result<_>>()?;
    let labels: Vec<Labels> =
        (0..images).map(|index| data.labels(index)).collect::<glassbox::error::Result<_>>()?;
    let vocabulary = Vocabulary {
        categories: data.categories().len(),
        category_of: data.concepts().iter().map(|concept| concept.category).collect(),
    };
    let threads = rayon::current_num_threads();
    println!(
        "{}, {threads} threads; {images} images, {neurons} neurons of {height} × {width}, {} concepts",
        glassbox::device::describe_cpu(),
        vocabulary.category_of.len()
    );

    let pass = || {
        let begun = Instant::now();
        let mut dissection = Dissection::new(thresholds.clone(), &vocabulary, false);
        for first in (0..images).step_by(BATCH) {
            let indices: Vec<usize> = (first..images.min(first + BATCH)).collect();
            let values = neurons * positions;
            let of_batch = &maps[first * values..(first + indices.len()) * values];
            let own = &labels[first..first + indices.len()];
            dissection.add(of_batch, [height, width], &indices, own, &[]);
        }
        let iou = dissection.iou();
        (begun.elapsed().as_secs_f64(), iou, dissection)
    };
    let (mut seconds, iou, dissection) = pass();
    (1..PASSES).for_each(|_| seconds = seconds.min(pass().0));
    println!("ours             {seconds:9.3} s {:9.0} images/s", images as f64 / seconds);

    let shared = std::env::temp_dir().join(format!("glassbox-dissection-{}", std::process::id()));
    std::fs::create_dir_all(&shared)?;
    let file = shared.join("maps.safetensors");
    let tensors = HashMap::from([
        ("maps", Tensor::from_vec(maps, (images, neurons, height, width), &Device::Cpu)?),
        ("thresholds", Tensor::from_vec(thresholds, neurons, &Device::Cpu)?),
        ("iou", Tensor::from_vec(iou, (neurons, vocabulary.category_of.len()), &Device::Cpu)?),
    ]);
    let theirs = candle_core::safetensors::save(&tensors, &file)
        .map_err(anyhow::Error::from)
        .and_then(|()| theirs(&folder, &file, threads));
    std::fs::remove_dir_all(&shared)?;
    match theirs {
        Ok([theirs, worst, ratio]) => {
            println!("NetDissect-Lite's {theirs:8.3} s {:9.0} images/s", images as f64 / theirs);
            println!("time: {:.1} times as fast", theirs / seconds);
            let own = dissection.ratio(IOU).last().copied().unwrap_or_default();
            println!("IoU differs by at most {worst:.1e}; ratio {own:.4}, theirs {ratio:.4}");
        }
        Err(error) => eprintln!("the other half did not run: {error:#}"),
    }
    Ok(())
}

/// Feature maps `[images, neurons, height, width]` of the pretrained network.
fn maps_of(root: &Path, data: &Broden) -> anyhow::Result<(Vec<f32>, [usize; 3])> {
    let config = ModelConfig {
        classes: 1000,
        channels: 3,
        image_size: 227,
        mean: [123.0, 117.0, 104.0].map(|level: f64| level / 255.0).to_vec(),
        std: vec![1.0; 3],
        seed: 1,
        layers: Vec::new(),
    };
    let file = "weights/imagenet-squeezenet/squeezenet1_0-deep-compression.pth";
    let read = weights::read(&root.join(file), &Device::Cpu)?;
    let model = build(Arch::Squeezenet10, config, &Device::Cpu)?;
    model.parameters().load(read.tensors)?;
    let tap = model.taps().iter().find(|tap| tap.name == TAP).context("no such tap")?;
    let shape = tap.shape;
    let mut maps = Vec::with_capacity(data.len() * shape.iter().product::<usize>());
    for first in (0..data.len()).step_by(BATCH) {
        let indices = first..data.len().min(first + BATCH);
        let count = indices.len();
        let mut pixels = Vec::with_capacity(count * 3 * 227 * 227);
        for index in indices {
            let levels = data.example(index)?.pixels;
            pixels.extend(levels.into_iter().map(|level| f32::from(level) / 255.0));
        }
        let images = Tensor::from_vec(pixels, (count, 3, 227, 227), &Device::Cpu)?;
        let output = model.forward(&images, Mode::Evaluate, &[TAP])?;
        let found = output.taps.first().context("no map")?;
        maps.extend(found.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok((maps, shape))
}

/// Seconds, the largest difference of intersections over unions, the ratio of all.
fn theirs(folder: &Path, file: &Path, threads: usize) -> anyhow::Result<[f64; 3]> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/dissection_bench.py");
    let output = Command::new(&python)
        .arg(script)
        .args([folder, file])
        .arg(threads.to_string())
        .output()
        .with_context(|| format!("{}", python.to_string_lossy()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(text.clone())?;
    <[f64; 3]>::try_from(numbers).map_err(|_| anyhow::anyhow!("no three numbers: {text}"))
}
