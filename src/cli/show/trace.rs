//! What `glassbox show` says of predictions traced back to their neurons.

use std::fmt::Write as _;

use super::super::print;
use super::{interval, left_out};
use crate::run::results::trace::{Agreement, Check, Detector, OfError, Ratio, Trace, Usual};
use crate::tui::{number, text};

/// Kinds of error that are told.
const ERRORS: usize = 5;

/// Neurons that are told of each.
const NEURONS: usize = 5;

/// Where there is no number.
const NONE: &str = "–";

/// All of it.
pub(super) fn trace(result: &Trace) -> String {
    let mut out = format!(
        "\ntrace of {}: {} neurons, the {} with the largest prediction difference of {} of the {} \
         class are influential\n",
        text::clean(&result.layer),
        number::count(result.neurons as u64),
        result.top,
        text::clean(&result.measure),
        text::clean(&result.class)
    );
    if result.tested > 0 {
        let (right, tested) = (number::count(result.right), number::count(result.tested));
        let _ = writeln!(out, "  {right} of {tested} images of the test split answered rightly");
    }
    let of_split = matches!(result.images.as_str(), "all" | "errors");
    out += &left_out(result.damaged, if of_split { "test split" } else { "given pictures" });
    out += &kinds(result);
    out += &agreement(&result.agreement);
    out += &errors(result);
    if let Some(moved) = &result.representation {
        let towards = text::clean(&moved.towards).into_owned();
        let _ = writeln!(out, "\nrepresentation of adversarial images, original against {towards}");
        for (name, ratio) in [("r mean", &moved.mean), ("r pair", &moved.pair)] {
            out += &ratio_line(name, ratio);
        }
        if (1..moved.reference_images).contains(&moved.nearest_among) {
            let _ = writeln!(
                out,
                "  the nearest image of r pair is sought among {} of {} reference images: r pair is \
                 smaller than among all",
                number::count(moved.nearest_among),
                number::count(moved.reference_images)
            );
        }
    }
    out + &result.detector.as_ref().map(detector).unwrap_or_default()
}

/// How often the same neurons are behind the predictions of each kind.
fn kinds(result: &Trace) -> String {
    let rows: Vec<Vec<String>> = result
        .kinds
        .iter()
        .map(|kind| {
            vec![
                kind.kind.clone(),
                number::count(kind.images),
                kind.overlap.map_or_else(|| NONE.to_owned(), number::fraction),
                number::fraction(kind.chance),
                neurons(&kind.neurons),
            ]
        })
        .collect();
    let headings = ["PREDICTIONS", ">TRACED", ">IN COMMON", ">BY CHANCE", "INFLUENTIAL MOST OFTEN"];
    format!("\n{}", print::table(&headings, &rows))
}

/// `17 (43 %), 4 (21 %)`
fn neurons(usual: &[Usual]) -> String {
    let one = |one: &Usual| format!("{} ({})", one.index, number::percent(one.share));
    let shown: Vec<String> = usual.iter().take(NEURONS).map(one).collect();
    if shown.is_empty() { NONE.to_owned() } else { shown.join(", ") }
}

fn agreement(agreement: &Agreement) -> String {
    if agreement.images == 0 {
        return String::new();
    }
    let row = |name: &str, check: Check| {
        let correlation = number::fraction(check.correlation);
        vec![name.to_owned(), correlation, number::fraction(check.overlap)]
    };
    let rows = [
        row("gradient × activation", agreement.gradient),
        row("the neuron set to its mean", agreement.mean),
    ];
    // The influential neurons may be chosen by probability, which the checks say nothing of.
    let headings = [
        "BESIDE THE PREDICTION DIFFERENCE OF THE LOGIT",
        ">RANK CORRELATION",
        ">LARGEST IN COMMON",
    ];
    format!("\n{}", print::table(&headings, &rows))
}

/// The most frequent kinds of error, and what is behind them.
fn errors(result: &Trace) -> String {
    if result.of_errors.is_empty() {
        return String::new();
    }
    let of_answers = match result.class.as_str() {
        "predicted" => "",
        _ => "errors whose answer is the class that was followed\n",
    };
    let class = |index: u32| {
        result.classes.get(index as usize).cloned().unwrap_or_else(|| index.to_string())
    };
    let among = |count: Option<usize>| count.map_or_else(|| NONE.to_owned(), |n| n.to_string());
    let row = |error: &OfError| {
        vec![
            error.kind.clone(),
            format!("{} → {}", class(error.label), class(error.predicted)),
            number::count(error.images),
            neurons(&error.neurons),
            among(error.of_label),
            among(error.of_predicted),
        ]
    };
    let rows: Vec<Vec<String>> = result.of_errors.iter().take(ERRORS).map(row).collect();
    let headings =
        ["ERROR", "CLASS → ANSWER", ">TRACED", "NEURONS", ">USUAL OF CLASS", ">OF ANSWER"];
    let more = match result.of_errors.len().saturating_sub(ERRORS) {
        0 => String::new(),
        more => format!("and {} more kinds of error\n", number::count(more as u64)),
    };
    format!("\n{of_answers}{}{more}", print::table(&headings, &rows))
}

fn ratio_line(name: &str, ratio: &Ratio) -> String {
    if ratio.images == 0 {
        return format!("  {name}: no image has one\n");
    }
    let interval = ratio.known_interval().map_or_else(|| "no interval".to_owned(), interval);
    format!(
        "  {name}: mean {} ({interval}), median {}, {} below 1, over {} {}\n",
        number::fraction(ratio.mean),
        number::fraction(ratio.median),
        number::percent(ratio.below_one),
        number::count(ratio.images),
        if ratio.images == 1 { "image" } else { "images" }
    )
}

/// A line for each attack and detector.
fn detector(result: &Detector) -> String {
    let mut out = format!(
        "\ndetectors, at a false positive rate of {} set on {} real images and tried on {}, right and \
         wrong answers alike; what is attacked was answered rightly\n",
        number::percent(result.false_positive_rate),
        number::count(result.calibration_images),
        number::count(result.real_images)
    );
    for score in &result.scores {
        let _ = writeln!(
            out,
            "  {}: {} of real images suspected ({})",
            text::clean(&score.name),
            number::percent(score.false_positives),
            interval(score.interval)
        );
    }
    let mut rows = Vec::new();
    for attack in &result.attacks {
        let name = attack.attack.clone() + if attack.aware { ", against distance" } else { "" };
        let fooled =
            format!("{} of {}", number::count(attack.fooled), number::count(attack.images));
        if attack.curves.is_empty() {
            rows.push([&name, &fooled, NONE, NONE, NONE, NONE].map(str::to_owned).to_vec());
        }
        rows.extend(attack.curves.iter().map(|curve| {
            vec![
                name.clone(),
                fooled.clone(),
                curve.score.clone(),
                number::fraction(curve.auc),
                interval(curve.interval),
                number::fraction(curve.detected),
            ]
        }));
    }
    let headings = ["ATTACK", ">FOOLED", "DETECTOR", ">AUC", "95 %", ">DETECTED"];
    out + "\n" + &print::table(&headings, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::trace::{Attacked, Representation, Roc, Score, Shared};

    fn example() -> Trace {
        let usual = |index, share| Usual { index, share, probability: 0.25, logit: 1.5 };
        let shared = |kind: &str, images, overlap| Shared {
            kind: kind.into(),
            images,
            overlap,
            chance: 0.039,
            neurons: vec![usual(17, 0.43), usual(4, 0.21)],
        };
        let error = |kind: &str, predicted, of_label| OfError {
            kind: kind.into(),
            label: 0,
            predicted,
            images: 3,
            neurons: vec![usual(4, 1.0)],
            of_label,
            of_predicted: Some(1),
        };
        let ratio = |images| Ratio {
            images,
            mean: 0.92,
            interval: [0.9, 0.94],
            median: 0.91,
            below_one: 0.8,
            histogram: Vec::new(),
        };
        Trace {
            classes: vec!["cat".into(), "\u{1b}[31mdog".into()],
            layer: "conv5".into(),
            neurons: 128,
            top: 5,
            class: "predicted".into(),
            measure: "probability".into(),
            images: "all".into(),
            image_size: 64,
            tested: 1000,
            right: 900,
            damaged: 1,
            kinds: vec![shared("right", 200, Some(0.31)), shared("wrong", 1, None)],
            of_errors: vec![error("wrong", 1, Some(0)), error("adversarial", 9, None)],
            agreement: Agreement {
                images: 201,
                gradient: Check { correlation: 0.98, overlap: 0.91 },
                mean: Check { correlation: 0.7, overlap: 0.6 },
            },
            representation: Some(Representation {
                reference_images: 500,
                nearest_among: 300,
                towards: "target".into(),
                mean: ratio(40),
                pair: ratio(0),
            }),
            detector: Some(Detector {
                reference_images: 500,
                false_positive_rate: 0.05,
                calibration_images: 500,
                real_images: 500,
                scores: vec![Score {
                    name: "disagreement".into(),
                    threshold: 0.4,
                    false_positives: 0.06,
                    interval: [0.04, 0.09],
                }],
                attacks: vec![
                    Attacked {
                        attack: "pgd ε 4".into(),
                        aware: true,
                        images: 450,
                        fooled: 400,
                        curves: vec![Roc {
                            score: "disagreement".into(),
                            auc: 0.81,
                            interval: [0.79, 0.83],
                            detected: 0.4,
                            ..Roc::default()
                        }],
                    },
                    Attacked {
                        attack: "fgsm ε 0".into(),
                        aware: false,
                        images: 450,
                        fooled: 0,
                        curves: Vec::new(),
                    },
                ],
            }),
            ..Trace::default()
        }
    }

    #[test]
    fn everything_is_told_and_no_control_codes() {
        let shown = trace(&example());
        for part in [
            "trace of conv5: 128 neurons",
            "900 of 1,000 images",
            "without 1 damaged image",
            "17 (43 %), 4 (21 %)",
            "0.9800",
            "cat → [31mdog",
            "cat → 9",
            "r mean: mean 0.9200",
            "r pair: no image",
            "pgd ε 4, against distance",
            "sought among 300 of 500 reference images",
            "PREDICTION DIFFERENCE OF THE LOGIT",
            "400 of 450",
            "0.8100",
            "disagreement: 6 % of real images",
        ] {
            assert!(shown.contains(part), "no '{part}' in\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn one_image_has_no_interval_and_nearest_of_all_go_without_saying() {
        let mut result = example();
        let moved = result.representation.as_mut().unwrap();
        moved.nearest_among = moved.reference_images;
        moved.pair = Ratio { images: 1, interval: [0.92; 2], ..moved.mean.clone() };
        let shown = trace(&result);
        assert!(shown.contains("r pair: mean 0.9200 (no interval)"), "{shown}");
        assert!(shown.contains("over 1 image\n") && !shown.contains("sought among"), "{shown}");
    }

    #[test]
    fn errors_of_another_class_than_the_answer_are_said_to_be_left_out() {
        assert!(!trace(&example()).contains("that was followed"));
        let shown = trace(&Trace { class: "3".into(), ..example() });
        assert!(shown.contains("errors whose answer is the class that was followed"), "{shown}");
    }

    #[test]
    fn what_there_is_not_is_left_out() {
        let shown = trace(&Trace { layer: "conv1".into(), ..Trace::default() });
        for part in ["detectors", "representation", "ERROR", "BESIDE", "damaged"] {
            assert!(!shown.contains(part), "'{part}' in\n{shown}");
        }
    }
}
