//! Which regions stand where: one on a small screen, a page of them on a larger one, all on a large
//! one; and the line above them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::shown::Shown;
use super::{Region, bars};
use crate::tui::action::Place;
use crate::tui::screen::split::{share, split_columns, split_rows};
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// From here on several regions stand on a page.
const PAGE: (u16, u16) = (100, 28);
/// From here on all of them do.
const WHOLE: (u16, u16) = (170, 42);

/// Where everything is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// The line that names run, layer and regions.
    pub(super) strip: Rect,
    pub(super) regions: Vec<(Region, Rect)>,
}

/// How many rows a large screen gives to what may need few.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Every bar, without what stands around them.
    pub(super) bars: u16,
    /// The largest tree of the layer: it is the same for all neurons, lest the regions jump.
    pub(super) tree: u16,
}

/// What stands around the bars: the frame, the legend, two lines of facts.
const AROUND_BARS: u16 = 5;
/// What stands around a tree: the frame, two lines above it.
const AROUND_TREE: u16 = 4;

impl Needs {
    pub(super) fn of(shown: &Shown<'_>) -> Self {
        let levels = shown.seen.meanings.levels.iter().flat_map(|layer| &layer.neurons);
        let levels =
            levels.flat_map(|neuron| std::iter::once(&neuron.real).chain(&neuron.adversarial));
        let classes = levels.map(|level| level.classes.len()).max().unwrap_or(0);
        // A fork stands above two classes or more: seldom does a tree have more lines than this.
        let tree = (classes + classes / 2).min(usize::from(u16::MAX)) as u16;
        Self { bars: bars::rows(shown), tree }
    }
}

impl Arrangement {
    pub(super) fn of(area: Rect, focus: Region, zoomed: bool, needs: Needs) -> Self {
        let strip = Rect { height: area.height.min(1), ..area };
        let area = Rect { y: area.y + strip.height, height: area.height - strip.height, ..area };
        let is_at_least =
            |(width, height): (u16, u16)| area.width >= width && area.height >= height;
        let regions = if zoomed || !is_at_least(PAGE) {
            vec![(focus, area)]
        } else if is_at_least(WHOLE) {
            whole(area, focus, needs)
        } else {
            page(area, focus)
        };
        Self { strip, regions }
    }
}

fn whole(area: Rect, focus: Region, needs: Needs) -> Vec<(Region, Rect)> {
    let (left, right) = split_columns(area, share(area.width, 44));
    // The curves have what bars and tree leave.
    let within = |rows: u16, around: u16, least: u16, most: u16| {
        let (least, most) = (share(left.height, least), share(left.height, most));
        rows.saturating_add(around).clamp(least, most.max(least))
    };
    let (bars, rest) = split_rows(left, within(needs.bars, AROUND_BARS, 25, 45));
    let tree = within(needs.tree, AROUND_TREE, 18, 26);
    let (curves, tree) = split_rows(rest, rest.height.saturating_sub(tree));
    let (list, pictures) = split_rows(right, share(right.height, 38));
    let listed = if focus == Region::Difference { focus } else { Region::Neurons };
    vec![
        (Region::Bars, bars),
        (Region::Curves, curves),
        (Region::Tree, tree),
        (listed, list),
        (Region::Pictures, pictures),
    ]
}

fn page(area: Rect, focus: Region) -> Vec<(Region, Rect)> {
    match focus {
        Region::Bars | Region::Curves | Region::Neurons => {
            let (above, list) = split_rows(area, share(area.height, 48));
            let (bars, curves) = split_columns(above, share(area.width, 48));
            vec![(Region::Bars, bars), (Region::Curves, curves), (Region::Neurons, list)]
        }
        Region::Pictures | Region::Tree => {
            let (list, right) = split_columns(area, 40);
            let (pictures, tree) = split_rows(right, share(area.height, 66));
            vec![(Region::Neurons, list), (Region::Pictures, pictures), (Region::Tree, tree)]
        }
        Region::Difference => vec![(focus, area)],
    }
}

/// Whose results these are, and which regions there are.
pub(super) fn draw_strip(
    shown: &Shown<'_>,
    focus: Region,
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
    let (at, layers) = (shown.layer_place() + 1, shown.layers.len());
    let layer = text::fit_ends(shown.layer, 20);
    let layer = if layers > 1 { format!("{layer} ({at} of {layers})") } else { layer };
    let names: Vec<&str> = shown.runs().iter().map(super::shown::Seen::name).collect();
    let [first, others @ ..] = names.as_slice() else { return };
    let beside = match others {
        [] => String::new(),
        [one] => format!(" beside {one}"),
        more => format!(" beside {} runs", more.len()),
    };
    // The layer is what the keys change here; the runs' names give way.
    let tries = [
        format!("{first}{beside} · {layer}"),
        format!("{first} · {layer}"),
        format!(
            "{} · {layer}",
            text::fit_ends(first, room.saturating_sub(text::width(&layer) + 3))
        ),
        layer.clone(),
    ];
    let fits = |words: &&String| text::width(words) <= room && !words.starts_with(' ');
    let words = tries.iter().find(fits).map_or_else(|| text::fit(&layer, room), Clone::clone);
    buf.set_stringn(strip.x + 1, strip.y, text::clean(&words), room, context.style(Role::Muted));
    for region in Region::ALL {
        let word = region.word();
        // Not by colour alone.
        let style = if region == focus {
            let modifier = Modifier::BOLD.union(Modifier::UNDERLINED);
            context.style(Role::Accent).add_modifier(modifier)
        } else {
            context.style(Role::Text)
        };
        let left = usize::from(strip.right().saturating_sub(x));
        buf.set_stringn(x, strip.y, word, left, style);
        let width = text::width(word) as u16;
        let place = Rect { x, width, ..strip }.intersection(strip);
        view.clickable(place, Click::Cell(Place::Concepts, region as u16, u16::MAX));
        x += width + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn regions_lie_inside_apart_and_the_focused_one_is_there(
            width in 0_u16..260, height in 0_u16..90, focus in 0_usize..6, zoomed: bool,
            bars: u16, tree: u16,
        ) {
            let needs = Needs { bars, tree };
            let (area, focus) = (Rect::new(0, 0, width, height), Region::ALL[focus]);
            let Arrangement { strip, regions } = Arrangement::of(area, focus, zoomed, needs);
            prop_assert!(regions.iter().any(|(region, _)| *region == focus));
            for (at, (_, place)) in regions.iter().enumerate() {
                prop_assert_eq!(place.intersection(area), *place);
                prop_assert!(place.intersection(strip).is_empty());
                for (_, other) in &regions[at + 1..] {
                    prop_assert!(place.intersection(*other).is_empty());
                }
            }
        }
    }

    #[test]
    fn large_screens_show_all_and_small_ones_one() {
        let count = |width, height, focus| {
            let area = Rect::new(0, 0, width, height);
            Arrangement::of(area, focus, false, Needs::default()).regions.len()
        };
        assert_eq!(count(80, 22, Region::Bars), 1);
        assert_eq!(count(120, 38, Region::Bars), 3);
        assert_eq!(count(120, 38, Region::Tree), 3);
        assert_eq!(count(200, 48, Region::Tree), 5);
    }

    #[test]
    fn curves_have_what_bars_and_trees_leave() {
        let heights = |bars: u16, tree: u16| {
            let area = Rect::new(0, 0, 200, 48);
            let regions = Arrangement::of(area, Region::Bars, false, Needs { bars, tree }).regions;
            [0, 1, 2].map(|at| regions[at].1.height)
        };
        let [bars, curves, tree] = heights(14, 4);
        assert_eq!((bars, tree), (14 + AROUND_BARS, 4 + AROUND_TREE));
        assert_eq!(bars + curves + tree, 47);
        let [many, left, deep] = heights(900, 900);
        assert!(many > bars && deep > tree && left < curves && left > 10, "{many} {left} {deep}");
    }
}
