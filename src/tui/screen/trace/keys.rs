//! What keys and clicks do on the trace screen.

use super::shown::{Other, Shown, class_name, key};
use super::summary::{self, Page};
use super::{Measure, Opens, Region, State, mosaic, region_of};
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::{Click, Scene};
use crate::tui::shell::quoted;
use crate::tui::text;
use crate::tui::widget::field::{Field, Narrowed};
use crate::tui::widget::list::moved;

/// A neuron to go to, and what is to be done.
type Done = (Option<Opens>, Vec<Effect>);

fn told(words: impl Into<String>) -> Vec<Effect> {
    vec![Effect::Notify(Notice::info(words))]
}

/// Does what was asked for; `None` = not mine.
pub fn act(state: &mut State, action: Action, scene: &Scene<'_>, page: usize) -> Option<Done> {
    let Some(shown) = Shown::new(state, scene) else {
        // Nothing to filter or to enlarge.
        (state.filtering, state.zoomed) = (false, false);
        let had_neighbour = action == Action::Back && !state.beside.is_empty();
        if had_neighbour {
            state.beside.clear();
        }
        return had_neighbour.then(Done::default);
    };
    if state.filtering {
        return filter(state, action, &shown, page).map(|effects| (None, effects));
    }
    let effects = match action {
        Action::NextPrediction => walk(state, &shown, Action::Down, 1),
        Action::PreviousPrediction => walk(state, &shown, Action::Up, 1),
        Action::NextNeuron => choose_neuron(state, &shown, Action::Down, 1),
        Action::PreviousNeuron => choose_neuron(state, &shown, Action::Up, 1),
        Action::SwitchOff => return Some((None, switch(state, &shown))),
        Action::SwitchAllOn => {
            if shown.pane().off(state).is_empty() {
                return Some((None, told("no neuron is switched off")));
            }
            state.off = super::Off::default();
            true
        }
        Action::Measure => {
            state.measure = Some(match Measure::of(state, shown.seen.trace) {
                Measure::Probability => Measure::Logit,
                Measure::Logit => Measure::Probability,
            });
            true
        }
        Action::Sort => {
            state.prediction = shown.prediction().map(key);
            (state.sort, state.reversed) = (state.sort.next(), false);
            true
        }
        Action::ReverseSort => {
            state.prediction = shown.prediction().map(key);
            state.reversed = !state.reversed;
            true
        }
        Action::Filter => {
            state.filtering = true;
            state.focus = Region::Predictions;
            true
        }
        Action::NextCurve | Action::PreviousCurve => {
            turn_page(state, action);
            true
        }
        Action::NextFocus => go(state, 1),
        Action::PreviousFocus => go(state, Region::ALL.len() - 1),
        Action::Zoom => {
            state.zoomed = !state.zoomed;
            true
        }
        Action::CopyCommand => return Some((None, command(state, &shown))),
        Action::Back => return back(state).then(Done::default),
        Action::Open | Action::Right => return open(state, &shown, action),
        action => in_region(state, action, &shown, page),
    };
    effects.then(Done::default)
}

fn go(state: &mut State, by: usize) -> bool {
    let at = Region::ALL.iter().position(|region| *region == state.focus).unwrap_or(0);
    state.focus = Region::ALL[(at + by) % Region::ALL.len()];
    true
}

/// To the summary first, then from one of its pages to the next.
fn turn_page(state: &mut State, action: Action) {
    if state.focus == Region::Summary {
        let by = if action == Action::NextCurve { 1 } else { Page::ALL.len() - 1 };
        (state.page, state.row) = (state.page.next(by), 0);
    }
    state.focus = Region::Summary;
}

/// One layer back; `false` = there is none.
fn back(state: &mut State) -> bool {
    if state.zoomed {
        state.zoomed = false;
    } else if state.off != super::Off::default() {
        state.off = super::Off::default();
    } else if state.focus != Region::Predictions {
        state.focus = Region::Predictions;
    } else if !state.filter.is_empty() {
        state.filter = Field::default();
    } else if !state.beside.is_empty() {
        state.beside.clear();
    } else {
        return false;
    }
    true
}

/// A key that moves in the region that has the focus; `false` = not mine.
fn in_region(state: &mut State, action: Action, shown: &Shown<'_>, page: usize) -> bool {
    match state.focus {
        Region::Predictions | Region::Answer => walk(state, shown, action, page),
        Region::Neurons | Region::Pictures => choose_neuron(state, shown, action, page),
        Region::Summary => {
            let count = summary::rows(state, shown);
            let at = state.row.min(count.saturating_sub(1));
            let Some(at) = moved(action, at, count, page) else { return false };
            state.row = at;
            true
        }
    }
}

fn walk(state: &mut State, shown: &Shown<'_>, action: Action, page: usize) -> bool {
    let Some(to) = moved(action, shown.at, shown.rows.len(), page) else { return false };
    choose(state, shown, to);
    true
}

/// Another prediction has other neurons behind it, and all of them on.
fn choose(state: &mut State, shown: &Shown<'_>, at: usize) {
    if at != shown.at {
        (state.neuron, state.off) = (None, super::Off::default());
    }
    state.prediction = shown.rows.get(at).map(|row| key(row.prediction));
}

fn choose_neuron(state: &mut State, shown: &Shown<'_>, action: Action, page: usize) -> bool {
    let Some(prediction) = shown.prediction() else { return false };
    let at = shown.pane().neuron().map_or(0, |(at, _)| at);
    let Some(to) = moved(action, at, prediction.neurons.len(), page) else { return false };
    state.neuron = prediction.neurons.get(to).map(|neuron| neuron.index);
    true
}

fn switch(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let pane = shown.pane();
    let (Some(prediction), Some((_, neuron))) = (pane.prediction, pane.neuron()) else {
        return told("no neuron is behind it");
    };
    // The cursor stays on it, and the prediction whatever the order.
    (state.prediction, state.neuron) = (Some(key(prediction)), Some(neuron.index));
    match state.off.turn(shown.seen.run, prediction, neuron.index) {
        Ok(()) => Vec::new(),
        Err(why) => vec![Effect::Notify(Notice::warning(why))],
    }
}

fn open(state: &mut State, shown: &Shown<'_>, action: Action) -> Option<Done> {
    match state.focus {
        Region::Predictions | Region::Answer => {
            state.focus = Region::Neurons;
            Some(Done::default())
        }
        _ if action == Action::Right => None,
        Region::Neurons | Region::Pictures => Some(open_neuron(shown)),
        Region::Summary => {
            let narrowed = summary::narrows(state, shown)?;
            narrow(state, &narrowed);
            Some(Done::default())
        }
    }
}

/// Shows the chosen neuron on the screen of neurons, if the run ranked its pictures.
fn open_neuron(shown: &Shown<'_>) -> Done {
    let pane = shown.pane();
    let Some((_, influence)) = pane.neuron() else { return Done::default() };
    if mosaic::ranked(&pane).is_none() {
        let layer = &shown.seen.trace.layer;
        let words = format!(
            "the run did not rank pictures by neuron {} of {layer}: a [neurons] section does",
            influence.index
        );
        return (None, told(words));
    }
    let opens = Opens { layer: shown.seen.trace.layer.clone(), neuron: influence.index };
    (Some(opens), Vec::new())
}

/// Lists only what a row of the summary stands for.
fn narrow(state: &mut State, filter: &str) {
    state.filter = Field::new(text::clean(filter));
    (state.prediction, state.neuron, state.zoomed) = (None, None, false);
    state.focus = Region::Predictions;
}

/// A term of the filter, in quotes where its word has blanks.
pub(super) fn term(name: &str, classes: &[String], class: u32) -> String {
    let word = class_name(classes, class);
    if word.contains(char::is_whitespace) {
        format!("{name}:\"{word}\"")
    } else {
        format!("{name}:{word}")
    }
}

/// So many predictions of a kind, the first, are in the figure of them.
const IN_FIGURE: usize = 2;

/// The figure of a report that shows what is on the screen, where there is one.
fn figure(state: &State, shown: &Shown<'_>) -> Option<&'static str> {
    let trace = shown.seen.trace;
    let (name, is_there) = match (state.focus, state.page) {
        (Region::Summary, Page::Kinds) => ("shared", !trace.kinds.is_empty()),
        (Region::Summary, Page::Errors) => ("behind-errors", !trace.of_errors.is_empty()),
        (Region::Summary, Page::Ratios) => ("ratios", trace.representation.is_some()),
        (Region::Summary, Page::Classes | Page::Detector) => return None,
        _ => ("predictions", !trace.predictions.is_empty()),
    };
    is_there.then_some(name)
}

/// The command that makes what is on the screen, as far as one does: a notice says what it leaves
/// out.
fn command(state: &State, shown: &Shown<'_>) -> Vec<Effect> {
    let run = quoted(shown.seen.run);
    let (command, is_figure) = match (&shown.other, figure(state, shown)) {
        (Some(Other::There(seen, _)), _) => {
            (format!("glassbox report {run} {} --format md", quoted(seen.run)), false)
        }
        (_, Some(figure)) => {
            let options = "--format svg --out figures";
            (format!("glassbox report {run} --figure {figure} {options}"), figure == "predictions")
        }
        _ => (format!("glassbox show {run}"), false),
    };
    let is_in_figure = shown.prediction().is_some_and(|chosen| {
        let of_kind = shown.seen.trace.predictions.iter().filter(|p| p.kind == chosen.kind);
        of_kind.take(IN_FIGURE).any(|prediction| std::ptr::eq(prediction, chosen))
    });
    let left_out = if !shown.pane().off(state).is_empty() {
        Some("what the answer would be without neurons is on the screen alone")
    } else if is_figure && !is_in_figure {
        Some("the figure is of the first predictions of each kind")
    } else if !is_figure && !state.filter.is_empty() {
        Some("the command tells of all predictions: no filter")
    } else {
        None
    };
    let mut effects = vec![Effect::Copy(command)];
    effects.extend(left_out.map(|words| Effect::Notify(Notice::warning(words))));
    effects
}

fn filter(
    state: &mut State,
    action: Action,
    shown: &Shown<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    match state.filter.narrow(&mut state.filtering, action) {
        // What is wrong must not be taken for a filter that keeps everything.
        Narrowed::Done if !state.filtering && !state.filter.is_empty() => {
            let told = shown.problem.iter();
            Some(told.map(|told| Effect::Notify(Notice::warning(told))).collect())
        }
        Narrowed::Done => Some(Vec::new()),
        Narrowed::Moves => walk(state, shown, action, page).then(Vec::new),
        Narrowed::NotMine => None,
    }
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) -> Done {
    let Some(shown) = Shown::new(state, scene) else { return Done::default() };
    let Click::Cell(Place::Trace, number, at) = click else { return Done::default() };
    let Some(region) = region_of(number) else { return Done::default() };
    let had_focus = state.focus == region;
    state.focus = region;
    if at == u16::MAX {
        return Done::default();
    }
    let at = usize::from(at);
    // On what is chosen already: open it.
    match region {
        Region::Predictions if had_focus && at == shown.at => {
            return open(state, &shown, Action::Open).unwrap_or_default();
        }
        Region::Predictions => choose(state, &shown, at),
        Region::Neurons => {
            let chosen = shown.pane().neuron().map(|(at, _)| at);
            if had_focus && chosen == Some(at) {
                return open_neuron(&shown);
            }
            let neuron = shown.prediction().and_then(|prediction| prediction.neurons.get(at));
            state.neuron = neuron.map(|neuron| neuron.index).or(state.neuron);
        }
        Region::Pictures if had_focus => return open_neuron(&shown),
        Region::Summary if had_focus && state.row == at => {
            return open(state, &shown, Action::Open).unwrap_or_default();
        }
        Region::Summary => state.row = at,
        Region::Answer | Region::Pictures => {}
    }
    Done::default()
}
