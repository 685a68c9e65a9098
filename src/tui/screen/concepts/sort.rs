//! The orders of the table.

use std::cmp::{Ordering, Reverse};

use super::filter::Row;
use crate::tui::screen::meaning::{Meaning, Meanings};

/// What the table is sorted by: its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Iou,
    IouAdversarial,
    AveragePrecision,
    Lc,
    LcAdversarial,
    Cs1,
    Cs2,
    Concept,
    Category,
    Index,
}

/// In the order in which the key goes through them.
const SORTS: [Sort; 10] = [
    Sort::Iou,
    Sort::IouAdversarial,
    Sort::AveragePrecision,
    Sort::Lc,
    Sort::LcAdversarial,
    Sort::Cs1,
    Sort::Cs2,
    Sort::Concept,
    Sort::Category,
    Sort::Index,
];

impl Sort {
    /// What was chosen, where it tells the neurons apart; else the first that does.
    pub(super) fn of(chosen: Option<Self>, meanings: &Meanings<'_>) -> Self {
        let first = || SORTS.into_iter().find(|sort| sort.tells(meanings));
        chosen.filter(|sort| sort.tells(meanings)).or_else(first).unwrap_or(Self::Index)
    }

    /// The next one that tells the neurons apart.
    pub(super) fn next(self, meanings: &Meanings<'_>) -> Self {
        let at = SORTS.iter().position(|sort| *sort == self).unwrap_or(0);
        let others = SORTS.iter().cycle().skip(at + 1).take(SORTS.len());
        others.copied().find(|sort| sort.tells(meanings)).unwrap_or(Self::Index)
    }

    /// Its place among all: what a click on its column's head is told by.
    pub(super) fn place(self) -> u16 {
        SORTS.iter().position(|sort| *sort == self).unwrap_or(0) as u16
    }

    /// The one at a place.
    pub(super) fn at(place: u16) -> Option<Self> {
        SORTS.get(usize::from(place)).copied()
    }

    /// Whether any neuron has it.
    pub(super) fn tells(self, meanings: &Meanings<'_>) -> bool {
        let dissected = meanings.dissected.map(|layer| &layer.neurons);
        let levels = meanings.levels.map(|layer| &layer.neurons);
        match self {
            Self::Iou | Self::Concept | Self::Category => dissected.is_some(),
            Self::IouAdversarial => dissected
                .is_some_and(|neurons| neurons.iter().any(|n| n.best.adversarial.is_some())),
            Self::AveragePrecision => dissected.is_some_and(|neurons| {
                neurons.iter().any(|n| n.best.real.average_precision.is_some())
            }),
            Self::Lc => levels.is_some(),
            Self::LcAdversarial => {
                levels.is_some_and(|neurons| neurons.iter().any(|n| n.adversarial.is_some()))
            }
            Self::Cs1 => levels.is_some_and(|neurons| neurons.iter().any(|n| n.cs1.is_some())),
            Self::Cs2 => levels.is_some_and(|neurons| neurons.iter().any(|n| n.cs2.is_some())),
            Self::Index => true,
        }
    }

    /// In the title.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Iou => "iou",
            Self::IouAdversarial => "adversarial iou",
            Self::AveragePrecision => "average precision",
            Self::Lc => "LC",
            Self::LcAdversarial => "adversarial LC",
            Self::Cs1 => "CS1",
            Self::Cs2 => "CS2",
            Self::Concept => "concept",
            Self::Category => "category",
            Self::Index => "index",
        }
    }

    /// Of a neuron, where it is a number.
    pub(super) fn number(self, meaning: &Meaning<'_>) -> Option<f64> {
        meaning.number(match self {
            Self::Iou => "iou",
            Self::IouAdversarial => "iou_adversarial",
            Self::AveragePrecision => "ap",
            Self::Lc => "lc",
            Self::LcAdversarial => "lc_adversarial",
            Self::Cs1 => "cs1",
            Self::Cs2 => "cs2",
            Self::Concept | Self::Category | Self::Index => return None,
        })
    }

    /// Numbers largest first, words and the index from the beginning. Equals stay by index, and
    /// what has no value comes last, also the other way round.
    pub(super) fn order(self, rows: &mut [Row<'_>], reversed: bool) {
        let turn = |order: Ordering| if reversed { order.reverse() } else { order };
        match self {
            Self::Index => rows.sort_by(|a, b| turn(a.index.cmp(&b.index))),
            Self::Concept | Self::Category => {
                let words = |row: &Row<'_>| {
                    row.meaning.real().map(|best| {
                        let (concept, category) = (&best.concept, &best.category);
                        match self {
                            Self::Concept => [concept.to_lowercase(), category.clone()],
                            _ => [category.clone(), concept.to_lowercase()],
                        }
                    })
                };
                // Once a row, not once a comparison.
                rows.sort_by_cached_key(|row| {
                    let words = words(row);
                    let (up, down) =
                        if reversed { (None, words.clone()) } else { (words.clone(), None) };
                    (words.is_none(), up, Reverse(down), row.index)
                });
            }
            _ => rows.sort_by(|a, b| match (self.number(&a.meaning), self.number(&b.meaning)) {
                (Some(a), Some(b)) => turn(b.total_cmp(&a)),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }),
        }
    }
}
