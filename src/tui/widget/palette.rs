//! The command palette, the help, and other choices: one searchable list of what can be done. The
//! palette holds every action by name, the help every key that has a meaning.

use std::ops::Range;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dialog::popup;
use super::field::Field;
use super::list;
use crate::tui::action::{Action, Place};
use crate::tui::keymap::{Binding, Keymap};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// An open list.
#[derive(Debug, Clone)]
pub struct Palette {
    title: &'static str,
    entries: Vec<Entry>,
    query: Field,
    /// Indices into `entries`, best first, with the matched characters of the text.
    shown: Vec<(usize, Vec<u32>)>,
    chosen: usize,
}

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What Enter does.
    pub choice: Choice,
    /// The keys, if it has any.
    pub keys: String,
    /// Its name in the palette, its place in the help.
    pub name: String,
    /// What it does.
    pub doc: String,
}

/// What an entry stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This is to be done.
    Do(Action),
    /// The run of this id is to stand beside the selected one.
    Beside(String),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Still open.
    Open,
    /// Closed without a choice.
    Closed,
    /// Closed; do this.
    Chosen(Choice),
}

impl Palette {
    /// Runs to stand beside the selected one: their ids, with what is known of each.
    pub fn beside(runs: Vec<(String, String)>) -> Self {
        let entries = runs.into_iter().map(|(run, doc)| {
            let (name, doc) = (short_name(&run), text::clean(&doc).into_owned());
            let name = text::clean(name).into_owned();
            Entry { choice: Choice::Beside(run), keys: String::new(), name, doc }
        });
        Self::new("which run beside", entries.collect())
    }

    /// Every action by name, with its keys where it has any.
    pub fn commands(keymap: &Keymap, places: &[Place]) -> Self {
        let fields = [
            Action::Accept,
            Action::DeleteBefore,
            Action::DeleteAfter,
            Action::DeleteAll,
            Action::Palette,
        ];
        // What has to do with this place first, moving about last: nobody moves by name.
        let rank = |action: &Action| {
            let is_here = |place: &Place| {
                *place != Place::Global && keymap.keys_of(*action, &[*place]).is_some()
            };
            match action {
                _ if action.is_motion() => 2,
                _ if places.iter().any(is_here) => 0,
                _ => 1,
            }
        };
        let mut actions: Vec<Action> =
            Action::ALL.iter().copied().filter(|action| !fields.contains(action)).collect();
        actions.sort_by_key(rank);
        let entries = actions.iter().map(|action| {
            let keys = keymap.keys_of(*action, places).unwrap_or_else(|| {
                let anywhere = keymap.bindings().iter().find(|b| b.action == *action);
                anywhere.map(Binding::keys_text).unwrap_or_default()
            });
            let name = action.name().replace('_', " ");
            Entry { choice: Choice::Do(*action), keys, name, doc: action.doc().into() }
        });
        Self::new("command", entries.collect())
    }

    /// Every key with a meaning: those that work right now first, then the others by place.
    pub fn help(keymap: &Keymap, places: &[Place]) -> Self {
        let live = keymap.live(places);
        let rest = keymap.bindings().iter().filter(|b| !live.contains(b));
        let mut entries: Vec<Entry> = Vec::new();
        for binding in live.iter().copied().chain(rest) {
            let place = binding.place.name();
            // Keys that do the same in the same place share a line: `k Up`.
            let choice = Choice::Do(binding.action);
            let twin = entries.iter_mut().find(|e| e.choice == choice && e.name == place);
            if let Some(twin) = twin {
                twin.keys = format!("{} {}", twin.keys, binding.keys_text());
            } else {
                let (keys, doc) = (binding.keys_text(), binding.doc().to_owned());
                entries.push(Entry { choice, keys, name: place.into(), doc });
            }
        }
        Self::new("help", entries)
    }

    fn new(title: &'static str, entries: Vec<Entry>) -> Self {
        let mut palette =
            Self { title, entries, query: Field::default(), shown: Vec::new(), chosen: 0 };
        palette.search();
        palette
    }

    /// Types into the search.
    pub fn insert(&mut self, text: &str) {
        self.query.insert(text);
        self.search();
    }

    /// Does what was asked for.
    pub fn act(&mut self, action: Action) -> Outcome {
        match action {
            Action::Open | Action::Accept => return self.choose(self.chosen),
            Action::Back | Action::Quit => return Outcome::Closed,
            Action::NextFocus => self.chosen = self.next(Action::Down),
            Action::PreviousFocus => self.chosen = self.next(Action::Up),
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
                self.chosen = self.next(action);
            }
            action => {
                if self.query.act(action) {
                    self.search();
                }
            }
        }
        Outcome::Open
    }

    fn next(&self, action: Action) -> usize {
        list::moved(action, self.chosen, self.shown.len(), 10).unwrap_or(self.chosen)
    }

    /// Takes that row.
    pub fn choose(&self, row: usize) -> Outcome {
        let entry = self.shown.get(row).and_then(|(index, _)| self.entries.get(*index));
        entry.map_or(Outcome::Open, |entry| Outcome::Chosen(entry.choice.clone()))
    }

    /// What is offered now, best first.
    pub fn offered(&self) -> impl Iterator<Item = &Entry> {
        self.shown.iter().filter_map(|(index, _)| self.entries.get(*index))
    }

    fn search(&mut self) {
        self.chosen = 0;
        if self.query.is_empty() {
            self.shown = (0..self.entries.len()).map(|index| (index, Vec::new())).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.query.text(), CaseMatching::Smart, Normalization::Smart);
        let mut found: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let haystack = entry.haystack();
            let mut buffer = Vec::new();
            let mut at = Vec::new();
            let haystack = Utf32Str::new(&haystack, &mut buffer);
            if let Some(score) = pattern.indices(haystack, &mut matcher, &mut at) {
                at.sort_unstable();
                found.push((score, index, at));
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        self.shown = found.into_iter().map(|(_, index, at)| (index, at)).collect();
    }

    /// Draws it over `area`.
    pub fn draw(&self, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer, view: &mut View) {
        let size = (76.min(area.width.saturating_sub(2)), 24.min(area.height.saturating_sub(2)));
        let inner = popup(self.title, size, context, area, buf, view);
        if inner.height < 2 {
            return;
        }
        let field = Rect { height: 1, ..inner };
        buf.set_stringn(field.x, field.y, "› ", 2, context.style(Role::Key));
        let count = format!("{} of {}", self.shown.len(), self.entries.len());
        let count_width = text::width(&count) as u16;
        let text_width = field.width.saturating_sub(3 + count_width);
        if self.query.is_empty() {
            let style = context.style(Role::Muted);
            buf.set_stringn(field.x + 2, field.y, "type to search", text_width.into(), style);
        }
        if field.width > count_width {
            let x = field.right() - count_width;
            buf.set_stringn(x, field.y, &count, count_width.into(), context.style(Role::Muted));
        }
        let input = Rect { x: field.x + 2.min(field.width), width: text_width, ..field };
        self.query.draw(context, input, buf, view);
        let rows = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
        let first = list::scrolled(0, self.chosen, self.shown.len(), rows.height.into());
        if self.shown.is_empty() {
            let style = context.style(Role::Muted);
            buf.set_stringn(rows.x, rows.y, "nothing by that name", rows.width.into(), style);
        }
        for ((number, (index, at)), row) in
            self.shown.iter().enumerate().skip(first).zip(rows.rows())
        {
            let Some(entry) = self.entries.get(*index) else { continue };
            let chosen = number == self.chosen;
            let shape = match (&entry.choice, self.title) {
                (Choice::Beside(_), _) => Shape::Name,
                (_, "help") => Shape::Keys,
                _ => Shape::Command,
            };
            entry.draw(at, chosen, shape, context, row, buf);
            view.clickable(row, Click::Row(Place::Text, number));
        }
    }
}

/// What stands first in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Keys: the help.
    Keys,
    /// A name, its meaning, its keys.
    Command,
    /// A long name and its meaning.
    Name,
}

impl Entry {
    fn haystack(&self) -> String {
        format!("{} {} {}", self.name, self.doc, self.keys)
    }

    fn draw(
        &self,
        matched: &[u32],
        chosen: bool,
        shape: Shape,
        context: &DrawContext<'_>,
        row: Rect,
        buf: &mut Buffer,
    ) {
        if chosen {
            buf.set_style(row, context.style(Role::Selection));
        }
        let over = |role: Role| {
            let style = context.style(role);
            if chosen { style.patch(context.style(Role::Selection)) } else { style }
        };
        let name = 0..self.name.chars().count();
        let doc = name.end + 1..name.end + 1 + self.doc.chars().count();
        let keys = doc.end + 1..usize::MAX;
        let parts: [(&str, Range<usize>, Role, u16); 3] = match shape {
            Shape::Keys => [
                (&self.keys, keys, Role::Key, 14),
                (&self.doc, doc, Role::Text, row.width.saturating_sub(24)),
                (&self.name, name, Role::Muted, 8),
            ],
            Shape::Command => [
                (&self.name, name, Role::Text, 18),
                (&self.doc, doc, Role::Muted, row.width.saturating_sub(18 + 13)),
                (&self.keys, keys, Role::Key, 10),
            ],
            Shape::Name => [
                (&self.name, name, Role::Text, row.width / 2),
                (&self.doc, doc, Role::Muted, row.width / 2),
                (&self.keys, keys, Role::Key, 0),
            ],
        };
        let mut x = row.x;
        for (part, range, role, width) in parts {
            let width = width.min(row.right().saturating_sub(x));
            let shown = text::fit(part, width.into());
            buf.set_stringn(x, row.y, &shown, width.into(), over(role));
            // Every character here takes one cell: names, keys and docs are the program's own.
            for (i, _) in shown.chars().enumerate() {
                if matched.contains(&((range.start + i) as u32))
                    && let Some(cell) = buf.cell_mut((x + i as u16, row.y))
                {
                    cell.set_style(context.style(Role::Match));
                }
            }
            x = (x + width + 1).min(row.right());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Place; 2] = [Place::Runs, Place::Global];

    fn actions(palette: &Palette) -> Vec<Action> {
        let action = |entry: &Entry| match entry.choice {
            Choice::Do(action) => Some(action),
            Choice::Beside(_) => None,
        };
        palette.offered().filter_map(action).collect()
    }

    #[test]
    fn a_run_is_found_by_its_name_and_chosen_by_its_id() {
        let run = |id: &str, title: &str| (id.to_owned(), title.to_owned());
        let mut list = Palette::beside(vec![
            run("20261122-090000-alexnet-11c0", "AlexNet"),
            run("20261121-080000-resnet18-5b5b", "ResNet-18"),
        ]);
        list.insert("resnet");
        let chosen = Choice::Beside("20261121-080000-resnet18-5b5b".into());
        assert_eq!(list.act(Action::Open), Outcome::Chosen(chosen));
    }

    #[test]
    fn every_action_can_be_found_by_its_name() {
        let palette = Palette::commands(&Keymap::shipped(), &PLACES);
        for action in actions(&palette) {
            let mut palette = palette.clone();
            palette.insert(&action.name().replace('_', " "));
            assert!(actions(&palette).contains(&action), "{}", action.name());
        }
    }

    #[test]
    fn the_palette_begins_with_what_has_to_do_with_the_place_and_ends_with_moving() {
        let palette = Palette::commands(&Keymap::shipped(), &PLACES);
        let actions = actions(&palette);
        assert_eq!(actions[0], Action::Pause);
        let global = actions.iter().position(|action| *action == Action::ShowRuns).unwrap();
        let mark = actions.iter().position(|action| *action == Action::Mark).unwrap();
        let motion = actions.iter().position(|action| action.is_motion()).unwrap();
        assert!(mark < global && global < motion);
        assert!(actions[motion..].iter().all(|action| action.is_motion()));
    }

    #[test]
    fn a_few_letters_are_enough() {
        let mut palette = Palette::commands(&Keymap::shipped(), &PLACES);
        palette.insert("nthm");
        assert_eq!(palette.act(Action::Open), Outcome::Chosen(Choice::Do(Action::NextTheme)));
    }

    #[test]
    fn help_is_searched_by_word_and_runs_the_entry() {
        let mut help = Palette::help(&Keymap::shipped(), &PLACES);
        help.insert("pause");
        assert_eq!(help.act(Action::Open), Outcome::Chosen(Choice::Do(Action::Pause)));
        let mut help = Palette::help(&Keymap::shipped(), &PLACES);
        help.insert("zzzz");
        assert_eq!(help.act(Action::Open), Outcome::Open);
        assert_eq!(help.act(Action::Back), Outcome::Closed);
    }

    #[test]
    fn help_names_every_key() {
        let keymap = Keymap::shipped();
        let help = Palette::help(&keymap, &PLACES);
        for binding in keymap.bindings() {
            let named = help.offered().any(|entry| {
                entry.choice == Choice::Do(binding.action)
                    && entry.keys.contains(&binding.keys_text())
            });
            assert!(named, "{binding:?}");
        }
    }
}
