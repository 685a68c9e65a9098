//! The list of runs: one line each, columns that keep their place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::State;
use crate::run::folder::short_name;
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::glyphs::StatusSign;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;
use crate::tui::world::RunSummary;

/// From this many columns on, clean and adversarial accuracy get columns of their own.
const ROOMY: u16 = 62;

/// A sentence with the ids in it shortened.
pub fn short_names(sentence: &str) -> String {
    sentence.split(' ').map(short_name).collect::<Vec<_>>().join(" ")
}

/// What a filter looks at.
pub(super) fn searched(run: &RunSummary) -> String {
    let word = StatusSign::of(run.status).word;
    format!("{} {} {word}", run.info.id, run.info.title).to_lowercase()
}

pub(super) fn draw(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let shown = state.shown(scene.world);
    let at = shown.iter().position(|run| Some(run.info.id.as_str()) == scene.selected);
    let all = scene.world.runs.len();
    let mut title = match at {
        Some(at) if shown.len() == all => format!("runs {} of {all}", at + 1),
        Some(at) => format!("runs {} of {} of {all}", at + 1, shown.len()),
        None => "runs".into(),
    };
    if !state.marked.is_empty() {
        title = format!("{title} · {} marked", state.marked.len());
    }
    let mut title = Line::from(Span::raw(title));
    if !state.filter.is_empty() && !state.filtering {
        title.push_span(Span::styled(
            format!(" · /{}", text::fit(state.filter.text(), 16)),
            context.style(Role::Warning),
        ));
    }
    let mut inner = context.frame(title, area, buf);
    if state.filtering && inner.height > 0 {
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        buf.set_stringn(row.x, row.y, "/", row.width.into(), context.style(Role::Key));
        let field = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
        state.filter.draw(context, field.intersection(row), buf, view);
        inner.height -= 1;
    }
    inner.height -= draw_unreadable(scene, context, inner, buf);
    if shown.is_empty() {
        empty(state, scene, context, inner, buf);
        return;
    }
    if inner.width >= ROOMY && inner.height >= 4 {
        let head = Rect { height: 1, ..inner };
        let columns = Columns::new(head);
        let style = context.style(Role::Muted);
        columns.left(buf, columns.name, "run", style);
        columns.right(buf, columns.what, "done", style);
        columns.right(buf, columns.clean, "clean", style);
        columns.right(buf, columns.adversarial, "attack", style);
        columns.right(buf, columns.time, "left, begun", style);
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let names = shown.iter().map(|run| text::width(short_name(&run.info.id)));
    let widest = names.max().unwrap_or(0) as u16;
    let first = view.scroll(Place::Runs, at.unwrap_or(0), shown.len(), inner.height.into());
    for ((number, run), row) in shown.iter().enumerate().skip(first).zip(inner.rows()) {
        let marked = state.marked.contains(&run.info.id);
        draw_row(run, widest, Some(number) == at, marked, context, row, buf);
        view.clickable(row, Click::Row(Place::Runs, number));
    }
}

/// What lies in the runs folder and cannot be read, at the bottom; answers how many rows that took.
fn draw_unreadable(
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> u16 {
    // More would push the runs away.
    const MOST: usize = 3;
    let folders = &scene.world.unreadable;
    let rows = folders.len().min(MOST).min(usize::from(area.height / 3));
    let top = area.bottom() - rows as u16;
    for (at, (id, reason)) in folders.iter().take(rows).enumerate() {
        let rest = folders.len() - at;
        let line = if at + 1 == rows && rest > 1 {
            format!("! and {rest} more; glassbox runs names all")
        } else {
            format!("! unreadable  {}: {reason}", short_name(id))
        };
        let line = text::fit(&line, area.width.into());
        let style = context.style(Role::Warning);
        buf.set_stringn(area.x, top + at as u16, line, area.width.into(), style);
    }
    rows as u16
}

fn empty(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let (text, role) = if let Some(problem) = &scene.world.problem {
        (problem.clone(), Role::Error)
    } else if !scene.world.loaded {
        ("reading the runs folder…".into(), Role::Muted)
    } else if scene.world.runs.is_empty() {
        let key = context.key(Action::NewRun, Place::Runs);
        let open = context.key(Action::Open, Place::Runs);
        (
            format!(
                "No runs yet.\n\n{key} starts one from a preset; {key} {open} starts the quickstart."
            ),
            Role::Muted,
        )
    } else {
        let back = context.key(Action::Back, Place::Runs);
        (
            format!(
                "None of {} runs matches '{}'; {back} shows all.",
                scene.world.runs.len(),
                state.filter.text()
            ),
            Role::Muted,
        )
    };
    for (line, row) in text::wrap(&text, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
    }
}

/// Where the columns of one row stand: (x, width).
#[derive(Debug, Clone, Copy)]
struct Columns {
    row: Rect,
    name: (u16, u16),
    what: (u16, u16),
    clean: (u16, u16),
    adversarial: (u16, u16),
    time: (u16, u16),
}

impl Columns {
    fn new(row: Rect) -> Self {
        let name_x = row.x + 11;
        let mut right = row.right();
        let mut take = |width: u16| {
            right = right.saturating_sub(width).max(name_x);
            let column = (right, width.min(row.right().saturating_sub(right)));
            right = right.saturating_sub(1).max(name_x);
            column
        };
        let roomy = row.width >= ROOMY;
        let time =
            if row.width >= 36 { take(if roomy { 11 } else { 9 }) } else { (row.right(), 0) };
        let (adversarial, clean, what) = if roomy {
            (take(6), take(6), take(6))
        } else {
            ((row.right(), 0), (row.right(), 0), take(5))
        };
        Self { row, name: (name_x, right.saturating_sub(name_x)), what, clean, adversarial, time }
    }

    fn left(&self, buf: &mut Buffer, (x, width): (u16, u16), text: &str, style: Style) {
        if x < self.row.right() {
            buf.set_stringn(x, self.row.y, text::fit(text, width.into()), width.into(), style);
        }
    }

    fn right(&self, buf: &mut Buffer, (x, width): (u16, u16), text: &str, style: Style) {
        self.left(buf, (x, width), &text::pad_left(text, width.into()), style);
    }
}

fn draw_row(
    run: &RunSummary,
    widest_name: u16,
    selected: bool,
    marked: bool,
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
) {
    // The state keeps its colour under the cursor, unless the theme knows no colours at all.
    let ground = Ground::draw(context, selected, row, buf);
    let over = |role: Role| ground.over(role);
    let plain = |role: Role| ground.plain(role);
    let columns = Columns::new(row);
    let sign = StatusSign::of(run.status);
    if marked {
        // In the column of air beside the frame.
        buf.set_stringn(row.x.saturating_sub(1), row.y, "◆", 1, over(Role::Marked));
    }
    columns.left(buf, (row.x, row.width.min(1)), sign.symbol, over(sign.role));
    columns.left(buf, (row.x + 2, 8.min(row.width.saturating_sub(2))), sign.word, over(sign.role));
    let name = text::fit_ends(short_name(&run.info.id), columns.name.1.into());
    columns.left(buf, columns.name, &name, plain(Role::Text));
    if let Some((words, role)) = explanation(run) {
        // Sentences begin where the longest name ends, if that gives them more room than numbers.
        let x = columns.what.0.min(columns.name.0 + widest_name + 2);
        let room = row.right().saturating_sub(x);
        // Half a reason is worth less than its first clause.
        let clause = words.split(": ").next().unwrap_or_default();
        let whole = text::width(&words) <= usize::from(room) || run.status != Status::Queued;
        columns.left(buf, (x, room), if whole { &words } else { clause }, over(role));
        return;
    }
    let accuracy = |name: &str| run.latest.get(name).copied();
    let (clean, adversarial) = (accuracy("top1"), accuracy("adversarial_top1"));
    if columns.clean.1 > 0 {
        let number = |value: Option<f64>| value.map_or("–".into(), number::fraction);
        columns.right(buf, columns.clean, &number(clean), plain(Role::Text));
        columns.right(buf, columns.adversarial, &number(adversarial), plain(Role::Text));
    }
    let percent = |value: f64| format!("{:.1}", value * 100.0);
    if let (Status::Finished, Some(clean), 0) = (run.status, clean, columns.clean.1) {
        // Where there are no columns for them, the accuracies take the place of date and progress.
        let adversarial = adversarial.map_or("–".into(), percent);
        let (x, _) = columns.what;
        let both = (x, row.right().saturating_sub(x));
        let words = format!("{} / {adversarial} %", percent(clean));
        columns.right(buf, both, &words, plain(Role::Text));
        return;
    }
    let done = number::percent(run.state.progress);
    columns.right(buf, columns.what, &done, plain(Role::Text));
    let time = match (run.status, run.state.eta_s) {
        (Status::Running | Status::Paused | Status::Starting, Some(eta)) => number::duration(eta),
        (Status::Running | Status::Starting, None) => "…".into(),
        _ if columns.time.1 < 11 => when(&run.info.created).get(..5).unwrap_or_default().into(),
        _ => when(&run.info.created),
    };
    columns.right(buf, columns.time, &time, plain(Role::Muted));
}

/// Why it stands still, where that says more than numbers.
fn explanation(run: &RunSummary) -> Option<(String, Role)> {
    match run.status {
        Status::Queued => Some((short_names(run.state.reason.as_ref()?), Role::Queued)),
        Status::Failed => Some((run.state.error.as_ref()?.message.clone(), Role::Failed)),
        _ => None,
    }
}

/// `11-23 14:15` of an RFC 3339 time.
fn when(created: &str) -> String {
    let day = created.get(5..10).unwrap_or_default();
    let time = created.get(11..16).unwrap_or_default();
    format!("{day} {time}")
}
