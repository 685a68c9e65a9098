//! A report as Markdown: what a paper's table needs, doubts below. Figures stand by their names with
//! the commands that make them.

use std::fmt::Write as _;

use super::html::Drawing;
use super::sections::{self, Part, Section};
use super::{Report, findings};
use crate::error::text::clean;

/// The whole report, without figures.
pub fn render(report: &Report) -> String {
    with_figures(report, &[])
}

/// The whole report with the names of these figures.
pub fn with_figures(report: &Report, figures: &[Drawing]) -> String {
    let mut out = format!("# {}\n\n{}\n", cell(&report.title()), cell(&findings::studied(report)));
    if !report.findings.is_empty() {
        out.push('\n');
        for finding in &report.findings {
            let _ = writeln!(out, "- {}", cell(finding));
        }
    }
    doubts(&mut out, report);
    let names = report.names();
    let sections = sections::of(report);
    for part in Part::ALL {
        let of_part: Vec<&Section> =
            sections.iter().filter(|section| section.part == part).collect();
        let drawn: Vec<&Drawing> = figures.iter().filter(|figure| figure.part == part).collect();
        if of_part.is_empty() && drawn.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n## {}", part.title());
        for section in of_part {
            table(&mut out, section);
        }
        if !drawn.is_empty() {
            out += "\nFigures:\n\n";
            for figure in drawn {
                let heading = figure.named(&names).heading();
                let _ = writeln!(out, "- {}: `{}`", cell(&heading), code(&figure.command));
            }
        }
        if part == Part::Appendix && !report.notes.is_empty() {
            out += "\n### Notes\n\n";
            for note in &report.notes {
                let _ = writeln!(out, "- {}", cell(note));
            }
        }
    }
    out
}

fn doubts(out: &mut String, report: &Report) {
    if report.warnings.is_empty() {
        return;
    }
    let names = report.names();
    *out += "\n## Doubts\n\n";
    for doubt in &report.warnings {
        let _ = writeln!(
            out,
            "- **{}, {}**: {}. Try: {}.",
            cell(names.of(&doubt.run)),
            cell(&doubt.about),
            cell(&doubt.message),
            cell(&doubt.remedy)
        );
    }
}

fn table(out: &mut String, section: &Section) {
    if let Some(heading) = section.full_heading() {
        let _ = writeln!(out, "\n### {}", cell(&heading));
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
    if !section.commands.is_empty() {
        out.push('\n');
        for command in &section.commands {
            let _ = writeln!(out, "    {}", clean(command));
        }
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

/// Text that a cell holds as it is: names from files make no link, picture, emphasis or code.
/// Brackets alone are text, as those of intervals.
fn cell(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        match c {
            '\\' | '|' | '`' | '*' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '&' if next.is_alphanumeric() || next == '#' => out.push_str("&amp;"),
            '!' if next == '[' => out.push_str("\\!"),
            ']' if matches!(next, '(' | '[' | ':') => out.push_str("\\]"),
            // Within a word it is a letter, as in the keys of settings.
            '_' if !(before.is_alphanumeric() && next.is_alphanumeric()) => out.push_str("\\_"),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Text between single back quotes, which cannot hold one.
fn code(text: &str) -> String {
    clean(text).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_from_files_make_no_link_and_no_picture() {
        assert_eq!(cell("![x](https://host/p.png)"), "\\![x\\](https://host/p.png)");
        assert_eq!(cell("[a](javascript:b) [c][d]"), "[a\\](javascript:b) [c\\][d]");
        assert_eq!(cell("`a` *b* _c_ a|b <i> \\"), "\\`a\\` \\*b\\* \\_c\\_ a\\|b &lt;i> \\\\");
        assert_eq!(cell("batch_size 0.910 [0.890, 0.930]"), "batch_size 0.910 [0.890, 0.930]");
    }

    proptest! {
        #[test]
        fn whatever_a_name_holds_no_mark_is_left_unescaped(
            text in "[a-c(){}\\[\\]!:|`*_<>&~\\\\ ]{0,30}",
        ) {
            let out = cell(&text);
            // What is left of it without the escaped characters.
            let mut plain = String::new();
            let mut chars = out.chars();
            while let Some(c) = chars.next() {
                if c == '\\' {
                    prop_assert!(chars.next().is_some_and(|c| c.is_ascii_punctuation()));
                    plain.push('·');
                } else {
                    plain.push(c);
                }
            }
            for mark in ["](", "][", "]:", "![", "`", "*", "|", "<", "~"] {
                prop_assert!(!plain.contains(mark), "{mark} in {out}");
            }
        }
    }
}
