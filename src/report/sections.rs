//! The tables of a report, whatever it is written as: a heading, what to know, columns, rows. The
//! texts are as the files have them; each format escapes its own way.

use super::chart::Chart;
use super::{Report, consistency, dissection, percent};
use crate::run::results::evaluate::Network;

/// A table and what stands around it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub heading: Option<String>,
    /// The run that the whole table is of; `None` = its rows name theirs.
    pub run: Option<String>,
    pub before: Option<String>,
    /// None: there is no table.
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    pub after: Option<String>,
    /// The rows as a picture, for a format that can draw one.
    pub chart: Option<Chart>,
    /// Lines whose columns of characters count, below the table.
    pub lines: Vec<String>,
}

impl Section {
    /// The heading, with the run where the whole table is of one.
    pub(super) fn full_heading(&self) -> Option<String> {
        let heading = self.heading.as_ref()?;
        let run = self.run.as_ref().map(|run| format!(", {run}")).unwrap_or_default();
        Some(format!("{heading}{run}"))
    }

    /// Without the runs' names, which say nothing where there is one run.
    pub(super) fn of_the_only_run(mut self) -> Self {
        self.run = None;
        if self.heading.is_some() && self.columns.first().is_some_and(|first| first.name == RUN) {
            self.columns.remove(0);
            self.rows.iter_mut().filter(|row| !row.is_empty()).for_each(|row| drop(row.remove(0)));
        }
        self
    }
}

pub(super) const RUN: &str = "run";

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// Numbers stand to the right.
    pub is_number: bool,
}

/// All of a report's tables.
pub(super) fn of(report: &Report) -> Vec<Section> {
    let mut sections = vec![runs(report)];
    sections.extend(accuracies(report));
    sections.extend(curves(report));
    sections.extend(transfers(report));
    sections.extend(sets(report));
    sections.extend(dissection::sections(report));
    sections.extend(consistency::sections(report));
    sections
}

/// Columns whose heading starts with `>` are of numbers.
pub(super) fn columns(heads: &[&str]) -> Vec<Column> {
    let column = |head: &&str| Column {
        name: head.trim_start_matches('>').to_owned(),
        is_number: head.starts_with('>'),
    };
    heads.iter().map(column).collect()
}

fn runs(report: &Report) -> Section {
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
    Section {
        columns: columns(&[RUN, "title", "network", "weights", "data", ">seed"]),
        rows: rows.collect(),
        ..Section::default()
    }
}

fn accuracies(report: &Report) -> Option<Section> {
    if report.rows.is_empty() {
        return None;
    }
    let published = report.rows.iter().any(|row| row.published.is_some());
    let mut heads = vec![RUN, "network", "attack", ">ε", ">top-1 %", ">top-5 %"];
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
    Some(Section {
        heading: Some("Accuracy, clean and under attack".into()),
        columns: columns(&heads),
        rows: rows.collect(),
        after: Some(
            "In brackets the 95 % confidence interval (Wilson). ε and the largest change of a pixel \
             in levels of 0..255."
                .into(),
        ),
        ..Section::default()
    })
}

fn curves(report: &Report) -> impl Iterator<Item = Section> {
    report.curves.iter().map(|curve| {
        let rows = curve.result.points.iter().map(|point| {
            vec![
                point.epsilon.to_string(),
                with_interval(point.top1, point.top1_interval),
                point.images.to_string(),
            ]
        });
        Section {
            heading: Some(format!("Accuracy against ε: {}", curve.result.attack)),
            run: Some(curve.run.clone()),
            columns: columns(&[">ε", ">top-1 %", ">images"]),
            rows: rows.collect(),
            ..Section::default()
        }
    })
}

fn transfers(report: &Report) -> impl Iterator<Item = Section> {
    report.transfers.iter().map(|transfer| {
        let result = &transfer.result;
        let named = |name: String| Column { name, is_number: true };
        let mut columns = vec![Column { name: "made on".into(), is_number: false }];
        columns.extend(result.targets.iter().map(network).map(named));
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
        Section {
            heading: Some(format!("Transfer: {} ε {}", result.attack, result.epsilon)),
            run: Some(transfer.run.clone()),
            before: Some("Top-1 % on images made on the row's network.".into()),
            columns,
            rows,
            ..Section::default()
        }
    })
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

fn sets(report: &Report) -> Option<Section> {
    if report.sets.is_empty() {
        return None;
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
    Some(Section {
        heading: Some("Sets of adversarial images".into()),
        columns: columns(&[
            RUN,
            "attack",
            "network",
            ">clean top-1 %",
            ">adversarial top-1 %",
            ">target reached %",
            ">images",
            ">largest change",
            ">mean L2",
            ">mean RMSD",
        ]),
        rows: rows.collect(),
        ..Section::default()
    })
}

pub(super) fn with_interval(share: f64, [low, high]: [f64; 2]) -> String {
    format!("{} [{}, {}]", percent(share), percent(low), percent(high))
}
