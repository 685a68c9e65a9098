//! Where adversarial images lie between the classes, and how well they are told from real ones
//! (SCIENCE §7).

use super::sections::{Part, RUN, Section, columns, with_interval};
use super::{Report, percent};
use crate::run::results::trace::{Attacked, Ratio, Roc};

/// All tables.
pub(super) fn sections(report: &Report) -> Vec<Section> {
    vec![representation(report), thresholds(report), attacks(report)]
}

/// r_mean, by formula.
const MEAN: &str = "‖φ(x*) − μ_y‖ / ‖φ(x*) − μ_y*‖";
/// r_pair.
const PAIR: &str = "‖φ(x*) − φ(x)‖ / ‖φ(x*) − nearest of y*‖";

fn representation(report: &Report) -> Section {
    let mut rows = Vec::new();
    let mut published = false;
    for of in &report.traces {
        let Some(found) = &of.result.representation else { continue };
        let row = |name: &str, ratio: &Ratio| {
            let [low, high] = ratio.interval;
            let is_there = ratio.images > 0;
            let number = |text: String| if is_there { text } else { "–".into() };
            vec![
                of.run.clone(),
                name.to_owned(),
                found.towards.clone(),
                ratio.images.to_string(),
                number(format!("{:.3} [{low:.3}, {high:.3}]", ratio.mean)),
                number(format!("{:.3}", ratio.median)),
                number(percent(ratio.below_one)),
            ]
        };
        rows.push(row(MEAN, &found.mean));
        rows.push(row(PAIR, &found.pair));
        if let Some(ratios) = of.published {
            published = true;
            for (name, mean) in [("r1", ratios.r1), ("r2", ratios.r2)] {
                let name = format!("published {name}");
                let mean = format!("{mean:.2}");
                let empty = String::new;
                rows.push(vec![of.run.clone(), name, empty(), empty(), mean, empty(), empty()]);
            }
        }
    }
    let published = if published {
        " Published: the means after training with a consistent loss (doi 10.16383/j.aas.c200317); \
         what exactly r1 and r2 are ratios of could not be read."
    } else {
        ""
    };
    Section {
        heading: Some("Representation ratios".into()),
        part: Part::Representation,
        source: "results/trace.json: representation.mean, pair",
        file: "representation.csv",
        before: Some(
            "φ = the layer's feature map, x* = the adversarial image of x, y = its class, y* = the \
             class that the attack aimed at (target) or reached (prediction), μ = class means of real \
             images. Below 1 = nearer to the original than to the other class."
                .into(),
        ),
        columns: columns(&[RUN, "ratio", "y* is the", ">images", ">mean", ">median", ">below 1 %"]),
        rows,
        after: Some(format!("In brackets the 95 % bootstrap interval over images.{published}")),
        ..Section::default()
    }
}

/// What a score is, for people.
pub(super) fn score(name: &str) -> String {
    match name {
        "disagreement" => "disagreement of the influential neurons' classes with the answer".into(),
        "distance" => "distance to the answer's mean ÷ to the nearest other".into(),
        "confidence" => "1 − largest probability (to compare with)".into(),
        other => other.to_owned(),
    }
}

fn thresholds(report: &Report) -> Section {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.detector.iter().flat_map(move |detector| {
            detector.scores.iter().map(move |found| {
                vec![
                    of.run.clone(),
                    found.name.clone(),
                    score(&found.name),
                    format!("{:.4}", found.threshold),
                    percent(detector.false_positive_rate),
                    with_interval(found.false_positives, found.interval),
                    detector.calibration_images.to_string(),
                    detector.real_images.to_string(),
                ]
            })
        })
    });
    Section {
        heading: Some("Detectors and their thresholds".into()),
        part: Part::Detector,
        source: "results/trace.json: detector.scores[], false_positive_rate, calibration_images",
        file: "detector-scores.csv",
        columns: columns(&[
            RUN,
            "detector",
            "suspects by",
            ">threshold",
            ">asked false positives %",
            ">measured %",
            ">set on",
            ">tried on",
        ]),
        rows: rows.collect(),
        after: Some(
            "Thresholds are set on one part of the real images and tried on another. In brackets the \
             95 % confidence interval (Wilson)."
                .into(),
        ),
        ..Section::default()
    }
}

fn attacks(report: &Report) -> Section {
    let mut rows = Vec::new();
    for of in &report.traces {
        for attack in of.result.detector.iter().flat_map(|detector| &detector.attacks) {
            if attack.curves.is_empty() {
                rows.push(row(&of.run, attack, None));
            }
            rows.extend(attack.curves.iter().map(|curve| row(&of.run, attack, Some(curve))));
        }
    }
    Section {
        heading: Some("Detected adversarial images".into()),
        part: Part::Detector,
        source: "results/trace.json: detector.attacks[].curves[].auc, detected, their intervals",
        file: "detector.csv",
        columns: columns(&[
            RUN, "attack", "detector", ">attacked", ">fooled", ">AUC", ">detected %",
        ]),
        rows,
        after: Some(
            "Of the images that the attack made the network get wrong. AUC: the area under the ROC \
             curve, 0.5 = chance, with its 95 % interval (DeLong). Detected: at the threshold above. \
             The real images are all that were tried, those that the network gets wrong among them; \
             the adversarial ones are of images that it gets right. An attack that “works against the \
             detector by distance” lowers that score, too; of the other scores it knows nothing. It \
             starts once."
                .into(),
        ),
        ..Section::default()
    }
}

/// What an attack is called.
pub(super) fn attack_name(attack: &Attacked) -> String {
    if attack.aware {
        format!("{}, works against the detector by distance", attack.attack)
    } else {
        attack.attack.clone()
    }
}

fn row(run: &str, attack: &Attacked, curve: Option<&Roc>) -> Vec<String> {
    let none = || "–".to_owned();
    let auc = |roc: &Roc| {
        let [low, high] = roc.interval;
        format!("{:.3} [{low:.3}, {high:.3}]", roc.auc)
    };
    vec![
        run.to_owned(),
        attack_name(attack),
        curve.map_or_else(none, |roc| roc.score.clone()),
        attack.images.to_string(),
        attack.fooled.to_string(),
        curve.map_or_else(none, auc),
        curve.map_or_else(none, |roc| with_interval(roc.detected, roc.detected_interval)),
    ]
}
