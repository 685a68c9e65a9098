//! The pictures of the chosen neuron: the grid, the cursor in it, and one picture large beside its
//! twin.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Row, Shown, Spot, State};
use crate::run::results::neurons::{Neuron, TopImage};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::pictures::Request;
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid::{self, Group, Tile};

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some(neuron) = shown.neuron() else {
        context.frame(Line::from(text::fit(&shown.layer.layer, 30)), area, buf);
        return;
    };
    let layers = shown.neurons.layers.len();
    let layer = text::fit(&shown.layer.layer, 24);
    let place = shown.neurons.layers.iter().position(|l| std::ptr::eq(l, shown.layer));
    let mut title = format!("{layer} · neuron {}", neuron.index);
    if let (Some(place), true) = (place, layers > 1) {
        title = format!("{layer} ({} of {layers}) · neuron {}", place + 1, neuron.index);
    }
    // Which run: the screen may have been left and come back to.
    let run = scene.selected.map_or("", short_name);
    if usize::from(area.width) >= text::width(&title) + text::width(run) + 50 {
        title = format!("{run} · {title}");
    }
    let story = neuron.story();
    if area.is_empty() {
        return;
    }
    let mut inner = context.frame(Line::from(title.clone()), area, buf);
    // The story stands in the frame where it fits, else in the first row.
    let room = usize::from(area.width).saturating_sub(text::width(&title) + 10);
    if text::width(&story) <= room {
        let x = area.right().saturating_sub(text::width(&story) as u16 + 4);
        buf.set_string(x, area.y, format!(" {story} "), context.style(Role::Text));
    } else if inner.height > 1 {
        for line in text::wrap(&story, inner.width.into()).iter().take(2) {
            buf.set_stringn(inner.x, inner.y, line, inner.width.into(), context.style(Role::Text));
            inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        }
    }
    if state.zoomed {
        draw_zoomed(state, shown, scene, context, inner, buf);
        return;
    }
    let group = |row: Row| {
        let tiles = images(neuron, row).iter().enumerate().map(|(rank, top)| {
            let file = Request::File(shown.detail.folder.join(&top.picture));
            Tile {
                picture: scene.pictures.get(&file),
                caption: [top.caption(), number::value(top.activation)],
                selected: context.focused && spot(state, neuron) == Spot { row, rank },
            }
        });
        let (title, role) = match row {
            Row::Real => ("real", Role::Real),
            Row::Adversarial => ("adversarial", Role::Adversarial),
        };
        Group { title: title.into(), role, tiles: tiles.collect() }
    };
    let mut groups = vec![group(Row::Real)];
    if neuron.adversarial.is_empty() {
        let note =
            Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
        let sentence = "no adversarial images: an [attack] section before [neurons] makes them";
        buf.set_stringn(note.x, note.y, sentence, note.width.into(), context.style(Role::Muted));
        inner.height = inner.height.saturating_sub(1);
    } else {
        groups.push(group(Row::Adversarial));
    }
    grid::draw(&groups, context, inner, buf, |group, tile, cells| {
        view.clickable(cells, Click::Cell(Place::Neurons, group as u16, tile as u16));
    });
}

fn images(neuron: &Neuron, row: Row) -> &[TopImage] {
    match row {
        Row::Real => &neuron.real,
        Row::Adversarial => &neuron.adversarial,
    }
}

/// The cursor's place, brought back to where this neuron has pictures.
fn spot(state: &State, neuron: &Neuron) -> Spot {
    let row =
        if images(neuron, state.picture.row).is_empty() { Row::Real } else { state.picture.row };
    Spot { row, rank: state.picture.rank.min(images(neuron, row).len().saturating_sub(1)) }
}

/// Moves the cursor in the grid; `false` = not mine.
pub(super) fn walk(state: &mut State, action: Action, shown: &Shown<'_>) -> bool {
    let Some(neuron) = shown.neuron() else { return false };
    let Spot { row, rank } = spot(state, neuron);
    let last = images(neuron, row).len().saturating_sub(1);
    state.picture = match action {
        Action::Left => Spot { row, rank: rank.saturating_sub(1) },
        Action::Right => Spot { row, rank: (rank + 1).min(last) },
        Action::First => Spot { row, rank: 0 },
        Action::Last => Spot { row, rank: last },
        Action::Up => Spot { row: Row::Real, rank },
        Action::Down => Spot { row: Row::Adversarial, rank },
        _ => return false,
    };
    true
}

/// The same picture on the other side of the attack.
#[derive(Debug)]
pub(super) struct Twin {
    pub(super) path: PathBuf,
    caption: String,
}

/// The picture under the cursor and its twin, if that is stored anywhere.
pub(super) fn under_cursor<'a>(
    state: &State,
    shown: &Shown<'a>,
) -> Option<(&'a TopImage, Option<Twin>)> {
    let neuron = shown.neuron()?;
    let Spot { row, rank } = spot(state, neuron);
    let top = images(neuron, row).get(rank)?;
    let other = if row == Row::Real { Row::Adversarial } else { Row::Real };
    let mut all = shown.layer.neurons.iter().flat_map(|neuron| images(neuron, other));
    let stored = all.find(|candidate| candidate.image == top.image);
    let twin = match (stored, row) {
        (Some(twin), _) => {
            Some(Twin { path: shown.detail.folder.join(&twin.picture), caption: twin.caption() })
        }
        (None, Row::Real) => written_by_the_attack(shown, top),
        (None, Row::Adversarial) => None,
    };
    Some((top, twin))
}

fn written_by_the_attack(shown: &Shown<'_>, top: &TopImage) -> Option<Twin> {
    let attack = shown.detail.attack.as_ref()?;
    let pair = attack.pairs.iter().find(|pair| pair.image == top.image)?;
    let seen = shown.neurons.classes.get(pair.prediction_adversarial as usize)?;
    Some(Twin {
        path: shown.detail.folder.join(&pair.picture),
        caption: if *seen == top.label { seen.clone() } else { format!("{}→{seen}", top.label) },
    })
}

fn draw_zoomed(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let Some((top, twin)) = under_cursor(state, shown) else { return };
    let row = shown.neuron().map_or(Row::Real, |neuron| spot(state, neuron).row);
    let (here, there) = match row {
        Row::Real => (("real", Role::Real), ("adversarial", Role::Adversarial)),
        Row::Adversarial => (("adversarial", Role::Adversarial), ("real", Role::Real)),
    };
    let half = (area.width / 2).saturating_sub(1);
    let upper = area.height / 2;
    // Side by side unless the pictures get larger one below the other.
    let beside = half.min(area.height * 2) >= area.width.min(upper * 2);
    let (first, second) = if twin.is_none() {
        let above = area.height.saturating_sub(1);
        let note = Rect { y: area.y + above, height: area.height - above, ..area };
        (Rect { height: above, ..area }, note)
    } else if beside {
        (Rect { width: half, ..area }, Rect { x: area.x + half + 2, width: half, ..area })
    } else {
        let lower = Rect { y: area.y + upper, height: area.height - upper, ..area };
        (Rect { height: upper, ..area }, lower)
    };
    let path = shown.detail.folder.join(&top.picture);
    let activation = number::value(top.activation);
    let words = format!("{} · {} · activation {activation}", top.caption(), top.image);
    draw_large(here, &words, &path, scene, context, first, buf);
    if let Some(twin) = twin {
        draw_large(there, &twin.caption, &twin.path, scene, context, second, buf);
    } else if !second.is_empty() {
        let note = format!("{}: not among the stored pictures", there.0);
        let note = text::fit(&note, second.width.into());
        buf.set_string(second.x, second.y, note, context.style(Role::Muted));
    }
}

fn draw_large(
    (title, role): (&str, Role),
    words: &str,
    path: &std::path::Path,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    if area.height < 3 {
        return;
    }
    let room = usize::from(area.width);
    let (x, _) = buf.set_stringn(area.x, area.y, title, room, context.style(role));
    let left = usize::from(area.right().saturating_sub(x + 2));
    buf.set_string(x + 2, area.y, text::fit(words, left), context.style(Role::Text));
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let picture = scene.pictures.get(&Request::File(path.to_owned()));
    let square = Rect { width: below.width.min(below.height * 2), ..below };
    grid::draw_picture(picture, context, if picture.is_none() { square } else { below }, buf);
}
