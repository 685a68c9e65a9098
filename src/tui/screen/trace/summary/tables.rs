//! How often the same neurons are behind predictions: by kind, by error, by class.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::list::signed;
use super::super::shown::{Shown, sign};
use super::super::{Region, State, empty};
use crate::run::results::trace::Usual;
use crate::tui::action::Place;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::Gauge;
use crate::tui::widget::list::Ground;

/// Cells of `▲ adversarial `.
const KIND: usize = 14;
/// Cells of `  1,204`.
const IMAGES: usize = 8;

fn place(view: &mut View, area: Rect, at: usize) {
    view.clickable(area, Click::Cell(Place::Trace, Region::Summary as u16, at as u16));
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn heading(words: &str, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) -> Rect {
    if area.height < 3 {
        return area;
    }
    let words = text::fit(words, area.width.into());
    buf.set_string(area.x, area.y, words, context.style(Role::Muted));
    below(area, 1)
}

/// Overlap against chance, a bar a kind; below them the neurons of the kind under the cursor.
pub(super) fn kinds(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let kinds = &shown.seen.trace.kinds;
    let Some(last) = kinds.len().checked_sub(1) else {
        return empty::say("No prediction was traced.", context, area, buf);
    };
    let chosen = state.row.min(last);
    let words = format!(
        "the share of its {} neurons that two predictions of a kind have in common, against chance",
        shown.seen.trace.top
    );
    let mut area = heading(&words, context, area, buf);
    for ((at, kind), row) in kinds.iter().enumerate().zip(area.rows()) {
        let ground = Ground::draw(context, at == chosen && context.focused, row, buf);
        let (symbol, word, role) = sign(&kind.kind);
        let room = usize::from(row.width);
        buf.set_stringn(row.x, row.y, format!("{symbol} {word}"), room, ground.over(role));
        let images = text::pad_left(&number::count(kind.images), IMAGES - 1);
        let x = (row.x + KIND as u16).min(row.right());
        let left = usize::from(row.right() - x);
        buf.set_stringn(x, row.y, images, left, ground.plain(Role::Text));
        let from = (x + IMAGES as u16).min(row.right());
        let overlap = kind.overlap.map_or_else(|| "–".to_owned(), number::fraction);
        let gauge = Gauge {
            label: "",
            value: kind.overlap.unwrap_or(0.0),
            number: &format!("{overlap}  chance {}", number::fraction(kind.chance)),
            role,
            label_width: 0,
            number_width: 21,
            ascii: context.glyphs.is_ascii(),
            theme: context.theme,
        };
        gauge.draw(Rect { x: from, width: row.right() - from, ..row }, buf);
        place(view, row, at);
    }
    area = below(area, kinds.len() as u16 + 1);
    let Some(kind) = kinds.get(chosen) else { return };
    let words = format!(
        "most often behind {} predictions: neuron, share of them, mean difference of the probability",
        sign(&kind.kind).1
    );
    area = heading(&words, context, area, buf);
    for (usual, row) in kind.neurons.iter().zip(area.rows()) {
        draw_usual(shown, usual, context, row, buf);
    }
}

/// `147 dog           ▕█████▏  43 %  +0.211`
fn draw_usual(
    shown: &Shown<'_>,
    usual: &Usual,
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
) {
    let concept = shown.seen.concept(usual.index).map(|(name, _)| name).unwrap_or_default();
    let wide = if row.width >= 50 { 16 } else { 9 };
    let label =
        format!("{} {}", text::pad_left(&usual.index.to_string(), 4), text::pad(&concept, wide));
    let gauge = Gauge {
        label: &label,
        value: usual.share,
        number: &format!("{:>5} {:>7}", number::percent(usual.share), signed(usual.probability)),
        role: Role::Series1,
        label_width: 5 + wide as u16,
        number_width: 14,
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    gauge.draw(row, buf);
}

/// `147 43 %, 23 31 %`
fn usual(neurons: &[Usual]) -> String {
    let told =
        neurons.iter().map(|usual| format!("{} {}", usual.index, number::percent(usual.share)));
    told.collect::<Vec<_>>().join(", ")
}

/// A table whose rows are chosen by the cursor.
struct Table<'a> {
    head: String,
    count: usize,
    empty: &'a str,
}

impl Table<'_> {
    fn draw(
        &self,
        state: &State,
        context: &DrawContext<'_>,
        area: Rect,
        (buf, view): (&mut Buffer, &mut View),
        line: impl Fn(usize) -> (Option<(&'static str, Role)>, String),
    ) {
        let Some(last) = self.count.checked_sub(1) else {
            return empty::say(self.empty, context, area, buf);
        };
        let chosen = state.row.min(last);
        let area = heading(&self.head, context, area, buf);
        let rows = usize::from(area.height).max(1);
        let first = (chosen + 1).saturating_sub(rows);
        for (at, row) in (first..self.count).zip(area.rows()) {
            let ground = Ground::draw(context, at == chosen && context.focused, row, buf);
            let (symbol, line) = line(at);
            let mut x = row.x;
            if let Some((symbol, role)) = symbol {
                buf.set_stringn(x, row.y, symbol, row.width.into(), ground.over(role));
                x = (x + 2).min(row.right());
            }
            let room = usize::from(row.right() - x);
            let line = text::fit(&line, room);
            buf.set_stringn(x, row.y, line, room, ground.plain(Role::Text));
            place(view, row, at);
        }
    }
}

/// The errors, the most frequent first, with how many of their neurons are usual for either class.
pub(super) fn errors(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let (trace, seen) = (shown.seen.trace, &shown.seen);
    let classes = usize::from(area.width / 3).clamp(12, 32);
    let columns = |kind: &str, error: &str, rest: [&str; 3], neurons: &str| {
        format!(
            "{} {}{}{}{}  {neurons}",
            text::pad(kind, 11),
            text::pad(error, classes),
            text::pad_left(rest[0], 7),
            text::pad_left(rest[1], 8),
            text::pad_left(rest[2], 10)
        )
    };
    let head = columns("", "true → answer", ["images", "true's", "answer's"], "behind it");
    let table = Table {
        head: format!("  {head}"),
        count: trace.of_errors.len(),
        empty: "No error was traced.",
    };
    table.draw(state, context, area, (buf, view), |at| {
        let Some(error) = trace.of_errors.get(at) else { return (None, String::new()) };
        let (symbol, word, role) = sign(&error.kind);
        let of = |count: Option<usize>| {
            count.map_or_else(|| "–".to_owned(), |of| format!("{of}/{}", error.neurons.len()))
        };
        let pair = format!("{} → {}", seen.class(error.label), seen.class(error.predicted));
        let images = number::count(error.images);
        let (of_label, of_answer) = (of(error.of_label), of(error.of_predicted));
        let rest = [images.as_str(), of_label.as_str(), of_answer.as_str()];
        (Some((symbol, role)), columns(word, &pair, rest, &usual(&error.neurons)))
    });
}

/// The usual neurons of each class that was answered rightly.
pub(super) fn classes(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let (trace, seen) = (shown.seen.trace, &shown.seen);
    let names = usize::from(area.width / 4).clamp(10, 26);
    let columns = |class: &str, images: &str, neurons: &str| {
        format!("{}{}  {neurons}", text::pad(class, names), text::pad_left(images, 7))
    };
    let table = Table {
        head: columns("class", "images", "usually behind it: neuron, share"),
        count: trace.of_classes.len(),
        empty: "No rightly classified image was traced.",
    };
    table.draw(state, context, area, (buf, view), |at| {
        let Some(of) = trace.of_classes.get(at) else { return (None, String::new()) };
        let images = number::count(of.images);
        (None, columns(&seen.class(of.class), &images, &usual(&of.neurons)))
    });
}
