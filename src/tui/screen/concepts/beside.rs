//! The runs that stand beside the selected one.

use std::collections::BTreeSet;

use super::State;
use super::shown::layers;
use crate::run::state::Status;
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::Scene;
use crate::tui::screen::side_by_side::Asked;

/// Ends it, begins it with the compared or the marked runs, or asks which run is meant.
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
    state.beside = others.cloned().collect();
    if !state.beside.is_empty() {
        return Asked::Done(Vec::new());
    }
    let choice = candidates(scene);
    if choice.is_empty() {
        let words = "no other run knows what its neurons mean: Space on the runs screen marks the \
                     one meant";
        return Asked::Done(vec![Effect::Notify(Notice::info(words))]);
    }
    Asked::Choose(choice)
}

/// Runs that have, or will have, results of either section.
fn candidates(scene: &Scene<'_>) -> Vec<(String, String)> {
    let runs = scene.world.runs.iter().filter(|run| Some(run.info.id.as_str()) != scene.selected);
    let fits = |id: &str, status: Status, completed: &[String]| match scene.world.detail(id) {
        Some(detail) if !layers(detail).is_empty() => true,
        _ => {
            let brings = |stage: &String| stage == "dissect" || stage == "consistency";
            completed.iter().any(brings) || status == Status::Running
        }
    };
    runs.filter(|run| fits(&run.info.id, run.status, &run.state.completed))
        .map(|run| (run.info.id.clone(), run.info.title.clone()))
        .collect()
}
