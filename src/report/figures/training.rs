//! Curves of training from `events.jsonl`: losses, accuracies, learning rate; runs over each other.

use std::collections::BTreeMap;

use super::plot::{Curve, Ends, Plot, Point, Scale};
use super::{Draft, Made, Part, of_run};
use crate::error::Result;
use crate::report::drawing::{Dash, Role};
use crate::run::event;
use crate::run::folder::{RunFolder, short_name};

/// More points than this are not seen.
const POINTS: usize = 300;

/// A figure: file, title, vertical axis, metrics with their names, whether they are shares.
struct Kind {
    name: &'static str,
    title: &'static str,
    axis: &'static str,
    metrics: &'static [(&'static str, &'static str)],
    is_share: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "curves-loss",
        title: "Loss of training",
        axis: "cross-entropy",
        metrics: &[("loss", "clean"), ("adversarial_loss", "adversarial")],
        is_share: false,
    },
    Kind {
        name: "curves-accuracy",
        title: "Accuracy while training",
        axis: "top-1 %",
        metrics: &[("top1", "clean"), ("adversarial_top1", "adversarial")],
        is_share: true,
    },
    Kind {
        name: "curves-consistency",
        title: "Consistency loss of training",
        axis: "d(φ(x), φ(x*))",
        metrics: &[("consistency_loss", "consistency")],
        is_share: false,
    },
    Kind {
        name: "curves-learning-rate",
        title: "Learning rate",
        axis: "learning rate",
        metrics: &[("learning_rate", "learning rate")],
        is_share: false,
    },
];

/// Metric → step → value.
type Metrics = BTreeMap<String, BTreeMap<u64, f64>>;

/// Of all runs that were trained, each kind of curve that any of them has.
pub(super) fn figures(folders: &[RunFolder]) -> Result<Vec<Draft>> {
    let mut runs: Vec<(String, Metrics)> = Vec::new();
    for folder in folders {
        let metrics = read(folder)?;
        if !metrics.is_empty() && runs.iter().all(|(run, _)| *run != folder.id()) {
            runs.push((folder.id(), metrics));
        }
    }
    let mut drafts = Vec::new();
    for kind in KINDS {
        let with: Vec<&(String, Metrics)> = runs
            .iter()
            .filter(|(_, metrics)| kind.metrics.iter().any(|(name, _)| metrics.contains_key(*name)))
            .collect();
        let plot = plot(kind, &with);
        if plot.is_empty() {
            continue;
        }
        let ids: Vec<&str> = with.iter().map(|(run, _)| run.as_str()).collect();
        drafts.push(Draft {
            name: kind.name.into(),
            number: None,
            title: kind.title.into(),
            caption: format!(
                "By optimizer step{}. Pale: as measured; where there are more than {POINTS} values, \
                 the smallest and the largest of neighbours are kept. Strong: their running mean.",
                of_run(&ids)
            ),
            runs: ids.iter().map(|run| (*run).to_owned()).collect(),
            part: Part::Training,
            source: "events.jsonl",
            made: Made::Drawing(plot.drawing()?),
        });
    }
    Ok(drafts)
}

/// What is drawn of the stage `train`, in one pass; of a step that was gone through twice, the later
/// value.
fn read(folder: &RunFolder) -> Result<Metrics> {
    let is_drawn =
        |name: &str| KINDS.iter().flat_map(|kind| kind.metrics).any(|(metric, _)| *metric == name);
    let mut metrics = Metrics::new();
    for event in event::read(folder.path())? {
        let event = event?;
        if event.stage != "train" {
            continue;
        }
        for (name, value) in event.metrics.into_iter().filter(|(name, _)| is_drawn(name)) {
            metrics.entry(name).or_default().insert(event.step, value);
        }
    }
    Ok(metrics)
}

fn plot(kind: &Kind, runs: &[&(String, Metrics)]) -> Plot {
    let several = runs.len() > 1;
    let mut raw = Vec::new();
    let mut smooth = Vec::new();
    for (at, (run, metrics)) in runs.iter().enumerate() {
        for (which, (metric, name)) in kind.metrics.iter().enumerate() {
            let Some(values) = metrics.get(*metric) else { continue };
            let scale = if kind.is_share { 100.0 } else { 1.0 };
            let points: Vec<Point> = values
                .iter()
                .filter(|(_, value)| value.is_finite())
                .map(|(step, value)| Point::at(*step as f64, scale * value))
                .collect();
            // Runs by colour, what is measured by dash; of one run both.
            let series = if several { at } else { which };
            let name = match (several, kind.metrics.len()) {
                (true, 1) => short_name(run).to_owned(),
                (true, _) => format!("{}, {name}", short_name(run)),
                (false, _) => (*name).to_owned(),
            };
            let dash = [Dash::Whole, Dash::Long][which % 2];
            let curve = |name: String, points| {
                let curve = Curve::of_series(name, series, points).plain();
                Curve { role: Role::Series(series), dash, ..curve }
            };
            let is_long = points.len() > 20;
            if is_long && !kind.is_share {
                let pale = curve(String::new(), thinned(&points));
                raw.push(Curve { width: 1.0, opacity: 0.3, dash: Dash::Whole, ..pale });
                smooth.push(curve(name, thinned(&smoothed(&points))));
            } else {
                smooth.push(curve(name, thinned(&points)));
            }
        }
    }
    raw.extend(smooth);
    Plot {
        title: kind.title.into(),
        x: Scale::new("step", Ends::Found),
        y: Scale::new(
            kind.axis,
            if kind.is_share { Ends::Fixed(0.0, 100.0) } else { Ends::FromZero },
        ),
        curves: raw,
        references: Vec::new(),
    }
}

/// The mean of a fortieth of the points around each.
fn smoothed(points: &[Point]) -> Vec<Point> {
    let reach = (points.len() / 80).max(2);
    let mean = |at: usize| {
        let near = &points[at.saturating_sub(reach)..(at + reach + 1).min(points.len())];
        near.iter().map(|point| point.y).sum::<f64>() / near.len() as f64
    };
    points.iter().enumerate().map(|(at, point)| Point::at(point.x, mean(at))).collect()
}

/// At most about [`POINTS`], the smallest and the largest of each run of neighbours among them, and
/// the first and the last of all.
fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= POINTS {
        return points.to_vec();
    }
    let size = points.len().div_ceil(POINTS / 2);
    let mut kept = vec![points[0]];
    for (index, chunk) in points.chunks(size).enumerate() {
        let by = |a: &(usize, &Point), b: &(usize, &Point)| a.1.y.total_cmp(&b.1.y);
        let least = chunk.iter().enumerate().min_by(by).map_or(0, |(at, _)| at);
        let most = chunk.iter().enumerate().max_by(by).map_or(0, |(at, _)| at);
        for at in [least.min(most), least.max(most)] {
            if index + at > 0 {
                kept.push(chunk[at]);
            }
        }
    }
    kept.push(points[points.len() - 1]);
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_never_thinned_away() {
        let mut points: Vec<Point> = (0..10_000).map(|at| Point::at(f64::from(at), 1.0)).collect();
        points[7_777].y = 99.0;
        points[1_234].y = -5.0;
        let kept = thinned(&points);
        assert!(kept.len() <= POINTS + 2, "{}", kept.len());
        assert!(kept.contains(&points[7_777]) && kept.contains(&points[1_234]));
        assert_eq!((kept[0].x, kept[kept.len() - 1].x), (0.0, 9_999.0));
        assert!(kept.windows(2).all(|pair| pair[0].x <= pair[1].x), "in their order");
    }

    #[test]
    fn steps_that_were_gone_through_twice_count_once() {
        let root = tempfile::tempdir().unwrap();
        let lines = "{\"t\":1,\"stage\":\"train\",\"step\":1,\"metrics\":{\"loss\":3.0}}\n\
                     {\"t\":2,\"stage\":\"train\",\"step\":2,\"metrics\":{\"loss\":2.0}}\n\
                     {\"t\":3,\"stage\":\"attack\",\"step\":2,\"metrics\":{\"loss\":9.0}}\n\
                     {\"t\":4,\"stage\":\"train\",\"step\":2,\"metrics\":{\"loss\":1.5}}\n";
        let neurons = crate::report::figure::fixture::neurons();
        let run = crate::report::figure::fixture::run(root.path(), "a", &neurons);
        std::fs::write(run.path().join("events.jsonl"), lines).unwrap();
        let metrics = read(&run).unwrap();
        assert_eq!(metrics["loss"], BTreeMap::from([(1, 3.0), (2, 1.5)]));
        let drafts = figures(&[run.clone(), run]).unwrap();
        assert_eq!(drafts.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["curves-loss"]);
    }
}
