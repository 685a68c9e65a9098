//! The pictures of one neuron: real ones above adversarial ones, the cursor in them, and what
//! stands above and below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::region::{self, Which};
use super::shown::{self, Pane, Shown};
use super::{Mode, Row, Spot, State, bookmark, time, zoom};
use crate::run::results::neurons::{Counterpart, Neuron, TopImage};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::pictures::{Decoded, Request};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid::{self, Group, Tile};

/// Draws one side of the screen.
pub(super) fn draw(
    state: &State,
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    if area.is_empty() {
        return;
    }
    let Some(neuron) = pane.neuron else {
        context.frame(Line::from(text::fit(&pane.layer.layer, 30)), area, buf);
        return;
    };
    let inner = draw_frame(state, pane, neuron, context, area, buf);
    // In the frame's lower line, so that it takes no row from the pictures.
    let foot = Rect { x: area.x + 2, y: area.bottom() - 1, height: 1, ..area };
    let foot = Rect { width: area.width.saturating_sub(4), ..foot };
    if area.height > 4 && area.width > 8 {
        let foot = bookmark::draw_note(pane, context, foot, buf);
        time::draw(&pane.seen, context, foot, buf, view);
    }
    let inner = bookmark::draw_field(state, pane, context, inner, buf, view);
    if state.mode == Mode::Zoom {
        zoom::draw(state, pane, neuron, scene, context, inner, buf);
    } else {
        draw_grid(state, pane, scene, context, inner, buf, view);
    }
}

/// The frame with layer and neuron in it, and their story; answers what is left inside.
fn draw_frame(
    state: &State,
    pane: &Pane<'_>,
    neuron: &Neuron,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let (title, sign) = title(state, pane, neuron, area.width);
    let width = text::width(&title) + if sign { 2 } else { 0 };
    let mut line = Line::from(title);
    if sign {
        let words = format!(" {}", bookmark::SIGN);
        line.push_span(Span::styled(words, context.style(Role::Marked)));
    }
    let mut inner = context.frame(line, area, buf);
    // The story stands in the frame where it fits, else in the first row.
    let story = neuron.story();
    let room = usize::from(area.width).saturating_sub(width + 10);
    if text::width(&story) <= room {
        let x = area.right().saturating_sub(text::width(&story) as u16 + 4);
        buf.set_string(x, area.y, format!(" {story} "), context.style(Role::Text));
    } else if inner.height > 1 {
        for line in text::wrap(&story, inner.width.into()).iter().take(2) {
            buf.set_stringn(inner.x, inner.y, line, inner.width.into(), context.style(Role::Text));
            inner = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        }
    }
    inner
}

/// What is shown, as much of it as there is room for, and whether it is marked.
fn title(state: &State, pane: &Pane<'_>, neuron: &Neuron, width: u16) -> (String, bool) {
    let names_run = pane.has_neighbour;
    let sign = bookmark::of(pane).is_some();
    let (at, layers) = shown::place(&pane.seen, pane.layer);
    let layer = text::fit_ends(&pane.layer.layer, 24);
    let long = match layers {
        1 => layer.clone(),
        _ => format!("{layer} ({} of {layers})", at + 1),
    };
    let mut extra = String::new();
    if let Some(words) = state.overlay.words() {
        // It must not be taken for a region that covers nothing.
        let there = if state.overlay.is_there(neuron) { "" } else { " (not kept)" };
        extra = format!(" · {words}{there}");
    }
    if let Some(words) = time::words(&pane.seen) {
        extra = format!("{extra} · {words}");
    }
    let run = short_name(pane.seen.run);
    let room = usize::from(width).saturating_sub(if sign { 8 } else { 6 });
    let index = neuron.index;
    let with_run = |layer: &str| format!("{run} · {layer} · neuron {index}{extra}");
    let mut tries = vec![with_run(&long)];
    if names_run {
        // Whose it is matters more than which layer: that is the same on both sides.
        let least = format!("{run} · {index}");
        tries.extend([with_run(&layer), format!("{least}{extra}"), least]);
    } else {
        tries.extend([
            format!("{long} · neuron {index}{extra}"),
            format!("{layer} · neuron {index}{extra}"),
            format!("{layer} · {index}{extra}"),
        ]);
    }
    // Where nothing else is named beside it, the run gives way to the story.
    let fits = |at: usize, title: &String| {
        let story = if at == 0 && !names_run { 44 } else { 0 };
        text::width(title) + story <= room
    };
    let found = tries.iter().enumerate().find(|(at, title)| fits(*at, title));
    let title = found.or(tries.iter().enumerate().next_back()).map(|(_, title)| title.as_str());
    (text::fit(title.unwrap_or_default(), room), sign)
}

fn draw_grid(
    state: &State,
    pane: &Pane<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    mut inner: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let Some(neuron) = pane.neuron else { return };
    if neuron.adversarial.is_empty() {
        let note =
            Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
        let sentence = "no adversarial images: an [attack] section before [neurons] makes them";
        let sentence = text::fit(sentence, note.width.into());
        buf.set_stringn(note.x, note.y, sentence, note.width.into(), context.style(Role::Muted));
        inner.height = inner.height.saturating_sub(1);
    }
    let cursor = spot(state, neuron);
    let rows = [Row::Real, Row::Adversarial];
    let rows = rows.into_iter().filter(|row| *row == Row::Real || !neuron.adversarial.is_empty());
    let with_originals = state.originals && has_originals(neuron);
    let count = rows.clone().count() + usize::from(with_originals);
    let most = neuron.real.len().max(neuron.adversarial.len());
    // What does not fit whole says nothing: a number that is cut off is another number.
    let room = usize::from(grid::Layout::new(inner, count, most).pitch.saturating_sub(1));
    let mut groups: Vec<Group<'_>> = rows
        .map(|row| {
            let tiles = images(neuron, row).iter().enumerate().map(|(rank, top)| {
                let request = request(state, pane, neuron, Spot { row, rank }, top);
                Tile {
                    picture: scene.pictures.get(&request),
                    caption: [top.caption(), activation(top, rank, room)],
                    selected: context.focused && cursor == Spot { row, rank },
                }
            });
            let (title, role) = match row {
                Row::Real => ("real", Role::Real),
                Row::Adversarial => ("adversarial", Role::Adversarial),
            };
            Group { title: title.into(), role, tiles: tiles.collect() }
        })
        .collect();
    let not_kept = Err("not kept".to_owned());
    if with_originals {
        groups.push(originals(pane, neuron, scene, &not_kept, room));
    }
    grid::draw(&groups, context, inner, buf, |group, tile, cells| {
        // An original stands for its adversarial picture.
        let row = (group as u16).min(1);
        view.clickable(cells, Click::Cell(Place::Neurons, row, tile as u16));
    });
}

/// Whether the run has kept what the adversarial pictures were made from.
pub(super) fn has_originals(neuron: &Neuron) -> bool {
    neuron.adversarial.iter().any(|top| top.counterpart.is_some())
}

fn originals<'a>(
    pane: &Pane<'_>,
    neuron: &Neuron,
    scene: &Scene<'a>,
    not_kept: &'a Decoded,
    room: usize,
) -> Group<'a> {
    let tiles = neuron.adversarial.iter().map(|top| {
        let Some(original) = &top.counterpart else {
            return Tile { picture: Some(not_kept), caption: Default::default(), selected: false };
        };
        let file = Request::File(pane.seen.detail.file(&original.picture));
        let value = number::value(original.activation);
        let long = format!("{value} · #{}", number::count(original.rank));
        Tile {
            picture: scene.pictures.get(&file),
            caption: [seen_as(top, original), whole(long, value, room)],
            selected: false,
        }
    });
    let title = "their originals · activation · #rank".into();
    Group { title, role: Role::Real, tiles: tiles.collect() }
}

/// The long words where they fit.
fn whole(long: String, short: String, room: usize) -> String {
    if text::width(&long) <= room { long } else { short }
}

/// What the network makes of a counterpart, as under the pictures themselves.
pub(super) fn seen_as(top: &TopImage, counterpart: &Counterpart) -> String {
    if top.label_index == counterpart.prediction_index {
        top.label.clone()
    } else {
        format!("{}→{}", top.label, counterpart.prediction)
    }
}

/// `31.40 · 1→4,812`: how much it excites the neuron, and from which rank to which the attack has
/// moved it, if that is known.
fn activation(top: &TopImage, rank: usize, room: usize) -> String {
    let value = number::value(top.activation);
    match &top.counterpart {
        Some(other) => {
            whole(format!("{value} · {}→{}", rank + 1, number::count(other.rank)), value, room)
        }
        None => value,
    }
}

/// What shows a picture as it is to be shown now.
pub(super) fn request(
    state: &State,
    pane: &Pane<'_>,
    neuron: &Neuron,
    Spot { row, rank }: Spot,
    top: &TopImage,
) -> Request {
    let which = Which { is_adversarial: row == Row::Adversarial, rank };
    region::request(state.overlay, pane.seen.detail, neuron, which, top)
}

pub(super) fn images(neuron: &Neuron, row: Row) -> &[TopImage] {
    match row {
        Row::Real => &neuron.real,
        Row::Adversarial => &neuron.adversarial,
    }
}

/// The cursor's place, brought back to where this neuron has pictures.
pub(super) fn spot(state: &State, neuron: &Neuron) -> Spot {
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

/// The pictures of a pane, as they are to be shown now.
pub(super) fn wants(state: &State, pane: &Pane<'_>, wanted: &mut Vec<Request>) {
    let Some(neuron) = pane.neuron else { return };
    for row in [Row::Real, Row::Adversarial] {
        let tops = images(neuron, row).iter().enumerate();
        wanted
            .extend(tops.map(|(rank, top)| request(state, pane, neuron, Spot { row, rank }, top)));
    }
    if state.originals {
        let originals = neuron.adversarial.iter().filter_map(|top| top.counterpart.as_ref());
        let detail = pane.seen.detail;
        wanted.extend(originals.map(|original| Request::File(detail.file(&original.picture))));
    }
}
