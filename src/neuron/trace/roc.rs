//! How well a score tells adversarial images from real ones (SCIENCE §7): the receiver operating
//! characteristic, the area under it with its interval, and the threshold of a false-positive rate.
//!
//! The larger a score, the more an image is suspected; suspected are scores above the threshold. The
//! two zeros are one score. No score is NaN.

/// The most points of a curve.
pub const MOST_POINTS: usize = 201;

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What lies outside of a 95 % interval on either side.
const TAIL: f64 = 0.025;

/// A receiver operating characteristic.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Area under the whole curve: the chance that an adversarial image scores above a real one, where
    /// equal scores count half.
    pub auc: f64,
    /// Its 95 % confidence interval; 0 to 1 where one side has fewer than two images, whose spread is
    /// not known.
    pub interval: [f64; 2],
    /// Share of real images suspected, share of adversarial ones, from 0, 0 to 1, 1: where there are
    /// more than [`MOST_POINTS`], so many of them, taken evenly.
    pub points: Vec<[f64; 2]>,
}

/// Of the scores of real and of adversarial images; `None` where one side has none.
///
/// The interval is that of DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), by mid-ranks (Sun
/// and Xu, IEEE Signal Processing Letters 21, 2014), cut off at 0 and 1. Where every adversarial image
/// stands above every real one, or below, or level with it, it has no width, however few the images
/// are; then it is that of uniformly drawn pairs (`of_uniform_pairs`).
pub fn curve(real: &[f64], adversarial: &[f64]) -> Option<Curve> {
    if real.is_empty() || adversarial.is_empty() {
        return None;
    }
    let (n, m) = (real.len() as f64, adversarial.len() as f64);
    let together = mid_ranks(&[adversarial, real].concat());
    let (of_adversarial, of_real) = together.split_at(adversarial.len());
    // For each image the share of the other side that it stands above, or that stands above it.
    let above: Vec<f64> = of_adversarial
        .iter()
        .zip(mid_ranks(adversarial))
        .map(|(all, own)| (all - own) / n)
        .collect();
    let below: Vec<f64> =
        of_real.iter().zip(mid_ranks(real)).map(|(all, own)| 1.0 - (all - own) / m).collect();
    let auc = above.iter().sum::<f64>() / m;
    let interval = match (variance(&above), variance(&below)) {
        (Some(above), Some(below)) if above == 0.0 && below == 0.0 => {
            of_uniform_pairs(auc, real.len().min(adversarial.len()))
        }
        (Some(above), Some(below)) => {
            let half = Z * (above / m + below / n).sqrt();
            [(auc - half).max(0.0), (auc + half).min(1.0)]
        }
        _ => [0.0, 1.0],
    };
    Some(Curve { auc, interval, points: thinned(points(real, adversarial)) })
}

/// The exact 95 % interval of an area where all pairs of a real and an adversarial image are in the same
/// order: `auc` is 1, 0, or 0.5 of pairs that are all level.
///
/// Each image used once, there are as many independent `pairs` as the smaller side has images. A share q
/// of all pairs that are so gives k of k with the chance qᵏ: below q = 0.025^(1/k) that is less than
/// 2.5 % (Clopper and Pearson, Biometrika 26, 1934). The other pairs may be in any order, so that the
/// area is between q · auc and q · auc + 1 − q.
fn of_uniform_pairs(auc: f64, pairs: usize) -> [f64; 2] {
    let share = TAIL.powf(1.0 / pairs as f64);
    [share * auc, 1.0 - share * (1.0 - auc)]
}

/// The smallest threshold above which no more than the share `rate` of real images lie; it is one of
/// their scores. `None` where there are none.
pub fn threshold(real: &[f64], rate: f64) -> Option<f64> {
    let mut sorted = real.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    // As one counts by hand: 7 % of 100 are 7.
    let exact = rate.clamp(0.0, 1.0) * sorted.len() as f64;
    let most = (exact + 1e-9 * exact.max(1.0)).floor() as usize;
    // So many at most lie strictly above this one, and more above any smaller threshold.
    sorted.get(most.min(sorted.len().saturating_sub(1))).copied()
}

/// How many scores lie above a threshold.
pub fn suspected(scores: &[f64], threshold: f64) -> u64 {
    scores.iter().filter(|score| **score > threshold).count() as u64
}

/// Ranks from 1, equal values having the mean of theirs.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let value = |at: usize| values[at] + 0.0;
    order.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for equal in order.chunk_by(|&a, &b| value(a) == value(b)) {
        let rank = start as f64 + (equal.len() + 1) as f64 / 2.0;
        for &at in equal {
            ranks[at] = rank;
        }
        start += equal.len();
    }
    ranks
}

/// Of a sample; `None` of fewer than two values.
fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// One point for each threshold that tells other images apart, from the largest down.
fn points(real: &[f64], adversarial: &[f64]) -> Vec<[f64; 2]> {
    let of = |scores: &[f64], side: usize| -> Vec<(f64, usize)> {
        scores.iter().map(|score| (score + 0.0, side)).collect()
    };
    let mut all = [of(real, 0), of(adversarial, 1)].concat();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut above = [0_usize; 2];
    let mut points = vec![[0.0, 0.0]];
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        for &(_, side) in equal {
            above[side] += 1;
        }
        points.push([
            above[0] as f64 / real.len() as f64,
            above[1] as f64 / adversarial.len() as f64,
        ]);
    }
    points
}

fn thinned(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..MOST_POINTS).map(|at| points[at * last / (MOST_POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(values: &[i8]) -> Vec<f64> {
        values.iter().map(|&value| f64::from(value) / 4.0).collect()
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_order(
            real in proptest::collection::vec(-9_i8..9, 1..60),
            adversarial in proptest::collection::vec(-9_i8..9, 1..60),
        ) {
            let (real, adversarial) = (levels(&real), levels(&adversarial));
            let found = curve(&real, &adversarial).unwrap();
            let mut pairs = 0.0;
            for a in &adversarial {
                for r in &real {
                    pairs += if a > r { 1.0 } else if a == r { 0.5 } else { 0.0 };
                }
            }
            let expected = pairs / (real.len() * adversarial.len()) as f64;
            prop_assert!((found.auc - expected).abs() < 1e-12, "{} {expected}", found.auc);
            prop_assert!(found.interval[0] <= found.auc && found.auc <= found.interval[1] + 1e-12);
            // Below 201 points nothing is left out: the area by trapezia is the same.
            let area: f64 = found
                .points
                .windows(2)
                .map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0)
                .sum();
            prop_assert!((area - expected).abs() < 1e-12);
            let other = curve(&adversarial, &real).unwrap();
            prop_assert!((other.auc + found.auc - 1.0).abs() < 1e-12);
        }

        #[test]
        fn a_curve_rises_from_corner_to_corner_in_few_points(
            real in proptest::collection::vec(0.0_f64..1.0, 1..400),
            adversarial in proptest::collection::vec(0.2_f64..1.2, 1..400),
        ) {
            let points = curve(&real, &adversarial).unwrap().points;
            prop_assert!(points.len() <= MOST_POINTS);
            prop_assert_eq!(points[0], [0.0, 0.0]);
            prop_assert_eq!(points[points.len() - 1], [1.0, 1.0]);
            for pair in points.windows(2) {
                prop_assert!(pair[0][0] <= pair[1][0] && pair[0][1] <= pair[1][1]);
                prop_assert_ne!(pair[0], pair[1]);
            }
        }

        #[test]
        fn a_threshold_is_the_smallest_that_holds_the_rate(
            scores in proptest::collection::vec(-9_i8..9, 1..80),
            rate in 0.001_f64..0.999,
        ) {
            let scores = levels(&scores);
            let found = threshold(&scores, rate).unwrap();
            let share = |at: f64| suspected(&scores, at) as f64 / scores.len() as f64;
            prop_assert!(share(found) <= rate + 1e-9);
            prop_assert!(share(found - 1e-6) > rate - 1e-9);
        }
    }

    #[test]
    fn more_images_that_are_told_apart_say_more() {
        // scipy: binomtest(k, k).proportion_ci(0.95, method="exact").low = 0.025^(1/k).
        let real: Vec<f64> = (0..1000).map(f64::from).collect();
        for (count, low) in [(10_i32, 0.691_502_892_181_238_6), (100, 0.963_783_307_354_823_5)] {
            let adversarial: Vec<f64> = (0..count).map(|at| f64::from(2000 + at)).collect();
            let found = curve(&real, &adversarial).unwrap();
            assert_eq!((found.auc, found.interval[1]), (1.0, 1.0));
            assert!((found.interval[0] - low).abs() < 1e-12, "{count}: {:?}", found.interval);
        }
        // One pair out of order, and the interval is DeLong's.
        let found = curve(&[0.0, 1.0, 2.5], &[2.0, 3.0, 4.0]).unwrap();
        assert!(found.interval[0] > 0.5 && found.interval[1] <= 1.0 && found.auc < 1.0);
    }

    #[test]
    fn a_rate_is_counted_as_by_hand() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(threshold(&scores, 0.07), Some(92.0));
        assert_eq!(suspected(&scores, 92.0), 7);
        assert_eq!(threshold(&scores, 0.001), Some(99.0));
        assert_eq!(threshold(&[1.0; 9], 0.5), Some(1.0));
        assert_eq!(threshold(&[], 0.5), None);
    }

    #[test]
    fn what_is_told_apart_wholly_or_not_at_all_has_the_areas_of_that() {
        let perfect = curve(&[0.0, 1.0, 2.0], &[3.0, 4.0]).unwrap();
        // 0.025^(1/2): of two pairs, both are in order.
        assert_eq!((perfect.auc, perfect.interval[1]), (1.0, 1.0));
        assert!((perfect.interval[0] - 0.158_113_883_008_418_98).abs() < 1e-12);
        let inverse = curve(&[3.0, 4.0], &[0.0, 1.0, 2.0]).unwrap();
        assert_eq!((inverse.auc, inverse.interval[0]), (0.0, 0.0));
        assert!((inverse.interval[1] - 0.841_886_116_991_581).abs() < 1e-12);
        let blind = curve(&[0.0, -0.0, 0.0], &[0.0, 0.0]).unwrap();
        assert_eq!((blind.auc, blind.points), (0.5, vec![[0.0, 0.0], [1.0, 1.0]]));
        let [low, high] = blind.interval;
        assert!((low - 0.079_056_941_504_209_49).abs() < 1e-12 && (low + high - 1.0).abs() < 1e-12);
        assert_eq!(curve(&[1.0, 2.0], &[3.0]).unwrap().interval, [0.0, 1.0]);
        assert!(curve(&[], &[1.0]).is_none() && curve(&[1.0], &[]).is_none());
    }
}
