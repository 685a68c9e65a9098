//! The region at every size, in every state of a run.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::tui::fixture::{self, FAILED, FINISHED, QUEUED, RUNNING};
use crate::tui::pictures;

fn drawn(selected: &str, compared: &[&str], actions: &[Action], size: (u16, u16)) -> String {
    let (world, theme) = (fixture::world(Path::new("/none")), fixture::theme());
    let compared: Vec<String> = compared.iter().map(|id| (*id).to_owned()).collect();
    let pictures = pictures::Cache::default();
    let scene =
        Scene { world: &world, selected: Some(selected), compared: &compared, pictures: &pictures };
    let mut state = State::default();
    for action in actions {
        assert!(act(&mut state, *action, &scene).is_some(), "{action:?} is not done here");
    }
    let area = Rect::new(0, 0, size.0, size.1);
    let mut buf = Buffer::empty(area);
    let log = if size.1 > 20 { 6 } else { 0 };
    let upper = Rect { height: size.1 - log, ..area };
    let lower = Rect { y: upper.height, height: log, ..area };
    let mut view = View::default();
    let context = fixture::context(&theme);
    draw(&state, &scene, &context, upper, &mut buf, &mut view);
    draw_log(&state, &scene, &context, lower, &mut buf, &mut view);
    fixture::text(&buf)
}

#[test]
fn a_running_run_at_every_size() {
    for size in fixture::SIZES {
        let name = format!("running_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, drawn(RUNNING, &[], &[], size));
    }
}

#[test]
fn a_finished_run_shows_its_results_on_a_logarithmic_scale() {
    let actions = [Action::LogScale, Action::SmoothOff];
    insta::assert_snapshot!(drawn(FINISHED, &[], &actions, (120, 40)));
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    insta::assert_snapshot!(drawn(FAILED, &[], &[], (80, 24)));
}

#[test]
fn a_queued_run_says_what_it_waits_for() {
    insta::assert_snapshot!(drawn(QUEUED, &[], &[], (80, 24)));
}

#[test]
fn compared_runs_lie_over_one_another_under_one_cursor() {
    let actions = [Action::Left, Action::Left, Action::Left];
    let compared = [RUNNING, FINISHED, FAILED];
    insta::assert_snapshot!(drawn(RUNNING, &compared, &actions, (120, 40)));
}

#[test]
fn the_cursor_walks_over_measured_points_and_leaves_with_back() {
    let world = fixture::world(Path::new("/none"));
    let pictures = pictures::Cache::default();
    let scene =
        Scene { world: &world, selected: Some(RUNNING), compared: &[], pictures: &pictures };
    let mut state = State::default();
    let mut press = |action| {
        let mine = act(&mut state, action, &scene).is_some();
        (mine, state.cursor)
    };
    assert_eq!(press(Action::Back), (false, None));
    assert_eq!(press(Action::Left), (true, Some(17_400)));
    assert_eq!(press(Action::Right), (true, Some(17_400)));
    let (_, step) = press(Action::Left);
    assert!(step.unwrap() < 17_400 && step.unwrap().is_multiple_of(20));
    assert_eq!(press(Action::First), (true, Some(0)));
    assert_eq!(press(Action::Left), (true, Some(0)));
    assert_eq!(press(Action::Back), (true, None));
}

#[test]
fn a_click_into_a_curve_puts_the_cursor_there() {
    let (world, theme) = (fixture::world(Path::new("/none")), fixture::theme());
    let pictures = pictures::Cache::default();
    let scene =
        Scene { world: &world, selected: Some(RUNNING), compared: &[], pictures: &pictures };
    let mut state = State::default();
    let area = Rect::new(0, 0, 80, 24);
    let mut view = View::default();
    draw(&state, &scene, &fixture::context(&theme), area, &mut Buffer::empty(area), &mut view);
    let hit = view.at(40, 6).unwrap();
    click(&mut state, hit, &scene);
    let step = state.cursor.unwrap();
    assert!((8_000..10_000).contains(&step), "{step}");
}

#[test]
fn a_small_region_keeps_curves_before_results() {
    let rows = Rows::share(11, 3, [4, 4], true);
    assert_eq!(rows, Rows { charts: 7, gauges: 3, numbers: 1, results: 0 });
    let rows = Rows::share(30, 3, [4, 4], true);
    assert_eq!(rows, Rows { charts: 21, gauges: 3, numbers: 1, results: 4 });
    // Of nine rows of warnings there is room for three.
    let rows = Rows::share(18, 3, [4, 13], true);
    assert_eq!(rows, Rows { charts: 6, gauges: 3, numbers: 1, results: 7 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_size_panics(width in 0_u16..260, height in 0_u16..80, run in 0_usize..5, compare: bool) {
        let selected = [RUNNING, FINISHED, FAILED, QUEUED, "unknown"][run];
        let compared: &[&str] = if compare { &[FINISHED, QUEUED, FAILED] } else { &[] };
        drawn(selected, compared, &[Action::Left, Action::LogScale], (width, height));
    }
}
