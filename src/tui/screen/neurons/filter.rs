//! The words of the list's filter (see [`crate::tui::screen::terms`]).
//!
//! | term | keeps neurons |
//! |---|---|
//! | `dog` | with a picture of a class, or with a concept, that contains it |
//! | `label:dog` | whose favourite class contains it |
//! | `concept:dog` | whose best concept contains it (`category:object`) |
//! | `act>10` | by activation, disagreement (`diff`) or loss under attack (`change`) |
//! | `iou>0.1` | by what the run found them to mean (`iou_adversarial`, `ap`, `lc`, `cs1`, …) |
//! | `real!=adv` | whose favourite class is another on adversarial pictures |
//! | `concept!=adv` | that detect another concept, or none, on adversarial images |
//! | `detector` | that detect a concept |
//! | `marked` | with a bookmark |

use crate::run::results::neurons::Neuron;
use crate::tui::screen::meaning::Meaning;
pub(super) use crate::tui::screen::terms::Filter;
use crate::tui::screen::terms::Subject;

/// A neuron with what else is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) neuron: &'a Neuron,
    pub(super) is_marked: bool,
    pub(super) meaning: Meaning<'a>,
}

impl Subject for Listed<'_> {
    const NUMBERS: &'static [&'static str] = &[
        "act",
        "diff",
        "change",
        "iou",
        "iou_adversarial",
        "ap",
        "lc",
        "lc_adversarial",
        "consistency",
        "cs1",
        "cs2",
    ];
    const TEXTS: &'static [(&'static str, &'static str)] = &[
        ("label", "a class, like label:dog"),
        ("concept", "a concept, like concept:dog"),
        ("category", "a category, like category:object"),
    ];
    const SIGNS: &'static [&'static [&'static str]] = &[
        &["marked"],
        &["real!=adv", "adv!=real", "real!=adversarial"],
        &["concept!=adv", "concept!=adversarial"],
        &["detector"],
    ];

    fn index(&self) -> usize {
        self.neuron.index
    }

    fn contains(&self, word: &str) -> bool {
        let mut tops = self.neuron.real.iter().chain(&self.neuron.adversarial);
        tops.any(|top| top.label.to_lowercase().contains(word))
            || self.meaning.text("concept", word)
    }

    fn number(&self, name: &str) -> Option<f64> {
        match name {
            "act" => Some(self.neuron.top_activation()),
            "diff" => self.neuron.disagreement(),
            "change" => self.neuron.change(),
            _ => self.meaning.number(name),
        }
    }

    fn text(&self, name: &str, word: &str) -> bool {
        match name {
            "label" => self
                .neuron
                .favourite()
                .is_some_and(|favourite| favourite.label.to_lowercase().contains(word)),
            _ => self.meaning.text(name, word),
        }
    }

    fn sign(&self, name: &str) -> bool {
        match name {
            "marked" => self.is_marked,
            "detector" => self.meaning.is_detector(),
            "concept!=adv" => self.meaning.differs(),
            _ => {
                let real = self.neuron.favourite().map(|favourite| favourite.class);
                let adversarial = self.neuron.adversarial_favourite().map(|(_, class)| class);
                adversarial.is_some() && real != adversarial
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::fixture;
    use crate::tui::screen::meaning::Meanings;

    fn parse(text: &str) -> Filter {
        Filter::parse::<Listed<'_>>(text)
    }

    fn listed(neuron: &Neuron, is_marked: bool) -> Listed<'_> {
        Listed { neuron, is_marked, meaning: Meaning::default() }
    }

    fn kept(text: &str) -> Vec<usize> {
        let filter = parse(text);
        assert_eq!(filter.problem, None, "{text}");
        let neurons = fixture::neurons();
        let layer = neurons.layers[1].neurons.iter();
        let keeps = |neuron: &&Neuron| filter.keeps(&listed(neuron, neuron.index == 3));
        layer.filter(keeps).map(|n| n.index).collect()
    }

    #[test]
    fn every_term_means_what_the_help_says() {
        assert_eq!(kept("147"), [147]);
        assert_eq!(kept("marked"), [3]);
        assert_eq!(kept("").len(), 256);
        assert_eq!(kept("!147").len(), 255);
        assert_eq!(kept("!").len(), 256);
        let dogs = kept("label:DOG");
        assert!(dogs.contains(&147) && dogs.len() < kept("dog").len());
        assert_eq!(kept("label:dog !147").len(), dogs.len() - 1);
        assert!(kept("act>30.5").iter().all(|index| *index < 41));
        assert_eq!(kept("act>=0 act<0"), [] as [usize; 0]);
        let (some, others) = (kept("diff>0.5"), kept("diff<=0.5"));
        assert_eq!(some.len() + others.len(), 256);
        assert!(!some.is_empty() && !others.is_empty());
        let (moved, loyal) = (kept("real!=adv"), kept("!real!=adv"));
        assert_eq!(moved.len() + loyal.len(), 256);
        assert_eq!(kept("\"air plane\""), [] as [usize; 0]);
        assert!(!kept("\"airplane\"").is_empty());
        assert_eq!(kept("iou>0"), [] as [usize; 0], "nothing is known of what they mean");
    }

    #[test]
    fn what_neurons_mean_is_asked_for_as_on_the_concepts_screen() {
        let (dissect, consistency) = (fixture::dissect(0), fixture::consistency(0));
        let meanings =
            Meanings { dissected: dissect.layers.last(), levels: consistency.layers.last() };
        let neurons = fixture::neurons();
        let kept = |text: &str| -> Vec<usize> {
            let filter = parse(text);
            assert_eq!(filter.problem, None, "{text}");
            let layer = neurons.layers[1].neurons.iter();
            let listed = layer.map(|neuron| Listed {
                meaning: meanings.neuron(neuron.index),
                ..listed(neuron, false)
            });
            listed.filter(|one| filter.keeps(one)).map(|one| one.neuron.index).collect()
        };
        let dogs = kept("concept:dog iou>0.1 detector");
        assert!(dogs.contains(&147), "{dogs:?}");
        assert_eq!(kept("concept:dog iou>0.1 !detector"), [] as [usize; 0]);
        let (moved, same) = (kept("concept!=adv"), kept("!concept!=adversarial"));
        assert_eq!(moved.len() + same.len(), 256);
        assert!(!moved.is_empty() && !same.is_empty());
        assert_ne!(moved, kept("real!=adv"), "which is of the favourite class");
        let (high, low) = (kept("lc>0.5"), kept("lc<=0.5"));
        assert_eq!(high.len() + low.len(), 256);
        assert!(!high.is_empty() && !low.is_empty());
        assert!(kept("consistency>0.5 cs1>0.7").len() < 256);
        assert!(!kept("category:object iou_adversarial<0.04").is_empty());
    }

    #[test]
    fn what_means_nothing_is_told_and_keeps_everything() {
        let cases = [
            ("act>dog", "'act>dog' wants a number, like act>0.5"),
            ("act>", "wants a number"),
            ("diff!0.5", "wants a number"),
            ("act>nan", "wants a number"),
            ("size>0.1", "'size' cannot be compared; there are act, diff, change, iou,"),
            ("size>0.1", "cs2, real!=adv"),
            ("label:", "like label:dog"),
            ("concept:", "like concept:dog"),
            ("class:dog", "there is label:, concept:, category:"),
        ];
        let neurons = fixture::neurons();
        for (text, told) in cases {
            let filter = parse(text);
            let problem = filter.problem.as_deref().unwrap_or_default();
            assert!(problem.contains(told), "{text}: {problem}");
            assert!(filter.keeps(&listed(&neurons.layers[1].neurons[0], false)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_panics(text in "\\PC*|[!<>=:\" a-z0-9.-]*") {
            let filter = parse(&text);
            let neurons = fixture::neurons();
            for neuron in &neurons.layers[0].neurons {
                filter.keeps(&listed(neuron, true));
            }
        }

        #[test]
        fn a_term_and_its_negation_part_the_layer(
            term in "[a-z]{1,5}|[0-9]{1,3}|label:[a-z]{1,3}|(act|diff)(>|<|>=|=)[0-9]{1,2}|marked"
        ) {
            let (yes, no) = (parse(&term), parse(&format!("!{term}")));
            let neurons = fixture::neurons();
            for neuron in &neurons.layers[0].neurons {
                let one = listed(neuron, false);
                prop_assert_ne!(yes.keeps(&one), no.keeps(&one));
            }
        }
    }
}
