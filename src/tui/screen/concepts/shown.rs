//! What the screen's state means for the runs that are there now.

use super::State;
use super::filter::{Row, is_kind};
use super::sort::Sort;
use crate::report::difference::{self as compare, Change, Compared, difference};
use crate::tui::screen::Scene;
use crate::tui::screen::meaning::{Meanings, lacking};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::terms::Filter;
use crate::tui::world::RunDetail;

/// One run's results for a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) run: &'a str,
    pub(super) detail: &'a RunDetail,
    pub(super) meanings: Meanings<'a>,
}

impl<'a> Seen<'a> {
    pub(super) fn name(&self) -> &'a str {
        short_name(self.run)
    }
}

/// A run that stands beside the selected one.
#[derive(Debug, Clone)]
pub(super) enum Other<'a> {
    There(Seen<'a>),
    /// Its short name, and why nothing of it is shown.
    Without(String, String),
}

/// What the state means for the run that is selected.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) layer: &'a str,
    /// Of both results, in their order.
    pub(super) layers: Vec<&'a str>,
    pub(super) others: Vec<Other<'a>>,
    pub(super) sort: Sort,
    /// Filtered and in order.
    pub(super) rows: Vec<Row<'a>>,
    /// Neurons of the layer.
    pub(super) all: usize,
    /// The chosen one's place in `rows`.
    pub(super) at: usize,
    /// What of the filter means nothing.
    pub(super) problem: Option<String>,
    /// What the first of the others makes of this run's neurons, by index.
    pub(super) changes: Vec<Change>,
    /// Why it is not asked.
    pub(super) not_comparable: Option<String>,
}

/// The layers of a run's results, in their order.
pub(super) fn layers(detail: &RunDetail) -> Vec<&str> {
    let dissected = detail.dissect.iter().flat_map(|all| &all.layers).map(|l| l.layer.as_str());
    let levels = detail.consistency.iter().flat_map(|all| &all.layers).map(|l| l.layer.as_str());
    let mut layers: Vec<&str> = Vec::new();
    for layer in dissected.chain(levels) {
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    layers
}

impl<'a> Shown<'a> {
    /// `None`: the run has no results of either section.
    pub(super) fn new(state: &State, scene: &Scene<'a>) -> Option<Self> {
        let run = scene.selected?;
        let run = scene.world.run(run)?.info.id.as_str();
        let detail = scene.world.details.get(run)?.as_ref();
        let layers = layers(detail);
        let chosen = state.layer.as_deref();
        let chosen = layers.iter().find(|layer| Some(**layer) == chosen);
        // Deep neurons tell most.
        let layer = *chosen.or(layers.last())?;
        let meanings = Meanings::of(detail, layer);
        let others: Vec<Other<'a>> =
            state.others(scene).iter().map(|id| other(scene, id, layer)).collect();
        let seen = Seen { run, detail, meanings };
        let second = first_dissected(&others);
        let not_comparable = second.and_then(|second| not_comparable(&seen, &second));
        let changes = match (meanings.dissected, second.and_then(|s| s.meanings.dissected)) {
            (Some(before), Some(after)) if not_comparable.is_none() => difference(before, after),
            _ => Vec::new(),
        };
        let filter = Filter::parse::<Row<'_>>(state.filter.text());
        let listed = rows(&meanings, detail, layer, &changes);
        let all = listed.len();
        let mut rows: Vec<Row<'a>> = listed.into_iter().filter(|row| filter.keeps(row)).collect();
        let sort = Sort::of(state.sort, &meanings);
        sort.order(&mut rows, state.reversed);
        let at = rows.iter().position(|row| Some(row.index) == state.neuron).unwrap_or(0);
        let lacks = lacking(&meanings, filter.names());
        let needs_second = filter.names().any(is_kind);
        let alone = (needs_second && changes.is_empty()).then(|| {
            let words = "gained, lost, renamed and kept want a second dissected run beside";
            not_comparable.clone().unwrap_or_else(|| words.to_owned())
        });
        let problem = filter.problem.or(lacks).or(alone);
        Some(Self {
            seen,
            layer,
            layers,
            others,
            sort,
            rows,
            all,
            at,
            problem,
            changes,
            not_comparable,
        })
    }

    pub(super) fn neuron(&self) -> Option<&Row<'a>> {
        self.rows.get(self.at)
    }

    /// The runs whose results are shown, the selected one first.
    pub(super) fn runs(&self) -> Vec<Seen<'a>> {
        let others = self.others.iter().filter_map(|other| match other {
            Other::There(seen) => Some(*seen),
            Other::Without(..) => None,
        });
        std::iter::once(self.seen).chain(others).collect()
    }

    /// Why runs that were asked for are not shown.
    pub(super) fn without(&self) -> impl Iterator<Item = (&str, &str)> {
        self.others.iter().filter_map(|other| match other {
            Other::There(_) => None,
            Other::Without(name, why) => Some((name.as_str(), why.as_str())),
        })
    }

    /// The run that the difference is taken to.
    pub(super) fn second(&self) -> Option<Seen<'a>> {
        self.runs().into_iter().skip(1).find(|seen| seen.meanings.dissected.is_some())
    }

    /// The layer's place among all, from 0.
    pub(super) fn layer_place(&self) -> usize {
        self.layers.iter().position(|layer| *layer == self.layer).unwrap_or(0)
    }
}

fn first_dissected<'a>(others: &[Other<'a>]) -> Option<Seen<'a>> {
    others.iter().find_map(|other| match other {
        Other::There(seen) => seen.meanings.dissected.map(|_| *seen),
        Other::Without(..) => None,
    })
}

/// Why the neurons of two runs are not set side by side.
fn not_comparable(before: &Seen<'_>, after: &Seen<'_>) -> Option<String> {
    let networks = [before, after].map(|seen| network(&seen.detail.spec));
    let [before, after] = [(before, &networks[0]), (after, &networks[1])].map(|(seen, network)| {
        let result = seen.detail.dissect.as_deref()?;
        Some(Compared { run: seen.name(), network: network.as_deref(), result })
    });
    compare::not_comparable(before?, after?)
}

/// `alexnet`, as a spec has it.
fn network(spec: &str) -> Option<String> {
    let spec: toml::Table = spec.parse().ok()?;
    Some(spec.get("model")?.get("arch")?.as_str()?.to_owned())
}

fn other<'a>(scene: &Scene<'a>, id: &str, layer: &str) -> Other<'a> {
    let name = short_name(id).to_owned();
    let without = |why: String| Other::Without(name.clone(), why);
    let Some(run) = scene.world.run(id) else { return without("this run is gone".into()) };
    let Some(detail) = scene.world.details.get(id) else { return without("reading…".into()) };
    let meanings = Meanings::of(detail, layer);
    if !meanings.is_empty() {
        return Other::There(Seen { run: &run.info.id, detail, meanings });
    }
    let there = layers(detail);
    without(if there.is_empty() {
        "it has no results of [dissect] or [consistency]".into()
    } else {
        format!("it has no layer '{layer}'; it has {}", there.join(", "))
    })
}

/// Every neuron that either result knows, by index.
fn rows<'a>(
    meanings: &Meanings<'a>,
    detail: &RunDetail,
    layer: &str,
    changes: &[Change],
) -> Vec<Row<'a>> {
    let dissected = meanings.dissected.iter().flat_map(|layer| &layer.neurons).map(|n| n.index);
    let levels = meanings.levels.iter().flat_map(|layer| &layer.neurons).map(|n| n.index);
    let mut indices: Vec<usize> = dissected.chain(levels).collect();
    indices.sort_unstable();
    indices.dedup();
    let row = |index: usize| {
        // They are by index: see `difference`.
        let change = changes.binary_search_by_key(&index, |change| change.index).ok();
        Row {
            index,
            meaning: meanings.neuron(index),
            is_marked: detail.bookmarks.of(layer, index).is_some(),
            change: change.and_then(|at| Some((at, changes.get(at)?.kind))),
        }
    };
    indices.into_iter().map(row).collect()
}
