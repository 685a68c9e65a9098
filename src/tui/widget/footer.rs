//! The bottom line: the live keymap of what has the focus. Every hint can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, Place};
use crate::tui::keymap::key::Key;
use crate::tui::number;
use crate::tui::pictures::stage::Stage;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// What it does, its keys, its label.
type Hint<'a> = (Action, String, &'a str);

/// From this width on what was sent has its place before the last hints.
const KEEPS_SENT: u16 = 100;

#[allow(clippy::too_many_arguments, reason = "one line of the screen, called once")]
/// Draws the hints that fit: the first ones at the left, help and palette at the right. `words` are
/// what actions mean just now, where their own labels say too little.
pub fn draw(
    actions: &[Action],
    words: &[(Action, &'static str)],
    pending: &[Key],
    places: &[Place],
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    if !pending.is_empty() {
        let keys: Vec<String> = pending.iter().map(Key::to_string).collect();
        let words = format!(" {}…", keys.join(" "));
        buf.set_stringn(area.x, area.y, words, area.width.into(), context.style(Role::Key));
        return;
    }
    let hint = |action: &Action| {
        let keys = context.keymap.keys_of(*action, places)?;
        let meant = words.iter().find(|(meant, _)| meant == action);
        Some((*action, keys, meant.map_or(action.label(), |(_, word)| *word)))
    };
    let is_last = |action: &Action| matches!(action, Action::Help | Action::Palette);
    let right: Vec<_> = actions.iter().filter(|a| is_last(a)).filter_map(hint).collect();
    let left: Vec<_> = actions.iter().filter(|a| !is_last(a)).filter_map(hint).collect();
    // Neighbours of one label stand together: `[ ] neuron`.
    let shares = |hints: &[Hint<'_>], at: usize| {
        hints.get(at + 1).zip(hints.get(at)).is_some_and(|(next, this)| next.2 == this.2)
    };
    let width = |hints: &[Hint<'_>], at: usize| {
        let (_, keys, label) = &hints[at];
        let label = if shares(hints, at) { 0 } else { text::width(label) + 2 };
        (text::width(keys) + 1 + label) as u16
    };
    let right_width = (0..right.len()).map(|at| width(&right, at)).sum::<u16>().min(area.width);
    // What pictures have cost the line, in what the hints leave over.
    let status = context.stage.and_then(Stage::status).filter(|status| status.sent > 0);
    // As wide while it grows, so that the hints stand still.
    let sent = status.map(|status| format!("sent {}", number::bytes(status.sent as f64)));
    let sent = sent.map(|sent| format!("{sent:>14}"));
    let kept = sent.as_ref().filter(|_| area.width >= KEEPS_SENT);
    let kept = kept.map_or(0, |sent| text::width(sent) as u16 + 2);
    let mut put = |buf: &mut Buffer, x: u16, hints: &[Hint<'_>], at: usize| {
        let (action, keys, label) = &hints[at];
        let (key_width, label_width) = (text::width(keys) as u16, text::width(label) as u16);
        buf.set_stringn(x, area.y, keys, key_width.into(), context.style(Role::Key));
        let mut whole = Rect { x, width: key_width, ..area };
        if !shares(hints, at) {
            let at = x + key_width + 1;
            buf.set_stringn(at, area.y, label, label_width.into(), context.style(Role::Muted));
            whole.width += 1 + label_width;
        }
        view.clickable(whole.intersection(area), Click::Do(*action));
    };
    let mut x = area.x + 1;
    for at in 0..left.len() {
        // A key whose label does not fit any more says nothing.
        let last = (at..left.len()).find(|at| !shares(&left, *at)).unwrap_or(at);
        let needed: u16 = (at..=last).map(|at| width(&left, at)).sum();
        if x + needed + right_width + kept > area.right() {
            break;
        }
        put(buf, x, &left, at);
        x += width(&left, at);
    }
    if let Some(sent) = sent {
        let wide = text::width(&sent) as u16 + 2;
        let end = area.right() - right_width;
        if x + wide <= end {
            let style = context.style(Role::Muted);
            buf.set_stringn(end - wide, area.y, sent, wide.into(), style);
        }
    }
    let mut x = area.right() - right_width;
    for at in 0..right.len() {
        if x + width(&right, at) <= area.right() {
            put(buf, x, &right, at);
        }
        x += width(&right, at);
    }
}
