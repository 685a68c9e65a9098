//! Network Dissection (SCIENCE §4.1; Bau et al. 2017): how well the places where a neuron fires and
//! the pixels labelled with a concept are the same, over a whole set of labelled images.
//!
//! `M_k` is where neuron k's feature map, upsampled to the label map, lies above its threshold; `L_c`
//! the pixels labelled with concept c. IoU(k, c) = Σ|M_k ∩ L_c| / Σ|M_k ∪ L_c|, where `M_k` counts only
//! on images that carry any label of c's category. Only counts are kept, so memory does not grow
//! with the number of images, and the order of the images does not matter.

mod bytes;
mod counts;
mod firing;
mod outcome;
mod precision;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use rayon::prelude::*;

use self::counts::{Counts, Seen};
use self::firing::{Grid, Scratch};
use super::hash::hash;
use crate::data::labelled::Labels;
use crate::ops::vectorized;

pub use self::firing::firing;
pub use self::outcome::Best;
pub use self::precision::average_precision;

/// Groups that the images are dealt into, by their index: intervals leave one out after the other.
pub const BLOCKS: usize = 16;

/// Concepts are numbered from 1; each belongs to one category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// How many categories there are.
    pub categories: usize,
    /// The category of each concept, by its number − 1.
    pub category_of: Vec<usize>,
}

/// Intersections and unions under way of every neuron of a layer with every concept.
///
/// Counts of a neuron and a concept are kept for each of [`BLOCKS`] blocks of images, in 32 bits: at
/// least 85,000 label maps of 224 × 224 pixels a block fit, 1.3 million images in all.
#[derive(Debug, Clone)]
pub struct Dissection {
    thresholds: Vec<f32>,
    vocabulary: Vocabulary,
    /// By neuron.
    neurons: Vec<Counts>,
    /// Of the labels alone.
    seen: Seen,
    /// The same of the shuffled labels, which are in no blocks; `None` = nobody asked for them.
    null_seen: Option<Seen>,
}

impl Dissection {
    /// For the neurons whose thresholds these are; one that is NaN never fires. `with_null`: other
    /// images' labels are laid over every map too.
    ///
    /// # Panics
    /// If a concept's category is none of the vocabulary's.
    pub fn new(thresholds: Vec<f32>, vocabulary: &Vocabulary, with_null: bool) -> Self {
        let concepts = vocabulary.category_of.len();
        assert!(
            vocabulary.category_of.iter().all(|&category| category < vocabulary.categories),
            "a concept's category is unknown"
        );
        let counts = Counts::new(concepts, vocabulary.categories, with_null);
        Self {
            neurons: vec![counts; thresholds.len()],
            thresholds,
            seen: Seen::new(concepts, BLOCKS),
            null_seen: with_null.then(|| Seen::new(concepts, 1)),
            vocabulary: vocabulary.clone(),
        }
    }

    /// Takes in feature maps `[batch, neurons, height, width]` of the `size` `[height, width]`, on
    /// all threads. `labels` are each image's own, `shuffled` for each image those of another one
    /// (or none at all: nothing is then added to the null). `indices` say which images these are: an
    /// image's block depends on its index alone.
    ///
    /// # Panics
    /// If there are other numbers of maps, indices and labels, or a label outside the vocabulary.
    pub fn add(
        &mut self,
        maps: &[f32],
        size: [usize; 2],
        indices: &[usize],
        labels: &[Labels],
        shuffled: &[Labels],
    ) {
        let (neurons, positions) = (self.thresholds.len(), size[0] * size[1]);
        assert_eq!(maps.len(), indices.len() * neurons * positions, "maps of another shape");
        assert_eq!(labels.len(), indices.len(), "every image has its labels");
        assert!(shuffled.is_empty() || shuffled.len() == labels.len(), "all or none are shuffled");
        let shuffled = if self.null_seen.is_some() { shuffled } else { &[] };

        let mut grids: Vec<Grid> = Vec::new();
        for of in labels.iter().chain(shuffled) {
            let to = [of.height, of.width];
            if !grids.iter().any(|grid| grid.to == to) {
                grids.push(Grid::new(size, to));
            }
        }
        let blocks: Vec<usize> = indices.iter().map(|&index| block_of(index)).collect();
        let labels = Prepared::all(labels, &grids, &self.vocabulary);
        let shuffled = Prepared::all(shuffled, &grids, &self.vocabulary);
        for (block, of) in blocks.iter().zip(&labels) {
            self.seen.add(*block, &of.areas);
        }
        if let Some(seen) = &mut self.null_seen {
            for of in &shuffled {
                seen.add(0, &of.areas);
            }
        }

        let of_neuron = |scratch: &mut Scratch, neuron: usize, counts: &mut Counts| {
            let threshold = self.thresholds[neuron];
            for (image, of) in labels.iter().enumerate() {
                let begin = (image * neurons + neuron) * positions;
                let map = &maps[begin..begin + positions];
                // Interpolation never exceeds the largest value: most maps are done with here.
                if !vectorized(|| firing::is_anywhere(map, threshold)) {
                    continue;
                }
                let pixels = vectorized(|| grids[of.grid].firing(map, threshold, scratch));
                counts.add(blocks[image], pixels, of);
                let Some(other) = shuffled.get(image) else { continue };
                if other.grid != of.grid {
                    vectorized(|| grids[other.grid].firing(map, threshold, scratch));
                }
                counts.add_null(scratch.pixels(), other);
            }
        };
        self.neurons.par_iter_mut().enumerate().with_min_len(4).for_each_init(
            Scratch::default,
            |scratch, (neuron, counts)| {
                of_neuron(scratch, neuron, counts);
            },
        );
    }

    /// How many neurons there are.
    pub fn neurons(&self) -> usize {
        self.thresholds.len()
    }

    /// How many concepts there are.
    pub fn concepts(&self) -> usize {
        self.vocabulary.category_of.len()
    }

    /// Images so far.
    pub fn images(&self) -> u64 {
        self.seen.images.iter().sum()
    }
}

/// One image's labels, ready to be counted.
struct Prepared<'l> {
    /// Which of the grids upsamples to its size.
    grid: usize,
    /// Concept numbers of every pixel, row by row, 0 = none; no pixel has a number twice.
    layers: Vec<Cow<'l, [u16]>>,
    /// Concepts that cover it all; none of them is in a layer.
    whole: Vec<u16>,
    /// Categories that any of its concepts belongs to.
    categories: Vec<usize>,
    /// Pixels of every concept that it has.
    areas: Vec<(u16, u64)>,
}

impl<'l> Prepared<'l> {
    fn all(labels: &'l [Labels], grids: &[Grid], vocabulary: &Vocabulary) -> Vec<Self> {
        labels.par_iter().map(|of| Self::new(of, grids, vocabulary)).collect()
    }

    /// Labels of all maps are pooled by their number, as a set: a pixel that carries one concept in
    /// two maps (a door that is an object here, a part there) has it once.
    fn new(labels: &'l Labels, grids: &[Grid], vocabulary: &Vocabulary) -> Self {
        let concepts = vocabulary.category_of.len();
        let positions = labels.height * labels.width;
        let to = [labels.height, labels.width];
        let grid = grids.iter().position(|grid| grid.to == to).unwrap_or_default();
        let mut whole: Vec<u16> = labels.whole.iter().map(|&(_, number)| number).collect();
        whole.sort_unstable();
        whole.dedup();
        whole.retain(|&number| number != 0);
        assert!(whole.iter().all(|&number| usize::from(number) <= concepts), "no such concept");

        let mut areas = vec![0_u64; concepts + 1];
        // Of the whole-image labels from the start: a layer that has one of them too is mended.
        for &number in &whole {
            areas[usize::from(number)] = positions as u64;
        }
        let mut layers: Vec<Cow<'l, [u16]>> = Vec::with_capacity(labels.maps.len());
        let mut own = vec![0_u64; concepts + 1];
        for (_, map) in &labels.maps {
            assert_eq!(map.len(), positions, "a label map of another size");
            own.fill(0);
            for &number in map {
                own[usize::from(number)] += 1;
            }
            own[0] = 0;
            let is_twice = own.iter().zip(&areas).any(|(&own, &before)| own > 0 && before > 0);
            if !is_twice {
                areas.iter_mut().zip(&own).for_each(|(area, own)| *area += own);
                layers.push(Cow::Borrowed(map));
                continue;
            }
            let mut mended = map.clone();
            for (at, number) in mended.iter_mut().enumerate() {
                let has = |layer: &Cow<'l, [u16]>| layer[at] == *number;
                if whole.binary_search(number).is_ok() || layers.iter().any(has) {
                    *number = 0;
                }
                areas[usize::from(*number)] += 1;
            }
            areas[0] = 0;
            layers.push(Cow::Owned(mended));
        }
        let areas: Vec<(u16, u64)> =
            (0_u16..).zip(areas).skip(1).filter(|&(_, area)| area > 0).collect();
        let mut categories: Vec<usize> = areas
            .iter()
            .map(|&(number, _)| vocabulary.category_of[usize::from(number) - 1])
            .collect();
        categories.sort_unstable();
        categories.dedup();
        Self { grid, layers, whole, categories, areas }
    }
}

/// The block of an image: a hash of its index, so that neighbours, which may be frames
/// of one film, do not stay together and every block is drawn from all of the data.
fn block_of(index: usize) -> usize {
    (hash(index as u64) % BLOCKS as u64) as usize
}
