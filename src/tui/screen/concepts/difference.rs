//! What a second run makes of the selected one's neurons: which concepts they gained, lost, changed
//! and kept.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::filter::Row;
use super::shown::Shown;
use super::table::{draw_filter, filter_words, say_none};
use super::{Region, State, empty};
use crate::report::difference::{Change, Kind, counts};
use crate::run::results::dissect::Match;
use crate::tui::action::{Action, Place};
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

/// Cells of the index, the sign and the word.
const HEAD: usize = 16;
/// Cells of an intersection over union, and of a change of it, with a blank before.
const NUMBER: usize = 7;

/// A change is told by sign and word as well as by colour.
fn sign(kind: Kind) -> (&'static str, Role) {
    match kind {
        Kind::Gained => ("+", Role::Finished),
        Kind::Lost => ("−", Role::Error),
        Kind::Renamed => ("~", Role::Warning),
        Kind::Kept => ("=", Role::Text),
        Kind::Neither => ("·", Role::Muted),
    }
}

/// What the table's filter keeps, kind by kind; in each, what moved most first.
pub(super) fn order<'s, 'a>(shown: &'s Shown<'a>) -> Vec<&'s Row<'a>> {
    let place = |kind: Kind| Kind::ALL.iter().position(|other| *other == kind);
    let mut rows: Vec<(&Row<'a>, Option<usize>, f64)> = shown
        .rows
        .iter()
        .filter_map(|row| {
            let (at, kind) = row.change?;
            let change = shown.changes.get(at)?;
            Some((row, place(kind), (change.after.iou - change.before.iou).abs()))
        })
        .collect();
    rows.sort_by(|a, b| {
        a.1.cmp(&b.1).then_with(|| b.2.total_cmp(&a.2)).then(a.0.index.cmp(&b.0.index))
    });
    rows.into_iter().map(|(row, ..)| row).collect()
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let is_compared = shown.seen.meanings.dissected.is_some() && shown.not_comparable.is_none();
    let second = shown.second().filter(|_| is_compared);
    let Some(second) = second else {
        let inner = context.frame(Line::from("difference"), area, buf);
        return empty::say(&alone(shown, scene, context), context, inner, buf);
    };
    let room = usize::from(area.width.saturating_sub(44)).max(24) / 2;
    let names = [shown.seen.name(), second.name()].map(|name| text::fit_ends(name, room));
    let title = format!("{} → {} · {}", names[0], names[1], text::fit_ends(shown.layer, 16));
    let mut title = Line::from(title);
    title.push_span(filter_words(state, shown, context));
    let inner = context.frame(title, area, buf);
    let inner = draw_counts(shown, context, inner, buf);
    let mut inner = draw_filter(state, shown, context, inner, buf, view);
    let rows = order(shown);
    if rows.is_empty() {
        return say_none(state, shown, context, inner, buf);
    }
    let columns = Columns::of(inner.width.into());
    if inner.height >= 4 {
        let head =
            columns.line(["#", "", "before", "iou", "after", "iou", "change"].map(str::to_owned));
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), context.style(Role::Muted));
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let at = rows.iter().position(|row| Some(row.index) == state.neuron).unwrap_or(0);
    let first = view.scroll(Place::Concepts, at, rows.len(), inner.height.into());
    for ((number, row), place) in rows.iter().enumerate().skip(first).zip(inner.rows()) {
        let Some(change) = row.change.and_then(|(at, _)| shown.changes.get(at)) else { continue };
        let ground = Ground::draw(context, number == at, place, buf);
        let style = match (ground.chosen(), change.kind) {
            (Some(chosen), _) => chosen,
            (None, Kind::Neither) => context.style(Role::Muted),
            (None, _) => Style::new(),
        };
        let line = columns.line(cells(change));
        buf.set_stringn(place.x, place.y, line, place.width.into(), style);
        let (_, role) = sign(change.kind);
        let word = Rect { x: place.x + 5, width: 10, ..place }.intersection(place);
        buf.set_style(word, ground.over(role));
        view.clickable(
            place,
            Click::Cell(Place::Concepts, Region::Difference as u16, number as u16),
        );
    }
}

/// `+ gained 12   − lost 30   …`, and what of them the filter keeps.
fn draw_counts(
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
) -> Rect {
    if inner.height < 3 {
        return inner;
    }
    let mut x = inner.x;
    for (kind, count) in counts(&shown.changes) {
        let (symbol, role) = sign(kind);
        let words = format!("{symbol} {} {count}", kind.word());
        let left = usize::from(inner.right().saturating_sub(x));
        if text::width(&words) > left {
            break;
        }
        x = buf.set_stringn(x, inner.y, words, left, context.style(role)).0 + 2;
    }
    let words = format!("of {}", shown.changes.len());
    let left = usize::from(inner.right().saturating_sub(x));
    if text::width(&words) <= left {
        buf.set_string(x, inner.y, words, context.style(Role::Muted));
    }
    Rect { y: inner.y + 1, height: inner.height - 1, ..inner }
}

fn cells(change: &Change) -> [String; 7] {
    // Nothing is said to be detected that is not: it stands in brackets.
    let is_detected = match change.kind {
        Kind::Gained => [false, true],
        Kind::Lost => [true, false],
        Kind::Renamed | Kind::Kept => [true, true],
        Kind::Neither => [false, false],
    };
    let named = |best: &Match, detected: bool| match (best.concept.as_str(), detected) {
        ("", _) => "–".to_owned(),
        (concept, true) => concept.to_owned(),
        (concept, false) => format!("({concept})"),
    };
    let moved = change.after.iou - change.before.iou;
    let (symbol, _) = sign(change.kind);
    let way = if moved < 0.0 { "−" } else { "+" };
    [
        change.index.to_string(),
        format!("{symbol} {}", change.kind.word()),
        named(&change.before, is_detected[0]),
        format!("{:.3}", change.before.iou),
        named(&change.after, is_detected[1]),
        format!("{:.3}", change.after.iou),
        format!("{way}{:.3}", moved.abs()),
    ]
}

/// How wide the two concepts are, and whether the change has its place.
struct Columns {
    text: usize,
    has_change: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let has_change = width >= HEAD + 3 * NUMBER + 2 * 10;
        let numbers = if has_change { 3 } else { 2 };
        let text = width.saturating_sub(HEAD + numbers * NUMBER + 2) / 2;
        Self { text: text.min(26), has_change }
    }

    fn line(
        &self,
        [index, word, before, before_iou, after, after_iou, moved]: [String; 7],
    ) -> String {
        let number = |text: &str| text::pad_left(text, NUMBER);
        let mut line = format!(
            "{} {} {}{} {}{}",
            text::pad_left(&index, 4),
            text::pad(&word, HEAD - 6),
            text::pad(&before, self.text),
            number(&before_iou),
            text::pad(&after, self.text),
            number(&after_iou)
        );
        if self.has_change {
            line.push_str(&number(&moved));
        }
        line
    }
}

/// Why there is no difference to show.
fn alone(shown: &Shown<'_>, scene: &Scene<'_>, context: &DrawContext<'_>) -> String {
    if shown.seen.meanings.dissected.is_none() {
        return empty::lacks("dissect", &shown.seen, scene, context);
    }
    if let Some(why) = &shown.not_comparable {
        let words = format!("Concepts are not compared neuron by neuron: {why}.");
        return text::clean(&words).into_owned();
    }
    let without: Vec<String> =
        shown.without().map(|(name, why)| format!("{name}: {why}.")).collect();
    if !without.is_empty() {
        return without.join("\n\n");
    }
    if let Some(other) = shown.runs().get(1) {
        return empty::lacks("dissect", other, scene, context);
    }
    let key = context.key(Action::SideBySide, Place::Concepts);
    let mark = context.key(Action::Mark, Place::Runs);
    format!(
        "Which concepts the neurons gained, lost, changed and kept from this run to another stands \
         here.\n\n{key} puts another run beside; {mark} on the runs screen marks the one meant."
    )
}
