//! A report as Markdown: what a paper's table needs, doubts below.

use std::fmt::Write as _;

use super::Report;
use super::sections::{self, Section};
use crate::error::text::clean;

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut out = String::from("# Results\n");
    for section in sections::of(report) {
        table(&mut out, &section);
    }
    if !report.warnings.is_empty() {
        out += "\n## Doubts\n\n";
        for doubt in &report.warnings {
            let _ = writeln!(
                out,
                "- **{}, {}**: {}. Try: {}.",
                cell(&doubt.run),
                cell(&doubt.about),
                cell(&doubt.message),
                cell(&doubt.remedy)
            );
        }
    }
    if !report.notes.is_empty() {
        out += "\n## Notes\n\n";
        for note in &report.notes {
            let _ = writeln!(out, "- {}", cell(note));
        }
    }
    out
}

fn table(out: &mut String, section: &Section) {
    if let Some(heading) = section.full_heading() {
        let _ = writeln!(out, "\n## {}", cell(&heading));
    }
    if let Some(before) = &section.before {
        let _ = writeln!(out, "\n{}", cell(before));
    }
    if !section.columns.is_empty() {
        rows(out, section);
    }
    if !section.lines.is_empty() {
        out.push('\n');
        // A block by its indent: nothing in a line can end it.
        for line in &section.lines {
            let line = clean(line);
            out.push_str(if line.is_empty() { "" } else { "    " });
            let _ = writeln!(out, "{line}");
        }
    }
    if let Some(after) = &section.after {
        let _ = writeln!(out, "\n{}", cell(after));
    }
}

fn rows(out: &mut String, section: &Section) {
    let names: Vec<String> = section.columns.iter().map(|column| cell(&column.name)).collect();
    let _ = writeln!(out, "\n| {} |", names.join(" | "));
    let rules: Vec<&str> = section
        .columns
        .iter()
        .map(|column| if column.is_number { "---:" } else { "---" })
        .collect();
    let _ = writeln!(out, "| {} |", rules.join(" | "));
    for row in &section.rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// Text that a cell holds as it is.
fn cell(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
