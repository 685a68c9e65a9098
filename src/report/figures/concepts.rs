//! Table 1 (SCIENCE §4.1) as bars: what share of the neurons detects a concept, category by
//! category, on real and on adversarial images, beside what chance alone gives.

use std::collections::BTreeMap;

use super::bars::{self, Bars, Group, Mark};
use super::{Draft, Made, Names, Part};
use crate::error::Result;
use crate::report::Report;
use crate::report::drawing::{Role, Sign};
use crate::run::results::dissect::{ALL, Layer, Ratio};

/// A ratio, its interval, and what shuffled labels give.
type Side<'a> = (&'a Ratio, Option<&'a BTreeMap<String, [f64; 2]>>, Option<&'a Ratio>);

/// One of each run and layer.
pub(super) fn figures(report: &Report) -> Result<Vec<Draft>> {
    let names = Names::of(report.dissections.iter().map(|of| of.run.as_str()));
    let mut drafts = Vec::new();
    for of in &report.dissections {
        for layer in &of.result.layers {
            let title = format!("Neurons aligned with a concept, {}", layer.layer);
            let chart = chart(layer, &of.result.categories, &title);
            let attack = if layer.ratio.adversarial.is_some() {
                format!(" Adversarial: the same images after {}.", of.result.attack)
            } else {
                String::new()
            };
            drafts.push(Draft {
                name: names.file(&of.run, &format!("concepts-{}", layer.layer)),
                number: Some("Table 1"),
                title: names.title(&of.run, &title),
                caption: format!(
                    "Share of the {} neurons whose best concept has an IoU above {}, by the category \
                     of that concept, over {} labelled images.{attack} Thin lines: 95 % intervals by the \
                     jackknife over blocks of images. Upright lines: with shuffled labels.",
                    layer.neurons.len(),
                    layer.threshold,
                    of.result.images
                ),
                runs: vec![of.run.clone()],
                part: Part::Concepts,
                source: "results/dissect.json",
                made: Made::Drawing(chart.drawing()?),
            });
        }
    }
    Ok(drafts)
}

fn chart(layer: &Layer, categories: &[String], title: &str) -> Bars {
    let series = |name: &str, at: usize, filled| bars::Series {
        name: name.into(),
        role: Role::Series(at),
        sign: Sign::of_series(at),
        filled,
    };
    let sides: [Option<Side<'_>>; 2] = [
        Some((&layer.ratio.real, Some(&layer.interval.real), Some(&layer.null))),
        layer.ratio.adversarial.as_ref().map(|ratio| {
            (ratio, layer.interval.adversarial.as_ref(), layer.adversarial_null.as_ref())
        }),
    ];
    let all = ALL.to_owned();
    let groups = categories.iter().filter(|name| **name != ALL).chain([&all]).map(|category| {
        let mark = |(series, side): (usize, &Option<Side<'_>>)| {
            let (ratio, interval, null) = (*side)?;
            Some(Mark {
                series,
                value: 100.0 * ratio.get(category).copied().unwrap_or(0.0),
                interval: interval
                    .and_then(|of| of.get(category))
                    .map(|ends| ends.map(|end| 100.0 * end)),
                reference: null.map(|null| 100.0 * null.get(category).copied().unwrap_or(0.0)),
            })
        };
        Group { name: category.clone(), marks: sides.iter().enumerate().filter_map(mark).collect() }
    });
    Bars {
        title: title.into(),
        axis: "% of neurons".into(),
        series: if sides[1].is_some() {
            vec![series("real", 0, true), series("adversarial", 1, false)]
        } else {
            vec![series("real", 0, true)]
        },
        groups: groups.collect(),
        look: bars::Look::Bars,
        ends: None,
        reference: Some("shuffled labels".into()),
    }
}
