//! The bottom line: the live keymap of what has the focus. Every hint can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::action::{Action, Place};
use crate::tui::keymap::key::Key;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// Draws the hints that fit: the first ones at the left, help and palette at the right.
pub fn draw(
    actions: &[Action],
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
        Some((*action, keys, action.label()))
    };
    let is_last = |action: &Action| matches!(action, Action::Help | Action::Palette);
    let width = |(_, keys, label): &(Action, String, &str)| {
        (text::width(keys) + text::width(label) + 3) as u16
    };
    let right: Vec<_> = actions.iter().filter(|a| is_last(a)).filter_map(hint).collect();
    let left: Vec<_> = actions.iter().filter(|a| !is_last(a)).filter_map(hint).collect();
    let right_width = right.iter().map(width).sum::<u16>().min(area.width);
    let mut x = area.x + 1;
    let mut put = |buf: &mut Buffer, x: u16, hint: &(Action, String, &str)| {
        let (action, keys, label) = hint;
        let (key_width, label_width) = (text::width(keys) as u16, text::width(label) as u16);
        buf.set_stringn(x, area.y, keys, key_width.into(), context.style(Role::Key));
        let at = x + key_width + 1;
        buf.set_stringn(at, area.y, label, label_width.into(), context.style(Role::Muted));
        let whole = Rect { x, width: key_width + 1 + label_width, ..area };
        view.clickable(whole.intersection(area), Click::Do(*action));
    };
    for hint in &left {
        if x + width(hint) + right_width > area.right() {
            break;
        }
        put(buf, x, hint);
        x += width(hint);
    }
    let mut x = area.right() - right_width;
    for hint in &right {
        if x + width(hint) <= area.right() {
            put(buf, x, hint);
        }
        x += width(hint);
    }
}
