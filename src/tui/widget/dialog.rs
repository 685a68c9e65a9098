//! A question in the middle of the screen: a few answers, the safe one chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialog {
    /// In the frame.
    pub title: String,
    /// What it is about; may hold text from files.
    pub text: String,
    /// At least one.
    pub answers: Vec<Answer>,
    /// Which one Enter takes.
    pub chosen: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it says.
    pub label: String,
    /// What it does.
    pub effects: Vec<Effect>,
}

impl Answer {
    /// An answer.
    pub fn new(label: impl Into<String>, effects: Vec<Effect>) -> Self {
        Self { label: label.into(), effects }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Still asking.
    Open,
    /// Closed; do this.
    Closed(Vec<Effect>),
}

impl Dialog {
    /// Does what was asked for. `back` closes it and does nothing.
    pub fn act(&mut self, action: Action) -> Outcome {
        let last = self.answers.len().saturating_sub(1);
        match action {
            Action::Up | Action::Left | Action::PreviousFocus => {
                self.chosen = self.chosen.checked_sub(1).unwrap_or(last);
            }
            Action::Down | Action::Right | Action::NextFocus => {
                self.chosen = if self.chosen >= last { 0 } else { self.chosen + 1 };
            }
            Action::First => self.chosen = 0,
            Action::Last => self.chosen = last,
            Action::Open | Action::Accept => return self.answer(self.chosen),
            Action::Back => return Outcome::Closed(Vec::new()),
            _ => {}
        }
        Outcome::Open
    }

    /// Gives the answer of that row.
    pub fn answer(&self, row: usize) -> Outcome {
        Outcome::Closed(self.answers.get(row).map_or(Vec::new(), |a| a.effects.clone()))
    }

    /// Draws it over `area`.
    pub fn draw(&self, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer, view: &mut View) {
        let width = 56.min(area.width);
        let lines = text::wrap(&self.text, usize::from(width.saturating_sub(4)));
        let height = (lines.len() + self.answers.len() + 3) as u16;
        let inner = popup(&self.title, (width, height), context, area, buf, view);
        let mut rows = inner.rows();
        for (line, row) in lines.iter().zip(rows.by_ref()) {
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Text));
        }
        // Answers keep their place when the text is longer than the screen.
        let answers = self.answers.len().min(usize::from(inner.height)) as u16;
        let top = inner.bottom() - answers;
        for (index, answer) in self.answers.iter().enumerate().take(answers.into()) {
            let row = Rect { y: top + index as u16, height: 1, ..inner };
            let chosen = index == self.chosen;
            let style = context.style(if chosen { Role::Selection } else { Role::Text });
            let sign = if chosen { "› " } else { "  " };
            let label = text::pad(&format!("{sign}{}", answer.label), row.width.into());
            buf.set_stringn(row.x, row.y, label, row.width.into(), style);
            view.clickable(row, Click::Row(Place::Dialog, index));
        }
    }
}

/// Clears a piece in the middle of `area`, frames it, and swallows clicks. Returns the inside.
pub fn popup(
    title: &str,
    (width, height): (u16, u16),
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        // A little above the middle, where the eye is.
        y: area.y + (area.height - height) * 2 / 5,
        width,
        height,
    };
    Clear.render(outer, buf);
    buf.set_style(outer, context.style(Role::Text));
    view.clickable(area, Click::Nothing);
    view.cursor = None;
    let title = text::fit(title, usize::from(width.saturating_sub(6)));
    context.focus(true).frame(Line::from(Span::raw(title)), outer, buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        let answers =
            vec![Answer::new("leave", vec![Effect::Quit]), Answer::new("stay", Vec::new())];
        Dialog { title: "quit?".into(), text: "2 runs go on.".into(), answers, chosen: 0 }
    }

    #[test]
    fn enter_takes_what_is_chosen_and_escape_does_nothing() {
        assert_eq!(dialog().act(Action::Open), Outcome::Closed(vec![Effect::Quit]));
        assert_eq!(dialog().act(Action::Back), Outcome::Closed(Vec::new()));
        let mut dialog = dialog();
        dialog.act(Action::Up);
        assert_eq!(dialog.act(Action::Open), Outcome::Closed(Vec::new()));
    }
}
