//! The neurons screen: the neurons of a layer, and the pictures that excite the chosen one most,
//! real ones above adversarial ones; one picture large; a whole layer as a contact sheet; the same
//! neuron in a second run; the neuron through the training.
//!
//! ```text
//! ╭ neurons by disagreement ─╮╭ conv5 · neuron 147 ── real: 8 of 9 dog · adversarial: 7 classes ─╮
//! │   #  class    diff   act ││ real                                                            │
//! │ 147★ dog      0.67  31.4 ││ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀                                      │
//! │  23  bus      0.44  28.1 ││ dog      dog      dog                                           │
//! │                          ││ adversarial                                                     │
//! │                          ││ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀                                      │
//! │                          ││ dog→bus  cat→bus  bus                                           │
//! ╰──────────────────────────╯╰─ , ◂ step 400 of 400…9,200 ▸ .  ┊┊●┊┊┊┊┊┊┊┊◆ ─────────── ★ dogs ─╯
//! ```

mod beside;
mod bookmark;
mod columns;
mod filter;
mod gallery;
mod keys;
mod list;
mod pictures;
mod region;
mod shown;
#[cfg(test)]
mod tests;
mod time;
mod zoom;

pub use self::beside::press as side_by_side;
pub use self::keys::{act, click};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::beside::Beside;
use self::bookmark::Note;
use self::list::Sort;
use self::region::Overlay;
use self::shown::{Pane, Shown};
use super::{DrawContext, Scene, View, Wants};
use crate::tui::action::{Action, Place};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::field::Field;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {
    /// The chosen layer; until one is chosen, the last: deep neurons tell most.
    layer: Option<String>,
    /// The chosen neuron's index; it stays chosen when the order changes.
    neuron: Option<usize>,
    sort: Sort,
    /// What neurons must have: see `filter`.
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    focus: Focus,
    /// The picture under the cursor.
    picture: Spot,
    mode: Mode,
    /// Which of the zoom's pictures are shown where not all are large enough; counts on.
    turned: usize,
    overlay: Overlay,
    /// Whether the originals of the adversarial pictures have a row.
    originals: bool,
    /// Whether the gallery is of adversarial pictures.
    other_side: bool,
    /// The run that stands beside.
    beside: Option<String>,
    /// The step of the training; `None` = the result, or until then the newest look.
    step: Option<u64>,
    note: Option<Note>,
    /// Columns and rows of the screen: see [`State::fit`].
    room: (u16, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    List,
    Pictures,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// The list and one neuron's pictures.
    #[default]
    Grid,
    /// One picture.
    Zoom,
    /// The whole layer.
    Gallery,
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

impl State {
    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.filtering || self.note.is_some() {
            &[Place::Text, Place::Global]
        } else {
            &[Place::Neurons, Place::Global]
        }
    }

    /// Whether a bookmark's note is typed.
    pub fn is_noting(&self) -> bool {
        self.note.is_some()
    }

    /// Text for the field that has the keys.
    pub fn insert(&mut self, text: &str) {
        match &mut self.note {
            Some(note) => note.field.insert(text),
            None if self.filtering => self.filter.insert(text),
            None => {}
        }
    }

    /// How many columns and rows the screen has: a key that moves by a row of the gallery needs to
    /// know how long one is, and only what is visible is wanted.
    pub fn fit(&mut self, columns: u16, rows: u16) {
        self.room = (columns, rows);
    }

    /// Shows this neuron, whatever was shown before.
    pub fn go_to(&mut self, layer: String, neuron: usize) {
        (self.layer, self.neuron) = (Some(layer), Some(neuron));
        (self.mode, self.focus, self.picture) = (Mode::Grid, Focus::Pictures, Spot::default());
        // What hides it, or shows it as it was, gives way.
        (self.filter, self.filtering, self.step) = (Field::default(), false, None);
    }

    /// The same neuron of this run stands beside from now on.
    pub fn put_beside(&mut self, run: String) {
        self.beside = Some(run);
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        Back, Bookmark, CopyCommand, Filter, Gallery, Left, NewRun, NextFocus, NextLayer,
        NextNeuron, NextStep, Open, Originals, OtherSide, PreviousLayer, PreviousNeuron,
        PreviousStep, Region, Right, ShowRuns, SideBySide, Sort, Unmark,
    };
    if state.filtering || state.note.is_some() {
        return vec![Open, Back];
    }
    let Some(shown) = Shown::new(state, scene) else { return vec![ShowRuns, NewRun] };
    let mut hints = match state.mode {
        Mode::Grid => vec![PreviousNeuron, NextNeuron, PreviousLayer, NextLayer, Region],
        Mode::Zoom => vec![Back, Left, Right, NextFocus, PreviousNeuron, NextNeuron, Region],
        Mode::Gallery => vec![Open, OtherSide, PreviousLayer, NextLayer, Region, Sort, Back],
    };
    if state.mode != Mode::Gallery {
        hints.push(SideBySide);
        hints.extend((state.mode == Mode::Grid).then_some(Open));
        hints.extend([Gallery, Bookmark]);
        hints.extend(bookmark::of(&shown.pane()).map(|_| Unmark));
        if !shown.seen.detail.neuron_history.is_empty() {
            hints.extend([PreviousStep, NextStep]);
        }
    }
    hints.extend(match state.mode {
        Mode::Grid => vec![Sort, Filter, Originals, Back],
        Mode::Zoom => vec![],
        Mode::Gallery => vec![Filter, Gallery],
    });
    hints.push(CopyCommand);
    hints
}

/// What actions mean just now, where their own labels say too little.
pub fn words(state: &State) -> &'static [(Action, &'static str)] {
    let in_list = state.focus == Focus::List;
    match (state.mode, state.beside.is_some()) {
        (Mode::Grid, false) if in_list => &[(Action::Open, "pictures")],
        (Mode::Grid, false) => &[(Action::Open, "zoom")],
        (Mode::Grid, true) if in_list => {
            &[(Action::Open, "pictures"), (Action::SideBySide, "alone again")]
        }
        (Mode::Grid, true) => &[(Action::Open, "zoom"), (Action::SideBySide, "alone again")],
        (Mode::Zoom, _) => {
            &[(Action::NextFocus, "more"), (Action::Left, "picture"), (Action::Right, "picture")]
        }
        (Mode::Gallery, _) if state.other_side => &[(Action::OtherSide, "real")],
        (Mode::Gallery, _) => &[(Action::OtherSide, "adversarial")],
    }
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
        return say(&nothing(scene, context), context, inner, buf);
    };
    if state.mode == Mode::Gallery {
        return gallery::draw(state, &shown, scene, context, area, buf, view);
    }
    let beside = beside::of(state, &shown, scene);
    // Two grids need the room more than the list does.
    let width = match (area.width, beside.is_some()) {
        _ if state.mode == Mode::Zoom => 0,
        (150.., false) => 48,
        (110.., false) => 42,
        (150.., true) => 30,
        (110.., true) => 22,
        (_, true) => 0,
        (narrow, false) => narrow.min(26),
    };
    let left = Rect { width, ..area };
    let right = Rect { x: area.x + width, width: area.width - width, ..area };
    let in_list = state.focus == Focus::List && state.mode == Mode::Grid;
    if !left.is_empty() {
        list::draw(state, &shown, &context.focus(context.focused && in_list), left, buf, view);
    }
    let context = context.focus(context.focused && (!in_list || left.is_empty()));
    let pane = Pane { has_neighbour: beside.is_some(), ..shown.pane() };
    let half = if beside.is_some() { right.width / 2 } else { right.width };
    let first = Rect { width: half, ..right };
    pictures::draw(state, &pane, scene, &context, first, buf, view);
    let second = Rect { x: right.x + half, width: right.width - half, ..right };
    match beside {
        Some(Beside::There(pane)) => {
            pictures::draw(state, &pane, scene, &context, second, buf, view);
        }
        Some(Beside::Without(run, why)) => {
            let inner = context.focus(false).frame(Line::from(text::clean(&run)), second, buf);
            say(&why, &context, inner, buf);
        }
        None => {}
    }
}

fn say(words: &str, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    for (line, row) in text::wrap(words, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
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
        return format!(
            "{name} has not come to its neurons stage yet; its pictures appear here.\n\nA spec with a \
             [train.neurons] section looks at chosen neurons while it trains, and shows them live."
        );
    }
    format!(
        "{name} has looked at no neurons.\n\nA spec with a [neurons] section does; {new} starts \
         one, quickstart for example. {runs} leads to the other runs."
    )
}

/// What it needs from the background: the chosen neuron's pictures first, then those of its
/// neighbours, so that the next key press finds them ready.
pub fn wants(state: &State, scene: &Scene<'_>) -> Wants {
    let mut runs: Vec<String> = scene.selected.map(str::to_owned).into_iter().collect();
    runs.extend(state.beside.iter().filter(|run| Some(run.as_str()) != scene.selected).cloned());
    let Some(shown) = Shown::new(state, scene) else {
        return Wants { runs, pictures: Vec::new() };
    };
    let mut pictures = Vec::new();
    if state.mode == Mode::Gallery {
        gallery::wants(state, &shown, &mut pictures);
        return Wants { runs, pictures };
    }
    let near = [Some(shown.at), shown.at.checked_add(1), shown.at.checked_sub(1)];
    for at in near.into_iter().flatten().filter(|at| *at < shown.order.len().max(1)) {
        // Each neighbour as if it were chosen, on both sides.
        let near = Shown { at, order: shown.order.clone(), problem: None, ..shown };
        let mut panes = vec![near.pane()];
        if let Some(Beside::There(pane)) = beside::of(state, &near, scene) {
            panes.push(pane);
        }
        for pane in &panes {
            if state.mode == Mode::Zoom {
                zoom::wants(state, pane, &mut pictures);
            }
        }
        for pane in &panes {
            pictures::wants(state, pane, &mut pictures);
        }
    }
    Wants { runs, pictures }
}
