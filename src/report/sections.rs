//! The tables of a report, whatever it is written as: a heading, what to know, columns, rows. The
//! texts are as the files have them; each format escapes its own way.

use super::chart::Chart;
use super::names::Names;
use super::{Report, appendix, consistency, dissection, percent, trace};
use crate::run::results::evaluate::Network;

/// What a table is about: the parts of a report, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What was run.
    #[default]
    Overview,
    /// Accuracies and attacks.
    Accuracy,
    /// What neurons detect.
    Concepts,
    /// Level and consistency by WordNet.
    Consistency,
    /// What neurons like.
    Neurons,
    /// The neurons behind predictions.
    Trace,
    /// Where representations lie.
    Representation,
    /// How adversarial images are told.
    Detector,
    /// How it was trained.
    Training,
    /// What is needed to make the numbers again.
    Appendix,
}

impl Part {
    pub(super) const ALL: [Self; 10] = [
        Self::Overview,
        Self::Accuracy,
        Self::Concepts,
        Self::Consistency,
        Self::Neurons,
        Self::Trace,
        Self::Representation,
        Self::Detector,
        Self::Training,
        Self::Appendix,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "What was run",
            Self::Accuracy => "Accuracy and attacks",
            Self::Concepts => "What neurons detect",
            Self::Consistency => "Level and consistency",
            Self::Neurons => "What neurons like",
            Self::Trace => "From predictions back to neurons",
            Self::Representation => "Where representations lie",
            Self::Detector => "Telling adversarial images",
            Self::Training => "Training",
            Self::Appendix => "Appendix",
        }
    }
}

/// A table and what stands around it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Section {
    pub part: Part,
    /// The file in the run folder, and its fields, that the numbers are in.
    pub source: &'static str,
    /// The CSV file that has the whole table with every digit; empty = none.
    pub file: &'static str,
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
    /// To be pasted into a shell, below all.
    pub commands: Vec<String>,
}

impl Section {
    /// The heading, with the run where the whole table is of one.
    pub(super) fn full_heading(&self) -> Option<String> {
        let heading = self.heading.as_ref()?;
        let run = self.run.as_ref().map(|run| format!(", {run}")).unwrap_or_default();
        Some(format!("{heading}{run}"))
    }

    /// Puts the runs' names for their ids.
    fn name_runs(&mut self, names: &Names) {
        let texts = [&mut self.heading, &mut self.before, &mut self.after];
        for text in texts.into_iter().flatten() {
            *text = names.shorten(text);
        }
        if let Some(run) = &mut self.run {
            *run = names.of(run).to_owned();
        }
        for cell in self.rows.iter_mut().flatten() {
            if let name = names.of(cell)
                && name != cell
            {
                *cell = name.to_owned();
            }
        }
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

/// All of a report's tables, part by part, with the runs' names for their ids.
pub(super) fn of(report: &Report) -> Vec<Section> {
    let mut sections = vec![runs(report)];
    sections.extend(accuracies(report));
    sections.extend(curves(report));
    sections.extend(transfers(report));
    sections.extend(sets(report));
    sections.extend(dissection::sections(report));
    sections.extend(consistency::sections(report));
    sections.extend(trace::sections(report));
    sections.extend(appendix::training(report));
    sections.sort_by_key(|section| section.part);
    let names = report.names();
    // The facts of a single run tell its id.
    let is_named = |section: &&mut Section| section.heading.is_some() || report.runs.len() > 1;
    sections.iter_mut().filter(is_named).for_each(|section| section.name_runs(&names));
    // These tell which name is which id.
    sections.extend(appendix::sections(report, &sections));
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
    let names = report.names();
    // A title that is the run's name already says it once.
    let titled =
        report.runs.len() == 1 || report.runs.iter().any(|run| names.of(&run.id) != run.title);
    let rows = report.runs.iter().map(|run| {
        let mut cells = vec![run.id.clone()];
        cells.extend(titled.then(|| run.title.clone()));
        cells.extend([
            run.network.clone(),
            run.weights.clone(),
            run.data.clone(),
            run.seed.to_string(),
        ]);
        cells
    });
    let mut heads = vec![RUN];
    heads.extend(titled.then_some("title"));
    heads.extend(["network", "weights", "data", ">seed"]);
    Section {
        columns: columns(&heads),
        rows: rows.collect(),
        source: "run.json; spec.toml: model, data, seed",
        file: "runs.csv",
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
        heading: Some("Table 2: accuracy, clean and under attack".into()),
        part: Part::Accuracy,
        source: "results/evaluate.json: rows[].top1, top5, their intervals, images, linf_max",
        file: "accuracies.csv",
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
            part: Part::Accuracy,
            source: "results/evaluate.json: curve.points[]",
            file: "curves.csv",
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
            part: Part::Accuracy,
            source: "results/evaluate.json: transfer.top1, clean_top1, their intervals",
            file: "transfers.csv",
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
        part: Part::Accuracy,
        source: "results/attack.json: models[], images, linf_max, l2_mean, rmsd_mean",
        file: "sets.csv",
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
