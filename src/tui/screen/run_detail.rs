//! The right-hand side of the runs screen: curves, gauges, numbers and results of the selected run,
//! or the curves of several over one another.
//!
//! ```text
//! ╭ alexnet-7f3a · train · epoch 3 of 10 ───────────╮
//! │ why it waits or failed, and what to do          │
//! │ charts: two columns where there is room         │
//! │ gauges                                          │
//! │ 1,204 img/s · lr 0.0087 · 2.1 GiB · …           │
//! │ results                                         │
//! ╰─────────────────────────────────────────────────╯
//! ```

mod charts;
mod facts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Click, DrawContext, Scene, View, Wants};
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::history::SMOOTHING;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::log::Log;
use crate::tui::world::RunSummary;
use charts::Chart;
use facts::Plan;

/// What the user did to it.
#[derive(Debug)]
pub struct State {
    /// Level of [`SMOOTHING`].
    smoothing: usize,
    log: bool,
    /// The step under the value cursor.
    cursor: Option<u64>,
    /// Which chart comes first.
    chart: usize,
    /// How many lines the log is scrolled back.
    back: usize,
}

impl Default for State {
    fn default() -> Self {
        // 0.8: steady enough to read, quick enough to follow.
        Self { smoothing: 2, log: false, cursor: None, chart: 0, back: 0 }
    }
}

/// Draws the region with its frame.
pub fn draw(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    view.clickable(area, Click::Region(Place::Details));
    let Some(run) = scene.selected.and_then(|id| scene.world.run(id)) else {
        let inner = context.frame(Line::from("run"), area, buf);
        say(inner, "The curves of the selected run stand here.", context, buf);
        return;
    };
    if scene.compared.len() > 1 {
        let title = format!("{} runs compared", scene.compared.len());
        let inner = context.frame(Line::from(title), area, buf);
        return draw_comparison(state, scene, context, inner, buf, view);
    }
    let detail = scene.world.detail(&run.info.id);
    let plan = detail.map(|detail| Plan::of(&detail.spec)).unwrap_or_default();
    let place = facts::place(run, &plan);
    let room = usize::from(area.width).saturating_sub(text::width(&place) + 7);
    let name = text::fit(super::runs::short_name(&run.info.id), room.max(8));
    let title = text::fit(&format!("{name} · {place}"), usize::from(area.width).saturating_sub(4));
    let mut inner = context.frame(Line::from(title), area, buf);

    let used = facts::draw_messages(&facts::messages(run, context), context, inner, buf);
    inner = below(inner, used);
    let charts = charts::of(scene);
    let readings = facts::readings(run, detail);
    let width = usize::from(inner.width);
    let results = detail.map(|detail| facts::results(detail, width)).unwrap_or_default();
    let gauges = facts::gauge_rows(&readings, inner.width);
    let lines = [results.lines.len() - results.warnings, results.lines.len()];
    let rows = Rows::share(inner.height, gauges, lines.map(|l| l as u16), !charts.is_empty());

    let [charts_area, gauges_area, numbers_area, results_area] = rows.split(inner);
    charts::draw(&charts, state, context, charts_area, buf, view);
    if charts.is_empty() {
        say(charts_area, nothing_yet(run), context, buf);
    }
    facts::draw_gauges(&readings, context, gauges_area, buf);
    if !numbers_area.is_empty() {
        let room = usize::from(inner.width);
        let numbers = facts::numbers(run, room);
        let style = context.style(Role::Text);
        buf.set_stringn(inner.x, numbers_area.y, text::clean(&numbers), room, style);
    }
    let results = results.fitting(usize::from(results_area.height));
    for (y, (role, line)) in (results_area.y..results_area.bottom()).zip(&results) {
        let line = text::fit(line, width);
        buf.set_string(inner.x, y, line, context.style(*role));
    }
}

fn draw_comparison(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let charts = charts::of(scene);
    let runs = (scene.compared.len() as u16).min(inner.height / 3);
    let upper = Rect { height: inner.height - runs, ..inner };
    if charts.is_empty() {
        say(
            upper,
            "The curves of the marked runs come here once they have measured something.",
            context,
            buf,
        );
    }
    charts::draw(&charts, state, context, upper, buf, view);
    facts::draw_compared(scene, context, below(inner, inner.height - runs), buf);
}

/// Draws the log of the selected run with its frame.
pub fn draw_log(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    view.clickable(area, Click::Region(Place::Details));
    let title =
        if state.back > 0 { format!("log · {} newer below", state.back) } else { "log".into() };
    let inner = context.frame(Line::from(title), area, buf);
    let detail = scene.selected.and_then(|id| scene.world.detail(id));
    let lines = detail.map(|detail| detail.log.as_slice()).unwrap_or_default();
    let log = Log {
        lines,
        back: state.back.min(lines.len().saturating_sub(1)),
        empty: "What the run does and when, in words, newest below.",
        theme: context.theme,
    };
    log.draw(inner, buf);
}

/// How many rows each part gets.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    charts: u16,
    gauges: u16,
    numbers: u16,
    results: u16,
}

impl Rows {
    /// Curves first, then gauges and numbers, then results; the rest goes to the curves. Results
    /// are all of a table, and of the warnings below it as many as there is room for.
    fn share(height: u16, gauges: u16, [table, all]: [u16; 2], has_charts: bool) -> Self {
        let least = if has_charts { charts::LEAST_HEIGHT.min(height) } else { 1.min(height) };
        let mut left = height - least;
        let mut take = |wanted: u16| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let (gauges, numbers) = (take(gauges), take(1));
        // Half a table says less than none, and needs a blank row above it. Where warnings must go,
        // a row says so.
        let blank = u16::from(all > 0);
        let least = table + u16::from(all > table) + blank;
        let whole = all + blank;
        let fits = take(least) == least;
        let results = if fits { least - blank + take(whole - least) } else { 0 };
        let used = gauges + numbers + results + u16::from(results > 0);
        Self { charts: height - used, gauges, numbers, results }
    }

    fn split(&self, area: Rect) -> [Rect; 4] {
        let mut y = area.y;
        let mut next = |height: u16| {
            let part = Rect { y, height, ..area };
            y += height;
            part
        };
        let (charts, gauges) = (next(self.charts), next(self.gauges));
        let numbers = next(self.numbers);
        next(u16::from(self.results > 0));
        [charts, gauges, numbers, next(self.results)]
    }
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

fn nothing_yet(run: &RunSummary) -> &'static str {
    match run.status {
        Status::Queued => "Curves begin when the run has its device.",
        Status::Starting => "Opening data and model; curves begin with the first step.",
        Status::Running | Status::Paused => "Curves begin with the first measurement.",
        _ => "This run measured nothing over time.",
    }
}

fn say(area: Rect, sentence: &str, context: &DrawContext<'_>, buf: &mut Buffer) {
    let room = usize::from(area.width);
    let lines = text::wrap(sentence, room);
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (y, line) in (top..area.bottom()).zip(lines) {
        buf.set_stringn(area.x, y, line, room, context.style(Role::Muted));
    }
}

/// Does what was asked for; `None` = not mine.
pub fn act(state: &mut State, action: Action, scene: &Scene<'_>) -> Option<Vec<Effect>> {
    match action {
        Action::SmoothMore => state.smoothing = (state.smoothing + 1).min(SMOOTHING.len() - 1),
        Action::SmoothLess => state.smoothing = state.smoothing.saturating_sub(1),
        Action::SmoothOff => state.smoothing = 0,
        Action::LogScale => state.log = !state.log,
        Action::NextCurve => state.chart = next_chart(state, scene, 1),
        Action::PreviousCurve => state.chart = next_chart(state, scene, -1),
        Action::Left => move_cursor(state, &charts::of(scene), false),
        Action::Right => move_cursor(state, &charts::of(scene), true),
        Action::First => state.cursor = Some(*charts::steps(&charts::of(scene)).start()),
        Action::Last => state.cursor = Some(*charts::steps(&charts::of(scene)).end()),
        Action::Up => state.back = (state.back + 1).min(log_length(scene).saturating_sub(1)),
        Action::Down => state.back = state.back.saturating_sub(1),
        Action::PageUp => state.back = (state.back + 10).min(log_length(scene).saturating_sub(1)),
        Action::PageDown => state.back = state.back.saturating_sub(10),
        Action::Back if state.cursor.is_some() || state.back > 0 => {
            state.cursor = None;
            state.back = 0;
        }
        _ => return None,
    }
    Some(Vec::new())
}

fn next_chart(state: &State, scene: &Scene<'_>, by: isize) -> usize {
    let count = charts::of(scene).len().max(1);
    (state.chart % count).wrapping_add_signed(by + count as isize) % count
}

fn move_cursor(state: &mut State, charts: &[Chart<'_>], forward: bool) {
    let range = charts::steps(charts);
    let next = match state.cursor {
        // The cursor comes in from the end: there is what is happening now.
        None => Some(*range.end()),
        Some(step) => charts::neighbour(charts, step, forward),
    };
    state.cursor = next.or(state.cursor);
}

fn log_length(scene: &Scene<'_>) -> usize {
    scene.selected.and_then(|id| scene.world.detail(id)).map_or(0, |detail| detail.log.len())
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click, _scene: &Scene<'_>) -> Vec<Effect> {
    if let Click::Step(Place::Details, step) = click {
        state.cursor = Some(step);
    }
    Vec::new()
}

/// What it needs from the background.
pub fn wants(_state: &State, scene: &Scene<'_>) -> Wants {
    let mut runs = scene.compared.to_vec();
    if let Some(id) = scene.selected.filter(|id| !runs.iter().any(|run| run == id)) {
        runs.insert(0, id.to_owned());
    }
    Wants { runs, pictures: Vec::new() }
}

#[cfg(test)]
mod tests;
