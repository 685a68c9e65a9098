//! The run that stands beside the selected one: what it makes of the same picture.

use std::collections::BTreeSet;

use super::State;
use crate::run::state::Status;
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::Scene;
use crate::tui::screen::side_by_side::Asked;

/// Ends it, begins it with the compared or the marked run, or asks which run is meant.
pub fn press(state: &mut State, scene: &Scene<'_>, marked: &BTreeSet<String>) -> Asked {
    if !state.others(scene).is_empty() {
        state.beside.clear();
        state.alone = true;
        return Asked::Done(Vec::new());
    }
    state.alone = false;
    if !state.others(scene).is_empty() {
        return Asked::Done(Vec::new());
    }
    // The newest first, as on the runs screen.
    let others = marked.iter().rev().filter(|id| Some(id.as_str()) != scene.selected);
    state.beside = others.take(1).cloned().collect();
    if !state.beside.is_empty() {
        return Asked::Done(Vec::new());
    }
    let choice = candidates(scene);
    if choice.is_empty() {
        let words = "no other run traced its predictions: Space on the runs screen marks the one \
                     meant";
        return Asked::Done(vec![Effect::Notify(Notice::info(words))]);
    }
    Asked::Choose(choice)
}

/// Runs that have, or will have, a trace.
fn candidates(scene: &Scene<'_>) -> Vec<(String, String)> {
    let runs = scene.world.runs.iter().filter(|run| Some(run.info.id.as_str()) != scene.selected);
    let fits = |id: &str, status: Status, completed: &[String]| {
        let has = scene.world.detail(id).is_some_and(|detail| detail.trace.is_some());
        has || completed.iter().any(|stage| stage == "trace") || status == Status::Running
    };
    runs.filter(|run| fits(&run.info.id, run.status, &run.state.completed))
        .map(|run| (run.info.id.clone(), run.info.title.clone()))
        .collect()
}
