//! Average precision: how well a number tells images with a concept from those without.

/// The area below the curve of precision over recall, in steps, as scikit-learn's
/// `average_precision_score`: Σ (Rₙ − Rₙ₋₁) Pₙ over the scores that occur, from the largest down; images
/// of equal score come together. 0..1; `None` where no image is positive. A score that is NaN ranks
/// last.
///
/// # Panics
/// If there are more or fewer answers than scores.
pub fn average_precision(scores: &[f32], positive: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), positive.len(), "a score for each image");
    let total = positive.iter().filter(|&&positive| positive).count();
    if total == 0 {
        return None;
    }
    let score = |at: usize| if scores[at].is_nan() { f32::NEG_INFINITY } else { scores[at] };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| score(b).total_cmp(&score(a)));
    let (mut seen, mut hits, mut area) = (0_usize, 0_usize, 0.0);
    // `==` takes 0 and −0 for equal, which lie side by side.
    for equal in order.chunk_by(|&a, &b| score(a) == score(b)) {
        let new = equal.iter().filter(|&&at| positive[at]).count();
        seen += equal.len();
        hits += new;
        area += new as f64 / total as f64 * (hits as f64 / seen as f64);
    }
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sklearn.metrics.average_precision_score(positive, scores)
    #[test]
    fn is_scikit_learns() {
        let scores = [0.1, 0.4, 0.35, 0.8];
        let found = average_precision(&scores, &[false, false, true, true]).unwrap();
        assert!((found - 0.833_333_333_3).abs() < 1e-9, "{found}");
        let scores = [3.0, 1.0, 1.0, 1.0, 0.0, -0.0, -2.0];
        let positive = [false, true, false, true, true, false, true];
        let found = average_precision(&scores, &positive).unwrap();
        assert!((found - 0.517_857_142_857).abs() < 1e-9, "{found}");
    }

    #[test]
    fn is_1_where_all_with_the_concept_come_first_and_their_share_where_all_are_equal() {
        assert_eq!(average_precision(&[5.0, 4.0, 3.0], &[true, true, false]), Some(1.0));
        assert_eq!(average_precision(&[1.0; 4], &[true, false, false, false]), Some(0.25));
        assert_eq!(average_precision(&[1.0, 2.0], &[false, false]), None);
        assert_eq!(average_precision(&[], &[]), None);
        assert_eq!(average_precision(&[f32::NAN, 1.0], &[false, true]), Some(1.0));
    }
}
