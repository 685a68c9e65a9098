//! One frame: header, what is pinned, the screen, the bottom line, and what lies over them.
//!
//! ```text
//!  glassbox   1 Runs  2 Launch  3 Attack  4 Neurons  5 …  cpu ▕███   ▏ 42 %  3.1/7.7 GiB
//! ! keys.toml:3: unknown action 'quti'                                         Esc dismisses
//! ╭ the screen ───────────────────────────────────────────────────────────────────────────╮
//! ╰────────────────────────────────────────────────────────────────────── a toast ─────────╯
//!  n new  p pause  x stop…                                            ? help…  : command…
//! ```

use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{App, Overlay};
use crate::tui::action::{Action, Place};
use crate::tui::screen::{
    DrawContext, ScreenId, View, attack, concepts, launch, neurons, runs, trace,
};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::{footer, header, toast};

/// Smaller screens get a message instead.
pub const SMALLEST: (u16, u16) = (60, 15);

/// Rows that what is pinned may take.
const PINNED: usize = 3;

/// Draws everything. Reads the state, writes only the view.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer, view: &mut View) {
    view.begin();
    let stage = Rc::clone(&view.stage);
    let fallback = Theme::default();
    let context = DrawContext {
        theme: app.themes.get(app.theme).unwrap_or(&fallback),
        glyphs: app.glyphs,
        keymap: &app.keymap,
        focused: false,
        pictures: app.draws_pictures,
        stage: Some(&stage),
        now: app.world.now,
    };
    buf.set_style(area, context.style(Role::Text));
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(&context, area, buf);
    } else {
        whole(app, &context, area, buf, view);
    }
    stage.settle(buf);
    context.glyphs.finish(area, buf);
}

fn too_small(context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let (columns, rows) = SMALLEST;
    let words = format!(
        "glassbox needs {columns}×{rows} cells, here are {}×{}. Runs go on.",
        area.width, area.height
    );
    for (line, row) in text::wrap(&words, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Text));
    }
}

fn whole(app: &App, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer, view: &mut View) {
    let top = Rect { height: 1, ..area };
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = body(app, area);
    header::draw(app.screen, app.machine, app.readonly, context, top, buf, view);
    let pinned = Rect { y: top.bottom(), height: body.y - top.bottom(), ..area };
    for ((sign, line), row) in pinned_lines(app, area.width).iter().zip(pinned.rows()) {
        let style = context.style(Role::Error);
        buf.set_stringn(row.x + 1, row.y, sign, 1, style);
        buf.set_stringn(row.x + 3, row.y, line, (row.width - 3).into(), style);
    }
    let compared = app.runs.compared();
    let scene = app.scene(&compared);
    let focused = context.focus(app.overlay.is_none());
    match app.screen {
        ScreenId::Runs => runs::draw(&app.runs, &app.detail, &scene, &focused, body, buf, view),
        ScreenId::Launch => launch::draw(&app.launch, &scene, &focused, body, buf, view),
        ScreenId::Attack => attack::draw(&app.attack, &scene, &focused, body, buf, view),
        ScreenId::Neurons => {
            neurons::draw(&app.neurons, &scene, &focused.focus(true), body, buf, view);
        }
        ScreenId::Concepts => {
            concepts::draw(&app.concepts, &scene, &focused.focus(true), body, buf, view);
        }
        ScreenId::Trace => {
            trace::draw(&app.trace, &scene, &focused.focus(true), body, buf, view);
        }
    }
    // The launch screen says below what is wrong with a value: that stays in sight.
    let below = if app.screen == ScreenId::Launch { launch::HELP + 1 } else { 0 };
    let free = Rect { height: body.height.saturating_sub(below), ..body };
    toast::draw(&app.toasts, context, free, buf);
    match &app.overlay {
        Some(Overlay::Question(dialog)) => dialog.draw(context, body, buf, view),
        Some(Overlay::List(list)) => list.draw(context, body, buf, view),
        None => {}
    }
    let (hints, words) = (hints(app), words(app));
    footer::draw(&hints, words, &app.pending, app.places(), context, bottom, buf, view);
}

/// What the screens have of `area`: all but the header, what is pinned, and the bottom line.
pub(super) fn body(app: &App, area: Rect) -> Rect {
    let pinned = pinned_lines(app, area.width).len().min(PINNED) as u16;
    let above = (1 + pinned).min(area.height);
    Rect { y: area.y + above, height: area.height.saturating_sub(above + 1), ..area }
}

/// What is pinned, wrapped: a sign for each problem, none for the lines that go on with it.
fn pinned_lines(app: &App, width: u16) -> Vec<(&'static str, String)> {
    let room = usize::from(width.saturating_sub(4));
    let problems = app.pinned.iter().flat_map(|pinned| pinned.lines());
    let lines = |problem| {
        let lines = text::wrap(problem, room).into_iter().enumerate();
        lines.map(|(at, line)| (if at == 0 { "!" } else { " " }, line))
    };
    problems.flat_map(lines).collect()
}

/// What Enter and Esc mean where they do not open and go back.
fn words(app: &App) -> &'static [(Action, &'static str)] {
    use Action::{Back, Open};
    let typing = app.places().first() == Some(&Place::Text);
    match (&app.overlay, app.screen) {
        (Some(Overlay::Question(_)), _) => &[(Open, "choose"), (Back, "close")],
        (Some(Overlay::List(_)), _) => &[(Open, "do it"), (Back, "close")],
        (None, ScreenId::Neurons) if app.neurons.is_noting() => &[(Open, "keep"), (Back, "drop")],
        (None, ScreenId::Launch) if typing => &[(Open, "keep"), (Back, "undo")],
        (None, _) if typing => &[(Open, "keep"), (Back, "show all")],
        (None, _) if app.pinned.is_some() => &[(Back, "dismiss")],
        (None, ScreenId::Launch) => launch::words(&app.launch),
        (None, ScreenId::Attack) => attack::words(&app.attack),
        (None, ScreenId::Neurons) => neurons::words(&app.neurons),
        (None, ScreenId::Concepts) => concepts::words(&app.concepts),
        (None, ScreenId::Trace) => trace::words(&app.trace),
        (None, _) => &[],
    }
}

/// What the bottom line names, most useful first; `?` and `:` come by themselves.
fn hints(app: &App) -> Vec<Action> {
    let compared = app.runs.compared();
    let mut hints = match (&app.overlay, app.screen) {
        (Some(_), _) => vec![Action::Open, Action::Back],
        (None, ScreenId::Runs) => runs::hints(&app.runs, &app.scene(&compared)),
        (None, ScreenId::Launch) => launch::hints(&app.launch),
        (None, ScreenId::Attack) => attack::hints(&app.attack, &app.scene(&compared)),
        (None, ScreenId::Neurons) => neurons::hints(&app.neurons, &app.scene(&compared)),
        (None, ScreenId::Concepts) => concepts::hints(&app.concepts, &app.scene(&compared)),
        (None, ScreenId::Trace) => trace::hints(&app.trace, &app.scene(&compared)),
    };
    if app.readonly {
        hints.retain(|action| !action.changes_runs());
    }
    if app.pinned.is_some() && app.overlay.is_none() {
        hints.insert(0, Action::Back);
    }
    if app.overlay.is_none() && app.places().first() != Some(&Place::Text) {
        hints.extend([Action::Help, Action::Palette, Action::Quit]);
    }
    hints
}
