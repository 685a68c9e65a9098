//! The workbench's state and the one function that changes it. No file, no clock, no process: what
//! happened comes in as a [`Message`], what is to be done goes out as [`Effect`]s.

mod dispatch;
pub mod draw;
mod pointer;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::action::Place;
use super::effect::Effect;
use super::glyphs::Glyphs;
use super::keymap::Keymap;
use super::keymap::key::Key;
use super::message::{Message, Notice, Severity};
use super::pictures;
use super::screen::{
    Scene, ScreenId, Wants, attack, concepts, launch, neurons, run_detail, runs, trace,
};
use super::theme::Theme;
use super::widget::dialog::{Answer, Dialog};
use super::widget::field::Field;
use super::widget::palette::Palette;
use super::world::{Machine, World};
use crate::run::live;
use crate::spec::expand::Surroundings;
use crate::spec::{Document, Problem};

/// More at once would cover the screen.
const MOST_TOASTS: usize = 3;
/// A question names this many of a spec's mistakes.
const MOST_PROBLEMS: usize = 3;

/// What the workbench is made from.
#[derive(Debug)]
pub struct Setup {
    /// At least one; the theme key goes round.
    pub themes: Vec<Theme>,
    /// The one to begin with.
    pub theme: usize,
    /// Which characters.
    pub glyphs: Glyphs,
    /// Which key does what.
    pub keymap: Keymap,
    /// Nothing is started or stopped.
    pub readonly: bool,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// Whether pictures are drawn, and decoded.
    pub pictures: bool,
    /// What paths in specs may refer to.
    pub around: Surroundings,
    /// ` --runs-dir D` where the commands that are copied need it, else empty.
    pub command_suffix: String,
    /// Something wrong with the settings, to stay on the screen until it is dismissed.
    pub pinned: Option<String>,
    /// Columns and rows.
    pub size: (u16, u16),
}

/// The whole state.
#[derive(Debug)]
pub struct App {
    world: Arc<World>,
    machine: Option<Machine>,
    screen: ScreenId,
    runs: runs::State,
    detail: run_detail::State,
    launch: launch::State,
    attack: attack::State,
    neurons: neurons::State,
    concepts: concepts::State,
    trace: trace::State,
    /// The newest question to the small worker behind the attack screen.
    asked: u64,
    overlay: Option<Overlay>,
    toasts: VecDeque<Notice>,
    /// Counts them.
    newest_toast: u64,
    pinned: Option<String>,
    pictures: pictures::Cache,
    draws_pictures: bool,
    keymap: Keymap,
    pending: Vec<Key>,
    themes: Vec<Theme>,
    theme: usize,
    glyphs: Glyphs,
    readonly: bool,
    mouse: bool,
    command_suffix: String,
    size: (u16, u16),
    /// A run that was started and has not shown up yet.
    expected: Option<String>,
    /// What a drag divides.
    dragged: Option<Rect>,
    wants: Wants,
    dirty: bool,
}

/// What lies over the screen and has all keys.
#[derive(Debug)]
enum Overlay {
    Question(Dialog),
    List(Palette),
}

impl App {
    /// Before anything is known of the runs.
    pub fn new(setup: Setup) -> Self {
        let mut app = Self {
            world: Arc::default(),
            machine: None,
            screen: ScreenId::default(),
            runs: runs::State::default(),
            detail: run_detail::State::default(),
            launch: launch::State::new(setup.around),
            attack: attack::State::default(),
            neurons: neurons::State::default(),
            concepts: concepts::State::default(),
            trace: trace::State::default(),
            asked: 0,
            overlay: None,
            toasts: VecDeque::new(),
            newest_toast: 0,
            pinned: setup.pinned,
            pictures: pictures::Cache::default(),
            draws_pictures: setup.pictures,
            keymap: setup.keymap,
            pending: Vec::new(),
            theme: setup.theme.min(setup.themes.len().saturating_sub(1)),
            themes: setup.themes,
            glyphs: setup.glyphs,
            readonly: setup.readonly,
            mouse: setup.mouse,
            command_suffix: setup.command_suffix,
            size: setup.size,
            expected: None,
            dragged: None,
            wants: Wants::default(),
            dirty: true,
        };
        app.fit();
        app
    }

    /// Takes in what happened; answers what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        self.dirty = true;
        let effects = match message {
            Message::KeyPressed(event) => {
                if let Some(key) = Key::from_event(&event) {
                    self.press(key)
                } else {
                    self.dirty = false;
                    Vec::new()
                }
            }
            Message::Pointed(pointer) => self.point(pointer),
            Message::Pasted(text) => {
                self.insert(&text);
                Vec::new()
            }
            Message::Resized(columns, rows) => {
                self.size = (columns, rows);
                vec![Effect::Redraw]
            }
            // A multiplexer may have shown us to another terminal meanwhile.
            Message::FocusGained => vec![Effect::Redraw],
            Message::WorldChanged(world) => {
                let before = self.runs.selected.clone();
                self.world = world;
                self.meet_expected();
                self.runs.settle(&self.world);
                // Another run stands in its place, on every screen.
                let is_gone = |id: &String| {
                    self.runs.selected.as_ref() != Some(id) && self.world.run(id).is_none()
                };
                let told = before.filter(is_gone).map(|id| {
                    let name = runs::short_name(&id);
                    Effect::Notify(Notice::warning(format!("{name} is gone from the runs folder")))
                });
                told.into_iter().collect()
            }
            Message::MachineChanged(machine) => {
                self.dirty = self.machine != Some(machine);
                self.machine = Some(machine);
                Vec::new()
            }
            Message::ToastExpired => {
                let gone = self.toasts.iter().position(|t| t.severity != Severity::Error);
                self.dirty = gone.and_then(|at| self.toasts.remove(at)).is_some();
                Vec::new()
            }
            Message::Noticed(notice) => vec![Effect::Notify(notice)],
            Message::RunStarted(id) => {
                self.screen = ScreenId::Runs;
                self.runs.focus = runs::Focus::List;
                self.expected = Some(id.clone());
                self.meet_expected();
                vec![Effect::Notify(Notice::info(format!("started {}", runs::short_name(&id))))]
            }
            Message::SpecEdited(spec) => {
                self.ask_to_start(spec);
                Vec::new()
            }
            Message::SpecRefused { spec, why } => {
                self.ask_to_edit_again("the run was not started".into(), why, spec);
                Vec::new()
            }
            Message::PictureLoaded(loaded) => {
                self.pictures.put(loaded);
                Vec::new()
            }
            Message::AttackAnswered { run, asked, answer } => {
                // A worker that never got the newest question has died: that one goes to the next.
                let outdated = matches!(answer, live::Answer::Failed { .. }) && asked < self.asked;
                self.dirty = !outdated && self.attack.hear(&run, answer);
                Vec::new()
            }
            Message::Terminated => vec![Effect::Quit],
        };
        self.follow_up(effects)
    }

    /// Whether the screen is out of date; asking makes it count as drawn.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// The number of the newest toast, if one is to be taken away after a while.
    pub fn passing_toast(&self) -> Option<u64> {
        let passes = |toast: &Notice| toast.severity != Severity::Error;
        self.toasts.iter().any(passes).then_some(self.newest_toast)
    }

    /// Whether the mouse is listened to.
    pub fn wants_mouse(&self) -> bool {
        self.mouse
    }

    /// Shows notices itself, and asks for what the screen has come to need.
    fn follow_up(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Notify(notice) => self.notify(notice),
                Effect::Copy(text) if text.starts_with("glassbox ") => {
                    let text = format!("{text}{}", self.command_suffix);
                    self.notify(Notice::info(format!("copied: {text}")));
                    out.push(Effect::Copy(text));
                }
                other => out.push(other),
            }
        }
        out = self.settle_attack(out);
        self.fit();
        let wants = self.wants();
        if wants.runs != self.wants.runs {
            out.push(Effect::Follow(wants.runs.clone()));
        }
        let missing = self.pictures.want(&wants.pictures);
        if wants.pictures != self.wants.pictures && !missing.is_empty() {
            out.push(Effect::LoadPictures(missing));
        }
        self.wants = wants;
        out
    }

    /// Asks the small worker for what the attack screen shows now, and ends it with what it is about.
    fn settle_attack(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let quits = effects.contains(&Effect::Quit);
        // The small worker takes no place in the queue: it leaves its device to what does.
        let makes_room = |effect: &Effect| {
            matches!(
                effect,
                Effect::StartRun { .. } | Effect::StartEdited { .. } | Effect::ResumeRun { .. }
            )
        };
        if (quits || effects.iter().any(makes_room)) && self.attack.end() {
            effects.insert(0, Effect::EndAttacks);
        }
        if quits {
            return effects;
        }
        let scene = Scene {
            world: &self.world,
            selected: self.runs.selected.as_deref().map(|id| self.world.with_results(id)),
            compared: &[],
            pictures: &self.pictures,
        };
        let is_shown = self.screen == ScreenId::Attack;
        effects.extend(attack::settle(&mut self.attack, &scene, is_shown, self.draws_pictures));
        for effect in &effects {
            if let Effect::Attack { ask, .. } = effect {
                self.asked = ask.id;
            }
        }
        effects
    }

    /// An error stays until somebody has seen it: until the next key or click. Answers whether one
    /// went.
    fn see_errors(&mut self) -> bool {
        let before = self.toasts.len();
        self.toasts.retain(|toast| toast.severity != Severity::Error);
        self.toasts.len() < before
    }

    fn notify(&mut self, notice: Notice) {
        // Of news only the last counts; what went wrong stands until it was seen.
        let is_news = |toast: &Notice| toast.severity == Severity::Info;
        self.toasts.retain(|toast| *toast != notice && !(is_news(toast) && is_news(&notice)));
        self.toasts.push_back(notice);
        self.newest_toast += 1;
        while self.toasts.len() > MOST_TOASTS {
            self.toasts.pop_front();
        }
    }

    fn wants(&self) -> Wants {
        let compared = self.runs.compared();
        let scene = self.scene(&compared);
        let mut wants = match self.screen {
            ScreenId::Attack => attack::wants(&self.attack, &scene),
            ScreenId::Neurons => neurons::wants(&self.neurons, &scene),
            ScreenId::Concepts => concepts::wants(&self.concepts, &scene),
            ScreenId::Trace => trace::wants(&self.trace, &scene),
            ScreenId::Runs | ScreenId::Launch => run_detail::wants(&self.detail, &scene),
        };
        if !self.draws_pictures {
            wants.pictures.clear();
        }
        // Whatever else a screen needs, it is about the selected run and those beside it.
        for id in self.about().into_iter().chain(compared.iter().map(String::as_str)) {
            if !wants.runs.iter().any(|wanted| wanted == id) {
                wants.runs.push(id.to_owned());
            }
        }
        wants
    }

    /// The run that the screen is about. A study is one line of the list; what its first run has found
    /// stands on the screens that show results.
    fn about(&self) -> Option<&str> {
        let selected = self.runs.selected.as_deref()?;
        Some(match self.screen {
            ScreenId::Runs | ScreenId::Launch => selected,
            _ => self.world.with_results(selected),
        })
    }

    fn scene<'a>(&'a self, compared: &'a [String]) -> Scene<'a> {
        Scene { world: &self.world, selected: self.about(), compared, pictures: &self.pictures }
    }

    /// Puts the cursor on a run that was just started, as soon as the reader sees it.
    fn meet_expected(&mut self) {
        if let Some(id) = self.expected.take_if(|id| self.world.run(id).is_some()) {
            self.runs.filter = Field::default();
            self.runs.selected = Some(id);
        }
    }

    /// The places that get the keys, the first one first.
    fn places(&self) -> &'static [Place] {
        match (&self.overlay, self.screen) {
            (Some(Overlay::Question(_)), _) => &[Place::Dialog, Place::Global],
            (Some(Overlay::List(_)), _) => &[Place::Text, Place::Global],
            (None, ScreenId::Runs) => self.runs.places(),
            (None, ScreenId::Launch) => self.launch.places(),
            (None, ScreenId::Attack) => self.attack.places(),
            (None, ScreenId::Neurons) => self.neurons.places(),
            (None, ScreenId::Concepts) => self.concepts.places(),
            (None, ScreenId::Trace) => self.trace.places(),
        }
    }

    /// A run's own spec never changes, so an edited copy can only become a new run.
    fn ask_to_start(&mut self, spec: String) {
        if self.readonly {
            return;
        }
        let document = Document::parse("spec.toml", &spec);
        if let Err(problems) = document.and_then(|document| document.spec()) {
            let title = match problems.len() {
                1 => "the spec has a mistake".into(),
                count => format!("the spec has {count} mistakes"),
            };
            let mut lines: Vec<String> =
                problems.iter().take(MOST_PROBLEMS).map(Problem::to_string).collect();
            if problems.len() > MOST_PROBLEMS {
                lines.push(format!("and {} more", problems.len() - MOST_PROBLEMS));
            }
            return self.ask_to_edit_again(title, lines.join("\n"), spec);
        }
        self.overlay = Some(Overlay::Question(Dialog {
            title: "start a new run?".into(),
            text: "The copy of the spec was changed. The run it came from keeps its own.".into(),
            answers: vec![
                Answer::new(
                    "start a run from the changed spec",
                    vec![Effect::StartEdited { spec: spec.clone() }],
                ),
                Answer::new("edit it again", vec![Effect::EditAgain { spec }]),
                Answer::new("drop the changes", Vec::new()),
            ],
            chosen: 0,
        }));
    }

    /// A mistake must not cost what was typed.
    fn ask_to_edit_again(&mut self, title: String, text: String, spec: String) {
        self.overlay = Some(Overlay::Question(Dialog {
            title,
            text,
            answers: vec![
                Answer::new("edit it again", vec![Effect::EditAgain { spec }]),
                Answer::new("drop the changes", Vec::new()),
            ],
            chosen: 0,
        }));
    }

    /// Tells the screens that have to know it how much room there is.
    fn fit(&mut self) {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let body = draw::body(self, area);
        self.neurons.fit(body.width, body.height);
        self.concepts.fit(body.width, body.height);
        self.trace.fit(body.width, body.height);
    }

    /// Rows that a page of a list has.
    fn page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(6)).max(1)
    }
}
