//! `results/evaluate.json` (SCIENCE §5).

use serde::{Deserialize, Serialize};

/// Accuracy, clean and under attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// One row an attack, in the spec's order.
    pub rows: Vec<Row>,
}

impl Evaluate {
    /// The two numbers that stand for a run in a list, under their metric names: clean top-1, and
    /// top-1 under the strongest of the attacks.
    pub fn headline(&self) -> Vec<(&'static str, f64)> {
        let (clean, attacked): (Vec<&Row>, Vec<&Row>) =
            self.rows.iter().partition(|row| row.attack == "none");
        let strongest = attacked.into_iter().map(|row| row.top1).min_by(f64::total_cmp);
        let clean = clean.first().map(|row| ("top1", row.top1));
        clean.into_iter().chain(strongest.map(|top1| ("adversarial_top1", top1))).collect()
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
            top5: 1.0,
            images: 10,
            linf_max: epsilon,
        };
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.6), row("fgsm", 4.0, 0.1)];
        let headline = Evaluate { rows }.headline();
        assert_eq!(headline, [("top1", 0.9), ("adversarial_top1", 0.1)]);
        assert!(Evaluate { rows: Vec::new() }.headline().is_empty());
    }
}
