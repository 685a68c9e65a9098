//! The neuron through the training: the looks that the run has kept, and the line that goes through
//! them.
//!
//! ```text
//! ◂ step 400 of 400…9,200 ▸  ┊┊●┊┊┊┊┊┊┊┊◆
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::State;
use super::shown::{Seen, Shown};
use crate::run::results::neurons::Neurons;
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::world::RunDetail;

/// What a run's neurons were at a step: at the last look before it, or the first of all. Without a
/// step the result, or until there is one, the newest look.
pub(super) fn at(detail: &RunDetail, step: Option<u64>) -> Option<(&Neurons, Option<u64>)> {
    let history = &detail.neuron_history;
    let look = match (step, detail.neurons.as_deref()) {
        (None, Some(result)) => return Some((result, None)),
        (None, None) => history.last(),
        (Some(step), _) => history.iter().rev().find(|(at, _)| *at <= step).or(history.first()),
    };
    match look {
        Some((step, neurons)) => Some((neurons, Some(*step))),
        None => detail.neurons.as_deref().map(|neurons| (neurons, None)),
    }
}

/// The places that the line goes through, oldest first; `None` is the result, or the newest look
/// while there is no result.
fn stops(detail: &RunDetail) -> Vec<Option<u64>> {
    let history = &detail.neuron_history;
    let newest_is_now = detail.neurons.is_none();
    let looks = &history[..history.len() - usize::from(newest_is_now && !history.is_empty())];
    looks.iter().map(|(step, _)| Some(*step)).chain([None]).collect()
}

/// To the look before or after.
pub(super) fn walk(state: &mut State, action: Action, shown: &Shown<'_>) -> Vec<Effect> {
    let detail = shown.seen.detail;
    let stops = stops(detail);
    if stops.len() < 2 {
        let words = if detail.neuron_history.is_empty() {
            "this run kept no looks from its training; a spec with a [train.neurons] section does"
        } else {
            "this is the only look so far"
        };
        return vec![Effect::Notify(Notice::info(words))];
    }
    let now = state.step.and(shown.seen.step);
    let at = stops.iter().position(|stop| *stop == now).unwrap_or(stops.len() - 1);
    let to = match action {
        Action::PreviousStep => at.saturating_sub(1),
        _ => (at + 1).min(stops.len() - 1),
    };
    stay(state, shown);
    state.step = stops.get(to).copied().flatten();
    missing(state, shown).map(|words| Effect::Notify(Notice::info(words))).into_iter().collect()
}

/// Whoever goes through the training looks at one neuron, also if it was only the first of the list.
fn stay(state: &mut State, shown: &Shown<'_>) {
    state.neuron = state.neuron.or(shown.neuron().map(|neuron| neuron.index));
}

/// What to say where the chosen neuron was not looked at: it stays chosen, but others are shown.
fn missing(state: &State, shown: &Shown<'_>) -> Option<String> {
    let index = state.neuron?;
    let (neurons, step) = at(shown.seen.detail, state.step)?;
    let layer = neurons.layers.iter().find(|layer| layer.layer == shown.layer.layer);
    let looked_at = layer.map_or(&[][..], |layer| &layer.neurons);
    let is_there = looked_at.iter().any(|neuron| neuron.index == index);
    (step.is_some() && !is_there).then(|| {
        let (count, layer) = (looked_at.len(), &shown.layer.layer);
        format!("training looked at {count} neurons of {layer}; neuron {index} is not among them")
    })
}

/// `step 1,200 · live`; `None` for a result.
pub(super) fn words(seen: &Seen<'_>) -> Option<String> {
    let step = format!("step {}", number::count(seen.step?));
    Some(if seen.is_live { format!("{step} · live") } else { step })
}

/// Cells that the words of the line take, at most.
pub(super) const WORDS: u16 = 36;

/// Draws the line into a row of the frame, where there is anything to go through.
pub(super) fn draw(
    seen: &Seen<'_>,
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let history = &seen.detail.neuron_history;
    let ([(first, _), ..], [.., (last, _)]) = (history.as_slice(), history.as_slice()) else {
        return;
    };
    let range = if first == last {
        format!("step {}", number::count(*first))
    } else {
        format!("{}…{}", number::count(*first), number::count(*last))
    };
    let words = match seen.step {
        // The only look there is, so far.
        Some(_) if first == last => range,
        Some(step) => format!("step {} of {range}", number::count(step)),
        None => format!("in the end · training {range}"),
    };
    let keys = |action| context.key(action, Place::Neurons);
    let (back, on) = (keys(Action::PreviousStep), keys(Action::NextStep));
    let mut put = |x: u16, words: &str, role: Role| {
        let room = usize::from(row.right().saturating_sub(x));
        buf.set_stringn(x, row.y, text::fit(words, room), room, context.style(role)).0
    };
    let start = put(row.x, &format!(" {back}"), Role::Key);
    view.clickable(Rect { width: start - row.x, ..row }, Click::Do(Action::PreviousStep));
    let x = put(start, " ◂ ", Role::Muted);
    let x = put(x, &words, if seen.step.is_some() { Role::Accent } else { Role::Text });
    let x = put(x, " ▸ ", Role::Muted);
    let end = put(x, &format!("{on} "), Role::Key);
    view.clickable(Rect { x, width: end - x, ..row }, Click::Do(Action::NextStep));
    let bar = Rect { x: end + 1, width: row.right().saturating_sub(end + 2), ..row };
    if bar.width >= 10 {
        draw_bar(seen, context, bar, buf, view);
    }
}

/// A tick for every look, in proportion to its step, and the result at the end.
fn draw_bar(
    seen: &Seen<'_>,
    context: &DrawContext<'_>,
    bar: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let history = &seen.detail.neuron_history;
    let last = history.last().map_or(1, |(step, _)| *step).max(1);
    let has_result = seen.detail.neurons.is_some();
    // The result stands apart, where it is neither a step nor beyond the bar.
    let span = u64::from(bar.width - 1 - if has_result { 2 } else { 0 });
    let cell = |step: u64| {
        let along = u128::from(step) * u128::from(span) / u128::from(last);
        Rect { x: bar.x + along as u16, width: 1, ..bar }
    };
    // In the frame's own line, with air before and behind.
    let line = format!(" {} ", "─".repeat(usize::from(bar.width)));
    let whole = usize::from(bar.width) + 2;
    buf.set_stringn(bar.x - 1, bar.y, line, whole, context.style(Role::GaugeEmpty));
    let mut mark = |place: Rect, sign: &str, role: Role| {
        buf.set_stringn(place.x, place.y, sign, 1, context.style(role));
    };
    for (step, _) in history {
        mark(cell(*step), "┊", Role::Muted);
        view.clickable(cell(*step), Click::Step(Place::Neurons, *step));
    }
    if let Some(step) = seen.step {
        mark(cell(step), "●", Role::Accent);
    }
    if has_result {
        let place = Rect { x: bar.right() - 1, width: 1, ..bar };
        let role = if seen.step.is_none() { Role::Accent } else { Role::Muted };
        mark(place, "◆", role);
        view.clickable(place, Click::Step(Place::Neurons, u64::MAX));
    }
}

/// A click on the bar: that look, or the result.
pub(super) fn jump(state: &mut State, shown: &Shown<'_>, step: u64) {
    stay(state, shown);
    let chosen = Some(step).filter(|step| *step != u64::MAX);
    let stops = stops(shown.seen.detail);
    state.step = chosen.filter(|step| stops.contains(&Some(*step)));
}
