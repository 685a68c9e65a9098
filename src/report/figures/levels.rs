//! Figure 10 (SCIENCE §4.2): CS1 and CS2 of groups of neurons along their LC, beside what chance
//! gives and what was published.

use super::plot::{Curve, Ends, Plot, Point, Scale};
use super::{Draft, Made, Names, Part};
use crate::error::Result;
use crate::report::chart::{self, Chart, Kind, Series};
use crate::report::drawing::{Dash, Ink, Role};
use crate::report::{Report, consistency};

/// One of each run and layer that has groups.
pub(super) fn figures(report: &Report) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    let names = Names::of(report.consistencies.iter().map(|of| of.run.as_str()));
    for of in &report.consistencies {
        for (at, layer) in of.result.layers.iter().enumerate() {
            let published = of.published(at);
            let plot = plot(&consistency::chart(layer, published));
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
                part: Part::Consistency,
                source: "results/consistency.json",
                made: Made::Drawing(plot.drawing()?),
            });
        }
    }
    Ok(drafts)
}

/// A chart drawn.
fn plot(chart: &Chart) -> Plot {
    let curve = |series: &Series| {
        let at = usize::from(matches!(series.kind, Kind::Second | Kind::PublishedSecond));
        let curve = Curve::of_series(&series.name, at, series.points.iter().map(point).collect());
        match series.kind {
            Kind::First | Kind::Second => Curve { dash: Dash::Whole, ..curve },
            Kind::Chance => {
                Curve { role: Role::Muted, dash: Dash::Dots, width: 1.2, ..curve }.plain()
            }
            Kind::PublishedFirst | Kind::PublishedSecond => {
                Curve { dash: Dash::Long, filled: false, width: 1.2, ..curve }
            }
        }
    };
    Plot {
        title: chart.title.clone(),
        x: Scale::new(&chart.x, Ends::FromZero),
        y: Scale::new(&chart.y, Ends::Fixed(0.0, 1.0)),
        curves: chart.series.iter().map(curve).collect(),
        references: Vec::new(),
    }
}

fn point(point: &chart::Point) -> Point {
    Point { x: point.x, y: point.y, interval: point.interval }
}

/// A chart of cosines as a page has it; nothing where no point can be drawn.
pub(in crate::report) fn svg(chart: &Chart) -> Result<String> {
    let plot = plot(chart);
    if plot.is_empty() { Ok(String::new()) } else { plot.drawing()?.svg(Ink::Page) }
}
