//! The neurons behind predictions (SCIENCE §7): how far the checks agree, which neurons are behind
//! right and wrong answers alike, and some predictions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sections::{Part, RUN, Section, columns};
use super::{Report, detector, percent};
use crate::run::results::trace::{OfError, Prediction, Trace, Usual};

/// What was traced in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Traced {
    /// The run's id.
    pub run: String,
    /// `alexnet`.
    pub network: String,
    /// As its results file has it.
    #[serde(flatten)]
    pub result: Trace,
    /// What the paper has for the representation of this network.
    pub published: Option<PublishedRatios>,
}

/// The means of the paper's two ratios after training with a consistent loss. What exactly they are
/// ratios of could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PublishedRatios {
    /// Mean of r1.
    pub r1: f64,
    /// Mean of r2.
    pub r2: f64,
}

/// So many classes and kinds of errors stand in a table; the CSV has all.
const MOST: usize = 10;
/// So many of the neurons that are influential most often.
const USUAL: usize = 5;
/// So many predictions of a run, of each kind as many.
const PREDICTIONS: usize = 24;

/// All tables.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    if report.traces.is_empty() {
        return Vec::new();
    }
    let mut sections = vec![
        looked_at(report),
        agreement(report),
        shared(report),
        classes(report),
        errors(report),
        predictions(report),
    ];
    sections.extend(detector::sections(report));
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn looked_at(report: &Report) -> Section {
    let rows = report.traces.iter().map(|of| {
        let result = &of.result;
        let tested = result.tested;
        vec![
            of.run.clone(),
            of.network.clone(),
            result.layer.clone(),
            result.neurons.to_string(),
            result.top.to_string(),
            result.measure.clone(),
            class_name(result),
            result.images.clone(),
            if tested > 0 { tested.to_string() } else { "–".into() },
            if tested > 0 { result.right.to_string() } else { "–".into() },
            result.damaged.to_string(),
        ]
    });
    Section {
        heading: Some("What was traced".into()),
        part: Part::Trace,
        source: "results/trace.json: layer, neurons, top, measure, class, images, tested, right",
        file: "trace-data.csv",
        before: Some(
            "The prediction difference of a neuron is by how much the score of the followed class \
             falls when the neuron's channel is set to 0. The m neurons with the largest are called \
             influential."
                .into(),
        ),
        columns: columns(&[
            RUN,
            "network",
            "layer",
            ">neurons",
            ">m",
            "by",
            "class",
            "images",
            ">tested",
            ">right",
            ">not readable",
        ]),
        rows: rows.collect(),
        ..Section::default()
    }
}

/// `predicted`, `true`, or the name of the class with that index.
fn class_name(result: &Trace) -> String {
    let index = result.class.parse::<usize>().ok();
    index.and_then(|index| result.classes.get(index)).unwrap_or(&result.class).clone()
}

fn agreement(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        let agreement = &of.result.agreement;
        let checks = [
            ("gradient × activation", agreement.gradient),
            ("channel set to its mean", agreement.mean),
        ];
        checks.into_iter().filter(|_| agreement.images > 0).map(move |(name, check)| {
            vec![
                of.run.clone(),
                name.to_owned(),
                agreement.images.to_string(),
                format!("{:.3}", check.correlation),
                percent(check.overlap),
            ]
        })
    });
    Section {
        heading: Some("Two checks of the prediction difference".into()),
        part: Part::Trace,
        source: "results/trace.json: agreement",
        file: "trace-agreement.csv",
        columns: columns(&[RUN, "check", ">predictions", ">rank correlation", ">same m largest %"]),
        rows: rows.collect(),
        after: Some(
            "Means over predictions. Rank correlation: Spearman's, over the layer's neurons, with the \
             prediction difference of the logit. The same m largest: the share of them that both name."
                .into(),
        ),
        ..Section::default()
    }
}

fn shared(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.kinds.iter().map(move |kind| {
            vec![
                of.run.clone(),
                kind.kind.clone(),
                kind.images.to_string(),
                kind.overlap.map_or_else(|| "–".into(), percent),
                percent(kind.chance),
                usual(&kind.neurons, USUAL),
            ]
        })
    });
    Section {
        heading: Some("The same neurons behind different predictions".into()),
        part: Part::Trace,
        source: "results/trace.json: kinds[]",
        file: "trace.csv",
        columns: columns(&[
            RUN,
            "predictions",
            ">traced",
            ">in common %",
            ">by chance %",
            "most often influential (in % of them)",
        ]),
        rows: rows.collect(),
        after: Some(
            "In common: the share of the influential neurons that two predictions of the kind have in \
             common, mean over all pairs. By chance: were they drawn blindly, m ÷ neurons."
                .into(),
        ),
        ..Section::default()
    }
}

/// `147 (84.00), 23 (61.00)`
fn usual(neurons: &[Usual], most: usize) -> String {
    let shown = neurons.iter().take(most);
    let texts: Vec<String> =
        shown.map(|usual| format!("{} ({})", usual.index, percent(usual.share))).collect();
    if texts.is_empty() { "–".into() } else { texts.join(", ") }
}

/// A class by its name, or its number where it has none.
pub(super) fn class(result: &Trace, index: u32) -> String {
    result.classes.get(index as usize).cloned().unwrap_or_else(|| index.to_string())
}

fn classes(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.of_classes.iter().take(MOST).map(move |found| {
            vec![
                of.run.clone(),
                class(&of.result, found.class),
                found.images.to_string(),
                usual(&found.neurons, of.result.top),
            ]
        })
    });
    Section {
        heading: Some("Usual neurons of classes".into()),
        part: Part::Trace,
        source: "results/trace.json: of_classes[]",
        file: "trace-neurons.csv",
        before: Some("Of predictions that are right.".into()),
        columns: columns(&[RUN, "class", ">traced", "influential (in % of them)"]),
        rows: rows.collect(),
        after: Some(format!("The first {MOST} classes of a run; the CSV has all.")),
        ..Section::default()
    }
}

fn errors(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        let number = |count: Option<usize>| count.map_or_else(|| "–".into(), |n| n.to_string());
        let row = move |found: &OfError| {
            vec![
                of.run.clone(),
                found.kind.clone(),
                class(&of.result, found.label),
                class(&of.result, found.predicted),
                found.images.to_string(),
                usual(&found.neurons, of.result.top),
                number(found.of_label),
                number(found.of_predicted),
            ]
        };
        of.result.of_errors.iter().take(MOST).map(row)
    });
    Section {
        heading: Some("Neurons behind errors".into()),
        part: Part::Trace,
        source: "results/trace.json: of_errors[]",
        file: "trace-neurons.csv",
        columns: columns(&[
            RUN,
            "kind",
            "true class",
            "answer",
            ">traced",
            "influential (in % of them)",
            ">of the true class",
            ">of the answer",
        ]),
        rows: rows.collect(),
        after: Some(format!(
            "The {MOST} most frequent errors of a run; the CSV has all. The last two columns: how many \
             of these neurons are usual ones of that class where the network is right."
        )),
        ..Section::default()
    }
}

/// As many of each kind as fit, in the file's order, which has kind after kind.
fn some_of_each(all: &[Prediction]) -> Vec<&Prediction> {
    let mut kinds: BTreeMap<&str, Vec<&Prediction>> = BTreeMap::new();
    for found in all {
        kinds.entry(&found.kind).or_default().push(found);
    }
    // Kinds with few leave their room to the others.
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut left, mut round) = (PREDICTIONS, 0);
    while left > 0 && kinds.values().any(|of| of.len() > round) {
        for (kind, _) in kinds.iter().filter(|(_, of)| of.len() > round).take(left) {
            *taken.entry(kind).or_default() += 1;
        }
        left = PREDICTIONS - taken.values().sum::<usize>();
        round += 1;
    }
    let mut shown = Vec::new();
    for found in all {
        if let Some(left) = taken.get_mut(found.kind.as_str()).filter(|left| **left > 0) {
            *left -= 1;
            shown.push(found);
        }
    }
    shown
}

fn predictions(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        some_of_each(&of.result.predictions).into_iter().map(move |found| {
            vec![
                of.run.clone(),
                found.kind.clone(),
                found.image.clone(),
                found.label.map_or_else(|| "–".into(), |label| class(&of.result, label)),
                class(&of.result, found.followed),
                percent(found.probability),
                influences(&of.result, found),
            ]
        })
    });
    Section {
        heading: Some("Predictions and the neurons behind them".into()),
        part: Part::Trace,
        source: "results/trace.json: predictions[].probability, neurons[]",
        file: "trace-predictions.csv",
        columns: columns(&[
            RUN,
            "kind",
            "image",
            "true class",
            "class followed",
            ">its probability %",
            "influential neurons (prediction difference)",
        ]),
        rows: rows.collect(),
        after: Some(format!(
            "At most {PREDICTIONS} of a run, as many of each kind where there are; the CSV has all. In \
             brackets by how much the score of the \
             class falls without the neuron: its probability in points of a hundred, or its logit, \
             whichever the neurons were chosen by."
        )),
        ..Section::default()
    }
}

/// `147 (12.30), 23 (4.10)`
fn influences(result: &Trace, prediction: &Prediction) -> String {
    let is_logit = result.measure == "logit";
    let shown = prediction.neurons.iter().take(result.top);
    let texts: Vec<String> = shown
        .map(|found| {
            let by =
                if is_logit { format!("{:.3}", found.logit) } else { percent(found.probability) };
            format!("{} ({by})", found.index)
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, count: usize) -> Vec<Prediction> {
        vec![Prediction { kind: kind.into(), ..Prediction::default() }; count]
    }

    #[test]
    fn every_kind_of_prediction_has_its_rows() {
        let counts = |all: &[Prediction]| {
            let shown = some_of_each(all);
            ["right", "wrong", "adversarial"]
                .map(|kind| shown.iter().filter(|found| found.kind == kind).count())
        };
        let kinds = [of("right", 24), of("wrong", 24), of("adversarial", 24)];
        assert_eq!(counts(&kinds.concat()), [8, 8, 8]);
        assert_eq!(counts(&[of("right", 24), of("wrong", 2)].concat()), [22, 2, 0]);
        assert_eq!(counts(&of("right", 3)), [3, 0, 0]);
        let kinds = kinds.concat();
        let order: Vec<&str> = some_of_each(&kinds).iter().map(|of| of.kind.as_str()).collect();
        assert!(order.is_sorted_by_key(|kind| {
            ["right", "wrong", "adversarial"].iter().position(|of| of == kind)
        }));
    }
}
