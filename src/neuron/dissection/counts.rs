//! What is counted: pixels of neurons and concepts, never images themselves.

use super::{BLOCKS, Prepared};

/// Of one neuron.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    /// |M ∩ L|: block × concepts, the latter by number; of number 0, no label, always 0.
    pub(super) both: Vec<u32>,
    /// |M| on the images that carry any label of a category: block × categories.
    pub(super) fired: Vec<u64>,
    /// The same with shuffled labels, without blocks; empty where there are none.
    pub(super) null_both: Vec<u64>,
    pub(super) null_fired: Vec<u64>,
}

impl Counts {
    pub(super) fn new(concepts: usize, categories: usize, with_null: bool) -> Self {
        let null = |length: usize| if with_null { vec![0; length] } else { Vec::new() };
        Self {
            both: vec![0; BLOCKS * (concepts + 1)],
            fired: vec![0; BLOCKS * categories],
            null_both: null(concepts + 1),
            null_fired: null(categories),
        }
    }

    /// The neuron fires in `pixels` of an image.
    pub(super) fn add(&mut self, block: usize, pixels: &[u32], of: &Prepared) {
        let width = self.both.len() / BLOCKS;
        let both = &mut self.both[block * width..(block + 1) * width];
        for layer in &of.layers {
            for &pixel in pixels {
                let count = &mut both[usize::from(layer[pixel as usize])];
                *count = count.saturating_add(1);
            }
        }
        both[0] = 0;
        for &number in &of.whole {
            let count = &mut both[usize::from(number)];
            *count = count.saturating_add(pixels.len() as u32);
        }
        let categories = self.fired.len() / BLOCKS;
        for &category in &of.categories {
            self.fired[block * categories + category] += pixels.len() as u64;
        }
    }

    /// The same with labels of another image.
    pub(super) fn add_null(&mut self, pixels: &[u32], of: &Prepared) {
        for layer in &of.layers {
            for &pixel in pixels {
                self.null_both[usize::from(layer[pixel as usize])] += 1;
            }
        }
        self.null_both[0] = 0;
        for &number in &of.whole {
            self.null_both[usize::from(number)] += pixels.len() as u64;
        }
        for &category in &of.categories {
            self.null_fired[category] += pixels.len() as u64;
        }
    }
}

/// Of the labels alone, whatever the neurons do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// |L|: block × concepts, by number − 1.
    pub(super) pixels: Vec<u64>,
    /// Images with the concept, by number − 1.
    pub(super) with_concept: Vec<u64>,
    /// Images, by block.
    pub(super) images: Vec<u64>,
}

impl Seen {
    pub(super) fn new(concepts: usize, blocks: usize) -> Self {
        Self {
            pixels: vec![0; blocks * concepts],
            with_concept: vec![0; concepts],
            images: vec![0; blocks],
        }
    }

    pub(super) fn add(&mut self, block: usize, areas: &[(u16, u64)]) {
        let concepts = self.with_concept.len();
        self.images[block] += 1;
        for &(number, area) in areas {
            let at = usize::from(number) - 1;
            self.pixels[block * concepts + at] += area;
            self.with_concept[at] += 1;
        }
    }

    /// |L| over all blocks, by concept.
    pub(super) fn pixels(&self) -> Vec<u64> {
        let concepts = self.with_concept.len();
        let mut sums = vec![0; concepts];
        for block in self.pixels.chunks_exact(concepts.max(1)) {
            sums.iter_mut().zip(block).for_each(|(sum, pixels)| *sum += pixels);
        }
        sums
    }
}
