//! How far a measured share may lie from the true one, given how many images it was measured on.

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % confidence interval of a share, `right` of `images`, after Wilson (J. Am. Stat. Assoc.
/// 22, 1927): unlike the plain normal one it never leaves 0..1 and stays right for shares near 0 and
/// 1, where robust accuracies lie. Nothing measured: anything from 0 to 1.
pub fn wilson(right: u64, images: u64) -> [f64; 2] {
    if images == 0 {
        return [0.0, 1.0];
    }
    let (n, right) = (images as f64, right.min(images) as f64);
    let share = right / n;
    let (square, divisor) = (Z * Z, 1.0 + Z * Z / n);
    let centre = (share + square / (2.0 * n)) / divisor;
    let half = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt() / divisor;
    // The ends are exactly 0 and 1 there; rounding must not put them beside.
    let low = if right == 0.0 { 0.0 } else { centre - half };
    let high = if right == n { 1.0 } else { centre + half };
    [low, high]
}

/// The same from a share that was rounded to a fraction of `images`.
pub fn of_share(share: f64, images: u64) -> [f64; 2] {
    wilson((share.clamp(0.0, 1.0) * images as f64).round() as u64, images)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    #[test]
    fn agrees_with_the_published_examples() {
        for (right, images, expected) in [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ] {
            let found = wilson(right, images);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 5e-5, "{right} of {images}: {found:?}");
            }
        }
    }

    /// scipy 1.17.1: `binomtest(right, images).proportion_ci(0.95, method="wilson")`.
    #[test]
    fn agrees_with_scipy() {
        for (right, images, expected) in [
            (904, 10_000, [0.084_935_889_519_414_41, 0.096_178_681_945_843_81]),
            (50, 50, [0.928_652_400_866_641_2, 1.0]),
            (7, 1000, [0.003_394_868_400_990_764_6, 0.014_378_315_465_766_588]),
        ] {
            let found = wilson(right, images);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{right} of {images}: {found:?}");
            }
        }
    }

    #[test]
    fn ends_stay_in_range_and_hold_the_share() {
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
        assert_eq!(wilson(9, 3)[1], 1.0);
        for images in [1_u64, 7, 1000] {
            for right in 0..=images.min(50) {
                let [low, high] = wilson(right, images);
                let share = right as f64 / images as f64;
                assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            }
        }
        assert_eq!(of_share(0.25, 8), wilson(2, 8));
    }
}
