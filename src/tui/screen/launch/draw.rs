//! How the launch screen looks.
//!
//! ```text
//! ╭ presets ──────╮╭ quickstart · 2 changes ────────────────╮
//! │ quickstart    ││   title            quickstart          │
//! │   what it is  ││ train                                  │
//! │ cifar10       ││ ◆ epochs           2         preset 10 │
//! │   …           ││────────────────────────────────────────│
//! │               ││ what the key means, what it may be     │
//! ╰───────────────╯╰────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::form::{Form, Row};
use super::{Focus, State};
use crate::spec::help::{Key, SECTIONS};
use crate::tui::action::{Action, Place};
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// Rows for what the key under the cursor means.
pub const HELP: u16 = 3;

/// Draws it.
pub fn draw(
    state: &State,
    _scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let width = (area.width * 3 / 10).clamp(20, 46).min(area.width);
    let left = Rect { width, ..area };
    let right = Rect { x: area.x + width, width: area.width - width, ..area };
    let on_form = state.focus == Focus::Form;
    presets(state, &context.focus(!on_form), left, buf, view);
    if let Some(form) = state.form() {
        fields(state, form, &context.focus(on_form), right, buf, view);
    }
}

fn put(buf: &mut Buffer, row: Rect, text: &str, style: Style) {
    buf.set_stringn(row.x, row.y, text::fit(text, row.width.into()), row.width.into(), style);
}

fn presets(
    state: &State,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let inner = context.frame(Line::from("presets"), area, buf);
    let cells = usize::from(inner.width.saturating_sub(2));
    let summaries: Vec<Vec<String>> =
        state.forms.iter().map(|form| text::wrap(form.preset.summary(), cells)).collect();
    // Each with its summary, if there is room; else names only, with that of the chosen one below.
    let all: usize = summaries.iter().map(|lines| lines.len() + 2).sum();
    let open = all + 2 <= usize::from(inner.height);
    let mut y = inner.y;
    for (index, (form, lines)) in state.forms.iter().zip(&summaries).enumerate() {
        let top = y;
        let chosen = index == state.preset;
        let row = Rect { y, height: 1, ..inner }.intersection(inner);
        if row.is_empty() {
            break;
        }
        let style = if chosen { context.style(Role::Selection) } else { context.style(Role::Text) };
        if chosen {
            let whole = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            buf.set_style(whole.intersection(area), style);
        }
        put(buf, row, form.preset.name, style);
        if form.changes() > 0 && row.width > 2 {
            let mark = Rect { x: row.right() - 1, width: 1, ..row };
            put(buf, mark, "◆", style.patch(Style { bg: None, ..context.style(Role::Marked) }));
        }
        y += 1;
        if open {
            for line in lines {
                let row = Rect { x: inner.x + 2, y, width: cells as u16, height: 1 };
                put(buf, row.intersection(inner), line, context.style(Role::Muted));
                y += 1;
            }
            y += 1;
        }
        let card = Rect { y: top, height: (y - top).max(1), ..inner }.intersection(inner);
        view.clickable(card, Click::Row(Place::Launch, index));
    }
    let below = Rect { y: (y + 1).min(inner.bottom()), ..inner };
    let mut below = Rect { height: inner.bottom() - below.y, ..below };
    if let (false, Some(lines)) = (open, summaries.get(state.preset)) {
        let room = below.height.saturating_sub(2);
        for (line, row) in lines.iter().take(room.into()).zip(below.rows()) {
            put(buf, row, line, context.style(Role::Muted));
        }
        let used = (lines.len() as u16).min(room);
        below = Rect { y: below.y + used, height: below.height - used, ..below };
    }
    if below.height > 0 {
        let action = if state.focus == Focus::Presets { Action::Open } else { Action::Launch };
        let key = context.key(action, Place::Launch);
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        put(buf, row, &key, context.style(Role::Key));
        let after = text::width(&key) as u16 + 1;
        let rest = Rect { x: row.x + after, width: row.width.saturating_sub(after), ..row };
        put(buf, rest.intersection(row), "starts it", context.style(Role::Text));
        view.clickable(row, Click::Do(Action::Launch));
    }
}

fn fields(
    state: &State,
    form: &Form,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let mut title = Line::from(Span::raw(form.preset.name));
    match form.changes() {
        0 => {}
        1 => title.push_span(Span::raw(" · 1 change")),
        n => title.push_span(Span::raw(format!(" · {n} changes"))),
    }
    if !form.problems.is_empty() {
        let count = form.problems.len();
        let words = if count == 1 { "problem" } else { "problems" };
        title.push_span(Span::styled(format!(" · {count} {words}"), context.style(Role::Error)));
    }
    let mut inner = context.frame(title, area, buf);
    if inner.height > HELP + 3 {
        let help = Rect { y: inner.bottom() - HELP, height: HELP, ..inner };
        let line = Rect { x: area.x + 1, y: help.y - 1, width: area.width - 2, height: 1 };
        put(buf, line, &"─".repeat(line.width.into()), context.style(Role::Border));
        explain(state, form, context, help, buf);
        inner.height -= HELP + 1;
    }
    // The head of a section comes along when its first value is the first row on the screen.
    let rows: usize = inner.height.into();
    let first = view.scroll(Place::Launch, state.row, form.rows.len(), rows);
    // The same words as the pictures' lists: what is out of sight is counted.
    let below = form.rows.len().saturating_sub(first + rows);
    if below > 0 {
        let words = format!(" {below} more below ");
        let x = area.right().saturating_sub(text::width(&words) as u16 + 2).max(area.x);
        let y = inner.bottom().min(area.bottom().saturating_sub(1));
        buf.set_stringn(
            x,
            y,
            words,
            area.right().saturating_sub(x).into(),
            context.style(Role::Muted),
        );
    }
    for ((index, item), row) in form.rows.iter().enumerate().skip(first).zip(inner.rows()) {
        view.clickable(row, Click::Row(Place::Launch, state.forms.len() + index));
        match item {
            Row::Section(section) => put(buf, row, section, context.style(Role::Accent)),
            Row::Value(key) => {
                let here = index == state.row && state.focus == Focus::Form;
                value(state, form, key, here, context, row, buf, view);
            }
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "one row of the form, called once")]
fn value(
    state: &State,
    form: &Form,
    key: &'static Key,
    here: bool,
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let name = key.path.rsplit('.').next().unwrap_or(key.path);
    let (now, changed) = form.value(key);
    let ground = if here { context.style(Role::Selection) } else { Style::new() };
    if here {
        let whole = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
        buf.set_style(whole.intersection(buf.area), ground);
    }
    let over = |role: Role| {
        let style = context.style(role);
        Style { fg: style.fg.or(ground.fg), ..ground }.add_modifier(style.add_modifier)
    };
    let plain = |role: Role| if here { ground } else { context.style(role) };
    let name_width = if row.width < 50 { 15 } else { 17 };
    let at =
        |x: u16, width: u16| Rect { x: row.x + x, y: row.y, width, height: 1 }.intersection(row);
    if changed {
        put(buf, at(0, 1), "◆", over(Role::Marked));
    }
    put(buf, at(2, name_width - 1), name, plain(if changed { Role::Text } else { Role::Muted }));
    let rest = at(2 + name_width, row.width.saturating_sub(2 + name_width));
    let editing = state.editing.as_ref().filter(|editing| editing.key.path == key.path);
    if let Some(editing) = editing {
        editing.field.draw(&DrawContext { focused: true, ..*context }, rest, buf, view);
        if !here {
            return;
        }
        buf.set_style(rest, ground);
        return;
    }
    let (shown, role) = match (now.is_empty(), key.unset) {
        (true, Some(unset)) => (format!("({unset})"), Role::Muted),
        _ => (now, Role::Text),
    };
    put(buf, rest, &shown, plain(role));
    let used = (text::width(&shown) as u16 + 2).min(rest.width);
    let note = Rect { x: rest.x + used, width: rest.width - used, ..rest };
    if let Some(problem) = form.problem(key) {
        put(buf, note, &format!("✗ {}", problem.message), over(Role::Error));
    } else if changed {
        let original = form.original_value(key);
        let original = if original.is_empty() { "unset" } else { &original };
        let words = text::pad_left(&format!("preset {original}"), note.width.into());
        put(buf, note, &words, plain(Role::Muted));
    }
}

fn explain(state: &State, form: &Form, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let mut rows = area.rows();
    let Some(key) = state.key().filter(|_| state.focus == Focus::Form) else {
        let next = context.key(Action::NextFocus, Place::Launch);
        let text = format!("{next} goes to the values: every key that counts here, with its help.");
        for (line, row) in text::wrap(&text, area.width.into()).iter().zip(rows) {
            put(buf, row, line, context.style(Role::Muted));
        }
        return;
    };
    let section = key.path.rsplit_once('.').map_or("", |(section, _)| section);
    let of = SECTIONS.iter().find(|(name, _)| *name == section).map_or("", |(_, doc)| *doc);
    let doc = format!("{} · {} · {}", key.path, key.doc, key.kind);
    let mut lines: Vec<(String, Role)> = Vec::new();
    if let Some(problem) = form.problem(key) {
        let hint = problem.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        lines.extend(
            text::wrap(&format!("{}{hint}", problem.message), area.width.into())
                .into_iter()
                .map(|line| (line, Role::Error)),
        );
    }
    lines.extend(text::wrap(&doc, area.width.into()).into_iter().map(|line| (line, Role::Text)));
    if !of.is_empty() {
        lines.push((format!("[{section}] {of}"), Role::Muted));
    }
    for (line, role) in lines {
        let Some(row) = rows.next() else { break };
        put(buf, row, &line, context.style(role));
    }
}
