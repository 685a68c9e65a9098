//! Results to standard output, talk to standard error. Unlike `println!`, a reader that has gone
//! (`… | head`) is no panic and no error.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use crate::error::{Error, Result};
use crate::tui::text;

/// Writes `text` whole.
pub fn text(text: &str) -> Result<()> {
    has_reader(text).map(|_| ())
}

/// Writes `text` whole; `false` = nobody reads any more, so that a command that goes on printing
/// can end.
pub fn has_reader(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::failed(format!("failed to write to standard output: {error}"))),
    }
}

/// Writes one JSON value.
pub fn json(value: &impl Serialize) -> Result<()> {
    let mut json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    json.push('\n');
    text(&escaped(&json))
}

/// JSON without control codes: those from U+007F on it need not escape, and some terminals obey them.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}') {
            // Only inside texts, where this means the same.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes lines to standard error. Control codes of the files they may quote are left out; nobody
/// to listen is no error.
pub fn talk(lines: &str) {
    let mut clean = String::new();
    for line in lines.lines() {
        clean += &text::clean(line);
        clean.push('\n');
    }
    let _ = io::stderr().lock().write_all(clean.as_bytes());
}

/// Rows under headings, aligned; columns whose heading starts with `>` at the right.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines: Vec<Vec<String>> =
        vec![headings.iter().map(|heading| heading.trim_start_matches('>').into()).collect()];
    lines.extend(rows.iter().cloned());
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| text::width(&text::clean(cell))).max().unwrap_or(0)
        })
        .collect();
    let mut table = String::new();
    for line in &lines {
        let mut shown = String::new();
        for ((cell, width), heading) in line.iter().zip(&widths).zip(headings) {
            let right = heading.starts_with('>');
            shown += &if right { text::pad_left(cell, *width) } else { text::pad(cell, *width) };
            shown += "  ";
        }
        table += shown.trim_end();
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{escaped, table};

    #[test]
    fn json_holds_no_control_codes_and_means_the_same() {
        let value = serde_json::json!({ "title": "a\u{9b}2J\u{7f}é\u{1b}" });
        let json = escaped(&value.to_string());
        assert_eq!(json, r#"{"title":"a\u009b2J\u007fé\u001b"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }

    #[test]
    fn tables_are_aligned_by_cells_and_hold_no_control_codes() {
        let rows = [vec!["日本".into(), "7".into()], vec!["\u{1b}[31ma".into(), "1,204".into()]];
        assert_eq!(table(&["NAME", ">N"], &rows), "NAME       N\n日本       7\n[31ma  1,204\n");
    }
}
