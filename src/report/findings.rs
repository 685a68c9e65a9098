//! What the results say, in sentences made of their numbers. A difference is claimed where the 95 %
//! intervals do not overlap. That they overlap shows no equality: then the sentence says that these
//! images do not tell the two apart.

use std::fmt::Write as _;

use super::names::Names;
use super::{Report, Row};
use crate::run::results::consistency::Estimate;
use crate::run::results::dissect::ALL;
use crate::run::results::trace::{Attacked, Roc};

/// So many runs are told of in one sentence; the tables have all.
const MOST: usize = 6;
/// Of fewer images no sentence is made; the tables have them.
const FEWEST: u64 = 10;

pub(super) fn of(report: &Report) -> Vec<String> {
    let names = report.names();
    let mut all = Vec::new();
    all.extend(accuracies(report, &names));
    all.extend(concepts(report, &names));
    all.extend(consistency(report, &names));
    all.extend(shared_neurons(report, &names));
    all.extend(representation(report, &names));
    all.extend(detector(report, &names));
    all
}

/// `92.3 %`
fn share(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

fn apart(a: [f64; 2], b: [f64; 2]) -> bool {
    a[1] < b[0] || b[1] < a[0]
}

/// `PGD ε 2`, as people write it.
fn attack(row: &Row) -> String {
    let name = match row.attack.as_str() {
        "deepfool" => "DeepFool".to_owned(),
        "cw" => "C&W".to_owned(),
        "least-likely" | "ensemble" | "square" => row.attack.clone(),
        other => other.to_uppercase(),
    };
    let norm = if row.norm == "l2" { " (L2)" } else { "" };
    let bound = if row.epsilon > 0.0 { format!(" ε {}", row.epsilon) } else { String::new() };
    let steps = row.steps.map(|steps| format!(" in {steps} steps")).unwrap_or_default();
    format!("{name}{bound}{norm}{steps}")
}

/// One attack of a run beside its clean accuracy.
struct Fall<'r> {
    run: &'r str,
    clean: &'r Row,
    attacked: &'r Row,
}

impl Fall<'_> {
    /// `falls from 92.3 % to 51.4 %`
    fn words(&self) -> String {
        let (clean, attacked) = (self.clean, self.attacked);
        let numbers = format!("from {} to {}", share(clean.top1), share(attacked.top1));
        if !apart(clean.top1_interval, attacked.top1_interval) {
            format!(
                "goes {numbers} (the 95 % intervals overlap: these images do not tell the two apart)"
            )
        } else if attacked.top1 < clean.top1 {
            format!("falls {numbers}")
        } else {
            format!("rises {numbers}")
        }
    }
}

fn same_attack(a: &Row, b: &Row) -> bool {
    (&a.attack, &a.norm, a.epsilon, a.steps) == (&b.attack, &b.norm, b.epsilon, b.steps)
}

/// Under the attack that hits hardest, of those that all the runs have.
fn accuracies(report: &Report, names: &Names) -> Vec<String> {
    let of_run = |run: &str| {
        let rows = report.rows.iter().filter(|row| row.run == run && row.images >= FEWEST);
        rows.collect::<Vec<_>>()
    };
    let runs: Vec<&str> = report.runs.iter().map(|run| run.id.as_str()).collect();
    let runs: Vec<&str> = runs.into_iter().filter(|run| of_run(run).len() > 1).take(MOST).collect();
    let Some(first) = runs.first() else { return Vec::new() };
    let everywhere = |row: &&&Row| {
        runs.iter().all(|run| of_run(run).iter().any(|other| same_attack(other, row)))
    };
    let of_first = of_run(first);
    let common = of_first.iter().filter(|row| row.attack != "none").filter(everywhere);
    let hardest =
        common.min_by(|a, b| a.top1.total_cmp(&b.top1).then(b.epsilon.total_cmp(&a.epsilon)));
    let fall = |run: &'_ str, attacked: &Row| -> Option<Fall<'_>> {
        let rows = report.rows.iter().filter(|row| row.run == run && row.images >= FEWEST);
        let clean = rows.clone().find(|row| row.attack == "none")?;
        let attacked = rows.clone().find(|row| same_attack(row, attacked))?;
        Some(Fall { run: &clean.run, clean, attacked })
    };
    let Some(hardest) = hardest else {
        // Runs that were attacked in different ways: each for itself.
        let alone = runs.iter().filter_map(|run| {
            let rows = of_run(run);
            let attacked = rows.iter().filter(|row| row.attack != "none");
            let fall = fall(run, attacked.min_by(|a, b| a.top1.total_cmp(&b.top1))?)?;
            Some(format!(
                "Under {} the top-1 accuracy of {} {}.",
                attack(fall.attacked),
                names.of(fall.run),
                fall.words()
            ))
        });
        return alone.collect();
    };
    let falls: Vec<Fall<'_>> = runs.iter().filter_map(|run| fall(run, hardest)).collect();
    let Some((reference, others)) = falls.split_first() else { return Vec::new() };
    let whose = |fall: &Fall<'_>| {
        if report.runs.len() == 1 {
            "the network".to_owned()
        } else {
            names.of(fall.run).to_owned()
        }
    };
    let words: Vec<String> =
        falls.iter().map(|fall| format!("{} {}", whose(fall), fall.words())).collect();
    let mut all = vec![format!(
        "Under {} the top-1 accuracy of {} (over {} images).",
        attack(reference.attacked),
        words.join("; that of "),
        reference.attacked.images
    )];
    all.extend(others.iter().map(|other| {
        let pairs = [
            ("on clean images", reference.clean, other.clean),
            ("under the attack", reference.attacked, other.attacked),
        ];
        let told = pairs.map(|(when, before, after)| {
            let points = 100.0 * (after.top1 - before.top1);
            let word = if points > 0.0 { "more" } else { "less" };
            if apart(before.top1_interval, after.top1_interval) {
                format!("{:.1} points {word} {when}", points.abs())
            } else {
                format!(
                    "not told apart {when}, where the 95 % intervals overlap ({points:+.1} points)"
                )
            }
        });
        let [clean, attacked] = told;
        format!("{} beside {}: {clean}, {attacked}.", whose(other), whose(reference))
    }));
    all
}

fn concepts(report: &Report, names: &Names) -> Vec<String> {
    let mut all = Vec::new();
    for of in report.dissections.iter().filter(|of| of.result.images >= FEWEST).take(MOST) {
        // The deepest layer: the last one asked for.
        let Some(layer) = of.result.layers.last() else { continue };
        let Some(real) = layer.ratio.real.get(ALL) else { continue };
        let null =
            layer.null.get(ALL).map(|null| format!(" ({} with shuffled labels)", share(*null)));
        let mut text = format!(
            "In {} of {}, {} of {} neurons detect a concept{}",
            layer.layer,
            names.of(&of.run),
            share(*real),
            layer.neurons.len(),
            null.unwrap_or_default()
        );
        let adversarial = layer.ratio.adversarial.as_ref().and_then(|ratio| ratio.get(ALL));
        if let Some(adversarial) = adversarial {
            let ends = layer.interval.adversarial.as_ref().and_then(|ends| ends.get(ALL));
            let both = layer.interval.real.get(ALL).zip(ends);
            let _ = write!(text, ", {} on adversarial images", share(*adversarial));
            match both {
                Some((a, b)) if apart(*a, *b) && adversarial < real => {
                    text += ": concepts are lost";
                }
                Some((a, b)) if apart(*a, *b) => text += ": more than on real ones",
                Some(_) => {
                    text += "; the 95 % intervals overlap: these images do not tell the two apart";
                }
                None => {}
            }
        }
        all.push(text + ".");
    }
    all
}

fn consistency(report: &Report, names: &Names) -> Vec<String> {
    let mut all = Vec::new();
    for of in report.consistencies.iter().take(MOST) {
        let Some(layer) = of.result.layers.last() else { continue };
        let mean = &layer.mean;
        let (Some(first), Some(second)) = (mean.cs1, mean.cs2) else { continue };
        let verdict = match (first.interval, second.interval) {
            (Some(a), Some(b)) if apart(a, b) && first.mean > second.mean => {
                "its neurons answer more to what is in the adversarial pictures than to what the \
                 attack aims at"
            }
            (Some(a), Some(b)) if apart(a, b) => {
                "its neurons answer more to what the attack aims at than to what is in the pictures"
            }
            (Some(_), Some(_)) => {
                "the 95 % intervals overlap: these neurons do not tell the two apart"
            }
            _ => "of too few neurons to say more",
        };
        let change = mean.lc_change.and_then(|change: Estimate| {
            let [low, high] = change.interval?;
            let points = 100.0 * change.mean;
            Some(if low > 0.0 || high < 0.0 {
                format!(" LC changes by {points:+.1} hundredths from real to adversarial images.")
            } else {
                format!(
                    " LC changes by {points:+.1} hundredths from real to adversarial images, with 0 in \
                     the 95 % interval."
                )
            })
        });
        all.push(format!(
            "In {} of {}, CS1 is {:.3} and CS2 {:.3}: {verdict}.{}",
            layer.layer,
            names.of(&of.run),
            first.mean,
            second.mean,
            change.unwrap_or_default()
        ));
    }
    all
}

fn shared_neurons(report: &Report, names: &Names) -> Vec<String> {
    let mut all = Vec::new();
    for of in report.traces.iter().take(MOST) {
        let kinds = of.result.kinds.iter().filter(|kind| kind.images >= FEWEST);
        let kinds = kinds.filter_map(|kind| {
            let overlap = kind.overlap?;
            Some(format!("{} {}", share(overlap), described(&kind.kind)))
        });
        let kinds: Vec<String> = kinds.collect();
        let Some(chance) = of.result.kinds.first().map(|kind| kind.chance) else { continue };
        if !kinds.is_empty() {
            all.push(format!(
                "In {} of {}, two predictions share of their {} influential neurons {} ({} by chance).",
                of.result.layer,
                names.of(&of.run),
                of.result.top,
                kinds.join(", "),
                share(chance)
            ));
        }
    }
    all
}

fn described(kind: &str) -> String {
    match kind {
        "right" => "where both are right".into(),
        "wrong" => "where both are wrong".into(),
        "adversarial" => "where both are adversarial".into(),
        "given" => "of the pictures given".into(),
        other => format!("of kind {other}"),
    }
}

fn representation(report: &Report, names: &Names) -> Vec<String> {
    let told = report.traces.iter().take(MOST).filter_map(|of| {
        let mean = &of.result.representation.as_ref()?.mean;
        if mean.images < FEWEST {
            return None;
        }
        let [low, high] = mean.interval;
        let verdict = if high < 1.0 {
            "nearer to the class of the original than to the other one"
        } else if low > 1.0 {
            "nearer to the other class than to that of the original"
        } else {
            "not clearly nearer to one of the two classes (the 95 % interval holds 1)"
        };
        Some(format!(
            "Adversarial images lie, in {} of {}, on average {verdict}: the ratio of distances is \
             {:.3} [{low:.3}, {high:.3}].",
            of.result.layer,
            names.of(&of.run),
            mean.mean
        ))
    });
    told.collect()
}

/// `0.810 [0.780, 0.840] (pgd ε 4)`
fn area((attack, curve): (&Attacked, &Roc)) -> String {
    let [low, high] = curve.interval;
    format!("{:.3} [{low:.3}, {high:.3}] ({})", curve.auc, attack.attack)
}

/// Of each detector the lowest and the highest area: the best of several is no result by itself.
/// What works against the detector works against its distance; of the other scores nothing is said.
fn detector(report: &Report, names: &Names) -> Vec<String> {
    let mut all = Vec::new();
    for of in report.traces.iter().take(MOST) {
        let Some(detector) = &of.result.detector else { continue };
        if detector.real_images < FEWEST {
            continue;
        }
        let curves = |aware: bool, score: &str| -> Vec<(&Attacked, &Roc)> {
            let attacks = detector.attacks.iter();
            let attacks = attacks.filter(|of| of.aware == aware && of.fooled >= FEWEST);
            let with = attacks
                .filter_map(|of| Some((of, of.curves.iter().find(|curve| curve.score == score)?)));
            with.collect()
        };
        let by_area = |a: &(&Attacked, &Roc), b: &(&Attacked, &Roc)| a.1.auc.total_cmp(&b.1.auc);
        // Confidence is there to compare with; it is no detector of this paper's kind.
        for score in detector.scores.iter().filter(|score| score.name != "confidence") {
            let found = curves(false, &score.name);
            let ends =
                (found.iter().copied().min_by(by_area), found.iter().copied().max_by(by_area));
            let (Some(lowest), Some(highest)) = ends else { continue };
            let areas = if found.len() == 1 {
                format!("AUC {}", area(lowest))
            } else {
                format!("AUC from {} to {}", area(lowest), area(highest))
            };
            all.push(format!(
                "{} tells adversarial from real images of {} with {areas}; 0.5 = chance.",
                score.name,
                names.of(&of.run)
            ));
        }
        for found in curves(true, "distance") {
            all.push(format!(
                "Against an attack that works against it, distance has AUC {} in {}; 0.5 = chance.",
                area(found),
                names.of(&of.run)
            ));
        }
    }
    all
}

/// A sentence on what was studied.
pub(super) fn studied(report: &Report) -> String {
    let unique = |of: fn(&super::Run) -> &String| {
        let mut all: Vec<&str> = Vec::new();
        for run in &report.runs {
            if !all.contains(&of(run).as_str()) {
                all.push(of(run));
            }
        }
        all.join(", ")
    };
    let seeds = {
        let mut all: Vec<String> = report.runs.iter().map(|run| run.seed.to_string()).collect();
        all.dedup();
        all.join(", ")
    };
    let runs = match report.runs.len() {
        1 => "One run".to_owned(),
        count => format!("{count} runs"),
    };
    let stages = [
        (report.facts.iter().any(|facts| facts.training.is_some()), "training"),
        (!report.rows.is_empty(), "accuracy, clean and under attack"),
        (!report.sets.is_empty(), "sets of adversarial images"),
        (!report.dissections.is_empty(), "concepts that neurons detect"),
        (!report.consistencies.is_empty(), "level and consistency of neurons by WordNet"),
        (!report.traces.is_empty(), "the neurons behind predictions"),
    ];
    let stages: Vec<&str> = stages.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    format!(
        "{runs} of {} on {} (seed {seeds}): {}.",
        unique(|run| &run.network),
        unique(|run| &run.data),
        if stages.is_empty() { "no results yet".to_owned() } else { stages.join("; ") }
    )
}

#[cfg(test)]
mod tests;
