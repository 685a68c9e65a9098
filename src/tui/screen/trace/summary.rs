//! The whole of the trace counted, a page at a time: the same neurons behind predictions of a kind,
//! the errors, the classes; how well adversarial images are told; how far they have moved.

mod detector;
mod ratios;
mod tables;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::keys::term;
use super::shown::Shown;
use super::{State, empty};
use crate::tui::action::{Action, Place};
use crate::tui::screen::{DrawContext, View};
use crate::tui::text;

/// A page of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Page {
    /// How often the same neurons are behind a kind of prediction.
    #[default]
    Kinds,
    /// The neurons behind each kind of error.
    Errors,
    /// The usual neurons of each class.
    Classes,
    /// ROC and AUC, by attack.
    Detector,
    /// The representation ratios.
    Ratios,
}

impl Page {
    /// In the order in which the key goes through them.
    pub(super) const ALL: [Self; 5] =
        [Self::Kinds, Self::Errors, Self::Classes, Self::Detector, Self::Ratios];

    pub(super) fn next(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|page| *page == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }

    /// In the title.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Kinds => "the same neurons",
            Self::Errors => "neurons behind errors",
            Self::Classes => "usual neurons of classes",
            Self::Detector => "detector",
            Self::Ratios => "representation ratios",
        }
    }
}

/// Rows that the cursor goes through.
pub(super) fn rows(state: &State, shown: &Shown<'_>) -> usize {
    let trace = shown.seen.trace;
    match state.page {
        Page::Kinds => trace.kinds.len(),
        Page::Errors => trace.of_errors.len(),
        Page::Classes => trace.of_classes.len(),
        Page::Detector => trace.detector.as_ref().map_or(0, |detector| detector.attacks.len()),
        Page::Ratios => 0,
    }
}

/// The filter that lists what the row under the cursor stands for.
pub(super) fn narrows(state: &State, shown: &Shown<'_>) -> Option<String> {
    let trace = shown.seen.trace;
    let at = state.row.min(rows(state, shown).checked_sub(1)?);
    let classes = &trace.classes;
    match state.page {
        Page::Kinds => Some(format!("kind:{}", trace.kinds.get(at)?.kind)),
        Page::Errors => {
            let error = trace.of_errors.get(at)?;
            let (label, answer) =
                (term("label", classes, error.label), term("answer", classes, error.predicted));
            Some(format!("kind:{} {label} {answer}", error.kind))
        }
        Page::Classes => {
            let class = trace.of_classes.get(at)?.class;
            Some(format!("right {}", term("label", classes, class)))
        }
        Page::Detector => Some("adversarial".to_owned()),
        Page::Ratios => None,
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
    let page = state.page;
    let at = Page::ALL.iter().position(|other| *other == page).unwrap_or(0) + 1;
    let key = context.key(Action::NextCurve, Place::Trace);
    let room = usize::from(area.width.saturating_sub(6));
    let title = format!("summary · {} ({at} of {}, {key} turns)", page.words(), Page::ALL.len());
    let inner = context.frame(Line::from(text::fit(&title, room)), area, buf);
    match page {
        Page::Kinds => tables::kinds(state, shown, context, inner, buf, view),
        Page::Errors => tables::errors(state, shown, context, inner, buf, view),
        Page::Classes => tables::classes(state, shown, context, inner, buf, view),
        Page::Detector => {
            if let Some(found) = &shown.seen.trace.detector {
                detector::draw(state, found, context, inner, buf, view);
            } else {
                let words = "No detector was tried: a [trace.detector] section in the spec sets \
                             one on real images and tries it on every attack of the run.";
                empty::say(words, context, inner, buf);
            }
        }
        Page::Ratios => {
            if let Some(found) = &shown.seen.trace.representation {
                ratios::draw(found, context, inner, buf);
            } else {
                let words = "The run had no adversarial images whose class to reach is not the true \
                             one: [attack] makes them, trace.adversarial says whose are looked at.";
                empty::say(words, context, inner, buf);
            }
        }
    }
}
