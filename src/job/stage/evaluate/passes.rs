//! The passes that an evaluation takes, from what the spec asks for.

use std::path::Path;

use crate::error::Result;
use crate::job::stage::networks::Networks;
use crate::spec::{self, AttackMethod, EvaluateSpec, MethodSpec};

/// One pass over the test split.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// What its records are filed under.
    pub(super) name: String,
    /// The attack, every key written.
    pub(super) how: MethodSpec,
    /// The network that is attacked.
    pub(super) source: usize,
    /// The networks that the images are tried on.
    pub(super) targets: Vec<usize>,
    /// The same attack with twice the steps, where a sample is to tell whether they are enough.
    pub(super) more: Option<MethodSpec>,
}

/// All passes, and which is for what.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the order in which they are taken.
    pub(super) passes: Vec<Pass>,
    /// So many, from the first on, are rows of the table.
    pub(super) rows: usize,
    /// So many, after the rows, are points of the curve.
    pub(super) points: usize,
    /// The attack of the curve, without its epsilons.
    pub(super) curve: Option<MethodSpec>,
    /// The transfer table, whose passes come last, the clean one first.
    pub(super) transfer: Option<TransferPlan>,
}

/// The networks of a transfer table.
#[derive(Debug)]
pub(super) struct TransferPlan {
    /// The attack.
    pub(super) how: MethodSpec,
    /// Rows.
    pub(super) sources: Vec<usize>,
    /// Columns.
    pub(super) targets: Vec<usize>,
}

impl Plan {
    /// From the section. Opens the networks of a transfer table.
    pub(super) fn of(section: &EvaluateSpec, networks: &mut Networks, runs: &Path) -> Result<Self> {
        let mut passes: Vec<Pass> = section
            .attacks
            .iter()
            .enumerate()
            .map(|(index, how)| Pass::own(format!("attacks[{index}]"), how.resolved(), true))
            .collect();
        let rows = passes.len();
        let curve = section.curve.as_ref().map(|curve| {
            let widest = curve.epsilons.iter().copied().fold(0.0, f64::max);
            for (index, epsilon) in sorted(&curve.epsilons).into_iter().enumerate() {
                let check = epsilon == widest;
                passes.push(Pass::own(format!("curve[{index}]"), curve.at(epsilon), check));
            }
            curve.how.clone()
        });
        let points = passes.len() - rows;
        let transfer = match &section.transfer {
            None => None,
            Some(table) => {
                let sources = networks.open_all(&table.sources, runs)?;
                let targets = if table.targets.is_empty() {
                    sources.clone()
                } else {
                    networks.open_all(&table.targets, runs)?
                };
                let how = table.how.resolved();
                passes.push(Pass {
                    name: "transfer:clean".into(),
                    how: MethodSpec::new(AttackMethod::None, None),
                    source: sources.first().copied().unwrap_or(0),
                    targets: targets.clone(),
                    more: None,
                });
                passes.extend(sources.iter().enumerate().map(|(row, &source)| Pass {
                    name: format!("transfer[{row}]"),
                    how: how.clone(),
                    source,
                    targets: targets.clone(),
                    more: None,
                }));
                Some(TransferPlan { how, sources, targets })
            }
        };
        Ok(Self { passes, rows, points, curve, transfer })
    }
}

impl Pass {
    /// On the run's own network.
    fn own(name: String, how: MethodSpec, check: bool) -> Self {
        let more = if check { doubled(&how) } else { None };
        Self { name, how, source: 0, targets: vec![0], more }
    }

    /// Whether it changes the images at all.
    pub(super) fn attacks(&self) -> bool {
        self.how.method != AttackMethod::None
    }

    /// The metrics that tell how it goes.
    pub(super) fn metrics(&self) -> (&'static str, &'static str) {
        if self.attacks() { ("adversarial_top1", "adversarial_top5") } else { ("top1", "top5") }
    }

    /// What an image costs, in passes through a network.
    pub(super) fn cost(&self) -> u64 {
        cost(&self.how).saturating_add(self.targets.len() as u64)
    }

    /// `pgd ε 4`, or `cw` where there is no bound.
    pub(super) fn title(&self) -> String {
        let name = spec::word(self.how.method);
        match self.how.bound() {
            0.0 => name,
            bound => format!("{name} ε {bound}"),
        }
    }
}

/// What attacking an image costs, in passes through a network: forward 1, forward and back 3. At
/// most: some attacks leave images alone that are done.
pub(super) fn cost(how: &MethodSpec) -> u64 {
    let [forward, gradient] = how.passes();
    (forward as u64).saturating_add((gradient as u64).saturating_mul(3))
}

/// The same of a whole evaluation.
pub(super) fn cost_of(section: &EvaluateSpec) -> f64 {
    section.passes().iter().map(|(how, targets)| cost(how) as f64 + *targets as f64).sum()
}

/// Rising, each once.
fn sorted(epsilons: &[f64]) -> Vec<f64> {
    let mut sorted = epsilons.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted
}

/// The same attack with twice the steps; `None` where more of them mean nothing: a single step has
/// no more, and DeepFool and C&W end by themselves.
fn doubled(how: &MethodSpec) -> Option<MethodSpec> {
    use AttackMethod as M;
    let twice = |count: Option<usize>| count.map(|count| count.saturating_mul(2));
    match how.method {
        M::None | M::Fgsm | M::Deepfool | M::Cw | M::Ensemble => None,
        M::LeastLikely if how.steps.unwrap_or(1) == 1 => None,
        M::Square => Some(MethodSpec { queries: twice(how.queries), ..how.clone() }),
        _ => Some(MethodSpec { steps: twice(how.steps), ..how.clone() }),
    }
}

/// The steps, or queries, that [`doubled`] doubles.
pub(super) fn steps(how: &MethodSpec) -> u64 {
    let steps = if how.method == AttackMethod::Square { how.queries } else { how.steps };
    steps.unwrap_or(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(method: AttackMethod, steps: Option<usize>, restarts: Option<usize>) -> MethodSpec {
        MethodSpec { steps, restarts, ..MethodSpec::new(method, Some(4.0)) }.resolved()
    }

    #[test]
    fn an_image_costs_what_its_attack_does_to_it() {
        let of = |method, steps, restarts| {
            Pass::own(String::new(), how(method, steps, restarts), false).cost()
        };
        assert_eq!(of(AttackMethod::None, None, None), 1);
        assert_eq!(of(AttackMethod::Fgsm, None, None), 4);
        // Two looks at which restart was the better one.
        assert_eq!(of(AttackMethod::Pgd, Some(20), Some(2)), 123);
    }

    #[test]
    fn an_evaluation_costs_the_sum_of_its_parts() {
        let text = "[evaluate]\nattacks = [{ method = 'none' }, { method = 'fgsm', epsilon = 4 }]\n\
                    [evaluate.curve]\nmethod = 'pgd'\nsteps = 5\nepsilons = [0, 4]\n\
                    [evaluate.transfer]\nmethod = 'fgsm'\n";
        let spec = spec::Document::parse("a.toml", text).unwrap().spec().unwrap();
        let cost = cost_of(&spec.evaluate.unwrap());
        assert_eq!(cost, f64::from(1 + 4 + 1 + 16 + 1 + 4));
    }

    #[test]
    fn only_attacks_with_steps_are_tried_with_twice_as_many() {
        let twice = |method, steps| doubled(&how(method, steps, None)).map(|how| how.steps);
        assert_eq!(twice(AttackMethod::Pgd, Some(7)), Some(Some(14)));
        assert_eq!(twice(AttackMethod::LeastLikely, Some(3)), Some(Some(6)));
        assert_eq!(twice(AttackMethod::LeastLikely, Some(1)), None);
        assert_eq!(twice(AttackMethod::Fgsm, None), None);
        assert_eq!(twice(AttackMethod::Cw, None), None);
        let square = how(AttackMethod::Square, None, None);
        assert_eq!(doubled(&square).unwrap().queries, square.queries.map(|count| 2 * count));
    }

    #[test]
    fn epsilons_rise_and_stand_once() {
        assert_eq!(sorted(&[8.0, 0.0, 2.0, 8.0]), [0.0, 2.0, 8.0]);
    }
}
