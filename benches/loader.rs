//! How fast images come in: `cargo bench --bench loader`. Compare rows with each other, the machine
//! decides the rest; `items/s` is images a second.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use glassbox::data::image_folder::{Options, open_whole};
use glassbox::data::{Augmentation, Class, Dataset, Example, Loader, LoaderConfig};
use glassbox::error::Result;
use image::{ImageBuffer, Rgb};

fn main() {
    divan::main();
}

/// CIFAR-sized images out of memory.
struct Small;

impl Dataset for Small {
    fn len(&self) -> usize {
        4096
    }
    fn example(&self, index: usize) -> Result<Example> {
        Ok(Example { pixels: vec![index as u8; 3 * 32 * 32], label: self.label(index) })
    }
    fn label(&self, index: usize) -> u32 {
        (index % 10) as u32
    }
    fn name(&self, index: usize) -> String {
        format!("{index}.png")
    }
    fn classes(&self) -> &[Class] {
        &[]
    }
    fn shape(&self) -> [usize; 3] {
        [3, 32, 32]
    }
}

fn drain(config: LoaderConfig) {
    for batch in Loader::new(config).unwrap() {
        divan::black_box(batch.unwrap());
    }
}

const CROP_AND_FLIP: &[Augmentation] = &[Augmentation::RandomCrop, Augmentation::HorizontalFlip];
const RESIZED_CROP: &[Augmentation] = &[Augmentation::RandomResizedCrop];

#[divan::bench(args = [(1, "plain"), (2, "plain"), (1, "crop+flip"), (1, "resized crop")])]
fn small_images(bencher: Bencher, (workers, augment): (usize, &str)) {
    let augment = match augment {
        "crop+flip" => CROP_AND_FLIP,
        "resized crop" => RESIZED_CROP,
        _ => &[],
    };
    let dataset: Arc<dyn Dataset> = Arc::new(Small);
    bencher.counter(ItemsCount::new(dataset.len())).bench(|| {
        drain(LoaderConfig {
            workers,
            augment: augment.to_vec(),
            ..LoaderConfig::new(Arc::clone(&dataset), 128)
        });
    });
}

/// Photographs of 500×375 to 224×224: decode, scale, cut.
#[divan::bench(args = [1, 2], sample_count = 20)]
fn photographs(bencher: Bencher, workers: usize) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("class")).unwrap();
    let photograph = ImageBuffer::from_fn(500, 375, |x: u32, y: u32| {
        let (fx, fy) = (f64::from(x) / 9.0, f64::from(y) / 7.0);
        let grain = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
        let level = 110.0 + 60.0 * fx.sin() + 50.0 * (fx + fy).cos() + f64::from(grain % 24);
        Rgb([level as u8, (level * 0.8) as u8, (255.0 - level) as u8])
    });
    for number in 0..32 {
        photograph.save(folder.path().join(format!("class/{number}.jpg"))).unwrap();
    }
    let options = Options { side: 224, resize: None, holdout: 0.0, seed: 0 };
    let (dataset, _) = open_whole(folder.path(), options).unwrap();
    let dataset: Arc<dyn Dataset> = Arc::new(dataset);
    bencher.counter(ItemsCount::new(dataset.len())).bench(|| {
        drain(LoaderConfig { workers, ..LoaderConfig::new(Arc::clone(&dataset), 16) });
    });
}
