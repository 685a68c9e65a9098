//! From the records of an evaluation to its results, with what makes them doubtful.

use super::passes::{self, Pass, Plan};
use super::record::{BatchRecord, Record};
use crate::job::ledger::Ledger;
use crate::job::stage::networks::Networks;
use crate::job::suspicion::{self, Measured};
use crate::run::results::evaluate::{Curve, Evaluate, Point, Row, Transfer};
use crate::run::results::interval::wilson;
use crate::run::results::warning::Warning;
use crate::spec::{self, AttackMethod, MethodSpec};

/// All batches of a pass together.
pub(super) fn sum(ledger: &Ledger<Record>, pass: &str) -> BatchRecord {
    let mut sum = BatchRecord::default();
    for (_, record) in ledger.pass(pass) {
        if let Record::Batch(batch) = record {
            sum.add(batch);
        }
    }
    sum
}

/// What the log says of a finished pass.
pub(super) fn lines(pass: &Pass, sum: &BatchRecord, networks: &Networks) -> Vec<String> {
    let change = if pass.how.bounding_norm() == spec::Norm::L2 && pass.attacks() {
        format!("largest perturbation in L2 {:.2}/255", sum.distances.l2_max)
    } else {
        format!("largest perturbation {:.2}/255", sum.distances.linf_max)
    };
    let moved = match sum.features.mean() {
        Some(distance) => format!("; features moved by {distance:.4}"),
        None => String::new(),
    };
    let [low, high] = wilson(sum.right(0), sum.images);
    let first = format!(
        "{}: top-1 {:.4} (95 % {low:.4} to {high:.4}), top-5 {:.4} over {} images; {change}{moved}",
        pass.title(),
        sum.top1(0),
        sum.top5(0),
        sum.images,
    );
    if pass.targets.len() == 1 && pass.source == pass.targets[0] {
        return vec![first];
    }
    let made_on = networks[pass.source].name();
    let tried = pass.targets.iter().enumerate();
    tried
        .map(|(column, &target)| {
            format!(
                "{} made on {made_on}: top-1 of {} {:.4} over {} images; {change}",
                pass.title(),
                networks[target].name(),
                sum.top1(column),
                sum.images,
            )
        })
        .collect()
}

/// Everything that `results/evaluate.json` holds. `of_split`: images of the test split, damaged ones
/// too.
pub(super) fn results(
    plan: &Plan,
    ledger: &Ledger<Record>,
    networks: &Networks,
    of_split: u64,
) -> Evaluate {
    let passes = |from: usize, count: usize| &plan.passes[from..from + count];
    let rows = rows(passes(0, plan.rows), ledger);
    let curve = plan.curve.as_ref().map(|how| curve(how, passes(plan.rows, plan.points), ledger));
    // Not from this process's count: batches of an earlier try are not read again.
    let read = plan.passes.first().map_or(of_split, |pass| sum(ledger, &pass.name).images);
    let damaged = of_split.saturating_sub(read);
    Evaluate { rows, curve, transfer: transfer(plan, ledger, networks), damaged }
}

fn rows(passes: &[Pass], ledger: &Ledger<Record>) -> Vec<Row> {
    let sums: Vec<BatchRecord> = passes.iter().map(|pass| sum(ledger, &pass.name)).collect();
    let words: Vec<Words> = passes.iter().map(|pass| Words::of(&pass.how)).collect();
    let measured: Vec<Measured<'_>> =
        words.iter().zip(&sums).map(|(words, sum)| words.measured(sum)).collect();
    let mut warnings = vec![Vec::new(); passes.len()];
    for (place, warning) in
        suspicion::fgsm_beats_pgd(&measured).into_iter().chain(suspicion::accuracy_rises(&measured))
    {
        warnings[place].push(warning);
    }
    for (pass, warnings) in passes.iter().zip(&mut warnings) {
        warnings.extend(of_the_network(&pass.how, ledger));
        warnings.extend(of_the_steps(pass, ledger));
    }
    let parts = passes.iter().zip(&words).zip(&sums).zip(warnings);
    parts
        .map(|(((pass, words), sum), warnings)| Row {
            attack: words.attack.clone(),
            norm: words.norm.clone(),
            epsilon: pass.how.bound(),
            steps: pass.how.steps.filter(|_| pass.attacks()).map(|steps| steps as u64),
            top1: sum.top1(0),
            top1_interval: Some(wilson(sum.right(0), sum.images)),
            top5: sum.top5(0),
            top5_interval: Some(wilson(sum.among_five(0), sum.images)),
            images: sum.images,
            linf_max: sum.distances.linf_max,
            l2_max: sum.distances.l2_max,
            feature_distance: sum.features.mean(),
            warnings,
        })
        .collect()
}

fn curve(how: &MethodSpec, passes: &[Pass], ledger: &Ledger<Record>) -> Curve {
    let sums: Vec<BatchRecord> = passes.iter().map(|pass| sum(ledger, &pass.name)).collect();
    let words = Words::of(how);
    // Every point is the curve's attack, the first one with a bound of 0 too.
    let measured: Vec<Measured<'_>> = passes
        .iter()
        .zip(&sums)
        .map(|(pass, sum)| Measured {
            epsilon: pass.how.bound(),
            settings: "",
            ..words.measured(sum)
        })
        .collect();
    let rises = suspicion::accuracy_rises(&measured).into_iter().map(|(_, warning)| warning);
    let mut warnings: Vec<Warning> = rises.collect();
    warnings.extend(of_the_network(how, ledger));
    warnings.extend(passes.iter().filter_map(|pass| of_the_steps(pass, ledger)));
    let points = passes.iter().zip(&sums).map(|(pass, sum)| Point {
        epsilon: pass.how.bound(),
        top1: sum.top1(0),
        top1_interval: wilson(sum.right(0), sum.images),
        images: sum.images,
    });
    Curve {
        attack: words.attack.clone(),
        norm: words.norm.clone(),
        points: points.collect(),
        warnings,
    }
}

fn transfer(plan: &Plan, ledger: &Ledger<Record>, networks: &Networks) -> Option<Transfer> {
    let table = plan.transfer.as_ref()?;
    let words = Words::of(&table.how);
    let (clean, attacked) = plan.passes[plan.rows + plan.points..].split_first()?;
    let clean = sum(ledger, &clean.name);
    let sums: Vec<BatchRecord> = attacked.iter().map(|pass| sum(ledger, &pass.name)).collect();
    let columns = 0..table.targets.len();
    let by_cell = |value: &dyn Fn(&BatchRecord, usize) -> u64| -> Vec<Vec<u64>> {
        sums.iter().map(|sum| columns.clone().map(|c| value(sum, c)).collect()).collect()
    };
    let right = by_cell(&|sum, column| sum.right(column));
    let described = |all: &[usize]| all.iter().map(|&at| networks[at].described()).collect();
    let names =
        |all: &[usize]| -> Vec<String> { all.iter().map(|&at| networks[at].name()).collect() };
    let same: Vec<Vec<bool>> = table
        .sources
        .iter()
        .map(|source| table.targets.iter().map(|target| target == source).collect())
        .collect();
    let warnings = suspicion::transfer_beats_white_box(
        (&names(&table.sources), &names(&table.targets)),
        &same,
        &right,
        clean.images,
    );
    Some(Transfer {
        attack: words.attack.clone(),
        epsilon: table.how.bound(),
        norm: words.norm.clone(),
        sources: described(&table.sources),
        targets: described(&table.targets),
        top1: sums.iter().map(|sum| columns.clone().map(|c| sum.top1(c)).collect()).collect(),
        top1_interval: sums
            .iter()
            .map(|sum| columns.clone().map(|c| wilson(sum.right(c), sum.images)).collect())
            .collect(),
        clean_top1: columns.clone().map(|column| clean.top1(column)).collect(),
        clean_top1_interval: columns
            .clone()
            .map(|column| wilson(clean.right(column), clean.images))
            .collect(),
        images: clean.images,
        warnings,
    })
}

/// What holds for every attack on the run's own network.
fn of_the_network(how: &MethodSpec, ledger: &Ledger<Record>) -> Vec<Warning> {
    let Some(Record::Gradients(seen)) = ledger.get("gradients", 0) else { return Vec::new() };
    seen.warnings(how)
}

fn of_the_steps(pass: &Pass, ledger: &Ledger<Record>) -> Option<Warning> {
    let record = ledger.get(&format!("{}:more", pass.name), 0)?;
    let Record::MoreSteps { images, right, more } = record else { return None };
    let attack = spec::word(pass.how.method);
    suspicion::too_few_steps(&attack, passes::steps(&pass.how), (*right, *more), *images)
}

/// An attack as text.
struct Words {
    attack: String,
    norm: String,
    settings: String,
    epsilon: f64,
}

impl Words {
    fn of(how: &MethodSpec) -> Self {
        // Whatever grows with epsilon by itself makes no other attack of it.
        let settings = MethodSpec { epsilon: None, step_size: None, ..how.clone() };
        let attacks = how.method != AttackMethod::None;
        Self {
            attack: spec::word(how.method),
            norm: if attacks { spec::word(how.bounding_norm()) } else { String::new() },
            settings: format!("{settings:?}"),
            epsilon: how.bound(),
        }
    }

    fn measured(&self, sum: &BatchRecord) -> Measured<'_> {
        Measured {
            attack: &self.attack,
            norm: &self.norm,
            epsilon: self.epsilon,
            settings: &self.settings,
            right: sum.right(0),
            images: sum.images,
        }
    }
}
