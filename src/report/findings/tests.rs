//! Sentences of small results.

use super::*;
use crate::report::{Facts, Run, Traced};
use crate::run::results::trace::{Detector, Ratio, Representation, Score, Trace};

fn row(run: &str, attack: &str, top1: f64, interval: [f64; 2]) -> Row {
    Row {
        run: run.into(),
        network: "alexnet".into(),
        attack: attack.into(),
        norm: String::new(),
        epsilon: if attack == "none" { 0.0 } else { 2.0 },
        steps: None,
        top1,
        top1_interval: interval,
        top5: 1.0,
        top5_interval: [1.0, 1.0],
        images: 1000,
        linf_max: 2.0,
        warnings: 0,
        published: None,
    }
}

fn report(rows: Vec<Row>) -> Report {
    let mut report = Report::gather(&[]).unwrap();
    let run = |id: &str| Run { id: id.into(), title: id.into(), seed: 1, ..Run::default() };
    for row in &rows {
        if !report.runs.iter().any(|run| run.id == row.run) {
            report.runs.push(run(&row.run));
            report.facts.push(Facts { run: row.run.clone(), ..Facts::default() });
        }
    }
    report.rows = rows;
    report
}

#[test]
fn two_networks_are_told_beside_each_other_under_the_attack_that_both_have() {
    let report = report(vec![
        row("ordinary", "none", 0.923, [0.90, 0.94]),
        row("ordinary", "fgsm", 0.6, [0.57, 0.63]),
        row("ordinary", "pgd", 0.514, [0.48, 0.55]),
        row("consistent", "none", 0.90, [0.88, 0.92]),
        row("consistent", "pgd", 0.798, [0.77, 0.82]),
    ]);
    let found = of(&report);
    let first = "Under PGD ε 2 the top-1 accuracy of ordinary falls from 92.3 % to 51.4 %; that of \
                 consistent falls from 90.0 % to 79.8 % (over 1000 images).";
    let second = "consistent beside ordinary: not told apart on clean images, where the 95 % \
                  intervals overlap (-2.3 points), 28.4 points more under the attack.";
    assert_eq!(found, [first, second]);
}

#[test]
fn intervals_that_overlap_are_called_so_and_no_proof_of_equality() {
    let report =
        report(vec![row("a", "none", 0.9, [0.85, 0.95]), row("a", "fgsm", 0.88, [0.82, 0.92])]);
    let sentence = &of(&report)[0];
    let expected = "the network goes from 90.0 % to 88.0 % (the 95 % intervals overlap: these images \
                    do not tell the two apart)";
    assert!(sentence.contains(expected), "{sentence}");
    assert!(of(&Report::gather(&[]).unwrap()).is_empty());
}

#[test]
fn of_fewer_than_ten_images_nothing_is_said() {
    let mut few =
        report(vec![row("a", "none", 0.9, [0.85, 0.95]), row("a", "fgsm", 0.1, [0.0, 0.3])]);
    assert_eq!(of(&few).len(), 1);
    few.rows.iter_mut().for_each(|row| row.images = 9);
    few.traces.push(traced(9, &[("pgd ε 4", false, &[("distance", 0.9)])]));
    let nearer = Ratio { images: 1, mean: 0.5, interval: [0.5, 0.5], ..Ratio::default() };
    few.traces[0].result.representation =
        Some(Representation { mean: nearer, ..Representation::default() });
    assert_eq!(of(&few), [""; 0]);
}

/// An attack, whether it works against the distance, and each score's area.
type Tried<'a> = (&'a str, bool, &'a [(&'a str, f64)]);

/// What detectors found.
fn traced(fooled: u64, attacks: &[Tried<'_>]) -> Traced {
    let attacks = attacks.iter().map(|(attack, aware, curves)| Attacked {
        attack: (*attack).into(),
        aware: *aware,
        images: fooled,
        fooled,
        curves: curves
            .iter()
            .map(|(score, auc)| Roc {
                score: (*score).into(),
                auc: *auc,
                interval: [auc - 0.05, auc + 0.05],
                ..Roc::default()
            })
            .collect(),
    });
    let score = |name: &str| Score { name: name.into(), ..Score::default() };
    let detector = Detector {
        real_images: 100,
        scores: ["disagreement", "distance", "confidence"].map(score).into(),
        attacks: attacks.collect(),
        ..Detector::default()
    };
    let result = Trace { detector: Some(detector), ..Trace::default() };
    Traced { run: "a".into(), network: "alexnet".into(), result, published: None }
}

#[test]
fn detectors_are_told_by_their_lowest_and_highest_area() {
    let mut report = report(Vec::new());
    let (fgsm, pgd) = (
        [("disagreement", 0.7), ("distance", 0.88), ("confidence", 0.99)],
        [("disagreement", 0.55), ("distance", 0.61), ("confidence", 0.2)],
    );
    report.traces.push(traced(50, &[("fgsm ε 4", false, &fgsm), ("pgd ε 2", false, &pgd)]));
    let expected = [
        "disagreement tells adversarial from real images of a with AUC from 0.550 [0.500, 0.600] \
         (pgd ε 2) to 0.700 [0.650, 0.750] (fgsm ε 4); 0.5 = chance.",
        "distance tells adversarial from real images of a with AUC from 0.610 [0.560, 0.660] (pgd ε \
         2) to 0.880 [0.830, 0.930] (fgsm ε 4); 0.5 = chance.",
    ];
    assert_eq!(of(&report), expected);
}

#[test]
fn an_attack_against_the_distance_says_nothing_of_other_scores() {
    let mut report = report(Vec::new());
    let curves = [("disagreement", 0.9), ("distance", 0.3), ("confidence", 0.8)];
    report.traces.push(traced(50, &[("pgd ε 4", true, &curves)]));
    let expected = "Against an attack that works against it, distance has AUC 0.300 [0.250, 0.350] \
                    (pgd ε 4) in a; 0.5 = chance.";
    assert_eq!(of(&report), [expected]);
}
