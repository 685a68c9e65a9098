//! Level and consistency of a neuron by WordNet: how few and how close the classes are whose images
//! excite it most, and whether real and adversarial images agree (SCIENCE §4.2). LC, CS1 and CS2 are
//! those of Dong, Su and Zhu, Acta Automatica Sinica 48(1), 2022, doi 10.16383/j.aas.c200317;
//! consis(n) is that of Dong, Bao, Su and Zhu, arXiv 1901.09035.
//!
//! p(c) is the share of class c among a neuron's most exciting images.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::data::wordnet::{Ancestry, Synset, WordNet};

/// How near two nouns are to each other, 0 to 1 and 1 for the same one (SCIENCE §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// exp(−d² / 2σ²), d the shortest way over a common ancestor in edges.
    Gaussian,
    /// exp(−d / σ).
    Exponential,
    /// Wu and Palmer's similarity (1994).
    WuPalmer,
    /// 1 / (1 + d).
    Path,
}

impl Affinity {
    /// Between two nouns; `sigma` in edges, above 0.
    fn between(self, a: &Ancestry, b: &Ancestry, sigma: f64) -> f64 {
        let distance = || a.distance(b) as f64;
        match self {
            Self::Gaussian => (-(distance() / sigma).powi(2) / 2.0).exp(),
            Self::Exponential => (-distance() / sigma).exp(),
            Self::WuPalmer => a.wu_palmer(b),
            Self::Path => a.path_similarity(b),
        }
    }
}

/// `[classes, classes]`, symmetric, 1 on the diagonal: K of LC = pᵀ K p, A of consis = pᵀ A p.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinities {
    classes: usize,
    /// Row by row.
    of: Vec<f64>,
}

/// How near the classes are to each other, each being the noun of its index (SCIENCE §4.2). `sigma`,
/// in edges and above 0, is the gaussian's and the exponential's.
pub fn affinities(
    wordnet: &WordNet,
    classes: &[Synset],
    affinity: Affinity,
    sigma: f64,
) -> Affinities {
    // The ways up once a class: they are nearly all of the work.
    let ancestries: Vec<Ancestry> =
        classes.iter().map(|&synset| wordnet.ancestry(synset)).collect();
    let count = classes.len();
    let mut of = vec![0.0; count * count];
    for (row, a) in ancestries.iter().enumerate() {
        for (column, b) in ancestries.iter().enumerate().take(row + 1) {
            let value = affinity.between(a, b, sigma);
            of[row * count + column] = value;
            of[column * count + row] = value;
        }
    }
    Affinities { classes: count, of }
}

impl Affinities {
    /// Between two classes; 0 where there is no such class.
    pub fn between(&self, a: usize, b: usize) -> f64 {
        if a.max(b) < self.classes { self.of[a * self.classes + b] } else { 0.0 }
    }

    /// pᵀ K p for `p`, one share a class: the mean affinity of two images drawn with these shares (LC
    /// or consis of SCIENCE §4.2). 1 for images of one class.
    pub fn expected(&self, p: &[f64]) -> f64 {
        // Of a thousand classes a neuron's images have a few.
        let there: Vec<(usize, f64)> =
            p.iter().copied().enumerate().filter(|(_, share)| *share != 0.0).collect();
        let row = |&(a, share): &(usize, f64)| -> f64 {
            share * there.iter().map(|&(b, other)| other * self.between(a, b)).sum::<f64>()
        };
        there.iter().map(row).sum()
    }
}

/// The share of each class among `labels`, `[classes]`: sums to 1, or to 0 where there are no labels.
/// A label that is no class counts among none.
pub fn shares(classes: usize, labels: impl IntoIterator<Item = u32>) -> Vec<f64> {
    let mut counts = vec![0_u64; classes];
    for label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    let total = counts.iter().sum::<u64>().max(1) as f64;
    counts.into_iter().map(|count| count as f64 / total).collect()
}

/// CS1 and CS2 (SCIENCE §4.2): p·q / (‖p‖ ‖q‖), 0 to 1 for shares. `None` where one is all zero.
pub fn cosine(p: &[f64], q: &[f64]) -> Option<f64> {
    let product: f64 = p.iter().zip(q).map(|(p, q)| p * q).sum();
    let lengths = length(p) * length(q);
    // Rounding can make it a little more than that.
    (lengths > 0.0).then(|| (product / lengths).clamp(-1.0, 1.0))
}

/// 1 / (√C · ‖p‖), C classes (SCIENCE §4.2): the cosine of p and equal shares of all classes, which
/// is what CS2 would be if adversarial images were taken for all alike. 0 where `p` is all zero.
pub fn chance(p: &[f64]) -> f64 {
    let length = (p.len() as f64).sqrt() * length(p);
    if length > 0.0 { 1.0 / length } else { 0.0 }
}

fn length(p: &[f64]) -> f64 {
    p.iter().map(|share| share * share).sum::<f64>().sqrt()
}

/// The fewest values of a group: a mean of fewer says little.
const SMALLEST_GROUP: usize = 5;

/// Indices of `values` in groups of neighbouring values, the lowest first (SCIENCE §4.2): `count`
/// groups whose sizes differ by one at most, or fewer, so that each has 5 values. Equal values are in
/// the order of their indices.
pub fn groups(values: &[f64], count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // + 0.0: the two zeros are one value.
    order.sort_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)));
    let count = count.min(values.len() / SMALLEST_GROUP);
    let end = |group: usize| group * values.len() / count;
    (0..count).map(|group| order[end(group)..end(group + 1)].to_vec()).collect()
}

/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;
/// In a stream's key, so that these draws share nothing with others of the same seed.
const PURPOSE: u64 = u64::from_le_bytes(*b"interval");

/// The mean, and its 95 % percentile bootstrap interval (Efron 1979): from the 2.5th to the 97.5th
/// percentile, linearly interpolated, of the means of 1,000 resamples, which depend on the seed and
/// the number of values alone. Zeros where there are no values.
pub fn mean_interval(values: &[f64], seed: u64) -> (f64, [f64; 2]) {
    if values.is_empty() {
        return (0.0, [0.0; 2]);
    }
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([PURPOSE, seed, count as u64, 0]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    let mut random = ChaCha8Rng::from_seed(key);
    // Uniform in 0..count but for 1 part in 2³² / count.
    let mut draw = || values[((u64::from(random.next_u32()) * count as u64) >> 32) as usize];
    let mut means: Vec<f64> =
        (0..RESAMPLES).map(|_| (0..count).map(|_| draw()).sum::<f64>() / count as f64).collect();
    means.sort_unstable_by(f64::total_cmp);
    (mean, [0.025, 0.975].map(|share| percentile(&means, share)))
}

/// Of sorted values, between two of them linearly.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Exact where the two are one.
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests;
