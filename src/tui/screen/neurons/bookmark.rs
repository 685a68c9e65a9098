//! Bookmarks: marking a neuron with a note, and showing both.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::State;
use super::shown::{Pane, Shown};
use crate::run::bookmarks::Bookmark;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::{DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::field::Field;

/// What stands before a marked neuron.
pub(super) const SIGN: &str = "★";

/// A note that is being typed: it stays with the neuron that it was begun for.
#[derive(Debug)]
pub(super) struct Note {
    run: String,
    layer: String,
    neuron: usize,
    pub(super) field: Field,
}

/// The bookmark of what a pane shows.
pub(super) fn of<'a>(pane: &Pane<'a>) -> Option<&'a Bookmark> {
    pane.seen.detail.bookmarks.of(&pane.layer.layer, pane.neuron?.index)
}

/// Asks for a note, or takes the bookmark away.
pub(super) fn press(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let Some(neuron) = shown.neuron() else { return Vec::new() };
    let (run, layer) = (shown.seen.run.to_owned(), shown.layer.layer.clone());
    let neuron = neuron.index;
    if let Some(mark) = of(&shown.pane()) {
        let mut effects = Vec::new();
        if !mark.note.is_empty() {
            // It must not be lost by a slip.
            let words = format!("its note was: {}", mark.note);
            effects.push(Effect::Notify(Notice::warning(words)));
        }
        effects.insert(0, Effect::Bookmark { run, layer, neuron, note: None });
        return effects;
    }
    state.note = Some(Note { run, layer, neuron, field: Field::default() });
    Vec::new()
}

/// A key while the note is typed; `None` = not mine.
pub(super) fn edit(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Open | Action::NextFocus => {
            let Note { run, layer, neuron, field } = state.note.take()?;
            let note = Some(field.text().trim().to_owned());
            Some(vec![Effect::Bookmark { run, layer, neuron, note }])
        }
        Action::Back => {
            state.note = None;
            Some(Vec::new())
        }
        action => state.note.as_mut()?.field.act(action).then(Vec::new),
    }
}

/// Draws the note, or the field for it, into the last row of `area`; answers what is left above.
pub(super) fn draw(
    state: &State,
    pane: &Pane<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    let row = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    let above = Rect { height: area.height.saturating_sub(1), ..area };
    let is_of_this = |note: &&Note| {
        let neuron = pane.neuron.is_some_and(|neuron| neuron.index == note.neuron);
        note.run == pane.seen.run && note.layer == pane.layer.layer && neuron
    };
    if let Some(note) = state.note.as_ref().filter(is_of_this) {
        let words = format!("{SIGN} note: ");
        let width = usize::from(row.width);
        let (x, _) = buf.set_stringn(row.x, row.y, words, width, context.style(Role::Key));
        let field = Rect { x, width: row.right().saturating_sub(x), ..row };
        note.field.draw(context, field, buf, view);
        return above;
    }
    match of(pane).filter(|mark| !mark.note.is_empty()) {
        Some(mark) if area.height >= 8 => {
            let words = text::fit(&format!("{SIGN} {}", mark.note), row.width.into());
            buf.set_string(row.x, row.y, words, context.style(Role::Marked));
            above
        }
        _ => area,
    }
}
