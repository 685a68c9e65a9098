//! What the screen's state means for the run that is selected. Every message asks for that several
//! times: what follows from much data is kept until something that it follows from changes.

use std::cell::RefCell;
use std::sync::Arc;

use super::State;
use super::knobs::Knobs;
use super::live::Split;
use super::rows::{self, Listed, Names, Row, Search};
use crate::run::results::attack::Attack;
use crate::run::results::neurons::Neurons;
use crate::tui::screen::Scene;
use crate::tui::world::RunDetail;

/// What the state means for the run that is there now.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) run: &'a str,
    pub(super) detail: Option<&'a RunDetail>,
    pub(super) names: Arc<Names>,
    pub(super) knobs: Knobs,
    /// How many there are without a filter.
    pub(super) all: usize,
    pub(super) rows: Arc<[Row]>,
    /// The chosen one's place in `rows`.
    pub(super) at: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn new(state: &State, scene: &Scene<'a>) -> Option<Self> {
        let run = scene.selected?;
        scene.world.run(run)?;
        let detail = scene.world.details.get(run).map(AsRef::as_ref);
        let Listing { names, all, rows, .. } = state.kept.listing(state, detail);
        let chosen = rows.iter().position(|row| Some((row.image, row.pair)) == state.chosen);
        let knobs = state.knobs.clone().unwrap_or_else(|| state.kept.own(detail));
        Some(Self { run, detail, names, knobs, all, at: chosen.unwrap_or(0), rows })
    }

    pub(super) fn row(&self) -> Option<&Row> {
        self.rows.get(self.at)
    }

    /// The image to attack: before anything is known of the test split, its first.
    pub(super) fn image(&self) -> Option<usize> {
        match self.row() {
            Some(row) => Some(row.image),
            None => (self.all == 0).then_some(0),
        }
    }
}

/// What was worked out last, with what it follows from.
#[derive(Debug, Default)]
pub(super) struct Kept {
    listing: RefCell<Option<Listing>>,
    /// By the text of the spec.
    own: RefCell<Option<(String, Knobs)>>,
}

impl Kept {
    fn listing(&self, state: &State, detail: Option<&RunDetail>) -> Listing {
        let follows_from = Source::of(state, detail);
        let mut kept = self.listing.borrow_mut();
        if let Some(listing) = kept.as_ref().filter(|kept| kept.follows_from == follows_from) {
            return listing.clone();
        }
        let listing = Listing::new(state, detail, follows_from);
        *kept = Some(listing.clone());
        listing
    }

    /// The run's own attack.
    fn own(&self, detail: Option<&RunDetail>) -> Knobs {
        let Some(detail) = detail else { return Knobs::of(None) };
        let mut kept = self.own.borrow_mut();
        if let Some((_, knobs)) = kept.as_ref().filter(|(spec, _)| *spec == detail.spec) {
            return knobs.clone();
        }
        let knobs = Knobs::of(Some(detail));
        *kept = Some((detail.spec.clone(), knobs.clone()));
        knobs
    }
}

/// The images in the list and what their classes are called.
#[derive(Debug, Clone)]
struct Listing {
    follows_from: Source,
    names: Arc<Names>,
    all: usize,
    rows: Arc<[Row]>,
}

impl Listing {
    fn new(state: &State, detail: Option<&RunDetail>, follows_from: Source) -> Self {
        let names = Names::new(detail, &state.live);
        let attack = detail.and_then(|detail| detail.attack.as_deref());
        let rows = rows::all(attack, &state.live);
        let all = rows.len();
        let search =
            Search { listed: state.listed, words: state.filter.text(), kept: follows_from.image };
        let rows = rows::filtered(rows, search, &names);
        Self { follows_from, names: Arc::new(names), all, rows: rows.into() }
    }
}

/// Everything that a listing follows from. It holds what it compares by address: no other can come
/// to lie there.
#[derive(Debug, Clone)]
struct Source {
    attack: Option<Arc<Attack>>,
    neurons: Option<Arc<Neurons>>,
    split: Option<Arc<Split>>,
    /// Of the live attack's outcomes.
    changes: u64,
    listed: Listed,
    words: String,
    /// The image that stays in a filtered list.
    image: Option<usize>,
}

impl Source {
    fn of(state: &State, detail: Option<&RunDetail>) -> Self {
        let words = state.filter.text();
        let is_filtered = state.listed != Listed::All || !words.trim().is_empty();
        Self {
            attack: detail.and_then(|detail| detail.attack.clone()),
            neurons: detail.and_then(|detail| detail.neurons.clone()),
            split: state.live.split().cloned(),
            changes: state.live.changes(),
            listed: state.listed,
            words: words.to_owned(),
            image: state.live.image().filter(|_| is_filtered),
        }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        same(self.attack.as_ref(), other.attack.as_ref())
            && same(self.neurons.as_ref(), other.neurons.as_ref())
            && same(self.split.as_ref(), other.split.as_ref())
            && (self.changes, self.listed, self.image) == (other.changes, other.listed, other.image)
            && self.words == other.words
    }
}

fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
