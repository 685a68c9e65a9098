//! A chart inside the page, in the colours of its style.

use super::markup::escape;
use crate::report::chart::Chart;
use crate::report::figures;

/// The markup; nothing where no point can be drawn.
pub(super) fn svg(chart: &Chart) -> String {
    match figures::chart(chart) {
        Ok(svg) if svg.is_empty() => svg,
        Ok(svg) => format!("<div class=\"chart\">\n{svg}</div>\n"),
        Err(error) => format!("<p class=\"note\">{}</p>\n", escape(&error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{Kind, Point, Series};

    fn chart(points: Vec<Point>) -> Chart {
        let series = Series { name: "CS1 <a>".into(), kind: Kind::First, points };
        Chart { title: "\"x\"".into(), x: "LC".into(), y: "cos".into(), series: vec![series] }
    }

    #[test]
    fn a_chart_is_drawn_in_the_pages_colours_and_no_name_is_markup() {
        let points = [0.0, 0.5, 1.0].map(|at| Point { x: at, y: at, interval: Some([at, 1.0]) });
        let drawn = svg(&chart(points.to_vec()));
        assert!(drawn.starts_with("<div class=\"chart\">\n<svg "), "{drawn}");
        assert!(drawn.contains("var(--first)") && drawn.contains("&quot;x&quot;"), "{drawn}");
        assert!(!drawn.contains("<a>"), "{drawn}");
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(svg(&chart(vec![Point { x: f64::NAN, y: 1.0, interval: None }])), "");
    }
}
