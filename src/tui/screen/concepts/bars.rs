//! Table 1 as bars: how many of a layer's neurons detect a concept, by category; real beside
//! adversarial, run beside run, all on one scale.
//!
//! ```text
//! % of neurons              real ██  adversarial ░░  re-thresholded ▒▒  shuffled labels ▏
//! object    12.5 █▏██████████──┤           4.3 ▏░░░░─┤
//!                                          7.1 ▏▒▒▒▒▒▒─┤
//! part       6.2 ▏████──┤                  2.0 ▏░─┤
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::shown::{Seen, Shown};
use super::{Region, State, empty};
use crate::run::results::dissect::{ALL, Dissect, Layer};
use crate::tui::action::Place;
use crate::tui::number;
use crate::tui::screen::{Click, DrawContext, Scene, View};
use crate::tui::text;
use crate::tui::theme::Role;

/// Cells of `100.0` and the blank after it.
const NUMBER: u16 = 6;
/// From here on real and adversarial bars stand beside each other.
const BESIDE: u16 = 42;
/// From here on there is room for two long bars.
const WIDE: u16 = 84;
/// Shorter bars have no room for the ends of an interval.
const WHISKERS: u16 = 14;

/// The categories of the runs, each once, the last one being all of them.
pub(super) fn categories(shown: &Shown<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for seen in shown.runs().iter().filter(|seen| seen.meanings.dissected.is_some()) {
        for category in seen.detail.dissect.iter().flat_map(|dissect| &dissect.categories) {
            if !all.contains(category) && category != ALL {
                all.push(category.clone());
            }
        }
    }
    all.push(ALL.to_owned());
    all
}

/// What a bar is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Real,
    Adversarial,
    Rethresholded,
}

impl Side {
    const ALL: [Self; 3] = [Self::Real, Self::Adversarial, Self::Rethresholded];

    /// Shape before colour: they are told apart without it.
    fn symbol(self, ascii: bool) -> &'static str {
        match (self, ascii) {
            (Self::Real, false) => "█",
            (Self::Adversarial, false) => "░",
            (Self::Rethresholded, false) => "▒",
            (Self::Real, true) => "#",
            (Self::Adversarial, true) => ":",
            (Self::Rethresholded, true) => "=",
        }
    }

    fn role(self) -> Role {
        if self == Self::Real { Role::Real } else { Role::Adversarial }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Adversarial => "adversarial",
            Self::Rethresholded => "re-thresholded",
        }
    }
}

/// One bar.
#[derive(Debug, Clone, Copy)]
struct Bar {
    side: Side,
    /// Of the neurons, 0..1; `None`: the run's data have no such category.
    share: Option<f64>,
    interval: Option<[f64; 2]>,
    /// With shuffled labels.
    null: Option<f64>,
}

impl Bar {
    /// How far anything of it reaches, 0..1.
    fn reach(&self) -> f64 {
        let high = self.interval.map(|[_, high]| high);
        [self.share, high, self.null].into_iter().flatten().fold(0.0, f64::max)
    }
}

/// `None`: there is no such side.
fn bar(layer: &Layer, category: &str, side: Side) -> Option<Bar> {
    let (ratio, interval) = (&layer.ratio, &layer.interval);
    let (ratio, interval, null) = match side {
        Side::Real => (Some(&ratio.real), Some(&interval.real), Some(&layer.null)),
        Side::Adversarial => (
            ratio.adversarial.as_ref(),
            interval.adversarial.as_ref(),
            layer.adversarial_null.as_ref(),
        ),
        Side::Rethresholded => (
            ratio.rethresholded.as_ref(),
            interval.rethresholded.as_ref(),
            layer.rethresholded_null.as_ref(),
        ),
    };
    Some(Bar {
        side,
        share: ratio?.get(category).copied(),
        interval: interval.and_then(|all| all.get(category)).copied(),
        null: null.and_then(|all| all.get(category)).copied(),
    })
}

/// What stands in one row: whose it is, and the bars left and right.
#[derive(Debug)]
struct Entry {
    category: usize,
    label: String,
    name: String,
    bars: [Option<Bar>; 2],
}

/// How many rows all bars take, if each has its own; the sides that there are.
fn stacked(shown: &Shown<'_>) -> (usize, usize) {
    let runs = shown.runs();
    let layers: Vec<&Layer> = runs.iter().filter_map(|seen| seen.meanings.dissected).collect();
    let has = |side: &Side| layers.iter().any(|layer| bar(layer, ALL, *side).is_some());
    let sides = Side::ALL.iter().filter(|side| has(side)).count();
    (categories(shown).len() * layers.len() * sides, sides)
}

/// Rows in which every bar has its place, real beside adversarial.
pub(super) fn rows(shown: &Shown<'_>) -> u16 {
    let (rows, sides) = stacked(shown);
    // Two of three stand on one row.
    let rows = rows / sides.max(1) * sides.saturating_sub(1).max(1);
    rows.min(usize::from(u16::MAX)) as u16
}

/// Whether real and adversarial bars stand beside each other: on one scale below each other they are
/// longer, where all of them have their own row.
fn are_beside(shown: &Shown<'_>, place: Rect) -> bool {
    let (rows, sides) = stacked(shown);
    let can_be_stacked = sides > 2 && place.width < WIDE && rows <= place.height.into();
    place.width >= BESIDE && !can_be_stacked
}

/// The rows for a place of this size: as much as fits, in one way for every category.
fn entries(shown: &Shown<'_>, beside: bool, rows: usize) -> Vec<Entry> {
    let runs = shown.runs();
    let dissected: Vec<(&str, &Layer)> =
        runs.iter().filter_map(|seen| Some((seen.name(), seen.meanings.dissected?))).collect();
    let categories = categories(shown);
    let has = |side| dissected.iter().any(|(_, layer)| bar(layer, ALL, side).is_some());
    let (attacked, anew) = (has(Side::Adversarial), has(Side::Rethresholded));
    let per_run = |with_anew: bool| match (beside, attacked) {
        (true, _) => 1 + usize::from(with_anew),
        (false, true) => 2 + usize::from(with_anew),
        (false, false) => 1,
    };
    let needed = |with_anew| categories.len() * dissected.len() * per_run(with_anew);
    let with_anew = anew && needed(true) <= rows;
    let mut entries = Vec::new();
    for (at, category) in categories.iter().enumerate() {
        for (run, (name, layer)) in dissected.iter().enumerate() {
            let of = |side| bar(layer, category, side);
            let sides = match (beside, with_anew) {
                (true, false) => vec![[of(Side::Real), of(Side::Adversarial)]],
                (true, true) => {
                    vec![[of(Side::Real), of(Side::Adversarial)], [None, of(Side::Rethresholded)]]
                }
                (false, _) => {
                    let sides = Side::ALL.into_iter().filter(|side| {
                        *side == Side::Real
                            || (*side == Side::Adversarial && attacked)
                            || (*side == Side::Rethresholded && with_anew)
                    });
                    sides.map(|side| [of(side), None]).collect()
                }
            };
            for (line, bars) in sides.into_iter().enumerate() {
                let is_first = line == 0;
                entries.push(Entry {
                    category: at,
                    label: if is_first && run == 0 { category.clone() } else { String::new() },
                    name: if is_first && dissected.len() > 1 {
                        (*name).to_owned()
                    } else {
                        String::new()
                    },
                    bars,
                });
            }
        }
    }
    entries
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let title = format!("aligned with a concept · {}", text::fit_ends(shown.layer, 24));
    let inner = context.frame(Line::from(title), area, buf);
    if !shown.runs().iter().any(|seen| seen.meanings.dissected.is_some()) {
        return empty::say(
            &empty::lacks("dissect", &shown.seen, scene, context),
            context,
            inner,
            buf,
        );
    }
    let facts = facts(shown, usize::from(inner.width));
    // A row for each category and run comes first, then what is told of them.
    let legend = u16::from(inner.height >= 3);
    let runs = shown.runs().iter().filter(|seen| seen.meanings.dissected.is_some()).count();
    let needed = categories(shown).len() * runs;
    let below = inner.height - legend;
    let foot = usize::from(below).saturating_sub(needed).min(facts.len()) as u16;
    let place = Rect { y: inner.y + legend, height: below - foot, ..inner };
    let beside = are_beside(shown, place);
    let entries = entries(shown, beside, place.height.into());
    draw_legend(&entries, context, Rect { height: legend, ..inner }, buf);
    let scale = entries
        .iter()
        .flat_map(|entry| entry.bars.iter().flatten())
        .map(Bar::reach)
        .fold(0.0, f64::max);
    draw_entries(state, &entries, scale, beside, context, place, buf, view);
    let below = Rect { y: place.bottom(), height: foot, ..inner };
    for ((role, line), row) in facts.iter().zip(below.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(*role));
    }
}

#[allow(clippy::too_many_arguments, reason = "the inner part of one drawing, called once")]
fn draw_entries(
    state: &State,
    entries: &[Entry],
    scale: f64,
    beside: bool,
    context: &DrawContext<'_>,
    place: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let last = entries.last().map_or(0, |entry| entry.category);
    let chosen = state.category.min(last);
    let several = entries.iter().any(|entry| !entry.name.is_empty());
    let widest = entries.iter().map(|entry| text::width(&entry.name)).max().unwrap_or(0);
    let label =
        entries.iter().map(|entry| text::width(&entry.label)).max().unwrap_or(0).clamp(8, 12);
    let name = if several { widest.min(usize::from(place.width) / 4) + 1 } else { 0 };
    let head = (label + 1 + name) as u16;
    // A blank row between the categories, where there is room for all of them.
    let air = usize::from(entries.len() + last <= usize::from(place.height));
    // What is chosen stays in sight where not all rows fit.
    let rows = usize::from(place.height);
    let top = entries.iter().position(|entry| entry.category == chosen).unwrap_or(0);
    let skip = if entries.len() + air * last > rows {
        top.saturating_sub(rows / 2).min(entries.len().saturating_sub(rows))
    } else {
        0
    };
    let mut y = place.y;
    let mut before = entries.get(skip).map_or(0, |entry| entry.category);
    for entry in entries.iter().skip(skip) {
        if entry.category != before {
            y += air as u16;
            before = entry.category;
        }
        if y >= place.bottom() {
            break;
        }
        let row = Rect { y, height: 1, ..place };
        let is_chosen = context.focused && entry.category == chosen && !entry.label.is_empty();
        let style = if is_chosen { context.style(Role::Selection) } else { Style::new() };
        buf.set_stringn(row.x, y, text::pad(&entry.label, label), row.width.into(), style);
        let x = row.x + label as u16 + 1;
        let room = usize::from(row.right().saturating_sub(x));
        let run = text::fit_ends(&entry.name, name.saturating_sub(1));
        buf.set_stringn(x, y, run, room, context.style(Role::Muted));
        let bars = Rect { x: row.x + head, width: row.width.saturating_sub(head), ..row };
        // Both as wide as each other: the same share is as long on either side.
        let pitch = if beside { bars.width / 2 } else { bars.width };
        let width = pitch.saturating_sub(u16::from(beside));
        for (at, bar) in entry.bars.iter().enumerate() {
            let cell = Rect { x: bars.x + at as u16 * pitch, width, ..bars };
            if let Some(bar) = bar {
                draw_bar(bar, scale, context, cell.intersection(place), buf);
            }
        }
        let click = Click::Cell(Place::Concepts, Region::Bars as u16, entry.category as u16);
        view.clickable(row, click);
        y += 1;
    }
}

fn draw_bar(bar: &Bar, scale: f64, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let Some(share) = bar.share else {
        let words = text::pad_left("–", usize::from(NUMBER) - 1);
        buf.set_stringn(area.x, area.y, words, area.width.into(), context.style(Role::Muted));
        return;
    };
    let percent = format!("{:>5.1}", share * 100.0);
    let style = context.style(bar.side.role());
    buf.set_stringn(area.x, area.y, percent, area.width.into(), context.style(Role::Text));
    let place = Rect { x: area.x + NUMBER, width: area.width.saturating_sub(NUMBER), ..area };
    if place.width < 2 {
        return;
    }
    // Where everything is 0, so is every place.
    let cells = |share: f64| {
        let share = if scale > 0.0 { share / scale } else { 0.0 };
        (share * f64::from(place.width)).round() as u16
    };
    let ascii = context.glyphs.is_ascii();
    let interval = bar.interval.filter(|_| place.width >= WHISKERS);
    // What is there is seen, however little it is.
    let full = cells(share).max(u16::from(share > 0.0)).min(place.width);
    // Whole up to its end, as bright as it is sure.
    let sure = interval.map_or(full, |[low, _]| cells(low));
    for x in 0..full {
        let style = if x < sure { style } else { context.theme.dimmed(style) };
        buf.set_string(place.x + x, place.y, bar.side.symbol(ascii), style);
    }
    let mut put = |at: u16, symbol: &str, style: Style| {
        if at < place.width {
            buf.set_string(place.x + at, place.y, symbol, style);
        }
    };
    if let Some([_, high]) = interval {
        let whisker = context.style(Role::Text);
        let high = cells(high).min(place.width);
        for at in full..high {
            put(at, if at + 1 == high { "┤" } else { "─" }, whisker);
        }
    }
    if let Some(null) = bar.null {
        let at = cells(null).min(place.width - 1);
        let mark = context.style(Role::Warning);
        // On a solid bar it is a line, not a hole.
        let ground = style.fg.filter(|_| bar.side == Side::Real && at < full && !ascii);
        put(at, "▏", ground.map_or(mark, |ground| mark.bg(ground)));
    }
}

/// What the bars are, above them.
fn draw_legend(entries: &[Entry], context: &DrawContext<'_>, row: Rect, buf: &mut Buffer) {
    if row.is_empty() {
        return;
    }
    let ascii = context.glyphs.is_ascii();
    let drawn = |side: &Side| {
        let mut bars = entries.iter().flat_map(|entry| entry.bars.iter().flatten());
        bars.any(|bar| bar.side == *side)
    };
    let sides = [Side::Real, Side::Adversarial, Side::Rethresholded].into_iter().filter(drawn);
    let mut parts: Vec<(String, Role)> = sides
        .map(|side| (format!("{} {}", side.word(), side.symbol(ascii).repeat(2)), side.role()))
        .collect();
    parts.push(("shuffled labels ▏".into(), Role::Warning));
    let width = |parts: &[(String, Role)]| {
        parts.iter().map(|(words, _)| text::width(words) + 2).sum::<usize>()
    };
    let title = "% of neurons";
    let whisker = ("95 % ─┤".to_owned(), Role::Text);
    let mut bars = entries.iter().flat_map(|entry| entry.bars.iter().flatten());
    let has_interval = bars.any(|bar| bar.interval.is_some());
    let with_whisker = text::width(title) + width(&parts) + text::width(&whisker.0) + 2;
    if has_interval && with_whisker <= usize::from(row.width) {
        parts.push(whisker);
    }
    if width(&parts) + text::width(title) <= usize::from(row.width) {
        buf.set_string(row.x, row.y, title, context.style(Role::Muted));
    }
    let wide = width(&parts).saturating_sub(2) as u16;
    let mut x = row.right().saturating_sub(wide).max(row.x);
    for (words, role) in parts {
        let left = usize::from(row.right().saturating_sub(x));
        x = buf.set_stringn(x, row.y, words, left, context.style(role)).0 + 2;
    }
}

/// What the shares are over, for every run, and what is asked for and not there.
fn facts(shown: &Shown<'_>, room: usize) -> Vec<(Role, String)> {
    let runs = shown.runs();
    let several = runs.len() > 1;
    let mut lines = Vec::new();
    for seen in &runs {
        let (Some(dissect), Some(layer)) =
            (seen.detail.dissect.as_deref(), seen.meanings.dissected)
        else {
            continue;
        };
        let name = if several { format!("{}: ", seen.name()) } else { String::new() };
        let words = format!("{name}{}", of_run(seen, dissect, layer));
        lines.extend(text::wrap(&words, room).into_iter().map(|line| (Role::Muted, line)));
    }
    for (name, why) in shown.without() {
        let words = text::clean(&format!("{name}: {why}")).into_owned();
        lines.extend(text::wrap(&words, room).into_iter().map(|line| (Role::Warning, line)));
    }
    lines
}

fn of_run(seen: &Seen<'_>, dissect: &Dissect, layer: &Layer) -> String {
    let neurons = layer.neurons.len() as u64;
    let mut words = format!(
        "iou > {} · {} neurons · {} images of {}",
        layer.threshold,
        number::count(neurons),
        number::count(dissect.images),
        dissect.data
    );
    if dissect.adversarial_images > 0 {
        words = format!("{words} · {}", dissect.attack);
        if let Some(fooled) = dissect.fooled {
            words = format!("{words}: {} fooled", number::percent(fooled));
        }
    } else {
        words += " · no adversarial side: [dissect.attack] brings it";
    }
    if dissect.damaged > 0 {
        words = format!("{words} · {} images damaged", number::count(dissect.damaged));
    }
    if seen.detail.unreadable.contains_key("dissect") {
        words += " · a newer dissect.json cannot be read";
    }
    text::clean(&words).into_owned()
}
