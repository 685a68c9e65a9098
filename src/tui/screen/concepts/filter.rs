//! The words of the table's filter (see [`crate::tui::screen::terms`]).
//!
//! | term | keeps neurons |
//! |---|---|
//! | `dog` | with a concept, on either side, that contains it |
//! | `concept:dog` | whose best concept on real images contains it |
//! | `adversarial:bus` | whose best concept on adversarial images contains it |
//! | `category:object` | whose best concept is of this category |
//! | `iou>0.1` | by one of [`NUMBERS`] |
//! | `detector` | that detect their best concept |
//! | `concept!=adv` | that detect another concept, or none, on adversarial images |
//! | `gained` | by what became of its concept in the run beside (`lost`, `renamed`, `kept`) |
//! | `marked` | with a bookmark |

use crate::report::difference::Kind;
use crate::tui::screen::meaning::{Meaning, NUMBERS};
use crate::tui::screen::terms::Subject;

/// A neuron of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Channel.
    pub(super) index: usize,
    pub(super) meaning: Meaning<'a>,
    pub(super) is_marked: bool,
    /// What became of it in the run beside: its place in the difference, and its kind.
    pub(super) change: Option<(usize, Kind)>,
}

/// What could be typed: a language that nobody is told of is not used.
pub(super) const EXAMPLES: &str = "dog · concept:dog · category:object · iou>0.1 · \
                                   iou_adversarial<0.04 · lc>0.2 · cs1>0.9 · \
                                   concept!=adv · detector · lost · marked · !dog";

/// Whether a sign is a kind of the difference between two runs.
pub(super) fn is_kind(name: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.word() == name)
}

impl Subject for Row<'_> {
    const NUMBERS: &'static [&'static str] = &NUMBERS;
    const TEXTS: &'static [(&'static str, &'static str)] = &[
        ("concept", "a concept, like concept:dog"),
        ("category", "a category, like category:object"),
        ("adversarial", "a concept, like adversarial:bus"),
    ];
    const SIGNS: &'static [&'static [&'static str]] = &[
        &["concept!=adv", "concept!=adversarial", "real!=adversarial", "real!=adv"],
        &["detector"],
        &["marked"],
        &["gained"],
        &["lost"],
        &["renamed"],
        &["kept"],
        &["neither"],
    ];

    fn index(&self) -> usize {
        self.index
    }

    fn contains(&self, word: &str) -> bool {
        self.meaning.text("concept", word) || self.text("adversarial", word)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.meaning.number(name)
    }

    fn text(&self, name: &str, word: &str) -> bool {
        match name {
            "adversarial" => self
                .meaning
                .adversarial()
                .is_some_and(|best| best.concept.to_lowercase().contains(word)),
            _ => self.meaning.text(name, word),
        }
    }

    fn sign(&self, name: &str) -> bool {
        match name {
            "marked" => self.is_marked,
            "detector" => self.meaning.is_detector(),
            "concept!=adv" => self.meaning.differs(),
            kind => self.change.is_some_and(|(_, of)| of.word() == kind),
        }
    }
}
