//! Text from outside, made fit for a terminal: no control code of a file's, a name's or a library's
//! ever reaches one. Where it is shown, such codes are dropped; in a message, where somebody looks
//! for the mistake, they are written out.

use std::borrow::Cow;
use std::path::Path;

/// Longest part of a foreign text in a message.
const LONGEST: usize = 200;

/// `text` without anything a terminal could take for a command: control codes (C0, C1, DEL) and
/// the invisible characters that reverse or hide text. Tabs and line ends become blanks.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .filter_map(|c| match c {
                '\t' | '\n' => Some(' '),
                c if is_unsafe(c) => None,
                c => Some(c),
            })
            .collect(),
    )
}

/// `text` with the same characters written out: `\n`, `\u{1b}`.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The same, cut with `…` where it is too long for a message.
pub fn printable(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => escaped(text),
        Some((at, _)) => escaped(&text[..at]) + "…",
    }
}

/// A path for a message: in single quotes, control characters written out, bytes that are not
/// UTF-8 as `\xNN`.
pub fn shown(path: &Path) -> String {
    let mut out = String::from("'");
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(&escaped(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str("\\x");
            out.extend(
                [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16).unwrap_or('?')),
            );
        }
    }
    out.push('\'');
    out
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_survive() {
        assert_eq!(clean("\x1b[31mred\x1b]0;title\x07\u{9b}2J\u{202e}x"), "[31mred]0;title2Jx");
        assert_eq!(clean("a\tb\nc"), "a b c");
    }

    #[test]
    fn control_codes_and_direction_marks_are_written_out() {
        assert_eq!(escaped("a\x1b[2Jb\n\u{202e}é"), "a\\u{1b}[2Jb\\n\\u{202e}é");
        assert_eq!(shown(Path::new("/data/a\x07b")), "'/data/a\\u{7}b'");
    }

    #[test]
    fn a_message_holds_no_book() {
        assert_eq!(printable(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(printable(&"é".repeat(LONGEST + 1)), "é".repeat(LONGEST) + "…");
    }
}
