//! Which characters may be drawn, and the sign of each status.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Role;
use crate::run::state::Status;

/// `--ascii` draws without Unicode: widgets that look better for knowing ask; whatever else is left
/// over is replaced by [`Glyphs::finish`] once the frame is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Box drawing, blocks, braille.
    #[default]
    Unicode,
    /// 7-bit only.
    Ascii,
}

impl Glyphs {
    /// Whether only 7-bit characters may be drawn.
    pub fn is_ascii(self) -> bool {
        self == Self::Ascii
    }

    /// Text with every character that may not be drawn replaced by one that means the same.
    pub fn text(self, text: &str) -> String {
        let one = |c: char| if self.is_ascii() && !c.is_ascii() { to_ascii(c) } else { c };
        text.chars().map(one).collect()
    }

    /// The same for what was drawn.
    pub fn finish(self, area: Rect, buf: &mut Buffer) {
        if !self.is_ascii() {
            return;
        }
        for position in area.intersection(buf.area).positions() {
            if let Some(cell) = buf.cell_mut(position)
                && !cell.symbol().is_ascii()
            {
                let symbol = cell.symbol().chars().next().map_or(' ', to_ascii);
                cell.set_char(symbol);
            }
        }
    }
}

fn to_ascii(c: char) -> char {
    match c {
        '─' | '━' | '–' | '—' | '−' => '-',
        '│' | '┃' | '▕' | '▏' | '┤' | '├' | '┊' | '╎' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '┬' | '┴' | '┼' => {
            '+'
        }
        '█' | '▉' | '▊' | '▋' | '▌' | '▍' | '▎' | '▐' | '▓' | '■' => '#',
        '▀' | '▔' => '"',
        '▁'..='▇' => '_',
        '░' | '▒' => ':',
        '●' | '◆' | '✓' | '★' => '*',
        '◌' | '○' | '◇' => 'o',
        '‖' => '=',
        '✗' | '×' => 'x',
        '…' => '~',
        '·' | '•' | '⠁'..='⣿' => '.',
        '→' | '›' | '▸' | '▶' => '>',
        '←' | '‹' | '◂' | '◀' | '≤' => '<',
        '↑' | '▲' => '^',
        '↓' | '▼' | '▾' => 'v',
        'ε' => 'e',
        'α' => 'a',
        'β' => 'b',
        '⠀' => ' ',
        _ => '?',
    }
}

/// A status told by sign, word and role: colour is never the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusSign {
    /// One cell.
    pub symbol: &'static str,
    /// DESIGN §5's word.
    pub word: &'static str,
    /// Its style.
    pub role: Role,
}

impl StatusSign {
    /// How a status is shown.
    pub fn of(status: Status) -> Self {
        let (symbol, word, role) = match status {
            Status::Queued => ("◌", "queued", Role::Queued),
            Status::Starting => ("◌", "starting", Role::Queued),
            Status::Running => ("●", "running", Role::Running),
            Status::Paused => ("‖", "paused", Role::Paused),
            Status::Finished => ("✓", "finished", Role::Finished),
            Status::Failed => ("✗", "failed", Role::Failed),
            Status::Stopped => ("■", "stopped", Role::Stopped),
            Status::Lost => ("?", "lost", Role::Lost),
        };
        Self { symbol, word, role }
    }
}
