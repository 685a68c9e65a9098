//! Working memory that a thread keeps from one operator to the next: fresh pages cost more than
//! most of what is done with them.

use std::cell::RefCell;

thread_local! {
    static TILE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static WHOLE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// For one piece of work: calls `work` with `len` numbers whose content is arbitrary. Not to be
/// nested.
pub(super) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    TILE.with_borrow_mut(|scratch| work(grown(scratch, len)))
}

/// The same for a whole operator, whose pieces of work may use [`with_scratch`].
pub(super) fn with_large_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    // Taken out, since this thread may begin another operator's work while it waits for others.
    let mut scratch = WHOLE.take();
    let result = work(grown(&mut scratch, len));
    WHOLE.set(scratch);
    result
}

fn grown(scratch: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if scratch.len() < len {
        // Let go first: what was in it need not be moved, nor both be there at once.
        *scratch = Vec::new();
        *scratch = vec![0.0; len];
    }
    &mut scratch[..len]
}
