//! A report as one HTML page that stands alone: a summary, tables, doubts, drawn figures, the neurons
//! with their pictures inside, and an appendix. No scripts, nothing from elsewhere; light or dark as
//! the reader has it; fit for a phone and for paper.

mod chart;
mod drawing;
mod markup;
mod neurons;
mod picture;
mod table;

use std::fmt::Write as _;

use super::figure::{Gallery, Panel};
use super::sections::{self, Part, Section};
use super::{Report, findings};
use markup::escape;

pub use drawing::Drawing;

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
    /// Drawn figures, each in the part that its numbers belong to.
    pub drawings: &'a [Drawing],
}

/// A part of the page, with an entry in the list of contents.
struct Chapter {
    id: String,
    title: String,
    /// How many sections are in it.
    sections: usize,
    /// What is in it, for the list of contents.
    entries: Vec<(String, String)>,
    /// Markup.
    body: String,
}

impl Chapter {
    /// `entry` stands in the list of contents: of tables that differ in their run alone, once.
    fn add(&mut self, title: &str, entry: &str, body: &str) {
        self.sections += 1;
        let id = format!("{}-{}", self.id, self.sections);
        let _ = write!(
            self.body,
            "<section id=\"{id}\">\n<h3>{}</h3>\n{body}</section>\n",
            escape(title)
        );
        if !self.entries.iter().any(|(_, known)| known == entry) {
            self.entries.push((id, entry.to_owned()));
        }
    }
}

/// The page, and how many of its pictures could not be read.
pub fn render(page: &Page<'_>) -> (String, usize) {
    let mut unread = 0;
    let several = page.report.runs.len() > 1;
    let names = page.report.names();
    let sections = sections::of(page.report);
    let mut chapters: Vec<Chapter> = vec![summary(page.report, &sections)];
    chapters.extend(doubts(page.report));
    for part in Part::ALL {
        let title = part.title().to_owned();
        let mut chapter = Chapter {
            id: format!("part-{}", part as usize),
            title,
            sections: 0,
            entries: Vec::new(),
            body: String::new(),
        };
        let drawn: Vec<&Drawing> =
            page.drawings.iter().filter(|drawing| drawing.part == part).collect();
        let of_part = sections.iter().filter(|section| section.part == part);
        // The summary has the runs.
        for section in of_part.filter(|section| section.heading.is_some()) {
            let section = section.clone();
            let section = if several { section } else { section.of_the_only_run() };
            let heading = section.full_heading().unwrap_or_default();
            let entry = section.heading.clone().unwrap_or_default();
            chapter.add(&heading, &entry, &table::table(&section, drawn.is_empty()));
        }
        if !drawn.is_empty() {
            chapter.body += "<div class=\"figures\">\n";
            chapter
                .body
                .extend(drawn.iter().map(|drawing| drawing::figure(&drawing.named(&names))));
            chapter.body += "</div>\n";
        }
        if part == Part::Neurons {
            unread += neurons(page, &mut chapter);
        }
        if part == Part::Appendix {
            notes(page.report, &mut chapter);
        }
        if !chapter.body.is_empty() {
            chapters.push(chapter);
        }
    }
    (whole(&page.report.title(), &chapters), unread)
}

fn neurons(page: &Page<'_>, chapter: &mut Chapter) -> usize {
    let names = page.report.names();
    let several = page.report.runs.len() > 1;
    let mut unread = 0;
    for gallery in page.galleries {
        let (body, missing) = neurons::gallery(gallery, page.command);
        unread += missing;
        let run = if several { format!(", {}", names.of(&gallery.run)) } else { String::new() };
        let entry = format!("Neurons of {}", gallery.layer);
        chapter.add(&format!("{entry}{run}"), &entry, &body);
    }
    unread
}

/// What was studied and found, and the runs.
fn summary(report: &Report, sections: &[Section]) -> Chapter {
    let mut body = format!("<p class=\"lead\">{}</p>\n", escape(&findings::studied(report)));
    if !report.findings.is_empty() {
        body += "<ul class=\"findings\">\n";
        for finding in &report.findings {
            let _ = writeln!(body, "<li>{}</li>", escape(finding).replace(" %", "&nbsp;%"));
        }
        body += "</ul>\n<p class=\"note\">A difference is claimed where the 95 % intervals do not \
                 overlap. The numbers are in the tables below.</p>\n";
    }
    let runs = sections.iter().filter(|section| section.heading.is_none());
    runs.for_each(|section| body += &table::table(section, false));
    Chapter {
        id: "summary".into(),
        title: "Summary".into(),
        sections: 0,
        entries: Vec::new(),
        body,
    }
}

fn whole(title: &str, chapters: &[Chapter]) -> String {
    let title = escape(title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"glassbox {version}\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n</header>\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    let mut chapters = chapters.iter().enumerate();
    // What a reader should see before the list of contents.
    if let Some((_, Chapter { id, title, body, .. })) = chapters.next() {
        let _ = write!(
            out,
            "<section id=\"{id}\" class=\"chapter\">\n<h2>{}</h2>\n{body}</section>\n",
            escape(title)
        );
    }
    out += "<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ol>\n";
    for (_, Chapter { id, title, entries, .. }) in chapters.clone() {
        let _ = write!(out, "<li><a href=\"#{id}\">{}</a>", escape(title));
        if !entries.is_empty() {
            out += "\n<ul>\n";
            for (id, title) in entries {
                let (id, title) = (escape(id), escape(title));
                let _ = writeln!(out, "<li><a href=\"#{id}\">{title}</a></li>");
            }
            out += "</ul>\n";
        }
        out += "</li>\n";
    }
    out += "</ol>\n</nav>\n<main>\n";
    for (number, Chapter { id, title, body, .. }) in chapters {
        let _ = write!(
            out,
            "<section id=\"{id}\" class=\"chapter\">\n<h2><span class=\"count\">{number}</span> \
             {}</h2>\n{body}</section>\n",
            escape(title)
        );
    }
    let _ = write!(
        out,
        "</main>\n<footer><p>Written by glassbox {}.</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn doubts(report: &Report) -> Option<Chapter> {
    if report.warnings.is_empty() {
        return None;
    }
    let names = report.names();
    let mut body = String::from("<ul class=\"doubts\">\n");
    for doubt in &report.warnings {
        let _ = writeln!(
            body,
            "<li><strong>{}, {}</strong>: {}. Try: {}.</li>",
            escape(names.of(&doubt.run)),
            escape(&doubt.about),
            escape(&doubt.message),
            escape(&doubt.remedy)
        );
    }
    body += "</ul>\n";
    Some(Chapter {
        id: "doubts".into(),
        title: "Doubts".into(),
        sections: 0,
        entries: Vec::new(),
        body,
    })
}

fn notes(report: &Report, chapter: &mut Chapter) {
    if report.notes.is_empty() {
        return;
    }
    let mut body = String::from("<ul>\n");
    for note in &report.notes {
        let _ = writeln!(body, "<li>{}</li>", escape(note));
    }
    body += "</ul>\n";
    chapter.add("Notes", "Notes", &body);
}

#[cfg(test)]
mod tests;
