//! `results/evaluate.json` (SCIENCE §5).

use serde::{Deserialize, Serialize};

/// Accuracy, clean and under attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// One row an attack, in the spec's order.
    pub rows: Vec<Row>,
}

impl Evaluate {
    /// The numbers that stand for a run in a list, under their metric names: clean accuracies, and
    /// those under [`Self::strongest`].
    pub fn headline(&self) -> Vec<(&'static str, f64)> {
        let clean = self.rows.iter().find(|row| row.attack == "none");
        let clean = clean.map(|row| [("top1", row.top1), ("top5", row.top5)]);
        let strongest = self
            .strongest()
            .map(|row| [("adversarial_top1", row.top1), ("adversarial_top5", row.top5)]);
        clean.into_iter().chain(strongest).flatten().collect()
    }

    /// The attack that leaves the lowest top-1; of equals the one with the larger epsilon, then the
    /// one that leaves the lower top-5.
    pub fn strongest(&self) -> Option<&Row> {
        let attacked = self.rows.iter().filter(|row| row.attack != "none");
        attacked.min_by(|a, b| {
            let by_epsilon = b.epsilon.total_cmp(&a.epsilon);
            a.top1.total_cmp(&b.top1).then(by_epsilon).then(a.top5.total_cmp(&b.top5))
        })
    }
}

/// One attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `none`, `fgsm`.
    pub attack: String,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Fraction, 0..1.
    pub top1: f64,
    /// Fraction, 0..1.
    pub top5: f64,
    /// How many images this is over.
    pub images: u64,
    /// Largest perturbation measured, in pixel levels of 255.
    pub linf_max: f64,
    /// Mean over images of ‖φ(x*) − φ(x)‖ / ‖φ(x)‖, φ the feature maps of the layer that was asked
    /// for, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_distance: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_is_clean_and_the_strongest_attack() {
        let row = |attack: &str, epsilon: f64, top1: f64| Row {
            attack: attack.into(),
            epsilon,
            top1,
            top5: top1 + 0.05,
            images: 10,
            linf_max: epsilon,
            feature_distance: None,
        };
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.6), row("fgsm", 4.0, 0.1)];
        let evaluate = Evaluate { rows };
        let headline = evaluate.headline();
        assert_eq!(headline[..2], [("top1", 0.9), ("top5", 0.9 + 0.05)]);
        assert_eq!(headline[2..], [("adversarial_top1", 0.1), ("adversarial_top5", 0.1 + 0.05)]);
        assert_eq!(evaluate.strongest().map(|row| row.epsilon), Some(4.0));
        assert!(Evaluate { rows: Vec::new() }.headline().is_empty());
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.1), row("fgsm", 4.0, 0.1)];
        let equal = Evaluate { rows };
        assert_eq!(equal.strongest().map(|row| row.epsilon), Some(4.0));
    }
}
