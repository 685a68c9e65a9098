//! Labels read ahead, on threads of their own: decoding label maps takes as long as the network, and
//! rayon's pool belongs to the maths.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use crate::data::labelled::{Labelled, Labels};
use crate::error::{Error, Result};

/// Batches that wait to be taken.
const AHEAD: usize = 2;

/// Labels of a list of images, in its order, so many at a time.
pub(super) struct LabelAhead {
    batches: Option<Receiver<Result<Vec<Labels>>>>,
    thread: Option<JoinHandle<()>>,
}

impl LabelAhead {
    /// Of `batches` of image indices; `workers` threads, 0 = one a core.
    pub(super) fn new(data: Arc<dyn Labelled>, batches: Vec<Vec<usize>>, workers: usize) -> Self {
        let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = if workers == 0 { cores() } else { workers };
        let (sender, receiver) = sync_channel(AHEAD);
        let thread = thread::spawn(move || {
            for batch in batches {
                let labels = catch_unwind(AssertUnwindSafe(|| read(&*data, &batch, workers)))
                    .unwrap_or_else(|_| Err(Error::failed("reading labels panicked")));
                // Nobody takes them any more.
                if sender.send(labels).is_err() {
                    return;
                }
            }
        });
        Self { batches: Some(receiver), thread: Some(thread) }
    }

    /// The labels of the next batch. Errors: some could not be read, or there is no next.
    pub(super) fn next(&mut self) -> Result<Vec<Labels>> {
        let next = self.batches.as_ref().and_then(|batches| batches.recv().ok());
        next.unwrap_or_else(|| Err(Error::failed("there are fewer labels than images")))
    }
}

impl Drop for LabelAhead {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The labels of some images, on several threads.
fn read(data: &dyn Labelled, images: &[usize], workers: usize) -> Result<Vec<Labels>> {
    let share = images.len().div_ceil(workers.max(1)).max(1);
    thread::scope(|scope| {
        let of = |images| move || -> Result<Vec<Labels>> { all(data, images) };
        let threads: Vec<_> = images.chunks(share).map(|part| scope.spawn(of(part))).collect();
        let mut labels = Vec::with_capacity(images.len());
        for thread in threads {
            let part = thread.join().map_err(|_| Error::failed("reading labels panicked"))?;
            labels.extend(part?);
        }
        Ok(labels)
    })
}

fn all(data: &dyn Labelled, images: &[usize]) -> Result<Vec<Labels>> {
    images.iter().map(|&image| data.labels(image)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::labelled::shapes;

    #[test]
    fn labels_come_in_the_order_of_the_images() {
        let data: Arc<dyn Labelled> = Arc::new(shapes(1, 12, 16));
        let batches = vec![vec![3, 1, 2], vec![11, 0], vec![5]];
        for workers in [0, 1, 5] {
            let mut ahead = LabelAhead::new(Arc::clone(&data), batches.clone(), workers);
            for batch in &batches {
                let expected = all(&*data, batch).unwrap();
                assert_eq!(ahead.next().unwrap(), expected);
            }
            assert!(ahead.next().is_err());
        }
        // One that is left early ends its thread.
        let mut ahead = LabelAhead::new(data, vec![vec![0]; 100], 2);
        ahead.next().unwrap();
        drop(ahead);
    }
}
