//! The runs screen: the list of runs, and beside it what the selected one does.
//!
//! ```text
//! wide                        narrow            low: the focused one alone
//! ╭ runs ────╮╭ run ───────╮  ╭ runs ────────╮  ╭ runs ────────╮
//! ╰──────────╯╰────────────╯  ╰──────────────╯  │              │
//! ╭ log ───────────────────╮  ╭ run ─────────╮  │              │
//! ╰────────────────────────╯  ╰──────────────╯  ╰──────────────╯
//! ```

mod list;
#[cfg(test)]
mod tests;

pub use list::short_names;

pub use crate::run::folder::short_name;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Click, DrawContext, Scene, View, run_detail};
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::effect::{Effect, Order};
use crate::tui::message::Notice;
use crate::tui::shell::quoted;
use crate::tui::widget::field::{Field, Narrowed};
use crate::tui::widget::list::moved;
use crate::tui::world::{RunSummary, World};

/// Below this many columns the details go under the list.
const WIDE: u16 = 100;
/// Columns that a list with whole names takes.
const NAMES: u16 = 48;
/// Below this many rows (and [`WIDE`]) only the focused region is shown.
const LOW: u16 = 18;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {
    /// The run under the cursor.
    pub selected: Option<String>,
    /// Marked runs.
    pub marked: BTreeSet<String>,
    /// Whether the marked runs are laid over one another.
    pub comparing: bool,
    /// Which region has the focus.
    pub focus: Focus,
    /// The text that runs must contain (`!text`: must not).
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    /// Whether the focused region fills the screen.
    pub zoomed: bool,
    /// Share of the list, in percent; `None` = what suits the size.
    pub split: Option<u16>,
}

/// A region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The list.
    #[default]
    List,
    /// The right-hand side.
    Details,
}

impl State {
    /// The runs that the filter lets through, newest first.
    pub fn shown<'w>(&self, world: &'w World) -> Vec<&'w RunSummary> {
        let wanted = self.filter.text().to_lowercase();
        let (wanted, keep) = match wanted.strip_prefix('!') {
            Some(unwanted) => (unwanted, false),
            None => (wanted.as_str(), true),
        };
        let runs = world.runs.iter().map(AsRef::as_ref);
        if wanted.is_empty() {
            return runs.collect();
        }
        runs.filter(|run| list::searched(run).contains(wanted) == keep).collect()
    }

    /// Keeps cursor and marks on runs that exist. To be called when runs or filter changed.
    pub fn settle(&mut self, world: &World) {
        self.marked.retain(|id| world.run(id).is_some());
        if self.marked.is_empty() {
            self.comparing = false;
        }
        let shown = self.shown(world);
        let there = |id: &String| shown.iter().any(|run| run.info.id == *id);
        if !self.selected.as_ref().is_some_and(there) {
            // Whoever comes back wants to see what is at work, not what was started last.
            let is_at_work = |run: &&&RunSummary| {
                matches!(run.status, Status::Starting | Status::Running | Status::Paused)
            };
            let at_work = shown.iter().find(is_at_work).filter(|_| self.selected.is_none());
            self.selected = at_work.or(shown.first()).map(|run| run.info.id.clone());
        }
        if self.selected.is_none() {
            self.focus = Focus::List;
        }
    }

    /// The runs that are compared, the selected one first if it is marked; empty = no comparison.
    pub fn compared(&self) -> Vec<String> {
        if !self.comparing {
            return Vec::new();
        }
        let mut ids: Vec<String> = self.marked.iter().rev().cloned().collect();
        if let Some(at) = self.selected.as_ref().and_then(|id| ids.iter().position(|i| i == id)) {
            ids[..=at].rotate_right(1);
        }
        ids
    }

    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        match (self.filtering, self.focus) {
            (true, _) => &[Place::Text, Place::Global],
            (false, Focus::List) => &[Place::Runs, Place::Global],
            (false, Focus::Details) => &[Place::Details, Place::Runs, Place::Global],
        }
    }

    /// Drags the border between the regions of `area` to a cell.
    pub fn drag(&mut self, area: Rect, column: u16, row: u16) {
        let (at, all) = if area.width >= WIDE {
            (column.saturating_sub(area.x), area.width)
        } else {
            (row.saturating_sub(area.y), area.height)
        };
        let percent = u32::from(at) * 100 / u32::from(all.max(1));
        self.split = Some((percent as u16).clamp(20, 80));
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        Back, ClearMarks, Compare, Filter, LogScale, Mark, NewRun, NextFocus, Open, Pause, Resume,
        SmoothLess, SmoothMore, Stop, WriteReport, Zoom,
    };
    if state.filtering {
        return vec![Open, Back];
    }
    let status = scene.selected.and_then(|id| scene.world.run(id)).map(|run| run.status);
    let steering: &[Action] = match status {
        Some(Status::Stopped | Status::Failed | Status::Lost) => &[Resume],
        Some(Status::Finished) => &[WriteReport],
        None => &[],
        Some(Status::Paused) => &[Resume, Stop],
        Some(Status::Queued) => &[Stop],
        Some(_) => &[Pause, Stop],
    };
    if state.focus == Focus::Details {
        let mut hints = vec![Back, SmoothMore, SmoothLess, LogScale, Zoom, Compare];
        hints.extend(steering);
        return hints;
    }
    let mut hints = vec![NewRun];
    if status.is_none() {
        // Without a run there is nothing to look at; a filter that hides all of them goes by Esc.
        hints.extend((!state.filter.is_empty()).then_some(Back));
        return hints;
    }
    hints.extend(steering);
    hints.extend([Open, Mark]);
    if !state.marked.is_empty() {
        hints.extend([Compare, ClearMarks]);
    }
    hints.extend([SmoothMore, SmoothLess, LogScale, Filter, NextFocus]);
    hints
}

/// Does what was asked for; `None` = not mine.
pub fn act(
    state: &mut State,
    detail: &mut run_detail::State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    if state.filtering {
        return filter(state, action, scene, page);
    }
    if state.focus == Focus::Details
        && let Some(effects) = run_detail::act(detail, action, scene)
    {
        return Some(effects);
    }
    let selected = scene.selected.and_then(|id| scene.world.run(id));
    match action {
        Action::NextFocus | Action::PreviousFocus => {
            state.focus = match state.focus {
                Focus::List if selected.is_some() => Focus::Details,
                _ => Focus::List,
            };
        }
        Action::Open if state.focus == Focus::List && selected.is_some() => {
            state.focus = Focus::Details;
        }
        Action::Back if state.zoomed => state.zoomed = false,
        Action::Back if state.focus == Focus::Details => state.focus = Focus::List,
        Action::Back if state.comparing => state.comparing = false,
        Action::Back if !state.filter.is_empty() => {
            state.filter = Field::default();
            state.settle(scene.world);
        }
        Action::Zoom => state.zoomed = !state.zoomed,
        Action::Filter => {
            state.focus = Focus::List;
            state.filtering = true;
        }
        Action::Mark => {
            let id = scene.selected?.to_owned();
            if !state.marked.remove(&id) {
                state.marked.insert(id);
            }
            state.settle(scene.world);
            if state.focus == Focus::List {
                return Some(select(state, Action::Down, scene, page).unwrap_or_default());
            }
        }
        Action::ClearMarks => {
            state.marked.clear();
            state.comparing = false;
        }
        Action::Compare => return Some(compare(state, scene)),
        Action::Pause => return Some(pause(selected?)),
        Action::Checkpoint => return Some(order(selected?, Order::Checkpoint)),
        Action::Resume => return Some(resume(selected?)),
        Action::EditSpec => {
            return Some(vec![Effect::EditSpec(selected?.folder.join("spec.toml"))]);
        }
        Action::CopyCommand => {
            let run = quoted(&selected?.info.id);
            return Some(vec![Effect::Copy(format!("glassbox show {run}"))]);
        }
        action if state.focus == Focus::List => {
            return select(state, action, scene, page)
                // Smoothing and scale work from the list too.
                .or_else(|| run_detail::act(detail, action, scene));
        }
        _ => return None,
    }
    Some(Vec::new())
}

fn select(
    state: &mut State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    let shown = state.shown(scene.world);
    let at = shown.iter().position(|run| Some(run.info.id.as_str()) == scene.selected);
    let to = moved(action, at.unwrap_or(0), shown.len(), page)?;
    state.selected = shown.get(to).map(|run| run.info.id.clone());
    Some(Vec::new())
}

fn filter(
    state: &mut State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    match state.filter.narrow(&mut state.filtering, action) {
        Narrowed::Done => {}
        Narrowed::Moves => return select(state, action, scene, page),
        Narrowed::NotMine => return None,
    }
    state.settle(scene.world);
    Some(Vec::new())
}

fn compare(state: &mut State, scene: &Scene<'_>) -> Vec<Effect> {
    if state.comparing {
        state.comparing = false;
        return Vec::new();
    }
    // One mark and the cursor elsewhere: those two are meant.
    if let (1, Some(id)) = (state.marked.len(), scene.selected) {
        state.marked.insert(id.to_owned());
    }
    if state.marked.len() < 2 {
        let text = "mark two or more runs first, then compare them";
        return vec![Effect::Notify(Notice::info(text))];
    }
    state.comparing = true;
    Vec::new()
}

fn order(run: &RunSummary, order: Order) -> Vec<Effect> {
    if !run.status.is_live() {
        let text = format!("{} is not running", short_name(&run.info.id));
        return vec![Effect::Notify(Notice::info(text))];
    }
    // A waiting worker would take the request and forget it.
    if run.status == Status::Queued && matches!(order, Order::Pause | Order::Checkpoint) {
        let name = short_name(&run.info.id);
        let text = format!("{name} waits for its device: it has not begun yet");
        return vec![Effect::Notify(Notice::info(text))];
    }
    vec![Effect::Control { run: run.info.id.clone(), order }]
}

fn pause(run: &RunSummary) -> Vec<Effect> {
    order(run, if run.status == Status::Paused { Order::Resume } else { Order::Pause })
}

fn resume(run: &RunSummary) -> Vec<Effect> {
    match run.status {
        Status::Stopped | Status::Failed | Status::Lost => {
            vec![Effect::ResumeRun { run: run.info.id.clone() }]
        }
        Status::Paused => order(run, Order::Resume),
        Status::Finished => {
            vec![Effect::Notify(Notice::info("the run is finished: nothing is left to do"))]
        }
        _ => vec![Effect::Notify(Notice::info("the run is going already"))],
    }
}

/// A click on the list.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) {
    match click {
        Click::Row(Place::Runs, row) => {
            let target = state.shown(scene.world).get(row).map(|run| run.info.id.clone());
            if target.is_some() {
                // On what is selected already: open it.
                state.focus = if target == state.selected { Focus::Details } else { Focus::List };
                state.selected = target;
            }
        }
        Click::Region(Place::Runs) => state.focus = Focus::List,
        Click::Region(Place::Details) | Click::Row(Place::Details, _)
            if state.selected.is_some() =>
        {
            state.focus = Focus::Details;
        }
        _ => {}
    }
}

/// Draws it.
pub fn draw(
    state: &State,
    detail: &run_detail::State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let in_list = state.focus == Focus::List;
    let alone = state.zoomed || (area.width < WIDE && area.height < LOW);
    let log = if scene.selected.is_some() { log_height(area, alone, in_list) } else { 0 };
    let bottom = Rect { y: area.bottom() - log, height: log, ..area };
    let area = Rect { height: area.height - log, ..area };
    if log > 0 {
        run_detail::draw_log(detail, scene, &context.focus(false), bottom, buf, view);
    }
    let (left, right) = if alone {
        if in_list { (area, Rect::ZERO) } else { (Rect::ZERO, area) }
    } else {
        split(state, scene, area)
    };
    if !left.is_empty() {
        view.clickable(left, Click::Region(Place::Runs));
        list::draw(state, scene, &context.focus(in_list), left, buf, view);
    }
    if !right.is_empty() {
        view.clickable(right, Click::Region(Place::Details));
        run_detail::draw(detail, scene, &context.focus(!in_list), right, buf, view);
    }
    if !alone {
        let border = if area.width >= WIDE {
            Rect { x: right.x.saturating_sub(1), width: 2.min(right.width), ..right }
        } else {
            Rect { height: 1, ..right }
        };
        view.clickable(border.intersection(area), Click::Border(area));
    }
}

/// Rows for the log below the regions. A narrow screen shows it only beside the zoomed details.
fn log_height(area: Rect, alone: bool, in_list: bool) -> u16 {
    let room = if alone { !in_list } else { area.width >= WIDE };
    if room && area.height >= 20 { (area.height / 6).clamp(3, 10) } else { 0 }
}

fn split(state: &State, scene: &Scene<'_>, area: Rect) -> (Rect, Rect) {
    let share = |all: u16, percent: u16| (u32::from(all) * u32::from(percent) / 100) as u16;
    if area.width >= WIDE {
        let width = match state.split {
            Some(percent) => share(area.width, percent),
            // Room for names, also where the screen is only just wide.
            None => share(area.width, 42).clamp(NAMES, 82),
        };
        let left = Rect { width, ..area };
        (left, Rect { x: area.x + width, width: area.width - width, ..area })
    } else {
        let height = match state.split {
            Some(percent) => share(area.height, percent),
            // As many rows as there are runs, but never more than a third.
            None => (scene.world.runs.len() as u16 + 2).clamp(4, (area.height / 3).max(4)),
        };
        let height = height.clamp(3, area.height);
        let top = Rect { height, ..area };
        (top, Rect { y: area.y + height, height: area.height - height, ..area })
    }
}
