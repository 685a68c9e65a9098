//! Where everything in a figure stands, in pixels from its upper left corner. 300 of them are an
//! inch: nine pictures of 192 pixels fill the width of a page between its margins.
//!
//! ```text
//! title
//! name  layer, neuron                      one panel a neuron
//! story
//!         [picture] [picture] [picture]    a row of one kind, in blocks of at most nine
//!  real    caption   caption   caption
//! ─────────────────────────────────────
//! notes
//! ```

/// Around everything.
pub(super) const MARGIN: usize = 36;
/// Between pictures, and between a picture and its caption.
pub(super) const GAP: usize = 16;
/// From one line of text to the next.
pub(super) const LINE: usize = 32;
/// The height of a name, and of the figure's title.
pub(super) const NAME: usize = 46;
/// Between neurons, with a line in its middle.
pub(super) const BETWEEN: usize = 48;

const MOST_COLUMNS: usize = 9;
// Fewer pictures still leave that much room for the words about them.
const LEAST_COLUMNS: usize = 5;
const LEAST_TILE: usize = 192;
const MOST_TILE: usize = 256;
/// Up to this side pictures grow by whole factors, so that their pixels can be seen.
pub(in crate::report) const TINY: usize = 96;

/// What has to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Side of the square that a picture stands in.
    pub tile: usize,
    /// Room at the left for the names of the rows.
    pub gutter: usize,
    /// Lines of the figure's title.
    pub title: usize,
    pub panels: Vec<PanelContent>,
    /// Lines below everything.
    pub notes: usize,
}

/// A neuron's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PanelContent {
    /// Lines above its name.
    pub above: usize,
    /// Lines below its name.
    pub below: usize,
    pub rows: Vec<RowContent>,
}

/// A row's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowContent {
    pub pictures: usize,
    /// Lines below each of them.
    pub caption: usize,
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Where it all stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub width: usize,
    pub height: usize,
    pub title: Place,
    pub panels: Vec<PanelLayout>,
    pub notes: Place,
}

/// A neuron's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PanelLayout {
    pub above: Place,
    pub name: Place,
    pub below: Place,
    pub rows: Vec<RowLayout>,
}

/// A row's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowLayout {
    /// The row's name, beside its first pictures.
    pub name: Place,
    pub cells: Vec<Cell>,
}

/// A picture's square, and the lines below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub picture: Place,
    pub caption: Place,
}

/// The side of the square for pictures of this side.
pub(super) fn tile(picture: usize) -> usize {
    if picture <= TINY {
        let picture = picture.max(1);
        picture * LEAST_TILE.div_ceil(picture)
    } else {
        picture.clamp(LEAST_TILE, MOST_TILE)
    }
}

/// How many of so many pictures stand side by side: all, or blocks as even as can be.
pub(in crate::report) fn columns(pictures: usize) -> usize {
    let blocks = pictures.div_ceil(MOST_COLUMNS).max(1);
    pictures.div_ceil(blocks)
}

/// The room for text that spans everything.
pub(super) fn text_width(tile: usize, gutter: usize, rows: impl Iterator<Item = usize>) -> usize {
    let columns = rows.map(columns).max().unwrap_or(0).max(LEAST_COLUMNS);
    gutter + columns * (tile + GAP) - GAP
}

impl Content {
    /// Places everything.
    pub(super) fn layout(&self) -> Layout {
        let rows = self.panels.iter().flat_map(|panel| &panel.rows);
        let width = text_width(self.tile, self.gutter, rows.map(|row| row.pictures));
        let mut y = MARGIN;
        let title = lines(&mut y, width, self.title, NAME);
        let mut panels = Vec::new();
        for (index, panel) in self.panels.iter().enumerate() {
            if index > 0 || self.title > 0 {
                y += BETWEEN;
            }
            panels.push(self.panel(panel, width, &mut y));
        }
        y += GAP;
        let notes = lines(&mut y, width, self.notes, LINE);
        Layout { width: width + 2 * MARGIN, height: y + MARGIN, title, panels, notes }
    }

    fn panel(&self, panel: &PanelContent, width: usize, y: &mut usize) -> PanelLayout {
        let above = lines(y, width, panel.above, LINE);
        let name = lines(y, width, 1, NAME);
        let below = lines(y, width, panel.below, LINE);
        let rows = panel.rows.iter().map(|row| self.row(*row, y)).collect();
        PanelLayout { above, name, below, rows }
    }

    fn row(&self, row: RowContent, y: &mut usize) -> RowLayout {
        *y += GAP;
        let top = *y;
        let columns = columns(row.pictures).max(1);
        let block = self.tile + GAP / 2 + row.caption * LINE;
        let cell = |index: usize| {
            let x = MARGIN + self.gutter + index % columns * (self.tile + GAP);
            let y = top + index / columns * (block + GAP);
            Cell {
                picture: Place { x, y, width: self.tile, height: self.tile },
                caption: Place {
                    x,
                    y: y + self.tile + GAP / 2,
                    width: self.tile,
                    height: row.caption * LINE,
                },
            }
        };
        let blocks = row.pictures.div_ceil(columns);
        let height = if blocks == 0 { 0 } else { self.tile };
        *y += (blocks * (block + GAP)).saturating_sub(GAP);
        RowLayout {
            name: Place { x: MARGIN, y: top, width: self.gutter, height },
            cells: (0..row.pictures).map(cell).collect(),
        }
    }
}

/// So many lines across the whole width.
fn lines(y: &mut usize, width: usize, count: usize, line: usize) -> Place {
    let place = Place { x: MARGIN, y: *y, width, height: count * line };
    *y += place.height;
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tiny_pictures_grow_by_whole_factors_and_photographs_keep_their_pixels() {
        assert_eq!([28, 32, 64, 96].map(tile), [196, 192, 192, 192]);
        assert_eq!([128, 224, 299].map(tile), [192, 224, 256]);
    }

    #[test]
    fn nine_pictures_are_a_row_and_more_are_even_blocks() {
        assert_eq!([1, 9, 10, 16, 18, 20].map(columns), [1, 9, 5, 8, 9, 7]);
        let row = RowContent { pictures: 9, caption: 2 };
        let panel = PanelContent { above: 0, below: 1, rows: vec![row; 2] };
        let content = Content { tile: 192, gutter: 130, title: 0, panels: vec![panel], notes: 1 };
        // The width of a page between its margins, at 300 dots an inch.
        let width = content.layout().width;
        assert!((1950..2150).contains(&width), "{width}");
    }

    fn apart(a: Place, b: Place) -> bool {
        a.x + a.width <= b.x
            || b.x + b.width <= a.x
            || a.y + a.height <= b.y
            || b.y + b.height <= a.y
    }

    fn places(layout: &Layout) -> Vec<Place> {
        let mut places = vec![layout.title, layout.notes];
        for panel in &layout.panels {
            places.extend([panel.above, panel.name, panel.below]);
            for row in &panel.rows {
                places.push(row.name);
                places.extend(row.cells.iter().flat_map(|cell| [cell.picture, cell.caption]));
            }
        }
        places
    }

    prop_compose! {
        fn panel()(
            above in 0_usize..2, below in 0_usize..3,
            rows in prop::collection::vec((0_usize..25, 0_usize..5), 0..4),
        ) -> PanelContent {
            let row = |(pictures, caption)| RowContent { pictures, caption };
            PanelContent { above, below, rows: rows.into_iter().map(row).collect() }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_overlaps_and_nothing_leaves_the_figure(
            side in 1_usize..400, gutter in 0_usize..200, title in 0_usize..2, notes in 0_usize..5,
            panels in prop::collection::vec(panel(), 0..4),
        ) {
            let content = Content { tile: tile(side), gutter, title, panels, notes };
            let layout = content.layout();
            let places = places(&layout);
            for (index, place) in places.iter().enumerate() {
                prop_assert!(place.x + place.width <= layout.width - MARGIN, "{place:?}");
                prop_assert!(place.y + place.height <= layout.height - MARGIN, "{place:?}");
                for other in &places[index + 1..] {
                    let empty = |place: &Place| place.width * place.height == 0;
                    prop_assert!(
                        empty(place) || empty(other) || apart(*place, *other),
                        "{place:?} and {other:?}"
                    );
                }
            }
            let cells = layout.panels.iter().flat_map(|panel| &panel.rows).map(|row| row.cells.len());
            let asked = content.panels.iter().flat_map(|panel| &panel.rows).map(|row| row.pictures);
            prop_assert_eq!(cells.collect::<Vec<_>>(), asked.collect::<Vec<_>>());
        }
    }
}
