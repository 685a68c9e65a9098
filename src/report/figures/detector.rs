//! Figures of the detector (SCIENCE §7): its ROC curves against each attack, and the representation
//! ratios of adversarial images.

use super::plot::{Curve, Ends, Line, Plot, Point, Reference, Scale};
use super::trace::Traced;
use super::{Draft, Made, Names, Part};
use crate::error::Result;
use crate::report::drawing::{Dash, Role};
use crate::run::results::trace::{Attacked, Ratio};

/// Of all runs.
pub(super) fn figures(runs: &[Traced<'_>], names: &Names) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for run in runs {
        drafts.extend(ratios(run, names)?);
        for attacked in run.trace.detector.iter().flat_map(|detector| &detector.attacks) {
            drafts.extend(roc(run, attacked, names)?);
        }
    }
    Ok(drafts)
}

fn roc(run: &Traced<'_>, attacked: &Attacked, names: &Names) -> Result<Option<Draft>> {
    let curves = attacked.curves.iter().enumerate().map(|(at, roc)| {
        let [low, high] = roc.interval;
        let name = format!("{}, AUC {:.3} [{low:.3}, {high:.3}]", roc.score, roc.auc);
        let points = roc.points.iter().map(|[real, found]| Point::at(100.0 * real, 100.0 * found));
        Curve::of_series(name, at, points.collect()).plain()
    });
    let aware = if attacked.aware { ", which works against the detector by distance" } else { "" };
    let title = format!("Telling images of {} from real ones{aware}", attacked.attack);
    let plot = Plot {
        title: title.clone(),
        x: Scale::new("real images suspected, %", Ends::Fixed(0.0, 100.0)),
        y: Scale::new("adversarial images suspected, %", Ends::Fixed(0.0, 100.0)),
        curves: curves.collect(),
        references: vec![Reference::Diagonal("chance".into())],
    };
    if plot.is_empty() {
        return Ok(None);
    }
    let id = run.folder.id();
    let attack = attacked.attack.replace('ε', "eps").replace(' ', "-").replace("--", "-");
    let real = run.trace.detector.as_ref().map_or(0, |detector| detector.real_images);
    Ok(Some(Draft {
        name: names
            .file(&id, &format!("roc-{attack}{}", if attacked.aware { "-aware" } else { "" })),
        number: None,
        title: names.title(&id, &title),
        caption: format!(
            "ROC of each detector: {} of {} attacked images fooled the network and are to be told from \
             {real} real ones, those that the network gets wrong among them. AUC with its 95 % interval (DeLong); 0.5 = chance. disagreement: 1 − cosine \
             between the classes that the influential neurons answer to and the predicted class. \
             distance: to the mean of the predicted class, over that to the nearest other one. \
             confidence: 1 − largest probability, to compare with.",
            attacked.fooled, attacked.images
        ),
        runs: vec![id],
        part: Part::Detector,
        source: "results/trace.json",
        made: Made::Drawing(plot.drawing()?),
    }))
}

fn ratios(run: &Traced<'_>, names: &Names) -> Result<Option<Draft>> {
    let Some(representation) = &run.trace.representation else { return Ok(None) };
    let title = "Nearer to the original or to the target?";
    let ratios = [("r_mean", &representation.mean), ("r_pair", &representation.pair)];
    let mut lines = vec![Line { at: 1.0, role: Role::Muted, dash: Dash::Dots }];
    lines.extend(
        ratios.iter().enumerate().filter(|(_, (_, ratio))| ratio.images > 0).map(
            |(at, (_, ratio))| Line { at: ratio.mean, role: Role::Series(at), dash: Dash::Long },
        ),
    );
    let curves = ratios.iter().enumerate().map(|(at, (name, ratio))| {
        let [low, high] = ratio.interval;
        let name = format!("{name}, mean {:.3} [{low:.3}, {high:.3}]", ratio.mean);
        Curve { dash: Dash::of_series(at), ..Curve::of_series(name, at, steps(ratio)).plain() }
    });
    let mut references: Vec<Reference> = lines.into_iter().map(Reference::Upright).collect();
    references.push(Reference::Named("upright: 1; dashed upright: the means".into()));
    let plot = Plot {
        title: title.into(),
        x: Scale::new("ratio of distances", Ends::Fixed(0.0, 2.05)),
        y: Scale::new("% of images", Ends::FromZero),
        curves: curves.collect(),
        references,
    };
    if plot.is_empty() {
        return Ok(None);
    }
    let id = run.folder.id();
    let towards = if representation.towards == "prediction" {
        "the network's answer"
    } else {
        "the class that the attack aimed at"
    };
    Ok(Some(Draft {
        name: names.file(&id, "ratios"),
        number: None,
        title: names.title(&id, title),
        caption: format!(
            "Adversarial images by ratio of distances in steps of 0.05, the last of 2 and above; below 1 \
             = nearer to the original's side. r_mean = ‖φ(x*) − μ_y‖ / ‖φ(x*) − μ_y*‖ over {} images, \
             {:.1} % below 1; r_pair = ‖φ(x*) − φ(x)‖ / ‖φ(x*) − nearest of y*‖ over {}, {:.1} % below 1; \
             y* is {towards}; class means of {} reference images.",
            representation.mean.images,
            100.0 * representation.mean.below_one,
            representation.pair.images,
            100.0 * representation.pair.below_one,
            representation.reference_images,
        ),
        runs: vec![id],
        part: Part::Representation,
        source: "results/trace.json",
        made: Made::Drawing(plot.drawing()?),
    }))
}

/// The outline of a histogram, in percent of its images.
fn steps(ratio: &Ratio) -> Vec<Point> {
    const STEP: f64 = 0.05;
    let total: u64 = ratio.histogram.iter().sum();
    if total == 0 {
        return Vec::new();
    }
    let mut points = vec![Point::at(0.0, 0.0)];
    for (at, count) in ratio.histogram.iter().enumerate() {
        let share = 100.0 * *count as f64 / total as f64;
        points.push(Point::at(at as f64 * STEP, share));
        points.push(Point::at((at + 1) as f64 * STEP, share));
    }
    points.push(Point::at(ratio.histogram.len() as f64 * STEP, 0.0));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_a_step_a_count() {
        let ratio = Ratio { histogram: vec![0, 3, 1], ..Ratio::default() };
        let steps = steps(&ratio);
        assert_eq!(steps.len(), 8);
        assert_eq!((steps[3].y, steps[4].y, steps[5].y), (75.0, 75.0, 25.0));
        assert!((steps[7].x - 0.15).abs() < 1e-9 && steps[7].y == 0.0);
        assert!(super::steps(&Ratio::default()).is_empty());
    }
}
