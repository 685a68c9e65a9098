//! The list of a layer's neurons: filtered, in order, one line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Shown, Sort, State};
use crate::run::results::neurons::{Layer, Neuron};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// The neurons that a filter lets through: by index, or by a class among their pictures.
pub(super) fn ordered<'a>(layer: &'a Layer, sort: Sort, filter: &str) -> Vec<&'a Neuron> {
    let wanted = filter.trim().to_lowercase();
    let matches = |neuron: &&Neuron| {
        let mut tops = neuron.real.iter().chain(&neuron.adversarial);
        wanted.is_empty()
            || neuron.index.to_string() == wanted
            || tops.any(|top| top.label.to_lowercase().contains(&wanted))
    };
    let mut order: Vec<&Neuron> = layer.neurons.iter().filter(matches).collect();
    // Stable: equals stay in the order of their index. What has no value comes last.
    let by = |order: &mut Vec<&'a Neuron>, value: fn(&Neuron) -> f64| {
        order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    };
    match sort {
        Sort::Index => {}
        Sort::Activation => by(&mut order, Neuron::top_activation),
        Sort::Disagreement => {
            by(&mut order, |neuron| neuron.disagreement().unwrap_or(f64::NEG_INFINITY));
        }
    }
    order
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let by = match state.sort {
        Sort::Disagreement => "disagreement",
        Sort::Activation => "activation",
        Sort::Index => "index",
    };
    let title = if area.width < 30 { format!("by {by}") } else { format!("neurons by {by}") };
    let mut title = Line::from(title);
    if !state.filter.is_empty() && !state.filtering {
        let filter = text::fit(state.filter.text(), 10);
        title.push_span(Span::styled(format!(" · /{filter}"), context.style(Role::Warning)));
    }
    let mut inner = context.frame(title, area, buf);
    if state.filtering && inner.height > 0 {
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        buf.set_stringn(row.x, row.y, "/", row.width.into(), context.style(Role::Key));
        let field = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
        state.filter.draw(context, field.intersection(row), buf, view);
        inner.height -= 1;
    }
    if shown.order.is_empty() {
        let back = context.key(Action::Back, Place::Neurons);
        let all = shown.layer.neurons.len();
        let sentence =
            format!("None of {all} neurons matches '{}'; {back} shows all.", state.filter.text());
        for (line, row) in text::wrap(&sentence, inner.width.into()).iter().zip(inner.rows()) {
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
        }
        return;
    }
    if inner.height >= 4 {
        let head =
            row(["#", "class", "real", "adv", "diff", "act"].map(str::to_owned), inner.width);
        let style = context.style(Role::Muted);
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), style);
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Neurons, shown.at, shown.order.len(), rows);
    for ((at, neuron), place) in shown.order.iter().enumerate().skip(first).zip(inner.rows()) {
        let style = if at == shown.at {
            let style = context.style(Role::Selection);
            let whole = Rect { x: place.x.saturating_sub(1), width: place.width + 2, ..place };
            buf.set_style(whole.intersection(buf.area), style);
            style
        } else if neuron.is_silent() {
            context.style(Role::Muted)
        } else {
            Style::new()
        };
        let line = row(cells(neuron), place.width);
        buf.set_stringn(place.x, place.y, line, place.width.into(), style);
        view.clickable(place, Click::Row(Place::Neurons, at));
    }
}

fn cells(neuron: &Neuron) -> [String; 6] {
    let Some(favourite) = neuron.favourite() else {
        let none = || "–".to_owned();
        return [neuron.index.to_string(), "silent".into(), none(), none(), none(), none()];
    };
    let of = |count: usize, all: usize| {
        if all == 0 { "–".to_owned() } else { format!("{count}/{all}") }
    };
    [
        neuron.index.to_string(),
        favourite.label.to_owned(),
        of(favourite.real, neuron.real.len()),
        of(favourite.adversarial, neuron.adversarial.len()),
        neuron.disagreement().map_or_else(|| "–".to_owned(), |value| format!("{value:.2}")),
        number::value(neuron.top_activation()),
    ]
}

/// Index, class, then as many of the numbers as there is room for: the disagreement before all.
fn row(
    [index, class, real, adversarial, difference, activation]: [String; 6],
    width: u16,
) -> String {
    let width = usize::from(width);
    let mut tail = text::pad_left(&difference, 6);
    if width >= 26 {
        tail.push_str(&text::pad_left(&activation, 7));
    }
    if width >= 36 {
        tail = text::pad_left(&real, 6) + &text::pad_left(&adversarial, 6) + &tail;
    }
    let room = width.saturating_sub(5 + text::width(&tail));
    format!("{} {}{tail}", text::pad_left(&index, 4), text::pad(&class, room))
}
