//! `[evaluate]` (SCIENCE §5): a table of accuracies, accuracy against epsilon, a transfer table.

use serde::{Deserialize, Serialize};

use super::{AttackMethod, EnsembleModel, Layers, MethodSpec};

/// `[evaluate]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSpec {
    /// One row each in `results/evaluate.json`.
    pub attacks: Vec<MethodSpec>,
    /// Images a batch.
    pub batch_size: usize,
    /// Where it is measured how far the attacks move the features; `None` = at the consistency
    /// layer of `[train.adversarial]`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_layer: Option<Layers>,
    /// Present: accuracy against epsilon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<CurveSpec>,
    /// Present: who is fooled by images made on whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferSpec>,
}

impl Default for EvaluateSpec {
    fn default() -> Self {
        Self {
            attacks: vec![
                MethodSpec::new(AttackMethod::None, None),
                MethodSpec::new(AttackMethod::Fgsm, Some(4.0)),
            ],
            batch_size: 100,
            feature_layer: None,
            curve: None,
            transfer: None,
        }
    }
}

impl EvaluateSpec {
    /// The attacks that go over the test split, each with the number of networks that its images are
    /// tried on.
    pub fn passes(&self) -> Vec<(MethodSpec, usize)> {
        let mut passes: Vec<(MethodSpec, usize)> =
            self.attacks.iter().map(|how| (how.clone(), 1)).collect();
        if let Some(curve) = &self.curve {
            passes.extend(curve.epsilons.iter().map(|&epsilon| (curve.at(epsilon), 1)));
        }
        if let Some(table) = &self.transfer {
            let sources = table.sources.len().max(1);
            let targets = if table.targets.is_empty() { sources } else { table.targets.len() };
            passes.push((MethodSpec::new(AttackMethod::None, None), targets));
            passes.extend((0..sources).map(|_| (table.how.clone(), targets)));
        }
        passes
    }
}

/// `evaluate.curve`: one attack at several epsilons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveSpec {
    /// The attack, without `epsilon`. A `step_size` that is not written grows with epsilon.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// One point each; 0 is clean accuracy.
    pub epsilons: Vec<f64>,
}

impl Default for CurveSpec {
    fn default() -> Self {
        let how = MethodSpec::new(AttackMethod::Pgd, None);
        Self { how, epsilons: vec![0.0, 1.0, 2.0, 4.0, 8.0] }
    }
}

impl CurveSpec {
    /// The attack with every key of its method but those that an epsilon decides.
    #[must_use]
    pub fn resolved(&self) -> MethodSpec {
        MethodSpec { epsilon: None, step_size: self.how.step_size, ..self.how.resolved() }
    }

    /// The attack at one epsilon, every key written; with a bound of 0 there is none.
    #[must_use]
    pub fn at(&self, epsilon: f64) -> MethodSpec {
        if epsilon == 0.0 {
            return MethodSpec::new(AttackMethod::None, None);
        }
        MethodSpec { epsilon: Some(epsilon), ..self.how.clone() }.resolved()
    }
}

/// `evaluate.transfer`: images made on each source, tried on each target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferSpec {
    /// The attack.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// The networks that images are made on; empty = this run's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<EnsembleModel>,
    /// The networks that they are tried on; empty = the sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<EnsembleModel>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_size_that_nobody_wrote_grows_with_epsilon() {
        let mut curve = CurveSpec::default();
        curve.how = curve.resolved();
        assert_eq!(
            (curve.how.steps, curve.how.step_size, curve.how.epsilon),
            (Some(20), None, None)
        );
        assert_eq!(curve.at(8.0).step_size, Some(1.0));
        assert_eq!(curve.at(2.0).step_size, Some(0.25));
        assert_eq!(curve.at(0.0).method, AttackMethod::None);
        curve.how.step_size = Some(0.5);
        assert_eq!(curve.at(8.0).step_size, Some(0.5));
    }
}
