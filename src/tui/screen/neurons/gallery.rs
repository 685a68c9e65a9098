//! A whole layer at a glance: the top picture of every neuron, as a contact sheet.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::keys::choose;
use super::pictures::{images, request};
use super::shown::{Pane, Shown};
use super::{Row, Spot, State, bookmark, list};
use crate::run::results::neurons::Neuron;
use crate::tui::action::{Action, Place};
use crate::tui::pictures::Request;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid;
use crate::tui::widget::list::{moved, scrolled};

/// How the last frame was divided: a key that moves by a row needs to know how long one is, and only
/// what is visible is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sheet {
    columns: usize,
    rows: usize,
    /// The first row of tiles that was drawn.
    first: usize,
}

impl Sheet {
    fn scrolled(self, at: usize, count: usize) -> usize {
        let columns = self.columns.max(1);
        scrolled(self.first, at / columns, count.div_ceil(columns), self.rows.max(1))
    }

    /// The tiles that are visible while the cursor is at `at`.
    fn visible(self, at: usize, count: usize) -> Range<usize> {
        if self.columns == 0 {
            // Before the first frame: a screenful.
            return at.min(count)..(at + 60).min(count);
        }
        let from = self.scrolled(at, count) * self.columns;
        from.min(count)..(from + self.rows * self.columns).min(count)
    }
}

fn row(state: &State) -> Row {
    if state.other_side { Row::Adversarial } else { Row::Real }
}

/// The most exciting picture of a neuron; none of a silent one, where it means nothing.
fn top(state: &State, pane: &Pane<'_>, neuron: &Neuron) -> Result<Request, &'static str> {
    if neuron.is_silent() {
        return Err("silent");
    }
    let row = row(state);
    let top = images(neuron, row).first().ok_or("none")?;
    Ok(request(state, pane, neuron, Spot { row, rank: 0 }, top))
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
    let inner = context.frame(title(state, shown, context, area.width), area, buf);
    let inner = list::draw_filter(state, shown, context, inner, buf, view);
    if shown.order.is_empty() {
        return list::say_none(state, shown, context, inner, buf);
    }
    // 12 pixels: below that one tells a dog from a bus only by luck. Where that leaves but two rows,
    // to see many of them is worth more.
    let side: u16 = match (inner.width, inner.height) {
        (150.., 27..) => 16,
        (_, 21..) => 12,
        _ => 10,
    };
    let down = side / 2 + 1;
    let columns = ((inner.width + 1) / (side + 1)).max(1);
    let rows = (inner.height / down).max(1);
    let pitch = (inner.width + 1) / columns;
    let count = shown.order.len();
    let old = state.sheet.get();
    let mut sheet = Sheet { columns: columns.into(), rows: rows.into(), ..old };
    sheet.first = sheet.scrolled(shown.at, count);
    state.sheet.set(sheet);
    let pane = shown.pane();
    let visible = sheet.visible(shown.at, count);
    for (number, at) in visible.enumerate() {
        let Some(neuron) = shown.order.get(at) else { return };
        let (column, row) = (number as u16 % columns, number as u16 / columns);
        let cell = Rect {
            x: inner.x + column * pitch,
            y: inner.y + row * down,
            width: pitch.saturating_sub(1).max(side),
            height: down,
        };
        let cell = cell.intersection(inner);
        view.clickable(cell, Click::Row(Place::Neurons, at));
        let frame = Rect { width: side, height: side / 2, ..cell }.intersection(cell);
        let none;
        let picture = match top(state, &pane, neuron) {
            Ok(request) => scene.pictures.get(&request),
            Err(why) => {
                none = Err(why.to_owned());
                Some(&none)
            }
        };
        grid::draw_picture(picture, context, frame, buf);
        if frame.bottom() < cell.bottom() {
            let (words, width) = (caption(state, &pane, neuron), usize::from(cell.width));
            let (words, role) = if at == shown.at {
                (text::pad(&words, width), Role::Selection)
            } else {
                (text::fit(&words, width), Role::Text)
            };
            buf.set_string(cell.x, frame.bottom(), words, context.style(role));
        }
    }
}

fn title(state: &State, shown: &Shown<'_>, context: &DrawContext<'_>, width: u16) -> Line<'static> {
    let (at, layers) = shown.layer_place();
    let layer = text::fit_ends(&shown.layer.layer, 24);
    let side = if state.other_side { "adversarial" } else { "real" };
    let of = if layers > 1 { format!(" ({} of {layers})", at + 1) } else { String::new() };
    let (all, listed) = (shown.layer.neurons.len(), shown.order.len());
    let count = if all == listed { format!("{all}") } else { format!("{listed} of {all}") };
    let mut title =
        format!("{layer}{of} · {count} by {} · top {side} pictures", state.sort.words());
    if let Some(words) = state.overlay.words() {
        title = format!("{title} · {words}");
    }
    let run = short_name(shown.seen.run);
    if text::width(&title) + text::width(run) + 30 <= usize::from(width) {
        title = format!("{run} · {title}");
    }
    let mut title = Line::from(text::fit(&title, usize::from(width.saturating_sub(4))));
    if !state.filter.is_empty() && !state.filtering {
        title.push_span(list::filter_words(state, shown, context, 20));
    }
    title
}

/// `147 dog`, with the sign of a bookmark between.
fn caption(state: &State, pane: &Pane<'_>, neuron: &Neuron) -> String {
    let mark = pane.seen.detail.bookmarks.of(&pane.layer.layer, neuron.index);
    let sign = if mark.is_some() { bookmark::SIGN } else { " " };
    let label = match row(state) {
        Row::Real => neuron.favourite().map(|favourite| favourite.label),
        Row::Adversarial => neuron.adversarial_favourite().map(|(label, _)| label),
    };
    format!("{}{sign}{}", neuron.index, label.unwrap_or_default())
}

/// Moves the cursor on the sheet; `false` = not mine.
pub(super) fn walk(state: &mut State, action: Action, shown: &Shown<'_>) -> bool {
    let sheet = state.sheet.get();
    let (columns, rows) = (sheet.columns.max(1), sheet.rows.max(1));
    let count = shown.order.len();
    let last = count.saturating_sub(1);
    let to = match action {
        Action::Left => shown.at.saturating_sub(1),
        Action::Right => (shown.at + 1).min(last),
        // The last row may be shorter: then nothing lies below.
        Action::Down if shown.at + columns > last => shown.at,
        Action::Down => shown.at + columns,
        Action::Up => shown.at.checked_sub(columns).unwrap_or(shown.at),
        action => match moved(action, shown.at, count, rows * columns) {
            Some(to) => to,
            None => return false,
        },
    };
    choose(state, shown, to);
    true
}

/// The pictures in sight, then those of the row below.
pub(super) fn wants(state: &State, shown: &Shown<'_>, wanted: &mut Vec<Request>) {
    let sheet = state.sheet.get();
    let visible = sheet.visible(shown.at, shown.order.len());
    let below = visible.end..(visible.end + sheet.columns).min(shown.order.len());
    let pane = shown.pane();
    for at in visible.chain(below) {
        let request = shown.order.get(at).and_then(|neuron| top(state, &pane, neuron).ok());
        wanted.extend(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_is_visible_and_the_cursor_always_is() {
        let sheet = Sheet { columns: 6, rows: 3, first: 0 };
        assert_eq!(sheet.visible(0, 128), 0..18);
        assert_eq!(sheet.visible(17, 128), 0..18);
        assert_eq!(sheet.visible(18, 128), 6..24);
        assert_eq!(sheet.visible(127, 128), 114..128);
        assert_eq!(sheet.visible(0, 0), 0..0);
        for at in 0..128 {
            assert!(sheet.visible(at, 128).contains(&at));
        }
    }
}
