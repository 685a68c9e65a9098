//! What `glassbox show` says of dissection and consistency.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::print;
use super::{interval, left_out};
use crate::run::results::consistency::{Consistency, Estimate};
use crate::run::results::dissect::{ALL, Dissect, Layer};
use crate::tui::{number, text};

/// Where there is no number.
const NONE: &str = "–";

/// A table a layer: the share of its neurons that detect a concept of each category.
pub(super) fn dissection(result: &Dissect) -> String {
    let mut out = format!(
        "\ndissection on {} labelled images of {}",
        number::count(result.images),
        text::clean(&result.data)
    );
    if let Some(fooled) = result.fooled {
        let percent = 100.0 * fooled;
        let _ = write!(out, "; {}: {percent:.1} % fooled", text::clean(&result.attack));
    }
    out.push('\n');
    out += &left_out(result.damaged, "labelled data");
    for layer in &result.layers {
        let _ = writeln!(
            out,
            "\n{}: share of {} neurons whose best concept has an IoU above {}",
            text::clean(&layer.layer),
            layer.neurons.len(),
            layer.threshold
        );
        out += &ratios(result, layer);
    }
    out
}

fn ratios(result: &Dissect, layer: &Layer) -> String {
    let attacked = [
        (
            &layer.ratio.adversarial,
            &layer.interval.adversarial,
            &layer.adversarial_null,
            ">ADVERSARIAL",
        ),
        (
            &layer.ratio.rethresholded,
            &layer.interval.rethresholded,
            &layer.rethresholded_null,
            ">OWN THRESHOLDS",
        ),
    ];
    let attacked: Vec<_> = attacked
        .into_iter()
        .filter_map(|(ratio, interval, null, name)| {
            Some((ratio.as_ref()?, interval.as_ref(), null.as_ref(), name))
        })
        .collect();
    let mut headings = vec!["CATEGORY", ">REAL", "95 %", ">SHUFFLED"];
    headings.extend(attacked.iter().flat_map(|(.., name)| [*name, "95 %", ">SHUFFLED"]));
    let categories = result.categories.iter().map(String::as_str).chain([ALL]);
    let rows: Vec<Vec<String>> = categories
        .map(|category| {
            let mut row = vec![category.to_owned()];
            row.extend(shown(&layer.ratio.real, Some(&layer.interval.real), category));
            row.push(share(&layer.null, category));
            for (ratio, interval, null, _) in &attacked {
                row.extend(shown(ratio, *interval, category));
                row.push(null.map_or_else(|| NONE.to_owned(), |null| share(null, category)));
            }
            row
        })
        .collect();
    print::table(&headings, &rows)
        + "SHUFFLED: with the labels of another image, what chance gives.\n"
}

/// A share and its interval.
fn shown(
    ratio: &BTreeMap<String, f64>,
    intervals: Option<&BTreeMap<String, [f64; 2]>>,
    category: &str,
) -> [String; 2] {
    let ends = intervals.and_then(|intervals| intervals.get(category));
    let ends = ends.map_or_else(|| NONE.to_owned(), |ends| interval(*ends));
    [share(ratio, category), ends]
}

fn share(ratio: &BTreeMap<String, f64>, category: &str) -> String {
    ratio.get(category).map_or_else(|| NONE.to_owned(), |share| number::fraction(*share))
}

/// A row a layer: means over its neurons.
pub(super) fn consistency(result: &Consistency) -> String {
    let [real, adversarial] = result.top.map(number::count);
    let mut out = format!("\nconsistency by WordNet {}, ", text::clean(&result.wordnet));
    let _ = match result.adversarial_images {
        0 => writeln!(out, "the top {real} real images a neuron"),
        _ => writeln!(
            out,
            "the top {real} real and {adversarial} adversarial images a neuron; CS2 against the {}",
            text::clean(&result.against)
        ),
    };
    out += &left_out(result.damaged, &format!("{} split", text::clean(&result.split)));
    if let Some(few) = result.few() {
        let _ = writeln!(
            out,
            "! {few} images a neuron are few: LC and consis are high whatever it does; a larger \
             consistency.share counts more"
        );
    }
    let attacked = result.adversarial_images > 0;
    let mut headings = vec!["LAYER", ">NEURONS", ">LC", "95 %", ">CONSIS", "95 %"];
    if attacked {
        headings.extend([">ADVERSARIAL LC", "95 %", ">ADVERSARIAL CONSIS", "95 %"]);
        headings.extend([">CS1", "95 %", ">CS2", "95 %"]);
    }
    let rows: Vec<Vec<String>> = result
        .layers
        .iter()
        .map(|layer| {
            let mean = &layer.mean;
            let heard = layer.neurons.len().saturating_sub(layer.silent);
            let mut row = vec![layer.layer.clone(), number::count(heard as u64)];
            let cells = |of: Option<Estimate>| of.map_or([NONE.into(), NONE.into()], told);
            // Of none there is no mean.
            let real = [mean.lc, mean.consistency].map(|of| (heard > 0).then_some(of));
            row.extend(real.into_iter().flat_map(cells));
            if attacked {
                let others =
                    [mean.adversarial_lc, mean.adversarial_consistency, mean.cs1, mean.cs2];
                row.extend(others.into_iter().flat_map(cells));
            }
            row
        })
        .collect();
    out += &print::table(&headings, &rows);
    for layer in result.layers.iter().filter(|layer| layer.silent > 0) {
        let (name, all) = (text::clean(&layer.layer), layer.neurons.len());
        let _ = writeln!(out, "{name}: {} of {all} neurons silent, in no mean", layer.silent);
    }
    out
}

fn told(estimate: Estimate) -> [String; 2] {
    let ends = estimate.interval.map_or_else(|| NONE.to_owned(), interval);
    [number::fraction(estimate.mean), ends]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::consistency::{Layer as Measured, Means, Neuron};
    use crate::run::results::dissect::Sides;

    fn named<T>(color: T, all: T) -> BTreeMap<String, T> {
        BTreeMap::from([("color".to_owned(), color), (ALL.to_owned(), all)])
    }

    #[test]
    fn ratios_stand_beside_their_intervals_and_chance() {
        let layer = Layer {
            layer: "conv5".into(),
            threshold: 0.04,
            ratio: Sides {
                real: named(0.125, 0.5),
                adversarial: Some(named(0.0625, 0.25)),
                rethresholded: None,
            },
            interval: Sides {
                real: named([0.1, 0.15], [0.4, 0.6]),
                adversarial: Some(named([0.0, 0.1], [0.2, 0.3])),
                rethresholded: None,
            },
            null: named(0.0, 0.03125),
            adversarial_null: Some(named(0.0, 0.1875)),
            ..Layer::default()
        };
        let mut result = Dissect {
            data: "shapes".into(),
            images: 1000,
            damaged: 2,
            attack: "pgd ε 4".into(),
            fooled: Some(0.5),
            categories: vec!["color".into()],
            layers: vec![layer],
            ..Dissect::default()
        };
        let told = dissection(&result);
        for part in [
            "1,000 labelled images of shapes; pgd ε 4: 50.0 % fooled",
            "without 2 damaged images of the labelled data",
            "color",
            "0.1250  0.1000–0.1500",
            "ADVERSARIAL",
            "0.0312",
            "0.1875",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(!told.contains("OWN THRESHOLDS"));
        // Its interval alone is missing.
        result.layers[0].interval.adversarial = None;
        let told = dissection(&result);
        assert!(told.contains("ADVERSARIAL") && told.contains("0.0625  –"), "{told}");
        result.layers[0].ratio.adversarial = None;
        assert!(!dissection(&result).contains("ADVERSARIAL"));
    }

    #[test]
    fn means_are_told_of_what_was_ranked() {
        let estimate = |mean| Estimate { mean, interval: Some([mean - 0.01, mean + 0.01]) };
        let mean = Means {
            lc: estimate(0.25),
            cs1: Some(estimate(0.75)),
            adversarial_lc: Some(estimate(0.125)),
            ..Means::default()
        };
        let layer = Measured {
            layer: "conv5".into(),
            neurons: vec![Neuron::default(); 8],
            silent: 3,
            mean,
            ..Measured::default()
        };
        let mut result = Consistency {
            wordnet: "3.0".into(),
            split: "test".into(),
            top: [100, 50],
            against: "target".into(),
            adversarial_images: 5000,
            layers: vec![layer],
            ..Consistency::default()
        };
        let told = consistency(&result);
        for part in [
            "top 100 real and 50 adversarial",
            "against the target",
            "0.7400–0.7600",
            "conv5: 3 of 8 neurons silent, in no mean",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        result.layers[0].silent = 8;
        let words = consistency(&result);
        assert!(!words.contains("0.2500"), "of none there is no mean: {words}");
        result.layers[0].silent = 0;
        result.layers[0].mean.lc.interval = None;
        assert!(consistency(&result).contains("0.2500  –"), "too few for an interval");
        result.layers[0].mean.lc = estimate(0.25);
        assert!(!told.contains("are few"), "{told}");
        result.top = [100, 9];
        assert!(consistency(&result).contains("! 9 images a neuron are few"));
        result.adversarial_images = 0;
        let told = consistency(&result);
        assert!(told.contains("0.2400–0.2600") && !told.contains("CS1"), "{told}");
    }
}
