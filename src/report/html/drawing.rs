//! A drawn figure on the page: the drawing itself, what it shows, and the command that makes it.

use std::fmt::Write as _;

use super::markup::escape;
use crate::report::names::Names;
use crate::report::sections::Part;

/// A figure as the page and the Markdown have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing {
    /// Unique in the report: `figure-2-conv5`.
    pub name: String,
    /// As the paper counts it: `Figure 2`.
    pub number: Option<String>,
    /// For people.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// The command that makes it.
    pub command: String,
    /// Where it stands in the report.
    pub part: Part,
    /// The files in the run folder that its numbers are in.
    pub source: String,
    /// The drawing, in the page's colours; it is put into the page as it is.
    pub svg: String,
    /// Why there is none.
    pub problem: Option<String>,
}

impl Drawing {
    /// `Figure 2: what neurons of conv5 like`
    pub(in crate::report) fn heading(&self) -> String {
        match &self.number {
            Some(number) => format!("{number}: {}", self.title),
            None => self.title.clone(),
        }
    }

    /// The same with the names of the report for its runs.
    pub(in crate::report) fn named(&self, names: &Names) -> Self {
        Self {
            title: names.in_figure(&self.title, false),
            caption: names.in_figure(&self.caption, false),
            svg: names.in_figure(&self.svg, true),
            ..self.clone()
        }
    }
}

pub(super) fn figure(drawing: &Drawing) -> String {
    let mut out = format!(
        "<figure class=\"drawn\" id=\"figure-{}\">\n<div class=\"scroll drawing\" tabindex=\"0\">{}</div>\n\
         <figcaption>\n<h3>{}</h3>\n",
        escape(&drawing.name),
        drawing.svg,
        escape(&drawing.heading()),
    );
    if let Some(problem) = &drawing.problem {
        let _ = writeln!(out, "<p class=\"note\">Not drawn: {}</p>", escape(problem));
    }
    if !drawing.caption.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape(&drawing.caption));
    }
    let _ = write!(
        out,
        "</figcaption>\n<p class=\"source\">{}</p>\n<p class=\"command\"><code>{}</code></p>\n\
         </figure>\n",
        escape(&drawing.source),
        escape(&drawing.command)
    );
    out
}
