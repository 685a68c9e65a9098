//! The neurons behind predictions, representations and detectors, as CSV: every one, every digit.

use super::{lines, optional};
use crate::report::Report;
use crate::report::trace::{Traced, class};
use crate::run::results::trace::{Check, Ratio, Roc, Usual};

/// How often the same neurons are behind predictions.
pub fn kinds(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.kinds.iter().map(move |kind| {
            let mut cells = start(of);
            cells.extend([
                kind.kind.clone(),
                kind.images.to_string(),
                optional(kind.overlap),
                kind.chance.to_string(),
                of.result.top.to_string(),
                of.result.neurons.to_string(),
            ]);
            cells
        })
    });
    lines("run,network,layer,kind,predictions,overlap,chance,influential,neurons", rows)
}

/// The checks of the prediction difference.
pub fn agreement(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        let agreement = &of.result.agreement;
        let row = move |name: &str, check: Check| {
            let mut cells = start(of);
            cells.extend([
                name.to_owned(),
                agreement.images.to_string(),
                check.correlation.to_string(),
                check.overlap.to_string(),
            ]);
            cells
        };
        let checks = [("gradient", agreement.gradient), ("mean", agreement.mean)];
        let checks = checks.into_iter().filter(|_| agreement.images > 0);
        checks.map(move |(name, check)| row(name, check))
    });
    lines("run,network,layer,check,predictions,rank_correlation,overlap", rows)
}

fn start(of: &Traced) -> Vec<String> {
    vec![of.run.clone(), of.network.clone(), of.result.layer.clone()]
}

/// The usual neurons of kinds, classes and errors.
pub fn neurons(report: &Report) -> String {
    let mut rows = Vec::new();
    for of in &report.traces {
        let mut add =
            |group: &str, [kind, label, answer]: [String; 3], images: u64, all: &[Usual]| {
                for (place, usual) in all.iter().enumerate() {
                    let mut cells = start(of);
                    cells.extend([
                        group.to_owned(),
                        kind.clone(),
                        label.clone(),
                        answer.clone(),
                        images.to_string(),
                        (place + 1).to_string(),
                        usual.index.to_string(),
                        usual.share.to_string(),
                        usual.probability.to_string(),
                        usual.logit.to_string(),
                    ]);
                    rows.push(cells);
                }
            };
        for kind in &of.result.kinds {
            let names = [kind.kind.clone(), String::new(), String::new()];
            add("kind", names, kind.images, &kind.neurons);
        }
        for found in &of.result.of_classes {
            let name = class(&of.result, found.class);
            add("class", ["right".into(), name.clone(), name], found.images, &found.neurons);
        }
        for found in &of.result.of_errors {
            let label = class(&of.result, found.label);
            let names = [found.kind.clone(), label, class(&of.result, found.predicted)];
            add("error", names, found.images, &found.neurons);
        }
    }
    let head = "run,network,layer,group,kind,label,answer,predictions,place,neuron,share,\
                difference_probability,difference_logit";
    lines(head, rows.into_iter())
}

/// Every influential neuron of every prediction that was kept.
pub fn predictions(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.predictions.iter().flat_map(move |found| {
            found.neurons.iter().map(move |neuron| {
                let mut cells = start(of);
                cells.extend([
                    found.kind.clone(),
                    found.image.clone(),
                    found.label.map_or_else(String::new, |label| class(&of.result, label)),
                    class(&of.result, found.followed),
                    found.probability.to_string(),
                    found.logit.to_string(),
                    neuron.index.to_string(),
                    neuron.probability.to_string(),
                    neuron.logit.to_string(),
                    neuron.gradient.to_string(),
                    neuron.mean.to_string(),
                    neuron.activation.to_string(),
                ]);
                cells
            })
        })
    });
    let head = "run,network,layer,kind,image,label,followed,probability,logit,neuron,\
                difference_probability,difference_logit,gradient_activation,difference_mean,activation";
    lines(head, rows)
}

/// The representation ratios.
pub fn representation(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.representation.iter().flat_map(move |found| {
            let row = move |name: &str, ratio: &Ratio| {
                let mut cells = start(of);
                cells.extend([
                    name.to_owned(),
                    found.towards.clone(),
                    found.reference_images.to_string(),
                    ratio.images.to_string(),
                    ratio.mean.to_string(),
                    ratio.interval[0].to_string(),
                    ratio.interval[1].to_string(),
                    ratio.median.to_string(),
                    ratio.below_one.to_string(),
                ]);
                cells
            };
            [row("r_mean", &found.mean), row("r_pair", &found.pair)]
        })
    });
    let head = "run,network,layer,ratio,towards,reference_images,images,mean,mean_low,mean_high,\
                median,below_one";
    lines(head, rows)
}

/// The detectors and their thresholds.
pub fn scores(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        of.result.detector.iter().flat_map(move |detector| {
            detector.scores.iter().map(move |score| {
                let mut cells = start(of);
                cells.extend([
                    score.name.clone(),
                    score.threshold.to_string(),
                    detector.false_positive_rate.to_string(),
                    score.false_positives.to_string(),
                    score.interval[0].to_string(),
                    score.interval[1].to_string(),
                    detector.calibration_images.to_string(),
                    detector.real_images.to_string(),
                ]);
                cells
            })
        })
    });
    let head = "run,network,layer,detector,threshold,false_positive_rate,false_positives,\
                false_positives_low,false_positives_high,calibration_images,real_images";
    lines(head, rows)
}

/// The detectors against every attack.
pub fn detector(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        let attacks = of.result.detector.iter().flat_map(|detector| &detector.attacks);
        attacks.flat_map(move |attack| {
            let row = move |curve: Option<&Roc>| {
                let mut cells = start(of);
                cells.extend([
                    attack.attack.clone(),
                    attack.aware.to_string(),
                    attack.images.to_string(),
                    attack.fooled.to_string(),
                    curve.map_or_else(String::new, |curve| curve.score.clone()),
                ]);
                cells.extend(
                    [
                        curve.map(|curve| curve.auc),
                        curve.map(|curve| curve.interval[0]),
                        curve.map(|curve| curve.interval[1]),
                        curve.map(|curve| curve.detected),
                        curve.map(|curve| curve.detected_interval[0]),
                        curve.map(|curve| curve.detected_interval[1]),
                    ]
                    .map(optional),
                );
                cells
            };
            // An attack that fooled nobody has a row, too.
            let none = attack.curves.is_empty().then(|| row(None));
            none.into_iter().chain(attack.curves.iter().map(move |curve| row(Some(curve))))
        })
    });
    let head = "run,network,layer,attack,aware,images,fooled,detector,auc,auc_low,auc_high,detected,\
                detected_low,detected_high";
    lines(head, rows)
}

/// Every point of every ROC curve.
pub fn roc(report: &Report) -> String {
    let rows = report.traces.iter().flat_map(|of| {
        let attacks = of.result.detector.iter().flat_map(|detector| &detector.attacks);
        attacks.flat_map(move |attack| {
            attack.curves.iter().flat_map(move |curve| {
                curve.points.iter().map(move |[false_positives, detected]| {
                    let mut cells = start(of);
                    cells.extend([
                        attack.attack.clone(),
                        attack.aware.to_string(),
                        curve.score.clone(),
                        false_positives.to_string(),
                        detected.to_string(),
                    ]);
                    cells
                })
            })
        })
    });
    lines("run,network,layer,attack,aware,detector,false_positives,detected", rows)
}
