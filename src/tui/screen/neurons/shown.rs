//! What the screen's state means for the runs that are there now.

use super::filter::{Filter, Listed};
use super::{State, list, time};
use crate::run::results::neurons::{Layer, Neuron, Neurons};
use crate::tui::screen::Scene;
use crate::tui::screen::meaning::{Meanings, lacking};
use crate::tui::world::RunDetail;

/// One run's neurons at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) run: &'a str,
    pub(super) detail: &'a RunDetail,
    pub(super) neurons: &'a Neurons,
    /// The step of the training at which they were looked at; `None` = in the end.
    pub(super) step: Option<u64>,
    /// They change while one looks.
    pub(super) is_live: bool,
}

impl<'a> Seen<'a> {
    /// `step` as chosen by the user; `None` = the result, or until then the newest look.
    pub(super) fn of(scene: &Scene<'a>, run: &str, step: Option<u64>) -> Option<Self> {
        let summary = scene.world.run(run)?;
        let detail = scene.world.details.get(run)?.as_ref();
        let (neurons, at) = time::at(detail, step)?;
        let is_live = step.is_none() && detail.neurons.is_none() && summary.status.is_live();
        Some(Self { run: &summary.info.id, detail, neurons, step: at, is_live })
    }

    pub(super) fn layer(&self, name: &str) -> Option<&'a Layer> {
        self.neurons.layers.iter().find(|layer| layer.layer == name)
    }
}

/// What one side of the screen shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pane<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) layer: &'a Layer,
    pub(super) neuron: Option<&'a Neuron>,
    /// Another run stands beside it: the title says whose it is.
    pub(super) has_neighbour: bool,
}

/// What the state means for the run that is selected.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) layer: &'a Layer,
    /// Filtered and in order.
    pub(super) order: Vec<&'a Neuron>,
    /// The chosen one's place in `order`.
    pub(super) at: usize,
    /// What the run found them to mean.
    pub(super) meanings: Meanings<'a>,
    /// What of the filter means nothing.
    pub(super) problem: Option<String>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(state: &State, scene: &Scene<'a>) -> Option<Self> {
        let seen = Seen::of(scene, scene.selected?, state.step)?;
        let chosen = state.layer.as_deref().and_then(|name| seen.layer(name));
        // Deep neurons tell most.
        let layer = chosen.or(seen.neurons.layers.last())?;
        let filter = Filter::parse::<Listed<'_>>(state.filter.text());
        // Of the network as it was in the end: of a look of the training it says nothing.
        let meanings = match seen.step {
            None => Meanings::of(seen.detail, &layer.layer),
            Some(_) => Meanings::default(),
        };
        let order = list::ordered(layer, state.sort, &filter, &seen.detail.bookmarks, &meanings);
        let at = order.iter().position(|neuron| Some(neuron.index) == state.neuron);
        let names = filter.names();
        let lacks = lacking(&meanings, names);
        let problem = filter.problem.or(lacks);
        Some(Self { seen, layer, order, at: at.unwrap_or(0), meanings, problem })
    }

    pub(super) fn neuron(&self) -> Option<&'a Neuron> {
        self.order.get(self.at).copied()
    }

    pub(super) fn pane(&self) -> Pane<'a> {
        let (seen, layer, neuron) = (self.seen, self.layer, self.neuron());
        Pane { seen, layer, neuron, has_neighbour: false }
    }

    /// The layer's place among all, from 0, and how many there are.
    pub(super) fn layer_place(&self) -> (usize, usize) {
        place(&self.seen, self.layer)
    }
}

/// A layer's place among all of a run, from 0, and how many there are.
pub(super) fn place(seen: &Seen<'_>, layer: &Layer) -> (usize, usize) {
    let layers = &seen.neurons.layers;
    (layers.iter().position(|other| std::ptr::eq(other, layer)).unwrap_or(0), layers.len())
}
