//! The table of a layer's neurons: what each one means, on real and on adversarial images.
//!
//! ```text
//!   #  concept      iou▼ adversarial   iou     LC    CS1    CS2
//! 147  dog         0.112 bus         0.050  0.184  0.612  0.331
//!  23  (grid)      0.031 –               –  0.021  0.400  0.410
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::filter::EXAMPLES;
use super::shown::Shown;
use super::sort::Sort;
use super::{Region, State};
use crate::run::results::dissect::Match;
use crate::tui::action::{Action, Place};
use crate::tui::screen::filter_row::FilterRow;
use crate::tui::screen::meaning::{Meaning, Meanings};
use crate::tui::screen::{Click, DrawContext, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::list::Ground;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Number(Sort),
    Concept,
    ConceptAdversarial,
    Category,
}

/// What is given up first comes last. The index always stands there.
const IMPORTANCE: [Column; 10] = [
    Column::Concept,
    Column::Number(Sort::Iou),
    Column::Number(Sort::Lc),
    Column::ConceptAdversarial,
    Column::Number(Sort::IouAdversarial),
    Column::Number(Sort::Cs1),
    Column::Number(Sort::Cs2),
    Column::Number(Sort::LcAdversarial),
    Column::Number(Sort::AveragePrecision),
    Column::Category,
];

/// As they stand.
const PLACES: [Column; 10] = [
    Column::Concept,
    Column::Category,
    Column::Number(Sort::Iou),
    Column::ConceptAdversarial,
    Column::Number(Sort::IouAdversarial),
    Column::Number(Sort::AveragePrecision),
    Column::Number(Sort::Lc),
    Column::Number(Sort::LcAdversarial),
    Column::Number(Sort::Cs1),
    Column::Number(Sort::Cs2),
];

/// What a click on a column's head stands for, where clicks on rows name their region.
pub(super) const HEADS: u16 = 100;
/// Cells that a name needs at most.
const WIDEST: usize = 26;
/// Cells of the index and the bookmark's sign after it.
const INDEX: usize = 6;

impl Column {
    fn head(self) -> &'static str {
        match self {
            Self::Concept => "concept",
            Self::ConceptAdversarial => "adversarial",
            Self::Category => "category",
            Self::Number(Sort::Iou | Sort::IouAdversarial) => "iou",
            Self::Number(Sort::AveragePrecision) => "ap",
            Self::Number(Sort::Lc) => "LC",
            Self::Number(Sort::LcAdversarial) => "LC adv",
            Self::Number(Sort::Cs1) => "CS1",
            Self::Number(Sort::Cs2) => "CS2",
            Self::Number(_) => "",
        }
    }

    /// Cells that it needs, with the blank before it; texts grow with the room there is.
    fn least(self) -> usize {
        match self {
            Self::Concept => 9,
            Self::ConceptAdversarial => 12,
            Self::Category => 10,
            Self::Number(Sort::LcAdversarial) => 8,
            Self::Number(_) => 7,
        }
    }

    fn sort(self) -> Option<Sort> {
        match self {
            Self::Number(sort) => Some(sort),
            Self::Concept => Some(Sort::Concept),
            Self::Category => Some(Sort::Category),
            Self::ConceptAdversarial => None,
        }
    }

    fn is_there(self, meanings: &Meanings<'_>) -> bool {
        match self {
            Self::ConceptAdversarial => Sort::IouAdversarial.tells(meanings),
            column => column.sort().is_none_or(|sort| sort.tells(meanings)),
        }
    }

    fn cell(self, meaning: &Meaning<'_>) -> String {
        let none = || "–".to_owned();
        match self {
            Self::Concept => named(meaning, meaning.real()),
            Self::ConceptAdversarial => named(meaning, meaning.adversarial()),
            Self::Category => meaning.real().map_or_else(none, |best| best.category.clone()),
            Self::Number(sort) => number(sort.number(meaning)),
        }
    }
}

/// `0.112`, or a dash.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// A concept; in brackets where it matches too little to be said to be detected.
pub(super) fn named(meaning: &Meaning<'_>, best: Option<&Match>) -> String {
    match best {
        Some(best) if meaning.detects(best) => best.concept.clone(),
        Some(best) => format!("({})", best.concept),
        None => "–".to_owned(),
    }
}

/// The columns for which there is room, each with its cells.
#[derive(Debug)]
struct Columns(Vec<(Column, usize)>);

impl Columns {
    fn of(width: u16, sort: Sort, meanings: &Meanings<'_>) -> Self {
        let mut left = usize::from(width).saturating_sub(INDEX);
        let is_sorted = |column: &&Column| column.sort() == Some(sort);
        // What it is sorted by stands there before all others, the concept after it.
        let first = IMPORTANCE.iter().filter(is_sorted);
        let others = IMPORTANCE.iter().filter(|column| !is_sorted(column));
        let mut chosen: Vec<Column> = Vec::new();
        for column in first.chain(others).filter(|column| column.is_there(meanings)) {
            if column.least() <= left {
                left -= column.least();
                chosen.push(*column);
            }
        }
        let mut columns: Vec<(Column, usize)> = PLACES
            .iter()
            .filter(|column| chosen.contains(column))
            .map(|column| (*column, column.least()))
            .collect();
        // What is left over goes to the texts, up to what names need.
        let is_text = |column: Column| !matches!(column, Column::Number(_) | Column::Category);
        while left > 0 {
            let mut grown = false;
            for (column, width) in &mut columns {
                if left > 0 && is_text(*column) && *width < WIDEST {
                    (*width, left, grown) = (*width + 1, left - 1, true);
                }
            }
            if !grown {
                break;
            }
        }
        Self(columns)
    }

    /// Where each column stands, from the left end of a line, with the blank before it.
    fn places(&self) -> impl Iterator<Item = (Column, u16, u16)> {
        let start = (INDEX - 1) as u16;
        self.0.iter().scan(start, |x, (column, width)| {
            let at = *x;
            *x += *width as u16;
            Some((*column, at, *width as u16))
        })
    }

    /// Texts from the left, numbers from the right.
    fn line(&self, index: &str, sign: &str, cell: impl Fn(Column) -> String) -> String {
        let mut line = format!("{}{sign}", text::pad_left(index, INDEX - 2));
        for (column, width) in &self.0 {
            let cell = cell(*column);
            if matches!(column, Column::Number(_)) {
                line.push_str(&text::pad_left(&cell, *width));
            } else {
                line.push(' ');
                line.push_str(&text::pad(&cell, *width - 1));
            }
        }
        line
    }
}

pub(super) fn draw(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let (all, listed) = (shown.all, shown.rows.len());
    let count = if all == listed { format!("{all}") } else { format!("{listed} of {all}") };
    let way = if state.reversed { ", reversed" } else { "" };
    let mut title = Line::from(format!("{count} neurons by {}{way}", shown.sort.words()));
    title.push_span(filter_words(state, shown, context));
    let inner = context.frame(title, area, buf);
    let mut inner = draw_filter(state, shown, context, inner, buf, view);
    if shown.rows.is_empty() {
        return say_none(state, shown, context, inner, buf);
    }
    let columns = Columns::of(inner.width, shown.sort, &shown.seen.meanings);
    if inner.height >= 4 {
        let arrow = if state.reversed { "▲" } else { "▼" };
        let head = columns.line("#", " ", |column| {
            let is_sorted = column.sort() == Some(shown.sort);
            format!("{}{}", column.head(), if is_sorted { arrow } else { "" })
        });
        buf.set_stringn(inner.x, inner.y, head, inner.width.into(), context.style(Role::Muted));
        let head = Rect { height: 1, ..inner };
        let mut sorts_by = |sort: Sort, x: u16, width: u16| {
            let place = Rect { x: head.x + x, width, ..head }.intersection(head);
            view.clickable(place, Click::Cell(Place::Concepts, HEADS, sort.place()));
        };
        sorts_by(Sort::Index, 0, (INDEX - 1) as u16);
        for (column, x, width) in columns.places() {
            if let Some(sort) = column.sort() {
                sorts_by(sort, x, width);
            }
        }
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let rows = usize::from(inner.height);
    let first = view.scroll(Place::Concepts, shown.at, shown.rows.len(), rows);
    for ((at, row), place) in shown.rows.iter().enumerate().skip(first).zip(inner.rows()) {
        let ground = Ground::draw(context, at == shown.at, place, buf);
        let style = match ground.chosen() {
            Some(chosen) => chosen,
            None if shown.seen.meanings.dissected.is_some() && !row.meaning.is_detector() => {
                context.style(Role::Muted)
            }
            None => Style::new(),
        };
        let sign = if row.is_marked { "★" } else { " " };
        let line = columns.line(&row.index.to_string(), sign, |column| column.cell(&row.meaning));
        buf.set_stringn(place.x, place.y, line, place.width.into(), style);
        view.clickable(place, Click::Cell(Place::Concepts, Region::Neurons as u16, at as u16));
    }
}

/// What the filter is, for a title.
pub(super) fn filter_words<'a>(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
) -> Span<'a> {
    if state.filter.is_empty() || state.filtering {
        return Span::raw("");
    }
    let filter = text::fit(state.filter.text(), 34);
    let wrong = if shown.problem.is_some() { " ?" } else { "" };
    Span::styled(format!(" · /{filter}{wrong}"), context.style(Role::Warning))
}

/// Draws the filter; answers what is left.
pub(super) fn draw_filter(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    inner: Rect,
    buf: &mut Buffer,
    view: &mut View,
) -> Rect {
    let problem = shown.problem.as_deref();
    let row = FilterRow::new(&state.filter, state.filtering, problem, EXAMPLES);
    row.draw(context, inner, buf, view)
}

/// Why nothing is listed.
pub(super) fn say_none(
    state: &State,
    shown: &Shown<'_>,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
) {
    let back = context.key(Action::Back, Place::Concepts);
    let sentence = if state.filter.is_empty() {
        "The layer has no neurons.".to_owned()
    } else {
        let filter = state.filter.text();
        format!("None of {} neurons matches '{filter}'; {back} shows all.", shown.all)
    };
    super::empty::say(&sentence, context, area, buf);
}
