//! Which regions stand where, and the line above them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::shown::{Other, Shown};
use super::{Region, State};
use crate::tui::action::Place;
use crate::tui::screen::split::{share, split_columns, split_rows};
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// From here on a list stands beside an answer and its neurons.
const SMALL: (u16, u16) = (70, 17);
/// From here on what a neuron likes stands there, too.
const PAGE: (u16, u16) = (100, 28);
/// From here on all regions do.
const WHOLE: (u16, u16) = (170, 42);
/// Cells of the list on a small screen.
const LIST: u16 = 30;
/// Rows of five neurons: the frame, the heading, themselves and a line below.
const NEURONS: u16 = 9;

/// Where everything is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// The line that names run, layer and regions.
    pub(super) strip: Rect,
    /// Of which run: 0 = the selected one, 1 = the one beside.
    pub(super) regions: Vec<(Region, usize, Rect)>,
}

impl Arrangement {
    pub(super) fn of(area: Rect, focus: Region, zoomed: bool, has_other: bool) -> Self {
        let strip = Rect { height: area.height.min(1), ..area };
        let area = Rect { y: area.y + strip.height, height: area.height - strip.height, ..area };
        let is_at_least =
            |(width, height): (u16, u16)| area.width >= width && area.height >= height;
        let regions = if zoomed || !is_at_least(SMALL) {
            alone(area, focus, has_other)
        } else if is_at_least(WHOLE) {
            whole(area, focus, has_other)
        } else if is_at_least(PAGE) {
            page(area, focus, has_other)
        } else {
            small(area, focus, has_other)
        };
        Self { strip, regions }
    }
}

/// One region, of both runs where it is of a run.
fn alone(area: Rect, focus: Region, has_other: bool) -> Vec<(Region, usize, Rect)> {
    let is_of_run = !matches!(focus, Region::Predictions | Region::Summary);
    if has_other && is_of_run && area.width >= 60 {
        let (left, right) = split_columns(area, area.width / 2);
        vec![(focus, 0, left), (focus, 1, right)]
    } else {
        vec![(focus, 0, area)]
    }
}

/// An answer above its neurons.
fn column(area: Rect, run: usize, neurons: u16) -> [(Region, usize, Rect); 2] {
    let (answer, below) = split_rows(area, area.height.saturating_sub(neurons));
    [(Region::Answer, run, answer), (Region::Neurons, run, below)]
}

fn small(area: Rect, focus: Region, has_other: bool) -> Vec<(Region, usize, Rect)> {
    let (list, right) = split_columns(area, LIST);
    let mut regions = vec![(Region::Predictions, 0, list)];
    match focus {
        Region::Summary => return vec![(focus, 0, area)],
        Region::Pictures => {
            let (neurons, pictures) = split_columns(area, share(area.width, 42));
            return vec![(Region::Neurons, 0, neurons), (Region::Pictures, 0, pictures)];
        }
        Region::Predictions if has_other => {
            let (above, below) = split_rows(right, right.height / 2);
            regions.extend([(Region::Answer, 0, above), (Region::Answer, 1, below)]);
        }
        Region::Answer | Region::Neurons if has_other => {
            let (left, right) = split_columns(area, area.width / 2);
            return [column(left, 0, NEURONS), column(right, 1, NEURONS)].concat();
        }
        _ => regions.extend(column(right, 0, NEURONS)),
    }
    regions
}

fn page(area: Rect, focus: Region, has_other: bool) -> Vec<(Region, usize, Rect)> {
    let (list, right) = split_columns(area, 36);
    let mut regions = vec![(Region::Predictions, 0, list)];
    let (left_half, right_half) = split_columns(right, right.width / 2);
    match focus {
        Region::Summary => regions.push((focus, 0, right)),
        Region::Pictures if has_other => {
            regions.extend([(focus, 0, left_half), (focus, 1, right_half)]);
        }
        _ if has_other => {
            let neurons = share(area.height, 48);
            regions.extend(column(left_half, 0, neurons));
            regions.extend(column(right_half, 1, neurons));
        }
        _ => {
            let (answer, below) = split_rows(right, share(area.height, 44));
            let (neurons, pictures) = split_columns(below, share(below.width, 47));
            regions.extend([
                (Region::Answer, 0, answer),
                (Region::Neurons, 0, neurons),
                (Region::Pictures, 0, pictures),
            ]);
        }
    }
    regions
}

fn whole(area: Rect, focus: Region, has_other: bool) -> Vec<(Region, usize, Rect)> {
    let (list, right) = split_columns(area, 44);
    let mut regions = vec![(Region::Predictions, 0, list)];
    if has_other && focus != Region::Summary {
        let (left, right) = split_columns(right, right.width / 2);
        for (run, half) in [left, right].into_iter().enumerate() {
            let (above, pictures) = split_rows(half, share(half.height, 56));
            regions.extend(column(above, run, NEURONS + 2));
            regions.push((Region::Pictures, run, pictures));
        }
        return regions;
    }
    let (middle, right) = split_columns(right, share(right.width, 52));
    regions.extend(column(middle, 0, share(middle.height, 44)));
    let (pictures, summary) = split_rows(right, share(right.height, 48));
    regions.extend([(Region::Pictures, 0, pictures), (Region::Summary, 0, summary)]);
    regions
}

/// Whose results these are, and which regions there are.
pub(super) fn draw_strip(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    strip: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    if strip.is_empty() {
        return;
    }
    let wide = Region::ALL.iter().map(|region| text::width(region.word()) + 2).sum::<usize>();
    let mut x = strip.right().saturating_sub(wide as u16).max(strip.x);
    let room = usize::from(x - strip.x).saturating_sub(2);
    let layer = text::fit_ends(&shown.seen.trace.layer, 20);
    let name = text::fit_ends(shown.seen.name(), 30);
    let beside = match &shown.other {
        Some(Other::There(seen, _)) => format!(" beside {}", text::fit_ends(seen.name(), 30)),
        Some(Other::Without(name, _)) => format!(" beside {}", text::fit_ends(name, 30)),
        None => String::new(),
    };
    let cut = text::fit_ends(&name, room.saturating_sub(text::width(&layer) + 3));
    let tries = [
        format!("{name}{beside} · {layer}"),
        format!("{name} · {layer}"),
        format!("{cut} · {layer}"),
        layer.clone(),
    ];
    let fits = |words: &&String| text::width(words) <= room && !words.starts_with(' ');
    let words = tries.iter().find(fits).map_or_else(|| text::fit(&layer, room), Clone::clone);
    buf.set_stringn(strip.x + 1, strip.y, words, room, context.style(Role::Muted));
    for region in Region::ALL {
        let word = region.word();
        // Not by colour alone.
        let style = if region == state.focus {
            let modifier = Modifier::BOLD.union(Modifier::UNDERLINED);
            context.style(Role::Accent).add_modifier(modifier)
        } else {
            context.style(Role::Text)
        };
        let left = usize::from(strip.right().saturating_sub(x));
        buf.set_stringn(x, strip.y, word, left, style);
        let width = text::width(word) as u16;
        let place = Rect { x, width, ..strip }.intersection(strip);
        view.clickable(place, Click::Cell(Place::Trace, region as u16, u16::MAX));
        x = x.saturating_add(width + 2);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn regions_lie_inside_apart_and_the_focused_one_is_there(
            width in 0_u16..260, height in 0_u16..90, focus in 0_usize..5, zoomed: bool,
            has_other: bool,
        ) {
            let (area, focus) = (Rect::new(0, 0, width, height), Region::ALL[focus]);
            let Arrangement { strip, regions } = Arrangement::of(area, focus, zoomed, has_other);
            prop_assert!(regions.iter().any(|(region, run, _)| *region == focus && *run == 0));
            for (at, (_, _, place)) in regions.iter().enumerate() {
                prop_assert_eq!(place.intersection(area), *place);
                prop_assert!(place.intersection(strip).is_empty());
                for (_, _, other) in &regions[at + 1..] {
                    prop_assert!(place.intersection(*other).is_empty());
                }
            }
        }
    }

    #[test]
    fn large_screens_show_all_and_small_ones_what_belongs_together() {
        let count = |width, height, focus, has_other| {
            let area = Rect::new(0, 0, width, height);
            Arrangement::of(area, focus, false, has_other).regions.len()
        };
        assert_eq!(count(60, 13, Region::Answer, false), 1);
        assert_eq!(count(80, 22, Region::Predictions, false), 3);
        assert_eq!(count(80, 22, Region::Neurons, true), 4);
        assert_eq!(count(120, 38, Region::Predictions, false), 4);
        assert_eq!(count(120, 38, Region::Predictions, true), 5);
        assert_eq!(count(200, 48, Region::Predictions, false), 5);
        assert_eq!(count(200, 48, Region::Predictions, true), 7);
    }
}
