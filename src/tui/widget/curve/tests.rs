//! What charts look like.

use proptest::prelude::*;

use super::*;
use crate::tui::fixture;

const NO_LIMITS: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn series(points: &[(u64, f64)]) -> Series {
    let mut series = Series::default();
    for (step, value) in points {
        series.push(*step, *step as f64, *value);
    }
    series
}

fn drawn(series: &Series, log: bool, ascii: bool, size: (u16, u16)) -> String {
    let theme = fixture::theme();
    let lines = [Line { name: "clean", series, role: Role::Real, intervals: &[] }];
    let mut title = vec!["loss".to_owned()];
    title.extend(log.then(|| "log".to_owned()));
    title.extend(["probe fgsm ε 4".to_owned(), "smoothing 0.8".to_owned()]);
    let curve = Curve {
        title: &title,
        lines: &lines,
        steps: steps_of(&lines),
        smoothing: 0,
        log,
        scale: 1.0,
        limits: NO_LIMITS,
        cursor: None,
        across: Across::STEPS,
        empty: "nothing measured yet",
        ascii,
        theme: &theme,
    };
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buffer = Buffer::empty(area);
    curve.draw(area, &mut buffer);
    fixture::text(&buffer)
}

#[test]
fn a_straight_line_goes_from_corner_to_corner() {
    let line = series(&(0..=100).map(|i| (i * 50, i as f64 / 25.0)).collect::<Vec<_>>());
    insta::assert_snapshot!(drawn(&line, false, false, (60, 11)));
    insta::assert_snapshot!(drawn(&line, false, true, (60, 11)));
}

#[test]
fn a_hole_breaks_the_line_and_is_marked_on_the_axis() {
    let mut points: Vec<_> = (0..=100).map(|i| (i, 2.0)).collect();
    for point in &mut points[40..60] {
        point.1 = f64::NAN;
    }
    insta::assert_snapshot!(drawn(&series(&points), false, false, (60, 9)));
}

#[test]
fn a_single_point_is_seen() {
    insta::assert_snapshot!(drawn(&series(&[(100, 0.5)]), false, false, (60, 9)));
}

#[test]
fn nothing_says_what_would_be_there() {
    assert!(drawn(&Series::default(), false, false, (60, 9)).contains("nothing measured yet"));
    let negative = series(&[(1, -1.0), (2, 0.0)]);
    assert!(drawn(&negative, true, false, (60, 9)).contains("nothing measured yet"));
}

#[test]
fn a_spike_among_five_hundred_thousand_points_is_drawn() {
    let points: Vec<_> = (0..500_000).map(|i| (i, if i == 250_000 { 10.0 } else { 1.0 })).collect();
    let text = drawn(&series(&points), false, false, (60, 12));
    let high = text.lines().find(|line| line.contains("10 ")).unwrap();
    assert!(high.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{text}");
}

#[test]
fn a_title_leaves_out_its_last_parts_but_never_the_scale() {
    let line = series(&[(1, 1.0), (2, 2.0)]);
    let title = |log, width| {
        let text = drawn(&line, log, false, (width, 8));
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(title(true, 60), "loss · log · probe fgsm ε 4 · smoothing 0.8");
    assert_eq!(title(true, 30), "loss · log · probe fgsm ε 4");
    assert_eq!(title(false, 30), "loss · probe fgsm ε 4");
    assert_eq!(title(true, 14), "loss · log");
    assert_eq!(title(true, 8), "loss · l");
}

#[test]
fn points_far_apart_are_not_smoothed() {
    let sparse = series(&[(100, 4.0), (200, 2.0), (300, 1.0)]);
    let theme = fixture::theme();
    let lines = [Line { name: "probe", series: &sparse, role: Role::Adversarial, intervals: &[] }];
    let curve = Curve {
        title: &["loss".to_owned()],
        lines: &lines,
        steps: steps_of(&lines),
        smoothing: 3,
        log: false,
        scale: 1.0,
        limits: NO_LIMITS,
        cursor: None,
        across: Across::STEPS,
        empty: "",
        ascii: false,
        theme: &theme,
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 10));
    curve.draw(buffer.area, &mut buffer);
    let text = fixture::text(&buffer);
    assert!(text.contains("1.000"), "{text}");
}

#[test]
fn a_series_that_ended_stands_nowhere_later() {
    let ended = series(&(0..=10).map(|i| (i * 10, 1.0)).collect::<Vec<_>>());
    assert!(standing_at(&ended, 109).is_some());
    assert!(standing_at(&ended, 500).is_none());
    assert!(standing_at(&Series::default(), 5).is_none());
}

#[test]
fn labels_move_apart_and_keep_their_order() {
    let label = |row: u16, text: &str| (row, text.to_owned(), Style::default());
    let labels = vec![label(3, "b"), label(3, "c"), label(0, "a"), label(4, "d")];
    let moved = without_collisions(labels, 5);
    let rows: Vec<_> = moved.iter().map(|(row, text, _)| (*row, text.as_str())).collect();
    assert_eq!(rows, [(0, "a"), (2, "b"), (3, "c"), (4, "d")]);
}

proptest! {
    #[test]
    fn no_data_and_no_size_panics(
        points in prop::collection::vec((0_u64..u64::MAX, any::<f64>()), 0..30),
        log: bool,
        size in (0_u16..120, 0_u16..40),
    ) {
        let mut points = points;
        points.sort_by_key(|point| point.0);
        drawn(&series(&points), log, false, size);
    }
}

#[test]
fn no_value_over_epsilon_stands_where_nothing_was_measured() {
    let (whole, short) = (series(&[(0, 0.9), (800, 0.25)]), series(&[(0, 0.9), (400, 0.125)]));
    let line = |series| Line { name: "pgd", series, role: Role::Series1, intervals: &[] };
    let lines = [line(&whole), line(&short)];
    let theme = fixture::theme();
    let drawn = |across| {
        let curve = Curve {
            title: &["top-1".to_owned()],
            lines: &lines,
            steps: 0..=800,
            smoothing: 0,
            log: false,
            scale: 1.0,
            limits: (0.0, 1.0),
            cursor: None,
            across,
            empty: "",
            ascii: false,
            theme: &theme,
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 12));
        curve.draw(buffer.area, &mut buffer);
        fixture::text(&buffer)
    };
    let text = drawn(Across { word: "ε", per_unit: 100, ends: true });
    assert!(text.contains("0.2500") && !text.contains("0.1250"), "{text}");
    let text = drawn(Across::STEPS);
    assert!(text.contains("0.2500") && text.contains("0.1250"), "{text}");
}

#[test]
fn a_chart_over_epsilon_has_fractions_below_intervals_around_and_a_mark() {
    let top1 = series(&[(0, 0.92), (50, 0.71), (100, 0.48), (200, 0.2), (400, 0.03)]);
    let intervals = [(0, 0.9, 0.94), (100, 0.38, 0.58), (400, 0.0, 0.1)];
    let lines = [Line { name: "pgd", series: &top1, role: Role::Series1, intervals: &intervals }];
    let theme = fixture::theme();
    let curve = Curve {
        title: &["top-1".to_owned()],
        lines: &lines,
        steps: 0..=400,
        smoothing: 0,
        log: false,
        scale: 1.0,
        limits: (0.0, 1.0),
        cursor: Some(150),
        across: Across { word: "ε", per_unit: 100, ends: true },
        empty: "",
        ascii: false,
        theme: &theme,
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 11));
    curve.draw(buffer.area, &mut buffer);
    insta::assert_snapshot!(fixture::text(&buffer));
}

#[test]
fn ends_that_say_nothing_are_not_told_and_what_is_compared_with_stands_last() {
    let (chance, own) = (series(&[(0, 0.0), (100, 1.0)]), series(&[(0, 0.4), (100, 1.0)]));
    let line = |name, series, role| Line { name, series, role, intervals: &[] };
    let lines = [line("chance", &chance, Role::Muted), line("distance 0.881", &own, Role::Series1)];
    let theme = fixture::theme();
    let curve = Curve {
        title: &["roc".to_owned()],
        lines: &lines,
        steps: 0..=100,
        smoothing: 0,
        log: false,
        scale: 1.0,
        limits: (0.0, 1.0),
        cursor: None,
        across: Across { word: "real", per_unit: 100, ends: false },
        empty: "",
        ascii: false,
        theme: &theme,
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 12));
    curve.draw(buffer.area, &mut buffer);
    let text = fixture::text(&buffer);
    assert!(text.contains("distance 0.881  ━ chance") && !text.contains("1.000"), "{text}");
}
