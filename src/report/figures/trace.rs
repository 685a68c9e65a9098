//! Figures of the way back from predictions to neurons (SCIENCE §7): predictions beside what their
//! influential neurons like, how often the same neurons are behind them, and how far the checks
//! agree.

use std::collections::BTreeMap;
use std::path::Path;

use super::bars::{self, Bars, Group, Look, Mark};
use super::concept::inside;
use super::grid::{Shown, tile};
use super::{Draft, Made, Names, Part};
use crate::error::Result;
use crate::report::drawing::{Anchor, Drawing, Item, Measure, Picture, Role, Sign, Stroke, Text};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::{Layer, Neuron, Neurons};
use crate::run::results::trace::{Prediction, Trace};

/// Of each kind so many predictions.
const OF_KIND: usize = 2;
/// So many neurons have room beside a prediction.
const NEURONS: usize = 5;

/// A run that was traced.
pub(super) struct Traced<'a> {
    pub folder: &'a RunFolder,
    pub trace: Trace,
}

/// Each run that was traced, once.
pub(super) fn traced(folders: &[RunFolder]) -> Result<Vec<Traced<'_>>> {
    let mut runs: Vec<Traced<'_>> = Vec::new();
    for folder in folders {
        if runs.iter().all(|known| known.folder.id() != folder.id()) {
            let trace = folder.result::<Trace>("trace")?;
            runs.extend(trace.map(|trace| Traced { folder, trace }));
        }
    }
    Ok(runs)
}

/// Of all runs.
pub(super) fn figures(runs: &[Traced<'_>], names: &Names) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for run in runs {
        drafts.extend(predictions(run, names)?);
        drafts.extend(shared(run, names)?);
        drafts.extend(behind(run, names)?);
        drafts.extend(agreement(run, names)?);
    }
    Ok(drafts)
}

/// The first of each kind: right, wrong, adversarial, given.
fn chosen(trace: &Trace) -> Vec<&Prediction> {
    let mut chosen = Vec::new();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for prediction in &trace.predictions {
        let count = taken.entry(prediction.kind.as_str()).or_default();
        if *count < OF_KIND {
            chosen.push(prediction);
        }
        *count += 1;
    }
    chosen
}

fn predictions(run: &Traced<'_>, names: &Names) -> Result<Option<Draft>> {
    let chosen = chosen(&run.trace);
    if chosen.is_empty() {
        return Ok(None);
    }
    let neurons = run.folder.result::<Neurons>("neurons")?;
    let layer = neurons
        .as_ref()
        .and_then(|neurons| neurons.layers.iter().find(|of| of.layer == run.trace.layer));
    let title = format!("Predictions and the neurons of {} behind them", run.trace.layer);
    let mosaics = if layer.is_some() {
        "as mosaics of the four real images that excite it most, named by what most of its images show"
    } else {
        "without their images: the run has no results/neurons.json for this layer"
    };
    let id = run.folder.id();
    Ok(Some(Draft {
        name: names.file(&id, "predictions"),
        number: None,
        title: names.title(&id, &title),
        caption: format!(
            "Left a picture and the network's answer, then the neurons with the largest prediction \
             difference of {}, {mosaics}. Below each: by how much the probability of the class falls \
             when the neuron is set to 0.",
            run.trace.measure
        ),
        runs: vec![id],
        part: Part::Trace,
        source: "results/trace.json, results/neurons.json",
        made: Made::Drawing(rows(run.folder.path(), &run.trace, &chosen, layer, &title)?),
    }))
}

const WIDTH: f64 = 620.0;
const TILE: f64 = 84.0;
const GAP: f64 = 16.0;
const SIZE: f64 = 12.0;
const ROW: f64 = TILE + 66.0;
/// Where the neurons begin.
const LEFT: f64 = TILE + 34.0;

fn rows(
    run: &Path,
    trace: &Trace,
    chosen: &[&Prediction],
    layer: Option<&Layer>,
    title: &str,
) -> Result<Drawing> {
    let measure = Measure::new()?;
    let height = 8.0 + chosen.len() as f64 * ROW;
    let mut drawing = Drawing::new(WIDTH, height, title);
    for (at, prediction) in chosen.iter().enumerate() {
        let y = 26.0 + at as f64 * ROW;
        if at > 0 {
            let rule = Stroke::of(Role::Grid, 1.0);
            drawing.line([4.0, y - 22.0], [WIDTH - 4.0, y - 22.0], rule);
        }
        let (heading, marked) = heading(trace, prediction);
        let heading = measure.cut(&heading, 13.0, true, WIDTH - 8.0);
        drawing.write(Text::new([4.0, y - 7.0], 13.0, heading).bold());
        let shown = Shown {
            picture: Picture::File(inside(run, &prediction.picture)?),
            lines: vec![
                class(trace, prediction.followed),
                format!("{:.1} %", 100.0 * prediction.probability),
            ],
            is_marked: marked,
        };
        tile(&mut drawing, &measure, &shown, [4.0, y], TILE);
        for (at, influence) in prediction.neurons.iter().take(NEURONS).enumerate() {
            let x = LEFT + at as f64 * (TILE + GAP);
            let liked = layer.and_then(|of| of.neurons.iter().find(|n| n.index == influence.index));
            mosaic(&mut drawing, run, liked, [x, y])?;
            let named = liked.and_then(Neuron::favourite).map(|favourite| favourite.label);
            let name = named.map_or_else(
                || influence.index.to_string(),
                |label| format!("{} {label}", influence.index),
            );
            let fall = signed(100.0 * influence.probability);
            for (line, (text, role)) in
                [(name, Role::Ink), (format!("{fall} points"), Role::Muted)].into_iter().enumerate()
            {
                let text = measure.cut(&text, SIZE, false, TILE + GAP - 4.0);
                let place = [x + TILE / 2.0, y + TILE + 14.0 + 15.0 * line as f64];
                drawing.write(Text::new(place, SIZE, text).anchored(Anchor::Middle).role(role));
            }
        }
    }
    Ok(drawing)
}

/// `−12.3`: what is taken away.
fn signed(fall: f64) -> String {
    if fall >= 0.0 { format!("−{fall:.1}") } else { format!("+{:.1}", -fall) }
}

/// Whether the answer is right, and whether it is to be marked as wrong.
fn heading(trace: &Trace, prediction: &Prediction) -> (String, bool) {
    let truth = prediction.label.map(|label| class(trace, label));
    match (prediction.kind.as_str(), truth) {
        ("right", _) => ("right".into(), false),
        ("wrong", Some(truth)) => (format!("wrong: it is {truth}"), true),
        ("adversarial", Some(truth)) => {
            let target = prediction.target.map(|target| class(trace, target));
            let aim = target.map(|target| format!(", to be taken for {target}"));
            (format!("adversarial: it was {truth}{}", aim.unwrap_or_default()), true)
        }
        (kind, Some(truth)) => (format!("{kind}: it is {truth}"), false),
        (kind, None) => (kind.to_owned(), false),
    }
}

fn class(trace: &Trace, index: u32) -> String {
    trace.classes.get(index as usize).cloned().unwrap_or_else(|| format!("class {index}"))
}

/// Two by two of a neuron's most exciting real images.
fn mosaic(
    drawing: &mut Drawing,
    run: &Path,
    neuron: Option<&Neuron>,
    [x, y]: [f64; 2],
) -> Result<()> {
    let side = (TILE - 2.0) / 2.0;
    let images = neuron.map(|neuron| neuron.real.as_slice()).unwrap_or_default();
    for at in 0..4 {
        let place = [x + (at % 2) as f64 * (side + 2.0), y + (at / 2) as f64 * (side + 2.0)];
        let item = match images.get(at) {
            Some(top) => Item::Picture {
                at: place,
                side,
                picture: Picture::File(inside(run, &top.picture)?),
                about: top.label.clone(),
            },
            None => Item::Rectangle {
                at: place,
                size: [side; 2],
                fill: Some((Role::Grid, 0.5)),
                line: None,
            },
        };
        drawing.items.push(item);
    }
    Ok(())
}

fn series(name: &str, at: usize) -> bars::Series {
    bars::Series {
        name: name.into(),
        role: Role::Series(at),
        sign: Sign::of_series(at),
        filled: at.is_multiple_of(2),
    }
}

/// The share of the influential neurons that two predictions of a kind have in common.
fn shared(run: &Traced<'_>, names: &Names) -> Result<Option<Draft>> {
    let trace = &run.trace;
    let groups: Vec<Group> = trace
        .kinds
        .iter()
        .filter_map(|kind| {
            let mark = Mark {
                series: 0,
                value: 100.0 * kind.overlap?,
                interval: None,
                reference: Some(100.0 * kind.chance),
            };
            Some(Group { name: format!("{} ({})", kind.kind, kind.images), marks: vec![mark] })
        })
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let title = "How often the same neurons are behind predictions";
    let chart = Bars {
        title: title.into(),
        axis: format!("% of {} influential neurons in common", trace.top),
        series: vec![series("", 0)],
        groups,
        look: Look::Bars,
        ends: None,
        reference: Some("drawn blindly".into()),
    };
    let id = run.folder.id();
    Ok(Some(Draft {
        name: names.file(&id, "shared"),
        number: None,
        title: names.title(&id, title),
        caption: format!(
            "Of the {} neurons of {} with the largest prediction difference, the share that two \
             predictions of a kind have in common: mean over all pairs; in brackets how many predictions. \
             Upright lines: what neurons drawn blindly would share.",
            trace.top, trace.layer
        ),
        runs: vec![id],
        part: Part::Trace,
        source: "results/trace.json",
        made: Made::Drawing(chart.drawing()?),
    }))
}

/// Neurons that are behind errors most often.
fn behind(run: &Traced<'_>, names: &Names) -> Result<Option<Draft>> {
    const MOST: usize = 8;
    let trace = &run.trace;
    let errors = ["adversarial", "wrong"].into_iter().find_map(|kind| {
        trace.kinds.iter().find(|of| of.kind == kind && of.images > 0 && !of.neurons.is_empty())
    });
    let Some(errors) = errors else { return Ok(None) };
    let kinds: Vec<&str> = trace.kinds.iter().map(|of| of.kind.as_str()).collect();
    let group = |index: usize| Group {
        name: format!("neuron {index}"),
        marks: trace
            .kinds
            .iter()
            .enumerate()
            .filter_map(|(at, kind)| {
                let usual = kind.neurons.iter().find(|usual| usual.index == index)?;
                let value = 100.0 * usual.share;
                Some(Mark { series: at, value, interval: None, reference: None })
            })
            .collect(),
    };
    let chart = Bars {
        title: "The neurons behind errors".into(),
        axis: "% of predictions in which it is influential".into(),
        series: kinds.iter().enumerate().map(|(at, kind)| series(kind, at)).collect(),
        groups: errors.neurons.iter().take(MOST).map(|usual| group(usual.index)).collect(),
        look: Look::Bars,
        ends: None,
        reference: None,
    };
    let id = run.folder.id();
    Ok(Some(Draft {
        name: names.file(&id, "behind-errors"),
        number: None,
        title: names.title(&id, "The neurons behind errors"),
        caption: format!(
            "The neurons of {} that are most often among the {} influential ones of {} predictions, and \
             how often of the others; a bar that is missing: not among the twenty most frequent of its \
             kind.",
            trace.layer, trace.top, errors.kind
        ),
        runs: vec![id],
        part: Part::Trace,
        source: "results/trace.json",
        made: Made::Drawing(chart.drawing()?),
    }))
}

/// How far the two checks agree with the prediction difference.
fn agreement(run: &Traced<'_>, names: &Names) -> Result<Option<Draft>> {
    let agreement = &run.trace.agreement;
    if agreement.images == 0 {
        return Ok(None);
    }
    let checks =
        [("gradient × activation", agreement.gradient), ("set to its mean", agreement.mean)];
    let least = checks.iter().map(|(_, check)| check.correlation).fold(0.0, f64::min);
    let mark = |series, value| Mark { series, value, interval: None, reference: None };
    let group = |(name, check): (&str, crate::run::results::trace::Check)| Group {
        name: name.into(),
        marks: vec![mark(0, check.correlation), mark(1, check.overlap)],
    };
    let title = "Do the checks agree with the prediction difference?";
    let chart = Bars {
        title: title.into(),
        axis: "agreement".into(),
        series: vec![
            series("rank correlation", 0),
            series(&format!("share of the {} largest in common", run.trace.top), 1),
        ],
        groups: checks.map(group).to_vec(),
        look: Look::Dots,
        ends: Some([if least < 0.0 { -1.0 } else { 0.0 }, 1.0]),
        reference: None,
    };
    let id = run.folder.id();
    Ok(Some(Draft {
        name: names.file(&id, "agreement"),
        number: None,
        title: names.title(&id, title),
        caption: format!(
            "Over the neurons of {}, mean of {} predictions: Spearman's rank correlation with the \
             prediction difference of the logit, and the share of the largest that both name.",
            run.trace.layer, agreement.images
        ),
        runs: vec![id],
        part: Part::Trace,
        source: "results/trace.json",
        made: Made::Drawing(chart.drawing()?),
    }))
}
