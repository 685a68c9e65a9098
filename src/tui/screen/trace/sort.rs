//! The orders of the list.

use std::cmp::Ordering;

use super::filter::Row;

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Errors first: they are what one looks for.
    #[default]
    Kind,
    Probability,
    /// The first neuron's prediction difference.
    Difference,
}

/// In the order in which the key goes through them.
const SORTS: [Sort; 3] = [Sort::Kind, Sort::Probability, Sort::Difference];

/// Errors first.
const KINDS: [&str; 4] = ["wrong", "adversarial", "given", "right"];

impl Sort {
    pub(super) fn next(self) -> Self {
        let at = SORTS.iter().position(|sort| *sort == self).unwrap_or(0);
        SORTS[(at + 1) % SORTS.len()]
    }

    /// In the title.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Probability => "probability",
            Self::Difference => "difference",
        }
    }

    /// Numbers largest first; equals, and predictions of a kind, stay as the run stored them. What
    /// has no value comes last, also the other way round.
    pub(super) fn order(self, rows: &mut [Row<'_>], reversed: bool) {
        let turn = |order: Ordering| if reversed { order.reverse() } else { order };
        let place = |row: &Row<'_>| {
            KINDS.iter().position(|kind| *kind == row.prediction.kind).unwrap_or(KINDS.len())
        };
        let number = |row: &Row<'_>| match self {
            Self::Kind => None,
            Self::Probability => row.probability(),
            Self::Difference => row.difference(),
        };
        rows.sort_by(|a, b| match (self, number(a), number(b)) {
            (Self::Kind, ..) => turn(place(a).cmp(&place(b))),
            (_, Some(a), Some(b)) => turn(b.total_cmp(&a)),
            (_, a, b) => b.is_some().cmp(&a.is_some()),
        });
    }
}
