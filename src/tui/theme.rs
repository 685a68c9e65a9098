//! Meanings, not colours: every style on the screen is asked for by its role.

use ratatui::style::Style;

/// What a piece of screen means. A theme file gives each role a style; dotted roles fall back to
/// their parent (`border.focus` → `border`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ordinary text and its background.
    Text,
    /// Secondary text: titles, units, axes.
    Muted,
    /// The one accent: what has focus, what is active.
    Accent,
    /// Frames.
    Border,
    /// The focused frame.
    BorderFocus,
    /// The row under the cursor.
    Selection,
    /// Marked rows.
    Marked,
    /// Something to look at.
    Warning,
    /// Something broken.
    Error,
    /// Key names in the bottom line.
    Key,
    /// What a filter matched.
    Match,
    /// `running`
    Running,
    /// `queued`, `starting`
    Queued,
    /// `paused`
    Paused,
    /// `finished`
    Finished,
    /// `failed`
    Failed,
    /// `stopped`
    Stopped,
    /// `lost`
    Lost,
    /// Real images, clean accuracy.
    Real,
    /// Adversarial images, adversarial accuracy.
    Adversarial,
    /// The empty part of a gauge.
    GaugeEmpty,
    /// Curves, colour-blind safe: 1 to 6.
    Series1,
    /// See [`Role::Series1`].
    Series2,
    /// See [`Role::Series1`].
    Series3,
    /// See [`Role::Series1`].
    Series4,
    /// See [`Role::Series1`].
    Series5,
    /// See [`Role::Series1`].
    Series6,
}

/// A loaded theme.
#[derive(Debug, Clone, Default)]
pub struct Theme {}

impl Theme {
    /// The style of a role.
    pub fn style(&self, _role: Role) -> Style {
        Style::default()
    }
}
