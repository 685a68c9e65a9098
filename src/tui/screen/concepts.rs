//! The concepts screen: what a layer's neurons mean. How many of them detect a concept (Table 1, as
//! bars), how near the classes of their images are to each other (Figure 10), a table of them all;
//! one neuron's labelled pictures and its WordNet tree; the difference to a second run.
//!
//! ```text
//!  alexnet · conv5 (2 of 2)          bars  curves  neurons  pictures  tree  difference
//! ╭ aligned with a concept ──────────────────╮╭ level and consistency ──────────────────╮
//! │ object  12.5 ███▏██████├█─┤  4.3 ░░░░├─┤ ││ 1.0 ┤⠉⠉⠑⠒⠒⠤⠤⠤⣀⣀⣀⣀                       │
//! ╰──────────────────────────────────────────╯╰─────────────────────────────────────────╯
//! ╭ 256 neurons by iou ─────────────────────────────────────────────────────────────────╮
//! │   #   concept    iou▼ adversarial    iou     LC    CS1    CS2                       │
//! │ 147   dog       0.112 bus          0.050  0.184  0.612  0.331                       │
//! ╰─────────────────────────────────────────────────────────────────────────────────────╯
//! ```
//!
//! A small screen shows one of these regions at a time, a large one all of them; `Tab` goes through
//! them either way.

mod bars;
mod beside;
mod curves;
mod difference;
pub(super) mod empty;
mod filter;
mod keys;
mod layout;
mod means;
mod pictures;
mod shown;
mod sort;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use self::beside::press as side_by_side;
pub use self::keys::{act, click};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::curves::Chart;
use self::filter::Row;
use self::layout::{Arrangement, Needs};
use self::pictures::Overlay;
use self::shown::Shown;
use self::sort::Sort;
use super::{Click, DrawContext, Scene, View, Wants};
use crate::tui::action::{Action, Place};
use crate::tui::widget::field::Field;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {
    /// The chosen layer; until one is chosen, the last: deep neurons tell most.
    layer: Option<String>,
    /// The chosen neuron's index; it stays chosen when the order changes.
    neuron: Option<usize>,
    /// Until one is chosen, the first that tells the neurons apart.
    sort: Option<Sort>,
    reversed: bool,
    /// What neurons must have: see `filter`.
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    /// Until one is chosen, what the run has results for.
    focus: Option<Region>,
    /// Whether it fills the screen.
    zoomed: bool,
    /// The list that the neuron was opened from.
    from: Option<Region>,
    /// The category under the cursor of the bars.
    category: usize,
    chart: Chart,
    /// The group of neurons under the cursor of the curves.
    group: usize,
    overlay: Overlay,
    /// First line of the trees.
    scroll: usize,
    /// The runs that stand beside; none = those that the runs screen compares.
    beside: Vec<String>,
    /// None of them, whatever the runs screen compares.
    alone: bool,
    /// Columns and rows of the screen: see [`State::fit`].
    room: (u16, u16),
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Bars,
    Curves,
    Neurons,
    Pictures,
    Tree,
    Difference,
}

impl Region {
    /// In the order in which the key goes through them.
    const ALL: [Self; 6] =
        [Self::Bars, Self::Curves, Self::Neurons, Self::Pictures, Self::Tree, Self::Difference];

    fn word(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Curves => "curves",
            Self::Neurons => "neurons",
            Self::Pictures => "pictures",
            Self::Tree => "tree",
            Self::Difference => "difference",
        }
    }
}

impl State {
    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.filtering {
            &[Place::Text, Place::Global]
        } else {
            &[Place::Concepts, Place::Global]
        }
    }

    /// How many columns and rows the screen has: only what is visible is wanted.
    pub fn fit(&mut self, columns: u16, rows: u16) {
        self.room = (columns, rows);
    }

    /// This run stands beside from now on.
    pub fn put_beside(&mut self, run: String) {
        (self.beside, self.alone) = (vec![run], false);
    }

    /// The wheel goes to what is under it.
    pub fn point_at(&mut self, under: Click) {
        if let Click::Cell(Place::Concepts, region, _) = under {
            self.focus = region_of(region).or(self.focus);
        }
    }

    /// The ids of the runs that stand beside the selected one.
    fn others(&self, scene: &Scene<'_>) -> Vec<String> {
        if self.alone {
            return Vec::new();
        }
        let chosen = if self.beside.is_empty() { scene.compared } else { &self.beside };
        chosen.iter().filter(|id| Some(id.as_str()) != scene.selected).cloned().collect()
    }

    fn focus(&self, shown: &Shown<'_>) -> Region {
        let first =
            if shown.seen.meanings.dissected.is_some() { Region::Bars } else { Region::Curves };
        self.focus.unwrap_or(first)
    }
}

fn region_of(number: u16) -> Option<Region> {
    Region::ALL.into_iter().find(|region| *region as u16 == number)
}

/// The neuron that pictures and trees are of.
fn chosen<'s, 'a>(state: &State, shown: &'s Shown<'a>) -> Option<&'s Row<'a>> {
    let listed = shown.rows.iter().find(|row| Some(row.index) == state.neuron);
    let first = || match state.focus {
        Some(Region::Difference) => difference::order(shown).first().copied(),
        _ => shown.neuron(),
    };
    listed.or_else(first)
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        Back, CopyCommand, Filter, Left, NewRun, NextCurve, NextFocus, NextLayer, NextNeuron, Open,
        PreviousLayer, PreviousNeuron, ReverseSort, Right, ShowRuns, SideBySide, Sort, Zoom,
    };
    if state.filtering {
        return vec![Open, Back];
    }
    let Some(shown) = Shown::new(state, scene) else { return vec![ShowRuns, NewRun] };
    let mut hints = vec![NextFocus];
    hints.extend(match state.focus(&shown) {
        Region::Bars => vec![Open],
        Region::Curves => vec![NextCurve, Left, Right, Open],
        Region::Neurons => vec![Open, Filter, Sort, ReverseSort],
        Region::Pictures => vec![PreviousNeuron, NextNeuron, Action::Region, Back],
        Region::Tree => vec![PreviousNeuron, NextNeuron, Back],
        // Of one run alone there is nothing to open.
        Region::Difference if shown.changes.is_empty() => vec![SideBySide],
        Region::Difference => vec![Open, Filter],
    });
    hints.extend([PreviousLayer, NextLayer, SideBySide, Zoom, CopyCommand, Filter, Back]);
    // Some are named twice: the region's own place counts.
    let mut seen: Vec<Action> = Vec::new();
    hints.retain(|hint| {
        let is_new = !seen.contains(hint);
        seen.push(*hint);
        is_new
    });
    hints
}

/// What actions mean just now, where their own labels say too little.
pub fn words(state: &State) -> &'static [(Action, &'static str)] {
    use Action::{Left, NextCurve, NextFocus, Open, Right};
    match state.focus {
        None | Some(Region::Bars) => &[(NextFocus, "view"), (Open, "its neurons")],
        Some(Region::Curves) => &[
            (NextFocus, "view"),
            (NextCurve, "other curve"),
            (Left, "group"),
            (Right, "group"),
            (Open, "its neurons"),
        ],
        Some(Region::Neurons | Region::Difference) => &[(NextFocus, "view"), (Open, "pictures")],
        Some(Region::Pictures | Region::Tree) => &[(NextFocus, "view")],
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
        let inner = context.frame(Line::from("concepts"), area, buf);
        return empty::say(&empty::nothing(scene, context), context, inner, buf);
    };
    let focus = state.focus(&shown);
    let arrangement = Arrangement::of(area, focus, state.zoomed, Needs::of(&shown));
    layout::draw_strip(&shown, focus, context, arrangement.strip, buf, view);
    for (region, place) in arrangement.regions {
        if place.is_empty() {
            continue;
        }
        let context = &context.focus(context.focused && region == focus);
        let click = Click::Cell(Place::Concepts, region as u16, u16::MAX);
        view.clickable(place, click);
        match region {
            Region::Bars => bars::draw(state, &shown, scene, context, place, buf, view),
            Region::Curves => curves::draw(state, &shown, scene, context, place, buf),
            Region::Neurons => table::draw(state, &shown, context, place, buf, view),
            Region::Pictures => pictures::draw(state, &shown, scene, context, place, buf),
            Region::Tree => tree::draw(state, &shown, scene, context, place, buf),
            Region::Difference => difference::draw(state, &shown, scene, context, place, buf, view),
        }
    }
}

/// What it needs from the background: the chosen neuron's pictures first, then those of its
/// neighbours, so that the next key press finds them ready.
pub fn wants(state: &State, scene: &Scene<'_>) -> Wants {
    let mut runs: Vec<String> = scene.selected.map(str::to_owned).into_iter().collect();
    runs.extend(state.others(scene));
    let mut pictures = Vec::new();
    if let Some(shown) = Shown::new(state, scene) {
        let (width, height) = state.room;
        let area = Rect::new(0, 0, width, height);
        let focus = state.focus(&shown);
        let arrangement = Arrangement::of(area, focus, state.zoomed, Needs::of(&shown));
        let is_visible = arrangement.regions.iter().any(|(region, _)| *region == Region::Pictures);
        if let Some(row) = chosen(state, &shown).filter(|_| is_visible) {
            pictures::wants(state, &shown, row, &mut pictures);
            let at = shown.rows.iter().position(|other| other.index == row.index).unwrap_or(0);
            for near in [at.checked_add(1), at.checked_sub(1)].into_iter().flatten() {
                if let Some(row) = shown.rows.get(near) {
                    pictures::wants(state, &shown, row, &mut pictures);
                }
            }
        }
    }
    Wants { runs, pictures }
}
