//! One picture large, with all that is known of it: its counterpart, what the attack changed, and
//! the map of the neuron over it.
//!
//! ```text
//! real · rank 1        adversarial          feature map         difference ×32
//! ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀     ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀     ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀
//! dog                  dog→bus              largest at 3, 4     at most 4/255
//! activation 31.40     activation 3.120
//! dog/000123.png · rank 1 → 4,812 of 10,000 · loses 90 % · sees 163×163 px
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pictures::{images, request, seen_as, spot};
use super::region::{self, Which};
use super::shown::Pane;
use super::{Row, Spot, State};
use crate::run::results::neurons::{Neuron, TopImage};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::pictures::{Request, gain_for};
use crate::tui::screen::{DrawContext, Scene};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::grid;

/// Levels of 255 that an attack of which nothing is told is taken to change.
const UNKNOWN: f64 = 8.0;

/// One of the pictures, with its title and what stands below it.
#[derive(Debug)]
struct Plate {
    title: String,
    role: Role,
    request: Request,
    below: [String; 2],
}

/// The same picture on the other side of the attack.
#[derive(Debug)]
struct Twin {
    picture: String,
    caption: String,
    activation: Option<f64>,
}

/// As the neuron itself was told of it; in results of older versions, as it is stored elsewhere.
fn twin(pane: &Pane<'_>, row: Row, top: &TopImage) -> Option<Twin> {
    if let Some(counterpart) = &top.counterpart {
        return Some(Twin {
            picture: counterpart.picture.clone(),
            caption: seen_as(top, counterpart),
            activation: Some(counterpart.activation),
        });
    }
    let bare = |picture: &str, caption: String| Twin {
        picture: picture.to_owned(),
        caption,
        activation: None,
    };
    let other = if row == Row::Real { Row::Adversarial } else { Row::Real };
    let mut all = pane.layer.neurons.iter().flat_map(|neuron| images(neuron, other));
    if let Some(twin) = all.find(|candidate| candidate.image == top.image) {
        return Some(bare(&twin.picture, twin.caption()));
    }
    // The attack of the results was made against the network as it was in the end.
    if row == Row::Adversarial || pane.seen.step.is_some() {
        return None;
    }
    let attack = pane.seen.detail.attack.as_ref()?;
    let pair = attack.pairs.iter().find(|pair| pair.image == top.image)?;
    let seen = pane.seen.neurons.classes.get(pair.prediction_adversarial as usize)?;
    let caption = if *seen == top.label { seen.clone() } else { format!("{}→{seen}", top.label) };
    Some(bare(&pair.picture, caption))
}

/// How large a change the attack may make, in levels of 255: what the difference is amplified by.
/// `None` where another attack than the run's own made it: that of a look of the training, or of
/// another folder.
fn linf(pane: &Pane<'_>, adversarial: &str) -> Option<f64> {
    let is_own = pane.seen.step.is_none() && adversarial.starts_with("adversarial/");
    let attack = pane.seen.detail.attack.as_ref().filter(|_| is_own);
    attack.map(|attack| attack.linf_max)
}

/// What there is to show of the picture under the cursor, the most telling first.
fn plates(state: &State, pane: &Pane<'_>, neuron: &Neuron) -> Vec<Plate> {
    let at = spot(state, neuron);
    let Some(top) = images(neuron, at.row).get(at.rank) else { return Vec::new() };
    let detail = pane.seen.detail;
    let (here, there) = match at.row {
        Row::Real => (("real", Role::Real), ("adversarial", Role::Adversarial)),
        Row::Adversarial => (("adversarial", Role::Adversarial), ("original", Role::Real)),
    };
    let active = |value: f64| format!("activation {}", number::value(value));
    let count = images(neuron, at.row).len();
    let mut plates = vec![Plate {
        title: format!("{} · {} of {count}", here.0, at.rank + 1),
        role: here.1,
        request: request(state, pane, neuron, at, top),
        below: [top.caption(), active(top.activation)],
    }];
    let twin = twin(pane, at.row, top);
    if let Some(twin) = &twin {
        let below = twin.activation.map_or_else(String::new, active);
        plates.push(Plate {
            title: there.0.into(),
            role: there.1,
            request: Request::File(detail.file(&twin.picture)),
            below: [twin.caption.clone(), below],
        });
    }
    let which = Which { is_adversarial: at.row == Row::Adversarial, rank: at.rank };
    if let Some((title, request)) = region::map(state.overlay, pane.seen.detail, neuron, which) {
        let [row, column] = top.position;
        let fires = neuron.threshold.map(|value| format!("fires above {}", number::value(value)));
        plates.push(Plate {
            title: title.into(),
            role: Role::Text,
            request,
            below: [
                format!("peak: row {}, column {}", row + 1, column + 1),
                fires.unwrap_or_default(),
            ],
        });
    }
    if let Some(twin) = twin {
        let (here, there) = (&top.picture, &twin.picture);
        let (original, adversarial) = match at.row {
            Row::Real => (here, there),
            Row::Adversarial => (there, here),
        };
        let linf = linf(pane, adversarial);
        // Of an unknown attack, as of the most usual one: eight levels can be seen, and told apart.
        let gain = gain_for(linf.unwrap_or(UNKNOWN));
        let most = linf.map(|levels| format!("at most {levels}/255"));
        let (original, adversarial) = (detail.file(original), detail.file(adversarial));
        plates.push(Plate {
            title: format!("difference ×{gain}"),
            role: Role::Text,
            request: Request::Difference { original, adversarial, gain },
            below: ["grey is no change".into(), most.unwrap_or_default()],
        });
    }
    plates
}

/// All pictures of the zoom.
pub(super) fn wants(state: &State, pane: &Pane<'_>, wanted: &mut Vec<Request>) {
    let Some(neuron) = pane.neuron else { return };
    wanted.extend(plates(state, pane, neuron).into_iter().map(|plate| plate.request));
    // The next key press: the picture beside.
    let Spot { row, rank } = spot(state, neuron);
    for rank in [rank + 1, rank.saturating_sub(1)] {
        if let Some(top) = images(neuron, row).get(rank) {
            wanted.push(request(state, pane, neuron, Spot { row, rank }, top));
        }
    }
}

const GAP: u16 = 2;
/// Title and what stands below.
const LINES: u16 = 3;
/// Pictures of at least so many cells across are large enough to show all of them at first.
const LARGE: u16 = 32;
/// Below that, all of them at once show nothing.
const SMALL: u16 = 18;
/// Captions need so many cells even of small pictures.
const CAPTION: u16 = 24;

/// How many stand side by side and below one another, and how wide a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arrangement {
    columns: u16,
    side: u16,
}

impl Arrangement {
    /// Whichever makes the pictures largest.
    fn of(area: Rect, count: u16) -> Self {
        let with = |columns: u16| {
            let rows = count.div_ceil(columns);
            let across = ((area.width + GAP) / columns).saturating_sub(GAP);
            let down = (area.height / rows.max(1)).saturating_sub(LINES) * 2;
            // Two pixels a cell: an odd side would leave half a row open.
            Self { columns, side: across.min(down) & !1 }
        };
        // Of equals, the one with more side by side: what is compared lies on one line.
        let all = (1..=count.max(1)).map(with);
        all.max_by_key(|one| one.side).unwrap_or(Self { columns: 1, side: 0 })
    }
}

/// Which plates are shown: all where they are large enough, or in turn two at a time.
fn pages(area: Rect, count: usize) -> Vec<std::ops::Range<usize>> {
    let side = |count: usize| Arrangement::of(area, count as u16).side;
    let all = std::iter::once(0..count);
    let pairs = (0..count).step_by(2).map(|from| from..(from + 2).min(count));
    match side(count) {
        _ if count <= 2 => all.collect(),
        // Larger by a quarter is worth a key press.
        LARGE.. if side(2) * 4 < side(count) * 5 => all.collect(),
        LARGE.. => all.chain(pairs).collect(),
        SMALL.. => pairs.chain(all).collect(),
        _ => pairs.collect(),
    }
}

pub(super) fn draw(
    state: &State,
    pane: &Pane<'_>,
    neuron: &Neuron,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let all = plates(state, pane, neuron);
    let facts = facts(state, pane, neuron);
    let lines = text::wrap(&facts, area.width.into());
    let told = (lines.len() as u16).min(3).min(area.height / 6);
    let mut room = Rect { height: area.height - told, ..area };
    let mut pages = pages(room, all.len());
    if pages.len() > 1 {
        // A row for what the key brings.
        room.height = room.height.saturating_sub(1);
        pages = self::pages(room, all.len());
    }
    let shown = pages.get(state.turned % pages.len().max(1)).cloned().unwrap_or_default();
    let rest: Vec<&str> = all
        .iter()
        .enumerate()
        .filter(|(at, _)| !shown.contains(at))
        .map(|(_, plate)| plate.title.as_str())
        .collect();
    let plates = all.get(shown).unwrap_or_default();
    let Arrangement { columns, side } = Arrangement::of(room, plates.len() as u16);
    if side == 0 {
        return;
    }
    let most = (room.width + GAP) / columns;
    let pitch = (side + GAP).max(CAPTION + GAP).min(most);
    let down = side.div_ceil(2) + LINES;
    let mut bottom = room.y;
    for (at, plate) in plates.iter().enumerate() {
        let (column, row) = (at as u16 % columns, at as u16 / columns);
        let place = Rect {
            x: room.x + column * pitch,
            y: room.y + row * down,
            width: (pitch - GAP).max(side),
            height: down,
        };
        draw_plate(plate, side, scene, context, place.intersection(room), buf);
        bottom = bottom.max(place.bottom());
    }
    let left = Rect { y: bottom, height: area.bottom().saturating_sub(bottom), ..area };
    let mut rows = left.rows();
    if pages.len() > 1
        && let Some(row) = rows.next()
    {
        let key = context.key(Action::NextFocus, Place::Neurons);
        let what = if rest.is_empty() { "two at a time, larger".into() } else { rest.join(" · ") };
        let x = buf.set_stringn(row.x, row.y, &key, row.width.into(), context.style(Role::Key)).0;
        let words = text::fit(&what, usize::from(row.right().saturating_sub(x + 1)));
        buf.set_string(x + 1, row.y, words, context.style(Role::Muted));
    }
    for (line, row) in lines.iter().zip(rows) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Text));
    }
}

fn draw_plate(
    plate: &Plate,
    side: u16,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let width = usize::from(area.width);
    let line = |y: u16, words: &str, role: Role, buf: &mut Buffer| {
        if y < area.bottom() {
            buf.set_string(area.x, y, text::fit(words, width), context.style(role));
        }
    };
    line(area.y, &plate.title, plate.role, buf);
    let frame = Rect { y: area.y + 1, width: side, height: side.div_ceil(2), ..area };
    let frame = frame.intersection(area);
    grid::draw_picture(scene.pictures.get(&plate.request), context, frame, buf);
    line(frame.bottom(), &plate.below[0], Role::Text, buf);
    line(frame.bottom() + 1, &plate.below[1], Role::Muted, buf);
}

/// What is known of the picture, and of what the neuron can see.
fn facts(state: &State, pane: &Pane<'_>, neuron: &Neuron) -> String {
    let at = spot(state, neuron);
    let Some(top) = images(neuron, at.row).get(at.rank) else { return String::new() };
    let mut facts = vec![top.image.clone()];
    if let Some(other) = &top.counterpart {
        let neurons = pane.seen.neurons;
        let (of, side) = match at.row {
            Row::Real => (neurons.adversarial_images, "adversarial"),
            Row::Adversarial => (neurons.real_images, "real"),
        };
        let rank = number::count(other.rank);
        facts.push(format!("rank {} → {rank} of {} {side}", at.rank + 1, number::count(of)));
        match (at.row, top.fall()) {
            (Row::Real, Some(fall)) if fall >= 0.0 => {
                facts.push(format!("loses {:.0} % of its activation", fall * 100.0));
            }
            (Row::Real, Some(fall)) => {
                facts.push(format!("gains {:.0} % when attacked", -fall * 100.0));
            }
            _ => {}
        }
    } else if twin(pane, at.row, top).is_none() {
        let other = if at.row == Row::Real { "adversarial" } else { "original" };
        facts.push(format!("no {other} picture of it was kept"));
    }
    if let Some(field) = pane.layer.receptive_field {
        facts.push(format!("sees {0}×{0} px", field.size));
    }
    if let Some(discrepancy) = &neuron.discrepancy {
        let side = discrepancy.receptive_field_size;
        facts.push(format!("in effect {side:.0}×{side:.0} px"));
    }
    facts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_however_they_get_largest() {
        let of = |width, height, count| Arrangement::of(Rect::new(0, 0, width, height), count);
        assert_eq!(of(196, 44, 4), Arrangement { columns: 4, side: 46 });
        assert_eq!(of(116, 60, 4), Arrangement { columns: 2, side: 54 });
        assert_eq!(of(40, 40, 2), Arrangement { columns: 1, side: 34 });
        assert_eq!(of(0, 0, 4).side, 0);
    }

    #[test]
    fn small_screens_show_two_at_a_time_and_large_ones_all() {
        assert_eq!(pages(Rect::new(0, 0, 76, 18), 4), [0..2, 2..4]);
        assert_eq!(pages(Rect::new(0, 0, 196, 44), 4)[0], 0..4);
        // Three are still recognisable, but not what is shown at first.
        assert_eq!(pages(Rect::new(0, 0, 76, 18), 3), [0..2, 2..3, 0..3]);
        assert_eq!(pages(Rect::new(0, 0, 76, 18), 1).len(), 1);
    }
}
