//! What keys and clicks do on the neurons screen.

use super::beside::{self, Beside};
use super::region::{self, Overlay};
use super::shown::Shown;
use super::{Focus, Mode, Row, Spot, State, bookmark, gallery, pictures, time};
use crate::run::results::neurons::Neuron;
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::{Click, Scene};
use crate::tui::shell::quoted;
use crate::tui::widget::field::{Field, Narrowed};
use crate::tui::widget::list::moved;

/// Does what was asked for; `None` = not mine.
pub fn act(
    state: &mut State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    if state.note.is_some() {
        return bookmark::edit(state, action);
    }
    let Some(shown) = Shown::new(state, scene) else {
        // Nothing to filter or to enlarge.
        (state.filtering, state.mode) = (false, Mode::Grid);
        let had_neighbour = action == Action::Back && state.beside.take().is_some();
        return had_neighbour.then(Vec::new);
    };
    if state.filtering {
        return filter(state, action, &shown, page);
    }
    match action {
        Action::NextNeuron => {
            choose(state, &shown, moved(Action::Down, shown.at, shown.order.len(), 1)?);
        }
        Action::PreviousNeuron => {
            choose(state, &shown, moved(Action::Up, shown.at, shown.order.len(), 1)?);
        }
        Action::NextLayer => return Some(change_layer(state, &shown, 1)),
        Action::PreviousLayer => {
            return Some(change_layer(state, &shown, shown.layer_place().1 - 1));
        }
        Action::Sort => {
            state.neuron = shown.neuron().map(|neuron| neuron.index);
            state.sort =
                state.sort.next(shown.layer, &shown.seen.detail.bookmarks, &shown.meanings);
        }
        Action::Filter => {
            state.filtering = true;
            state.focus = Focus::List;
            if state.mode == Mode::Zoom {
                state.mode = Mode::Grid;
            }
        }
        Action::Region => return Some(region::turn(state, &shown)),
        Action::Originals => return Some(originals(state, &shown)),
        Action::Gallery => {
            state.mode = if state.mode == Mode::Gallery { Mode::Grid } else { Mode::Gallery };
            choose(state, &shown, shown.at);
        }
        Action::OtherSide if state.mode == Mode::Gallery => state.other_side = !state.other_side,
        Action::PreviousStep | Action::NextStep => return Some(time::walk(state, action, &shown)),
        Action::Bookmark => return Some(bookmark::press(state, &shown)),
        Action::Unmark => return Some(bookmark::take_away(&shown)),
        Action::CopyCommand => return command(state, &shown, scene),
        Action::Back => return back(state).then(Vec::new),
        action if state.mode == Mode::Gallery => return in_gallery(state, action, &shown),
        Action::NextFocus if state.mode == Mode::Zoom => {
            state.turned = state.turned.wrapping_add(1);
        }
        Action::PreviousFocus if state.mode == Mode::Zoom => {
            state.turned = state.turned.wrapping_sub(1);
        }
        Action::NextFocus | Action::PreviousFocus => {
            state.focus = if state.focus == Focus::List { Focus::Pictures } else { Focus::List };
        }
        Action::Open | Action::Right if state.focus == Focus::List && state.mode == Mode::Grid => {
            state.focus = Focus::Pictures;
        }
        Action::Open | Action::Zoom => {
            let opens = state.mode == Mode::Grid && shown.neuron().is_some();
            state.mode = if opens { Mode::Zoom } else { Mode::Grid };
        }
        action if state.focus == Focus::List && state.mode == Mode::Grid => {
            choose(state, &shown, moved(action, shown.at, shown.order.len(), page)?);
        }
        action => return pictures::walk(state, action, &shown).then(Vec::new),
    }
    Some(Vec::new())
}

/// One layer back; `false` = there is none.
fn back(state: &mut State) -> bool {
    if state.mode != Mode::Grid {
        state.mode = Mode::Grid;
    } else if state.beside.is_some() {
        state.beside = None;
    } else if state.focus == Focus::Pictures {
        state.focus = Focus::List;
    } else if !state.filter.is_empty() {
        state.filter = Field::default();
    } else if state.step.is_some() {
        state.step = None;
    } else {
        return false;
    }
    true
}

fn in_gallery(state: &mut State, action: Action, shown: &Shown<'_>) -> Option<Vec<Effect>> {
    if matches!(action, Action::Open | Action::Zoom) {
        choose(state, shown, shown.at);
        (state.mode, state.focus) = (Mode::Grid, Focus::Pictures);
        let row = if state.other_side { Row::Adversarial } else { Row::Real };
        state.picture = Spot { row, rank: 0 };
        return Some(Vec::new());
    }
    gallery::walk(state, action, shown).then(Vec::new)
}

pub(super) fn choose(state: &mut State, shown: &Shown<'_>, at: usize) {
    state.neuron = shown.order.get(at).map(|neuron| neuron.index);
}

fn change_layer(state: &mut State, shown: &Shown<'_>, by: usize) -> Vec<Effect> {
    let (at, count) = shown.layer_place();
    if count < 2 {
        let words = format!("'{}' is the only layer that was looked at", shown.layer.layer);
        return vec![Effect::Notify(Notice::info(words))];
    }
    let layer = shown.seen.neurons.layers.get((at + by) % count);
    state.layer = layer.map(|layer| layer.layer.clone());
    state.neuron = None;
    Vec::new()
}

fn originals(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let is_kept = |neuron| pictures::has_originals(neuron);
    if !state.originals && !shown.layer.neurons.iter().any(is_kept) {
        let words = if shown.seen.step.is_some() {
            "a look of the training keeps no originals of the adversarial pictures; the neurons \
             stage does"
        } else if shown.seen.neurons.adversarial_images == 0 {
            "there are no originals: this run looked at no adversarial images"
        } else {
            "no originals of the adversarial pictures were kept: its run was made by an older \
             version"
        };
        return vec![Effect::Notify(Notice::info(words))];
    }
    state.originals = !state.originals;
    Vec::new()
}

/// The command that makes what is on the screen, as far as one does: a notice says what it leaves
/// out.
fn command(state: &State, shown: &Shown<'_>, scene: &Scene<'_>) -> Option<Vec<Effect>> {
    let neuron = shown.neuron()?;
    let (run, layer) = (quoted(shown.seen.run), quoted(&shown.layer.layer));
    let mut command = format!("glassbox view {run} --layer {layer} --neuron {}", neuron.index);
    let beside = match beside::of(state, shown, scene) {
        Some(Beside::There(pane)) => pane.neuron,
        _ => None,
    };
    // What was not kept is not shown here either, and the command would fail.
    let have = |has: &dyn Fn(&Neuron) -> bool| has(neuron) && beside.is_none_or(has);
    if let Some(flag) = state.overlay.flag()
        && have(&|neuron| state.overlay.is_there(neuron))
    {
        command = format!("{command} --region {flag}");
    }
    if state.originals && state.mode == Mode::Grid && have(&pictures::has_originals) {
        command += " --originals";
    }
    if let Some(step) = shown.seen.step {
        command = format!("{command} --step {step}");
    }
    if let Some(other) = &state.beside {
        command = format!("{command} --with {}", quoted(other));
    }
    let mut effects = vec![Effect::Copy(command)];
    let left_out = if state.mode == Mode::Gallery {
        Some(format!(
            "the command shows neuron {} alone; glassbox report RUN --format png --out DIR draws \
             figures of whole layers",
            neuron.index
        ))
    } else if matches!(state.overlay, Overlay::Discrepancy(_)) {
        Some("the command shows no discrepancy: that is on the screen alone".to_owned())
    } else {
        None
    };
    effects.extend(left_out.map(|words| Effect::Notify(Notice::warning(words))));
    Some(effects)
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
            return Some(told.map(|told| Effect::Notify(Notice::warning(told))).collect());
        }
        Narrowed::Done => {}
        Narrowed::Moves => choose(state, shown, moved(action, shown.at, shown.order.len(), page)?),
        Narrowed::NotMine => return None,
    }
    Some(Vec::new())
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) -> Vec<Effect> {
    let Some(shown) = Shown::new(state, scene) else { return Vec::new() };
    match click {
        // On what is chosen already: open it.
        Click::Row(Place::Neurons, row) if state.mode == Mode::Gallery && row == shown.at => {
            return in_gallery(state, Action::Open, &shown).unwrap_or_default();
        }
        Click::Row(Place::Neurons, row) => {
            choose(state, &shown, row);
            state.focus = Focus::List;
        }
        Click::Cell(Place::Neurons, row, rank) => {
            let row = if row == 0 { Row::Real } else { Row::Adversarial };
            let spot = Spot { row, rank: rank.into() };
            // On what is selected already: zoom.
            let zooms = state.focus == Focus::Pictures && state.picture == spot;
            state.mode = if zooms { Mode::Zoom } else { Mode::Grid };
            state.focus = Focus::Pictures;
            state.picture = spot;
        }
        Click::Step(Place::Neurons, step) => time::jump(state, &shown, step),
        _ => {}
    }
    Vec::new()
}
