//! What the counts say: intersections over unions, best concepts, ratios and their intervals.

use rayon::prelude::*;

use super::{BLOCKS, Dissection, hash};

/// Times the blocks are drawn anew for an interval.
const RESAMPLES: usize = 200;

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

    /// 95 % percentile bootstrap intervals of [`Self::ratio`]: its images' blocks, those that have
    /// any, are drawn anew with replacement, 200 times. Every category, then all.
    pub fn intervals(&self, threshold: f64, seed: u64) -> Vec<[f64; 2]> {
        let categories = self.vocabulary.categories;
        let blocks: Vec<usize> = (0..BLOCKS).filter(|&at| self.seen.images[at] > 0).collect();
        if blocks.is_empty() || self.neurons.is_empty() {
            return vec![[0.0; 2]; categories + 1];
        }
        // How often each resample has each block.
        let mut weights = vec![[0_u64; BLOCKS]; RESAMPLES];
        for (resample, weights) in (0_u64..).zip(&mut weights) {
            for draw in 0..blocks.len() as u64 {
                let number = hash(hash(seed).wrapping_add(resample * BLOCKS as u64 + draw));
                weights[blocks[(number % blocks.len() as u64) as usize]] += 1;
            }
        }
        let concepts = self.concepts();
        let areas: Vec<Vec<u64>> = weights
            .iter()
            .map(|weights| {
                let of =
                    |at: usize| weighted(weights, |block| self.seen.pixels[block * concepts + at]);
                (0..concepts).map(of).collect()
            })
            .collect();
        // By neuron: the category that it counts for in each resample.
        let of_neuron = |counts: &super::Counts| -> Vec<Option<usize>> {
            let both =
                |block: usize, at: usize| u64::from(counts.both[block * (concepts + 1) + at + 1]);
            // Only what it ever meets can be its best.
            let met: Vec<usize> = (0..concepts)
                .filter(|&concept| (0..BLOCKS).any(|block| both(block, concept) > 0))
                .collect();
            let of_resample = |(weights, areas): (&[u64; BLOCKS], &Vec<u64>)| {
                let fired: Vec<u64> = (0..categories)
                    .map(|at| weighted(weights, |block| counts.fired[block * categories + at]))
                    .collect();
                let best = met.iter().fold(Best::NONE, |best, &concept| {
                    let fired = fired[self.vocabulary.category_of[concept]];
                    let both = weighted(weights, |block| both(block, concept));
                    best.or(concept, over_union(both, fired, areas[concept]))
                });
                self.category(best, threshold)
            };
            weights.iter().zip(&areas).map(of_resample).collect()
        };
        let found: Vec<Vec<Option<usize>>> = self.neurons.par_iter().map(of_neuron).collect();
        let mut ratios = vec![Vec::with_capacity(RESAMPLES); categories + 1];
        for resample in 0..RESAMPLES {
            let mut detectors = vec![0_usize; categories + 1];
            for category in found.iter().filter_map(|of| of[resample]) {
                detectors[category] += 1;
                detectors[categories] += 1;
            }
            let count = self.neurons.len() as f64;
            for (ratios, detectors) in ratios.iter_mut().zip(detectors) {
                ratios.push(detectors as f64 / count);
            }
        }
        ratios.into_iter().map(|ratios| [0.025, 0.975].map(|at| percentile(&ratios, at))).collect()
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
        let categories = self.vocabulary.categories;
        let mut detectors = vec![0_usize; categories + 1];
        for category in best.iter().filter_map(|&best| self.category(best, threshold)) {
            detectors[category] += 1;
            detectors[categories] += 1;
        }
        let count = best.len().max(1) as f64;
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

fn weighted(weights: &[u64; BLOCKS], of: impl Fn(usize) -> u64) -> u64 {
    weights.iter().enumerate().map(|(block, weight)| weight * of(block)).sum()
}

/// As `numpy.percentile` by default: between the two nearest ranks by proportion.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |rank: usize| sorted.get(rank.min(sorted.len().saturating_sub(1))).copied();
    let (low, high) = (at(place as usize), at(place as usize + 1));
    match (low, high) {
        (Some(low), Some(high)) => low + (high - low) * place.fract(),
        _ => 0.0,
    }
}
