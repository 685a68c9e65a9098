//! Pictures out of half-blocks: two pixels a cell, right in every terminal. With few colours, a
//! ramp of denser and denser characters instead.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::{Picture, scale};
use crate::tui::glyphs::Glyphs;
use crate::tui::theme::{Depth, Ground, Theme, nearest_indexed};

/// What the terminal can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tones {
    /// 24 bits a colour.
    True,
    /// The 6×6×6 cube and the greys of the 256-colour palette.
    Indexed,
    /// Brightness only, as characters.
    Ramp {
        /// No Unicode.
        ascii: bool,
        /// The background is light: dense characters are dark, not bright.
        light: bool,
    },
}

impl Tones {
    /// What a theme's terminal can tell apart. Sixteen colours are the user's own and no palette
    /// for photographs, so they get the ramp too.
    pub fn of(theme: &Theme, glyphs: Glyphs) -> Self {
        match theme.depth {
            Depth::True if !glyphs.is_ascii() => Self::True,
            Depth::Indexed if !glyphs.is_ascii() => Self::Indexed,
            _ => Self::Ramp { ascii: glyphs.is_ascii(), light: theme.ground == Ground::Light },
        }
    }
}

/// Draws a picture as large as it fits, at the left top of `area`; answers the cells it took.
pub fn draw(picture: &Picture, area: Rect, buffer: &mut Buffer, tones: Tones) -> Rect {
    let area = area.intersection(buffer.area);
    let most = (usize::from(area.width), usize::from(area.height) * 2);
    let (width, height) = scale::fit((picture.width, picture.height), most);
    if width == 0 || height == 0 {
        return Rect { width: 0, height: 0, ..area };
    }
    let small = scale::resize(picture, width, height);
    let pixel =
        |x: usize, y: usize| small.pixels.get(y * width + x).filter(|_| y < height).copied();
    let rows = height.div_ceil(2);
    for row in 0..rows {
        for x in 0..width {
            let place = (area.x + x as u16, area.y + row as u16);
            let (Some(cell), Some(upper)) = (buffer.cell_mut(place), pixel(x, row * 2)) else {
                continue;
            };
            let lower = pixel(x, row * 2 + 1);
            if let Tones::Ramp { ascii, light } = tones {
                cell.set_char(ramp(upper, lower, ascii, light)).set_style(Style::reset());
                continue;
            }
            let colour = |rgb: [u8; 3]| match tones {
                Tones::Indexed => Color::Indexed(nearest_indexed(rgb[0], rgb[1], rgb[2])),
                _ => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            };
            cell.set_char('▀').set_fg(colour(upper));
            if let Some(lower) = lower {
                cell.set_bg(colour(lower));
            }
        }
    }
    Rect { width: width as u16, height: rows as u16, ..area }
}

/// Perceived brightness, 0..=255 (ITU-R BT.601).
fn luminance([r, g, b]: [u8; 3]) -> f64 {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
}

fn ramp(upper: [u8; 3], lower: Option<[u8; 3]>, ascii: bool, light: bool) -> char {
    let steps: &[char] = if ascii {
        &[' ', '.', ':', '-', '=', '+', '*', '#', '%', '@']
    } else {
        &[' ', '░', '▒', '▓', '█']
    };
    let mean = f64::midpoint(luminance(upper), luminance(lower.unwrap_or(upper))) / 255.0;
    let density = if light { 1.0 - mean } else { mean };
    let index = (density * steps.len() as f64) as usize;
    steps[index.min(steps.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(colours: &[[u8; 3]]) -> Picture {
        Picture { width: 1, height: colours.len(), pixels: colours.to_vec() }
    }

    #[test]
    fn two_pixels_a_cell_and_an_odd_last_row() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 2));
        let picture = column(&[[255, 0, 0], [0, 255, 0], [0, 0, 255]]);
        let taken = draw(&picture, buffer.area, &mut buffer, Tones::True);
        assert_eq!(taken, Rect::new(0, 0, 1, 2));
        assert_eq!(
            (buffer[(0, 0)].fg, buffer[(0, 0)].bg),
            (Color::Rgb(255, 0, 0), Color::Rgb(0, 255, 0))
        );
        assert_eq!((buffer[(0, 1)].fg, buffer[(0, 1)].bg), (Color::Rgb(0, 0, 255), Color::Reset));
    }

    #[test]
    fn the_ramp_turns_round_on_light_backgrounds() {
        assert_eq!(ramp([255; 3], None, true, false), '@');
        assert_eq!(ramp([255; 3], None, true, true), ' ');
        assert_eq!(ramp([0; 3], Some([0; 3]), false, true), '█');
    }

    #[test]
    fn no_room_draws_nothing() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 4));
        let picture = column(&[[0; 3]]);
        let taken = draw(&picture, Rect::new(9, 9, 3, 3), &mut buffer, Tones::True);
        assert!(taken.is_empty());
    }
}
