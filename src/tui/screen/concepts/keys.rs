//! What keys and clicks do on the concepts screen.

use super::curves::{self, Chart};
use super::shown::Shown;
use super::sort::Sort;
use super::table::HEADS;
use super::{Region, State, bars, chosen, difference, region_of, tree};
use crate::run::results::dissect::ALL;
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
    let Some(shown) = Shown::new(state, scene) else {
        // Nothing to filter or to enlarge.
        (state.filtering, state.zoomed) = (false, false);
        let had_neighbours = action == Action::Back && !state.beside.is_empty();
        if had_neighbours {
            state.beside.clear();
        }
        return had_neighbours.then(Vec::new);
    };
    let focus = state.focus(&shown);
    if state.filtering {
        return filter(state, action, &shown, focus, page);
    }
    match action {
        Action::NextNeuron => walk(state, &shown, focus, Action::Down, 1)?,
        Action::PreviousNeuron => walk(state, &shown, focus, Action::Up, 1)?,
        Action::NextLayer => return Some(change_layer(state, &shown, 1)),
        Action::PreviousLayer => {
            return Some(change_layer(state, &shown, shown.layers.len() - 1));
        }
        Action::Sort => {
            state.neuron = chosen(state, &shown).map(|row| row.index);
            (state.sort, state.reversed) = (Some(shown.sort.next(&shown.seen.meanings)), false);
        }
        Action::ReverseSort => {
            state.neuron = chosen(state, &shown).map(|row| row.index);
            state.reversed = !state.reversed;
        }
        Action::Filter => {
            state.filtering = true;
            if focus != Region::Difference {
                go(state, Region::Neurons);
            }
        }
        Action::Region => return Some(turn_overlay(state, &shown)),
        Action::NextCurve | Action::PreviousCurve => {
            let by = if action == Action::NextCurve { 1 } else { 3 };
            state.chart = Chart::of(state.chart, &shown).next(by, &shown);
            go(state, Region::Curves);
        }
        Action::NextFocus => go(state, beside(focus, 1)),
        Action::PreviousFocus => go(state, beside(focus, Region::ALL.len() - 1)),
        Action::Zoom => {
            go(state, focus);
            state.zoomed = !state.zoomed;
        }
        Action::CopyCommand => return Some(command(state, &shown, focus)),
        Action::Back => return back(state, focus).then(Vec::new),
        action => return in_region(state, action, &shown, focus, page).then(Vec::new),
    }
    Some(Vec::new())
}

fn go(state: &mut State, region: Region) {
    state.focus = Some(region);
}

fn beside(focus: Region, by: usize) -> Region {
    let at = Region::ALL.iter().position(|region| *region == focus).unwrap_or(0);
    Region::ALL[(at + by) % Region::ALL.len()]
}

/// One layer back; `false` = there is none.
fn back(state: &mut State, focus: Region) -> bool {
    if state.zoomed {
        state.zoomed = false;
    } else if let Some(from) =
        state.from.filter(|_| matches!(focus, Region::Pictures | Region::Tree))
    {
        state.from = None;
        go(state, from);
    } else if !state.filter.is_empty() {
        state.filter = Field::default();
    } else if !state.beside.is_empty() {
        state.beside.clear();
    } else {
        return false;
    }
    true
}

/// A key for the region that has the focus; `false` = not mine.
fn in_region(
    state: &mut State,
    action: Action,
    shown: &Shown<'_>,
    focus: Region,
    page: usize,
) -> bool {
    match (focus, action) {
        (Region::Bars, Action::Open) => {
            let categories = bars::categories(shown);
            let last = categories.len().saturating_sub(1);
            let Some(category) = categories.get(state.category.min(last)) else { return false };
            let words = if category == ALL {
                "detector".to_owned()
            } else {
                format!("{} detector", term("category", category))
            };
            narrow(state, &words);
        }
        (Region::Bars, action) => {
            let count = bars::categories(shown).len();
            let at = state.category.min(count.saturating_sub(1));
            let Some(at) = moved(action, at, count, page) else { return false };
            state.category = at;
        }
        (Region::Curves, Action::Open) => {
            let Some((_, group)) = curves::group(state, shown) else { return false };
            let [low, high] = group.lc_range;
            narrow(state, &format!("lc>={low} lc<={high}"));
        }
        (Region::Curves, action) => {
            let count = shown.seen.meanings.levels.map_or(0, |layer| layer.groups.len());
            let last = count.saturating_sub(1);
            let at = state.group.min(last);
            state.group = match action {
                Action::Left => at.saturating_sub(1),
                Action::Right => (at + 1).min(last),
                Action::First => 0,
                Action::Last => last,
                _ => return false,
            };
        }
        (Region::Neurons | Region::Difference, Action::Open | Action::Right) => {
            open(state, shown, focus);
        }
        (Region::Tree, Action::Up | Action::Down | Action::PageUp | Action::PageDown) => {
            let length = chosen(state, shown).map_or(0, |row| tree::length(shown, row));
            let at = state.scroll.min(length.saturating_sub(1));
            state.scroll = moved(action, at, length, page).unwrap_or(at);
        }
        (Region::Pictures, Action::Open) => go(state, Region::Tree),
        (Region::Tree, Action::Open) => go(state, Region::Pictures),
        (_, action) => return walk(state, shown, focus, action, page).is_some(),
    }
    true
}

/// Moves in the list that has the focus; `None` = that does not move.
fn walk(
    state: &mut State,
    shown: &Shown<'_>,
    focus: Region,
    action: Action,
    page: usize,
) -> Option<()> {
    let list =
        if focus == Region::Difference { focus } else { state.from.unwrap_or(Region::Neurons) };
    let indices: Vec<usize> = if list == Region::Difference {
        difference::order(shown).iter().map(|row| row.index).collect()
    } else {
        shown.rows.iter().map(|row| row.index).collect()
    };
    let at = chosen(state, shown).map(|row| row.index);
    let at = indices.iter().position(|index| Some(*index) == at).unwrap_or(0);
    let to = moved(action, at, indices.len(), page)?;
    state.neuron = indices.get(to).copied();
    state.scroll = 0;
    Some(())
}

/// Shows the chosen neuron's pictures.
fn open(state: &mut State, shown: &Shown<'_>, from: Region) {
    let Some(index) = chosen(state, shown).map(|row| row.index) else { return };
    (state.neuron, state.from, state.scroll) = (Some(index), Some(from), 0);
    // Of a run that was not dissected there are no labelled pictures, but a tree.
    let has_pictures = shown.seen.meanings.dissected.is_some();
    go(state, if has_pictures { Region::Pictures } else { Region::Tree });
}

/// Lists only what a bar or a point of a curve stands for.
fn narrow(state: &mut State, filter: &str) {
    state.filter = Field::new(filter);
    (state.neuron, state.zoomed) = (None, false);
    go(state, Region::Neurons);
}

/// A term of the filter, in quotes where its word has blanks.
fn term(name: &str, word: &str) -> String {
    if word.contains(char::is_whitespace) {
        format!("{name}:\"{word}\"")
    } else {
        format!("{name}:{word}")
    }
}

fn change_layer(state: &mut State, shown: &Shown<'_>, by: usize) -> Vec<Effect> {
    let count = shown.layers.len();
    if count < 2 {
        let words = format!("'{}' is the only layer that was looked at", shown.layer);
        return vec![Effect::Notify(Notice::info(words))];
    }
    let layer = shown.layers.get((shown.layer_place() + by) % count);
    state.layer = layer.map(|layer| (*layer).to_owned());
    (state.neuron, state.scroll) = (None, 0);
    Vec::new()
}

fn turn_overlay(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let neuron = chosen(state, shown).and_then(|row| row.meaning.dissected);
    if neuron.is_some_and(|neuron| neuron.outlines.is_none()) {
        let words = "no outlines were kept of this neuron: neither where it fires nor its concept";
        return vec![Effect::Notify(Notice::info(words))];
    }
    state.overlay = state.overlay.next();
    Vec::new()
}

/// The command that writes what is on the screen, as far as one does: a notice says what it leaves
/// out.
fn command(state: &State, shown: &Shown<'_>, focus: Region) -> Vec<Effect> {
    let runs: Vec<String> = shown.runs().iter().map(|seen| quoted(seen.run)).collect();
    let command = format!("glassbox report {} --format md", runs.join(" "));
    let mut effects = vec![Effect::Copy(command)];
    let left_out = match focus {
        Region::Pictures => Some("the labelled pictures are on the screen alone"),
        _ if !state.filter.is_empty() => Some("the command's tables are of all neurons: no filter"),
        _ => None,
    };
    effects.extend(left_out.map(|words| Effect::Notify(Notice::warning(words))));
    effects
}

fn filter(
    state: &mut State,
    action: Action,
    shown: &Shown<'_>,
    focus: Region,
    page: usize,
) -> Option<Vec<Effect>> {
    match state.filter.narrow(&mut state.filtering, action) {
        // What is wrong must not be taken for a filter that keeps everything.
        Narrowed::Done if !state.filtering && !state.filter.is_empty() => {
            let told = shown.problem.iter();
            return Some(told.map(|told| Effect::Notify(Notice::warning(told))).collect());
        }
        Narrowed::Done => {}
        Narrowed::Moves => walk(state, shown, focus, action, page)?,
        Narrowed::NotMine => return None,
    }
    Some(Vec::new())
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) -> Vec<Effect> {
    let Some(shown) = Shown::new(state, scene) else { return Vec::new() };
    let Click::Cell(Place::Concepts, number, at) = click else { return Vec::new() };
    if let Some(sort) = Sort::at(at).filter(|_| number == HEADS) {
        state.neuron = chosen(state, &shown).map(|row| row.index);
        // On what it is sorted by already: the other way round.
        state.reversed = sort == shown.sort && !state.reversed;
        state.sort = Some(sort);
        go(state, Region::Neurons);
        return Vec::new();
    }
    let Some(region) = region_of(number) else { return Vec::new() };
    let had_focus = state.focus(&shown) == region;
    go(state, region);
    if at == u16::MAX {
        return Vec::new();
    }
    let at = usize::from(at);
    // On what is chosen already: open it.
    match region {
        Region::Bars if had_focus && state.category == at => {
            in_region(state, Action::Open, &shown, region, 1);
        }
        Region::Bars => state.category = at,
        Region::Neurons | Region::Difference => {
            let rows = difference::order(&shown);
            let row = if region == Region::Difference {
                rows.get(at).copied()
            } else {
                shown.rows.get(at)
            };
            let index = row.map(|row| row.index);
            let is_chosen = had_focus && index == chosen(state, &shown).map(|row| row.index);
            state.neuron = index;
            if is_chosen {
                open(state, &shown, region);
            }
        }
        _ => {}
    }
    Vec::new()
}
