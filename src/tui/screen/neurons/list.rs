//! The list of a layer's neurons: filtered, in order, one line each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::filter::{Filter, Listed};
use super::shown::Shown;
use super::{State, bookmark};
use crate::run::bookmarks::Bookmarks;
use crate::run::results::neurons::{Layer, Neuron};
use crate::tui::action::{Action, Place};
use crate::tui::number;
use crate::tui::screen::meaning::{Meaning, Meanings};
use crate::tui::screen::runs::short_name;
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Largest first: [`Neuron::disagreement`].
    #[default]
    Disagreement,
    /// Largest first: [`Neuron::change`].
    Change,
    /// Largest first.
    Activation,
    /// Largest first: how well it matches its best concept.
    Iou,
    /// Largest first: how near the classes of its images are to each other.
    Consistency,
    /// As the layer has them.
    Index,
    /// Those with a bookmark first, then by disagreement.
    Marked,
}

impl Sort {
    /// In the order in which the key goes through them.
    const ALL: [Self; 7] = [
        Self::Disagreement,
        Self::Change,
        Self::Activation,
        Self::Iou,
        Self::Consistency,
        Self::Index,
        Self::Marked,
    ];

    /// The next one that tells the neurons apart.
    pub(super) fn next(
        self,
        layer: &Layer,
        bookmarks: &Bookmarks,
        meanings: &Meanings<'_>,
    ) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        let tells = |sort: &Self| match sort {
            Self::Change => layer.neurons.iter().any(|neuron| neuron.change().is_some()),
            Self::Iou => meanings.dissected.is_some(),
            Self::Consistency => meanings.levels.is_some(),
            Self::Marked => bookmarks.bookmarks.iter().any(|mark| mark.layer == layer.layer),
            _ => true,
        };
        let others = Self::ALL.iter().cycle().skip(at + 1).take(Self::ALL.len());
        others.copied().find(tells).unwrap_or_default()
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Disagreement => "disagreement",
            Self::Change => "change",
            Self::Activation => "activation",
            Self::Iou => "iou",
            Self::Consistency => "LC",
            Self::Index => "index",
            Self::Marked => "bookmarks",
        }
    }
}

/// The neurons that a filter lets through. Stable: equals stay in the order of their index. What has
/// no value comes last.
pub(super) fn ordered<'a>(
    layer: &'a Layer,
    sort: Sort,
    filter: &Filter,
    bookmarks: &Bookmarks,
    meanings: &Meanings<'_>,
) -> Vec<&'a Neuron> {
    let is_marked = |neuron: &Neuron| bookmarks.of(&layer.layer, neuron.index).is_some();
    let disagreement = |neuron: &Neuron| neuron.disagreement().unwrap_or(f64::NEG_INFINITY);
    let meant = |neuron: &Neuron, name| {
        meanings.neuron(neuron.index).number(name).unwrap_or(f64::NEG_INFINITY)
    };
    let value = |neuron: &Neuron| match sort {
        Sort::Index => (false, 0.0),
        Sort::Activation => (false, neuron.top_activation()),
        Sort::Iou => (false, meant(neuron, "iou")),
        Sort::Consistency => (false, meant(neuron, "lc")),
        Sort::Change => (false, neuron.change().unwrap_or(f64::NEG_INFINITY)),
        Sort::Disagreement => (false, disagreement(neuron)),
        Sort::Marked => (is_marked(neuron), disagreement(neuron)),
    };
    // Once a neuron: counting pictures for every comparison would be felt in large layers.
    let listed = |neuron: &'a Neuron| Listed {
        neuron,
        is_marked: is_marked(neuron),
        meaning: meanings.neuron(neuron.index),
    };
    let kept = layer.neurons.iter().filter(|neuron| filter.keeps(&listed(neuron)));
    let mut order: Vec<_> = kept.map(|neuron| (value(neuron), neuron)).collect();
    order.sort_by(|((a_first, a), _), ((b_first, b), _)| {
        b_first.cmp(a_first).then_with(|| b.total_cmp(a))
    });
    order.into_iter().map(|(_, neuron)| neuron).collect()
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let by = state.sort.words();
    let title = if area.width < 30 { format!("by {by}") } else { format!("neurons by {by}") };
    let mut title = Line::from(title);
    if !state.filter.is_empty() && !state.filtering {
        title.push_span(filter_words(state, shown, context, 10));
    }
    let inner = context.frame(title, area, buf);
    // Which run: the screen may have been left and come back to, and another run may have been chosen.
    let run = text::fit(short_name(shown.seen.run), usize::from(area.width.saturating_sub(6)));
    if area.height > 2 {
        let run = format!(" {run} ");
        buf.set_string(area.x + 2, area.bottom() - 1, run, context.style(Role::Muted));
    }
    let mut inner = draw_filter(state, shown, context, inner, buf, view);
    if shown.order.is_empty() {
        return say_none(state, shown, context, inner, buf);
    }
    let wide = Columns::of(inner.width, state.sort, shown.layer, &shown.meanings);
    if inner.height >= 4 {
        let head = HEAD.map(str::to_owned);
        let style = context.style(Role::Muted);
        let head = wide.row(&head, " ", inner.width);
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), style);
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Neurons, shown.at, shown.order.len(), rows);
    for ((at, neuron), place) in shown.order.iter().enumerate().skip(first).zip(inner.rows()) {
        let ground = Ground::draw(context, at == shown.at, place, buf);
        let style = match ground.chosen() {
            Some(chosen) => chosen,
            None if neuron.is_silent() => context.style(Role::Muted),
            None => Style::new(),
        };
        let bookmarks = &shown.seen.detail.bookmarks;
        let is_marked = bookmarks.of(&shown.layer.layer, neuron.index).is_some();
        let sign = if is_marked { bookmark::SIGN } else { " " };
        let meaning = shown.meanings.neuron(neuron.index);
        let line = wide.row(&cells(neuron, &meaning), sign, place.width);
        buf.set_stringn(place.x, place.y, line, place.width.into(), style);
        if is_marked {
            let sign = Rect { x: place.x + 4, width: 1, ..place };
            buf.set_style(sign.intersection(place), context.theme.over(Role::Marked, style));
        }
        view.clickable(place, Click::Row(Place::Neurons, at));
    }
}

/// What the filter is, for a title.
pub(super) fn filter_words<'a>(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    most: usize,
) -> Span<'a> {
    let filter = text::fit(state.filter.text(), most);
    let wrong = if shown.problem.is_some() { " ?" } else { "" };
    Span::styled(format!(" · /{filter}{wrong}"), context.style(Role::Warning))
}

/// What stands beside the filter: what is wrong with it, or while nothing is typed, what could be.
fn filter_lines(state: &State, shown: &Shown<'_>, width: u16) -> Option<(Role, Vec<String>)> {
    let (role, words) = match &shown.problem {
        Some(problem) => (Role::Warning, format!("! {problem}")),
        // A language that nobody is told of is not used.
        None if state.filtering && state.filter.is_empty() => (
            Role::Muted,
            if shown.meanings.is_empty() {
                "dog · 147 · label:dog · act>10 · diff>0.5 · real!=adv · marked · !dog".to_owned()
            } else {
                "dog · 147 · label:dog · concept:dog · act>10 · diff>0.5 · iou>0.1 · lc>0.2 · \
                 real!=adv · detector · marked · !dog"
                    .to_owned()
            },
        ),
        None => return None,
    };
    Some((role, text::wrap(&words, width.into())))
}

/// What the filter's field and the words beside it leave of the inside of a frame. The field is the
/// last row while it is typed, with the words above it; later they stand at the top, below the title
/// that names the filter.
pub(super) fn above_filter(state: &State, shown: &Shown<'_>, inner: Rect) -> Rect {
    let field = u16::from(state.filtering).min(inner.height);
    let mut left = Rect { height: inner.height - field, ..inner };
    let lines = filter_lines(state, shown, inner.width).map_or(0, |(_, lines)| lines.len() as u16);
    if lines > 0 && left.height >= lines + 3 {
        left.height -= lines;
        left.y += if state.filtering { 0 } else { lines };
    }
    left
}

/// Draws the filter's field and the words beside it; answers what is left.
pub(super) fn draw_filter(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    if state.filtering && inner.height > 0 {
        let row = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        buf.set_stringn(row.x, row.y, "/", row.width.into(), context.style(Role::Key));
        let field = Rect { x: row.x + 1, width: row.width.saturating_sub(1), ..row };
        state.filter.draw(context, field.intersection(row), buf, view);
    }
    let left = above_filter(state, shown, inner);
    if let Some((role, lines)) = filter_lines(state, shown, inner.width) {
        let y = if state.filtering { left.bottom() } else { inner.y };
        let height = (inner.height - left.height).saturating_sub(u16::from(state.filtering));
        let place = Rect { y, height, ..inner };
        for (line, row) in lines.iter().zip(place.rows()) {
            buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(role));
        }
    }
    left
}

/// Why nothing is listed.
pub(super) fn say_none(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let back = context.key(Action::Back, Place::Neurons);
    let all = shown.layer.neurons.len();
    let sentence =
        format!("None of {all} neurons matches '{}'; {back} shows all.", state.filter.text());
    for (line, row) in text::wrap(&sentence, area.width.into()).iter().zip(area.rows()) {
        buf.set_stringn(row.x, row.y, line, row.width.into(), context.style(Role::Muted));
    }
}

/// What [`cells`] are.
const HEAD: [&str; 10] =
    ["#", "class", "real", "adv", "diff", "change", "act", "concept", "iou", "LC"];

fn cells(neuron: &Neuron, meaning: &Meaning<'_>) -> [String; 10] {
    let none = || "–".to_owned();
    let Some(favourite) = neuron.favourite() else {
        let mut cells: [String; 10] = std::array::from_fn(|_| none());
        (cells[0], cells[1]) = (neuron.index.to_string(), "silent".into());
        cells[7] = "silent".into();
        return cells;
    };
    let of = |count: usize, all: usize| {
        if all == 0 { none() } else { format!("{count}/{all}") }
    };
    let share = |value: Option<f64>| value.map_or_else(none, |value| format!("{value:.2}"));
    // What it matches too little to be said to detect it would read as if it did.
    let concept = meaning.real().filter(|best| meaning.detects(best));
    [
        neuron.index.to_string(),
        favourite.label.to_owned(),
        of(favourite.real, neuron.real.len()),
        of(favourite.adversarial, neuron.adversarial.len()),
        share(neuron.disagreement()),
        share(neuron.change()),
        number::value(neuron.top_activation()),
        concept.map_or_else(none, |best| best.concept.clone()),
        share(meaning.number("iou")),
        meaning.number("lc").map_or_else(none, |value| format!("{value:.3}")),
    ]
}

/// Which numbers there is room for, each with its cells: what it is sorted by before all. Index and
/// class always stand there; where the run was dissected, the concept stands for the class.
#[derive(Debug)]
struct Columns {
    name: usize,
    numbers: Vec<(usize, usize)>,
}

impl Columns {
    fn of(width: u16, sort: Sort, layer: &Layer, meanings: &Meanings<'_>) -> Self {
        let has_change = layer.neurons.iter().any(|neuron| neuron.change().is_some());
        let by_change = sort == Sort::Change && has_change;
        // `9/9`, `100/100`, and a blank before it.
        let most = |neuron: &Neuron| neuron.real.len().max(neuron.adversarial.len());
        let pictures = layer.neurons.iter().map(most).max().unwrap_or(0);
        let count = (2 * pictures.to_string().len() + 2).max(5);
        if !meanings.is_empty() {
            return Self::with_meanings(width, sort, has_change, count, meanings);
        }
        // Long counts must not take the class its room.
        let wide = 36 + 2 * (count as u16 - 5);
        let columns = [
            (2, count, width >= wide),
            (3, count, width >= wide),
            (4, 6, width >= 24 || !by_change),
            (5, 7, has_change && (width >= wide + 7 || by_change)),
            (6, 7, width >= 26 && !(width < 36 && by_change)),
        ];
        let there = columns.into_iter().filter(|(_, _, is_there)| *is_there);
        Self { name: 1, numbers: there.map(|(cell, width, _)| (cell, width)).collect() }
    }

    /// What neurons mean before what excites them; `count`: cells of a count of pictures.
    fn with_meanings(
        width: u16,
        sort: Sort,
        has_change: bool,
        count: usize,
        meanings: &Meanings<'_>,
    ) -> Self {
        /// Cells of a concept that can still be told from others.
        const NAME: usize = 6;
        let sorted = match sort {
            Sort::Change => Some(5),
            Sort::Activation => Some(6),
            _ => None,
        };
        let columns = [
            (8, 5, meanings.dissected.is_some()),
            (9, 6, meanings.levels.is_some()),
            (4, 6, true),
            (6, 7, true),
            (2, count, true),
            (3, count, true),
            (5, 7, has_change),
        ];
        let is_first = |(cell, ..): &&(usize, usize, bool)| Some(*cell) == sorted;
        let first = columns.iter().filter(is_first);
        let others = columns.iter().filter(|column| !is_first(column));
        let mut left = usize::from(width).saturating_sub(5 + NAME);
        let mut numbers: Vec<(usize, usize)> = Vec::new();
        for (cell, width, is_there) in first.chain(others) {
            if *is_there && *width <= left {
                left -= width;
                numbers.push((*cell, *width));
            }
        }
        let place = |cell: usize| [8, 9, 2, 3, 4, 5, 6].iter().position(|other| *other == cell);
        numbers.sort_by_key(|(cell, _)| place(*cell));
        Self { name: if meanings.dissected.is_some() { 7 } else { 1 }, numbers }
    }

    fn row(&self, cells: &[String; 10], sign: &str, width: u16) -> String {
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let tail: String =
            self.numbers.iter().map(|(at, width)| text::pad_left(cell(*at), *width)).collect();
        let room = usize::from(width).saturating_sub(5 + text::width(&tail));
        format!("{}{sign}{}{tail}", text::pad_left(cell(0), 4), text::pad(cell(self.name), room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn columns_stay_apart_and_the_class_keeps_its_room_with_many_pictures() {
        let mut layer = fixture::with_regions().layers.remove(1);
        for neuron in &mut layer.neurons {
            for tops in [&mut neuron.real, &mut neuron.adversarial] {
                let first = tops[0].clone();
                tops.resize(100, first);
            }
        }
        let head =
            ["#", "harvestman", "100/100", "100/100", "0.97", "-12 %", "30.75", "–", "–", "–"];
        for sort in [Sort::Disagreement, Sort::Activation] {
            for width in 26_u16..120 {
                let columns = Columns::of(width, sort, &layer, &Meanings::default());
                let row = columns.row(&head.map(str::to_owned), " ", width);
                assert_eq!(text::width(&row), usize::from(width), "{row}");
                let class = row.split_whitespace().nth(1).unwrap();
                assert!(class.starts_with("harv") && !class.contains('/'), "{width}: {row}");
                assert_eq!(row.matches("100/100").count(), row.matches(" 100/100").count());
                if width >= 36 {
                    assert!(row.contains("harvest"), "{width}: {row}");
                }
            }
        }
    }

    #[test]
    fn what_neurons_mean_stands_first_where_the_run_knows_it() {
        let layer = fixture::with_regions().layers.remove(1);
        let (dissect, consistency) = (fixture::dissect(0), fixture::consistency(0));
        let dissected = dissect.layers.last();
        let both = Meanings { dissected, levels: consistency.layers.last() };
        let row = |width: u16, sort, meanings: &Meanings<'_>| {
            Columns::of(width, sort, &layer, meanings).row(&HEAD.map(str::to_owned), " ", width)
        };
        let words = |row: String| row.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(row(22, Sort::Disagreement, &both)), "# conce… iou LC");
        assert_eq!(words(row(38, Sort::Iou, &both)), "# concept iou LC diff act");
        let alone = Meanings { dissected, levels: None };
        assert_eq!(words(row(30, Sort::Activation, &alone)), "# concept iou diff act");
        let levels = Meanings { dissected: None, ..both };
        assert_eq!(words(row(30, Sort::Consistency, &levels)), "# class LC diff act");
        for width in 11..120 {
            let row = row(width, Sort::Change, &both);
            assert_eq!(text::width(&row), usize::from(width), "{row}");
        }
        let neuron = &layer.neurons[147];
        let cells = cells(neuron, &both.neuron(147));
        assert_eq!(cells[7], "dog");
    }
}
