//! The trace screen: from a prediction back to the neurons that brought it (SCIENCE §7). A list of
//! predictions, the picture with the network's answer, the influential neurons as bars, what the
//! chosen one likes; neurons switched off; the whole of it counted; a second run beside.
//!
//! ```text
//!  alexnet · conv5 · 96 predictions          predictions  answer  neurons  pictures  summary
//! ╭ 96 predictions by kind ──╮╭ ✗ wrong · cat, truly dog · 000012.png · without 147 ────────╮
//! │ ✗ wrong dog → cat   0.81 ││ ▀▀▀▀▀▀▀▀  ✗ cat  ▕███▏      ▏ 0.812 → 0.301  −0.511         │
//! │ ▲ adv   bus → dog   0.99 ││ ▀▀▀▀▀▀▀▀  ✓ dog  ▕█████▏    ▏ 0.112 → 0.544  +0.432         │
//! │ ✓ right dog         0.93 │╰─────────────────────────────────────────────────────────────╯
//! │                          │╭ neurons by probability ─────────────────────────────────────╮
//! │                          ││ ○ 147 ▕██████████████▏ +0.511  dog   8.31  7.90   43 %      │
//! ╰──────────────────────────╯╰─────────────────────────────────────────────────────────────╯
//! ```
//!
//! No maths here: every number is one of `results/trace.json`, `dissect.json` or `neurons.json`.

mod ablation;
mod answer;
mod beside;
mod empty;
mod filter;
mod influence;
mod keys;
mod layout;
mod list;
mod mosaic;
mod shown;
mod sort;
mod summary;
#[cfg(test)]
mod tests;

pub use self::beside::press as side_by_side;
pub use self::keys::{act, click};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::ablation::Off;
use self::layout::Arrangement;
use self::shown::{Key, Pane, Shown};
use self::sort::Sort;
use self::summary::Page;
use super::{Click, DrawContext, Scene, View, Wants};
use crate::tui::action::{Action, Place};
use crate::tui::widget::field::Field;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {
    /// The chosen prediction; it stays chosen when the order changes, and in another run.
    prediction: Option<Key>,
    /// The chosen neuron's index; until one is chosen, the most influential.
    neuron: Option<usize>,
    sort: Sort,
    reversed: bool,
    /// What predictions must have: see `filter`.
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    focus: Region,
    /// Whether it fills the screen.
    zoomed: bool,
    /// Until one is chosen, what the influential neurons were chosen by.
    measure: Option<Measure>,
    off: Off,
    page: Page,
    /// The row under the cursor of the summary.
    row: usize,
    /// The runs that stand beside; none = those that the runs screen compares.
    beside: Vec<String>,
    /// None of them, whatever the runs screen compares.
    alone: bool,
    /// Columns and rows of the screen: see [`State::fit`].
    room: (u16, u16),
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Region {
    #[default]
    Predictions,
    Answer,
    Neurons,
    Pictures,
    Summary,
}

impl Region {
    /// In the order in which the key goes through them.
    const ALL: [Self; 5] =
        [Self::Predictions, Self::Answer, Self::Neurons, Self::Pictures, Self::Summary];

    fn word(self) -> &'static str {
        match self {
            Self::Predictions => "predictions",
            Self::Answer => "answer",
            Self::Neurons => "neurons",
            Self::Pictures => "pictures",
            Self::Summary => "summary",
        }
    }
}

fn region_of(number: u16) -> Option<Region> {
    Region::ALL.into_iter().find(|region| *region as u16 == number)
}

/// What of the followed class a difference is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Probability,
    Logit,
}

impl Measure {
    /// What was chosen, else what the run chose its influential neurons by.
    fn of(state: &State, trace: &crate::run::results::trace::Trace) -> Self {
        let stored = if trace.measure == "logit" { Self::Logit } else { Self::Probability };
        state.measure.unwrap_or(stored)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Logit => "logit",
        }
    }
}

/// A neuron that the screen of neurons is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// The tap's name.
    pub layer: String,
    /// The channel.
    pub neuron: usize,
}

impl State {
    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.filtering { &[Place::Text, Place::Global] } else { &[Place::Trace, Place::Global] }
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
        if let Click::Cell(Place::Trace, region, _) = under {
            self.focus = region_of(region).unwrap_or(self.focus);
        }
    }

    /// The ids of the runs that may stand beside the selected one.
    fn others(&self, scene: &Scene<'_>) -> Vec<String> {
        if self.alone {
            return Vec::new();
        }
        let chosen = if self.beside.is_empty() { scene.compared } else { &self.beside };
        chosen.iter().filter(|id| Some(id.as_str()) != scene.selected).cloned().collect()
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        Back, CopyCommand, Filter, Measure, NewRun, NextCurve, NextFocus, NextNeuron,
        NextPrediction, Open, PreviousNeuron, PreviousPrediction, ReverseSort, ShowRuns,
        SideBySide, Sort, SwitchAllOn, SwitchOff, Zoom,
    };
    if state.filtering {
        return vec![Open, Back];
    }
    let Some(shown) = Shown::new(state, scene) else { return vec![ShowRuns, NewRun] };
    let mut hints = match state.focus {
        Region::Summary => vec![NextCurve, NextFocus, Open],
        _ => vec![PreviousPrediction, NextPrediction, SwitchOff],
    };
    if !shown.pane().off(state).is_empty() {
        hints.push(SwitchAllOn);
    }
    hints.extend(match state.focus {
        Region::Predictions => vec![NextFocus, Open, Filter, Sort],
        Region::Answer => vec![NextFocus, Open, Measure],
        Region::Neurons | Region::Pictures => {
            vec![Open, PreviousNeuron, NextNeuron, Measure, NextFocus]
        }
        Region::Summary => vec![],
    });
    hints.extend([SideBySide, NextCurve, Filter, Sort, ReverseSort, Measure, Zoom, CopyCommand]);
    hints.push(Back);
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
    use Action::{NextCurve, NextFocus, Open};
    match state.focus {
        Region::Predictions | Region::Answer => {
            &[(NextFocus, "view"), (Open, "neurons"), (NextCurve, "summary")]
        }
        Region::Neurons | Region::Pictures => {
            &[(NextFocus, "view"), (Open, "what it likes"), (NextCurve, "summary")]
        }
        Region::Summary => {
            &[(NextFocus, "view"), (Open, "its predictions"), (NextCurve, "next page")]
        }
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
        let inner = context.frame(Line::from("trace"), area, buf);
        return empty::say(&empty::nothing(scene, context), context, inner, buf);
    };
    let arrangement = Arrangement::of(area, state.focus, state.zoomed, shown.other.is_some());
    layout::draw_strip(state, &shown, context, arrangement.strip, buf, view);
    for (region, pane, place) in arrangement.regions {
        if place.is_empty() {
            continue;
        }
        let is_focused = region == state.focus && pane == 0;
        let context = &context.focus(context.focused && is_focused);
        view.clickable(place, Click::Cell(Place::Trace, region as u16, u16::MAX));
        match region {
            Region::Predictions => list::draw(state, &shown, context, place, buf, view),
            Region::Summary => summary::draw(state, &shown, context, place, buf, view),
            Region::Answer | Region::Neurons | Region::Pictures => {
                let pane = match shown.pane_at(pane) {
                    Ok(pane) => pane,
                    Err((run, why)) => {
                        let inner = context.frame(Line::from(run), place, buf);
                        empty::say(&why, context, inner, buf);
                        continue;
                    }
                };
                draw_pane(state, region, &pane, scene, context, (place, buf, view));
            }
        }
    }
}

fn draw_pane(
    state: &State,
    region: Region,
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    (place, buf, view): (Rect, &mut Buffer, &mut View),
) {
    match region {
        Region::Answer => answer::draw(state, pane, scene, context, place, buf),
        Region::Neurons => influence::draw(state, pane, context, place, buf, view),
        _ => mosaic::draw(pane, scene, context, place, buf, view),
    }
}

/// What it needs from the background: the chosen prediction's picture first, then what its chosen
/// neuron likes, then the pictures beside it in the list, so that the next key press finds them
/// ready.
pub fn wants(state: &State, scene: &Scene<'_>) -> Wants {
    let mut runs: Vec<String> = scene.selected.map(str::to_owned).into_iter().collect();
    runs.extend(state.others(scene));
    let mut pictures = Vec::new();
    let Some(shown) = Shown::new(state, scene) else { return Wants { runs, pictures } };
    let area = Rect::new(0, 0, state.room.0, state.room.1);
    let arrangement = Arrangement::of(area, state.focus, state.zoomed, shown.other.is_some());
    let panes = |of: Region| {
        let places = arrangement.regions.iter().filter(move |(region, ..)| *region == of);
        places.filter_map(|(_, pane, _)| shown.pane_at(*pane).ok())
    };
    for pane in panes(Region::Answer) {
        answer::wants(&pane, &mut pictures);
    }
    for pane in panes(Region::Pictures) {
        mosaic::wants(&pane, &mut pictures);
    }
    if panes(Region::Answer).next().is_some() {
        for at in [shown.at.checked_add(1), shown.at.checked_sub(1)].into_iter().flatten() {
            let prediction = shown.rows.get(at).map(|row| row.prediction);
            answer::wants(&Pane { prediction, ..shown.pane() }, &mut pictures);
        }
    }
    Wants { runs, pictures }
}
