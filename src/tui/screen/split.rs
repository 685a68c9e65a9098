//! An area cut in two.

use ratatui::layout::Rect;

/// `percent` of `all`.
pub(super) fn share(all: u16, percent: u16) -> u16 {
    (u32::from(all) * u32::from(percent) / 100) as u16
}

/// Above, and below.
pub(super) fn split_rows(area: Rect, above: u16) -> (Rect, Rect) {
    let above = above.min(area.height);
    let below = Rect { y: area.y + above, height: area.height - above, ..area };
    (Rect { height: above, ..area }, below)
}

/// Left, and right.
pub(super) fn split_columns(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.min(area.width);
    let right = Rect { x: area.x + left, width: area.width - left, ..area };
    (Rect { width: left, ..area }, right)
}
