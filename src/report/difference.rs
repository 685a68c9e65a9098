//! What a second run makes of the neurons of a first one: which concepts they gained, lost, changed
//! and kept (SCIENCE §4.1), on real images.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::run::results::dissect::{Dissect, Layer, Match, Neuron};

/// One neuron in two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Channel.
    pub index: usize,
    /// What became of its concept.
    pub kind: Kind,
    /// Its best concept in the first run, whether it detects it or not.
    pub before: Match,
    /// In the second.
    pub after: Match,
}

/// What became of a neuron's concept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It detects one in the second run alone.
    Gained,
    /// It detected one in the first run alone.
    Lost,
    /// It detects one in both, but not the same.
    Renamed,
    /// It detects the same in both.
    Kept,
    /// It detects none.
    Neither,
}

impl Kind {
    /// In the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Gained, Self::Lost, Self::Renamed, Self::Kept, Self::Neither];

    /// For people, and what a filter takes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Renamed => "renamed",
            Self::Kept => "kept",
            Self::Neither => "neither",
        }
    }
}

/// What two runs must have in common to be compared neuron by neuron.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// What messages call the run.
    pub run: &'a str,
    /// `alexnet`, as far as it is known.
    pub network: Option<&'a str>,
    /// What it detects.
    pub result: &'a Dissect,
}

/// Why the neurons of two runs are not set side by side: other networks, or concepts that were looked
/// for in another way. `None`: they can be.
pub fn not_comparable(before: Compared<'_>, after: Compared<'_>) -> Option<String> {
    let (a, b) = (before.run, after.run);
    if let (Some(first), Some(second)) = (before.network, after.network)
        && first != second
    {
        return Some(format!("{a} is {first} and {b} {second}"));
    }
    let (first, second) = (before.result, after.result);
    let of_names = |result: &'_ Dissect| -> Vec<(String, String)> {
        let names = result.concepts.iter();
        names.map(|concept| (concept.category.clone(), concept.name.clone())).collect()
    };
    // Damaged ones are left out of the same data.
    let [images, others] = [first, second].map(|result| result.images + result.damaged);
    if first.data != second.data {
        Some(format!("{a} was dissected on {} and {b} on {}", first.data, second.data))
    } else if of_names(first) != of_names(second) {
        Some(format!("the labelled data of {a} and of {b} do not have the same concepts"))
    } else if images != others {
        Some(format!("{a} was dissected on {images} images and {b} on {others}"))
    } else if first.quantile != second.quantile {
        let [first, second] = [first, second].map(|result| result.quantile);
        Some(format!(
            "the neurons of {a} fire at {first} of all positions, those of {b} at {second}"
        ))
    } else {
        None
    }
}

/// The neurons that are in both layers, by index. Each side's own threshold decides what its neurons
/// detect. A concept is its name and its category: color `orange` is not the object.
pub fn difference(before: &Layer, after: &Layer) -> Vec<Change> {
    let seconds: BTreeMap<usize, &Neuron> =
        after.neurons.iter().map(|neuron| (neuron.index, neuron)).collect();
    let firsts: BTreeMap<usize, &Neuron> =
        before.neurons.iter().map(|neuron| (neuron.index, neuron)).collect();
    let both = firsts.into_iter().filter_map(|(index, first)| {
        let second = seconds.get(&index)?;
        let (first, second) = (&first.best.real, &second.best.real);
        let detected = [first.detects(before.threshold), second.detects(after.threshold)];
        let kind = match detected {
            [false, true] => Kind::Gained,
            [true, false] => Kind::Lost,
            [true, true] if is_same(first, second) => Kind::Kept,
            [true, true] => Kind::Renamed,
            [false, false] => Kind::Neither,
        };
        Some(Change { index, kind, before: first.clone(), after: second.clone() })
    });
    both.collect()
}

/// How many neurons there are of each kind, in the order of [`Kind::ALL`].
pub fn counts(changes: &[Change]) -> [(Kind, usize); 5] {
    Kind::ALL.map(|kind| (kind, changes.iter().filter(|change| change.kind == kind).count()))
}

fn is_same(a: &Match, b: &Match) -> bool {
    a.concept == b.concept && a.category == b.category
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::results::dissect::{Concept, Sides};

    fn matched(concept: &str, category: &str, iou: f64) -> Match {
        Match { concept: concept.into(), category: category.into(), iou, average_precision: None }
    }

    fn layer(neurons: Vec<(usize, Match)>) -> Layer {
        let neuron = |(index, real)| Neuron {
            index,
            best: Sides { real, ..Sides::default() },
            ..Neuron::default()
        };
        Layer {
            threshold: 0.04,
            neurons: neurons.into_iter().map(neuron).collect(),
            ..Layer::default()
        }
    }

    #[test]
    fn every_kind_is_told_apart() {
        let before = layer(vec![
            (0, matched("dog", "object", 0.01)),
            (1, matched("dog", "object", 0.2)),
            (2, matched("dog", "object", 0.2)),
            (3, matched("dog", "object", 0.2)),
            (4, matched("", "", 0.0)),
            (5, matched("orange", "color", 0.2)),
            (6, matched("dog", "object", 0.2)),
        ]);
        let after = layer(vec![
            (5, matched("orange", "object", 0.2)),
            (4, matched("dog", "object", 0.04)),
            (3, matched("dog", "object", 0.1)),
            (2, matched("cat", "object", 0.2)),
            (1, matched("dog", "object", 0.04)),
            (0, matched("dog", "object", 0.041)),
        ]);
        let changes = difference(&before, &after);
        let kinds: Vec<(usize, Kind)> =
            changes.iter().map(|change| (change.index, change.kind)).collect();
        let expected = [
            (0, Kind::Gained),
            (1, Kind::Lost),
            (2, Kind::Renamed),
            (3, Kind::Kept),
            (4, Kind::Neither),
            (5, Kind::Renamed),
        ];
        assert_eq!(kinds, expected, "neuron 6 is in the first run alone");
        assert_eq!(changes[2].after.concept, "cat");
        assert_eq!(counts(&changes).map(|(_, count)| count), [1, 1, 2, 1, 1]);
    }

    #[test]
    fn each_run_is_measured_by_its_own_threshold() {
        let before = layer(vec![(0, matched("dog", "object", 0.06))]);
        let strict = Layer { threshold: 0.1, ..before.clone() };
        assert_eq!(difference(&before, &strict)[0].kind, Kind::Lost);
        assert_eq!(difference(&strict, &before)[0].kind, Kind::Gained);
    }

    #[test]
    fn runs_that_looked_for_other_things_are_not_compared() {
        let concept = |name: &str| Concept { name: name.into(), ..Concept::default() };
        let result = Dissect {
            data: "broden".into(),
            images: 100,
            quantile: 0.005,
            concepts: vec![concept("dog")],
            ..Dissect::default()
        };
        let why = |network: Option<&str>, other: &Dissect| {
            let before = Compared { run: "a", network: Some("alexnet"), result: &result };
            not_comparable(before, Compared { run: "b", network, result: other })
        };
        assert_eq!(why(Some("alexnet"), &result), None);
        assert_eq!(why(None, &result), None);
        let damaged = Dissect { images: 98, damaged: 2, ..result.clone() };
        assert_eq!(why(None, &damaged), None);
        assert_eq!(why(Some("vgg16"), &result).unwrap(), "a is alexnet and b vgg16");
        for (other, part) in [
            (Dissect { data: "shapes".into(), ..result.clone() }, "on broden and b on shapes"),
            (Dissect { concepts: vec![concept("cat")], ..result.clone() }, "the same concepts"),
            (Dissect { images: 50, ..result.clone() }, "on 100 images and b on 50"),
            (Dissect { quantile: 0.01, ..result.clone() }, "at 0.005 of all positions"),
        ] {
            let why = why(Some("alexnet"), &other).unwrap();
            assert!(why.contains(part), "{why}");
        }
    }

    fn any_layer() -> impl Strategy<Value = Layer> {
        let neuron = (0_usize..12, 0_usize..4, 0.0..0.1_f64).prop_map(|(index, concept, iou)| {
            let name = ["", "dog", "cat", "sky"][concept];
            (index, matched(name, if name.is_empty() { "" } else { "object" }, iou))
        });
        proptest::collection::btree_map(0_usize..12, neuron, 0..12).prop_map(|neurons| {
            layer(neurons.into_iter().map(|(index, (_, matched))| (index, matched)).collect())
        })
    }

    proptest! {
        #[test]
        fn backwards_gained_and_lost_change_places(before in any_layer(), after in any_layer()) {
            let there = difference(&before, &after);
            let back = difference(&after, &before);
            prop_assert_eq!(there.len(), back.len());
            for (there, back) in there.iter().zip(&back) {
                prop_assert_eq!(there.index, back.index);
                let turned = match there.kind {
                    Kind::Gained => Kind::Lost,
                    Kind::Lost => Kind::Gained,
                    kind => kind,
                };
                prop_assert_eq!(turned, back.kind);
                prop_assert_eq!(&there.before, &back.after);
            }
            let total: usize = counts(&there).iter().map(|(_, count)| count).sum();
            prop_assert_eq!(total, there.len());
        }

        #[test]
        fn of_a_run_and_itself_nothing_changed(layer in any_layer()) {
            let changes = difference(&layer, &layer);
            prop_assert_eq!(changes.len(), layer.neurons.len());
            let calm = |change: &Change| matches!(change.kind, Kind::Kept | Kind::Neither);
            prop_assert!(changes.iter().all(calm));
        }
    }
}
