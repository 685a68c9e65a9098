//! The words of the list's filter (see [`crate::tui::screen::terms`]).
//!
//! | term | keeps predictions |
//! |---|---|
//! | `dog` | whose true class, answer, target or image contains it |
//! | `17`, `neuron:17` | that neuron 17 is behind |
//! | `kind:wrong`, `wrong` | of this kind |
//! | `label:dog` `answer:cat` `target:bus` | by class |
//! | `image:0012` | by the image's name |
//! | `probability>0.9` | by probability, `logit` or the first neuron's `difference` |

use super::shown::class_name;
use crate::run::results::trace::Prediction;
use crate::tui::screen::terms::Subject;

/// A prediction of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) prediction: &'a Prediction,
    /// Class names, by index.
    pub(super) classes: &'a [String],
}

/// What could be typed: a language that nobody is told of is not used.
pub(super) const EXAMPLES: &str = "kind:wrong · label:dog · answer:cat · target:bus · neuron:17 · \
                                   probability>0.9 · difference<0.1 · adversarial · !right";

impl Row<'_> {
    /// The network's answer.
    pub(super) fn answer(&self) -> Option<u32> {
        self.prediction.answers.first().map(|answer| answer.class)
    }

    /// Its probability.
    pub(super) fn probability(&self) -> Option<f64> {
        self.prediction.answers.first().map(|answer| answer.probability)
    }

    /// The first neuron's prediction difference.
    pub(super) fn difference(&self) -> Option<f64> {
        self.prediction.neurons.first().map(|neuron| neuron.probability)
    }

    pub(super) fn name(&self, class: Option<u32>) -> Option<String> {
        class.map(|class| class_name(self.classes, class))
    }

    fn is(&self, class: Option<u32>, word: &str) -> bool {
        self.name(class).is_some_and(|name| name.to_lowercase().contains(word))
    }
}

impl Subject for Row<'_> {
    const NUMBERS: &'static [&'static str] = &["probability", "logit", "difference"];
    const TEXTS: &'static [(&'static str, &'static str)] = &[
        ("kind", "right, wrong, adversarial or given, like kind:wrong"),
        ("label", "a class, like label:dog"),
        ("answer", "a class, like answer:cat"),
        ("target", "a class, like target:bus"),
        ("neuron", "a neuron's index, like neuron:17"),
        ("image", "a part of a name, like image:0012"),
    ];
    const SIGNS: &'static [&'static [&'static str]] =
        &[&["right"], &["wrong"], &["adversarial", "adv"], &["given"]];

    fn index(&self) -> usize {
        self.prediction.neurons.first().map_or(usize::MAX, |neuron| neuron.index)
    }

    fn is_index(&self, index: usize) -> bool {
        self.prediction.neurons.iter().any(|neuron| neuron.index == index)
    }

    fn contains(&self, word: &str) -> bool {
        let prediction = self.prediction;
        [prediction.label, self.answer(), prediction.target]
            .into_iter()
            .any(|class| self.is(class, word))
            || self.text("image", word)
    }

    fn number(&self, name: &str) -> Option<f64> {
        match name {
            "probability" => self.probability(),
            "logit" => Some(self.prediction.logit),
            _ => self.difference(),
        }
    }

    fn text(&self, name: &str, word: &str) -> bool {
        let prediction = self.prediction;
        match name {
            "kind" => prediction.kind.contains(word),
            "label" => self.is(prediction.label, word),
            "answer" => self.is(self.answer(), word),
            "target" => self.is(prediction.target, word),
            // 1 is not 17.
            "neuron" => word.parse().is_ok_and(|index| self.is_index(index)),
            _ => prediction.image.to_lowercase().contains(word),
        }
    }

    fn sign(&self, name: &str) -> bool {
        self.prediction.kind == name
    }
}
