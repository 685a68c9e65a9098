//! The only way text from files enters the screen: control codes out, measured in cells, cut with
//! an ellipsis.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use crate::error::text::clean;

/// Cells that cleaned text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cleaned, and cut to `cells` with `…` at the end if it is longer.
pub fn fit(text: &str, cells: usize) -> String {
    let text = clean(text);
    if width(&text) <= cells {
        return text.into_owned();
    }
    let mut cut = take_cells(&text, cells.saturating_sub(1)).to_owned();
    if cells > 0 {
        cut.push('…');
    }
    cut
}

/// Cleaned, and cut at the front: the end of a path tells more than its beginning.
pub fn fit_end(text: &str, cells: usize) -> String {
    let text = clean(text);
    if width(&text) <= cells {
        return text.into_owned();
    }
    let mut kept = "";
    for (at, _) in text.grapheme_indices(true).rev() {
        if 1 + width(&text[at..]) > cells {
            break;
        }
        kept = &text[at..];
    }
    if cells > 0 { format!("…{kept}") } else { String::new() }
}

/// Cleaned, cut or padded with blanks to exactly `cells`.
pub fn pad(text: &str, cells: usize) -> String {
    let mut text = fit(text, cells);
    text.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(&text))));
    text
}

/// The same, with the text at the right.
pub fn pad_left(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    let blanks = cells.saturating_sub(width(&text));
    format!("{:blanks$}{text}", "")
}

/// Broken into lines of at most `cells`, at blanks where there are any.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if cells == 0 {
        return lines;
    }
    for paragraph in text.split('\n') {
        let paragraph = clean(paragraph);
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let mut word = word;
            if !line.is_empty() && width(&line) + 1 + width(word) > cells {
                lines.push(std::mem::take(&mut line));
            }
            while width(word) > cells {
                let head = take_cells(word, cells);
                if head.is_empty() {
                    // One character that is wider than a line.
                    lines.push("…".to_owned());
                    word = &word[word.graphemes(true).next().map_or(word.len(), str::len)..];
                    continue;
                }
                lines.push(head.to_owned());
                word = &word[head.len()..];
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The longest beginning of `text` that takes at most `cells`. Measured as a whole each time: some
/// characters are wider side by side than apart.
fn take_cells(text: &str, cells: usize) -> &str {
    for (at, grapheme) in text.grapheme_indices(true) {
        if width(&text[..at + grapheme.len()]) > cells {
            return &text[..at];
        }
    }
    text
}

/// `text` in at most `width` columns, the middle left out: names that begin alike are told apart by
/// their ends.
pub fn fit_ends(text: &str, width: usize) -> String {
    const END: usize = 5;
    let text = &*clean(text);
    if self::width(text) <= width || width < 2 * END {
        return fit(text, width);
    }
    let end: String =
        text.graphemes(true).rev().take(END).collect::<Vec<_>>().into_iter().rev().collect();
    let room = width.saturating_sub(self::width(&end));
    format!("{}{end}", fit(text, room))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cutting_counts_cells_not_characters() {
        assert_eq!(fit("日本語テキスト", 7), "日本語…");
        assert_eq!(fit("日本語テキスト", 6), "日本…");
        assert_eq!(fit_end("/very/long/path/to/weights.pth", 12), "…weights.pth");
        assert_eq!(pad_left("7", 3), "  7");
    }

    proptest! {
        #[test]
        fn nothing_is_ever_wider_than_asked(text in "\\PC*|.*", cells in 0usize..40) {
            prop_assert!(width(&fit(&text, cells)) <= cells);
            prop_assert!(width(&fit_end(&text, cells)) <= cells);
            prop_assert_eq!(width(&pad(&text, cells)), cells);
            for line in wrap(&text, cells.max(2)) {
                prop_assert!(width(&line) <= cells.max(2), "{line:?}");
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn both_ends_of_a_long_name_stay() {
        assert_eq!(fit_ends("fashion-mnist-69d4", 30), "fashion-mnist-69d4");
        let cut = fit_ends("fashion-mnist-69d4", 12);
        assert!(cut.starts_with("fash") && cut.ends_with("-69d4") && width(&cut) <= 12, "{cut}");
        let cut = fit_ends("fashion-mnist\u{1b}[2J-69d4", 12);
        assert!(cut.ends_with("-69d4") && !cut.contains(char::is_control), "{cut:?}");
    }
}
