//! The same neuron in a second run: which one, and what stands there when it has no such neuron.

use std::collections::BTreeSet;

use super::State;
use super::shown::{Pane, Seen, Shown};
use crate::run::state::Status;
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::Scene;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::side_by_side::Asked;

/// The right side of the screen.
#[derive(Debug)]
pub(super) enum Beside<'a> {
    There(Pane<'a>),
    /// The run's short name, and what stands there instead.
    Without(String, String),
}

/// What stands beside; `None` = nothing was asked for.
pub(super) fn of<'a>(state: &State, shown: &Shown<'a>, scene: &Scene<'a>) -> Option<Beside<'a>> {
    let id = state.beside.as_deref()?;
    let name = short_name(id).to_owned();
    let without = |why: String| Some(Beside::Without(name.clone(), why));
    if scene.world.run(id).is_none() {
        return without("This run is gone.".into());
    }
    if scene.world.detail(id).is_none() {
        return without("reading…".into());
    }
    let Some(seen) = Seen::of(scene, id, state.step) else {
        return without(format!("{name} has looked at no neurons."));
    };
    let wanted = &shown.layer.layer;
    let Some(layer) = seen.layer(wanted) else {
        let layers: Vec<&str> = seen.neurons.layers.iter().map(|l| l.layer.as_str()).collect();
        return without(format!("{name} has no layer '{wanted}'; it has {}.", layers.join(", ")));
    };
    let index = shown.neuron().map(|neuron| neuron.index);
    let neuron = layer.neurons.iter().find(|neuron| Some(neuron.index) == index);
    match (index, neuron) {
        (Some(index), None) => {
            without(format!("{name} has not looked at neuron {index} of '{wanted}'."))
        }
        _ => Some(Beside::There(Pane { seen, layer, neuron, has_neighbour: true })),
    }
}

/// Ends it, begins it with the marked run, or asks which run is meant.
pub fn press(state: &mut State, scene: &Scene<'_>, marked: &BTreeSet<String>) -> Asked {
    if state.beside.take().is_some() {
        return Asked::Done(Vec::new());
    }
    let Some(shown) = Shown::new(state, scene) else { return Asked::Done(Vec::new()) };
    // The newest, as on the runs screen.
    if let Some(other) = marked.iter().rev().find(|id| *id != shown.seen.run) {
        state.beside = Some(other.clone());
        return Asked::Done(Vec::new());
    }
    let choice = candidates(&shown, scene);
    if choice.is_empty() {
        let words =
            "no other run has looked at neurons: Space on the runs screen marks the one meant";
        return Asked::Done(vec![Effect::Notify(Notice::info(words))]);
    }
    Asked::Choose(choice)
}

/// Runs that have, or will have, neurons; of those that are followed, the ones with this layer.
fn candidates(shown: &Shown<'_>, scene: &Scene<'_>) -> Vec<(String, String)> {
    let runs = scene.world.runs.iter().filter(|run| run.info.id != shown.seen.run);
    let fits = |id: &str, status: Status, completed: &[String]| match scene.world.detail(id) {
        Some(detail) if detail.neurons.is_some() || !detail.neuron_history.is_empty() => {
            let seen = Seen::of(scene, id, None);
            seen.is_some_and(|seen| seen.layer(&shown.layer.layer).is_some())
        }
        _ => completed.iter().any(|stage| stage == "neurons") || status == Status::Running,
    };
    runs.filter(|run| fits(&run.info.id, run.status, &run.state.completed))
        .map(|run| (run.info.id.clone(), run.info.title.clone()))
        .collect()
}
