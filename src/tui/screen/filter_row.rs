//! The row in which a list's filter is typed, and the words beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::field::Field;

/// A list's filter, as it is drawn in the list's frame.
#[derive(Debug)]
pub(super) struct FilterRow<'a> {
    field: &'a Field,
    is_typed: bool,
    /// What is wrong with it or, while nothing is typed, what could be: a language that nobody is
    /// told of is not used.
    words: Option<(Role, String)>,
}

impl<'a> FilterRow<'a> {
    pub(super) fn new(
        field: &'a Field,
        is_typed: bool,
        problem: Option<&str>,
        examples: &str,
    ) -> Self {
        let words = match problem {
            Some(problem) => Some((Role::Warning, format!("! {problem}"))),
            None if is_typed && field.is_empty() => Some((Role::Muted, examples.to_owned())),
            None => None,
        };
        Self { field, is_typed, words }
    }

    fn lines(&self, width: u16) -> Vec<String> {
        let words = self.words.as_ref().map(|(_, words)| text::wrap(words, width.into()));
        words.unwrap_or_default()
    }

    /// What it leaves of the inside of a frame. The field is the last row while it is typed, with the
    /// words above it; later they stand at the top, below the title that names the filter.
    pub(super) fn leaves(&self, inner: Rect) -> Rect {
        let field = u16::from(self.is_typed).min(inner.height);
        let mut left = Rect { height: inner.height - field, ..inner };
        let lines = self.lines(inner.width).len().min(usize::from(u16::MAX)) as u16;
        if lines > 0 && left.height >= lines.saturating_add(3) {
            left.height -= lines;
            left.y += if self.is_typed { 0 } else { lines };
        }
        left
    }

    /// Draws it; answers what is left.
    pub(super) fn draw(
        &self,
        context: &DrawContext<'_>,
        inner: Rect,
        buf: &mut Buffer,
        view: &mut View,
    ) -> Rect {
        let field = u16::from(self.is_typed).min(inner.height);
        if field > 0 {
            let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            buf.set_stringn(row.x, row.y, "/", row.width.into(), context.style(Role::Key));
            let place = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
            self.field.draw(context, place.intersection(row), buf, view);
        }
        let left = self.leaves(inner);
        if let Some((role, _)) = self.words {
            let y = if self.is_typed { left.bottom() } else { inner.y };
            let place = Rect { y, height: inner.height - left.height - field, ..inner };
            for (line, row) in self.lines(inner.width).iter().zip(place.rows()) {
                buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
            }
        }
        left
    }
}
