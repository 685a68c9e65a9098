//! One file a screen, all of one shape:
//!
//! - `State` (`Default`): what the user did to it; no data of runs.
//! - `draw(&State, &Scene, &DrawContext, Rect, &mut Buffer, &mut View)`: from memory only.
//! - `act(&mut State, Action, &Scene) -> Option<Vec<Effect>>`: `None` = not mine, let the next
//!   place try. No file, clock or spawn.
//! - `click(&mut State, Click, &Scene) -> Vec<Effect>` where it draws things that can be clicked.
//! - `wants(&State, &Scene) -> Wants`: which runs it needs followed, which pictures decoded.

pub mod attack;
pub mod concepts;
mod filter_row;
pub mod launch;
mod meaning;
pub mod neurons;
pub mod run_detail;
pub mod runs;
pub mod side_by_side;
mod split;
mod terms;
pub mod trace;

use std::collections::HashMap;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use super::action::{Action, Place};
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::pictures::{self, stage::Stage};
use super::theme::{Role, Theme};
use super::widget::list::scrolled;
use super::world::World;

/// The screens, by the number that leads to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ScreenId {
    /// The runs.
    #[default]
    Runs,
    /// Presets and their form.
    Launch,
    /// One image before and after an attack, and accuracy against epsilon.
    Attack,
    /// Picture grids.
    Neurons,
    /// What neurons mean.
    Concepts,
    /// The neurons behind predictions.
    Trace,
}

impl ScreenId {
    /// Every screen, as the tabs show them.
    pub const ALL: [ScreenId; 6] = [
        ScreenId::Runs,
        ScreenId::Launch,
        ScreenId::Attack,
        ScreenId::Neurons,
        ScreenId::Concepts,
        ScreenId::Trace,
    ];

    /// The number in the tab.
    pub fn number(self) -> u8 {
        match self {
            ScreenId::Runs => 1,
            ScreenId::Launch => 2,
            ScreenId::Attack => 3,
            ScreenId::Neurons => 4,
            ScreenId::Concepts => 5,
            ScreenId::Trace => 6,
        }
    }

    /// The word in the tab.
    pub fn title(self) -> &'static str {
        match self {
            ScreenId::Runs => "Runs",
            ScreenId::Launch => "Launch",
            ScreenId::Attack => "Attack",
            ScreenId::Neurons => "Neurons",
            ScreenId::Concepts => "Concepts",
            ScreenId::Trace => "Trace",
        }
    }

    /// What leads there.
    pub fn action(self) -> Action {
        match self {
            ScreenId::Runs => Action::ShowRuns,
            ScreenId::Launch => Action::ShowLaunch,
            ScreenId::Attack => Action::ShowAttack,
            ScreenId::Neurons => Action::ShowNeurons,
            ScreenId::Concepts => Action::ShowConcepts,
            ScreenId::Trace => Action::ShowTrace,
        }
    }
}

/// What a screen is about: the runs, the one under the cursor, the marked ones.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Everything known.
    pub world: &'a World,
    /// The id of the run that is selected on the runs screen.
    pub selected: Option<&'a str>,
    /// The ids of the runs to show side by side, the selected one first; empty = no comparison.
    pub compared: &'a [String],
    /// What has been decoded.
    pub pictures: &'a pictures::Cache,
}

/// How to draw. Copied and changed for each region.
#[derive(Debug, Clone, Copy)]
pub struct DrawContext<'a> {
    /// Styles by role.
    pub theme: &'a Theme,
    /// Which characters.
    pub glyphs: Glyphs,
    /// Which key does what, for the lines that say so.
    pub keymap: &'a Keymap,
    /// Whether this region has the focus.
    pub focused: bool,
    /// Whether pictures are drawn.
    pub pictures: bool,
    /// Where pictures stand that are more than text; `None` = half-blocks.
    pub stage: Option<&'a Stage>,
    /// The reader's clock, in Unix seconds: never the machine's, so tests stand still.
    pub now: f64,
}

impl DrawContext<'_> {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// The key that does it, as the user has it: for the lines that say which key brings what.
    pub fn key(&self, action: Action, place: Place) -> String {
        let keys = self.keymap.keys_of(action, &[place, Place::Global]);
        keys.unwrap_or_else(|| format!(":{}", action.name()))
    }

    /// The same, with another focus.
    #[must_use]
    pub fn focus(self, focused: bool) -> Self {
        Self { focused, ..self }
    }

    /// A frame round a region with its title in it, lower case and muted, in the accent when the
    /// region has the focus. Returns what is inside: one column of air left and right.
    pub fn frame(&self, title: Line<'_>, area: Rect, buf: &mut Buffer) -> Rect {
        let (border, text) = if self.focused {
            (Role::BorderFocus, Role::Accent)
        } else {
            (Role::Border, Role::Muted)
        };
        let mut spans = vec![Span::raw(" ")];
        spans.extend(title.spans);
        spans.push(Span::raw(" "));
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(self.style(border))
            .title(Line::from(spans).style(self.style(text)));
        let inner = block.inner(area);
        block.render(area, buf);
        Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner }
            .intersection(inner)
    }
}

/// What the last frame left behind for the mouse. Only `draw` writes it.
#[derive(Debug, Default)]
pub struct View {
    /// Later ones lie on top.
    pub clicks: Vec<(Rect, Click)>,
    /// The first row that each list shows; kept from frame to frame.
    pub offsets: HashMap<Place, usize>,
    /// Where the text cursor is, if there is one.
    pub cursor: Option<(u16, u16)>,
    /// Where pictures are; kept from frame to frame.
    pub stage: Rc<Stage>,
}

impl View {
    /// Makes a piece of screen answer to the mouse.
    pub fn clickable(&mut self, area: Rect, click: Click) {
        self.clicks.push((area, click));
    }

    /// Forgets what belongs to one frame only.
    pub fn begin(&mut self) {
        self.clicks.clear();
        self.cursor = None;
        self.stage.begin();
    }

    /// The first row to show of a list, so that row `at` of `len` lies within `rows`.
    pub fn scroll(&mut self, place: Place, at: usize, len: usize, rows: usize) -> usize {
        let offset = self.offsets.entry(place).or_default();
        *offset = scrolled(*offset, at, len, rows);
        *offset
    }

    /// What lies at a cell.
    pub fn at(&self, column: u16, row: u16) -> Option<Click> {
        let hit = |area: &Rect| area.contains((column, row).into());
        self.clicks.iter().rev().find(|(area, _)| hit(area)).map(|(_, click)| *click)
    }
}

/// What a click means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    /// As if the action's key had been pressed.
    Do(Action),
    /// Row `.1` of a region; a second click opens it.
    Row(Place, usize),
    /// Anywhere else in a region: gives it the focus, and the wheel goes to it.
    Region(Place),
    /// A cell of a region that knows what its columns and rows mean: column and row in it.
    Cell(Place, u16, u16),
    /// A step of a region's curves.
    Step(Place, u64),
    /// A border that can be dragged; the area is what it divides.
    Border(Rect),
    /// Nothing (what lies under a dialog).
    Nothing,
}

/// What a screen needs from the background.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wants {
    /// Ids of runs to follow closely.
    pub runs: Vec<String>,
    /// Pictures, most urgent first.
    pub pictures: Vec<pictures::Request>,
}
