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
use crate::tui::widget::list::moved;

/// How the frame is divided into tiles: what the screen's size and the filter leave decides, so keys
/// and the background know it as the drawing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sheet {
    columns: u16,
    rows: u16,
    /// A picture's side, in columns.
    side: u16,
    /// Columns from tile to tile.
    pitch: u16,
}

impl Sheet {
    /// Inside the frame, above the filter.
    fn of(inner: Rect) -> Self {
        // 12 pixels: below that one tells a dog from a bus only by luck. Where that leaves but two
        // rows, to see many of them is worth more.
        let side: u16 = match (inner.width, inner.height) {
            (150.., 27..) => 16,
            (_, 21..) => 12,
            _ => 10,
        };
        let columns = ((inner.width + 1) / (side + 1)).max(1);
        let rows = (inner.height / (side / 2 + 1)).max(1);
        Self { columns, rows, side, pitch: (inner.width + 1) / columns }
    }

    /// On the whole screen.
    fn on_screen(state: &State, shown: &Shown<'_>) -> Self {
        let (width, height) = state.room;
        let inner = Rect::new(0, 0, width.saturating_sub(4), height.saturating_sub(2));
        Self::of(list::above_filter(state, shown, inner))
    }

    fn size(self) -> usize {
        usize::from(self.columns) * usize::from(self.rows)
    }

    /// The tiles that are visible while the cursor is at `at`: page by page, the last one full.
    fn visible(self, at: usize, count: usize) -> Range<usize> {
        let (columns, rows) = (usize::from(self.columns), usize::from(self.rows));
        let last = count.div_ceil(columns).saturating_sub(rows);
        let first = (at / columns / rows * rows).min(last) * columns;
        first.min(count)..(first + self.size()).min(count)
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
    let sheet = Sheet::of(inner);
    let Sheet { columns, side, pitch, .. } = sheet;
    let down = side / 2 + 1;
    let pane = shown.pane();
    let visible = sheet.visible(shown.at, shown.order.len());
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
    let sheet = Sheet::on_screen(state, shown);
    let columns = usize::from(sheet.columns);
    let count = shown.order.len();
    let last = count.saturating_sub(1);
    let to = match action {
        Action::Left => shown.at.saturating_sub(1),
        Action::Right => (shown.at + 1).min(last),
        // The last row may be shorter: then nothing lies below.
        Action::Down if shown.at + columns > last => shown.at,
        Action::Down => shown.at + columns,
        Action::Up => shown.at.checked_sub(columns).unwrap_or(shown.at),
        action => match moved(action, shown.at, count, sheet.size()) {
            Some(to) => to,
            None => return false,
        },
    };
    choose(state, shown, to);
    true
}

/// The pictures in sight, then those of the row below and above.
pub(super) fn wants(state: &State, shown: &Shown<'_>, wanted: &mut Vec<Request>) {
    let sheet = Sheet::on_screen(state, shown);
    let columns = usize::from(sheet.columns);
    let visible = sheet.visible(shown.at, shown.order.len());
    let below = visible.end..(visible.end + columns).min(shown.order.len());
    let above = visible.start.saturating_sub(columns)..visible.start;
    let pane = shown.pane();
    for at in visible.chain(below).chain(above) {
        let request = shown.order.get(at).and_then(|neuron| top(state, &pane, neuron).ok());
        wanted.extend(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_is_visible_and_the_cursor_always_is() {
        let sheet = Sheet { columns: 6, rows: 3, side: 12, pitch: 13 };
        assert_eq!(sheet.visible(0, 128), 0..18);
        assert_eq!(sheet.visible(17, 128), 0..18);
        assert_eq!(sheet.visible(18, 128), 18..36);
        assert_eq!(sheet.visible(127, 128), 114..128);
        assert_eq!(sheet.visible(5, 7), 0..7);
        assert_eq!(sheet.visible(0, 0), 0..0);
        for at in 0..128 {
            assert!(sheet.visible(at, 128).contains(&at));
        }
    }

    #[test]
    fn no_room_is_a_sheet_too() {
        let sheet = Sheet::of(Rect::default());
        assert_eq!(sheet.size(), 1);
        assert_eq!(sheet.visible(3, 5), 3..4);
    }
}
