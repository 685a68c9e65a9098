//! kitty's graphics protocol, with unicode placeholders: a picture is sent once, as PNG, and shown
//! wherever the screen has the characters that stand for it. So it moves, is covered and goes with
//! the text, in tmux too.
//!
//! <https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders>

mod diacritics;

use std::num::NonZeroU16;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use self::diacritics::diacritic;
use crate::tui::terminal::query::through_tmux;

/// The character that stands for a piece of a picture.
const PLACEHOLDER: char = '\u{10EEEE}';

/// The protocol's limit for one piece.
pub const PIECE: usize = 4096;

/// The number of a picture at the terminal. It travels as the text colour of its placeholders: one of
/// the 256 colours, which every multiplexer hands on as it is, and a byte as a third diacritic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    high: u8,
    colour: u8,
}

impl Id {
    fn number(self) -> u32 {
        u32::from(self.high) << 24 | u32::from(self.colour)
    }
}

/// Hands out numbers. Two workbenches in one tmux share a terminal, so each has a byte of 255, by
/// chance: two have the same one once in 255 times.
#[derive(Debug)]
pub struct Ids {
    high: u8,
    taken: [bool; 256],
}

/// The 16 named colours may be sent another way than the others.
const FIRST_COLOUR: u8 = 16;

impl Ids {
    /// The numbers of this `process`, whose number may be any.
    pub fn of(process: u64) -> Self {
        Self { high: (process % 255) as u8 + 1, taken: [false; 256] }
    }

    /// A free one.
    pub fn take(&mut self) -> Option<Id> {
        let colour = (FIRST_COLOUR..=255).find(|colour| !self.taken[usize::from(*colour)])?;
        self.taken[usize::from(colour)] = true;
        Some(Id { high: self.high, colour })
    }

    /// Whether [`Ids::take`] would answer one.
    pub fn has_free(&self) -> bool {
        self.taken[usize::from(FIRST_COLOUR)..].contains(&false)
    }

    /// It is free again.
    pub fn give_back(&mut self, id: Id) {
        self.taken[usize::from(id.colour)] = false;
    }
}

/// A picture on its way: a PNG file in base64, sent piece by piece.
#[derive(Debug)]
pub struct Transfer {
    id: Id,
    columns: u16,
    rows: u16,
    data: String,
    at: usize,
}

impl Transfer {
    /// Of this PNG file, to be shown in so many cells.
    pub fn new(id: Id, png: &[u8], columns: u16, rows: u16) -> Self {
        Self { id, columns, rows, data: STANDARD.encode(png), at: 0 }
    }

    /// Its number.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Whether some of it has been sent and some has not: nothing else of the protocol may come
    /// between.
    pub fn is_under_way(&self) -> bool {
        self.at > 0 && self.at < self.data.len()
    }

    /// The next piece; `None` when all is sent.
    pub fn next(&mut self, wrapped: bool) -> Option<String> {
        if self.at >= self.data.len() {
            return None;
        }
        let end = (self.at + PIECE).min(self.data.len());
        let more = u8::from(end < self.data.len());
        let head = if self.at == 0 {
            let (number, columns, rows) = (self.id.number(), self.columns, self.rows);
            // a=T, U=1: sent, and placed wherever its placeholders are. q=2: no answer.
            format!("a=T,U=1,f=100,t=d,q=2,i={number},c={columns},r={rows},m={more}")
        } else {
            format!("q=2,m={more}")
        };
        let piece = format!("\x1b_G{head};{}\x1b\\", &self.data[self.at..end]);
        self.at = end;
        Some(wrap(&piece, wrapped))
    }
}

/// Takes back what was begun and will not be finished.
pub fn break_off(wrapped: bool) -> String {
    wrap("\x1b_Gq=2,m=0;\x1b\\", wrapped)
}

/// Deletes a picture, data and all.
pub fn delete(id: Id, wrapped: bool) -> String {
    wrap(&format!("\x1b_Ga=d,d=I,q=2,i={}\x1b\\", id.number()), wrapped)
}

fn wrap(sequence: &str, wrapped: bool) -> String {
    if wrapped { through_tmux(sequence) } else { sequence.to_owned() }
}

/// Puts the placeholders of a picture into `area`: each with row, column and number. To be followed
/// by [`shorten`] when all is drawn.
pub fn place(id: Id, area: Rect, buf: &mut Buffer) {
    for (row, line) in area.rows().enumerate() {
        for (column, cell) in line.columns().enumerate() {
            let Some(symbol) = placeholder(id, row, column) else { continue };
            if let Some(cell) = buf.cell_mut((cell.x, cell.y)) {
                // The ground stays the theme's: it is seen where a picture leaves cells open.
                cell.set_symbol(&symbol).set_fg(colour(id));
                cell.modifier = Modifier::empty();
                cell.set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
            }
        }
    }
}

fn colour(id: Id) -> Color {
    Color::Indexed(id.colour)
}

fn placeholder(id: Id, row: usize, column: usize) -> Option<String> {
    let mut symbol = String::with_capacity(16);
    symbol.push(PLACEHOLDER);
    for number in [row, column, usize::from(id.high)] {
        symbol.push(diacritic(number)?);
    }
    Some(symbol)
}

/// Leaves the numbers out where the cell to the left tells them: same picture, same row, one column
/// less. Most of what a placed picture costs are these.
pub fn shorten(id: Id, area: Rect, buf: &mut Buffer) {
    let is_whole = |buf: &Buffer, row: usize, column: usize, x: u16, y: u16| {
        placeholder(id, row, column).is_some_and(|symbol| {
            buf.cell((x, y)).is_some_and(|cell| cell.symbol() == symbol && cell.fg == colour(id))
        })
    };
    for (row, y) in (area.top()..area.bottom()).enumerate() {
        // From the right, so that the cell to the left is still whole.
        for (column, x) in (area.left()..area.right()).enumerate().skip(1).rev() {
            if is_whole(buf, row, column, x, y)
                && is_whole(buf, row, column - 1, x - 1, y)
                && let Some(cell) = buf.cell_mut((x, y))
            {
                cell.set_char(PLACEHOLDER);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Id {
        Ids::of(41).take().unwrap()
    }

    #[test]
    fn a_picture_is_sent_in_pieces_and_once() {
        let png = vec![7_u8; 3 * PIECE];
        let mut transfer = Transfer::new(id(), &png, 16, 8);
        let mut pieces = Vec::new();
        assert!(!transfer.is_under_way());
        while let Some(piece) = transfer.next(false) {
            pieces.push(piece);
        }
        assert_eq!(pieces.len(), 4);
        let number = 42_u32 << 24 | 16;
        let head = format!("\x1b_Ga=T,U=1,f=100,t=d,q=2,i={number},c=16,r=8,m=1;");
        assert!(pieces[0].starts_with(&head), "{:?}", &pieces[0][..80]);
        assert!(pieces[1].starts_with("\x1b_Gq=2,m=1;") && pieces[3].starts_with("\x1b_Gq=2,m=0;"));
        let data: String = pieces
            .iter()
            .map(|piece| piece.split_once(';').unwrap().1.trim_end_matches("\x1b\\"))
            .collect();
        assert_eq!(STANDARD.decode(data).unwrap(), png);
        assert!(pieces.iter().all(|piece| piece.len() < PIECE + 100));
    }

    #[test]
    fn in_tmux_every_piece_is_wrapped_by_itself() {
        let mut transfer = Transfer::new(id(), &[0; 4000], 2, 1);
        let first = transfer.next(true).unwrap();
        assert!(transfer.is_under_way());
        assert!(
            first.starts_with("\x1bPtmux;\x1b\x1b_Ga=T") && first.ends_with("\x1b\x1b\\\x1b\\")
        );
        assert!(delete(id(), true).starts_with("\x1bPtmux;\x1b\x1b_Ga=d,d=I,"));
        assert!(break_off(true).contains("m=0"));
    }

    #[test]
    fn placeholders_tell_row_column_and_number_once_a_row() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 5, 3));
        let area = Rect::new(1, 1, 3, 2);
        place(id(), area, &mut buf);
        shorten(id(), area, &mut buf);
        let symbols = |y: u16| (0..5).map(|x| buf[(x, y)].symbol().to_owned()).collect::<Vec<_>>();
        assert_eq!(symbols(0), [" "; 5]);
        let third = diacritic(42).unwrap();
        let first = |row: usize| format!("\u{10EEEE}{}\u{305}{third}", diacritic(row).unwrap());
        assert_eq!(symbols(1), [" ", &first(0), "\u{10EEEE}", "\u{10EEEE}", " "]);
        assert_eq!(symbols(2), [" ", &first(1), "\u{10EEEE}", "\u{10EEEE}", " "]);
        assert_eq!(buf[(2, 2)].fg, Color::Indexed(16));
    }

    #[test]
    fn beside_something_that_covers_it_a_picture_counts_anew() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        place(id(), buf.area, &mut buf);
        buf.set_string(1, 0, "x", ratatui::style::Style::new());
        let area = buf.area;
        shorten(id(), area, &mut buf);
        assert_eq!(buf[(1, 0)].symbol(), "x");
        assert_eq!(buf[(2, 0)].symbol().chars().count(), 4);
        assert_eq!(buf[(3, 0)].symbol().chars().count(), 1);
    }

    #[test]
    fn numbers_are_used_again_and_differ_between_processes() {
        let (mut one, mut other) = (Ids::of(1000), Ids::of(1001));
        let first = one.take().unwrap();
        assert_ne!(first.number(), other.take().unwrap().number());
        assert_ne!(first, one.take().unwrap());
        one.give_back(first);
        assert_eq!(one.take(), Some(first));
        let rest = std::iter::from_fn(|| one.take()).count();
        assert_eq!(rest, 256 - usize::from(FIRST_COLOUR) - 2);
    }
}
