//! What drives the neuron, laid over every picture: which way of showing it is on.

use super::State;
use super::shown::Shown;
use crate::run::results::neurons::{Neuron, Strip, TopImage};
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::pictures::Request;
use crate::tui::pictures::overlay::Look;
use crate::tui::world::RunDetail;

/// What is laid over the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overlay {
    #[default]
    Off,
    /// By the feature map.
    Map(Look),
    /// By occlusion: the discrepancy map.
    Discrepancy(Look),
}

/// In the order in which the key goes through them.
const ALL: [Overlay; 6] = [
    Overlay::Off,
    Overlay::Map(Look::Lit),
    Overlay::Map(Look::Contour),
    Overlay::Map(Look::Crop),
    Overlay::Discrepancy(Look::Lit),
    Overlay::Discrepancy(Look::Contour),
];

impl Overlay {
    /// In the title; `None` = nothing is laid over.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Map(Look::Lit) => Some("region: lit"),
            Self::Map(Look::Contour) => Some("region: contour"),
            Self::Map(Look::Crop) => Some("region: cropped"),
            Self::Discrepancy(Look::Lit) => Some("discrepancy: lit"),
            Self::Discrepancy(Look::Contour) => Some("discrepancy: contour"),
            Self::Discrepancy(Look::Crop) => Some("discrepancy: cropped"),
        }
    }

    /// For `glassbox view --region`.
    pub(super) fn flag(self) -> Option<&'static str> {
        match self {
            Self::Off | Self::Discrepancy(_) => None,
            Self::Map(Look::Lit) => Some("lit"),
            Self::Map(Look::Contour) => Some("contour"),
            Self::Map(Look::Crop) => Some("crop"),
        }
    }

    /// The strip that it needs, if the neuron has it.
    fn strip(self, neuron: &Neuron) -> Option<(&str, Look)> {
        match self {
            Self::Off => None,
            Self::Map(look) => Some((neuron.regions.as_deref()?, look)),
            Self::Discrepancy(look) => Some((&neuron.discrepancy.as_ref()?.maps, look)),
        }
    }

    /// Whether the neuron has what it needs.
    pub(super) fn is_there(self, neuron: &Neuron) -> bool {
        self == Self::Off || self.strip(neuron).is_some()
    }
}

/// Which of a neuron's pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which {
    pub(super) is_adversarial: bool,
    pub(super) rank: usize,
}

/// A picture of a neuron as it is to be shown now: plain where nothing is known of its region.
pub(super) fn request(
    overlay: Overlay,
    detail: &RunDetail,
    neuron: &Neuron,
    which: Which,
    top: &TopImage,
) -> Request {
    let picture = detail.file(&top.picture);
    let Some((strip, look)) = overlay.strip(neuron) else { return Request::File(picture) };
    let tile = Strip::tile(neuron, which.is_adversarial, which.rank);
    Request::Region { picture, strip: detail.file(strip), tile, look }
}

/// The map behind it: the feature map, or the discrepancy map while that is laid over.
pub(super) fn map(
    overlay: Overlay,
    detail: &RunDetail,
    neuron: &Neuron,
    which: Which,
) -> Option<(&'static str, Request)> {
    let discrepancy = neuron.discrepancy.as_ref().map(|discrepancy| discrepancy.maps.as_str());
    let (title, strip) = match (overlay, discrepancy) {
        (Overlay::Discrepancy(_), Some(strip)) => ("discrepancy map", strip),
        _ => ("feature map", neuron.regions.as_deref()?),
    };
    let tile = Strip::tile(neuron, which.is_adversarial, which.rank);
    Some((title, Request::Map { strip: detail.file(strip), tile }))
}

/// The next one that the chosen neuron has.
pub(super) fn turn(state: &mut State, shown: &Shown<'_>) -> Vec<Effect> {
    let Some(neuron) = shown.neuron() else { return Vec::new() };
    let at = ALL.iter().position(|overlay| *overlay == state.overlay).unwrap_or(0);
    let others = ALL.iter().cycle().skip(at + 1).take(ALL.len());
    state.overlay = others.copied().find(|next| next.is_there(neuron)).unwrap_or_default();
    if state.overlay == Overlay::Off && at == 0 {
        let words = if shown.seen.step.is_some() {
            "a look of the training keeps no regions; the neurons stage does"
        } else {
            "no regions were kept of this neuron: its run was made by an older version, or looked \
             at it without them"
        };
        return vec![Effect::Notify(Notice::info(words))];
    }
    Vec::new()
}
