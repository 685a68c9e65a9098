//! The list of a layer's neurons: filtered, in order, one line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::columns::{Columns, HEAD, cells};
use super::filter::{Filter, Listed};
use super::shown::Shown;
use super::{State, bookmark};
use crate::run::bookmarks::Bookmarks;
use crate::run::results::neurons::{Layer, Neuron};
use crate::tui::action::{Action, Place};
use crate::tui::screen::filter_row::FilterRow;
use crate::tui::screen::meaning::Meanings;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Largest first: [`Neuron::disagreement`].
    #[default]
    Disagreement,
    /// Largest first: [`Neuron::change`].
    Change,
    /// Largest first.
    Activation,
    /// Largest first: how well it matches its best concept.
    Iou,
    /// Largest first: how near the classes of its images are to each other.
    Consistency,
    /// As the layer has them.
    Index,
    /// Those with a bookmark first, then by disagreement.
    Marked,
}

impl Sort {
    /// In the order in which the key goes through them.
    const ALL: [Self; 7] = [
        Self::Disagreement,
        Self::Change,
        Self::Activation,
        Self::Iou,
        Self::Consistency,
        Self::Index,
        Self::Marked,
    ];

    /// The next one that tells the neurons apart.
    pub(super) fn next(
        self,
        layer: &Layer,
        bookmarks: &Bookmarks,
        meanings: &Meanings<'_>,
    ) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        let tells = |sort: &Self| match sort {
            Self::Change => layer.neurons.iter().any(|neuron| neuron.change().is_some()),
            Self::Iou => meanings.dissected.is_some(),
            Self::Consistency => meanings.levels.is_some(),
            Self::Marked => bookmarks.bookmarks.iter().any(|mark| mark.layer == layer.layer),
            _ => true,
        };
        let others = Self::ALL.iter().cycle().skip(at + 1).take(Self::ALL.len());
        others.copied().find(tells).unwrap_or_default()
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Disagreement => "disagreement",
            Self::Change => "change",
            Self::Activation => "activation",
            Self::Iou => "iou",
            Self::Consistency => "LC",
            Self::Index => "index",
            Self::Marked => "bookmarks",
        }
    }
}

/// The neurons that a filter lets through. Stable: equals stay in the order of their index. What has
/// no value comes last.
pub(super) fn ordered<'a>(
    layer: &'a Layer,
    sort: Sort,
    filter: &Filter,
    bookmarks: &Bookmarks,
    meanings: &Meanings<'_>,
) -> Vec<&'a Neuron> {
    let is_marked = |neuron: &Neuron| bookmarks.of(&layer.layer, neuron.index).is_some();
    let disagreement = |neuron: &Neuron| neuron.disagreement().unwrap_or(f64::NEG_INFINITY);
    let meant = |neuron: &Neuron, name| {
        meanings.neuron(neuron.index).number(name).unwrap_or(f64::NEG_INFINITY)
    };
    let value = |neuron: &Neuron| match sort {
        Sort::Index => (false, 0.0),
        Sort::Activation => (false, neuron.top_activation()),
        Sort::Iou => (false, meant(neuron, "iou")),
        Sort::Consistency => (false, meant(neuron, "lc")),
        Sort::Change => (false, neuron.change().unwrap_or(f64::NEG_INFINITY)),
        Sort::Disagreement => (false, disagreement(neuron)),
        Sort::Marked => (is_marked(neuron), disagreement(neuron)),
    };
    // Once a neuron: counting pictures for every comparison would be felt in large layers.
    let listed = |neuron: &'a Neuron| Listed {
        neuron,
        is_marked: is_marked(neuron),
        meaning: meanings.neuron(neuron.index),
    };
    let kept = layer.neurons.iter().filter(|neuron| filter.keeps(&listed(neuron)));
    let mut order: Vec<_> = kept.map(|neuron| (value(neuron), neuron)).collect();
    order.sort_by(|((a_first, a), _), ((b_first, b), _)| {
        b_first.cmp(a_first).then_with(|| b.total_cmp(a))
    });
    order.into_iter().map(|(_, neuron)| neuron).collect()
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let by = state.sort.words();
    let title = if area.width < 30 { format!("by {by}") } else { format!("neurons by {by}") };
    let mut title = Line::from(title);
    if !state.filter.is_empty() && !state.filtering {
        title.push_span(filter_words(state, shown, context, 10));
    }
    let inner = context.frame(title, area, buf);
    // Which run: the screen may have been left and come back to, and another run may have been chosen.
    let run = text::fit(short_name(shown.seen.run), usize::from(area.width.saturating_sub(6)));
    if area.height > 2 {
        let run = format!(" {run} ");
        buf.set_string(area.x + 2, area.bottom() - 1, run, context.style(Role::Muted));
    }
    let mut inner = draw_filter(state, shown, context, inner, buf, view);
    if shown.order.is_empty() {
        return say_none(state, shown, context, inner, buf);
    }
    let wide = Columns::of(inner.width, state.sort, shown.layer, &shown.meanings);
    if inner.height >= 4 {
        let head = HEAD.map(str::to_owned);
        let style = context.style(Role::Muted);
        let head = wide.row(&head, " ", inner.width);
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), style);
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Neurons, shown.at, shown.order.len(), rows);
    for ((at, neuron), place) in shown.order.iter().enumerate().skip(first).zip(inner.rows()) {
        let ground = Ground::draw(context, at == shown.at, place, buf);
        let style = match ground.chosen() {
            Some(chosen) => chosen,
            None if neuron.is_silent() => context.style(Role::Muted),
            None => Style::new(),
        };
        let bookmarks = &shown.seen.detail.bookmarks;
        let is_marked = bookmarks.of(&shown.layer.layer, neuron.index).is_some();
        let sign = if is_marked { bookmark::SIGN } else { " " };
        let meaning = shown.meanings.neuron(neuron.index);
        let line = wide.row(&cells(neuron, &meaning), sign, place.width);
        buf.set_stringn(place.x, place.y, line, place.width.into(), style);
        if is_marked {
            let sign = Rect { x: place.x + 4, width: 1, ..place };
            buf.set_style(sign.intersection(place), context.theme.over(Role::Marked, style));
        }
        view.clickable(place, Click::Row(Place::Neurons, at));
    }
}

/// What the filter is, for a title.
pub(super) fn filter_words<'a>(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    most: usize,
) -> Span<'a> {
    let filter = text::fit(state.filter.text(), most);
    let wrong = if shown.problem.is_some() { " ?" } else { "" };
    Span::styled(format!(" · /{filter}{wrong}"), context.style(Role::Warning))
}

fn filter_row<'a>(state: &'a State, shown: &Shown<'_>) -> FilterRow<'a> {
    let examples = if shown.meanings.is_empty() {
        "dog · 147 · label:dog · act>10 · diff>0.5 · real!=adv · marked · !dog"
    } else {
        "dog · 147 · label:dog · concept:dog · act>10 · diff>0.5 · iou>0.1 · lc>0.2 · real!=adv · \
         concept!=adv · detector · marked · !dog"
    };
    FilterRow::new(&state.filter, state.filtering, shown.problem.as_deref(), examples)
}

/// What the filter leaves of the inside of a frame.
pub(super) fn above_filter(state: &State, shown: &Shown<'_>, inner: Rect) -> Rect {
    filter_row(state, shown).leaves(inner)
}

/// Draws the filter; answers what is left.
pub(super) fn draw_filter(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    filter_row(state, shown).draw(context, inner, buf, view)
}

/// Why nothing is listed.
pub(super) fn say_none(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let back = context.key(Action::Back, Place::Neurons);
    let all = shown.layer.neurons.len();
    let sentence =
        format!("None of {all} neurons matches '{}'; {back} shows all.", state.filter.text());
    for (line, row) in text::wrap(&sentence, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
}
