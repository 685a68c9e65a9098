//! The right-hand side of the runs screen

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Click, DrawContext, Scene, View, Wants};
use crate::tui::action::Action;
use crate::tui::effect::Effect;

/// What the user did to it.
#[derive(Debug, Default)]
pub struct State {}

/// Draws it.
pub fn draw(
    _state: &State,
    _scene: &Scene<'_>,
    _context: &DrawContext<'_>,
    _area: Rect,
    _buf: &mut Buffer,
    _view: &mut View,
) {
}

/// Does what was asked for; `None` = not mine.
pub fn act(_state: &mut State, _action: Action, _scene: &Scene<'_>) -> Option<Vec<Effect>> {
    None
}

/// A click on something that `draw` recorded.
pub fn click(_state: &mut State, _click: Click, _scene: &Scene<'_>) -> Vec<Effect> {
    Vec::new()
}

/// What it needs from the background.
pub fn wants(_state: &State, _scene: &Scene<'_>) -> Wants {
    Wants::default()
}
