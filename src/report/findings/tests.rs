//! Sentences of small results.

use super::*;
use crate::report::{Facts, Run};

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
    let second = "consistent beside ordinary: no difference beyond chance on clean images (-2.3 \
                  points), 28.4 points more under the attack.";
    assert_eq!(found, [first, second]);
}

#[test]
fn what_may_be_chance_is_called_so() {
    let report =
        report(vec![row("a", "none", 0.9, [0.85, 0.95]), row("a", "fgsm", 0.88, [0.82, 0.92])]);
    let sentence = &of(&report)[0];
    assert!(sentence.contains("the network goes from 90.0 % to 88.0 %, which is within chance"));
    assert!(of(&Report::gather(&[]).unwrap()).is_empty());
}
