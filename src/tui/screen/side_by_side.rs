//! Setting another run beside the selected one, on the screens that can.

use crate::tui::effect::Effect;

/// What the key for it came to.
#[derive(Debug, PartialEq)]
pub enum Asked {
    /// Done.
    Done(Vec<Effect>),
    /// The user is to choose: ids with what is known of each.
    Choose(Vec<(String, String)>),
}
