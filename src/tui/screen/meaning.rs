//! What a run's results say that neurons mean: their concepts by Network Dissection, and how near
//! the classes of their images are to each other. One place for the screens that list neurons.

use crate::run::results::consistency::{self, Level};
use crate::run::results::dissect::{self, Match};
use crate::tui::world::RunDetail;

/// A layer's results; either may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meanings<'a> {
    pub(super) dissected: Option<&'a dissect::Layer>,
    pub(super) levels: Option<&'a consistency::Layer>,
}

impl<'a> Meanings<'a> {
    pub(super) fn of(detail: &'a RunDetail, layer: &str) -> Self {
        let dissected = detail.dissect.as_deref();
        let levels = detail.consistency.as_deref();
        Self {
            dissected: dissected.and_then(|all| all.layers.iter().find(|l| l.layer == layer)),
            levels: levels.and_then(|all| all.layers.iter().find(|l| l.layer == layer)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dissected.is_none() && self.levels.is_none()
    }

    pub(super) fn neuron(&self, index: usize) -> Meaning<'a> {
        // They stand by index, unless a file says otherwise.
        fn find<T>(neurons: &[T], index: usize, of: impl Fn(&T) -> usize) -> Option<&T> {
            let there = neurons.get(index).filter(|neuron| of(neuron) == index);
            there.or_else(|| neurons.iter().find(|neuron| of(neuron) == index))
        }
        let dissected = self.dissected.map(|layer| &layer.neurons);
        let dissected = dissected.and_then(|neurons| find(neurons, index, |neuron| neuron.index));
        let level = self.levels.map(|layer| &layer.neurons);
        let level = level.and_then(|neurons| find(neurons, index, |neuron| neuron.index));
        let threshold = self.dissected.map_or(0.0, |layer| layer.threshold);
        Meaning { dissected, level, threshold }
    }
}

/// What one neuron means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meaning<'a> {
    pub(super) dissected: Option<&'a dissect::Neuron>,
    pub(super) level: Option<&'a consistency::Neuron>,
    /// It detects its best concept if their intersection over union is larger.
    pub(super) threshold: f64,
}

/// A level; of a silent neuron, which answers to all images alike, there is none.
pub(super) fn told(level: &Level) -> Option<&Level> {
    Some(level).filter(|level| !level.classes.is_empty())
}

/// What [`Meaning::number`] knows.
pub(super) const NUMBERS: [&str; 8] =
    ["iou", "iou_adversarial", "ap", "lc", "lc_adversarial", "consistency", "cs1", "cs2"];
/// What of a `[dissect]` section brings; the others are of a `[consistency]` section.
const DISSECTED: [&str; 7] =
    ["iou", "iou_adversarial", "ap", "concept", "category", "concept!=adv", "detector"];

impl<'a> Meaning<'a> {
    /// Its best concept on real images, whether it detects it or not; `None` where it meets none.
    pub(super) fn real(&self) -> Option<&'a Match> {
        self.dissected.map(|neuron| &neuron.best.real).filter(|best| !best.concept.is_empty())
    }

    /// The same on the attacked images, above the same threshold.
    pub(super) fn adversarial(&self) -> Option<&'a Match> {
        let best = self.dissected.and_then(|neuron| neuron.best.adversarial.as_ref());
        best.filter(|best| !best.concept.is_empty())
    }

    /// Whether its match counts.
    pub(super) fn detects(&self, best: &Match) -> bool {
        best.detects(self.threshold)
    }

    /// Whether it detects a concept on real images.
    pub(super) fn is_detector(&self) -> bool {
        self.real().is_some_and(|best| self.detects(best))
    }

    /// Whether it detects another concept, or none, on the attacked images; or one there alone.
    pub(super) fn differs(&self) -> bool {
        let Some(neuron) = self.dissected else { return false };
        let Some(adversarial) = &neuron.best.adversarial else { return false };
        let detected = |best: &'a Match| {
            self.detects(best).then_some((best.concept.as_str(), best.category.as_str()))
        };
        detected(&neuron.best.real) != detected(adversarial)
    }

    /// One of [`NUMBERS`].
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        let sides = self.dissected.map(|neuron| &neuron.best);
        match name {
            "iou" => sides.map(|best| best.real.iou),
            "iou_adversarial" => sides?.adversarial.as_ref().map(|best| best.iou),
            "ap" => sides?.real.average_precision,
            "lc" => told(&self.level?.real).map(|level| level.lc),
            "lc_adversarial" => told(self.level?.adversarial.as_ref()?).map(|level| level.lc),
            "consistency" => told(&self.level?.real).map(|level| level.consistency),
            "cs1" => self.level?.cs1,
            "cs2" => self.level?.cs2,
            _ => None,
        }
    }

    /// Whether its `concept` or `category` on real images contains a word in lower case.
    pub(super) fn text(&self, name: &str, word: &str) -> bool {
        self.real().is_some_and(|best| {
            let text = if name == "category" { &best.category } else { &best.concept };
            text.to_lowercase().contains(word)
        })
    }
}

/// Why no neuron of a layer has what a filter asks for, if it asks for that.
pub(super) fn lacking(
    meanings: &Meanings<'_>,
    names: impl Iterator<Item = &'static str>,
) -> Option<String> {
    let mut missing = names.filter_map(|name| {
        let section = if DISSECTED.contains(&name) && meanings.dissected.is_none() {
            "dissect"
        } else if NUMBERS.contains(&name) && !DISSECTED.contains(&name) && meanings.levels.is_none()
        {
            "consistency"
        } else {
            return None;
        };
        Some(format!("no neuron here has '{name}': a [{section}] section in the spec brings it"))
    });
    missing.next()
}
