//! Table 1 (SCIENCE §4.1): what share of the neurons detects a concept, on real images, on their
//! adversarial counterparts, with shuffled labels; the same at other thresholds; two runs neuron by
//! neuron; which neuron detects what.

use std::collections::BTreeMap;

use serde::Serialize;

use super::difference::{Change, Compared, Kind, counts, difference, not_comparable};
use super::published::concepts::PublishedRatio;
use super::sections::{Column, Part, RUN, Section, columns, with_interval};
use super::{Report, percent};
use crate::run::results::dissect::{ALL, Dissect, Layer, Match, Neuron, Ratio};

/// What the neurons of a run detect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dissection {
    /// The run's id.
    pub run: String,
    /// `alexnet`.
    pub network: String,
    /// As its results file has it, without the neurons' pictures.
    #[serde(flatten)]
    pub result: Dissect,
    /// Of the layers for which somebody has published them.
    pub published: Vec<PublishedRatio>,
}

/// A layer's neurons in two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The first run's id.
    pub before: String,
    /// The second's.
    pub after: String,
    /// The tap's name.
    pub layer: String,
    /// By index.
    pub changes: Vec<Change>,
}

/// A row of Table 1.
pub(super) struct Row<'r> {
    pub dissection: &'r Dissection,
    pub layer: &'r Layer,
    pub images: Images,
    pub ratio: &'r Ratio,
    pub interval: Option<&'r BTreeMap<String, [f64; 2]>>,
}

/// Which images a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    Real,
    Published,
    Shuffled,
    Adversarial,
    ShuffledAdversarial,
    Rethresholded,
    ShuffledRethresholded,
}

impl Images {
    /// For people.
    fn shown(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Adversarial => "adversarial",
            Self::Rethresholded => "adversarial, own thresholds",
            Self::Shuffled => "real, shuffled labels",
            Self::ShuffledAdversarial => "adversarial, shuffled labels",
            Self::ShuffledRethresholded => "adversarial, own thresholds, shuffled labels",
            Self::Published => "real, published",
        }
    }

    /// In files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Adversarial => "adversarial",
            Self::Rethresholded => "rethresholded",
            Self::Shuffled => "shuffled",
            Self::ShuffledAdversarial => "adversarial-shuffled",
            Self::ShuffledRethresholded => "rethresholded-shuffled",
            Self::Published => "published",
        }
    }
}

impl Row<'_> {
    /// Whose network it is.
    pub(super) fn network(&self) -> &str {
        let of_layer = |published: &&PublishedRatio| published.layer == self.layer.layer;
        match self.dissection.published.iter().find(of_layer) {
            Some(published) if self.images == Images::Published => &published.network,
            _ => &self.dissection.network,
        }
    }
}

/// Table 1's rows, run by run and layer by layer.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (dissection, layer) in layers(report) {
        let of_layer = |published: &&PublishedRatio| published.layer == layer.layer;
        let published = dissection.published.iter().find(of_layer);
        let (ratio, interval) = (&layer.ratio, &layer.interval);
        // Each with what chance gives beside it: another threshold, another chance.
        let found = [
            (Images::Real, Some(&ratio.real), Some(&interval.real)),
            (Images::Published, published.map(|published| &published.ratio), None),
            (Images::Shuffled, Some(&layer.null), None),
            (Images::Adversarial, ratio.adversarial.as_ref(), interval.adversarial.as_ref()),
            (Images::ShuffledAdversarial, layer.adversarial_null.as_ref(), None),
            (Images::Rethresholded, ratio.rethresholded.as_ref(), interval.rethresholded.as_ref()),
            (Images::ShuffledRethresholded, layer.rethresholded_null.as_ref(), None),
        ];
        rows.extend(found.into_iter().filter_map(|(images, ratio, interval)| {
            Some(Row { dissection, layer, images, ratio: ratio?, interval })
        }));
    }
    rows
}

fn layers<'r>(report: &'r Report) -> impl Iterator<Item = (&'r Dissection, &'r Layer)> {
    let of_run = |of: &'r Dissection| of.result.layers.iter().map(move |layer| (of, layer));
    report.dissections.iter().flat_map(of_run)
}

/// The categories of all runs, each once, and all together last.
pub(super) fn categories(report: &Report) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for dissection in &report.dissections {
        for category in &dissection.result.categories {
            if !all.contains(&category.as_str()) && category != ALL {
                all.push(category);
            }
        }
    }
    all.push(ALL);
    all
}

/// Neuron by neuron where exactly two runs were dissected that can be compared.
pub(super) fn differences(dissections: &[Dissection]) -> Vec<Difference> {
    let [before, after] = dissections else { return Vec::new() };
    if not_comparable(before.compared(), after.compared()).is_some() {
        return Vec::new();
    }
    let both = before.result.layers.iter().filter_map(|first| {
        let second = after.result.layers.iter().find(|second| second.layer == first.layer)?;
        Some(Difference {
            before: before.run.clone(),
            after: after.run.clone(),
            layer: first.layer.clone(),
            changes: difference(first, second),
        })
    });
    both.collect()
}

impl Dissection {
    fn compared(&self) -> Compared<'_> {
        Compared { run: &self.run, network: Some(&self.network), result: &self.result }
    }
}

/// What a reader should know about two runs that are not set side by side.
pub(super) fn notes(dissections: &[Dissection]) -> Vec<String> {
    let [before, after] = dissections else { return Vec::new() };
    let why = not_comparable(before.compared(), after.compared());
    why.map(|why| format!("Concepts are not compared neuron by neuron: {why}."))
        .into_iter()
        .collect()
}

/// All tables.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    if report.dissections.is_empty() {
        return Vec::new();
    }
    let mut sections = vec![looked_at(report), table_1(report), sweep(report)];
    sections.extend(changes(report));
    sections.push(best(report));
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn looked_at(report: &Report) -> Section {
    let rows = report.dissections.iter().map(|of| {
        let result = &of.result;
        let is_attacked = result.adversarial_images > 0;
        vec![
            of.run.clone(),
            of.network.clone(),
            result.data.clone(),
            result.images.to_string(),
            result.damaged.to_string(),
            if is_attacked { result.attack.clone() } else { "none".into() },
            result.adversarial_images.to_string(),
            result.fooled.map_or_else(|| "–".into(), percent),
            percent(result.quantile),
        ]
    });
    Section {
        heading: Some("Network Dissection: what was looked at".into()),
        part: Part::Concepts,
        source: "results/dissect.json: data, images, damaged, attack, fooled, quantile",
        file: "dissect-data.csv",
        columns: columns(&[
            RUN,
            "network",
            "labelled data",
            ">images",
            ">not readable",
            "attack",
            ">attacked",
            ">fooled %",
            ">fires at %",
        ]),
        rows: rows.collect(),
        after: Some(
            "Fooled: attacked images that the network takes for another class than the clean ones. \
             A neuron fires where its map exceeds the value that so much of all positions exceeds on \
             the real images."
                .into(),
        ),
        ..Section::default()
    }
}

fn table_1(report: &Report) -> Section {
    let categories = categories(report);
    let mut columns = columns(&[RUN, "network", "layer", "images", ">neurons"]);
    let share = |category: &&str| Column { name: format!("{category} %"), is_number: true };
    columns.extend(categories.iter().map(share));
    let rows = rows(report).into_iter().map(|row| {
        let is_ours = row.images != Images::Published;
        let mut cells = vec![
            row.dissection.run.clone(),
            row.network().to_owned(),
            row.layer.layer.clone(),
            row.images.shown().to_owned(),
            if is_ours { row.layer.neurons.len().to_string() } else { String::new() },
        ];
        cells.extend(categories.iter().map(|category| {
            let interval = row.interval.and_then(|interval| interval.get(*category));
            match (row.ratio.get(*category), interval) {
                (Some(share), Some(interval)) => with_interval(*share, *interval),
                (Some(share), None) => percent(*share),
                (None, _) => "–".into(),
            }
        }));
        cells
    });
    let rows = rows.collect();
    Section {
        heading: Some("Table 1: neurons that detect a concept".into()),
        part: Part::Concepts,
        source: "results/dissect.json: layers[].ratio, interval, null, adversarial_null, rethresholded_null",
        file: "table1.csv",
        before: Some(thresholds(report)),
        columns,
        rows,
        after: Some(
            "In brackets the 95 % interval by the jackknife over blocks of images. Shuffled labels: \
             each image with the labels of another, what chance alone gives. Own thresholds: found on the \
             attacked images; the other adversarial rows keep those of the real ones."
                .into(),
        ),
        ..Section::default()
    }
}

/// What counts as detecting, in words.
fn thresholds(report: &Report) -> String {
    let mut all: Vec<f64> = layers(report).map(|(_, layer)| layer.threshold).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    format!(
        "Share of a layer's neurons whose best concept lies in a category and has an intersection \
         over union (IoU) above {}.",
        all.join(" or ")
    )
}

fn sweep(report: &Report) -> Section {
    let share = |share: Option<f64>| share.map_or_else(|| "–".into(), percent);
    let rows = layers(report).flat_map(|(of, layer)| {
        layer.sweep.iter().map(move |point| {
            vec![
                of.run.clone(),
                layer.layer.clone(),
                point.threshold.to_string(),
                percent(point.ratio.real),
                share(point.ratio.adversarial),
                share(point.ratio.rethresholded),
                percent(point.null),
                share(point.adversarial_null),
                share(point.rethresholded_null),
            ]
        })
    });
    Section {
        heading: Some("Neurons that detect a concept, at other thresholds".into()),
        part: Part::Concepts,
        source: "results/dissect.json: layers[].sweep[]",
        file: "table1-sweep.csv",
        columns: columns(&[
            RUN,
            "layer",
            ">IoU above",
            ">real %",
            ">adversarial %",
            ">own thresholds %",
            ">real, shuffled labels %",
            ">adversarial, shuffled labels %",
            ">own thresholds, shuffled labels %",
        ]),
        rows: rows.collect(),
        ..Section::default()
    }
}

/// As many of a layer's neurons stand in a table; the CSV has all.
pub(super) const MOST: usize = 20;

fn changes(report: &Report) -> Vec<Section> {
    let Some(first) = report.differences.first() else { return Vec::new() };
    let heads = ["layer", ">gained", ">lost", ">renamed", ">kept", ">neither"];
    let rows = report.differences.iter().map(|of| {
        let counts = counts(&of.changes).map(|(_, count)| count.to_string());
        std::iter::once(of.layer.clone()).chain(counts).collect()
    });
    let count = Section {
        heading: Some(format!("Concepts of {} beside those of {}", first.after, first.before)),
        part: Part::Concepts,
        source: "results/dissect.json of both: layers[].neurons[].best, counted",
        file: "concepts-changed.csv",
        before: Some(format!(
            "Real images, neuron by neuron: gained = detected in {} alone, lost = in {} alone. It means something where one network was trained on from \
             the other, or both from the same; in two that began apart, a neuron's number says nothing.",
            first.after, first.before
        )),
        columns: columns(&heads),
        rows: rows.collect(),
        ..Section::default()
    };
    let rows: Vec<Vec<String>> = report.differences.iter().flat_map(changed).collect();
    let table = Section {
        heading: Some("Neurons that gained, lost or changed their concept".into()),
        part: Part::Concepts,
        source: "results/dissect.json of both: layers[].neurons[].best",
        file: "concepts-changed.csv",
        columns: columns(&["layer", ">neuron", "change", "before", ">IoU", "after", ">IoU"]),
        rows,
        after: Some(format!(
            "Of each layer and kind of change at most {MOST}, the largest IoU first; all are in what \
             --format csv --out FOLDER writes."
        )),
        ..Section::default()
    };
    vec![count, table]
}

fn changed(of: &Difference) -> Vec<Vec<String>> {
    let largest = |change: &Change| change.before.iou.max(change.after.iou);
    let mut rows = Vec::new();
    for kind in [Kind::Gained, Kind::Lost, Kind::Renamed] {
        let mut found: Vec<&Change> =
            of.changes.iter().filter(|change| change.kind == kind).collect();
        found.sort_by(|a, b| largest(b).total_cmp(&largest(a)).then(a.index.cmp(&b.index)));
        rows.extend(found.into_iter().take(MOST).map(|change| {
            vec![
                of.layer.clone(),
                change.index.to_string(),
                kind.word().to_owned(),
                concept(&change.before),
                iou(&change.before),
                concept(&change.after),
                iou(&change.after),
            ]
        }));
    }
    rows
}

/// `dog (object)`
fn concept(matched: &Match) -> String {
    if matched.concept.is_empty() {
        "–".into()
    } else {
        format!("{} ({})", matched.concept, matched.category)
    }
}

fn iou(matched: &Match) -> String {
    format!("{:.3}", matched.iou)
}

fn best(report: &Report) -> Section {
    let mut rows = Vec::new();
    for (of, layer) in layers(report) {
        let mut best: Vec<&Neuron> = layer.neurons.iter().collect();
        let size = |neuron: &Neuron| neuron.best.real.iou;
        best.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.index.cmp(&b.index)));
        rows.extend(best.into_iter().take(MOST).map(|neuron| {
            let real = &neuron.best.real;
            let other = neuron.best.adversarial.as_ref();
            let precision = real.average_precision;
            vec![
                of.run.clone(),
                layer.layer.clone(),
                neuron.index.to_string(),
                concept(real),
                iou(real),
                precision.map_or_else(|| "–".into(), |precision| format!("{precision:.3}")),
                other.map_or_else(|| "–".into(), concept),
                other.map_or_else(|| "–".into(), iou),
            ]
        }));
    }
    Section {
        heading: Some("Neurons and their concepts".into()),
        part: Part::Concepts,
        source: "results/dissect.json: layers[].neurons[].best",
        file: "concepts.csv",
        columns: columns(&[
            RUN,
            "layer",
            ">neuron",
            "best concept",
            ">IoU",
            ">average precision",
            "on adversarial images",
            ">IoU",
        ]),
        rows,
        after: Some(format!(
            "Of each layer at most {MOST}, the largest IoU first; all are in what --format csv --out \
             FOLDER writes. Average precision: of the neuron's largest value in an image as a detector of images with the concept."
        )),
        ..Section::default()
    }
}
