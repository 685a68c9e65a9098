//! What neurons mean, as CSV: every neuron, every share, every point.

use super::{lines, optional};
use crate::report::Report;
use crate::report::dissection::{categories, rows};
use crate::run::results::consistency::{Estimate, Level};
use crate::run::results::dissect::Match;

/// Table 1, a row for each category.
pub fn table_1(report: &Report) -> String {
    let categories = categories(report);
    let rows = rows(report).into_iter().flat_map(|row| {
        let row = &row;
        let found = categories.iter().filter_map(|category| {
            let share = row.ratio.get(*category)?;
            let interval = row.interval.and_then(|interval| interval.get(*category));
            Some(vec![
                row.dissection.run.clone(),
                row.network().to_owned(),
                row.dissection.result.data.clone(),
                row.layer.layer.clone(),
                row.images.word().to_owned(),
                (*category).to_owned(),
                share.to_string(),
                optional(interval.map(|interval| interval[0])),
                optional(interval.map(|interval| interval[1])),
                row.layer.threshold.to_string(),
                row.layer.neurons.len().to_string(),
            ])
        });
        found.collect::<Vec<_>>()
    });
    let head = "run,network,data,layer,images,category,ratio,ratio_low,ratio_high,iou_threshold,\
                neurons";
    lines(head, rows)
}

/// The ratio of all at other thresholds.
pub fn sweep(report: &Report) -> String {
    let rows = report.dissections.iter().flat_map(|of| {
        of.result.layers.iter().flat_map(move |layer| {
            layer.sweep.iter().map(move |point| {
                vec![
                    of.run.clone(),
                    layer.layer.clone(),
                    point.threshold.to_string(),
                    point.ratio.real.to_string(),
                    optional(point.ratio.adversarial),
                    optional(point.ratio.rethresholded),
                    point.null.to_string(),
                    optional(point.adversarial_null),
                    optional(point.rethresholded_null),
                ]
            })
        })
    });
    let head = "run,layer,iou_threshold,real,adversarial,rethresholded,shuffled,\
                adversarial_shuffled,rethresholded_shuffled";
    lines(head, rows)
}

fn matched(found: Option<&Match>) -> [String; 3] {
    let found = found.filter(|found| !found.concept.is_empty());
    found.map_or_else(Default::default, |found| {
        [found.concept.clone(), found.category.clone(), found.iou.to_string()]
    })
}

/// Every neuron with its best concepts.
pub fn neurons(report: &Report) -> String {
    let rows = report.dissections.iter().flat_map(|of| {
        of.result.layers.iter().flat_map(move |layer| {
            layer.neurons.iter().map(move |neuron| {
                let best = &neuron.best;
                let mut cells = vec![
                    of.run.clone(),
                    of.network.clone(),
                    layer.layer.clone(),
                    neuron.index.to_string(),
                    neuron.threshold.map_or_else(String::new, |value| value.to_string()),
                    best.real.detects(layer.threshold).to_string(),
                ];
                cells.extend(matched(Some(&best.real)));
                cells.push(optional(best.real.average_precision));
                cells.extend(matched(best.adversarial.as_ref()));
                cells.extend(matched(best.rethresholded.as_ref()));
                cells
            })
        })
    });
    let head = "run,network,layer,neuron,threshold,detects,concept,category,iou,average_precision,\
                adversarial_concept,adversarial_category,adversarial_iou,rethresholded_concept,\
                rethresholded_category,rethresholded_iou";
    lines(head, rows)
}

/// Every neuron of two runs.
pub fn differences(report: &Report) -> String {
    let rows = report.differences.iter().flat_map(|of| {
        of.changes.iter().map(move |change| {
            let mut cells = vec![
                of.before.clone(),
                of.after.clone(),
                of.layer.clone(),
                change.index.to_string(),
                change.kind.word().to_owned(),
            ];
            cells.extend(matched(Some(&change.before)));
            cells.extend(matched(Some(&change.after)));
            cells
        })
    });
    let head = "before,after,layer,neuron,change,concept_before,category_before,iou_before,\
                concept_after,category_after,iou_after";
    lines(head, rows)
}

fn estimate(of: Option<Estimate>) -> [String; 3] {
    of.map_or_else(Default::default, |Estimate { mean, interval }| {
        let end = |at: usize| optional(interval.map(|ends| ends[at]));
        [mean.to_string(), end(0), end(1)]
    })
}

/// Means of level and consistency, a row for each layer and quantity.
pub fn consistency(report: &Report) -> String {
    let rows = report.consistencies.iter().flat_map(|of| {
        of.result.layers.iter().flat_map(move |layer| {
            let mean = &layer.mean;
            let heard = layer.neurons.len().saturating_sub(layer.silent);
            // Of none there is no mean.
            let real = |of: Estimate| (heard > 0).then_some(of);
            let quantities = [
                ("lc", real(mean.lc)),
                ("adversarial_lc", mean.adversarial_lc),
                ("lc_change", mean.lc_change),
                ("consistency", real(mean.consistency)),
                ("adversarial_consistency", mean.adversarial_consistency),
                ("consistency_change", mean.consistency_change),
                ("cs1", mean.cs1),
                ("cs2", mean.cs2),
            ];
            let found = quantities.into_iter().filter(|(_, value)| value.is_some());
            found.map(move |(quantity, value)| {
                let mut cells = vec![
                    of.run.clone(),
                    of.network.clone(),
                    layer.layer.clone(),
                    heard.to_string(),
                    layer.silent.to_string(),
                    quantity.to_owned(),
                ];
                cells.extend(estimate(value));
                cells
            })
        })
    });
    lines("run,network,layer,neurons,silent,quantity,mean,low,high", rows)
}

/// Mean LC with other widths.
pub fn sigmas(report: &Report) -> String {
    let rows = report.consistencies.iter().flat_map(|of| {
        of.result.layers.iter().flat_map(move |layer| {
            layer.sweep.iter().map(move |point| {
                vec![
                    of.run.clone(),
                    layer.layer.clone(),
                    point.sigma.to_string(),
                    point.lc.to_string(),
                    optional(point.adversarial_lc),
                ]
            })
        })
    });
    lines("run,layer,sigma,lc,adversarial_lc", rows)
}

/// The curves of Figure 10; those that were published beside ours.
pub fn curves(report: &Report) -> String {
    let head = "run,layer,source,lc,lc_low,lc_high,neurons,cs1,cs1_low,cs1_high,cs2,cs2_low,cs2_high,\
                cs2_null";
    let mut rows = Vec::new();
    for of in &report.consistencies {
        for (at, layer) in of.result.layers.iter().enumerate() {
            for group in &layer.groups {
                let mut cells =
                    vec![of.run.clone(), layer.layer.clone(), "ours".into(), group.lc.to_string()];
                cells.extend(group.lc_range.map(|end| end.to_string()));
                cells.push(group.neurons.to_string());
                cells.extend(estimate(group.cs1));
                cells.extend(estimate(group.cs2));
                cells.push(optional(group.cs2_null));
                rows.push(cells);
            }
            let Some(curve) = of.published(at) else { continue };
            for (place, points) in [(7, curve.cs1), (10, curve.cs2)] {
                for [lc, cosine] in points {
                    let mut cells = vec![String::new(); head.split(',').count()];
                    cells[0].clone_from(&of.run);
                    cells[1].clone_from(&layer.layer);
                    cells[2] = "published".into();
                    cells[3] = lc.to_string();
                    cells[place] = cosine.to_string();
                    rows.push(cells);
                }
            }
        }
    }
    lines(head, rows.into_iter())
}

/// Every neuron with its level and consistency.
pub fn levels(report: &Report) -> String {
    let rows = report.consistencies.iter().flat_map(|of| {
        let side = |level: Option<&Level>| -> [String; 4] {
            let Some(level) = level.filter(|level| !level.classes.is_empty()) else {
                return Default::default();
            };
            let noun = of.result.nouns.get(level.ancestor);
            [
                level.lc.to_string(),
                level.consistency.to_string(),
                noun.map(|noun| noun.name.clone()).unwrap_or_default(),
                level.classes.len().to_string(),
            ]
        };
        of.result.layers.iter().flat_map(move |layer| {
            layer.neurons.iter().map(move |neuron| {
                let mut cells = vec![
                    of.run.clone(),
                    of.network.clone(),
                    layer.layer.clone(),
                    neuron.index.to_string(),
                ];
                cells.extend(side(Some(&neuron.real)));
                cells.extend(side(neuron.adversarial.as_ref()));
                cells.extend([neuron.cs1, neuron.cs2, neuron.cs2_null].map(optional));
                cells
            })
        })
    });
    let head = "run,network,layer,neuron,lc,consistency,common_ancestor,classes,adversarial_lc,\
                adversarial_consistency,adversarial_common_ancestor,adversarial_classes,cs1,cs2,\
                cs2_null";
    lines(head, rows)
}
