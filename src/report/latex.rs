//! A report's tables for LaTeX: booktabs, each in a file of its own, to be taken with `\input`. Needs
//! no package but booktabs, and compiles with pdflatex as with the others.

use std::fmt::Write as _;

use super::Report;
use super::sections::{self, Section};
use crate::error::text::clean;

/// The tables that papers print, by the CSV file that has the same numbers.
const TABLES: [(&str, &str); 9] = [
    ("accuracies.csv", "table-2"),
    ("transfers.csv", "transfer"),
    ("table1.csv", "table-1"),
    ("consistency.csv", "consistency"),
    ("trace.csv", "trace"),
    ("trace-agreement.csv", "trace-checks"),
    ("representation.csv", "representation"),
    ("detector-scores.csv", "detector-thresholds"),
    ("detector.csv", "detector"),
];

/// Each table with the name of its file, and a document that shows them all.
pub fn render(report: &Report) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let several = report.runs.len() > 1;
    for section in sections::of(report) {
        let Some((_, name)) = TABLES.iter().find(|(file, _)| *file == section.file) else {
            continue;
        };
        let section = if several { section } else { section.of_the_only_run() };
        let taken = names.iter().filter(|taken| **taken == *name).count();
        names.push(name);
        let name = if taken == 0 { (*name).to_owned() } else { format!("{name}-{}", taken + 1) };
        files.push((format!("{name}.tex"), table(&section, &name)));
    }
    if !files.is_empty() {
        let all = document(&files);
        files.push(("tables.tex".into(), all));
    }
    files
}

fn document(files: &[(String, String)]) -> String {
    let mut out =
        String::from("\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n");
    for (name, _) in files {
        let _ = writeln!(out, "\\input{{{name}}}");
    }
    out += "\\end{document}\n";
    out
}

fn table(section: &Section, name: &str) -> String {
    let heading = section.full_heading().unwrap_or_default();
    // LaTeX numbers tables itself.
    let caption = match heading.split_once(": ") {
        Some((number, rest)) if number.starts_with("Table ") => capital(rest),
        _ => heading,
    };
    let notes = [section.before.as_ref(), section.after.as_ref()];
    let notes: Vec<&str> = notes.into_iter().flatten().map(String::as_str).collect();
    let align: String =
        section.columns.iter().map(|column| if column.is_number { 'r' } else { 'l' }).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.map(escape).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let mut out = format!(
        "% From {}; written by glassbox {}.\n\\begin{{table}}[htbp]\n\\centering\n\
         \\footnotesize\n\\setlength{{\\tabcolsep}}{{4pt}}\n\\caption{{{}. {}}}\n\
         \\label{{tab:{name}}}\n\\begin{{tabular}}{{@{{}}{align}@{{}}}}\n\\toprule\n",
        section.source,
        env!("CARGO_PKG_VERSION"),
        escape(&caption),
        escape(&notes.join(" ")),
    );
    out += &line(&mut section.columns.iter().map(|column| column.name.as_str()));
    out += "\\midrule\n";
    for row in &section.rows {
        out += &line(&mut row.iter().map(String::as_str));
    }
    out += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `text` as it reads. Brackets and stars are in braces: at the beginning of a row they would belong
/// to the line break before. A character that plain LaTeX does not have stands as its number.
fn escape(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let known = match c {
            '\\' => "\\textbackslash{}",
            '{' => "\\{",
            '}' => "\\}",
            '$' => "\\$",
            '&' => "\\&",
            '#' => "\\#",
            '%' => "\\%",
            '_' => "\\_",
            '^' => "\\textasciicircum{}",
            '~' => "\\textasciitilde{}",
            '<' => "$<$",
            '>' => "$>$",
            '|' => "$|$",
            '`' => "{`}",
            '[' => "{[}",
            ']' => "{]}",
            '*' => "{*}",
            '-' if matches!(before, ' ' | '[' | '(') => "$-$",
            '−' => "$-$",
            'α' => "$\\alpha$",
            'β' => "$\\beta$",
            'ε' => "$\\varepsilon$",
            'λ' => "$\\lambda$",
            'μ' => "$\\mu$",
            'σ' => "$\\sigma$",
            'φ' => "$\\varphi$",
            '×' => "$\\times$",
            '÷' => "$/$",
            '±' => "$\\pm$",
            '·' => "$\\cdot$",
            '→' => "$\\to$",
            '≤' => "$\\le$",
            '≥' => "$\\ge$",
            '‖' => "$\\|$",
            '›' => "$\\rangle$",
            '◆' => "$\\diamond$",
            '–' => "--",
            '—' => "---",
            '…' => "\\ldots{}",
            '“' => "``",
            '"' | '”' => "''",
            '‘' => "`",
            '’' => "'",
            _ => "",
        };
        match c {
            _ if !known.is_empty() => out += known,
            // Latin letters with accents, which LaTeX reads as they are.
            c if c.is_ascii() || matches!(c, 'À'..='ž') => out.push(c),
            c => {
                let _ = write!(out, "U+{:04X}", u32::from(c));
            }
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::concept_tests;

    /// What is left of a text once all that stands for a character is taken out.
    fn raw(text: &str) -> String {
        let known = [
            "\\textbackslash{}",
            "\\textasciicircum{}",
            "\\textasciitilde{}",
            "\\ldots{}",
            "\\{",
            "\\}",
            "\\$",
            "\\&",
            "\\#",
            "\\%",
            "\\_",
            "{[}",
            "{]}",
            "{*}",
            "{`}",
        ];
        let mut rest = text.to_owned();
        for part in known {
            rest = rest.replace(part, "");
        }
        // Mathematics, in pairs of dollars.
        let outside: Vec<&str> = rest.split('$').step_by(2).collect();
        assert_eq!(rest.matches('$').count() % 2, 0, "{text}");
        outside.concat()
    }

    #[test]
    fn what_means_something_to_latex_is_escaped() {
        assert_eq!(escape("50 % of a_b & c#1"), "50 \\% of a\\_b \\& c\\#1");
        assert_eq!(escape("[0.1, −2] ε 4"), "{[}0.1, $-$2{]} $\\varepsilon$ 4");
        assert_eq!(escape("\\input{/etc/passwd}"), "\\textbackslash{}input\\{/etc/passwd\\}");
        assert_eq!(escape("Bär 日 pgd-20 -1.5"), "Bär U+65E5 pgd-20 $-$1.5");
    }

    #[test]
    fn a_report_is_tables_with_captions_labels_and_as_many_cells_as_columns() {
        let root = tempfile::tempdir().unwrap();
        let run = concept_tests::full(root.path());
        let files = render(&Report::of(&[run]).unwrap());
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["table-1.tex", "consistency.tex", "tables.tex"]);
        for (name, text) in &files[..2] {
            assert!(text.contains("\\caption{") && text.contains("\\label{tab:"), "{text}");
            let body = text.split("\\toprule\n").nth(1).unwrap();
            let rows: Vec<&str> = body.lines().filter(|line| line.ends_with("\\\\")).collect();
            let cells = |row: &&str| row.replace("\\&", "").matches('&').count();
            assert!(
                rows.len() > 1 && rows.iter().all(|row| cells(row) == cells(&rows[0])),
                "{name}"
            );
            for row in rows {
                let text = raw(&row.replace("\\\\", "")).replace('&', "");
                assert!(!text.contains(['%', '#', '_', '{', '}', '\\', '^', '~']), "{row}");
            }
        }
        assert!(files[0].1.contains("\\caption{Neurons that detect a concept."));
        assert!(files[2].1.contains("\\input{table-1.tex}"));
    }

    proptest! {
        #[test]
        fn no_special_character_passes(text: String) {
            let rest = raw(&escape(&text));
            prop_assert!(!rest.contains(['%', '#', '_', '{', '}', '\\', '^', '~', '&', '[', '*']), "{rest:?}");
            prop_assert!(rest.chars().all(|c| c.is_ascii() || matches!(c, 'À'..='ž')));
        }
    }
}
