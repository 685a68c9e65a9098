//! Table 2 (SCIENCE §5) as dots with intervals, and accuracy against epsilon.

use super::bars::{self, Group, Mark};
use super::plot::{Curve, Ends, Plot, Point, Scale};
use super::{Draft, Made, Part, of_run};
use crate::error::Result;
use crate::report::drawing::{Role, Sign};
use crate::report::{Report, Row};
use crate::run::folder::short_name;

/// What the evaluations show.
pub(super) fn figures(report: &Report) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    drafts.extend(accuracies(report)?);
    drafts.extend(curves(report)?);
    Ok(drafts)
}

fn accuracies(report: &Report) -> Result<Option<Draft>> {
    if report.rows.is_empty() {
        return Ok(None);
    }
    let runs = runs(report.rows.iter().map(|row| row.run.as_str()));
    let mut groups: Vec<Group> = Vec::new();
    for row in &report.rows {
        let name = attack(row);
        let series = runs.iter().position(|run| *run == row.run).unwrap_or(0);
        let at = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            groups.push(Group { name, marks: Vec::new() });
            groups.len() - 1
        });
        groups[at].marks.push(Mark {
            series,
            value: 100.0 * row.top1,
            interval: Some(row.top1_interval.map(|end| 100.0 * end)),
            reference: row.published.map(|published| 100.0 * published.top1),
        });
    }
    let published = report.rows.iter().any(|row| row.published.is_some());
    let series = runs.iter().enumerate();
    let chart = bars::Bars {
        title: "Top-1 accuracy, clean and under attack".into(),
        axis: "top-1 %".into(),
        series: series
            .map(|(at, run)| bars::Series {
                name: if runs.len() > 1 { short_name(run).into() } else { String::new() },
                role: Role::Series(at),
                sign: Sign::of_series(at),
                filled: true,
            })
            .collect(),
        groups,
        look: bars::Look::Dots,
        ends: Some([0.0, 100.0]),
        reference: published.then(|| "published".into()),
    };
    Ok(Some(Draft {
        name: "accuracies".into(),
        number: Some("Table 2"),
        title: chart.title.clone(),
        caption:
            "Top-1 accuracy; the lines through the dots are 95 % confidence intervals (Wilson). ε \
                  in levels of 0..255."
                .into(),
        runs: runs.iter().map(|run| (*run).to_owned()).collect(),
        part: Part::Accuracy,
        source: "results/evaluate.json",
        made: Made::Drawing(chart.drawing()?),
    }))
}

/// Each run once, in their order.
pub(super) fn runs<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut runs: Vec<&str> = Vec::new();
    for run in all {
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    runs
}

/// `clean`, `pgd-20 ε 4`.
fn attack(row: &Row) -> String {
    if row.attack == "none" {
        return "clean".into();
    }
    let steps = row.steps.map(|steps| format!("-{steps}")).unwrap_or_default();
    let norm = if row.norm == "l2" { " L2" } else { "" };
    let epsilon = if row.epsilon > 0.0 { format!(" ε {}", row.epsilon) } else { String::new() };
    format!("{}{steps}{norm}{epsilon}", row.attack)
}

/// Those of one attack and norm in one plot.
fn curves(report: &Report) -> Result<Vec<Draft>> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut done: Vec<(&str, &str)> = Vec::new();
    for first in &report.curves {
        let kind = (first.result.attack.as_str(), first.result.norm.as_str());
        if done.contains(&kind) {
            continue;
        }
        done.push(kind);
        let same = report
            .curves
            .iter()
            .filter(|curve| (curve.result.attack.as_str(), curve.result.norm.as_str()) == kind);
        let same: Vec<_> = same.collect();
        let several = same.len() > 1;
        let curve = |(at, of): (usize, &&crate::report::OfRun<_>)| {
            let result: &crate::run::results::evaluate::Curve = &of.result;
            let point = |point: &crate::run::results::evaluate::Point| Point {
                x: point.epsilon,
                y: 100.0 * point.top1,
                interval: Some(point.top1_interval.map(|end| 100.0 * end)),
            };
            let name = if several { short_name(&of.run) } else { "" };
            Curve::of_series(name, at, result.points.iter().map(point).collect())
        };
        let norm = if kind.1 == "l2" { ", L2" } else { "" };
        let plot = Plot {
            title: format!("Accuracy against ε under {}{norm}", kind.0),
            x: Scale::new("ε, levels of 0..255", Ends::FromZero),
            y: Scale::new("top-1 %", Ends::Fixed(0.0, 100.0)),
            curves: same.iter().enumerate().map(curve).collect(),
            references: Vec::new(),
        };
        if plot.is_empty() {
            continue;
        }
        let runs = runs(same.iter().map(|of| of.run.as_str()));
        drafts.push(Draft {
            name: format!("epsilon-{}{}", kind.0, if kind.1 == "l2" { "-l2" } else { "" }),
            number: None,
            title: plot.title.clone(),
            caption: format!(
                "Top-1 accuracy under {} as its bound grows; bands are 95 % confidence intervals \
                 (Wilson){}.",
                kind.0,
                of_run(&runs)
            ),
            runs: runs.iter().map(|run| (*run).to_owned()).collect(),
            part: Part::Accuracy,
            source: "results/evaluate.json",
            made: Made::Drawing(plot.drawing()?),
        });
    }
    Ok(drafts)
}
