//! A report as Markdown: what a paper's table needs, doubts below.

use std::fmt::Write as _;

use super::{Report, percent};
use crate::error::text::clean;
use crate::run::results::evaluate::Network;

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut out = String::from("# Results\n");
    runs(report, &mut out);
    accuracies(report, &mut out);
    curves(report, &mut out);
    transfers(report, &mut out);
    sets(report, &mut out);
    if !report.warnings.is_empty() {
        out += "\n## Doubts\n\n";
        for doubt in &report.warnings {
            let _ = writeln!(
                out,
                "- **{}, {}**: {}. Try: {}.",
                cell(&doubt.run),
                cell(&doubt.about),
                cell(&doubt.message),
                cell(&doubt.remedy)
            );
        }
    }
    if !report.notes.is_empty() {
        out += "\n## Notes\n\n";
        for note in &report.notes {
            let _ = writeln!(out, "- {}", cell(note));
        }
    }
    out
}

fn runs(report: &Report, out: &mut String) {
    let rows = report.runs.iter().map(|run| {
        vec![
            run.id.clone(),
            run.title.clone(),
            run.network.clone(),
            run.weights.clone(),
            run.data.clone(),
            run.seed.to_string(),
        ]
    });
    out.push('\n');
    table(out, &["run", "title", "network", "weights", "data", ">seed"], rows);
}

fn accuracies(report: &Report, out: &mut String) {
    if report.rows.is_empty() {
        return;
    }
    let published = report.rows.iter().any(|row| row.published.is_some());
    let mut heads = vec!["run", "network", "attack", ">ε", ">top-1 %", ">top-5 %"];
    if published {
        heads.extend([">published top-1 %", ">published top-5 %"]);
    }
    heads.extend([">images", ">largest change", ">doubts"]);
    let rows = report.rows.iter().map(|row| {
        let clean = row.attack == "none";
        let attack = match (clean, row.steps) {
            (true, _) => "clean".into(),
            (false, Some(steps)) if row.norm == "l2" => format!("{}-{steps} L2", row.attack),
            (false, Some(steps)) => format!("{}-{steps}", row.attack),
            (false, None) if row.norm == "l2" => format!("{} L2", row.attack),
            (false, None) => row.attack.clone(),
        };
        let mut cells = vec![
            row.run.clone(),
            row.network.clone(),
            attack,
            if clean { "–".into() } else { row.epsilon.to_string() },
            with_interval(row.top1, row.top1_interval),
            with_interval(row.top5, row.top5_interval),
        ];
        if published {
            let number = |share: Option<f64>| share.map_or_else(|| "–".into(), percent);
            cells.push(number(row.published.map(|published| published.top1)));
            cells.push(number(row.published.map(|published| published.top5)));
        }
        cells.push(row.images.to_string());
        cells.push(format!("{:.2}", row.linf_max));
        cells.push(if row.warnings == 0 { String::new() } else { row.warnings.to_string() });
        cells
    });
    out.push_str("\n## Accuracy, clean and under attack\n\n");
    table(out, &heads, rows);
    out.push_str(
        "\nIn brackets the 95 % confidence interval (Wilson). ε and the largest change of a pixel \
         in levels of 0..255.\n",
    );
}

fn curves(report: &Report, out: &mut String) {
    for curve in &report.curves {
        let attack = cell(&curve.result.attack);
        let _ = write!(out, "\n## Accuracy against ε: {attack}, {}\n\n", cell(&curve.run));
        let rows = curve.result.points.iter().map(|point| {
            vec![
                point.epsilon.to_string(),
                with_interval(point.top1, point.top1_interval),
                point.images.to_string(),
            ]
        });
        table(out, &[">ε", ">top-1 %", ">images"], rows);
    }
}

fn transfers(report: &Report, out: &mut String) {
    for transfer in &report.transfers {
        let (run, result) = (cell(&transfer.run), &transfer.result);
        let _ = write!(
            out,
            "\n## Transfer: {} ε {}, {run}\n\nTop-1 % on images made on the row's network.\n\n",
            cell(&result.attack),
            result.epsilon,
        );
        let names: Vec<String> = result.targets.iter().map(network).collect();
        let mut heads = vec!["made on".to_owned()];
        heads.extend(names.iter().map(|name| format!(">{name}")));
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let mut rows = vec![line("no attack", &result.clean_top1, &result.clean_top1_interval)];
        for ((source, top1), interval) in
            result.sources.iter().zip(&result.top1).zip(&result.top1_interval)
        {
            let mut cells = line(&network(source), top1, interval);
            for (cell, target) in cells.iter_mut().skip(1).zip(&result.targets) {
                if target == source {
                    *cell = format!("{cell} (white-box)");
                }
            }
            rows.push(cells);
        }
        table(out, &heads, rows.into_iter());
    }
}

fn line(name: &str, top1: &[f64], intervals: &[[f64; 2]]) -> Vec<String> {
    let numbers = top1.iter().zip(intervals);
    let numbers = numbers.map(|(top1, interval)| with_interval(*top1, *interval));
    std::iter::once(name.to_owned()).chain(numbers).collect()
}

fn network(network: &Network) -> String {
    match &network.weights {
        Some(weights) => {
            let file = weights.rsplit('/').next().unwrap_or(weights);
            format!("{} {file}", network.arch)
        }
        None => network.arch.clone(),
    }
}

fn sets(report: &Report, out: &mut String) {
    if report.sets.is_empty() {
        return;
    }
    let rows = report.sets.iter().flat_map(|set| {
        let result = &set.result;
        result.models.iter().map(move |model| {
            vec![
                set.run.clone(),
                result.name(),
                if model.white_box {
                    model.arch.clone()
                } else {
                    format!("{} (transfer)", model.arch)
                },
                percent(model.top1_clean),
                percent(model.top1_adversarial),
                model.target_rate.map_or_else(|| "–".into(), percent),
                result.images.to_string(),
                format!("{:.2}", result.linf_max),
                format!("{:.3}", result.l2_mean),
                format!("{:.2}", result.rmsd_mean),
            ]
        })
    });
    out.push_str("\n## Sets of adversarial images\n\n");
    let heads = [
        "run",
        "attack",
        "network",
        ">clean top-1 %",
        ">adversarial top-1 %",
        ">target reached %",
        ">images",
        ">largest change",
        ">mean L2",
        ">mean RMSD",
    ];
    table(out, &heads, rows);
}

fn with_interval(share: f64, [low, high]: [f64; 2]) -> String {
    format!("{} [{}, {}]", percent(share), percent(low), percent(high))
}

/// Columns whose heading starts with `>` are set to the right.
fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let names: Vec<String> = heads.iter().map(|head| cell(head.trim_start_matches('>'))).collect();
    let _ = writeln!(out, "| {} |", names.join(" | "));
    let rules: Vec<&str> =
        heads.iter().map(|head| if head.starts_with('>') { "---:" } else { "---" }).collect();
    let _ = writeln!(out, "| {} |", rules.join(" | "));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// Text that a cell holds as it is.
fn cell(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
