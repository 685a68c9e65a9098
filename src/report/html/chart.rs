//! A chart as SVG inside the page: no scripts, colours from the page's style.

use std::fmt::Write as _;

use super::markup::escape;
use crate::report::chart::{Chart, Kind, Point, Series};

/// The drawing's size in its own units; on the page it is as wide as there is room.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
/// Where the curves are drawn: left, top, right, bottom.
const AREA: [f64; 4] = [52.0, 12.0, 628.0, 252.0];
const MARK: f64 = 3.5;

/// The markup; nothing where no point can be drawn.
pub(super) fn svg(chart: &Chart) -> String {
    let points = || chart.series.iter().flat_map(|series| &series.points).filter(|p| p.is_finite());
    if points().next().is_none() {
        return String::new();
    }
    let top = |of: fn(&Point) -> f64| axis(points().map(of).fold(0.0, f64::max));
    let scale = Scale {
        x: top(|point| point.x),
        y: top(|point| point.interval.map_or(point.y, |interval| interval[1].max(point.y))),
    };
    let mut out = format!(
        "<div class=\"chart\">\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{}\">\n",
        escape(&chart.title)
    );
    axes(&mut out, chart, &scale);
    for series in &chart.series {
        curve(&mut out, series, &scale);
    }
    out += "</svg>\n";
    legend(&mut out, chart);
    out += "</div>\n";
    out
}

/// An axis from 0: where it ends, and the distance of its marks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    end: f64,
    step: f64,
}

/// A round end at or above `most`, and four to ten marks.
fn axis(most: f64) -> Axis {
    if most <= 0.0 {
        return Axis { end: 1.0, step: 0.2 };
    }
    let size = 10_f64.powf((most / 4.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * size);
    // The widest step that still gives four marks.
    let step = step.into_iter().rev().find(|step| most / step >= 4.0 - 1e-9).unwrap_or(size);
    Axis { end: (most / step - 1e-9).ceil() * step, step }
}

struct Scale {
    x: Axis,
    y: Axis,
}

impl Scale {
    fn place(&self, x: f64, y: f64) -> [f64; 2] {
        let [left, top, right, bottom] = AREA;
        [left + (right - left) * x / self.x.end, bottom - (bottom - top) * y / self.y.end]
    }
}

fn axes(out: &mut String, chart: &Chart, scale: &Scale) {
    let [left, top, right, bottom] = AREA;
    let line = |out: &mut String, class: &str, from: [f64; 2], to: [f64; 2]| {
        let ([x1, y1], [x2, y2]) = (from, to);
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" \
             y2=\"{y2:.1}\"></line>"
        );
    };
    let text = |out: &mut String, anchor: &str, [x, y]: [f64; 2], text: &str| {
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    };
    for value in marks(scale.y) {
        let [_, y] = scale.place(0.0, value);
        line(out, "grid", [left, y], [right, y]);
        text(out, "end", [left - 6.0, y + 4.0], &label(value, scale.y.step));
    }
    for value in marks(scale.x) {
        let [x, _] = scale.place(value, 0.0);
        line(out, "axis", [x, bottom], [x, bottom + 4.0]);
        text(out, "middle", [x, bottom + 17.0], &label(value, scale.x.step));
    }
    line(out, "axis", [left, bottom], [right, bottom]);
    text(out, "middle", [f64::midpoint(left, right), HEIGHT - 8.0], &chart.x);
    let (x, y) = (14.0, f64::midpoint(top, bottom));
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">{}</text>",
        escape(&chart.y)
    );
}

fn marks(axis: Axis) -> impl Iterator<Item = f64> {
    let count = (axis.end / axis.step).round() as usize;
    (0..=count).map(move |mark| mark as f64 * axis.step)
}

/// With as many digits as the distance of the marks needs.
fn label(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::First => "first",
        Kind::Second => "second",
        Kind::Chance => "chance",
        Kind::PublishedFirst => "first published",
        Kind::PublishedSecond => "second published",
    }
}

fn curve(out: &mut String, series: &Series, scale: &Scale) {
    let points: Vec<&Point> = series.points.iter().filter(|point| point.is_finite()).collect();
    let _ = writeln!(out, "<g class=\"{}\">", class(series.kind));
    let places = points.iter().map(|point| {
        let [x, y] = scale.place(point.x, point.y);
        format!("{x:.1},{y:.1}")
    });
    let _ =
        writeln!(out, "<polyline points=\"{}\"></polyline>", places.collect::<Vec<_>>().join(" "));
    for point in points {
        let [x, y] = scale.place(point.x, point.y);
        if let Some([low, high]) = point.interval {
            let ([_, low], [_, high]) = (scale.place(point.x, low), scale.place(point.x, high));
            let _ = writeln!(
                out,
                "<line class=\"interval\" x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" \
                 y2=\"{high:.1}\"></line>"
            );
        }
        mark(out, series.kind, [x, y]);
    }
    out.push_str("</g>\n");
}

/// Round for the first, square for the second, none for chance.
fn mark(out: &mut String, kind: Kind, [x, y]: [f64; 2]) {
    let _ = match kind {
        Kind::First | Kind::PublishedFirst => {
            writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{MARK}\"></circle>")
        }
        Kind::Second | Kind::PublishedSecond => writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{side}\" height=\"{side}\"></rect>",
            x - MARK,
            y - MARK,
            side = 2.0 * MARK
        ),
        Kind::Chance => Ok(()),
    };
}

fn legend(out: &mut String, chart: &Chart) {
    out.push_str("<p class=\"legend\">");
    for series in &chart.series {
        let _ = write!(
            out,
            "<span><svg viewBox=\"0 0 28 12\" aria-hidden=\"true\"><g class=\"{}\">\
             <polyline points=\"1,6 27,6\"></polyline>",
            class(series.kind)
        );
        mark(out, series.kind, [14.0, 6.0]);
        let _ = write!(out, "</g></svg>{}</span> ", escape(&series.name));
    }
    out.push_str("</p>\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chart(points: Vec<Point>) -> Chart {
        let series = Series { name: "CS1 <a>".into(), kind: Kind::First, points };
        Chart { title: "\"x\"".into(), x: "LC".into(), y: "cos".into(), series: vec![series] }
    }

    fn point(x: f64, y: f64) -> Point {
        Point { x, y, interval: None }
    }

    #[test]
    fn points_stand_where_their_values_are() {
        let drawn = svg(&chart(vec![point(0.0, 0.0), point(0.5, 1.0), point(1.0, 0.5)]));
        assert!(
            drawn.contains("<polyline points=\"52.0,252.0 340.0,12.0 628.0,132.0\">"),
            "{drawn}"
        );
        assert!(drawn.contains("CS1 &lt;a&gt;") && drawn.contains("aria-label=\"&quot;x&quot;\""));
        assert!(drawn.contains(">0.2</text>") && drawn.contains(">1.0</text>"), "{drawn}");
    }

    #[test]
    fn an_interval_is_a_line_through_its_point() {
        let with = Point { interval: Some([0.25, 0.75]), ..point(1.0, 0.5) };
        let drawn = svg(&chart(vec![point(0.0, 1.0), with]));
        let line = "class=\"interval\" x1=\"628.0\" y1=\"192.0\" x2=\"628.0\" y2=\"72.0\"";
        assert!(drawn.contains(line), "{drawn}");
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(svg(&chart(vec![point(f64::NAN, 1.0), point(1.0, f64::INFINITY)])), "");
        let drawn = svg(&chart(vec![point(f64::NAN, 1.0), point(1.0, 1.0)]));
        assert!(!drawn.contains("NaN") && drawn.contains("<circle"), "{drawn}");
    }

    proptest! {
        #[test]
        fn an_axis_is_round_and_holds_its_values(most in 1e-9..1e9_f64) {
            let Axis { end, step } = axis(most);
            prop_assert!(end >= most * (1.0 - 1e-6), "{end} {most}");
            let marks = (end / step).round();
            prop_assert!((4.0..=10.0).contains(&marks), "{marks} marks of {step} for {most}");
            prop_assert!((end / step - marks).abs() < 1e-6);
        }
    }
}
