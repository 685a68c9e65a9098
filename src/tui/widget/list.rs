//! Moving in a list and keeping the cursor in sight. Every list of the workbench uses it.

use crate::tui::action::Action;

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
