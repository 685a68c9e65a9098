//! The labelled pictures that excite one neuron most, real ones above adversarial ones: where it
//! fires is lit, what is labelled with its concept outlined; above them all that is known of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::filter::Row;
use super::shown::Shown;
use super::{State, empty};
use crate::run::results::consistency::Level;
use crate::run::results::dissect::{Match, Neuron, Picture};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::pictures::Request;
use crate::tui::pictures::overlay::Marks;
use crate::tui::screen::meaning::told;
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid::{self, Group, Tile};
use crate::tui::world::RunDetail;

/// In the order in which the key goes through them.
const ALL: [Option<Marks>; 4] = [Some(Marks::Both), Some(Marks::Lit), Some(Marks::Outline), None];

/// Rows of a grid of two groups whose pictures can be recognised.
const LEAST_GRID: u16 = 18;

/// What is laid over the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overlay(pub(super) Option<Marks>);

impl Default for Overlay {
    fn default() -> Self {
        Self(Some(Marks::Both))
    }
}

impl Overlay {
    pub(super) fn next(self) -> Self {
        let at = ALL.iter().position(|marks| *marks == self.0).unwrap_or(0);
        Self(ALL[(at + 1) % ALL.len()])
    }

    /// In the title.
    pub(super) fn words(self) -> &'static str {
        match self.0 {
            Some(Marks::Both) => "fires: lit, concept: outlined",
            Some(Marks::Lit) => "fires: lit",
            Some(Marks::Outline) => "concept: outlined",
            None => "plain",
        }
    }
}

/// Which row of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Real,
    Adversarial,
}

fn pictures(neuron: &Neuron, side: Side) -> &[Picture] {
    match side {
        Side::Real => &neuron.pictures,
        Side::Adversarial => &neuron.adversarial_pictures,
    }
}

/// A picture as it is to be shown now: plain where its outlines were not kept.
fn request(
    overlay: Overlay,
    detail: &RunDetail,
    neuron: &Neuron,
    side: Side,
    rank: usize,
    picture: &Picture,
) -> Request {
    let file = detail.file(&picture.picture);
    let (Some(marks), Some(outlines)) = (overlay.0, neuron.outlines.as_deref()) else {
        return Request::File(file);
    };
    let tile = if side == Side::Real { rank } else { neuron.pictures.len() + rank };
    Request::Labelled { picture: file, outlines: detail.file(outlines), tile, marks }
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let Some(row) = super::chosen(state, shown) else {
        let inner = context.frame(Line::from("pictures"), area, buf);
        return empty::say("No neuron is listed.", context, inner, buf);
    };
    let room = usize::from(area.width.saturating_sub(6));
    let mut title = format!("{} · neuron {}", text::fit_ends(shown.layer, 20), row.index);
    if let Some(neuron) = row.meaning.dissected.filter(|neuron| !neuron.pictures.is_empty()) {
        // It must not be taken for a region that covers nothing.
        let there = neuron.outlines.is_some() || state.overlay.0.is_none();
        let there = if there { "" } else { " (not kept)" };
        title = format!("{title} · {}{there}", state.overlay.words());
    }
    let mut inner = context.frame(Line::from(text::fit(&title, room)), area, buf);
    let facts = facts(row, inner.width.into());
    // The pictures matter more than the finer points.
    let most = usize::from(inner.height.saturating_sub(LEAST_GRID)).clamp(2, 6);
    let facts = &facts[..facts.len().min(most)];
    for ((role, line), place) in facts.iter().zip(inner.rows()) {
        buf.set_stringn(place.x, place.y, line, place.width.into(), context.style(*role));
    }
    let taken = (facts.len() as u16).min(inner.height);
    inner = Rect { y: inner.y + taken, height: inner.height - taken, ..inner };
    let Some(neuron) = row.meaning.dissected else {
        let words = empty::lacks("dissect", &shown.seen, scene, context);
        return empty::say(&words, context, inner, buf);
    };
    if neuron.pictures.is_empty() {
        let neurons = context.key(Action::ShowNeurons, Place::Concepts);
        let words = format!(
            "It answers to no labelled picture: its answers are no numbers. {neurons} shows the \
             images of the data that excite it."
        );
        return empty::say(&words, context, inner, buf);
    }
    draw_grid(state, shown, neuron, scene, context, inner, buf);
}

fn draw_grid(
    state: &State,
    shown: &Shown<'_>,
    neuron: &Neuron,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    mut inner: Rect,
    buf: &mut Buffer,
) {
    let attacked = !neuron.adversarial_pictures.is_empty();
    if !attacked && inner.height > 6 {
        let y = inner.bottom() - 1;
        let words = "no adversarial pictures: a [dissect.attack] section makes them";
        let words = text::fit(words, inner.width.into());
        buf.set_string(inner.x, y, words, context.style(Role::Muted));
        inner.height -= 1;
    }
    let sides =
        [(Side::Real, "real", Role::Real), (Side::Adversarial, "adversarial", Role::Adversarial)];
    let groups: Vec<Group<'_>> = sides
        .into_iter()
        .filter(|(side, ..)| *side == Side::Real || attacked)
        .map(|(side, title, role)| {
            let tiles = pictures(neuron, side).iter().enumerate().map(|(rank, picture)| {
                let request =
                    request(state.overlay, shown.seen.detail, neuron, side, rank, picture);
                Tile {
                    picture: scene.pictures.get(&request),
                    caption: [number::value(picture.activation), name(&picture.image).to_owned()],
                    selected: false,
                }
            });
            Group { title: title.into(), role, tiles: tiles.collect() }
        })
        .collect();
    grid::draw(&groups, context, inner, buf, |_, _, _| {});
}

/// `000123` of `test/000123.png`.
fn name(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// What is known of a neuron, the most telling first.
pub(super) fn facts(row: &Row<'_>, room: usize) -> Vec<(Role, String)> {
    let meaning = &row.meaning;
    let mut all: Vec<(Role, String)> = Vec::new();
    let mut add = |role: Role, words: String| {
        all.extend(text::wrap(&words, room).into_iter().map(|line| (role, line)));
    };
    if let Some(neuron) = meaning.dissected {
        let told = |best: &Match| match best.concept.as_str() {
            "" => "no concept".to_owned(),
            concept => format!("{concept} ({}) iou {:.3}", best.category, best.iou),
        };
        let mut words = told(&neuron.best.real);
        if !meaning.is_detector() {
            words = format!("{words}, no detector");
        }
        if let Some(precision) = neuron.best.real.average_precision {
            words = format!("{words}, ap {precision:.3}");
        }
        if let Some(adversarial) = &neuron.best.adversarial {
            words = format!("{words} → {}", told(adversarial));
        }
        if let Some(anew) = &neuron.best.rethresholded {
            words = format!("{words}; re-thresholded {}", told(anew));
        }
        add(Role::Text, words);
    }
    if let Some(level) = meaning.level {
        let side = |level: &Level, value: fn(&Level) -> f64| {
            told(level).map_or_else(|| "silent".to_owned(), |level| format!("{:.3}", value(level)))
        };
        let pair = |word: &str, value: fn(&Level) -> f64| {
            let real = side(&level.real, value);
            match &level.adversarial {
                Some(adversarial) => format!("{word} {real} → {}", side(adversarial, value)),
                None => format!("{word} {real}"),
            }
        };
        let mut parts =
            vec![pair("LC", |level| level.lc), pair("consis", |level| level.consistency)];
        parts.extend(level.cs1.map(|cs1| format!("CS1 {cs1:.3}")));
        parts.extend(level.cs2.map(|cs2| format!("CS2 {cs2:.3}")));
        parts.extend(level.cs2_null.map(|null| format!("by chance {null:.3}")));
        add(Role::Text, parts.join(" · "));
    }
    if let Some(neuron) = meaning.dissected {
        let each = neuron.by_category.iter().filter(|best| !best.concept.is_empty());
        let each: Vec<String> = each
            .map(|best| format!("{} {} {:.3}", best.category, best.concept, best.iou))
            .collect();
        if !each.is_empty() {
            add(Role::Muted, each.join(" · "));
        }
    }
    all
}

/// The pictures of a neuron, as they are to be shown now.
pub(super) fn wants(state: &State, shown: &Shown<'_>, row: &Row<'_>, wanted: &mut Vec<Request>) {
    let Some(neuron) = row.meaning.dissected else { return };
    for side in [Side::Real, Side::Adversarial] {
        let pictures = pictures(neuron, side).iter().enumerate();
        wanted.extend(pictures.map(|(rank, picture)| {
            request(state.overlay, shown.seen.detail, neuron, side, rank, picture)
        }));
    }
}
