//! One line of text that the user types: filters, the palette, form values.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;

use crate::tui::action::Action;
use crate::tui::screen::{DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// Longer input is a pasted file, not a value.
const LONGEST: usize = 4096;

/// What became of a key in a field that narrows a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrowed {
    /// The field took it.
    Done,
    /// It moves in the list.
    Moves,
    /// Neither.
    NotMine,
}

/// The text and where the cursor stands in it (in bytes, always between two graphemes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
    cursor: usize,
}

impl Field {
    /// With the cursor behind the text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text }
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Types `text` at the cursor; control codes are left out.
    pub fn insert(&mut self, text: &str) {
        let clean = text::clean(text);
        if self.text.len() + clean.len() <= LONGEST {
            self.text.insert_str(self.cursor, &clean);
            self.cursor += clean.len();
        }
    }

    /// Editing and moving in the text; `false` = not mine.
    pub fn act(&mut self, action: Action) -> bool {
        let before = || self.text[..self.cursor].graphemes(true).next_back().map_or(0, str::len);
        let after = || self.text[self.cursor..].graphemes(true).next().map_or(0, str::len);
        match action {
            Action::Left => self.cursor -= before(),
            Action::Right => self.cursor += after(),
            Action::First => self.cursor = 0,
            Action::Last => self.cursor = self.text.len(),
            Action::DeleteBefore => {
                let start = self.cursor - before();
                self.text.replace_range(start..self.cursor, "");
                self.cursor = start;
            }
            Action::DeleteAfter => {
                let end = self.cursor + after();
                self.text.replace_range(self.cursor..end, "");
            }
            Action::DeleteAll => *self = Self::default(),
            _ => return false,
        }
        true
    }

    /// A key while the field narrows a list: Enter keeps what stands in it, Esc empties it; both give
    /// the keys back, by setting `has_keys`.
    pub fn narrow(&mut self, has_keys: &mut bool, action: Action) -> Narrowed {
        match action {
            Action::Open | Action::NextFocus => *has_keys = false,
            Action::Back => {
                *has_keys = false;
                *self = Self::default();
            }
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
                return Narrowed::Moves;
            }
            action if self.act(action) => {}
            _ => return Narrowed::NotMine,
        }
        Narrowed::Done
    }

    /// Draws the text on one line, scrolled so that the cursor is in it, and shows the cursor.
    pub fn draw(&self, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer, view: &mut View) {
        if area.is_empty() {
            return;
        }
        let room = usize::from(area.width).saturating_sub(1);
        let (head, tail) = self.text.split_at(self.cursor);
        let head = text::fit_end(head, room);
        let at = text::width(&head);
        let tail = text::fit(tail, usize::from(area.width) - at);
        let style = context.style(Role::Text);
        buf.set_stringn(area.x, area.y, &head, room, style);
        let x = area.x + at as u16;
        buf.set_stringn(x, area.y, &tail, usize::from(area.right() - x), style);
        view.cursor = Some((x, area.y));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edits_whole_graphemes() {
        let mut field = Field::new("ae\u{301}x");
        field.act(Action::Left);
        field.act(Action::DeleteBefore);
        assert_eq!(field.text(), "ax");
        field.insert("\x1b[2Jß");
        assert_eq!(field.text(), "a[2Jßx");
    }

    #[test]
    fn a_filter_is_kept_dropped_or_moved_under() {
        let (mut field, mut has_keys) = (Field::new("dog"), true);
        assert_eq!(field.narrow(&mut has_keys, Action::Down), Narrowed::Moves);
        assert_eq!(field.narrow(&mut has_keys, Action::DeleteBefore), Narrowed::Done);
        assert_eq!(field.narrow(&mut has_keys, Action::Quit), Narrowed::NotMine);
        assert!(has_keys);
        field.narrow(&mut has_keys, Action::Open);
        assert_eq!((field.text(), has_keys), ("do", false));
        field.narrow(&mut has_keys, Action::Back);
        assert!(field.is_empty());
    }

    proptest! {
        #[test]
        fn no_order_of_edits_breaks_it(steps in proptest::collection::vec((0usize..9, ".{0,3}"), 0..60)) {
            use Action::{DeleteAfter, DeleteAll, DeleteBefore, First, Last, Left, Right, Up};
            let mut field = Field::default();
            for (step, text) in steps {
                match [Left, Right, First, Last, DeleteBefore, DeleteAfter, DeleteAll, Up].get(step) {
                    Some(action) => { field.act(*action); }
                    None => field.insert(&text),
                }
                prop_assert!(field.text().is_char_boundary(field.cursor));
            }
        }
    }
}
