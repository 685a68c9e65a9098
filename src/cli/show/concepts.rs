//! What `glassbox show` says of dissection and consistency.

use std::fmt::Write as _;

use super::super::print;
use super::{interval, left_out};
use crate::run::results::consistency::{Consistency, Estimate};
use crate::run::results::dissect::{ALL, Dissect, Layer, Ratio};
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
            "\n{}: share of {} neurons whose best concept has an IoU above {}; shuffled: with the \
             labels of other images",
            text::clean(&layer.layer),
            layer.neurons.len(),
            layer.threshold
        );
        out += &ratios(result, layer);
    }
    out
}

fn ratios(result: &Dissect, layer: &Layer) -> String {
    let sides = [
        (Some(&layer.ratio.real), Some(&layer.interval.real), Some(&layer.null), ">REAL"),
        (
            layer.ratio.adversarial.as_ref(),
            layer.interval.adversarial.as_ref(),
            layer.adversarial_null.as_ref(),
            ">ADVERSARIAL",
        ),
        (
            layer.ratio.rethresholded.as_ref(),
            layer.interval.rethresholded.as_ref(),
            layer.rethresholded_null.as_ref(),
            ">OWN THRESHOLDS",
        ),
    ];
    let sides: Vec<_> = sides.into_iter().filter(|(ratio, ..)| ratio.is_some()).collect();
    let mut headings = vec!["CATEGORY"];
    headings.extend(sides.iter().flat_map(|(.., name)| [*name, "95 %", ">SHUFFLED"]));
    let categories = result.categories.iter().map(String::as_str).chain([ALL]);
    let rows: Vec<Vec<String>> = categories
        .map(|category| {
            let mut row = vec![category.to_owned()];
            for &(ratio, intervals, null, _) in &sides {
                let ends = intervals.and_then(|of| of.get(category));
                row.push(share(ratio, category));
                row.push(ends.map_or_else(|| NONE.to_owned(), |ends| interval(*ends)));
                row.push(share(null, category));
            }
            row
        })
        .collect();
    print::table(&headings, &rows)
}

fn share(ratio: Option<&Ratio>, category: &str) -> String {
    ratio
        .and_then(|of| of.get(category))
        .map_or_else(|| NONE.to_owned(), |share| number::fraction(*share))
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
    let some_are_silent = result.layers.iter().any(|layer| layer.silent > 0);
    if some_are_silent {
        out += "silent neurons, which answer to all images of a side alike, are in no mean\n";
    }
    let mut headings = vec!["LAYER", ">NEURONS"];
    headings.extend(some_are_silent.then_some(">SILENT"));
    headings.extend([">LC", "95 %", ">CONSIS", "95 %"]);
    if attacked {
        headings.extend([">ADVERSARIAL LC", "95 %", ">ADVERSARIAL CONSIS", "95 %"]);
        headings.extend([">CS1", "95 %", ">CS2", "95 %"]);
    }
    let rows: Vec<Vec<String>> = result
        .layers
        .iter()
        .map(|layer| {
            let mean = &layer.mean;
            let mut row = vec![layer.layer.clone(), number::count(layer.neurons.len() as u64)];
            if some_are_silent {
                row.push(number::count(layer.silent as u64));
            }
            // Of silent neurons alone there is no mean.
            let heard = layer.silent == 0 || layer.silent < layer.neurons.len();
            let real = [mean.lc, mean.consistency].map(|of| heard.then_some(of));
            let cells = |of: Option<Estimate>| of.map_or([NONE.into(), NONE.into()], told);
            row.extend(real.into_iter().flat_map(cells));
            if attacked {
                let others =
                    [mean.adversarial_lc, mean.adversarial_consistency, mean.cs1, mean.cs2];
                row.extend(others.into_iter().flat_map(cells));
            }
            row
        })
        .collect();
    out + &print::table(&headings, &rows)
}

fn told(estimate: Estimate) -> [String; 2] {
    let ends = estimate.interval.map_or_else(|| NONE.to_owned(), interval);
    [number::fraction(estimate.mean), ends]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
            adversarial_null: Some(named(0.0, 0.015625)),
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
            "0.0313",
            "0.0156",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(!told.contains("OWN THRESHOLDS"));
        // A share stands there also without its interval.
        result.layers[0].interval.adversarial = None;
        assert!(dissection(&result).contains("0.0625  –"), "{}", dissection(&result));
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
        let layer = Measured { layer: "conv5".into(), mean, ..Measured::default() };
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
        for part in ["top 100 real and 50 adversarial", "against the target", "0.7400–0.7600"] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(!told.contains("SILENT") && !told.contains("are few"));
        result.top = [100, 9];
        result.layers[0].mean.lc.interval = None;
        let few = consistency(&result);
        assert!(few.contains("9 images a neuron are few") && few.contains("0.2500  –"), "{few}");
        result.layers[0].mean.lc = estimate(0.25);
        result.layers[0].neurons = vec![Neuron::default(); 3];
        result.layers[0].silent = 2;
        let some = consistency(&result);
        assert!(some.contains("SILENT") && some.contains("0.7400–0.7600"), "{some}");
        result.layers[0].silent = 3;
        assert!(!consistency(&result).contains("0.2500"), "a mean of nothing");
        result.layers[0].silent = 0;
        result.adversarial_images = 0;
        let told = consistency(&result);
        assert!(told.contains("0.2400–0.2600") && !told.contains("CS1"), "{told}");
    }
}
