//! A gauge: label, bar in eighths of a cell, number in fixed digits.
//! `clean top-1        ▕███████████████▌              ▏  0.5312`

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::{Role, Theme};

/// One line. Gauges that stand below each other share `label_width` and `number_width`.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<'a> {
    /// What it measures.
    pub label: &'a str,
    /// 0..1.
    pub value: f64,
    /// The number at its right, unit included; right-aligned.
    pub number: &'a str,
    /// Colour of the bar.
    pub role: Role,
    /// Cells for the label.
    pub label_width: u16,
    /// Cells for the number.
    pub number_width: u16,
    /// No Unicode.
    pub ascii: bool,
    /// Colours.
    pub theme: &'a Theme,
}

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
// Below this a bar says nothing that the number does not.
const LEAST_BAR: u16 = 4;

impl Gauge<'_> {
    /// Draws into the first row of `area`.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let label_width = self.label_width.min(area.width);
        let muted = self.theme.style(Role::Muted);
        buffer.set_stringn(area.x, area.y, self.label, usize::from(label_width), muted);
        let number_at = area.right().saturating_sub(self.number_width).max(area.x + label_width);
        let room = usize::from(area.right() - number_at);
        let number = format!("{:>width$}", self.number, width = usize::from(self.number_width));
        buffer.set_stringn(number_at, area.y, number, room, self.theme.style(Role::Text));
        let from = area.x + label_width + 1;
        let width = number_at.saturating_sub(from + 1);
        if width >= LEAST_BAR + 2 {
            self.draw_bar(Rect::new(from, area.y, width, 1), buffer);
        }
    }

    fn draw_bar(&self, area: Rect, buffer: &mut Buffer) {
        let [left, right, full, rest] =
            if self.ascii { ["[", "]", "#", "-"] } else { ["▕", "▏", "█", " "] };
        let empty = self.theme.style(Role::GaugeEmpty);
        let bar = self.theme.style(self.role);
        let inner = area.width - 2;
        let value = if self.value.is_finite() { self.value.clamp(0.0, 1.0) } else { 0.0 };
        let eighths = (value * f64::from(inner) * 8.0).round() as u16;
        buffer.set_string(area.x, area.y, left, empty);
        buffer.set_string(area.right() - 1, area.y, right, empty);
        for cell in 0..inner {
            let x = area.x + 1 + cell;
            let (symbol, style) = match eighths.saturating_sub(cell * 8) {
                8.. => (full, bar),
                part @ 1.. if !self.ascii => (EIGHTHS[usize::from(part)], bar),
                _ => (rest, empty),
            };
            buffer.set_string(x, area.y, symbol, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(value: f64, width: u16, ascii: bool) -> String {
        let theme = Theme::default();
        let area = Rect::new(0, 0, width, 1);
        let mut buffer = Buffer::empty(area);
        let number = format!("{value:.4}");
        Gauge {
            label: "clean top-1",
            value,
            number: &number,
            role: Role::Real,
            label_width: 12,
            number_width: 8,
            ascii,
            theme: &theme,
        }
        .draw(area, &mut buffer);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn shows_eighths_of_a_cell() {
        assert_eq!(drawn(0.5312, 40, false), "clean top-1  ▕████████▌       ▏   0.5312");
        assert_eq!(drawn(0.0, 40, false), "clean top-1  ▕                ▏   0.0000");
        assert_eq!(drawn(1.0, 40, false), "clean top-1  ▕████████████████▏   1.0000");
        assert_eq!(drawn(0.5312, 40, true), "clean top-1  [########--------]   0.5312");
    }

    #[test]
    fn gives_up_the_bar_before_the_number() {
        assert_eq!(drawn(0.5, 21, false), "clean top-1    0.5000");
        assert_eq!(drawn(f64::NAN, 40, false), "clean top-1  ▕                ▏      NaN");
    }

    proptest! {
        #[test]
        fn no_size_and_no_value_panics(value in any::<f64>(), width in 0_u16..60) {
            drawn(value, width, false);
        }
    }
}
