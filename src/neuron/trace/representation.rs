//! How far adversarial images have moved from their class to another in a layer (SCIENCE §7): ratios
//! of distances per image, below 1 = nearer to the original's class.
//!
//! φ is the layer's feature map, flattened; distances are Euclidean.

use super::Reference;
use super::reference::distance;
use crate::neuron::consistency::mean_interval;

/// Bins of a histogram: steps of 0.05 from 0, and one for all of 2 and above.
pub const BINS: usize = 41;

/// Bins to 1.
const BINS_TO_ONE: f64 = 20.0;

/// r_mean = ‖φ(x*) − μ_y‖ / ‖φ(x*) − μ_y*‖, x* the adversarial image, y the true class and y* the one
/// to reach. `None` where a class has no reference image, or the divisor is 0.
pub fn r_mean(reference: &Reference, adversarial: &[f32], label: u32, reached: u32) -> Option<f64> {
    let [from, to] = [label, reached].map(|class| reference.class_mean(class));
    ratio(distance(adversarial, from?), distance(adversarial, to?))
}

/// r_pair = ‖φ(x*) − φ(x)‖ / ‖φ(x*) − nearest reference image of y*‖, x the original. `None` where no
/// image of y* was kept, or the divisor is 0.
pub fn r_pair(
    reference: &Reference,
    adversarial: &[f32],
    original: &[f32],
    reached: u32,
) -> Option<f64> {
    ratio(distance(adversarial, original), reference.nearest(adversarial, reached)?)
}

fn ratio(from: f64, to: f64) -> Option<f64> {
    (to > 0.0).then(|| from / to).filter(|ratio| ratio.is_finite())
}

/// A ratio over images.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratios {
    /// Images that have it.
    pub images: u64,
    /// Mean over them; 0 of none.
    pub mean: f64,
    /// Its 95 % bootstrap interval. Of fewer than two images there is none, since how far they spread
    /// is not known and a ratio has no upper bound: both ends are the mean.
    pub interval: [f64; 2],
    /// Median; 0 of none.
    pub median: f64,
    /// Share below 1.
    pub below_one: f64,
    /// Images by ratio, [`BINS`] of them.
    pub histogram: Vec<u64>,
}

impl Ratios {
    /// Of each image's ratio. The interval's resamples depend on the seed.
    pub fn of(ratios: &[f64], seed: u64) -> Self {
        let (mean, interval) = mean_interval(ratios, seed);
        let mut sorted = ratios.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len();
        let median = match sorted.as_slice() {
            [] => 0.0,
            _ => f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]),
        };
        let mut histogram = vec![0; BINS];
        for ratio in ratios {
            let bin = (ratio * BINS_TO_ONE).max(0.0) as usize;
            histogram[bin.min(BINS - 1)] += 1;
        }
        let below = ratios.iter().filter(|ratio| **ratio < 1.0).count();
        Self {
            images: count as u64,
            mean,
            interval,
            median,
            below_one: below as f64 / count.max(1) as f64,
            histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    /// Two classes of two images of one neuron of 1×2; a third class has none.
    fn reference() -> Reference {
        let values = vec![0.0_f32, 0.0, 0.0, 2.0, 6.0, 1.0, 10.0, 1.0];
        let maps = Tensor::from_vec(values, (4, 1, 1, 2), &Device::Cpu).unwrap();
        let mut builder = Reference::builder([1, 1, 2], 3, 4);
        builder.add(&maps, &[0, 0, 1, 1]).unwrap();
        builder.finish()
    }

    #[test]
    fn ratios_are_those_of_the_distances() {
        let reference = reference();
        // μ are (0, 1) and (8, 1).
        assert_eq!(r_mean(&reference, &[2.0, 1.0], 0, 1), Some(2.0 / 6.0));
        assert_eq!(r_mean(&reference, &[2.0, 1.0], 1, 0), Some(3.0));
        assert_eq!(r_mean(&reference, &[2.0, 1.0], 0, 2), None);
        assert_eq!(r_mean(&reference, &[8.0, 1.0], 0, 1), None);
        assert_eq!(r_pair(&reference, &[3.0, 1.0], &[3.0, 7.0], 1), Some(2.0));
        assert_eq!(r_pair(&reference, &[3.0, 1.0], &[3.0, 7.0], 2), None);
        assert_eq!(r_pair(&reference, &[6.0, 1.0], &[3.0, 7.0], 1), None);
    }

    #[test]
    fn a_summary_counts_every_image_once() {
        let ratios = [0.0, 0.049, 0.05, 0.15, 0.999, 1.0, 1.999, 2.0, 77.0];
        let found = Ratios::of(&ratios, 1);
        assert_eq!((found.images, found.median), (9, 0.999));
        assert!((found.below_one - 5.0 / 9.0).abs() < 1e-12);
        assert_eq!(found.histogram.iter().sum::<u64>(), 9);
        let filled: Vec<(usize, u64)> =
            found.histogram.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0, 2), (1, 1), (3, 1), (19, 1), (20, 1), (39, 1), (40, 2)]);
        assert!(found.interval[0] < found.mean && found.mean < found.interval[1]);
        assert_eq!(Ratios::of(&[1.0, 2.0], 1).median, 1.5);
        let none = Ratios::of(&[], 1);
        assert_eq!((none.images, none.mean, none.median, none.below_one), (0, 0.0, 0.0, 0.0));
    }
}
