//! The neurons of a layer, a figure each: real pictures above adversarial ones.

use std::fmt::Write as _;

use super::markup::escape;
use super::picture::{self, MOST};
use crate::report::figure::{
    Gallery, Order, Panel, Row, Shown, Side, columns, left_out_note, look_note,
};
use crate::report::region::Look;

/// What is known of the pictures once all are read.
#[derive(Default)]
struct Count {
    unread: usize,
    shrunk: usize,
    first_problem: Option<String>,
}

/// The markup of a gallery, and how many of its pictures could not be read.
pub(super) fn gallery(gallery: &Gallery, command: &dyn Fn(&Panel) -> String) -> (String, usize) {
    let mut count = Count::default();
    let look = gallery.figure.look;
    let figures: String = gallery
        .figure
        .panels
        .iter()
        .map(|panel| figure(panel, look, command, &mut count))
        .collect();
    let mut out = String::new();
    for note in about(gallery, &count) {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&note));
    }
    out += &figures;
    (out, count.unread)
}

/// What a reader should know of the figures.
fn about(gallery: &Gallery, count: &Count) -> Vec<String> {
    let (shown, all) = (gallery.figure.panels.len(), gallery.neurons);
    let silent = match gallery.silent {
        0 => String::new(),
        silent => format!(" No real image excites {silent} of them; those are left out."),
    };
    let order = match gallery.order {
        Order::Disagreement => {
            "by disagreement: the share of the class that most of a neuron's real pictures belong \
             to, less its share among the adversarial ones by their true label"
        }
        Order::Activation => "by the activation of their most exciting picture",
    };
    let mut notes = vec![format!(
        "{shown} of {all} neurons, {order}.{silent} Below each picture: its class, → what the \
         network takes it for where that is another, and the activation."
    )];
    notes.extend(gallery.figure.left_out().map(left_out_note));
    notes.extend(gallery.figure.look.map(|look| look_note(look).to_owned()));
    if count.shrunk > 0 {
        notes.push(format!(
            "Pictures are shown at {MOST} pixels; the command below a figure makes it with all of \
             them."
        ));
    }
    if let Some(problem) = &count.first_problem {
        notes.push(format!(
            "{} of the pictures could not be read; the first: {problem}",
            count.unread
        ));
    }
    notes
}

fn figure(
    panel: &Panel,
    look: Option<Look>,
    command: &dyn Fn(&Panel) -> String,
    count: &mut Count,
) -> String {
    let disagreement =
        panel.disagreement.map(|share| format!(" · disagreement {share:.2}")).unwrap_or_default();
    let mut out = format!(
        "<figure>\n<figcaption>\n<h4>{} <span>neuron {}{disagreement}</span></h4>\n<p>{}</p>\n\
         </figcaption>\n",
        escape(&panel.name),
        panel.neuron,
        escape(&panel.story)
    );
    for row in &panel.rows {
        out += &pictures(row, look, count);
    }
    let _ = write!(
        out,
        "<p class=\"command\"><code>{}</code></p>\n</figure>\n",
        escape(&command(panel))
    );
    out
}

fn pictures(row: &Row, look: Option<Look>, count: &mut Count) -> String {
    let kind = match row.side {
        Side::Real => "real",
        Side::Adversarial => "adversarial",
        Side::Original => "original",
    };
    let cells: Vec<(String, usize)> = row
        .pictures
        .iter()
        .map(|shown| match shown {
            Some(shown) => cell(shown, look, count),
            None => ("<li><div class=\"none\">not kept</div></li>\n".into(), 0),
        })
        .collect();
    let tile = cells.iter().map(|(_, tile)| *tile).max().unwrap_or(0);
    let columns = columns(row.pictures.len()).max(1);
    let mut out = format!(
        "<div class=\"row {kind}\" style=\"--columns:{columns};--tile:{tile}px\">\n<h5>{}</h5>\n\
         <ol>\n",
        row.side.word(),
    );
    out.extend(cells.into_iter().map(|(cell, _)| cell));
    out += "</ol>\n</div>\n";
    out
}

/// A picture with its caption, and how wide it is shown where there is room.
fn cell(shown: &Shown, look: Option<Look>, count: &mut Count) -> (String, usize) {
    let label = escape(&shown.label);
    let answer = shown.answer.as_ref().map(|answer| escape(answer));
    let answer_line = answer
        .as_ref()
        .map(|answer| format!("<span class=\"answer\">→ {answer}</span>"))
        .unwrap_or_default();
    let (picture, tile) = match picture::embedded(shown, look) {
        Ok(embedded) => {
            count.shrunk += usize::from(embedded.is_shrunk);
            let (width, height) = embedded.size;
            let class = if embedded.is_tiny { " class=\"tiny\"" } else { "" };
            let alternative = match &answer {
                Some(answer) => format!("{label}, taken for {answer}"),
                None => label.clone(),
            };
            let image = format!(
                "<img{class} src=\"{}\" width=\"{width}\" height=\"{height}\" alt=\"{alternative}\" \
                 loading=\"lazy\">",
                embedded.address
            );
            (image, embedded.shown_at)
        }
        Err(error) => {
            count.unread += 1;
            count.first_problem.get_or_insert(error.message);
            ("<div class=\"none\">not readable</div>".into(), 0)
        }
    };
    let value = escape(&shown.value());
    let cell = format!(
        "<li>{picture}<span class=\"label\">{label}</span>{answer_line}<span class=\"value\">{value}\
         </span></li>\n"
    );
    (cell, tile)
}
