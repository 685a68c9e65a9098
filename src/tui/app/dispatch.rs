//! From a key to an action, and from an action to what it does: overlay first, then the screen,
//! then what works everywhere.

use std::sync::Arc;

use super::{App, Overlay};
use crate::run::state::Status;
use crate::tui::action::{Action, Place};
use crate::tui::effect::{Effect, Order};
use crate::tui::keymap::Resolved;
use crate::tui::keymap::key::Key;
use crate::tui::message::Notice;
use crate::tui::screen::side_by_side::Asked;
use crate::tui::screen::{Scene, ScreenId, attack, concepts, launch, neurons, runs, trace};
use crate::tui::widget::dialog::{self, Answer, Dialog};
use crate::tui::widget::palette::{self, Palette};

/// What `--readonly` answers.
const READ_ONLY: &str = "read-only: no run is started, stopped or changed here";

impl App {
    /// A key went down.
    pub(super) fn press(&mut self, key: Key) -> Vec<Effect> {
        self.see_errors();
        let places = self.places();
        if places.first() == Some(&Place::Text)
            && self.pending.is_empty()
            && let Some(c) = key.typed()
        {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return Vec::new();
        }
        self.pending.push(key);
        match self.keymap.resolve(places, &self.pending) {
            Resolved::Pending => Vec::new(),
            Resolved::Action(action) => {
                self.pending.clear();
                self.perform(action)
            }
            Resolved::Unknown => {
                self.pending.clear();
                // Over a slow line Esc and the next key may come in one piece, which reads as Alt.
                // Not where text is typed: there Alt-b is a habit, and Esc would undo the text.
                let is_typing = places.first() == Some(&Place::Text);
                let Some(plain) = key.after_escape().filter(|_| !is_typing) else {
                    return Vec::new();
                };
                let mut effects = self.press(Key::ESCAPE);
                effects.extend(self.press(plain));
                effects
            }
        }
    }

    /// Text for whatever field has the keys.
    pub(super) fn insert(&mut self, text: &str) {
        match (&mut self.overlay, self.screen) {
            (Some(Overlay::List(list)), _) => list.insert(text),
            (None, ScreenId::Runs) if self.runs.filtering => {
                self.runs.filter.insert(text);
                self.runs.settle(&self.world);
            }
            (None, ScreenId::Attack) if self.attack.filtering => self.attack.filter.insert(text),
            (None, ScreenId::Neurons) => self.neurons.insert(text),
            (None, ScreenId::Concepts) if self.concepts.filtering => {
                self.concepts.filter.insert(text);
            }
            (None, ScreenId::Trace) if self.trace.filtering => self.trace.filter.insert(text),
            (None, ScreenId::Launch) => self.launch.insert(text),
            _ => {}
        }
    }

    /// Does an action, wherever it comes from.
    pub(super) fn perform(&mut self, action: Action) -> Vec<Effect> {
        if let Some(effects) = self.perform_in_overlay(action) {
            return effects;
        }
        if self.readonly && action.changes_runs() {
            return vec![notice(Notice::warning(READ_ONLY))];
        }
        if let Some(effects) = self.perform_on_screen(action) {
            return self.permitted(effects);
        }
        self.perform_anywhere(action)
    }

    /// An action that means nothing on this screen may still start something: `Enter` does.
    fn permitted(&self, effects: Vec<Effect>) -> Vec<Effect> {
        let changes = |effect: &Effect| {
            matches!(
                effect,
                Effect::StartRun { .. }
                    | Effect::StartEdited { .. }
                    | Effect::ResumeRun { .. }
                    | Effect::WriteReport { .. }
                    | Effect::Control { .. }
                    | Effect::Bookmark { .. }
            )
        };
        if self.readonly && effects.iter().any(changes) {
            return vec![notice(Notice::warning(READ_ONLY))];
        }
        effects
    }

    fn perform_in_overlay(&mut self, action: Action) -> Option<Vec<Effect>> {
        use Action::{NextTheme, Quit, Redraw, Suspend, ToggleMouse};
        match (&mut self.overlay, action) {
            (None, _) | (Some(_), Redraw | Suspend | NextTheme | ToggleMouse) => None,
            // Ctrl-C once more means it.
            (Some(Overlay::Question(_)), Quit) => Some(vec![Effect::Quit]),
            (Some(Overlay::Question(dialog)), action) => {
                let outcome = dialog.act(action);
                Some(self.answered(outcome))
            }
            (Some(Overlay::List(list)), action) => {
                let outcome = list.act(action);
                Some(self.chosen(outcome))
            }
        }
    }

    pub(super) fn answered(&mut self, outcome: dialog::Outcome) -> Vec<Effect> {
        match outcome {
            dialog::Outcome::Open => Vec::new(),
            dialog::Outcome::Closed(effects) => {
                self.overlay = None;
                effects
            }
        }
    }

    pub(super) fn chosen(&mut self, outcome: palette::Outcome) -> Vec<Effect> {
        match outcome {
            palette::Outcome::Open => Vec::new(),
            palette::Outcome::Closed => {
                self.overlay = None;
                Vec::new()
            }
            palette::Outcome::Chosen(choice) => {
                self.overlay = None;
                match choice {
                    palette::Choice::Do(action) => self.perform(action),
                    palette::Choice::Beside(run) => {
                        match self.screen {
                            ScreenId::Concepts => self.concepts.put_beside(run),
                            ScreenId::Trace => self.trace.put_beside(run),
                            _ => self.neurons.put_beside(run),
                        }
                        Vec::new()
                    }
                }
            }
        }
    }

    fn perform_on_screen(&mut self, action: Action) -> Option<Vec<Effect>> {
        let world = Arc::clone(&self.world);
        let selected = self.about().map(str::to_owned);
        let compared = self.runs.compared();
        let page = self.page();
        let scene = Scene {
            world: &world,
            selected: selected.as_deref(),
            compared: &compared,
            pictures: &self.pictures,
        };
        match self.screen {
            ScreenId::Runs if action == Action::Stop && !self.runs.filtering => {
                let run = scene.selected.and_then(|id| world.run(id))?;
                let name = runs::short_name(&run.info.id);
                if !run.status.is_live() {
                    return Some(vec![notice(Notice::info(format!("{name} is not running")))]);
                }
                let stop = Effect::Control { run: run.info.id.clone(), order: Order::Stop };
                self.overlay = Some(Overlay::Question(Dialog {
                    title: "stop the run?".into(),
                    text: if run.status == Status::Queued {
                        format!("{name} will leave the queue; it can be taken up again later.")
                    } else {
                        format!(
                            "{name} will write a checkpoint and end; it can be taken up again later."
                        )
                    },
                    answers: vec![
                        Answer::new("stop it", vec![stop]),
                        Answer::new("let it go on", Vec::new()),
                    ],
                    chosen: 0,
                }));
                Some(Vec::new())
            }
            ScreenId::Runs => runs::act(&mut self.runs, &mut self.detail, action, &scene, page),
            ScreenId::Launch => launch::act(&mut self.launch, action, &scene, page),
            ScreenId::Attack => attack::act(&mut self.attack, action, &scene, page),
            ScreenId::Neurons if action == Action::SideBySide => {
                let asked = neurons::side_by_side(&mut self.neurons, &scene, &self.runs.marked);
                Some(self.beside(asked))
            }
            ScreenId::Neurons => neurons::act(&mut self.neurons, action, &scene, page),
            ScreenId::Concepts if action == Action::SideBySide => {
                let asked = concepts::side_by_side(&mut self.concepts, &scene, &self.runs.marked);
                Some(self.beside(asked))
            }
            ScreenId::Concepts => concepts::act(&mut self.concepts, action, &scene, page),
            ScreenId::Trace if action == Action::SideBySide => {
                let asked = trace::side_by_side(&mut self.trace, &scene, &self.runs.marked);
                Some(self.beside(asked))
            }
            ScreenId::Trace => {
                let (opens, effects) = trace::act(&mut self.trace, action, &scene, page)?;
                self.open_neuron(opens);
                Some(effects)
            }
        }
    }

    /// Lets the user choose the run that is to stand beside, where that is asked.
    fn beside(&mut self, asked: Asked) -> Vec<Effect> {
        match asked {
            Asked::Done(effects) => effects,
            Asked::Choose(runs) => {
                self.overlay = Some(Overlay::List(Palette::beside(runs)));
                Vec::new()
            }
        }
    }

    /// Goes to a neuron on the screen of neurons.
    pub(super) fn open_neuron(&mut self, opens: Option<trace::Opens>) {
        if let Some(trace::Opens { layer, neuron }) = opens {
            self.neurons.go_to(layer, neuron);
            self.screen = ScreenId::Neurons;
        }
    }

    fn perform_anywhere(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::ShowLaunch => self.screen = ScreenId::Launch,
            Action::ShowAttack => self.screen = ScreenId::Attack,
            Action::ShowNeurons => self.screen = ScreenId::Neurons,
            Action::ShowConcepts => self.screen = ScreenId::Concepts,
            Action::ShowTrace => self.screen = ScreenId::Trace,
            Action::NewRun => {
                self.screen = ScreenId::Launch;
                self.launch.choose("quickstart");
            }
            Action::Back if self.pinned.is_some() => self.pinned = None,
            Action::ShowRuns | Action::Back => self.screen = ScreenId::Runs,
            Action::Help => {
                self.overlay = Some(Overlay::List(Palette::help(&self.keymap, self.places())));
            }
            Action::Palette => {
                self.overlay = Some(Overlay::List(Palette::commands(&self.keymap, self.places())));
            }
            Action::NextTheme => {
                self.theme = (self.theme + 1) % self.themes.len().max(1);
                let name = self.themes.get(self.theme).map_or("", |theme| theme.name.as_str());
                return vec![notice(Notice::info(format!("theme {name}"))), Effect::Redraw];
            }
            Action::ToggleMouse => {
                self.mouse = !self.mouse;
                let text = if self.mouse { "mouse on" } else { "mouse off: select text freely" };
                return vec![Effect::CaptureMouse(self.mouse), notice(Notice::info(text))];
            }
            Action::WriteReport => {
                // What is on the screen: the selected run, and those beside it.
                let is_there = |id: &&String| self.world.run(id).is_some();
                let runs: Vec<String> = self.wants.runs.iter().filter(is_there).cloned().collect();
                if runs.is_empty() {
                    return vec![notice(Notice::info("no run is selected"))];
                }
                let told = notice(Notice::info("writing the report…"));
                return vec![told, Effect::WriteReport { runs }];
            }
            Action::Redraw => return vec![Effect::SendAgain],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.quit(),
            Action::Filter | Action::Pause | Action::Stop | Action::Mark | Action::Compare => {
                let text = format!("'{}' works on the runs screen", action.name());
                return vec![notice(Notice::info(text))];
            }
            Action::Gallery
            | Action::Region
            | Action::SideBySide
            | Action::Bookmark
            | Action::Unmark
                if self.screen != ScreenId::Neurons =>
            {
                let text = format!("'{}' works on the neurons screen", action.name());
                return vec![notice(Notice::info(text))];
            }
            // Moving and opening mean nothing where there is nothing.
            _ => {}
        }
        Vec::new()
    }

    /// Asks only when runs are going; leaving them running is the default.
    fn quit(&mut self) -> Vec<Effect> {
        let going: Vec<&str> = self
            .world
            .runs
            .iter()
            .filter(|run| run.status.is_live())
            .map(|run| run.info.id.as_str())
            .collect();
        if going.is_empty() {
            return vec![Effect::Quit];
        }
        let them = if going.len() == 1 { "it" } else { "them" };
        let text = match going.as_slice() {
            [one] => format!("{} is going. It does not need the workbench.", runs::short_name(one)),
            _ => format!("{} runs are going. They do not need the workbench.", going.len()),
        };
        let mut stop: Vec<Effect> = going
            .iter()
            .map(|run| Effect::Control { run: (*run).to_owned(), order: Order::Stop })
            .collect();
        stop.push(Effect::Quit);
        let mut answers =
            vec![Answer::new(format!("quit, leave {them} running"), vec![Effect::Quit])];
        if !self.readonly {
            answers
                .push(Answer::new(format!("quit and stop {them} (checkpoints are written)"), stop));
        }
        answers.push(Answer::new("stay here", Vec::new()));
        self.overlay =
            Some(Overlay::Question(Dialog { title: "quit?".into(), text, answers, chosen: 0 }));
        Vec::new()
    }
}

fn notice(notice: Notice) -> Effect {
    Effect::Notify(notice)
}
