//! The runs screen: what its keys do.

use std::path::Path;

use super::*;
use crate::tui::fixture::{self, FAILED, FINISHED, QUEUED, RUNNING};
use crate::tui::pictures::Cache;

struct Bench {
    state: State,
    detail: run_detail::State,
    world: World,
}

impl Bench {
    fn new() -> Self {
        let world = fixture::world(Path::new("/runs"));
        let mut state = State::default();
        state.settle(&world);
        Self { state, detail: run_detail::State::default(), world }
    }

    fn act(&mut self, action: Action) -> Option<Vec<Effect>> {
        let (selected, compared) = (self.state.selected.clone(), self.state.compared());
        let pictures = Cache::default();
        let scene = Scene {
            world: &self.world,
            selected: selected.as_deref(),
            compared: &compared,
            pictures: &pictures,
        };
        act(&mut self.state, &mut self.detail, action, &scene, 10)
    }

    fn select(&mut self, id: &str) {
        self.state.selected = Some(id.into());
    }
}

#[test]
fn the_cursor_begins_at_a_run_that_is_at_work() {
    let mut bench = Bench::new();
    // A newer one only waits.
    bench.world.runs.swap(0, 1);
    bench.state = State::default();
    bench.state.settle(&bench.world);
    assert_ne!(bench.world.runs[0].info.id, RUNNING);
    assert_eq!(bench.state.selected.as_deref(), Some(RUNNING));
    bench.world.runs.retain(|run| run.info.id != RUNNING);
    bench.state.settle(&bench.world);
    assert_eq!(bench.state.selected, Some(bench.world.runs[0].info.id.clone()));
}

#[test]
fn the_bottom_line_offers_what_can_be_done_to_the_run() {
    let mut bench = Bench::new();
    let hints = |bench: &Bench, selected: Option<&str>| {
        let pictures = Cache::default();
        let world = &bench.world;
        hints(&bench.state, &Scene { world, selected, compared: &[], pictures: &pictures })
    };
    assert_eq!(hints(&bench, None), [Action::NewRun]);
    assert!(hints(&bench, Some(RUNNING)).contains(&Action::Pause));
    let mut paused = (*bench.world.runs[0]).clone();
    paused.status = Status::Paused;
    bench.world.runs.push(paused.clone().into());
    bench.world.runs.remove(0);
    let hints = hints(&bench, Some(&paused.info.id));
    assert!(hints.contains(&Action::Resume) && !hints.contains(&Action::Pause), "{hints:?}");
}

#[test]
fn a_filter_keeps_what_contains_it_or_what_does_not() {
    let mut bench = Bench::new();
    bench.act(Action::Filter);
    bench.state.filter.insert("FAILED");
    bench.state.settle(&bench.world);
    assert_eq!(bench.state.selected.as_deref(), Some(FAILED));
    assert_eq!(bench.state.shown(&bench.world).len(), 1);
    bench.act(Action::DeleteAll);
    bench.state.filter.insert("!failed");
    assert_eq!(bench.state.shown(&bench.world).len(), bench.world.runs.len() - 1);
    bench.act(Action::Back);
    assert_eq!(bench.state.shown(&bench.world).len(), bench.world.runs.len());
}

#[test]
fn pause_pauses_what_runs_and_says_so_of_what_does_not() {
    let mut bench = Bench::new();
    bench.select(RUNNING);
    let control = Effect::Control { run: RUNNING.into(), order: Order::Pause };
    assert_eq!(bench.act(Action::Pause), Some(vec![control]));
    bench.select(FINISHED);
    assert!(matches!(bench.act(Action::Pause).unwrap()[..], [Effect::Notify(_)]));
    bench.select(FAILED);
    let resume = Effect::ResumeRun { run: FAILED.into() };
    assert_eq!(bench.act(Action::Resume), Some(vec![resume]));
}

#[test]
fn two_marks_make_a_comparison_with_the_selected_run_first() {
    let mut bench = Bench::new();
    assert!(matches!(bench.act(Action::Compare).unwrap()[..], [Effect::Notify(_)]));
    for id in [RUNNING, FINISHED] {
        bench.select(id);
        bench.act(Action::Mark);
    }
    bench.select(FINISHED);
    bench.act(Action::Compare);
    assert_eq!(bench.state.compared(), [FINISHED, RUNNING]);
    bench.select(QUEUED);
    assert_eq!(bench.state.compared(), [RUNNING, FINISHED]);
    bench.act(Action::Back);
    assert!(bench.state.compared().is_empty());
    assert_eq!(bench.state.marked.len(), 2);
}

#[test]
fn a_run_that_is_gone_takes_mark_and_cursor_with_it() {
    let mut bench = Bench::new();
    bench.select(FAILED);
    bench.act(Action::Mark);
    bench.select(FAILED);
    bench.world.runs.retain(|run| run.info.id != FAILED);
    bench.state.settle(&bench.world);
    assert!(bench.state.marked.is_empty());
    assert_ne!(bench.state.selected.as_deref(), Some(FAILED));
}

#[test]
fn ids_are_shortened_and_anything_else_is_left_alone() {
    assert_eq!(short_name(RUNNING), "alexnet-consistent-7f3a");
    assert_eq!(short_name("my-own-folder"), "my-own-folder");
    assert_eq!(short_name(""), "");
    let reason = format!("waits for cpu: {RUNNING} (pid 7) has it");
    assert_eq!(short_names(&reason), "waits for cpu: alexnet-consistent-7f3a (pid 7) has it");
}

#[test]
fn a_waiting_run_is_not_asked_for_what_it_would_forget() {
    let mut bench = Bench::new();
    bench.select(QUEUED);
    for action in [Action::Pause, Action::Checkpoint] {
        let effects = bench.act(action).unwrap();
        let [Effect::Notify(notice)] = effects.as_slice() else { panic!("{effects:?}") };
        assert!(notice.text.contains("waits for its device"), "{}", notice.text);
    }
}

#[test]
fn a_copied_command_holds_no_command_of_a_file() {
    let mut bench = Bench::new();
    let evil = "20261123-141502-x; rm -rf ~";
    let mut run = (*bench.world.runs[0]).clone();
    run.info.id = evil.into();
    bench.world.runs.push(std::sync::Arc::new(run));
    bench.select(evil);
    let copy = Effect::Copy(format!("glassbox show '{evil}'"));
    assert_eq!(bench.act(Action::CopyCommand), Some(vec![copy]));
}

#[test]
fn folders_that_cannot_be_read_are_named_below_the_runs() {
    let mut bench = Bench::new();
    bench.world.unreadable = (0..5)
        .map(|n| (format!("2020010{n}-000000-bad-0000"), "damaged: the file \u{1b}ends".to_owned()))
        .collect();
    let theme = fixture::theme();
    let drawn = |bench: &Bench| {
        let pictures = Cache::default();
        let scene = Scene {
            world: &bench.world,
            selected: bench.state.selected.as_deref(),
            compared: &[],
            pictures: &pictures,
        };
        let area = Rect::new(0, 0, 60, 14);
        let (mut buf, mut view) = (Buffer::empty(area), View::default());
        list::draw(&bench.state, &scene, &fixture::context(&theme), area, &mut buf, &mut view);
        fixture::text(&buf)
    };
    let text = drawn(&bench);
    assert!(text.contains("! unreadable") && text.contains("damaged"), "{text}");
    assert!(text.contains("and 3 more"), "{text}");
    assert!(text.contains("running"), "{text}");
    // Also where there is nothing else.
    bench.world.runs.clear();
    bench.state.settle(&bench.world);
    let text = drawn(&bench);
    assert!(text.contains("No runs yet") && text.contains("! unreadable"), "{text}");
}
