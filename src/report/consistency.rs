//! Level and consistency (SCIENCE §4.2): the means of LC, consis, CS1 and CS2, the curves of
//! Figure 10, and the trees of the neurons that are most consistent, as in Figure 3.

use serde::Serialize;

use super::chart::{Chart, Kind, Point, Series};
use super::hypernym_tree::{Line, tree};
use super::published::concepts::PublishedCurve;
use super::sections::{Part, RUN, Section, columns, with_interval};
use super::{Report, percent};
use crate::run::results::consistency::{Consistency, Estimate, Group, Layer, Level, Neuron};

/// Level and consistency of the neurons of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfNeurons {
    /// The run's id.
    pub run: String,
    /// `alexnet`.
    pub network: String,
    /// As its results file has it.
    #[serde(flatten)]
    pub result: Consistency,
    /// Of each layer, what the paper has for it.
    pub published: Vec<Option<PublishedCurve>>,
}

impl OfNeurons {
    pub(super) fn published(&self, layer: usize) -> Option<PublishedCurve> {
        self.published.get(layer).copied().flatten()
    }

    /// Whether there are adversarial images to set beside the real ones.
    fn has_adversarial(&self) -> bool {
        self.result.adversarial_images > 0
    }
}

/// What a reader should know of a run whose levels say little.
pub(super) fn notes(run: &str, result: &Consistency) -> Vec<String> {
    let note = result.few().map(|few| {
        format!(
            "{run}: only {few} images of a neuron count. With so few, LC and consis are high whatever \
             it does (of one image, LC is 1), and CS1 and CS2 mostly chance; a larger \
             consistency.share counts more."
        )
    });
    note.into_iter().collect()
}

/// All tables, curves and trees.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    if report.consistencies.is_empty() {
        return Vec::new();
    }
    let mut sections = vec![looked_at(report), means(report), sweep(report)];
    for of in &report.consistencies {
        for (at, layer) in of.result.layers.iter().enumerate() {
            sections.extend(curves(of, layer, of.published(at)));
            sections.extend(trees(of, layer));
        }
    }
    sections.retain(|section| !section.rows.is_empty() || !section.lines.is_empty());
    sections
}

fn looked_at(report: &Report) -> Section {
    let rows = report.consistencies.iter().map(|of| {
        let result = &of.result;
        let [real, adversarial] = result.top;
        vec![
            of.run.clone(),
            of.network.clone(),
            result.split.clone(),
            format!("{real} of {}", result.real_images),
            if of.has_adversarial() {
                format!("{adversarial} of {}", result.adversarial_images)
            } else {
                "none".into()
            },
            kernel(&result.kernel, result.sigma),
            kernel(&result.affinity, result.sigma),
            if result.against.is_empty() { "–".into() } else { result.against.clone() },
            result.wordnet.clone(),
        ]
    });
    Section {
        heading: Some("Level and consistency: what was looked at".into()),
        part: Part::Consistency,
        source: "results/consistency.json: real_images, adversarial_images, top, kernel, affinity, sigma, against",
        file: "consistency-data.csv",
        columns: columns(&[
            RUN,
            "network",
            "split",
            ">real images",
            ">adversarial images",
            "K of LC",
            "A of consis",
            "CS2 against",
            "WordNet",
        ]),
        rows: rows.collect(),
        after: Some(
            "Of so many images, those that excite a neuron most, the classes count. CS1 sets the \
             classes of a neuron's real images beside those of its adversarial images' originals, CS2 \
             beside what the attack aimed at (target), or what the network takes them for \
             (prediction)."
                .into(),
        ),
        ..Section::default()
    }
}

/// `gaussian, σ 2`; the others have no width.
fn kernel(name: &str, sigma: f64) -> String {
    if matches!(name, "gaussian" | "exponential") {
        format!("{name}, σ {sigma}")
    } else {
        name.to_owned()
    }
}

/// In hundredths, as the paper's figure has LC.
fn hundredths(estimate: Option<Estimate>) -> String {
    let shown = |of: Estimate| match of.interval {
        Some(ends) => with_interval(of.mean, ends),
        None => format!("{} [–]", percent(of.mean)),
    };
    estimate.map_or_else(|| "–".into(), shown)
}

fn cosine(estimate: Option<Estimate>) -> String {
    let shown = |of: Estimate| match of.interval {
        Some([low, high]) => format!("{:.3} [{low:.3}, {high:.3}]", of.mean),
        None => format!("{:.3} [–]", of.mean),
    };
    estimate.map_or_else(|| "–".into(), shown)
}

fn means(report: &Report) -> Section {
    let rows = report.consistencies.iter().flat_map(|of| {
        of.result.layers.iter().map(move |layer| {
            let mean = &layer.mean;
            let heard = layer.neurons.len().saturating_sub(layer.silent);
            // Of none there is no mean.
            let real = |of: Estimate| hundredths((heard > 0).then_some(of));
            vec![
                of.run.clone(),
                of.network.clone(),
                layer.layer.clone(),
                heard.to_string(),
                layer.silent.to_string(),
                real(mean.lc),
                hundredths(mean.adversarial_lc),
                hundredths(mean.lc_change),
                real(mean.consistency),
                hundredths(mean.adversarial_consistency),
                hundredths(mean.consistency_change),
                cosine(mean.cs1),
                cosine(mean.cs2),
            ]
        })
    });
    Section {
        heading: Some("Level and consistency, means over neurons".into()),
        part: Part::Consistency,
        source: "results/consistency.json: layers[].mean",
        file: "consistency.csv",
        columns: columns(&[
            RUN,
            "network",
            "layer",
            ">neurons",
            ">silent",
            ">LC real",
            ">LC adversarial",
            ">change",
            ">consis real",
            ">consis adversarial",
            ">change",
            ">CS1",
            ">CS2",
        ]),
        rows: rows.collect(),
        after: Some(
            "LC and consis in hundredths: high = the images that excite a neuron are of few and \
             close classes. In brackets the 95 % bootstrap interval over neurons, which says nothing of \
             other images or another training; [–]: of fewer than five. Changes are taken neuron by \
             neuron. Silent: neurons that answer to all images of a side alike; they are in no mean."
                .into(),
        ),
        ..Section::default()
    }
}

fn sweep(report: &Report) -> Section {
    let rows = report.consistencies.iter().flat_map(|of| {
        of.result.layers.iter().flat_map(move |layer| {
            layer.sweep.iter().map(move |point| {
                vec![
                    of.run.clone(),
                    layer.layer.clone(),
                    point.sigma.to_string(),
                    percent(point.lc),
                    point.adversarial_lc.map_or_else(|| "–".into(), percent),
                ]
            })
        })
    });
    Section {
        heading: Some("Mean LC with other widths".into()),
        part: Part::Consistency,
        source: "results/consistency.json: layers[].sweep[]",
        file: "consistency-sweep.csv",
        columns: columns(&[RUN, "layer", ">σ", ">LC real", ">LC adversarial"]),
        rows: rows.collect(),
        ..Section::default()
    }
}

/// Figure 10 of one layer, as a table and as a chart.
fn curves(of: &OfNeurons, layer: &Layer, published: Option<PublishedCurve>) -> Option<Section> {
    if !of.has_adversarial() || layer.groups.is_empty() {
        return None;
    }
    let row = |group: &Group| {
        vec![
            "ours".to_owned(),
            percent(group.lc),
            format!("{} … {}", percent(group.lc_range[0]), percent(group.lc_range[1])),
            group.neurons.to_string(),
            cosine(group.cs1),
            cosine(group.cs2),
            group.cs2_null.map_or_else(|| "–".into(), |null| format!("{null:.3}")),
        ]
    };
    let mut rows: Vec<Vec<String>> = layer.groups.iter().map(row).collect();
    rows.extend(published.into_iter().flat_map(published_rows));
    Some(Section {
        heading: Some(format!("CS1 and CS2 along LC, {}", layer.layer)),
        part: Part::Consistency,
        source: "results/consistency.json: layers[].groups[]",
        file: "consistency-curves.csv",
        run: Some(of.run.clone()),
        before: Some(
            "Neurons in groups by the LC of their real images, in hundredths. CS1 high and CS2 low: \
             the neurons answer to what is in the picture, not to what the network says."
                .into(),
        ),
        columns: columns(&[
            "source",
            ">LC",
            ">from … to",
            ">neurons",
            ">CS1",
            ">CS2",
            ">CS2, all classes alike",
        ]),
        rows,
        after: Some(
            "All classes alike: what CS2 would be if the attack had aimed at every class equally \
             often, as very many targets drawn at random do. Few of them hit few classes, and none \
             the true one: their CS2 is below that line by itself, down to 0 where a neuron's images \
             are of one class."
                .into(),
        ),
        chart: Some(chart(layer, published)),
        ..Section::default()
    })
}

/// By LC; a point may have one of the two alone.
fn published_rows(curve: PublishedCurve) -> Vec<Vec<String>> {
    let mut levels: Vec<f64> = curve.cs1.iter().chain(curve.cs2).map(|[lc, _]| *lc).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let at = |points: &[[f64; 2]], lc: f64| {
        let point = points.iter().find(|point| point[0] == lc);
        point.map_or_else(|| "–".into(), |[_, cosine]| format!("{cosine:.2}"))
    };
    let row = |lc: f64| {
        let (cs1, cs2) = (at(curve.cs1, lc), at(curve.cs2, lc));
        ["published".into(), percent(lc), String::new(), String::new(), cs1, cs2, "–".into()].into()
    };
    levels.into_iter().map(row).collect()
}

/// Figure 10 of one layer.
pub(super) fn chart(layer: &Layer, published: Option<PublishedCurve>) -> Chart {
    let of = |value: fn(&Group) -> Option<Estimate>| -> Vec<Point> {
        let point = |group: &Group| {
            let Estimate { mean, interval } = value(group)?;
            Some(Point { x: 100.0 * group.lc, y: mean, interval })
        };
        layer.groups.iter().filter_map(point).collect()
    };
    let chance = layer.groups.iter().filter_map(|group| {
        Some(Point { x: 100.0 * group.lc, y: group.cs2_null?, interval: None })
    });
    let series = |name: &str, kind, points| Series { name: name.into(), kind, points };
    let mut all = vec![
        series("CS1", Kind::First, of(|group| group.cs1)),
        series("CS2", Kind::Second, of(|group| group.cs2)),
        series("CS2, all classes alike", Kind::Chance, chance.collect()),
    ];
    if let Some(curve) = published {
        let of = |points: &[[f64; 2]]| {
            let point = |[lc, y]: &[f64; 2]| Point { x: 100.0 * lc, y: *y, interval: None };
            points.iter().map(point).collect()
        };
        all.push(series("CS1, published", Kind::PublishedFirst, of(curve.cs1)));
        all.push(series("CS2, published", Kind::PublishedSecond, of(curve.cs2)));
    }
    Chart {
        title: format!("CS1 and CS2 of the neurons of {}, by their LC", layer.layer),
        x: "LC, hundredths".into(),
        y: "cosine similarity".into(),
        series: all,
    }
}

/// Trees of so many neurons are drawn.
const TREES: usize = 3;
/// A tree is cut to so many lines.
const LINES: usize = 40;

/// Figure 3: the neurons of highest LC.
fn trees(of: &OfNeurons, layer: &Layer) -> Option<Section> {
    let mut best: Vec<&Neuron> =
        layer.neurons.iter().filter(|neuron| !neuron.real.classes.is_empty()).collect();
    best.sort_by(|a, b| b.real.lc.total_cmp(&a.real.lc).then(a.index.cmp(&b.index)));
    best.truncate(TREES);
    let mut lines = Vec::new();
    for neuron in best {
        let sides = [("real", Some(&neuron.real)), ("adversarial", neuron.adversarial.as_ref())];
        for (side, level) in sides {
            let Some(level) = level else { continue };
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(drawn(&of.result, neuron.index, side, level));
        }
    }
    (!lines.is_empty()).then(|| Section {
        heading: Some(format!("The most consistent neurons, {}", layer.layer)),
        part: Part::Consistency,
        source: "results/consistency.json: layers[].neurons[].real, adversarial; nouns",
        file: "consistency-neurons.csv",
        run: Some(of.run.clone()),
        before: Some(
            "The nouns of WordNet that the classes of a neuron's images are kinds of, from the root \
             on; ◆ marks the lowest that they have in common. Deep = a specific level, one tight tree \
             = consistent."
                .into(),
        ),
        lines,
        ..Section::default()
    })
}

fn drawn(results: &Consistency, index: usize, side: &str, level: &Level) -> Vec<String> {
    let mut lines = vec![format!(
        "neuron {index}, {side} images: LC {}, consis {}",
        percent(level.lc),
        percent(level.consistency)
    )];
    let all = tree(results, level).lines();
    let left_out = all.len().saturating_sub(LINES);
    let text = |(at, line): (usize, &Line)| {
        let class = line.nouns.last().filter(|_| line.share.is_some());
        let class = class.map(|noun| class_names(results, level, *noun)).unwrap_or_default();
        let share = line.share.map(|share| format!("  {} %", percent(share))).unwrap_or_default();
        format!("{}{}{class}{share}", line.indent(at == 0, false), names(results, line))
    };
    lines.extend(all.iter().enumerate().take(LINES).map(text));
    if left_out > 0 {
        lines.push(format!("… and {left_out} more lines"));
    }
    lines
}

/// `entity › animal › ◆ dog`
fn names(results: &Consistency, line: &Line) -> String {
    let name = |noun: &usize| results.nouns.get(*noun).map_or("", |noun| noun.name.as_str());
    let mut names: Vec<String> = line.nouns.iter().map(|noun| name(noun).to_owned()).collect();
    if let Some(last) = names.last_mut().filter(|_| line.is_common_ancestor) {
        last.insert_str(0, "◆ ");
    }
    names.join(" › ")
}

/// What the data call a noun, where that is something else: ` (automobile)`.
fn class_names(results: &Consistency, level: &Level, noun: usize) -> String {
    let of_noun = level.classes.iter().filter_map(|(class, _)| {
        results.classes.get(*class as usize).filter(|class| class.noun == noun)
    });
    let own = results.nouns.get(noun).map(|noun| noun.name.as_str()).unwrap_or_default();
    let names: Vec<&str> =
        of_noun.map(|class| class.name.as_str()).filter(|name| *name != own).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}
