//! Figure 10 (SCIENCE §4.2): CS1 and CS2 of groups of neurons along their LC, beside what chance
//! gives and what was published.

use super::plot::{Curve, Ends, Plot, Point, Scale};
use super::{Draft, Made, Names};
use crate::error::Result;
use crate::report::Report;
use crate::report::drawing::{Dash, Role};
use crate::report::published::concepts::PublishedCurve;
use crate::run::results::consistency::{Estimate, Group, Layer};

/// One of each run and layer that has groups.
pub(super) fn figures(report: &Report) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    let names = Names::of(report.consistencies.iter().map(|of| of.run.as_str()));
    for of in &report.consistencies {
        for (at, layer) in of.result.layers.iter().enumerate() {
            let published = of.published(at);
            let plot = plot(layer, published);
            if of.result.adversarial_images == 0 || plot.is_empty() {
                continue;
            }
            let beside = if published.is_some() {
                " Dashed with open signs: the paper's curves after consistency training, their ends \
                 read off to ±0.02."
            } else {
                ""
            };
            drafts.push(Draft {
                name: names.file(&of.run, &format!("levels-{}", layer.layer)),
                number: Some("Figure 10"),
                title: names.title(&of.run, &format!("CS1 and CS2 along LC, {}", layer.layer)),
                caption: format!(
                    "Neurons in {} groups of equal size by the LC of their real images; bands are 95 % \
                     bootstrap intervals over neurons. CS1 sets the classes of a neuron's real images \
                     beside those of its adversarial images' originals, CS2 beside the {}. Dotted: what \
                     CS2 would be if the attack had aimed at every class equally often.{beside}",
                    layer.groups.len(),
                    if of.result.against == "prediction" {
                        "network's answers to them"
                    } else {
                        "classes that the attack aimed at"
                    },
                ),
                runs: vec![of.run.clone()],
                source: "results/consistency.json",
                made: Made::Drawing(plot.drawing()?),
            });
        }
    }
    Ok(drafts)
}

fn plot(layer: &Layer, published: Option<PublishedCurve>) -> Plot {
    let of = |value: fn(&Group) -> Option<Estimate>| -> Vec<Point> {
        let point = |group: &Group| {
            let Estimate { mean, interval } = value(group)?;
            Some(Point { x: 100.0 * group.lc, y: mean, interval })
        };
        layer.groups.iter().filter_map(point).collect()
    };
    let chance =
        layer.groups.iter().filter_map(|group| Some(Point::at(100.0 * group.lc, group.cs2_null?)));
    let mut curves = vec![
        Curve::of_series("CS1", 0, of(|group| group.cs1)),
        Curve { dash: Dash::Whole, ..Curve::of_series("CS2", 1, of(|group| group.cs2)) },
        Curve {
            role: Role::Muted,
            dash: Dash::Dots,
            width: 1.2,
            ..Curve::of_series("CS2, all classes alike", 2, chance.collect()).plain()
        },
    ];
    for (at, name, points) in published.iter().flat_map(|published| {
        [(0, "CS1, published", published.cs1), (1, "CS2, published", published.cs2)]
    }) {
        let points = points.iter().map(|[lc, y]| Point::at(100.0 * lc, *y)).collect();
        let curve = Curve::of_series(name, at, points);
        curves.push(Curve { dash: Dash::Long, filled: false, width: 1.2, ..curve });
    }
    Plot {
        title: format!("CS1 and CS2 of the neurons of {}, by their LC", layer.layer),
        x: Scale::new("LC, hundredths", Ends::FromZero),
        y: Scale::new("cosine similarity", Ends::Fixed(0.0, 1.0)),
        curves,
        references: Vec::new(),
    }
}
