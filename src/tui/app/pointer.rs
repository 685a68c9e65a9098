//! What the mouse does: wheel, clicks, dragged borders.

use std::sync::Arc;

use super::{App, Overlay};
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::{Gesture, Pointer};
use crate::tui::screen::{
    Click, Scene, ScreenId, attack, concepts, launch, neurons, run_detail, runs, trace,
};

/// Rows a turn of the wheel moves.
const WHEEL: usize = 3;

impl App {
    pub(super) fn point(&mut self, pointer: Pointer) -> Vec<Effect> {
        match pointer.gesture {
            Gesture::Press => {
                let seen = self.see_errors();
                let effects = self.click(pointer);
                self.dirty |= seen;
                effects
            }
            Gesture::Drag => match self.dragged {
                Some(area) => {
                    self.runs.drag(area, pointer.column, pointer.row);
                    Vec::new()
                }
                None => self.nothing(),
            },
            Gesture::Release => {
                self.dragged = None;
                self.nothing()
            }
            Gesture::WheelUp => self.wheel(pointer.on, Action::Up),
            Gesture::WheelDown => self.wheel(pointer.on, Action::Down),
        }
    }

    fn nothing(&mut self) -> Vec<Effect> {
        self.dirty = false;
        Vec::new()
    }

    /// The wheel goes to what is under it, not to what has the focus.
    fn wheel(&mut self, on: Option<Click>, action: Action) -> Vec<Effect> {
        if self.overlay.is_none() {
            match on {
                Some(Click::Row(Place::Runs, _) | Click::Region(Place::Runs)) => {
                    self.runs.focus = runs::Focus::List;
                }
                Some(Click::Row(Place::Details, _) | Click::Region(Place::Details)) => {
                    self.click_screen(Click::Region(Place::Details));
                }
                Some(under) if self.screen == ScreenId::Attack => self.attack.point_at(under),
                Some(under) if self.screen == ScreenId::Concepts => self.concepts.point_at(under),
                Some(under) if self.screen == ScreenId::Trace => self.trace.point_at(under),
                _ => {}
            }
        }
        let mut effects = Vec::new();
        for _ in 0..WHEEL {
            effects.extend(self.perform(action));
        }
        effects
    }

    fn click(&mut self, pointer: Pointer) -> Vec<Effect> {
        match (pointer.on, &mut self.overlay) {
            (Some(Click::Row(Place::Dialog, row)), Some(Overlay::Question(dialog))) => {
                let outcome = dialog.answer(row);
                self.answered(outcome)
            }
            (Some(Click::Row(Place::Text, row)), Some(Overlay::List(list))) => {
                let outcome = list.choose(row);
                self.chosen(outcome)
            }
            // The hints of the bottom line work for what lies over the screen, too.
            (Some(Click::Do(action)), _) => self.perform(action),
            (None | Some(Click::Nothing), _) | (Some(_), Some(_)) => self.nothing(),
            (Some(Click::Border(area)), None) => {
                self.dragged = Some(area);
                Vec::new()
            }
            (Some(click), None) => self.click_screen(click),
        }
    }

    fn click_screen(&mut self, click: Click) -> Vec<Effect> {
        let world = Arc::clone(&self.world);
        let selected = self.about().map(str::to_owned);
        let compared = self.runs.compared();
        let scene = Scene {
            world: &world,
            selected: selected.as_deref(),
            compared: &compared,
            pictures: &self.pictures,
        };
        match self.screen {
            ScreenId::Runs => {
                runs::click(&mut self.runs, click, &scene);
                run_detail::click(&mut self.detail, click, &scene)
            }
            ScreenId::Launch => launch::click(&mut self.launch, click),
            ScreenId::Attack => attack::click(&mut self.attack, click, &scene),
            ScreenId::Neurons => neurons::click(&mut self.neurons, click, &scene),
            ScreenId::Concepts => concepts::click(&mut self.concepts, click, &scene),
            ScreenId::Trace => {
                let (opens, effects) = trace::click(&mut self.trace, click, &scene);
                self.open_neuron(opens);
                effects
            }
        }
    }
}
