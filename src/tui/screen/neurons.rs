//! The neurons screen: the neurons of a layer, and the pictures that excite the chosen one most,
//! real ones above adversarial ones.
//!
//! ```text
//! ╭ neurons by disagreement ─╮╭ conv5 · neuron 147 ── real: 8 of 9 dog · adversarial: 7 classes ─╮
//! │   #  class    diff   act ││ real                                                            │
//! │ 147  dog      0.67  31.4 ││ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀                                      │
//! │  23  bus      0.44  28.1 ││ dog      dog      dog                                           │
//! │                          ││ adversarial                                                     │
//! ╰──────────────────────────╯╰─────────────────────────────────────────────────────────────────╯
//! ```

mod list;
mod pictures;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Click, DrawContext, Scene, View, Wants};
use crate::run::results::neurons::{Layer, Neuron, Neurons};
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::pictures::Request;
use crate::tui::shell::quoted;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::field::Field;
use crate::tui::widget::list::moved;
use crate::tui::world::RunDetail;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {
    /// The chosen layer; until one is chosen, the last: deep neurons tell most.
    layer: Option<usize>,
    /// The chosen neuron's index; it stays chosen when the order changes.
    neuron: Option<usize>,
    sort: Sort,
    /// The text that neurons must contain: an index, or a class among their pictures.
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    focus: Focus,
    /// The picture under the cursor.
    picture: Spot,
    /// Whether that picture fills the region.
    zoomed: bool,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sort {
    /// Largest first: [`Neuron::disagreement`].
    #[default]
    Disagreement,
    /// Largest first.
    Activation,
    /// As the layer has them.
    Index,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    List,
    Pictures,
}

/// A place in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Spot {
    row: Row,
    rank: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Row {
    #[default]
    Real,
    Adversarial,
}

/// What the state means for the run that is there now.
#[derive(Debug)]
struct Shown<'a> {
    run: &'a str,
    detail: &'a RunDetail,
    neurons: &'a Neurons,
    layer: &'a Layer,
    /// Filtered and in order.
    order: Vec<&'a Neuron>,
    /// The chosen one's place in `order`.
    at: usize,
}

impl<'a> Shown<'a> {
    fn new(state: &State, scene: &Scene<'a>) -> Option<Self> {
        let run = scene.selected?;
        let detail = scene.world.details.get(run)?.as_ref();
        let neurons = detail.neurons.as_deref()?;
        let last = neurons.layers.len().checked_sub(1)?;
        let layer = neurons.layers.get(state.layer.map_or(last, |layer| layer.min(last)))?;
        let order = list::ordered(layer, state.sort, state.filter.text());
        let chosen = order.iter().position(|neuron| Some(neuron.index) == state.neuron);
        Some(Self { run, detail, neurons, layer, order, at: chosen.unwrap_or(0) })
    }

    fn neuron(&self) -> Option<&'a Neuron> {
        self.order.get(self.at).copied()
    }
}

impl State {
    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.filtering {
            &[Place::Text, Place::Global]
        } else {
            &[Place::Neurons, Place::Global]
        }
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        Back, CopyCommand, Filter, NewRun, NextLayer, NextNeuron, Open, PreviousLayer,
        PreviousNeuron, ShowRuns, Sort,
    };
    if state.filtering {
        return vec![Open, Back];
    }
    if Shown::new(state, scene).is_none() {
        return vec![ShowRuns, NewRun];
    }
    vec![
        PreviousNeuron,
        NextNeuron,
        PreviousLayer,
        NextLayer,
        Open,
        Back,
        Sort,
        Filter,
        CopyCommand,
    ]
}

/// Draws it.
pub fn draw(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some(shown) = Shown::new(state, scene) else {
        let inner = context.frame(Line::from("neurons"), area, buf);
        for (line, row) in
            text::wrap(&nothing(scene, context), inner.width.into()).iter().zip(inner.rows())
        {
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
        }
        return;
    };
    let width = match area.width {
        150.. => 48,
        110.. => 42,
        narrow => narrow.min(26),
    };
    let left = Rect { width, ..area };
    let right = Rect { x: area.x + width, width: area.width - width, ..area };
    let in_list = state.focus == Focus::List;
    list::draw(state, &shown, &context.focus(in_list), left, buf, view);
    pictures::draw(state, &shown, scene, &context.focus(!in_list), right, buf, view);
}

/// Why the screen is empty, and what fills it.
fn nothing(scene: &Scene<'_>, context: &DrawContext<'_>) -> String {
    let runs = context.key(Action::ShowRuns, Place::Neurons);
    let new = context.key(Action::NewRun, Place::Neurons);
    let Some(run) = scene.selected.and_then(|id| scene.world.run(id)) else {
        return format!(
            "The pictures that excite each neuron most stand here, real above adversarial.\n\n\
             {new} starts a run from a preset; quickstart brings neurons in a few minutes."
        );
    };
    let name = super::runs::short_name(&run.info.id);
    let Some(detail) = scene.world.detail(&run.info.id) else {
        return format!("reading {name}…");
    };
    let planned = detail.spec.lines().any(|line| line.trim() == "[neurons]");
    if planned && run.status.is_live() {
        return format!("{name} has not come to its neurons stage yet; its pictures appear here.");
    }
    format!(
        "{name} has looked at no neurons.\n\nA spec with a [neurons] section does; {new} starts \
         one, quickstart for example. {runs} leads to the other runs."
    )
}

/// Does what was asked for; `None` = not mine.
pub fn act(
    state: &mut State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    let shown = Shown::new(state, scene)?;
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
        Action::NextLayer => change_layer(state, &shown, 1),
        Action::PreviousLayer => change_layer(state, &shown, shown.neurons.layers.len() - 1),
        Action::Sort => {
            state.neuron = shown.neuron().map(|neuron| neuron.index);
            state.sort = match state.sort {
                Sort::Disagreement => Sort::Activation,
                Sort::Activation => Sort::Index,
                Sort::Index => Sort::Disagreement,
            };
        }
        Action::Filter => {
            state.filtering = true;
            state.focus = Focus::List;
        }
        Action::NextFocus | Action::PreviousFocus => {
            state.focus = if state.focus == Focus::List { Focus::Pictures } else { Focus::List };
        }
        Action::Open | Action::Right if state.focus == Focus::List => {
            state.focus = Focus::Pictures;
        }
        Action::Open | Action::Zoom => state.zoomed = !state.zoomed && shown.neuron().is_some(),
        Action::Back if state.zoomed => state.zoomed = false,
        Action::Back if state.focus == Focus::Pictures => state.focus = Focus::List,
        Action::Back if !state.filter.is_empty() => state.filter = Field::default(),
        Action::CopyCommand => {
            let neuron = shown.neuron()?.index;
            let (run, layer) = (quoted(shown.run), quoted(&shown.layer.layer));
            let command = format!("glassbox view {run} --layer {layer} --neuron {neuron}");
            return Some(vec![Effect::Copy(command)]);
        }
        action if state.focus == Focus::List => {
            choose(state, &shown, moved(action, shown.at, shown.order.len(), page)?);
        }
        action => return pictures::walk(state, action, &shown).then(Vec::new),
    }
    Some(Vec::new())
}

fn choose(state: &mut State, shown: &Shown<'_>, at: usize) {
    state.neuron = shown.order.get(at).map(|neuron| neuron.index);
}

fn change_layer(state: &mut State, shown: &Shown<'_>, by: usize) {
    let count = shown.neurons.layers.len();
    let layer = state.layer.map_or(count - 1, |layer| layer.min(count - 1));
    state.layer = Some((layer + by) % count);
    state.neuron = None;
}

fn filter(
    state: &mut State,
    action: Action,
    shown: &Shown<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    match action {
        Action::Open | Action::NextFocus => state.filtering = false,
        Action::Back => {
            state.filtering = false;
            state.filter = Field::default();
        }
        Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
            choose(state, shown, moved(action, shown.at, shown.order.len(), page)?);
        }
        action => return state.filter.act(action).then(Vec::new),
    }
    Some(Vec::new())
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) -> Vec<Effect> {
    let Some(shown) = Shown::new(state, scene) else { return Vec::new() };
    match click {
        Click::Row(Place::Neurons, row) => {
            choose(state, &shown, row);
            state.focus = Focus::List;
        }
        Click::Cell(Place::Neurons, row, rank) => {
            let row = if row == 0 { Row::Real } else { Row::Adversarial };
            let spot = Spot { row, rank: rank.into() };
            // On what is selected already: zoom.
            state.zoomed = !state.zoomed && state.focus == Focus::Pictures && state.picture == spot;
            state.focus = Focus::Pictures;
            state.picture = spot;
        }
        _ => {}
    }
    Vec::new()
}

/// What it needs from the background: the chosen neuron's pictures first, then those of its
/// neighbours, so that the next key press finds them ready.
pub fn wants(state: &State, scene: &Scene<'_>) -> Wants {
    let runs = scene.selected.map(str::to_owned).into_iter().collect();
    let Some(shown) = Shown::new(state, scene) else {
        return Wants { runs, pictures: Vec::new() };
    };
    let mut paths = Vec::new();
    if let Some(twin) = pictures::under_cursor(state, &shown).and_then(|(_, twin)| twin) {
        paths.push(twin.path);
    }
    let near = [Some(shown.at), shown.at.checked_add(1), shown.at.checked_sub(1)];
    for neuron in near.into_iter().flatten().filter_map(|at| shown.order.get(at)) {
        let tops = neuron.real.iter().chain(&neuron.adversarial);
        paths.extend(tops.map(|top| shown.detail.folder.join(&top.picture)));
    }
    Wants { runs, pictures: paths.into_iter().map(Request::File).collect() }
}
