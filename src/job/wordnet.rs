//! How fast the WordNet inside the program is there, for `glassbox doctor`.

use std::time::{Duration, Instant};

use crate::data::wordnet::WordNet;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How many nouns there are.
    pub nouns: usize,
    /// From nothing to the whole hierarchy; next to nothing where this process used it before.
    pub ready: Duration,
    /// From there to the first noun that was found by a word.
    pub by_word: Duration,
}

/// Takes up the nouns and finds one.
pub fn measure() -> Measured {
    let begin = Instant::now();
    let wordnet = WordNet::embedded();
    let ready = begin.elapsed();
    let begin = Instant::now();
    let found = wordnet.find("entity");
    let by_word = begin.elapsed();
    // Without the root nothing hangs together.
    let nouns = if found.is_some() { wordnet.synsets().len() } else { 0 };
    Measured { nouns, ready, by_word }
}
