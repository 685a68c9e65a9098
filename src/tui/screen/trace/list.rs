//! The list of predictions: kind by symbol and word, true class → answer, probability, and where
//! there is room the first neuron with its prediction difference, and the image.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::filter::{EXAMPLES, Row};
use super::shown::{Shown, sign};
use super::{Region, State, empty};
use crate::tui::action::{Action, Place};
use crate::tui::screen::filter_row::FilterRow;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

/// Cells of `✗ wrong `, and of `▲ adversarial `.
const SHORT: usize = 8;
const LONG: usize = 14;
/// Cells of ` 0.812`.
const PROBABILITY: usize = 6;
/// Cells of `  #147 +0.511`.
const NEURON: usize = 13;

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let (all, listed) = (shown.seen.trace.predictions.len(), shown.rows.len());
    let count = if all == listed { format!("{all}") } else { format!("{listed} of {all}") };
    let way = if state.reversed { ", reversed" } else { "" };
    let word = if area.width < 34 { "" } else { " predictions" };
    let mut title = Line::from(format!("{count}{word} by {}{way}", state.sort.words()));
    if !state.filter.is_empty() && !state.filtering {
        let filter = text::fit(state.filter.text(), 34);
        let wrong = if shown.problem.is_some() { " ?" } else { "" };
        title.push_span(Span::styled(format!(" · /{filter}{wrong}"), context.style(Role::Warning)));
    }
    let inner = context.frame(title, area, buf);
    let problem = shown.problem.as_deref();
    let row = FilterRow::new(&state.filter, state.filtering, problem, EXAMPLES);
    let inner = row.draw(context, inner, buf, view);
    if shown.rows.is_empty() {
        return empty::say(&none(state, shown, context), context, inner, buf);
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Trace, shown.at, shown.rows.len(), rows);
    for ((at, row), place) in shown.rows.iter().enumerate().skip(first).zip(inner.rows()) {
        let ground = Ground::draw(context, at == shown.at, place, buf);
        let width = usize::from(place.width);
        let is_wide = width >= 56;
        let (symbol, word, role) = sign(&row.prediction.kind);
        let head = if is_wide { LONG } else { SHORT };
        let word = text::pad(if is_wide { word } else { short(word) }, head - 3);
        let kind = format!("{symbol} {word} ");
        buf.set_stringn(place.x, place.y, kind, width, ground.over(role));
        let rest = cells(row, width.saturating_sub(head));
        let style = ground.chosen().unwrap_or_default();
        let room = width.saturating_sub(head);
        buf.set_stringn(place.x + head as u16, place.y, rest, room, style);
        view.clickable(place, Click::Cell(Place::Trace, Region::Predictions as u16, at as u16));
    }
}

/// A word of five letters at most.
fn short(word: &str) -> &str {
    if word == "adversarial" { "adv" } else { word }
}

fn cells(row: &Row<'_>, room: usize) -> String {
    let none = || "–".to_owned();
    let probability = row.probability().map_or_else(none, |value| format!("{value:.3}"));
    let (label, answer) = (row.name(row.prediction.label), row.name(row.answer()));
    let answer = answer.unwrap_or_else(none);
    let has_neuron = room >= 14 + PROBABILITY + NEURON;
    let left = room.saturating_sub(PROBABILITY + if has_neuron { NEURON } else { 0 });
    // What is left over beyond what two classes need is the image's.
    let image = left.saturating_sub(27);
    let width = left - if image >= 12 { image } else { 0 };
    let classes = match label {
        Some(label) if label != answer => pair(&label, &answer, width),
        _ => answer,
    };
    let mut line = text::pad(&classes, width);
    if image >= 12 {
        line.push(' ');
        line.push_str(&text::pad(&text::fit_end(&row.prediction.image, image - 1), image - 1));
    }
    line.push_str(&text::pad_left(&probability, PROBABILITY));
    if has_neuron {
        let neuron = row.prediction.neurons.first();
        let neuron = neuron.map_or_else(none, |neuron| {
            format!("#{} {}", neuron.index, signed(neuron.probability))
        });
        line.push_str(&text::pad_left(&neuron, NEURON));
    }
    line
}

/// `dog → cat`, or `autom…→truck` where there is no room for both: either is told.
fn pair(label: &str, answer: &str, width: usize) -> String {
    let whole = format!("{label} → {answer}");
    if text::width(&whole) <= width {
        return whole;
    }
    let room = width.saturating_sub(1);
    let first = text::width(label).min((room / 2).max(room.saturating_sub(text::width(answer))));
    format!("{}→{}", text::fit(label, first), text::fit(answer, room.saturating_sub(first)))
}

/// `+0.511`
pub(super) fn signed(value: f64) -> String {
    let way = if value < 0.0 { "−" } else { "+" };
    format!("{way}{:.3}", value.abs())
}

/// Why nothing is listed.
fn none(state: &State, shown: &Shown<'_>, context: &DrawContext<'_>) -> String {
    let back = context.key(Action::Back, Place::Trace);
    let all = shown.seen.trace.predictions.len();
    if state.filter.is_empty() {
        let tested = shown.seen.trace.tested;
        return format!(
            "No prediction was kept of {tested} images: trace.pictures in the spec says how many of \
             each kind are."
        );
    }
    let filter = state.filter.text();
    format!("None of {all} predictions matches '{filter}'; {back} shows all.")
}
