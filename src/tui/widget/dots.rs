//! A canvas of small dots, two wide and four high in each cell: braille, or `.':` without Unicode.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Which line a dot belongs to and how loud it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Index into the styles given to [`Dots::draw`].
    pub style: usize,
    /// Bright dots take a cell over from dim ones.
    pub bright: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    bits: u8,
    paint: Option<Paint>,
}

/// The canvas. Dot (0, 0) is at the top left.
#[derive(Debug)]
pub struct Dots {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

/// Dots a cell holds, across and down.
pub const PER_CELL: (usize, usize) = (2, 4);

// Bit of the dot in row y, column x of a braille cell, as Unicode numbers them.
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const UPPER: u8 = 0x01 | 0x08 | 0x02 | 0x10;

impl Dots {
    /// An empty canvas of so many cells.
    pub fn new(columns: u16, rows: u16) -> Self {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Self { columns, rows, cells: vec![Cell::default(); columns * rows] }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.columns * PER_CELL.0
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * PER_CELL.1
    }

    /// Sets a dot; outside the canvas nothing happens.
    pub fn set(&mut self, x: usize, y: usize, paint: Paint) {
        let (column, row) = (x / PER_CELL.0, y / PER_CELL.1);
        if column >= self.columns {
            return;
        }
        let Some(cell) = self.cells.get_mut(row * self.columns + column) else { return };
        let bit = BRAILLE[y % PER_CELL.1][x % PER_CELL.0];
        match cell.paint {
            Some(there) if there.bright && !paint.bright => {}
            Some(there) if there.bright == paint.bright => {
                cell.bits |= bit;
                cell.paint = Some(paint);
            }
            _ => *cell = Cell { bits: bit, paint: Some(paint) },
        }
    }

    /// A straight line, both ends included.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), paint: Paint) {
        let (across, down) = (to.0.abs_diff(from.0), to.1.abs_diff(from.1));
        let length = across.max(down).max(1);
        for i in 0..=length {
            let along = |a: usize, b: usize| {
                (a as f64 + (b as f64 - a as f64) * i as f64 / length as f64).round() as usize
            };
            self.set(along(from.0, to.0), along(from.1, to.1), paint);
        }
    }

    /// Whether a cell has any dot.
    pub fn is_marked(&self, column: u16, row: u16) -> bool {
        let index = usize::from(row) * self.columns + usize::from(column);
        self.cells.get(index).is_some_and(|cell| cell.bits != 0)
    }

    /// Puts the dots into the buffer; cells without dots keep what they hold.
    pub fn draw(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        ascii: bool,
        style: impl Fn(Paint) -> Style,
    ) {
        for (index, cell) in self.cells.iter().enumerate() {
            let (x, y) = (index % self.columns, index / self.columns);
            let Some(paint) = cell.paint else { continue };
            let (x, y) = (area.x + x as u16, area.y + y as u16);
            if x >= area.right() || y >= area.bottom() {
                continue;
            }
            let symbol = if ascii {
                match (cell.bits & UPPER != 0, cell.bits & !UPPER != 0) {
                    (true, true) => ':',
                    (true, false) => '\'',
                    _ => '.',
                }
            } else {
                char::from_u32(0x2800 + u32::from(cell.bits)).unwrap_or(' ')
            };
            if let Some(target) = buffer.cell_mut((x, y)) {
                target.set_char(symbol).set_style(style(paint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIM: Paint = Paint { style: 0, bright: false };
    const BRIGHT: Paint = Paint { style: 1, bright: true };

    fn text(dots: &Dots, ascii: bool) -> String {
        let area = Rect::new(0, 0, dots.columns as u16, dots.rows as u16);
        let mut buffer = Buffer::empty(area);
        dots.draw(area, &mut buffer, ascii, |_| Style::default());
        buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn draws_braille_and_plain_dots() {
        let mut dots = Dots::new(2, 1);
        dots.set(0, 0, DIM);
        dots.line((2, 0), (2, 3), DIM);
        dots.set(99, 99, DIM);
        assert_eq!(text(&dots, false), "⠁⡇");
        assert_eq!(text(&dots, true), "':");
    }

    #[test]
    fn bright_dots_take_a_cell_and_dim_ones_cannot_take_it_back() {
        let mut dots = Dots::new(1, 1);
        dots.line((0, 0), (0, 3), DIM);
        dots.set(1, 0, BRIGHT);
        dots.set(0, 3, DIM);
        assert_eq!(text(&dots, false), "⠈");
    }
}
