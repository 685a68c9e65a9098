//! The launch screen: presets on the left, the keys of the chosen one as a form on the right.

mod draw;
pub mod form;

pub use draw::{HELP, draw};

use self::form::{Form, Row};
use super::{Click, Scene};
use crate::spec::expand::Surroundings;
use crate::spec::help::{Key, ValueKind};
use crate::spec::preset::PRESETS;
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::widget::field::Field;
use crate::tui::widget::list::moved;

/// What the user did to it.
#[derive(Debug)]
pub struct State {
    around: Surroundings,
    /// One a preset, in their order.
    forms: Vec<Form>,
    preset: usize,
    row: usize,
    /// Which region has the focus.
    pub focus: Focus,
    editing: Option<Editing>,
}

/// A value being typed: it takes effect as it is typed, so `before` is kept for Esc.
#[derive(Debug)]
struct Editing {
    key: &'static Key,
    field: Field,
    before: String,
}

/// A region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The presets.
    #[default]
    Presets,
    /// The form.
    Form,
}

impl State {
    /// Every preset as it ships; `around` is what paths in specs may refer to.
    pub fn new(around: Surroundings) -> Self {
        // A test holds that every shipped preset parses.
        let forms = PRESETS.iter().filter_map(|preset| Form::new(preset, &around).ok()).collect();
        Self { around, forms, preset: 0, row: 0, focus: Focus::Presets, editing: None }
    }

    /// Puts the cursor on a preset.
    pub fn choose(&mut self, name: &str) {
        if let Some(at) = self.forms.iter().position(|form| form.preset.name == name) {
            self.preset = at;
            self.focus = Focus::Presets;
            self.editing = None;
        }
    }

    /// Whether a value has the keys.
    pub fn is_typing(&self) -> bool {
        self.editing.is_some()
    }

    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.is_typing() {
            &[Place::Text, Place::Global]
        } else {
            &[Place::Launch, Place::Global]
        }
    }

    /// Types into the value that is being edited.
    pub fn insert(&mut self, text: &str) {
        if let Some(editing) = &mut self.editing {
            editing.field.insert(text);
        }
        self.take_over();
    }

    fn form(&self) -> Option<&Form> {
        self.forms.get(self.preset)
    }

    fn key(&self) -> Option<&'static Key> {
        match self.form()?.rows.get(self.row)? {
            Row::Value(key) => Some(key),
            Row::Section(_) => None,
        }
    }

    /// The typed text becomes the value, so that what is wrong shows at once.
    fn take_over(&mut self) {
        if let (Some(editing), Some(form)) = (&self.editing, self.forms.get_mut(self.preset)) {
            form.set(editing.key, editing.field.text(), &self.around);
        }
    }

    /// Sections are heads, not values: the cursor goes past them.
    fn move_in_form(&mut self, action: Action, page: usize) -> bool {
        let Some(form) = self.form() else { return false };
        let Some(to) = moved(action, self.row, form.rows.len(), page) else { return false };
        let is_value = |row: &usize| matches!(form.rows.get(*row), Some(Row::Value(_)));
        let down = (to..form.rows.len()).find(is_value);
        let up = (0..=to).rev().find(is_value);
        let to = if to >= self.row { down.or(up) } else { up.or(down) };
        self.row = to.unwrap_or(0);
        true
    }

    fn edit(&mut self) {
        let (Some(key), Some(form)) = (self.key(), self.form()) else { return };
        let (before, _) = form.value(key);
        self.editing = Some(Editing { key, field: Field::new(before.clone()), before });
    }

    fn step(&mut self, forward: bool) -> bool {
        let Some(key) = self.key() else { return false };
        let Some(form) = self.forms.get_mut(self.preset) else { return false };
        form.step(key, forward, &self.around)
    }

    fn start(&mut self) -> Vec<Effect> {
        let Some(form) = self.forms.get(self.preset) else { return Vec::new() };
        match form.spec(&self.around) {
            Ok(spec) => vec![Effect::StartRun { spec }],
            Err(problems) => {
                let Some(problem) = problems.first() else { return Vec::new() };
                let hint = problem.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
                let text = format!("{}{hint}", problem.message);
                let is_it = |row: &Row| match row {
                    Row::Value(key) => form.problem(key).is_some(),
                    Row::Section(_) => false,
                };
                if let Some(row) = form.rows.iter().position(is_it) {
                    self.row = row;
                    self.focus = Focus::Form;
                }
                vec![Effect::Notify(Notice::error(text))]
            }
        }
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State) -> Vec<Action> {
    use Action::{Back, CopyCommand, Launch, NextFocus, Open, ResetValue};
    match (state.is_typing(), state.focus) {
        (true, _) => vec![Open, Back],
        (false, Focus::Presets) => vec![Launch, NextFocus, CopyCommand, Back],
        (false, Focus::Form) => vec![Launch, Open, ResetValue, CopyCommand, NextFocus, Back],
    }
}

/// What they mean here.
pub fn words(state: &State) -> &'static [(Action, &'static str)] {
    match state.focus {
        Focus::Presets => &[(Action::NextFocus, "values")],
        Focus::Form => &[(Action::Open, "change"), (Action::NextFocus, "presets")],
    }
}

/// Does what was asked for; `None` = not mine.
pub fn act(
    state: &mut State,
    action: Action,
    _scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    if state.is_typing() {
        return typing(state, action, page);
    }
    match (action, state.focus) {
        (Action::Launch, _) | (Action::Open, Focus::Presets) => return Some(state.start()),
        (Action::NextFocus | Action::PreviousFocus | Action::Back, Focus::Form) => {
            state.focus = Focus::Presets;
        }
        (Action::NextFocus | Action::PreviousFocus | Action::Right, Focus::Presets) => {
            state.focus = Focus::Form;
            if state.key().is_none() {
                state.move_in_form(Action::First, page);
            }
        }
        (Action::Open, Focus::Form) => {
            let stepped = matches!(
                state.key().map(|key| key.kind),
                Some(ValueKind::Choice(_) | ValueKind::Flag)
            ) && state.step(true);
            if !stepped {
                state.edit();
            }
        }
        (Action::Left | Action::Right, Focus::Form) => {
            state.step(action == Action::Right);
        }
        (Action::ResetValue, _) => {
            if let (Some(key), Some(form)) = (state.key(), state.forms.get_mut(state.preset)) {
                let original = form.original_value(key);
                form.set(key, &original, &state.around);
            }
        }
        (Action::CopyCommand, _) => {
            return Some(vec![Effect::Copy(state.form()?.command())]);
        }
        (action, Focus::Presets) => {
            let to = moved(action, state.preset, state.forms.len(), page)?;
            if to != state.preset {
                state.preset = to;
                state.row = 0;
                state.move_in_form(Action::First, page);
            }
        }
        (action, Focus::Form) => {
            if !state.move_in_form(action, page) {
                return None;
            }
        }
    }
    Some(Vec::new())
}

fn typing(state: &mut State, action: Action, page: usize) -> Option<Vec<Effect>> {
    match action {
        Action::Open => state.editing = None,
        Action::NextFocus | Action::Down | Action::PreviousFocus | Action::Up => {
            let back = matches!(action, Action::PreviousFocus | Action::Up);
            state.editing = None;
            state.move_in_form(if back { Action::Up } else { Action::Down }, page);
        }
        Action::Back => {
            let editing = state.editing.take()?;
            if let Some(form) = state.forms.get_mut(state.preset) {
                form.set(editing.key, &editing.before, &state.around);
            }
        }
        action => {
            let mine = state.editing.as_mut().is_some_and(|editing| editing.field.act(action));
            if !mine {
                return None;
            }
            state.take_over();
        }
    }
    Some(Vec::new())
}

/// A click on something that `draw` recorded.
pub fn click(state: &mut State, click: Click) -> Vec<Effect> {
    match click {
        // Presets come first, then the rows of the form.
        Click::Row(Place::Launch, row) => {
            state.editing = None;
            if let Some(row) = row.checked_sub(state.forms.len()) {
                let again = state.focus == Focus::Form && state.row == row;
                state.focus = Focus::Form;
                state.row = row;
                if state.key().is_none() {
                    state.move_in_form(Action::Down, 1);
                } else if again && !state.step(true) {
                    state.edit();
                }
            } else {
                if state.preset != row {
                    state.preset = row;
                    state.row = 0;
                }
                state.focus = Focus::Presets;
            }
        }
        Click::Region(Place::Launch) => state.editing = None,
        _ => {}
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::pictures::Cache;
    use crate::tui::world::World;

    fn with(run: impl FnOnce(&mut State, &Scene<'_>)) {
        let around = Surroundings { folder: "/here".into(), home: None, variable: |_| None };
        let (world, pictures) = (World::default(), Cache::default());
        let scene = Scene { world: &world, selected: None, compared: &[], pictures: &pictures };
        run(&mut State::new(around), &scene);
    }

    #[test]
    fn enter_on_a_preset_starts_it() {
        with(|state, scene| {
            state.choose("quickstart");
            let effects = act(state, Action::Open, scene, 10).unwrap();
            let [Effect::StartRun { spec }] = effects.as_slice() else { panic!("{effects:?}") };
            assert!(spec.contains("[train]"));
        });
    }

    #[test]
    fn a_preset_whose_data_is_missing_says_so_at_the_field_and_starts_nothing() {
        with(|state, scene| {
            state.choose("cifar10");
            let effects = act(state, Action::Open, scene, 10).unwrap();
            let [Effect::Notify(notice)] = effects.as_slice() else { panic!("{effects:?}") };
            assert!(notice.text.contains("CIFAR10"), "{}", notice.text);
            assert_eq!(state.key().unwrap().path, "data.path");
        });
    }

    #[test]
    fn typing_takes_effect_at_once_and_escape_takes_it_back() {
        with(|state, scene| {
            state.choose("quickstart");
            act(state, Action::NextFocus, scene, 10);
            while state.key().unwrap().path != "train.epochs" {
                act(state, Action::Down, scene, 10);
            }
            act(state, Action::Open, scene, 10);
            act(state, Action::DeleteAll, scene, 10);
            state.insert("x");
            assert_eq!(state.form().unwrap().problems.len(), 1);
            act(state, Action::Back, scene, 10);
            assert!(state.form().unwrap().problems.is_empty());
            assert_eq!(state.form().unwrap().changes(), 0);
        });
    }
}
