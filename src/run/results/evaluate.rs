//! `results/evaluate.json` (SCIENCE §5): accuracies, clean and under attack, with what makes them
//! doubtful.

use serde::{Deserialize, Serialize};

use super::interval;
use super::warning::Warning;

/// Accuracy, clean and under attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluate {
    /// One row an attack, in the spec's order.
    pub rows: Vec<Row>,
    /// Accuracy against epsilon, where the spec asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<Curve>,
    /// Who is fooled by images made on whom, where the spec asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Images of the test split that could not be read and are not counted.
    #[serde(default)]
    pub damaged: u64,
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

    /// Every warning with what it is about, in the order of the results. One that holds for several
    /// rows alike is told once.
    pub fn warnings(&self) -> Vec<(String, &Warning)> {
        let rows = self.rows.iter().map(|row| (row.name(), &row.warnings));
        let curve = self.curve.iter().map(|c| (format!("{} curve", c.attack), &c.warnings));
        let transfer =
            self.transfer.iter().map(|t| (format!("{} transfer", t.attack), &t.warnings));
        let mut told: Vec<(String, &Warning)> = Vec::new();
        for (subject, warnings) in rows.chain(curve).chain(transfer) {
            for warning in warnings {
                if let Some((subjects, _)) = told.iter_mut().find(|(_, one)| *one == warning) {
                    *subjects = format!("{subjects}, {subject}");
                } else {
                    told.push((subject.clone(), warning));
                }
            }
        }
        told
    }
}

/// One attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// `none`, `fgsm`.
    pub attack: String,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Which norm epsilon bounds, `linf` or `l2`; empty in folders of older versions, which knew
    /// `linf` alone, and without an attack.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub norm: String,
    /// Steps of an attack that makes several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Fraction, 0..1.
    pub top1: f64,
    /// Its 95 % confidence interval; absent in folders of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top1_interval: Option<[f64; 2]>,
    /// Fraction, 0..1.
    pub top5: f64,
    /// Its 95 % confidence interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top5_interval: Option<[f64; 2]>,
    /// How many images this is over.
    pub images: u64,
    /// Largest perturbation measured, in pixel levels of 255.
    pub linf_max: f64,
    /// Largest L2 norm of a perturbation measured, in the unit of an l2 epsilon: the norm of 0..1
    /// pixels times 255; 0 in folders of older versions.
    #[serde(default)]
    pub l2_max: f64,
    /// Mean over images of ‖φ(x*) − φ(x)‖ / ‖φ(x)‖, φ the feature maps of the layer that was asked
    /// for, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_distance: Option<f64>,
    /// What makes this accuracy doubtful.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

impl Row {
    /// `clean`, `fgsm ε 4`, `pgd ε 4 l2`, and `cw` where there is no bound.
    pub fn name(&self) -> String {
        if self.attack == "none" {
            return "clean".into();
        }
        if self.epsilon == 0.0 {
            return self.attack.clone();
        }
        let norm = if self.norm == "l2" { " l2" } else { "" };
        format!("{} ε {}{norm}", self.attack, self.epsilon)
    }

    /// The 95 % confidence interval of top-1, also for a folder of an older version.
    pub fn interval(&self) -> [f64; 2] {
        self.top1_interval.unwrap_or_else(|| interval::of_share(self.top1, self.images))
    }

    /// The same of top-5.
    pub fn interval5(&self) -> [f64; 2] {
        self.top5_interval.unwrap_or_else(|| interval::of_share(self.top5, self.images))
    }
}

/// Accuracy against epsilon under one attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// `pgd`.
    pub attack: String,
    /// Which norm epsilon bounds.
    #[serde(default)]
    pub norm: String,
    /// By rising epsilon.
    pub points: Vec<Point>,
    /// What makes the curve doubtful.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// One epsilon of a curve.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Fraction, 0..1.
    pub top1: f64,
    /// Its 95 % confidence interval.
    pub top1_interval: [f64; 2],
    /// How many images this is over.
    pub images: u64,
}

/// Images made on one network, tried on others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// `pgd`.
    pub attack: String,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Which norm epsilon bounds.
    #[serde(default)]
    pub norm: String,
    /// The networks that the images are made on: a row each.
    pub sources: Vec<Network>,
    /// The networks that they are tried on: a column each.
    pub targets: Vec<Network>,
    /// Accuracy of each target, 0..1, by source then target. Where both are one network the attack
    /// is a white-box one.
    pub top1: Vec<Vec<f64>>,
    /// Their 95 % confidence intervals.
    pub top1_interval: Vec<Vec<[f64; 2]>>,
    /// Accuracy of each target on the originals.
    pub clean_top1: Vec<f64>,
    /// Their 95 % confidence intervals.
    pub clean_top1_interval: Vec<[f64; 2]>,
    /// How many images this is over.
    pub images: u64,
    /// What makes the table doubtful.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// A network of a transfer table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The architecture.
    pub arch: String,
    /// Where its weights are from; none = this run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::warning::WarningKind;

    fn row(attack: &str, epsilon: f64, top1: f64) -> Row {
        Row {
            attack: attack.into(),
            epsilon,
            top1,
            top5: top1 + 0.05,
            images: 10,
            linf_max: epsilon,
            ..Row::default()
        }
    }

    #[test]
    fn the_headline_is_clean_and_the_strongest_attack() {
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.6), row("fgsm", 4.0, 0.1)];
        let evaluate = Evaluate { rows, ..Evaluate::default() };
        let headline = evaluate.headline();
        assert_eq!(headline[..2], [("top1", 0.9), ("top5", 0.9 + 0.05)]);
        assert_eq!(headline[2..], [("adversarial_top1", 0.1), ("adversarial_top5", 0.1 + 0.05)]);
        assert_eq!(evaluate.strongest().map(|row| row.epsilon), Some(4.0));
        assert!(Evaluate::default().headline().is_empty());
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.1), row("fgsm", 4.0, 0.1)];
        let equal = Evaluate { rows, ..Evaluate::default() };
        assert_eq!(equal.strongest().map(|row| row.epsilon), Some(4.0));
    }

    #[test]
    fn a_warning_of_several_rows_is_told_once() {
        let warning = Warning {
            kind: WarningKind::RandomModel,
            message: "answers differ".into(),
            remedy: "average".into(),
        };
        let mut rows = vec![row("none", 0.0, 0.9), row("fgsm", 1.0, 0.6), row("pgd", 4.0, 0.1)];
        rows[1].warnings.push(warning.clone());
        rows[2].warnings.push(warning.clone());
        rows[2].norm = "l2".into();
        let evaluate = Evaluate { rows, ..Evaluate::default() };
        assert_eq!(evaluate.warnings(), [("fgsm ε 1, pgd ε 4 l2".to_owned(), &warning)]);
    }

    #[test]
    fn rows_of_older_versions_are_read_and_have_an_interval() {
        let text = r#"{"rows":[{"attack":"fgsm","epsilon":4.0,"top1":0.25,"top5":0.5,"images":8,
            "linf_max":4.0}]}"#;
        let evaluate: Evaluate = serde_json::from_str(text).unwrap();
        assert_eq!(evaluate.rows[0].interval(), interval::wilson(2, 8));
        assert_eq!((evaluate.curve, evaluate.rows[0].name()), (None, "fgsm ε 4".into()));
    }
}
