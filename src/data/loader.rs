//! Batches made ahead on threads of their own, in a fixed order.
//!
//! Not on rayon's pool: that belongs to the maths. Each thread makes whole batches, so that nothing
//! but a finished batch changes hands, and may run only a few batches ahead of the reader.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use candle_core::{Device, Tensor};
use rand::Rng;

use super::augment::Changes;
use super::random::{Purpose, stream};
use super::{Augmentation, Batch, Dataset};
use crate::error::text::printable;
use crate::error::{Error, Result};

/// The order of the images in an epoch: a permutation of `0..len` that depends on `seed` and
/// `epoch` alone, or `0..len` as it is.
pub fn epoch_order(len: usize, seed: u64, epoch: u64, shuffle: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    if shuffle {
        shuffle_by(&mut order, &mut stream(Purpose::Order, seed, epoch, 0));
    }
    order
}

/// Fisher and Yates' shuffle. Not rand's, which may draw otherwise in its next version: a resumed
/// run must meet the same order.
pub(super) fn shuffle_by<T>(items: &mut [T], random: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        // 0..=last; the bias of one multiplication is below len / 2^64.
        let drawn = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(drawn as usize, last);
    }
}

/// What to do with an image that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamaged {
    /// Leave it out of its batch and put it on the [`DamageReport`].
    Skip,
    /// Stop with its error.
    Fail,
}

/// An image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The data set's name for it.
    pub name: String,
    /// The error's message; it names the file.
    pub reason: String,
}

/// The images of one split that could not be read, each counted once. Loaders share it.
#[derive(Debug, Default)]
pub struct DamageReport(Mutex<Damages>);

#[derive(Debug, Default)]
struct Damages {
    indices: BTreeSet<usize>,
    first: Vec<Damage>,
}

impl DamageReport {
    /// How many are kept with their reason.
    const KEPT: usize = 20;

    /// How many images.
    pub fn count(&self) -> usize {
        lock(&self.0).indices.len()
    }

    /// The first few that were met.
    pub fn first(&self) -> Vec<Damage> {
        lock(&self.0).first.clone()
    }

    fn add(&self, index: usize, name: &str, reason: String) {
        let mut damages = lock(&self.0);
        if damages.indices.insert(index) && damages.first.len() < Self::KEPT {
            damages.first.push(Damage { name: printable(name), reason });
        }
    }
}

/// What a [`Loader`] is to load.
pub struct LoaderConfig {
    /// Where the images come from.
    pub dataset: Arc<dyn Dataset>,
    /// Which images, in which order: [`epoch_order`], or a choice of one's own.
    pub order: Vec<usize>,
    /// Images a batch; the last one may have fewer.
    pub batch_size: usize,
    /// Applied in this order; empty for evaluation.
    pub augment: Vec<Augmentation>,
    /// With `epoch` and the image's index it decides what the augmentation draws.
    pub seed: u64,
    /// Counts the passes over the data.
    pub epoch: u64,
    /// Threads; 0 = one a core.
    pub workers: usize,
    /// Goes on at this batch (see [`Loader::position`]).
    pub start_batch: usize,
    /// What to do with an image that cannot be read.
    pub on_damaged: OnDamaged,
    /// Where such images are counted.
    pub damage: Arc<DamageReport>,
}

impl LoaderConfig {
    /// Every image once, in order, unchanged, damaged ones fatal; change what should differ.
    pub fn new(dataset: Arc<dyn Dataset>, batch_size: usize) -> Self {
        Self {
            order: (0..dataset.len()).collect(),
            dataset,
            batch_size,
            augment: Vec::new(),
            seed: 0,
            epoch: 0,
            workers: 0,
            start_batch: 0,
            on_damaged: OnDamaged::Fail,
            damage: Arc::default(),
        }
    }
}

/// Iterates over batches on the CPU. Dropping it stops its threads after the image each is at.
///
/// The same configuration gives the same batches, whatever the number of threads. After an error
/// it ends. A batch of which every image was left out is passed over.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Whether any image came out so far, or some were taken before `start_batch`.
    any: bool,
}

struct Shared {
    config: LoaderConfig,
    batches: usize,
    /// Batches that may be begun but not yet taken.
    ahead: usize,
    stop: AtomicBool,
    desk: Mutex<Desk>,
    /// A batch was taken: there is room for another.
    taken: Condvar,
    /// A batch was finished.
    finished: Condvar,
}

/// What the threads agree on.
struct Desk {
    /// The next batch nobody has begun.
    next: usize,
    /// The next batch the reader takes.
    position: usize,
    done: BTreeMap<usize, Result<Batch>>,
}

impl Loader {
    /// Starts the threads.
    pub fn new(config: LoaderConfig) -> Result<Self> {
        if config.batch_size == 0 {
            return Err(Error::bad_input("a batch of 0 images cannot be made")
                .hint("set the batch size to 1 or more"));
        }
        let batches = config.order.len().div_ceil(config.batch_size);
        let left = batches.saturating_sub(config.start_batch);
        let workers = match config.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let workers = workers.min(left);
        let start = config.start_batch.min(batches);
        let any = start > 0;
        let shared = Arc::new(Shared {
            batches,
            // One in the making for each thread and one ready.
            ahead: workers + 1,
            config,
            stop: AtomicBool::new(false),
            desk: Mutex::new(Desk { next: start, position: start, done: BTreeMap::new() }),
            taken: Condvar::new(),
            finished: Condvar::new(),
        });
        let mut loader = Self { shared, threads: Vec::with_capacity(workers), any };
        for number in 0..workers {
            let shared = Arc::clone(&loader.shared);
            let thread = thread::Builder::new()
                .name(format!("loader-{number}"))
                .spawn(move || shared.work())
                .map_err(|error| {
                    Error::failed(format!("failed to start a loading thread: {error}"))
                        .hint("set data.workers lower")
                })?;
            loader.threads.push(thread);
        }
        Ok(loader)
    }

    /// The number of the batch that comes next: as `start_batch` it makes another loader go on
    /// here.
    pub fn position(&self) -> usize {
        lock(&self.shared.desk).position
    }

    fn take_next(&self) -> Option<Result<Batch>> {
        let mut desk = lock(&self.shared.desk);
        if desk.position >= self.shared.batches {
            return None;
        }
        let position = desk.position;
        let batch = loop {
            if let Some(batch) = desk.done.remove(&position) {
                break batch;
            }
            desk = self.shared.finished.wait(desk).unwrap_or_else(PoisonError::into_inner);
        };
        desk.position += 1;
        if batch.is_err() {
            desk.position = self.shared.batches;
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        drop(desk);
        self.shared.taken.notify_all();
        Some(batch)
    }
}

impl Iterator for Loader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(batch) = self.take_next() else {
                let config = &self.shared.config;
                if self.any || config.order.is_empty() {
                    return None;
                }
                self.any = true; // say it once
                let first = config.damage.first().into_iter().next();
                let reason = first.map_or(String::new(), |damage| format!(": {}", damage.reason));
                return Some(Err(Error::bad_input(format!(
                    "none of the {} images could be read{reason}",
                    config.order.len()
                ))
                .hint("check data.path and data.format")));
            };
            match batch {
                Ok(batch) if batch.indices.is_empty() => {}
                batch => {
                    self.any = true;
                    return Some(batch);
                }
            }
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // With the lock held, so that no thread is between its look at `stop` and its sleep.
        drop(lock(&self.shared.desk));
        self.shared.taken.notify_all();
        for thread in self.threads.drain(..) {
            // A panic was caught where it happened and handed on as an error.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// One thread's life.
    fn work(&self) {
        while let Some(number) = self.claim() {
            let batch = catch_unwind(AssertUnwindSafe(|| self.make(number)))
                .unwrap_or_else(|panic| Err(Error::failed(panic_message(panic.as_ref()))));
            lock(&self.desk).done.insert(number, batch);
            self.finished.notify_one();
        }
    }

    /// The next batch to make, as soon as there is room for it.
    fn claim(&self) -> Option<usize> {
        let mut desk = lock(&self.desk);
        loop {
            if self.stop.load(Ordering::Relaxed) || desk.next >= self.batches {
                return None;
            }
            if desk.next < desk.position + self.ahead {
                desk.next += 1;
                return Some(desk.next - 1);
            }
            desk = self.taken.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn make(&self, number: usize) -> Result<Batch> {
        let config = &self.config;
        let begin = number * config.batch_size;
        let end = (begin + config.batch_size).min(config.order.len());
        let wanted = &config.order[begin..end];
        let shape = config.dataset.shape();
        let size: usize = shape.iter().product();
        let mut images = Vec::with_capacity(wanted.len() * size);
        let mut labels = Vec::with_capacity(wanted.len());
        let mut indices = Vec::with_capacity(wanted.len());
        for &index in wanted {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::interrupted("loading was stopped"));
            }
            let key = (config.seed, config.epoch, index);
            let mut changes = Changes::new(&config.augment, key);
            let mut example = match changes.fetch(&*config.dataset, index) {
                Ok(example) => example,
                Err(error) if config.on_damaged == OnDamaged::Fail => return Err(error),
                Err(error) => {
                    config.damage.add(index, &config.dataset.name(index), error.message);
                    continue;
                }
            };
            if example.pixels.len() != size {
                return Err(Error::failed(format!(
                    "image {index} has {} values, not {shape:?}",
                    example.pixels.len()
                )));
            }
            changes.apply(&mut example.pixels, shape);
            images.extend(example.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
            labels.push(example.label);
            indices.push(index);
        }
        let [channels, height, width] = shape;
        let images =
            Tensor::from_vec(images, (indices.len(), channels, height, width), &Device::Cpu)?;
        let labels = Tensor::from_vec(labels, indices.len(), &Device::Cpu)?;
        Ok(Batch { images, labels, indices })
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("a loading thread broke down: {}", printable(said))
}

/// A thread that panics hands on an error and leaves what the lock guards whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
