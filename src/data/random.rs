//! Random numbers that depend on what they are for, never on which thread asks or when.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What the numbers are for: two purposes never share a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The order of an epoch.
    Order = 1,
    /// Augmenting one image in one epoch.
    Augment = 2,
    /// Which images are held out for testing.
    Holdout = 3,
}

/// The stream for `purpose`; `a` and `b` number the epoch, the image, the class.
pub(super) fn stream(purpose: Purpose, seed: u64, a: u64, b: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([purpose as u64, seed, a, b]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}
