//! The attack screen: one image before and after an attack, recomputed live with other settings by
//! a small worker; and what the run measured of attacks as a whole.
//!
//! ```text
//! ╭ fgsm ε 4 · 1 of 2,000 ───────╮╭ image 12 · clock ──────────────────────────────────────────────╮
//! │ ✗ fooled    12 clock  teapot ││ pgd · ε 8 · 20 steps                               recomputing… │
//! │ ✓ held      13 cup    cup    ││ original          perturbation ×16    adversarial               │
//! │ – wrong     14 house  tree   ││ ▀▀▀▀▀▀▀▀▀▀▀▀      ▀▀▀▀▀▀▀▀▀▀▀▀        ▀▀▀▀▀▀▀▀▀▀▀▀               │
//! │                              ││ ✗ fooled · true class clock · clock 0.942 → teapot 0.913        │
//! │                              ││ ✓ clock   ▕███████▏ 0.942  ▕        ▏ 0.021  true class         │
//! │                              │╰────────────────────────────────────────────────────────────────╯
//! │                              │╭ accuracy against epsilon ───────────────────────────────────────╮
//! │                              ││ curve                            transfer table, warnings       │
//! ╰──────────────────────────────╯╰────────────────────────────────────────────────────────────────╯
//! ```

mod accuracy;
mod bars;
mod image;
mod knobs;
mod list;
mod live;
mod rows;
mod shown;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use self::knobs::Knobs;
use self::live::Live;
use self::rows::Listed;
use self::shown::{Kept, Shown};
use super::{Click, DrawContext, Scene, View, Wants};
use crate::run::live::Answer;
use crate::tui::action::{Action, Place};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::shell::quoted;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::field::{Field, Narrowed};
use crate::tui::widget::list::moved;

/// What the user did to it, and what the small worker answered.
#[derive(Debug, Default)]
pub struct State {
    /// The run that the choice is about.
    run: Option<String>,
    /// The chosen image, and which of the run's pairs; it stays chosen when the list changes.
    chosen: Option<(usize, Option<usize>)>,
    /// What images must contain: an outcome, a class, a number.
    pub filter: Field,
    /// Whether the filter has the keys.
    pub filtering: bool,
    listed: Listed,
    focus: Focus,
    /// Whether the focused region fills the screen.
    zoomed: bool,
    /// Lines that the text beside the curve is scrolled.
    scroll: usize,
    /// What was set; `None` = the run's own attack.
    knobs: Option<Knobs>,
    live: Live,
    kept: Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    Images,
    Accuracy,
}

impl State {
    /// The places that get the keys, the first one first.
    pub fn places(&self) -> &'static [Place] {
        if self.filtering { &[Place::Text, Place::Global] } else { &[Place::Attack, Place::Global] }
    }

    /// Takes in what the small worker said; answers whether that changed anything.
    pub fn hear(&mut self, run: &str, answer: Answer) -> bool {
        self.live.hear(run, answer)
    }

    /// Wants the small worker no longer; answers whether it did.
    pub fn end(&mut self) -> bool {
        self.live.end()
    }

    /// The mouse is over this: the wheel goes there.
    pub fn point_at(&mut self, click: Click) {
        match click {
            Click::Row(Place::Attack, _) | Click::Region(Place::Attack) => {
                self.focus = Focus::Images;
            }
            Click::Cell(Place::Attack, ..) => self.focus = Focus::Accuracy,
            _ => {}
        }
    }
}

/// The actions that the bottom line names, most useful first.
pub fn hints(state: &State, scene: &Scene<'_>) -> Vec<Action> {
    use Action::{
        AttackNow, Back, CopyCommand, EpsilonDown, EpsilonUp, Filter, NewRun, NextFocus,
        NextMethod, NextOutcome, Open, PreviousMethod, ShowRuns, StepsDown, StepsUp, Zoom,
    };
    if state.filtering {
        return vec![Open, Back];
    }
    if Shown::new(state, scene).is_none() {
        return vec![ShowRuns, NewRun];
    }
    vec![
        AttackNow,
        PreviousMethod,
        NextMethod,
        EpsilonDown,
        EpsilonUp,
        StepsDown,
        StepsUp,
        NextFocus,
        NextOutcome,
        Filter,
        Zoom,
        CopyCommand,
    ]
}

/// What actions mean just now, where their own labels say too little.
pub fn words(state: &State) -> &'static [(Action, &'static str)] {
    match state.focus {
        Focus::Images => &[(Action::NextFocus, "accuracy")],
        Focus::Accuracy => &[(Action::NextFocus, "images")],
    }
}

/// Below so many rows, image and accuracy take turns.
const BOTH: u16 = 32;
/// Rows for the accuracies below the image.
const ACCURACY: u16 = 13;

/// Draws it.
pub fn draw(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some(shown) = Shown::new(state, scene) else {
        let inner = context.frame(Line::from("attack"), area, buf);
        return say(&nobody(context), Role::Muted, context, inner, buf);
    };
    let in_images = state.focus == Focus::Images;
    let images = context.focus(context.focused && in_images);
    let accuracies = context.focus(context.focused && !in_images);
    // The keys move in the list: its frame alone says so.
    let beside = context.focus(false);
    if state.zoomed {
        if in_images {
            return image::draw(state, &shown, scene, &images, area, buf, view);
        }
        return accuracy::draw(state, &shown, &accuracies, area, buf, view);
    }
    let width = match area.width {
        150.. => 48,
        110.. => 40,
        76.. => 28,
        narrow => narrow.min(22),
    };
    let left = Rect { width, ..area };
    let right = Rect { x: area.x + width, width: area.width - width, ..area };
    list::draw(state, &shown, scene, &images, left, buf, view);
    if right.height >= BOTH {
        let height = right.height - ACCURACY.max(right.height / 4);
        let upper = Rect { height, ..right };
        let lower = Rect { y: right.y + height, height: right.height - height, ..right };
        image::draw(state, &shown, scene, &beside, upper, buf, view);
        accuracy::draw(state, &shown, &accuracies, lower, buf, view);
    } else if in_images {
        image::draw(state, &shown, scene, &beside, right, buf, view);
    } else {
        accuracy::draw(state, &shown, &accuracies, right, buf, view);
    }
}

fn say(words: &str, role: Role, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    for (line, row) in text::wrap(words, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
    }
}

/// What stands on the screen while no run is selected.
fn nobody(context: &DrawContext<'_>) -> String {
    let runs = context.key(Action::ShowRuns, Place::Attack);
    let new = context.key(Action::NewRun, Place::Attack);
    format!(
        "An image before and after an attack stands here, with what the network makes of both.\n\n\
         {new} starts a run from a preset; quickstart brings an attack in a few minutes. {runs} \
         leads to the runs."
    )
}

/// Does what was asked for; `None` = not mine.
pub fn act(
    state: &mut State,
    action: Action,
    scene: &Scene<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    let shown = Shown::new(state, scene)?;
    if state.filtering {
        return filter(state, action, &shown, page);
    }
    let set = |state: &mut State, knobs: Knobs| Some(set(state, &shown, knobs));
    match action {
        Action::AttackNow => return Some(attack(state, &shown, &shown.knobs)),
        Action::NextMethod => return set(state, shown.knobs.other_method(1)),
        Action::PreviousMethod => return set(state, shown.knobs.other_method(-1)),
        Action::EpsilonUp => return set(state, shown.knobs.other_epsilon(true)),
        Action::EpsilonDown => return set(state, shown.knobs.other_epsilon(false)),
        Action::StepsUp | Action::StepsDown => {
            let Some(knobs) = shown.knobs.other_steps(action == Action::StepsUp) else {
                let words = format!("{} takes one step", shown.knobs.method());
                return Some(vec![Effect::Notify(Notice::info(words))]);
            };
            return set(state, knobs);
        }
        Action::NextOutcome => {
            state.listed = state.listed.next();
            state.focus = Focus::Images;
        }
        Action::Filter => {
            state.filtering = true;
            state.focus = Focus::Images;
            state.zoomed = false;
        }
        Action::NextFocus | Action::PreviousFocus => {
            let in_images = state.focus == Focus::Images;
            state.focus = if in_images { Focus::Accuracy } else { Focus::Images };
        }
        Action::Zoom => state.zoomed = !state.zoomed,
        Action::Back if state.zoomed => state.zoomed = false,
        Action::Back if state.focus == Focus::Accuracy => state.focus = Focus::Images,
        Action::Back if !state.filter.is_empty() => state.filter = Field::default(),
        Action::Back if state.listed != Listed::All => state.listed = Listed::All,
        Action::CopyCommand => return Some(command(state, &shown)),
        action if state.focus == Focus::Accuracy => {
            let lines = accuracy::lines(&shown).len();
            state.scroll = moved(action, state.scroll, lines, page / 4)?;
        }
        Action::Left => choose(state, &shown, moved(Action::Up, shown.at, shown.rows.len(), page)?),
        Action::Right => {
            choose(state, &shown, moved(Action::Down, shown.at, shown.rows.len(), page)?);
        }
        action => choose(state, &shown, moved(action, shown.at, shown.rows.len(), page)?),
    }
    Some(Vec::new())
}

fn choose(state: &mut State, shown: &Shown<'_>, at: usize) {
    state.chosen = shown.rows.get(at).map(|row| (row.image, row.pair));
}

/// Sets the attack and asks for it. At the end of what can be set, nothing is asked again.
fn set(state: &mut State, shown: &Shown<'_>, knobs: Knobs) -> Vec<Effect> {
    if knobs == shown.knobs {
        return Vec::new();
    }
    let effects = attack(state, shown, &knobs);
    state.knobs = Some(knobs);
    effects
}

fn attack(state: &mut State, shown: &Shown<'_>, knobs: &Knobs) -> Vec<Effect> {
    let Some(image) = shown.image() else { return Vec::new() };
    vec![state.live.ask(shown.run, image, knobs)]
}

/// Once something was attacked live or set: the run once more, with that attack; else what the run
/// measured.
fn command(state: &State, shown: &Shown<'_>) -> Vec<Effect> {
    let is_live = state.knobs.is_some() || state.live.shown().is_some();
    let Some(detail) = shown.detail.filter(|_| is_live) else {
        return vec![Effect::Copy(format!("glassbox show {} --json", quoted(shown.run)))];
    };
    let path = quoted(&detail.folder.join("spec.toml").display().to_string());
    // As one value: keys of the run's own method would be mistakes beside those of another.
    let section = quoted(&format!("attack={{ {} }}", shown.knobs.section(&detail.spec)));
    let copied = Effect::Copy(format!("glassbox run {path} --set {section}"));
    // No --set takes a section away.
    let trains = detail.spec.parse::<toml::Table>().is_ok_and(|spec| spec.contains_key("train"));
    let warning = trains.then(|| {
        Effect::Notify(Notice::warning(format!(
            "this trains anew: to attack the trained network alone, copy the spec without its \
             [train] sections and add --set model.weights=run:{}",
            shown.run
        )))
    });
    std::iter::once(copied).chain(warning).collect()
}

fn filter(
    state: &mut State,
    action: Action,
    shown: &Shown<'_>,
    page: usize,
) -> Option<Vec<Effect>> {
    match state.filter.narrow(&mut state.filtering, action) {
        Narrowed::Done => {}
        Narrowed::Moves => choose(state, shown, moved(action, shown.at, shown.rows.len(), page)?),
        Narrowed::NotMine => return None,
    }
    Some(Vec::new())
}

/// A click on something that `draw` recorded; one on what is chosen already attacks it.
pub fn click(state: &mut State, click: Click, scene: &Scene<'_>) -> Vec<Effect> {
    let Some(shown) = Shown::new(state, scene) else { return Vec::new() };
    let was_in_images = state.focus == Focus::Images;
    state.point_at(click);
    match click {
        Click::Row(Place::Attack, at) if at == shown.at && was_in_images => {
            attack(state, &shown, &shown.knobs)
        }
        Click::Row(Place::Attack, at) => {
            choose(state, &shown, at);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// After everything that happened: ends the small worker when another run is selected, shows what
/// has come whole, and asks for the image that is selected now.
pub fn settle(
    state: &mut State,
    scene: &Scene<'_>,
    is_shown: bool,
    draws_pictures: bool,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state.run.as_deref() != scene.selected {
        state.run = scene.selected.map(str::to_owned);
        // What was set is another run's: its target class and its networks mean nothing here.
        (state.chosen, state.scroll, state.knobs) = (None, 0, None);
        if state.end() {
            effects.push(Effect::EndAttacks);
        }
    }
    state.live.settle(scene.pictures, draws_pictures);
    if is_shown
        && state.live.run().is_some()
        && let Some(shown) = Shown::new(state, scene)
        && let Some(image) = shown.image()
    {
        effects.extend(state.live.ask_anew(image, &shown.knobs));
    }
    effects
}

/// What it needs from the background.
pub fn wants(state: &State, scene: &Scene<'_>) -> Wants {
    let runs = scene.selected.map(str::to_owned).into_iter().collect();
    let Some(shown) = Shown::new(state, scene) else {
        return Wants { runs, pictures: Vec::new() };
    };
    Wants { runs, pictures: image::wants(state, &shown) }
}
