//! The influential neurons, as bars of prediction difference, with the two checks, what each one
//! means and how usual it is.
//!
//! ```text
//!     #  probability                     concept   iou gradient  mean share
//!   147  ▕████████████████▏       +0.511 dog      0.11     8.31  7.90  43 %
//! ○  23  ▕█████▏                  +0.102 grid     0.04     2.02  1.87  12 %
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::signed;
use super::shown::{Pane, sign};
use super::{Measure, Region, State, empty};
use crate::run::results::trace::{Influence, Prediction};
use crate::tui::action::Place;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::Gauge;
use crate::tui::widget::list::Ground;

/// Cells of the sign of what is off, the index, and a blank.
const INDEX: u16 = 7;
/// Cells of `+0.511` or `−12.34`.
const NUMBER: u16 = 7;
/// Cells below which a bar says nothing, with the number.
const LEAST_BAR: u16 = NUMBER + 8;

/// A column right of the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Concept,
    Iou,
    Gradient,
    Mean,
    Share,
}

/// As they stand.
const COLUMNS: [Column; 5] =
    [Column::Concept, Column::Iou, Column::Gradient, Column::Mean, Column::Share];
/// What is given up first comes last.
const IMPORTANCE: [Column; 5] =
    [Column::Concept, Column::Gradient, Column::Mean, Column::Share, Column::Iou];

impl Column {
    fn width(self) -> u16 {
        match self {
            Self::Concept => 10,
            Self::Iou | Self::Share => 6,
            Self::Gradient => 9,
            Self::Mean => 8,
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Concept => "concept",
            Self::Iou => "iou",
            Self::Gradient => "gradient",
            Self::Mean => "mean",
            Self::Share => "share",
        }
    }

    fn cell(self, pane: &Pane<'_>, kind: &str, neuron: &Influence) -> String {
        let none = || "–".to_owned();
        match self {
            Self::Concept => pane.seen.concept(neuron.index).map_or_else(none, |(name, _)| name),
            Self::Iou => {
                pane.seen.concept(neuron.index).map_or_else(none, |(_, iou)| format!("{iou:.2}"))
            }
            Self::Gradient => logit(neuron.gradient),
            Self::Mean => logit(neuron.mean),
            Self::Share => pane.seen.share(kind, neuron.index).map_or_else(none, number::percent),
        }
    }

    fn is_there(self, pane: &Pane<'_>) -> bool {
        !matches!(self, Self::Concept | Self::Iou) || pane.seen.meanings.dissected.is_some()
    }
}

/// Differences of logits: larger than those of probabilities.
fn logit(value: f64) -> String {
    let way = if value < 0.0 { "−" } else { "+" };
    format!("{way}{:.2}", value.abs())
}

fn value(measure: Measure, neuron: &Influence) -> f64 {
    match measure {
        Measure::Probability => neuron.probability,
        Measure::Logit => neuron.logit,
    }
}

/// The columns for which there is room beside the bars, in their order.
fn columns(pane: &Pane<'_>, width: u16) -> Vec<Column> {
    let mut left = width.saturating_sub(INDEX + LEAST_BAR);
    let mut chosen = Vec::new();
    for column in IMPORTANCE.into_iter().filter(|column| column.is_there(pane)) {
        if column.width() <= left {
            left -= column.width();
            chosen.push(column);
        }
    }
    COLUMNS.into_iter().filter(|column| chosen.contains(column)).collect()
}

pub(super) fn draw(
    state: &State,
    pane: &Pane<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let measure = Measure::of(state, pane.seen.trace);
    let off = pane.off(state);
    let mut title = if pane.has_neighbour && area.width >= 60 {
        Line::from(format!("{} · neurons behind it", text::fit_ends(pane.seen.name(), 24)))
    } else {
        Line::from("neurons behind it")
    };
    if !off.is_empty() {
        title
            .push_span(Span::styled(format!(" · {} off", off.len()), context.style(Role::Warning)));
    }
    let mut inner = context.frame(title, area, buf);
    let Some(prediction) = pane.prediction.filter(|prediction| !prediction.neurons.is_empty())
    else {
        return empty::say("No neuron is behind it.", context, inner, buf);
    };
    let columns = columns(pane, inner.width);
    let texts: u16 = columns.iter().map(|column| column.width()).sum();
    // What finds no column stands in a line of its own below the neuron.
    let all = COLUMNS.into_iter().filter(|column| column.is_there(pane)).count();
    let count = prediction.neurons.len() as u16;
    let below_bar = usize::from(inner.width.saturating_sub(INDEX));
    let told = |neuron| text::wrap(&rest(pane, prediction, neuron, &columns), below_bar);
    let most = prediction.neurons.iter().map(|neuron| told(neuron).len()).max().unwrap_or(0);
    let fits = |lines: &usize| usize::from(inner.height) > *lines * usize::from(count);
    let lines = if columns.len() < all { [1 + most, 2].into_iter().find(fits) } else { None };
    let lines = lines.unwrap_or(1);
    if inner.height >= 4 {
        let bar = inner.width.saturating_sub(INDEX + texts);
        let mut head = text::pad_left("#", usize::from(INDEX - 1));
        head.push(' ');
        head.push_str(&text::pad(measure.word(), bar.into()));
        for column in &columns {
            head.push_str(&cell(*column, column.head()));
        }
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), context.style(Role::Muted));
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rank = pane.neuron().map_or(0, |(at, _)| at);
    let largest = prediction.neurons.iter().map(|neuron| value(measure, neuron).abs());
    let largest = largest.fold(0.0_f64, f64::max);
    let rows = usize::from(inner.height) / lines;
    let first = (rank + 1).saturating_sub(rows.max(1));
    let mut below = inner;
    for (at, neuron) in prediction.neurons.iter().enumerate().skip(first).take(rows) {
        let y = inner.y + ((at - first) * lines) as u16;
        let row = Rect { y, height: 1, ..inner };
        let is_off = off.contains(&neuron.index);
        let bar = Bar { measure, largest, is_off, is_chosen: at == rank && !pane.is_other };
        draw_neuron((pane, prediction, neuron), &bar, &columns, context, row, buf);
        for (line, y) in told(neuron).iter().take(lines - 1).zip(y + 1..inner.bottom()) {
            let style = context.style(Role::Muted);
            buf.set_stringn(row.x + INDEX, y, line, below_bar, style);
        }
        if !pane.is_other {
            let place = Rect { height: lines as u16, ..row }.intersection(inner);
            view.clickable(place, Click::Cell(Place::Trace, Region::Neurons as u16, at as u16));
        }
        let taken = (y + lines as u16).min(inner.bottom());
        below = Rect { y: taken, height: inner.bottom() - taken, ..inner };
    }
    let (_, word, _) = sign(&prediction.kind);
    let words = format!(
        "the {count} largest of {} neurons; gradient × activation and the mean instead of 0 are of \
         the logit; share: of {word} predictions",
        number::count(pane.seen.trace.neurons as u64)
    );
    for (line, row) in text::wrap(&words, below.width.into()).iter().zip(below.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
}

fn cell(column: Column, words: &str) -> String {
    let width = usize::from(column.width());
    match column {
        Column::Concept => format!(" {}", text::pad(words, width - 1)),
        _ => text::pad_left(words, width),
    }
}

/// `iou 0.11 · gradient +8.31 · mean +7.90 · share 43 %`, of what has no column.
fn rest(
    pane: &Pane<'_>,
    prediction: &Prediction,
    neuron: &Influence,
    columns: &[Column],
) -> String {
    let left = COLUMNS.into_iter().filter(|column| !columns.contains(column));
    let left = left.filter(|column| column.is_there(pane));
    let told = left.map(|column| {
        let value = column.cell(pane, &prediction.kind, neuron);
        if column == Column::Concept { value } else { format!("{} {value}", column.head()) }
    });
    told.collect::<Vec<_>>().join(" · ")
}

/// How a neuron's bar is drawn.
struct Bar {
    measure: Measure,
    largest: f64,
    is_off: bool,
    is_chosen: bool,
}

fn draw_neuron(
    (pane, prediction, neuron): (&Pane<'_>, &Prediction, &Influence),
    bar: &Bar,
    columns: &[Column],
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
) {
    let ground = Ground::draw(context, bar.is_chosen, row, buf);
    let index = text::pad_left(&neuron.index.to_string(), usize::from(INDEX - 3));
    let room = usize::from(row.width.saturating_sub(2));
    buf.set_stringn(row.x + 2, row.y, index, room, ground.plain(Role::Text));
    if bar.is_off {
        buf.set_stringn(row.x, row.y, "○", row.width.into(), ground.over(Role::Warning));
    }
    let texts: u16 = columns.iter().map(|column| column.width()).sum();
    let from = (row.x + INDEX).min(row.right());
    let width = row.width.saturating_sub(INDEX + texts).min(row.right() - from);
    let place = Rect { x: from, width, ..row };
    let difference = value(bar.measure, neuron);
    let number = match bar.measure {
        _ if bar.is_off => "off".to_owned(),
        Measure::Probability => signed(difference),
        Measure::Logit => logit(difference),
    };
    let share = if bar.largest > 0.0 { difference.abs() / bar.largest } else { 0.0 };
    let gauge = Gauge {
        label: "",
        value: if bar.is_off { 0.0 } else { share },
        number: &number,
        // What speaks against the class is told by its sign as well.
        role: if difference < 0.0 { Role::Warning } else { Role::Real },
        label_width: 0,
        number_width: NUMBER,
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    gauge.draw(place, buf);
    let mut line = String::new();
    for column in columns {
        line.push_str(&cell(*column, &column.cell(pane, &prediction.kind, neuron)));
    }
    let room = usize::from(row.right().saturating_sub(place.right()));
    buf.set_stringn(place.right(), row.y, line, room, ground.plain(Role::Text));
}
