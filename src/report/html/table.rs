//! A table of a report as HTML: the interval below its value, so that wide tables stay narrow; what
//! is the same in all rows said once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::chart;
use super::markup::escape;
use crate::report::sections::{Column, RUN, Section};

/// Longer tables scroll in a box of their own on the screen; on paper they are whole.
const LONG: usize = 24;

/// The markup of a section below its heading.
pub(super) fn table(section: &Section, with_chart: bool) -> String {
    let mut out = String::new();
    if let Some(before) = &section.before {
        let _ = writeln!(out, "<p>{}</p>", escape(before));
    }
    out.extend(section.chart.as_ref().filter(|_| with_chart).map(chart::svg));
    match section.rows.as_slice() {
        _ if section.columns.is_empty() => {}
        // One row: facts, not a table.
        [row] if section.heading.is_none() => facts(&mut out, &section.columns, row),
        rows => grid(&mut out, section, rows),
    }
    if !section.lines.is_empty() {
        let class = if section.columns.is_empty() && section.source == "spec.toml" {
            " class=\"settings\""
        } else {
            ""
        };
        let _ = write!(out, "<div class=\"scroll\" tabindex=\"0\">\n<pre{class}>");
        for line in &section.lines {
            let _ = writeln!(out, "{}", escape(line));
        }
        out += "</pre>\n</div>\n";
    }
    if let Some(after) = &section.after {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(after));
    }
    for command in &section.commands {
        let _ = writeln!(out, "<p class=\"command\"><code>{}</code></p>", escape(command));
    }
    if !section.source.is_empty() {
        let file = if section.file.is_empty() {
            String::new()
        } else {
            format!(" · {}", escape(section.file))
        };
        let _ = writeln!(out, "<p class=\"source\">{}{file}</p>", escape(section.source));
    }
    out
}

fn facts(out: &mut String, columns: &[Column], row: &[String]) {
    *out += "<dl class=\"facts\">\n";
    for (column, text) in columns.iter().zip(row) {
        let (name, text) = (escape(&column.name), escape(text));
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{text}</dd></div>");
    }
    *out += "</dl>\n";
}

/// The network, where all rows are of one: the table above all has it.
fn is_said_already(section: &Section, at: usize) -> bool {
    let is_network = section.columns[at].name == "network";
    let mut cells = section.rows.iter().filter_map(|row| row.get(at));
    let first = cells.next();
    is_network && section.rows.len() > 1 && cells.all(|cell| Some(cell) == first)
}

fn grid(out: &mut String, section: &Section, rows: &[Vec<String>]) {
    let shown: Vec<usize> = (0..section.columns.len())
        .filter(|at| section.heading.is_none() || !is_said_already(section, *at))
        .collect();
    let long = if rows.len() > LONG { " long" } else { "" };
    // What is scrolled must be reachable without a pointer.
    let _ = writeln!(out, "<div class=\"scroll{long}\" tabindex=\"0\">");
    *out += "<table>\n<thead><tr>";
    for at in &shown {
        let column = &section.columns[*at];
        let class = class(section, *at);
        let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escape(&column.name));
    }
    *out += "</tr></thead>\n<tbody>\n";
    let mut above: Option<&String> = None;
    let firsts: BTreeSet<Option<&String>> = rows.iter().map(|row| row.first()).collect();
    let has_several_a_run = firsts.len() < rows.len();
    for row in rows {
        // A thin line between runs.
        let run = section.columns.first().filter(|first| first.name == RUN).and(row.first());
        let begins = has_several_a_run && run.is_some() && above.is_some() && run != above;
        *out += if begins { "<tr class=\"begins\">" } else { "<tr>" };
        above = run;
        for at in &shown {
            let text = row.get(*at).map_or("", String::as_str);
            let _ = write!(
                out,
                "<td{}>{}</td>",
                class(section, *at),
                cell(text, &section.columns[*at])
            );
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n</div>\n";
}

/// How a column's cells are set: words that are long wrap, numbers and short words don't.
fn class(section: &Section, at: usize) -> &'static str {
    /// In characters.
    const SHORT: usize = 18;
    let column = &section.columns[at];
    if column.is_number {
        return " class=\"number\"";
    }
    if at == 0 && column.name == RUN {
        return " class=\"run\"";
    }
    let cells = section.rows.iter().filter_map(|row| row.get(at));
    let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
    if longest > SHORT { " class=\"words\"" } else { "" }
}

/// `54.50 [51.40, 57.56]` with the interval on a line of its own.
fn cell(text: &str, column: &Column) -> String {
    let parts = text.split_once(" [").filter(|_| column.is_number);
    let Some((value, rest)) = parts else { return escape(text) };
    let Some((interval, after)) = rest.split_once(']') else { return escape(text) };
    format!(
        "{}{} <span class=\"interval\">[{}]</span>",
        escape(value),
        escape(after),
        escape(interval)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sections::columns;

    #[test]
    fn an_interval_stands_below_its_value() {
        let number = &columns(&[">x"])[0];
        let shown = cell("1.00 [0.00, 2.00] (white-box)", number);
        assert_eq!(shown, "1.00 (white-box) <span class=\"interval\">[0.00, 2.00]</span>");
        assert_eq!(cell("a [b", number), "a [b");
        assert_eq!(cell("<a> [b]", &columns(&["x"])[0]), "&lt;a&gt; [b]");
    }

    #[test]
    fn a_network_that_is_the_same_in_all_rows_is_left_out() {
        let row = |network: &str| vec!["a".to_owned(), network.to_owned(), "1".to_owned()];
        let mut section = Section {
            heading: Some("x".into()),
            columns: columns(&[RUN, "network", ">n"]),
            rows: vec![row("alexnet"), row("alexnet")],
            ..Section::default()
        };
        assert!(!table(&section, false).contains("network"));
        section.rows.push(row("vgg16"));
        assert!(table(&section, false).contains("<th scope=\"col\">network</th>"));
    }
}
