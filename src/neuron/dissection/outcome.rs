//! What the counts say: intersections over unions, best concepts, ratios and their intervals.

use rayon::prelude::*;

use super::{BLOCKS, Dissection};

/// Student's t, which 95 % lie within, of 1 to 15 degrees of freedom.
const STUDENT: [f64; BLOCKS - 1] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131,
];

/// The concept that a neuron matches best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Its number; `None` if the neuron meets no concept at all.
    pub concept: Option<u16>,
    /// Intersection over union, 0..1.
    pub iou: f64,
}

impl Best {
    const NONE: Self = Self { concept: None, iou: 0.0 };

    /// The better of both; of equals the one that was there.
    fn or(self, concept: usize, iou: f64) -> Self {
        // The first comes with a larger IoU than none's.
        if iou > self.iou { Self { concept: Some(concept as u16 + 1), iou } } else { self }
    }
}

impl Dissection {
    /// Intersection over union of each neuron with each concept, by number − 1:
    /// `[neurons, concepts]`, 0..1; 0 where neither was ever seen.
    pub fn iou(&self) -> Vec<f32> {
        self.all().flatten_iter().map(|iou| iou as f32).collect()
    }

    /// Each neuron's best concept; of equals that of the lowest number.
    pub fn best(&self) -> Vec<Best> {
        self.all().map(|iou| best(&iou)).collect()
    }

    /// Each neuron's best concept in each category.
    pub fn best_by_category(&self) -> Vec<Vec<Best>> {
        let of_neuron = |iou: Vec<f64>| {
            let mut found = vec![Best::NONE; self.vocabulary.categories];
            for (concept, iou) in iou.into_iter().enumerate() {
                let best = &mut found[self.vocabulary.category_of[concept]];
                *best = best.or(concept, iou);
            }
            found
        };
        self.all().map(of_neuron).collect()
    }

    /// Share of the neurons whose best concept has an intersection over union larger than
    /// `threshold`, by its category; the last one is of all categories. 0..1.
    pub fn ratio(&self, threshold: f64) -> Vec<f64> {
        self.shares(&self.best(), threshold)
    }

    /// The same with shuffled labels: what chance alone gives. 0 everywhere where there are none.
    pub fn null_ratio(&self, threshold: f64) -> Vec<f64> {
        let Some(seen) = &self.null_seen else {
            return vec![0.0; self.vocabulary.categories + 1];
        };
        let area = seen.pixels();
        let of_neuron = |counts: &super::Counts| {
            let concepts = 0..area.len();
            concepts.fold(Best::NONE, |best, concept| {
                let fired = counts.null_fired[self.vocabulary.category_of[concept]];
                best.or(concept, over_union(counts.null_both[concept + 1], fired, area[concept]))
            })
        };
        let found: Vec<Best> = self.neurons.par_iter().map(of_neuron).collect();
        self.shares(&found, threshold)
    }

    /// 95 % intervals of [`Self::ratio`] by the block jackknife (Quenouille 1949, Tukey 1958): around
    /// the ratio of all images, as far on both sides as Student's t has it for the standard error that
    /// ratios without one of the blocks tell, cut to 0..1. Every category, then all. With the images
    /// of a single block nothing can be told: from 0 to 1.
    ///
    /// No bootstrap: best matches are maxima, which over the fewer different images of a resample are
    /// larger, so that its interval would lie above the ratio itself.
    pub fn intervals(&self, threshold: f64) -> Vec<[f64; 2]> {
        let categories = self.vocabulary.categories;
        let blocks: Vec<usize> = (0..BLOCKS).filter(|&at| self.seen.images[at] > 0).collect();
        if self.neurons.is_empty() {
            return vec![[0.0; 2]; categories + 1];
        }
        let Some(t) = blocks.len().checked_sub(2).and_then(|at| STUDENT.get(at)) else {
            return vec![[0.0, 1.0]; categories + 1];
        };
        let without = self.without(&blocks, threshold);
        let count = blocks.len() as f64;
        let of = |(at, ratio): (usize, f64)| {
            let mean = without.iter().map(|ratios| ratios[at]).sum::<f64>() / count;
            let squares: f64 = without.iter().map(|ratios| (ratios[at] - mean).powi(2)).sum();
            let reach = t * ((count - 1.0) / count * squares).sqrt();
            [(ratio - reach).max(0.0), (ratio + reach).min(1.0)]
        };
        self.ratio(threshold).into_iter().enumerate().map(of).collect()
    }

    /// The ratios without the images of each of these blocks.
    fn without(&self, blocks: &[usize], threshold: f64) -> Vec<Vec<f64>> {
        let (concepts, categories) = (self.concepts(), self.vocabulary.categories);
        let area = self.seen.pixels();
        let areas: Vec<Vec<u64>> = blocks
            .iter()
            .map(|block| {
                let own = &self.seen.pixels[block * concepts..(block + 1) * concepts];
                area.iter().zip(own).map(|(all, own)| all - own).collect()
            })
            .collect();
        // By neuron: the category that it counts for without each block.
        let of_neuron = |counts: &super::Counts| -> Vec<Option<usize>> {
            let both =
                |block: usize, at: usize| u64::from(counts.both[block * (concepts + 1) + at + 1]);
            let fired = |block: usize, at: usize| counts.fired[block * categories + at];
            let sum = |of: &dyn Fn(usize) -> u64| (0..BLOCKS).map(of).sum::<u64>();
            // Only what it ever meets can be its best.
            let met: Vec<(usize, u64)> = (0..concepts)
                .map(|at| (at, sum(&|block| both(block, at))))
                .filter(|(_, all)| *all > 0)
                .collect();
            let all_fired: Vec<u64> =
                (0..categories).map(|at| sum(&|block| fired(block, at))).collect();
            let of_block = |(&block, areas): (&usize, &Vec<u64>)| {
                let best = met.iter().fold(Best::NONE, |best, &(concept, all)| {
                    let category = self.vocabulary.category_of[concept];
                    let fired = all_fired[category] - fired(block, category);
                    let both = all - both(block, concept);
                    best.or(concept, over_union(both, fired, areas[concept]))
                });
                self.category(best, threshold)
            };
            blocks.iter().zip(&areas).map(of_block).collect()
        };
        let found: Vec<Vec<Option<usize>>> = self.neurons.par_iter().map(of_neuron).collect();
        (0..blocks.len()).map(|at| self.share_of(found.iter().map(|of| of[at]))).collect()
    }

    /// Images that have each concept, by number − 1.
    pub fn concept_images(&self) -> Vec<u64> {
        self.seen.with_concept.clone()
    }

    /// Pixels that have each concept, by number − 1.
    pub fn concept_pixels(&self) -> Vec<u64> {
        self.seen.pixels()
    }

    /// By neuron: its intersection over union with each concept.
    fn all(&self) -> impl IndexedParallelIterator<Item = Vec<f64>> + '_ {
        let area = self.seen.pixels();
        let (concepts, categories) = (self.concepts(), self.vocabulary.categories);
        self.neurons.par_iter().map(move |counts| {
            let sum = |of: &dyn Fn(usize) -> u64| (0..BLOCKS).map(of).sum::<u64>();
            let fired: Vec<u64> = (0..categories)
                .map(|at| sum(&|block| counts.fired[block * categories + at]))
                .collect();
            (0..concepts)
                .map(|at| {
                    let both =
                        sum(&|block| u64::from(counts.both[block * (concepts + 1) + at + 1]));
                    over_union(both, fired[self.vocabulary.category_of[at]], area[at])
                })
                .collect()
        })
    }

    /// The category that a neuron with this best concept counts for.
    fn category(&self, best: Best, threshold: f64) -> Option<usize> {
        let concept = best.concept.filter(|_| best.iou > threshold)?;
        self.vocabulary.category_of.get(usize::from(concept) - 1).copied()
    }

    fn shares(&self, best: &[Best], threshold: f64) -> Vec<f64> {
        self.share_of(best.iter().map(|&best| self.category(best, threshold)))
    }

    /// The share of neurons that count for each category, then for any.
    fn share_of(&self, counted: impl ExactSizeIterator<Item = Option<usize>>) -> Vec<f64> {
        let categories = self.vocabulary.categories;
        let mut detectors = vec![0_usize; categories + 1];
        let count = counted.len().max(1) as f64;
        for category in counted.flatten() {
            detectors[category] += 1;
            detectors[categories] += 1;
        }
        detectors.into_iter().map(|detectors| detectors as f64 / count).collect()
    }
}

fn best(iou: &[f64]) -> Best {
    iou.iter().enumerate().fold(Best::NONE, |best, (concept, &iou)| best.or(concept, iou))
}

/// |M ∩ L| / |M ∪ L|; 0 where the union is empty.
fn over_union(both: u64, fired: u64, area: u64) -> f64 {
    let union = fired + area - both;
    if union == 0 { 0.0 } else { both as f64 / union as f64 }
}
