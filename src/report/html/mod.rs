//! A report as one HTML page that stands alone: tables, doubts, and the neurons' figures with their
//! pictures inside. No scripts, nothing from elsewhere; light or dark as the reader has it; fit for a
//! phone and for paper. A new part of a report is one more `Part`.

mod chart;
mod markup;
mod neurons;
mod picture;

use std::fmt::Write as _;

use super::Report;
use super::figure::{Gallery, Panel};
use super::sections::{self, Column, RUN, Section};
use crate::run::folder::short_name;
use markup::escape;

const STYLE: &str = include_str!("style.css");

// Belt and braces: were text ever taken for markup, it could load and run nothing.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// What stands on the page.
pub struct Page<'a> {
    /// The tables.
    pub report: &'a Report,
    /// The neurons, run by run and layer by layer.
    pub galleries: &'a [Gallery],
    /// The command that makes a neuron's figure.
    pub command: &'a dyn Fn(&Panel) -> String,
}

/// A part of the page, with an entry in the list of contents.
struct Part {
    id: String,
    title: String,
    /// Markup.
    body: String,
}

/// How a column's cells are set: a run's name is long, says the same in many rows, and must not push
/// the numbers off the page.
fn class(column: &Column) -> &'static str {
    match column {
        Column { is_number: true, .. } => " class=\"number\"",
        Column { name, .. } if name == RUN => " class=\"run\"",
        Column { .. } => "",
    }
}

/// The page, and how many of its pictures could not be read.
pub fn render(page: &Page<'_>) -> (String, usize) {
    let mut parts: Vec<Part> = Vec::new();
    let several = page.report.runs.len() > 1;
    for section in sections::of(page.report) {
        let section = if several { section } else { section.of_the_only_run() };
        let id = format!("table-{}", parts.len());
        let title = section.full_heading().unwrap_or_else(|| "What was run".into());
        parts.push(Part { id, title, body: table(&section) });
    }
    parts.extend(doubts(page.report));
    parts.extend(notes(page.report));
    let mut unread = 0;
    for (index, gallery) in page.galleries.iter().enumerate() {
        let (body, missing) = neurons::gallery(gallery, page.command);
        unread += missing;
        let run = if several { format!(", {}", gallery.run) } else { String::new() };
        let title = format!("Neurons of {}{run}", gallery.layer);
        parts.push(Part { id: format!("neurons-{index}"), title, body });
    }
    (whole(&title(page.report), &parts), unread)
}

fn title(report: &Report) -> String {
    match report.runs.as_slice() {
        [run] => run.title.clone(),
        runs => format!("{} runs", runs.len()),
    }
}

fn whole(title: &str, parts: &[Part]) -> String {
    let title = escape(title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"glassbox {version}\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<nav aria-label=\"Contents\">\n<ul>\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    for Part { id, title, .. } in parts {
        let _ = writeln!(out, "<li><a href=\"#{id}\">{}</a></li>", escape(title));
    }
    out += "</ul>\n</nav>\n</header>\n<main>\n";
    for Part { id, title, body } in parts {
        let _ =
            write!(out, "<section id=\"{id}\">\n<h2>{}</h2>\n{body}</section>\n", escape(title));
    }
    let _ = write!(
        out,
        "</main>\n<footer><p>Written by glassbox {}.</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn table(section: &Section) -> String {
    let mut out = String::new();
    if let Some(before) = &section.before {
        let _ = writeln!(out, "<p>{}</p>", escape(before));
    }
    out.extend(section.chart.as_ref().map(chart::svg));
    match section.rows.as_slice() {
        _ if section.columns.is_empty() => {}
        // One run: its facts, not a table of one row.
        [row] if section.heading.is_none() => {
            out += "<dl class=\"facts\">\n";
            for (column, text) in section.columns.iter().zip(row) {
                let (name, text) = (escape(&column.name), escape(text));
                let _ = writeln!(out, "<div><dt>{name}</dt><dd>{text}</dd></div>");
            }
            out += "</dl>\n";
        }
        rows => {
            // What is scrolled must be reachable without a pointer.
            out += "<div class=\"scroll\" tabindex=\"0\">\n";
            // Paths and titles are long; numbers and names of attacks stay on one line.
            out += if section.heading.is_none() { "<table class=\"wraps\">" } else { "<table>" };
            out += "\n<thead><tr>";
            for column in &section.columns {
                let class = class(column);
                let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escape(&column.name));
            }
            out += "</tr></thead>\n<tbody>\n";
            for row in rows {
                out += "<tr>";
                for (column, text) in section.columns.iter().zip(row) {
                    let class = class(column);
                    // The first table of all has the whole ids.
                    let is_short = column.name == RUN && section.heading.is_some();
                    let text = if is_short { short_name(text) } else { text };
                    let _ = write!(out, "<td{class}>{}</td>", escape(text));
                }
                out += "</tr>\n";
            }
            out += "</tbody>\n</table>\n</div>\n";
        }
    }
    if !section.lines.is_empty() {
        out += "<div class=\"scroll\" tabindex=\"0\">\n<pre>";
        for line in &section.lines {
            let _ = writeln!(out, "{}", escape(line));
        }
        out += "</pre>\n</div>\n";
    }
    if let Some(after) = &section.after {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(after));
    }
    out
}

fn doubts(report: &Report) -> Option<Part> {
    if report.warnings.is_empty() {
        return None;
    }
    let mut body = String::from("<ul class=\"doubts\">\n");
    for doubt in &report.warnings {
        let _ = writeln!(
            body,
            "<li><strong>{}, {}</strong>: {}. Try: {}.</li>",
            escape(&doubt.run),
            escape(&doubt.about),
            escape(&doubt.message),
            escape(&doubt.remedy)
        );
    }
    body += "</ul>\n";
    Some(Part { id: "doubts".into(), title: "Doubts".into(), body })
}

fn notes(report: &Report) -> Option<Part> {
    if report.notes.is_empty() {
        return None;
    }
    let mut body = String::from("<ul>\n");
    for note in &report.notes {
        let _ = writeln!(body, "<li>{}</li>", escape(note));
    }
    body += "</ul>\n";
    Some(Part { id: "notes".into(), title: "Notes".into(), body })
}

#[cfg(test)]
mod tests;
