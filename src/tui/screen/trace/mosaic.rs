//! What the chosen neuron likes: the pictures that excite it most, real ones above adversarial ones,
//! as the screen of neurons has them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::shown::Pane;
use super::{Region, empty};
use crate::run::results::neurons::{Neuron, TopImage};
use crate::tui::action::Place;
use crate::tui::number;
use crate::tui::pictures::Request;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid::{self, Group, Tile};

/// The neuron's top pictures, where the run ranked them.
pub(super) fn ranked<'a>(pane: &Pane<'a>) -> Option<&'a Neuron> {
    let (_, influence) = pane.neuron()?;
    let layers = &pane.seen.detail.neurons.as_deref()?.layers;
    let layer = layers.iter().find(|layer| layer.layer == pane.seen.trace.layer)?;
    layer.neurons.iter().find(|neuron| neuron.index == influence.index)
}

fn request(pane: &Pane<'_>, top: &TopImage) -> Request {
    Request::File(pane.seen.detail.file(&top.picture))
}

pub(super) fn wants(pane: &Pane<'_>, pictures: &mut Vec<Request>) {
    let Some(neuron) = ranked(pane) else { return };
    pictures.extend(neuron.real.iter().chain(&neuron.adversarial).map(|top| request(pane, top)));
}

pub(super) fn draw(
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some((_, influence)) = pane.neuron() else {
        let inner = context.frame(Line::from("pictures"), area, buf);
        return empty::say("No neuron is chosen.", context, inner, buf);
    };
    let room = usize::from(area.width.saturating_sub(6));
    let mut title = format!("neuron {} likes", influence.index);
    if pane.has_neighbour {
        title = format!("{} · {title}", text::fit_ends(pane.seen.name(), 24));
    }
    if let Some((concept, iou)) = pane.seen.concept(influence.index) {
        title = format!("{title} · {concept} iou {iou:.2}");
    }
    let inner = context.frame(Line::from(text::fit(&title, room)), area, buf);
    let Some(neuron) = ranked(pane) else {
        return empty::say(&unranked(pane), context, inner, buf);
    };
    let group = |title: &str, role: Role, tops: &[TopImage]| {
        let tiles = tops.iter().map(|top| Tile {
            picture: scene.pictures.get(&request(pane, top)),
            caption: [top.caption(), number::value(top.activation)],
            selected: false,
        });
        (title.to_owned(), role, tiles.collect::<Vec<_>>())
    };
    let sides = [
        group("real", Role::Real, &neuron.real),
        group("adversarial", Role::Adversarial, &neuron.adversarial),
    ];
    let sides = sides.into_iter().filter(|(.., tiles)| !tiles.is_empty());
    let groups: Vec<Group<'_>> =
        sides.map(|(title, role, tiles)| Group { title, role, tiles }).collect();
    if groups.is_empty() {
        return empty::say("No picture excites it.", context, inner, buf);
    }
    grid::draw(&groups, context, inner, buf, |_, _, cells| {
        if !pane.is_other {
            view.clickable(cells, Click::Cell(Place::Trace, Region::Pictures as u16, 0));
        }
    });
}

/// Why there are no pictures of it.
fn unranked(pane: &Pane<'_>) -> String {
    let layer = text::fit_ends(&pane.seen.trace.layer, 30);
    let name = pane.seen.name();
    match pane.seen.detail.neurons.as_deref() {
        None => format!(
            "{name} did not rank pictures by its neurons: a [neurons] section in the spec does, \
             layers = [\"{layer}\"]."
        ),
        Some(neurons) => {
            let has: Vec<&str> = neurons.layers.iter().map(|l| l.layer.as_str()).collect();
            let words = format!(
                "{name} did not rank this neuron of {layer}; it ranked those of {}.",
                has.join(", ")
            );
            text::clean(&words).into_owned()
        }
    }
}
