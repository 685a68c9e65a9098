//! A grid of pictures with captions: groups one below the other, tiles as large as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::pictures::Decoded;
use crate::tui::pictures::halfblock::{self, Tones};
use crate::tui::pictures::stage::Stage;
use crate::tui::screen::DrawContext;
use crate::tui::text;
use crate::tui::theme::Role;

/// One picture.
#[derive(Debug)]
pub struct Tile<'a> {
    /// `None` while it is not decoded yet.
    pub picture: Option<&'a Decoded>,
    /// Lines below it.
    pub caption: [String; 2],
    /// Whether the cursor is on it.
    pub selected: bool,
}

/// Pictures under one heading.
#[derive(Debug)]
pub struct Group<'a> {
    /// `real`
    pub title: String,
    /// Its colour.
    pub role: Role,
    /// The most important first: those that do not fit are left out.
    pub tiles: Vec<Tile<'a>>,
}

/// How a grid is divided: every group alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Tiles side by side.
    pub columns: u16,
    /// Rows of tiles in a group.
    pub rows: u16,
    /// Cells from one tile to the next.
    pub pitch: u16,
    /// Cells across a picture; half as many down.
    pub side: u16,
}

const CAPTION: u16 = 2;
// 12 pixels: below that one tells a dog from a bus only by luck. Better fewer pictures.
const LEAST_SIDE: u16 = 12;
// A caption is easier to read with some air; more than this would only be gaps.
const MOST_AIR: u16 = 4;

impl Layout {
    /// The largest pictures with which `tiles` a group fit into `area` for so many groups; if they
    /// would be too small to be recognised, as many recognisable ones as fit.
    pub fn new(area: Rect, groups: usize, tiles: usize) -> Self {
        let groups = groups.max(1) as u16;
        // A heading and, below every group but the last, nothing: captions separate well enough.
        let height = (area.height / groups).saturating_sub(1);
        let tiles = (tiles as u16).max(1);
        let of = |rows: u16| {
            let columns = tiles.div_ceil(rows);
            let across = ((area.width + 1) / columns).saturating_sub(1);
            let down = (height / rows).saturating_sub(CAPTION) * 2;
            (across.min(down), columns)
        };
        // One row reads best, rank below rank: another must make the pictures clearly larger.
        let mut rows = 1;
        let (mut side, mut columns) = of(rows);
        for more in 2..=tiles {
            let (larger, fewer) = of(more);
            if larger * 10 >= side * 12 {
                (side, columns, rows) = (larger, fewer, more);
            }
        }
        if side < LEAST_SIDE {
            let down = height.saturating_sub(CAPTION) * 2;
            side = LEAST_SIDE.min(area.width).min(down);
            columns = ((area.width + 1) / (side + 1)).clamp(1, tiles);
            rows = (height / (side.div_ceil(2) + CAPTION)).clamp(1, tiles.div_ceil(columns));
            // What is left over makes them larger again.
            let across = ((area.width + 1) / columns).saturating_sub(1);
            side = across.min((height / rows).saturating_sub(CAPTION) * 2);
        }
        // Half-blocks hold two pixels: an odd last row would leave half a row open.
        side -= side % 2;
        let pitch = ((area.width + 1) / columns).min(side + 1 + MOST_AIR);
        Self { columns, rows, pitch, side }
    }

    /// Tiles that a group shows.
    pub fn visible(self) -> usize {
        usize::from(self.columns) * usize::from(self.rows)
    }

    /// Cells down a group with its heading.
    fn group_height(self) -> u16 {
        1 + self.rows * (self.side.div_ceil(2) + CAPTION)
    }
}

/// Draws the groups; `place` is told where each tile lies: group, tile, cells.
pub fn draw(
    groups: &[Group<'_>],
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    mut place: impl FnMut(usize, usize, Rect),
) {
    let most = groups.iter().map(|group| group.tiles.len()).max().unwrap_or(0);
    let layout = Layout::new(area, groups.len(), most);
    if layout.side == 0 {
        return;
    }
    for (index, group) in groups.iter().enumerate() {
        let top = area.y + index as u16 * layout.group_height();
        let below = Rect { y: top, height: area.bottom().saturating_sub(top), ..area };
        if below.is_empty() {
            return;
        }
        let shown = group.tiles.len().min(layout.visible());
        let mut title = group.title.clone();
        if shown < group.tiles.len() {
            title = format!("{title} · {shown} of {}", group.tiles.len());
        }
        let title = text::fit(&title, usize::from(area.width));
        buf.set_string(area.x, top, title, context.style(group.role));
        for (number, tile) in group.tiles.iter().take(shown).enumerate() {
            let (column, row) = (number as u16 % layout.columns, number as u16 / layout.columns);
            let cell = Rect {
                x: area.x + column * layout.pitch,
                y: top + 1 + row * (layout.side.div_ceil(2) + CAPTION),
                width: layout.pitch - 1,
                height: layout.side.div_ceil(2) + CAPTION,
            };
            let cell = cell.intersection(area);
            draw_tile(tile, layout.side, context, cell, buf);
            place(index, number, cell);
        }
    }
}

fn draw_tile(tile: &Tile<'_>, side: u16, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let frame = Rect { width: side, height: side.div_ceil(2), ..area }.intersection(area);
    draw_picture(tile.picture, context, frame, buf);
    let width = usize::from(area.width);
    for (line, caption) in tile.caption.iter().enumerate() {
        let y = frame.bottom() + line as u16;
        if y >= area.bottom() {
            return;
        }
        let role = match (tile.selected, line) {
            (true, _) => Role::Selection,
            (false, 0) => Role::Text,
            (false, _) => Role::Muted,
        };
        let caption =
            if tile.selected { text::pad(caption, width) } else { text::fit(caption, width) };
        buf.set_string(area.x, y, caption, context.style(role));
    }
}

/// Draws a picture, or what stands in its place: a quiet ground while it loads, a note where it
/// cannot be shown.
pub fn draw_picture(
    picture: Option<&Decoded>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let note = |words: &str, buf: &mut Buffer| {
        let y = area.y + area.height.saturating_sub(1) / 2;
        if y < area.bottom() {
            let words = text::fit(words, usize::from(area.width));
            buf.set_string(area.x, y, words, context.style(Role::Muted));
        }
    };
    let tones = Tones::of(context.theme, context.glyphs);
    match (picture, context.stage) {
        _ if !context.pictures => note("pictures off", buf),
        (Some(Ok(picture)), Some(stage)) => {
            if !stage.draw(picture, area, buf, tones) {
                ground(context, area, buf);
            }
        }
        (Some(Ok(picture)), None) => {
            halfblock::draw(picture, area, buf, tones);
        }
        (Some(Err(reason)), _) => note(reason, buf),
        (None, _) => ground(context, area, buf),
    }
}

/// Holds a place quietly: what comes is not a change of everything around it. Where the picture costs
/// the line little, so does this: one dot instead of many.
fn ground(context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let is_sparse = context.stage.is_some_and(Stage::sends_pixels);
    let area = if is_sparse {
        let (x, y) = (area.x + area.width / 2, area.y + area.height / 2);
        Rect { x, y, width: 1, height: 1 }.intersection(area)
    } else {
        area
    };
    for position in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.set_char('·').set_style(context.style(Role::GaugeEmpty));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uses_a_large_screen_and_stays_recognisable_on_a_small_one() {
        let layout = Layout::new(Rect::new(0, 0, 168, 44), 2, 9);
        assert_eq!((layout.columns, layout.rows, layout.side), (9, 1, 16));
        let layout = Layout::new(Rect::new(0, 0, 148, 48), 2, 9);
        assert_eq!((layout.columns, layout.rows, layout.side), (5, 2, 18));
        let layout = Layout::new(Rect::new(0, 0, 92, 36), 2, 9);
        assert_eq!((layout.columns, layout.rows, layout.side), (5, 2, 12));
        let layout = Layout::new(Rect::new(0, 0, 54, 20), 2, 9);
        assert_eq!((layout.side, layout.visible()), (12, 4));
        let layout = Layout::new(Rect::new(0, 0, 50, 20), 2, 9);
        assert_eq!((layout.side, layout.visible()), (14, 3));
    }

    proptest! {
        #[test]
        fn groups_and_tiles_stay_inside(
            width in 1_u16..250, height in 1_u16..80, groups in 1_usize..4, tiles in 1_usize..30,
        ) {
            let layout = Layout::new(Rect::new(0, 0, width, height), groups, tiles);
            if layout.side > 0 {
                prop_assert!(layout.pitch * (layout.columns - 1) + layout.side <= width, "{:?}", layout);
                prop_assert!(layout.group_height() * groups as u16 <= height, "{:?}", layout);
                prop_assert!(layout.columns >= 1 && layout.rows >= 1);
            }
        }
    }
}
