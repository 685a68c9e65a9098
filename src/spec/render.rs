//! [`Spec`] → TOML with every key, in the order of `help.rs`; with or without a comment on each.

use std::fmt::Write as _;

use super::Spec;
use super::help;

/// Whether the text explains itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// Nothing but keys.
    Off,
    /// What each key means, above it; and a line for each key that is not written.
    On,
}

/// The spec as TOML. Reads back as the same spec.
pub fn to_toml(spec: &Spec, comments: Comments) -> String {
    let values = toml::Table::try_from(spec).unwrap_or_default();
    let mut text = String::new();
    section(&mut text, "", &values, comments);
    for (path, doc) in help::SECTIONS {
        let mut names = path.split('.');
        let root = names.next().and_then(|name| values.get(name));
        let table = names.fold(root, |table, name| table.and_then(|table| table.get(name)));
        if let Some(table) = table.and_then(toml::Value::as_table) {
            let _ = match comments {
                Comments::On => write!(text, "\n# {doc}\n[{path}]\n"),
                Comments::Off => write!(text, "\n[{path}]\n"),
            };
            section(&mut text, path, table, comments);
        }
    }
    text
}

fn section(text: &mut String, path: &str, table: &toml::Table, comments: Comments) {
    let keys = help::KEYS.iter().filter_map(|key| {
        let (section, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        (section == path).then_some((key, name))
    });
    for (key, name) in keys {
        match (table.get(name), comments) {
            (Some(value), _) => {
                let line = format!("{name} = {}", inline(key.path, value));
                let _ = match comments {
                    Comments::On if line.contains('\n') => writeln!(text, "# {}:\n{line}", key.doc),
                    Comments::On => writeln!(text, "{}", with_comment(&line, key.doc)),
                    Comments::Off => writeln!(text, "{line}"),
                };
            }
            (None, Comments::On) => {
                let unset = key.unset.unwrap_or("not written");
                let comment = format!("{}; unset: {unset}", key.doc);
                let _ = writeln!(text, "{}", with_comment(&format!("# {name} ="), &comment));
            }
            (None, Comments::Off) => {}
        }
    }
}

fn with_comment(line: &str, comment: &str) -> String {
    // 34: where the longest ordinary line ends, so that most comments stand in one column.
    format!("{line:<34} # {comment}")
}

/// A value on one line, except lists of tables: one item a line. `path` is its key's.
fn inline(path: &str, value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            let path = format!("{path}[]");
            let lines: Vec<String> =
                items.iter().map(|item| format!("  {},\n", inline(&path, item))).collect();
            format!("[\n{}]", lines.concat())
        }
        toml::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(path, item)).collect();
            format!("[{}]", items.join(", "))
        }
        toml::Value::Table(table) => {
            let names = help::children(path).into_iter();
            let entries: Vec<String> = names
                .filter_map(|name| Some((name, table.get(name)?)))
                .map(|(name, value)| format!("{name} = {}", inline(&help::join(path, name), value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => scalar(other),
    }
}

/// A value that is no list and no table, as people write it: 4.0 as 4, which the parser takes too,
/// and 0.00000001 as 1e-8.
pub fn scalar(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        toml::Value::Float(number) if number.abs() < 1e-3 => format!("{number:e}"),
        toml::Value::String(text) if text.chars().any(char::is_control) => quoted(text),
        other => other.to_string(),
    }
}

/// A text with every control code escaped. TOML need not escape those from U+0080 on, and some
/// terminals obey them.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
