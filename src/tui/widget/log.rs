//! The log pane: newest at the bottom, times muted, errors coloured, long lines wrapped under
//! themselves.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthChar;

use crate::tui::theme::{Role, Theme};

/// Lines of `log.txt` as the worker wrote them: `14:22:07  epoch 2: …`.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// Oldest first.
    pub lines: &'a [String],
    /// How many lines back from the newest the pane ends.
    pub back: usize,
    /// What is said while there is nothing.
    pub empty: &'a str,
    /// Colours.
    pub theme: &'a Theme,
}

impl Log<'_> {
    /// Fills `area` from the bottom up.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        if self.lines.is_empty() {
            let room = usize::from(area.width);
            buffer.set_stringn(area.x, area.y, self.empty, room, self.theme.style(Role::Muted));
            return;
        }
        let shown = self.lines.len().saturating_sub(self.back).max(1);
        let mut rows: Vec<Row<'_>> = Vec::new();
        for line in self.lines[..shown].iter().rev() {
            let mut wrapped = wrap(line, usize::from(area.width));
            wrapped.reverse();
            rows.append(&mut wrapped);
            if rows.len() >= usize::from(area.height) {
                break;
            }
        }
        rows.truncate(usize::from(area.height));
        for (y, row) in rows.iter().rev().enumerate() {
            let y = area.y + y as u16;
            let room = usize::from(area.width);
            let muted = self.theme.style(Role::Muted);
            let (x, _) = buffer.set_stringn(area.x, y, row.time, room, muted);
            let x = x.max(area.x + row.indent as u16).min(area.right());
            let room = usize::from(area.right() - x);
            buffer.set_stringn(x, y, row.text, room, self.theme.style(row.role));
        }
    }
}

struct Row<'a> {
    time: &'a str,
    text: &'a str,
    indent: usize,
    role: Role,
}

/// Time of day and what follows it.
fn split_time(line: &str) -> (&str, &str) {
    let is_time = |text: &str| {
        let bytes = text.as_bytes();
        bytes.len() == 8
            && bytes.iter().enumerate().all(|(i, b)| match i {
                2 | 5 => *b == b':',
                _ => b.is_ascii_digit(),
            })
    };
    match line.split_once(' ') {
        Some((time, rest)) if is_time(time) => (time, rest.trim_start()),
        _ => ("", line),
    }
}

fn role_of(text: &str) -> Role {
    let starts = |words: &[&str]| {
        words.iter().any(|word| {
            text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        })
    };
    if starts(&["error", "failed", "panic"]) {
        Role::Error
    } else if starts(&["warning", "hint"]) {
        Role::Warning
    } else {
        Role::Text
    }
}

fn wrap(line: &str, width: usize) -> Vec<Row<'_>> {
    let (time, mut text) = split_time(line);
    let indent = if time.is_empty() { 0 } else { time.len() + 2 };
    let role = role_of(text);
    let room = width.saturating_sub(indent).max(1);
    let mut rows = Vec::new();
    loop {
        let (head, rest) = break_at(text, room);
        rows.push(Row { time: if rows.is_empty() { time } else { "" }, text: head, indent, role });
        text = rest;
        if text.is_empty() {
            return rows;
        }
    }
}

/// The longest start of `text` that fits, broken at a blank where there is one.
fn break_at(text: &str, room: usize) -> (&str, &str) {
    let (mut used, mut blank) = (0, None);
    for (at, char) in text.char_indices() {
        used += char.width().unwrap_or(0);
        if used > room {
            let end = blank.unwrap_or(at).max(text.chars().next().map_or(0, char::len_utf8));
            return (text[..end].trim_end(), text[end..].trim_start());
        }
        if char == ' ' && at > 0 {
            blank = Some(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(lines: &[&str], back: usize, width: u16, height: u16) -> Vec<String> {
        let theme = Theme::default();
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        Log { lines: &lines, back, empty: "nothing yet", theme: &theme }.draw(area, &mut buffer);
        (0..height)
            .map(|y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>())
            .map(|row| row.trim_end().to_owned())
            .collect()
    }

    const LINES: [&str; 3] = [
        "14:22:06  started on cpu",
        "14:22:07  epoch 1: clean 0.5312, fgsm 0.2841",
        "14:22:09  error: disk full",
    ];

    #[test]
    fn the_newest_line_is_at_the_bottom_and_long_ones_wrap_under_themselves() {
        let expected = [
            "14:22:06  started on cpu",
            "14:22:07  epoch 1: clean",
            "          0.5312, fgsm 0.2841",
            "14:22:09  error: disk full",
        ];
        assert_eq!(drawn(&LINES, 0, 30, 4), expected);
        assert_eq!(drawn(&LINES, 0, 30, 2), expected[2..]);
        assert_eq!(drawn(&LINES, 1, 30, 1), expected[2..3]);
        assert_eq!(drawn(&[], 0, 30, 1), ["nothing yet"]);
    }

    #[test]
    fn errors_and_warnings_stand_out() {
        assert_eq!(role_of("error: no space left"), Role::Error);
        assert_eq!(role_of("Warning: 3 damaged files"), Role::Warning);
        assert_eq!(role_of("terror in the dataset"), Role::Text);
    }

    proptest! {
        #[test]
        fn any_text_at_any_size_keeps_every_word(text in "[a-zé漢 ]{0,80}", width in 1_u16..40) {
            let rows = wrap(&text, usize::from(width));
            let joined: String = rows.iter().map(|row| row.text).collect::<String>();
            let without = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without(&joined), without(&text));
            drawn(&[&text], 0, width, 5);
        }
    }
}
