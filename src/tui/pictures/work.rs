//! A list of work that a thread does from the front, and that newer work replaces: only what is on
//! the screen now matters.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The list. Dropping it ends its thread.
#[derive(Debug)]
pub(super) struct WorkList<T> {
    slot: Arc<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    work: Mutex<Work<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Work<T> {
    /// The last one is done first.
    items: Vec<T>,
    ended: bool,
}

impl<T> Slot<T> {
    // A panic elsewhere leaves a list of work, which is still a list of work.
    fn lock(&self) -> MutexGuard<'_, Work<T>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<T> {
        let mut work = self.lock();
        loop {
            if work.ended {
                return None;
            }
            if let Some(item) = work.items.pop() {
                return Some(item);
            }
            work = self.changed.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T: Send + 'static> WorkList<T> {
    /// Starts a thread of this name; `work` is called on it with one item after the other.
    pub(super) fn start(name: &str, work: impl Fn(T) + Send + 'static) -> std::io::Result<Self> {
        let work_of = Work { items: Vec::new(), ended: false };
        let slot = Arc::new(Slot { work: Mutex::new(work_of), changed: Condvar::new() });
        let theirs = Arc::clone(&slot);
        std::thread::Builder::new().name(name.into()).spawn(move || {
            while let Some(item) = theirs.next() {
                work(item);
            }
        })?;
        Ok(Self { slot })
    }

    /// Replaces what is left. Done in this order.
    pub(super) fn replace(&self, mut items: Vec<T>) {
        items.reverse();
        self.slot.lock().items = items;
        self.slot.changed.notify_one();
    }
}

impl<T> Drop for WorkList<T> {
    fn drop(&mut self) {
        self.slot.lock().ended = true;
        self.slot.changed.notify_one();
    }
}
