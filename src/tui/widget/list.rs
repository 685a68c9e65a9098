//! Moving in a list, keeping the cursor in sight, and what its rows are written on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::action::Action;
use crate::tui::screen::DrawContext;
use crate::tui::theme::Role;

/// Where an action leads in a list of `len` rows of which `page` are shown; `None` = it does not
/// move. An empty list answers 0.
pub fn moved(action: Action, at: usize, len: usize, page: usize) -> Option<usize> {
    let last = len.saturating_sub(1);
    let page = page.max(1);
    Some(match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::First => 0,
        Action::Last => last,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => (at + page).min(last),
        _ => return None,
    })
}

/// The first row to draw, near `offset`, so that row `at` of `len` lies within `rows`.
pub fn scrolled(offset: usize, at: usize, len: usize, rows: usize) -> usize {
    let most = len.saturating_sub(rows);
    let lowest = (at + 1).saturating_sub(rows);
    offset.clamp(lowest, at.max(lowest)).min(most)
}

/// What a row of a list is written on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    context: DrawContext<'a>,
    chosen: Option<Style>,
}

impl<'a> Ground<'a> {
    /// Under the cursor the selection's, a cell wider than the row on either side.
    pub fn draw(context: &DrawContext<'a>, is_chosen: bool, row: Rect, buf: &mut Buffer) -> Self {
        let chosen = is_chosen.then(|| context.style(Role::Selection));
        if let Some(style) = chosen {
            let whole = Rect { x: row.x.saturating_sub(1), width: row.width + 2, ..row };
            buf.set_style(whole.intersection(buf.area), style);
        }
        Self { context: *context, chosen }
    }

    /// The selection's style, under the cursor.
    pub fn chosen(self) -> Option<Style> {
        self.chosen
    }

    /// A role that keeps its colour under the cursor.
    pub fn over(self, role: Role) -> Style {
        self.chosen.map_or_else(
            || self.context.style(role),
            |ground| self.context.theme.over(role, ground),
        )
    }

    /// A role that the selection takes the place of.
    pub fn plain(self, role: Role) -> Style {
        self.chosen.unwrap_or_else(|| self.context.style(role))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_cursor_is_always_in_sight(offset in 0usize..99, len in 1usize..60, at in 0usize..60, rows in 1usize..40) {
            let at = at.min(len - 1);
            let first = scrolled(offset, at, len, rows);
            prop_assert!(first <= at && at < first + rows);
            prop_assert!(first == 0 || first + rows <= len);
        }
    }
}
