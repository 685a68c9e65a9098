//! Bookmarks: marking a neuron with a note, and showing both.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::shown::{Pane, Shown};
use super::{State, time};
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

/// Asks for a note: of a marked neuron, the one that it has.
pub(super) fn press(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let Some(neuron) = shown.neuron() else { return Vec::new() };
    let field = of(&shown.pane()).map_or_else(Field::default, |mark| Field::new(&mark.note));
    let (run, layer) = (shown.seen.run.to_owned(), shown.layer.layer.clone());
    state.note = Some(Note { run, layer, neuron: neuron.index, field });
    Vec::new()
}

/// Takes the mark away, with its note.
pub(super) fn take_away(shown: &Shown<'_>) -> Vec<Effect> {
    let Some(neuron) = shown.neuron() else { return Vec::new() };
    let Some(mark) = of(&shown.pane()) else {
        let words = format!("neuron {} has no bookmark", neuron.index);
        return vec![Effect::Notify(Notice::info(words))];
    };
    let (run, layer) = (shown.seen.run.to_owned(), shown.layer.layer.clone());
    let mut effects = vec![Effect::Bookmark { run, layer, neuron: neuron.index, note: None }];
    if !mark.note.is_empty() {
        // It must not be lost by a slip.
        let words = format!("its note was: {}", mark.note);
        effects.push(Effect::Notify(Notice::warning(words)));
    }
    effects
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

/// Draws the field in which a note is typed into the last row of `area`; answers what is left above.
pub(super) fn draw_field(
    state: &State,
    pane: &Pane<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    let is_of_this = |note: &&Note| {
        let neuron = pane.neuron.is_some_and(|neuron| neuron.index == note.neuron);
        note.run == pane.seen.run && note.layer == pane.layer.layer && neuron
    };
    let Some(note) = state.note.as_ref().filter(is_of_this) else { return area };
    let row = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    let width = usize::from(row.width);
    let words = format!("{SIGN} note: ");
    let (x, _) = buf.set_stringn(row.x, row.y, words, width, context.style(Role::Key));
    let field = Rect { x, width: row.right().saturating_sub(x), ..row };
    note.field.draw(context, field, buf, view);
    Rect { height: area.height.saturating_sub(1), ..area }
}

/// Draws the note at the right end of a row of the frame; answers what is left of the row.
pub(super) fn draw_note(
    pane: &Pane<'_>,
    context: &DrawContext<'_>,
    row: Rect,
    buf: &mut Buffer,
) -> Rect {
    let Some(mark) = of(pane).filter(|mark| !mark.note.is_empty()) else { return row };
    // The line through the training comes first.
    let taken = if pane.seen.detail.neuron_history.is_empty() { 0 } else { time::WORDS };
    let most = usize::from(row.width.saturating_sub(taken));
    if most < 12 {
        return row;
    }
    let words = text::fit(&format!(" {SIGN} {} ", mark.note), most);
    let width = text::width(&words) as u16;
    let x = row.right() - width;
    buf.set_string(x, row.y, words, context.style(Role::Marked));
    Rect { width: row.width - width, ..row }
}
