//! Figure 3 (SCIENCE §4.2): the trees of WordNet's nouns that the classes of a neuron's images are
//! kinds of, the lowest that they have in common lit: of the most consistent neuron and of the least.

use super::{Draft, Made, Names, Part};
use crate::error::Result;
use crate::report::drawing::{Drawing, Item, Measure, Role, Stroke, Text};
use crate::report::hypernym_tree::{Line, tree};
use crate::report::{Report, percent};
use crate::run::results::consistency::{Consistency, Layer, Neuron};
use std::fmt::Write as _;

const WIDTH: f64 = 440.0;
const LINE: f64 = 19.0;
const SIZE: f64 = 12.0;
/// From a noun to those below it.
const STEP: f64 = 16.0;
/// More lines than this are not read.
const LINES: usize = 26;

/// One of each run and layer.
pub(super) fn figures(report: &Report) -> Result<Vec<Draft>> {
    let names = Names::of(report.consistencies.iter().map(|of| of.run.as_str()));
    let mut drafts = Vec::new();
    for of in &report.consistencies {
        for layer in &of.result.layers {
            let Some((specific, general)) = ends(layer) else { continue };
            let title = format!("A specific neuron and a general one, {}", layer.layer);
            drafts.push(Draft {
                name: names.file(&of.run, &format!("tree-{}", layer.layer)),
                number: Some("Figure 3"),
                title: names.title(&of.run, &title),
                caption: "WordNet's nouns that the classes of a neuron's real images are kinds of, with \
                          each class's share of them; lit is the lowest that all have in common. Deep = \
                          a specific level, one tight tree = consistent. Shown are the neurons of \
                          highest and of lowest LC."
                    .into(),
                runs: vec![of.run.clone()],
                part: Part::Consistency,
                source: "results/consistency.json",
                made: Made::Drawing(drawing(&of.result, [Some(specific), general], &title)?),
            });
        }
    }
    Ok(drafts)
}

/// The neuron of highest LC, and that of lowest if it is another; ties by index.
fn ends(layer: &Layer) -> Option<(&Neuron, Option<&Neuron>)> {
    let mut heard: Vec<&Neuron> =
        layer.neurons.iter().filter(|neuron| !neuron.real.classes.is_empty()).collect();
    heard.sort_by(|a, b| b.real.lc.total_cmp(&a.real.lc).then(a.index.cmp(&b.index)));
    let general = heard.last().copied().filter(|_| heard.len() > 1);
    heard.first().copied().map(|specific| (specific, general))
}

fn drawing(results: &Consistency, neurons: [Option<&Neuron>; 2], title: &str) -> Result<Drawing> {
    let measure = Measure::new()?;
    let mut drawing = Drawing::new(WIDTH, 0.0, title);
    let mut y = 6.0;
    for neuron in neurons.into_iter().flatten() {
        y += 18.0;
        let heading = format!("neuron {}", neuron.index);
        let beside = measure.width(&heading, 14.0, true) + 12.0;
        drawing.write(Text::new([2.0, y], 14.0, heading).bold());
        let about = format!("LC {}, in hundredths", percent(neuron.real.lc));
        drawing.write(Text::new([2.0 + beside, y], SIZE, about).role(Role::Muted));
        y += 8.0;
        y = draw(&mut drawing, &measure, results, neuron, y);
        y += 14.0;
    }
    drawing.size[1] = y;
    Ok(drawing)
}

/// Answers where the tree ends.
fn draw(
    drawing: &mut Drawing,
    measure: &Measure,
    results: &Consistency,
    neuron: &Neuron,
    top: f64,
) -> f64 {
    let lines = tree(results, &neuron.real).lines();
    // The last branch of each depth that was drawn: where the lines to those below begin.
    let mut parents: Vec<f64> = Vec::new();
    let mut y = top;
    for (at, line) in lines.iter().take(LINES).enumerate() {
        y += LINE;
        let depth = if at == 0 { 0 } else { line.guides.len() + 1 };
        let x = 6.0 + depth as f64 * STEP;
        parents.truncate(depth);
        if let Some(above) = depth.checked_sub(1).and_then(|above| parents.get(above)) {
            let left = x - STEP + 4.0;
            let branch = Stroke::of(Role::Muted, 1.0);
            let points = vec![[left, above + 7.0], [left, y - 4.0], [x - 3.0, y - 4.0]];
            drawing.items.push(Item::Line { points, stroke: branch });
        }
        parents.push(y - 4.0);
        noun(drawing, measure, results, neuron, line, [x, y]);
    }
    let left_out = lines.len().saturating_sub(LINES);
    if left_out > 0 {
        y += LINE;
        let text = format!("… and {left_out} more lines");
        drawing.write(Text::new([6.0, y], SIZE, text).role(Role::Muted));
    }
    y
}

fn noun(
    drawing: &mut Drawing,
    measure: &Measure,
    results: &Consistency,
    neuron: &Neuron,
    line: &Line,
    [x, y]: [f64; 2],
) {
    /// Bars of shares, and their numbers, stand at the right.
    const SHARES: f64 = 106.0;
    let name = |noun: &usize| results.nouns.get(*noun).map_or("", |noun| noun.name.as_str());
    let names: Vec<&str> = line.nouns.iter().map(name).collect();
    let (chain, last) = names.split_at(names.len().saturating_sub(1));
    let mut last = last.concat();
    let class = line.nouns.last().filter(|_| line.share.is_some());
    let own: Vec<&str> = neuron
        .real
        .classes
        .iter()
        .filter_map(|(class, _)| results.classes.get(*class as usize))
        .filter(|of| class.is_some_and(|noun| of.noun == *noun) && of.name != last)
        .map(|of| of.name.as_str())
        .collect();
    if !own.is_empty() {
        let _ = write!(last, " ({})", own.join(", "));
    }
    let room = WIDTH - SHARES - x;
    let lit = line.is_common_ancestor;
    let mut at = x;
    if !chain.is_empty() {
        // The way down says less than what it leads to: it is cut first, at its beginning.
        let mut chain = chain.to_vec();
        let end = measure.width(&last, SIZE, lit).min(room * 0.6);
        let joined = |chain: &[&str]| format!("{} › ", chain.join(" › "));
        let mut text = joined(&chain);
        while measure.width(&text, SIZE, false) + end > room && chain.len() > 1 {
            chain.remove(0);
            text = format!("… › {}", joined(&chain));
        }
        let text = measure.cut(&text, SIZE, false, (room - end).max(0.0));
        let width = measure.width(&text, SIZE, false);
        drawing.write(Text::new([at, y], SIZE, text).role(Role::Muted));
        at += width + 3.0;
    }
    let last = measure.cut(&last, SIZE, lit, (room - (at - x)).max(20.0));
    if lit {
        let width = measure.width(&last, SIZE, true);
        drawing.items.push(Item::Rectangle {
            at: [at - 4.0, y - 13.0],
            size: [width + 8.0, 18.0],
            fill: Some((Role::Accent, 0.16)),
            line: Some(Stroke::of(Role::Accent, 1.2)),
        });
    }
    let text = Text::new([at, y], SIZE, last);
    drawing.write(if lit { text.bold() } else { text });
    if let Some(share) = line.share {
        let left = WIDTH - SHARES + 8.0;
        drawing.items.push(Item::Rectangle {
            at: [left, y - 9.0],
            size: [50.0 * share.clamp(0.0, 1.0), 9.0],
            fill: Some((Role::Series(0), 0.9)),
            line: None,
        });
        let number = format!("{:.0} %", 100.0 * share);
        let text = Text::new([WIDTH - 4.0, y], 11.0, number).role(Role::Muted);
        drawing.write(text.anchored(crate::report::drawing::Anchor::End));
    }
}
