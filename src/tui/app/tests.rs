//! The whole workbench without a terminal: messages in, effects and frames out.

#[cfg(test)]
mod trace;

use std::path::Path;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::draw;
use super::*;
use crate::run::live;
use crate::tui::action::Action;
use crate::tui::effect::Order;
use crate::tui::fixture::{self, RUNNING};
use crate::tui::message::{Gesture, Pointer};
use crate::tui::screen::{Click, View};
use crate::tui::theme::Depth;

fn setup(depth: Depth) -> Setup {
    Setup {
        themes: Theme::embedded(depth),
        theme: 0,
        glyphs: Glyphs::Unicode,
        keymap: Keymap::shipped(),
        readonly: false,
        mouse: true,
        pictures: true,
        around: Surroundings { folder: "/here".into(), home: None, variable: |_| None },
        command_suffix: String::new(),
        pinned: None,
        size: (120, 40),
    }
}

fn app_with(setup: Setup) -> App {
    let mut app = App::new(setup);
    app.update(Message::WorldChanged(Arc::new(fixture::world(Path::new("/runs")))));
    app.update(Message::MachineChanged(Machine {
        cpu: 0.42,
        memory_bytes: 3_300_000_000,
        memory_total_bytes: 8_000_000_000,
    }));
    app
}

fn app() -> App {
    app_with(setup(Depth::True))
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        let key = Key::parse(key).unwrap();
        let event = KeyEvent::new(key.code, key.modifiers);
        effects.extend(app.update(Message::KeyPressed(event)));
    }
    effects
}

fn frame(app: &App, (width, height): (u16, u16)) -> (Buffer, View) {
    let area = Rect::new(0, 0, width, height);
    let (mut buf, mut view) = (Buffer::empty(area), View::default());
    draw(app, area, &mut buf, &mut view);
    (buf, view)
}

fn shown(app: &App) -> String {
    fixture::text(&frame(app, (120, 40)).0)
}

#[test]
fn two_keys_start_the_quickstart() {
    let effects = press(&mut app(), "n Enter");
    let starts = effects.iter().filter(|e| matches!(e, Effect::StartRun { .. })).count();
    assert_eq!(starts, 1, "{effects:?}");
}

#[test]
fn a_started_run_is_selected_as_soon_as_it_shows_up() {
    let mut app = app();
    press(&mut app, "2");
    app.update(Message::RunStarted("20261124-000000-new-0000".into()));
    assert_eq!(app.screen, ScreenId::Runs);
    let mut world = fixture::world(Path::new("/runs"));
    let mut new = (*world.runs[0]).clone();
    new.info.id = "20261124-000000-new-0000".into();
    world.runs.insert(0, Arc::new(new));
    let effects = app.update(Message::WorldChanged(Arc::new(world)));
    assert_eq!(app.runs.selected.as_deref(), Some("20261124-000000-new-0000"));
    assert!(effects.contains(&Effect::Follow(vec!["20261124-000000-new-0000".into()])));
}

#[test]
fn a_mistake_in_an_edited_spec_costs_nothing_that_was_typed() {
    let mut app = app();
    let wrong = "[train]\nepocs = 3\n".to_owned();
    app.update(Message::SpecEdited(wrong.clone()));
    let text = shown(&app);
    assert!(text.contains("spec.toml:2") && text.contains("'epocs'"), "{text}");
    assert_eq!(press(&mut app, "Enter"), [Effect::EditAgain { spec: wrong.clone() }]);
    // Nothing is started by mistake either, and an answer drops the changes.
    app.update(Message::SpecEdited(wrong));
    assert_eq!(press(&mut app, "j Enter"), []);
    let right = "[data]\nformat = \"shapes\"\n[train]\nepochs = 3\n".to_owned();
    app.update(Message::SpecEdited(right.clone()));
    assert_eq!(press(&mut app, "Enter"), [Effect::StartEdited { spec: right.clone() }]);
    let why = "'data.path' does not exist".to_owned();
    app.update(Message::SpecRefused { spec: right.clone(), why });
    assert!(shown(&app).contains("'data.path' does not exist"));
    assert_eq!(press(&mut app, "Enter"), [Effect::EditAgain { spec: right }]);
}

#[test]
fn stop_asks_and_escape_destroys_nothing() {
    let mut app = app();
    app.runs.selected = Some(RUNNING.into());
    assert!(!press(&mut app, "x Esc").iter().any(|e| matches!(e, Effect::Control { .. })));
    let effects = press(&mut app, "x Enter");
    assert!(effects.contains(&Effect::Control { run: RUNNING.into(), order: Order::Stop }));
    app.runs.selected = Some(fixture::QUEUED.into());
    press(&mut app, "x");
    let text = shown(&app);
    assert!(text.contains("leave the queue") && !text.contains("checkpoint and end"), "{text}");
}

#[test]
fn quitting_asks_while_runs_are_going_and_leaves_them_alone() {
    let mut app = app();
    assert!(!press(&mut app, "q").contains(&Effect::Quit));
    assert_eq!(press(&mut app, "Enter"), [Effect::Quit]);
    let mut idle = App::new(setup(Depth::True));
    assert_eq!(press(&mut idle, "q"), [Effect::Quit]);
}

#[test]
fn readonly_starts_and_stops_nothing_and_says_so() {
    let mut app = app_with(Setup { readonly: true, ..setup(Depth::True) });
    app.runs.selected = Some(RUNNING.into());
    for keys in ["p", "x Enter", "n", "2 Enter", "r", "1 r", "K", "q j Enter"] {
        let effects = press(&mut app, keys);
        let changes = effects.iter().any(|e| {
            matches!(e, Effect::StartRun { .. } | Effect::ResumeRun { .. } | Effect::Control { .. })
        });
        assert!(!changes, "{keys}: {effects:?}");
    }
    press(&mut app, "Esc Esc 1 p");
    assert!(shown(&app).contains("read-only: no run is started"));
}

#[test]
fn letters_go_into_a_field_and_do_nothing_else() {
    let mut app = app();
    press(&mut app, "/ q x 1");
    assert_eq!(app.runs.filter.text(), "qx1");
    assert_eq!(app.screen, ScreenId::Runs);
    app.update(Message::Pasted("\x1b[31mab\n".into()));
    assert_eq!(app.runs.filter.text(), "qx1[31mab ");
}

#[test]
fn a_chord_waits_where_it_can_be_seen() {
    let keys = "keys = [ { on = \"g g\", do = \"first\" } ]";
    let keymap = Keymap::with_user("settings.toml", keys).unwrap();
    let mut app = app_with(Setup { keymap, ..setup(Depth::True) });
    press(&mut app, "G g");
    let text = shown(&app);
    assert_eq!(text.lines().last(), Some(" g…"));
    press(&mut app, "g");
    assert_eq!(app.runs.selected, Some(app.world.runs[0].info.id.clone()));
}

#[test]
fn the_bottom_line_follows_the_keymap() {
    let keys = "keys = [ { on = \"F5\", do = \"new_run\" }, { on = \"n\", do = \"none\" } ]";
    let keymap = Keymap::with_user("settings.toml", keys).unwrap();
    let app = app_with(Setup { keymap, ..setup(Depth::True) });
    assert!(shown(&app).lines().last().unwrap().contains("F5 new"));
}

#[test]
fn settings_that_cannot_be_used_are_pinned_until_dismissed() {
    let pinned = Some("settings.toml:3: unknown action 'quti'".to_owned());
    let mut app = app_with(Setup { pinned, ..setup(Depth::True) });
    assert!(shown(&app).contains("settings.toml:3"));
    press(&mut app, "Esc");
    assert!(!shown(&app).contains("settings.toml:3"));
}

#[test]
fn each_settings_problem_has_one_sign() {
    let long = "settings.toml:2: ".to_owned() + &"much to say ".repeat(10);
    let pinned = Some(format!("{long}\nsettings.toml:3: x"));
    let text = shown(&app_with(Setup { pinned, ..setup(Depth::True) }));
    let signs: Vec<&str> = text.lines().skip(1).take(3).map(|line| &line[..3]).collect();
    assert_eq!(signs, [" ! ", "   ", " ! "], "{text}");
}

#[test]
fn escape_and_the_next_key_in_one_piece_are_two_keys() {
    let mut app = app();
    press(&mut app, "Enter Alt-2");
    assert_eq!((app.runs.focus, app.screen), (runs::Focus::List, ScreenId::Launch));
    press(&mut app, "1 / a Alt-b");
    assert_eq!(app.runs.filter.text(), "a");
    press(&mut app, "Esc");
    // Where Alt means something itself, it does that.
    let keys = "keys = [ { on = \"Alt-1\", do = \"show_neurons\" } ]";
    let keymap = Keymap::with_user("settings.toml", keys).unwrap();
    let mut app = app_with(Setup { keymap, ..setup(Depth::True) });
    press(&mut app, "Alt-1");
    assert_eq!(app.screen, ScreenId::Neurons);
}

#[test]
fn the_bottom_line_says_what_enter_does_here() {
    let mut app = app();
    for (keys, words) in [
        ("1", "Enter open"),
        ("2", "Tab values"),
        ("Tab", "Enter change"),
        ("Enter", "Enter keep  Esc undo"),
        ("Esc ?", "Enter do it  Esc close"),
        ("Esc 1 /", "Enter keep  Esc show all"),
        ("Esc q", "Enter choose  n close"),
    ] {
        press(&mut app, keys);
        let text = shown(&app);
        assert!(text.lines().last().unwrap().contains(words), "{keys}: {text}");
    }
}

#[test]
fn an_error_stays_until_a_key_and_a_notice_until_its_time() {
    let mut app = app();
    app.update(Message::Noticed(Notice::error("no space left")));
    app.update(Message::Noticed(Notice::info("copied")));
    app.update(Message::ToastExpired);
    let text = shown(&app);
    assert!(text.contains("no space left") && !text.contains("copied"));
    press(&mut app, "j");
    assert!(!shown(&app).contains("no space left"));
    app.update(Message::Noticed(Notice::error("no space left")));
    app.take_dirty();
    let pointer = Pointer { gesture: Gesture::Press, on: None, column: 0, row: 0 };
    app.update(Message::Pointed(pointer));
    assert!(app.take_dirty() && !shown(&app).contains("no space left"));
}

#[test]
fn of_news_the_last_is_shown_for_its_whole_time() {
    let mut app = app();
    press(&mut app, "T");
    let first = app.passing_toast();
    press(&mut app, "T");
    assert_ne!(app.passing_toast(), first);
    let text = shown(&app);
    assert!(text.contains("theme high-contrast") && !text.contains("theme light"), "{text}");
}

#[test]
fn a_notice_leaves_frames_and_what_launch_says_of_a_value_alone() {
    let mut app = app();
    press(&mut app, "2 j j Enter");
    let text = shown(&app);
    assert!(text.contains("╭ error ─"), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    // The explanation stands below, whole, and the corner is the frame's own.
    assert!(lines[35].contains("'data.path' needs $CIFAR10, which is not set"), "{text}");
    assert!(lines[38].ends_with("──╯") && !lines[38].contains("╰╯"), "{text}");
}

#[test]
fn runs_that_cannot_be_read_are_not_passed_over_in_silence() {
    let mut app = app();
    let mut world = fixture::world(Path::new("/runs"));
    let reason = "it was written by glassbox 9.0.0 in format 99".to_owned();
    world.unreadable = vec![("20261120-070000-future-1111".into(), reason)];
    app.update(Message::WorldChanged(Arc::new(world.clone())));
    assert!(shown(&app).contains("! unreadable  future-1111: it was"), "{}", shown(&app));
    world.unreadable.push(("bad".into(), "x".into()));
    app.update(Message::WorldChanged(Arc::new(world)));
    let text = fixture::text(&frame(&app, (60, 15)).0);
    assert!(text.contains("! unreadable  bad: x"), "{text}");
}

#[test]
fn text_from_files_cannot_command_the_terminal() {
    let mut app = app();
    app.update(Message::Noticed(Notice::error("\x1b]0;owned\x07\u{9b}31m")));
    let mut world = fixture::world(Path::new("/runs"));
    let mut evil = (*world.runs[0]).clone();
    evil.info.id = "20261124-000000-\x1b[2J\u{202e}evil-0000".into();
    world.runs.insert(0, Arc::new(evil));
    app.update(Message::WorldChanged(Arc::new(world)));
    let (buf, _) = frame(&app, (120, 40));
    for cell in &buf.content {
        assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
    }
}

#[test]
fn a_click_on_a_hint_a_tab_and_a_row_does_what_it_says() {
    let mut app = app();
    let (_, view) = frame(&app, (120, 40));
    let click = |app: &mut App, wanted: Click| {
        let (area, on) = view.clicks.iter().rev().find(|(_, c)| *c == wanted).unwrap();
        let (column, row) = (area.x, area.y);
        let pointer = Pointer { gesture: Gesture::Press, on: Some(*on), column, row };
        app.update(Message::Pointed(pointer))
    };
    click(&mut app, Click::Row(Place::Runs, 2));
    assert_eq!(app.runs.selected, Some(app.world.runs[2].info.id.clone()));
    click(&mut app, Click::Do(Action::ShowLaunch));
    assert_eq!(app.screen, ScreenId::Launch);
    click(&mut app, Click::Do(Action::Help));
    assert!(app.overlay.is_some());
}

#[test]
fn what_changes_nothing_that_is_shown_draws_nothing() {
    let mut app = app();
    let same = app.machine.unwrap();
    app.take_dirty();
    app.update(Message::MachineChanged(same));
    app.update(Message::ToastExpired);
    let mut released = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    released.kind = crossterm::event::KeyEventKind::Release;
    app.update(Message::KeyPressed(released));
    assert!(!app.take_dirty());
}

#[test]
fn ascii_draws_only_ascii() {
    let mut app = app_with(Setup { glyphs: Glyphs::Ascii, ..setup(Depth::True) });
    for keys in ["1", "2", "3", "3 Tab", "4", "5", "6", "?", "Esc", "1 Enter"] {
        press(&mut app, keys);
        let text = shown(&app);
        assert!(text.is_ascii(), "{keys}: {:?}", text.chars().find(|c| !c.is_ascii()));
    }
}

/// What leads to each picture that is kept.
const SCREENS: [(&str, &str); 11] = [
    ("runs", "1"),
    ("details", "1 Enter"),
    ("launch", "n"),
    ("form", "n Tab j j j j Enter"),
    ("attack", "3"),
    ("accuracy", "3 Tab"),
    ("neurons", "4"),
    ("concepts", "5"),
    ("trace", "6"),
    ("help", "?"),
    ("quit", "q"),
];

#[test]
fn screens_look_as_they_did() {
    for (name, keys) in SCREENS {
        for size in [(60, 15), (80, 24), (120, 40), (200, 50)] {
            let mut app = app();
            app.update(Message::Resized(size.0, size.1));
            press(&mut app, keys);
            let text = fixture::text(&frame(&app, size).0);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
        }
    }
}

#[test]
fn themes_look_as_they_did() {
    for (index, theme) in ["dark", "light", "high-contrast"].into_iter().enumerate() {
        let app = app_with(Setup { theme: index, ..setup(Depth::True) });
        insta::assert_debug_snapshot!(format!("styles_{theme}"), frame(&app, (80, 24)).0);
    }
    let app = app_with(setup(Depth::None));
    insta::assert_debug_snapshot!("styles_no_color", frame(&app, (80, 24)).0);
}

/// A seeded stream of numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }
}

/// Something that the small worker could say, in or out of place.
fn some_answer(dice: &mut Dice) -> live::Answer {
    let classes: Vec<String> = (0..10).map(|class| format!("class {class}")).collect();
    match dice.roll(5) {
        0 => {
            let labels = (0..40).map(|at| at % 12).collect();
            let (weights, device) = ("w".into(), "cpu".into());
            live::Answer::Ready { images: 40, classes, labels, weights, device }
        }
        1 => live::Answer::Refused { id: dice.roll(40), why: "no".into() },
        2 => live::Answer::Failed { why: "gone".into() },
        _ => live::Answer::Attacked(Box::new(live::Attacked {
            id: dice.roll(40),
            image: dice.roll(50) as usize,
            attack: "fgsm ε 4".into(),
            label: dice.roll(12) as u32,
            clean: (0..dice.roll(12)).map(|_| dice.roll(100) as f32 / 100.0).collect(),
            adversarial: vec![0.5, f32::NAN],
            linf: 4.0,
            l2: 1.0,
            took_ms: dice.roll(1000),
            original_file: "/none/a.png".into(),
            adversarial_file: "/none/b.png".into(),
        })),
    }
}

#[test]
fn the_attack_screen_asks_is_answered_and_ends_its_worker() {
    let mut app = app_with(Setup { readonly: true, ..setup(Depth::True) });
    app.runs.selected = Some(fixture::FINISHED.into());
    assert!(!press(&mut app, "3 j j").iter().any(|e| matches!(e, Effect::Attack { .. })));
    // It starts no run: read-only does not forbid it.
    let effects = press(&mut app, "Enter");
    assert!(effects.iter().any(|e| matches!(e, Effect::Attack { .. })), "{effects:?}");
    assert!(shown(&app).contains("loading the network…"));
    assert!(press(&mut app, "+").iter().any(|e| matches!(e, Effect::Attack { .. })));
    app.take_dirty();
    let old = live::Answer::Refused { id: 1, why: "old".into() };
    app.update(Message::AttackAnswered { run: fixture::FINISHED.into(), asked: 1, answer: old });
    assert!(!app.take_dirty() && !shown(&app).contains("refused"));
    let mistaken = live::Answer::Refused { id: 2, why: "new".into() };
    app.update(Message::AttackAnswered {
        run: fixture::FINISHED.into(),
        asked: 2,
        answer: mistaken,
    });
    assert!(shown(&app).contains("refused: new"));
    assert!(!press(&mut app, "4").contains(&Effect::EndAttacks));
    assert!(press(&mut app, "1 k").contains(&Effect::EndAttacks));
    press(&mut app, "j 3 Enter");
    let effects = press(&mut app, "q Enter");
    assert_eq!(effects[..2], [Effect::EndAttacks, Effect::Quit]);
}

#[test]
fn a_worker_that_died_before_the_newest_question_is_passed_over() {
    let mut app = app();
    app.runs.selected = Some(fixture::FINISHED.into());
    press(&mut app, "3 j j Enter +");
    let died = |asked| Message::AttackAnswered {
        run: fixture::FINISHED.into(),
        asked,
        answer: live::Answer::Failed { why: "it died".into() },
    };
    app.take_dirty();
    app.update(died(1));
    assert!(!app.take_dirty() && !shown(&app).contains("worker ended"), "{}", shown(&app));
    app.update(died(2));
    assert!(app.take_dirty() && shown(&app).contains("worker ended"), "{}", shown(&app));
}

#[test]
fn the_attack_worker_makes_room_for_a_run_that_starts() {
    let mut app = app();
    app.runs.selected = Some(fixture::FINISHED.into());
    let spec = "spec".to_owned();
    let starts = [
        Effect::StartRun { spec: "quickstart".into() },
        Effect::StartEdited { spec },
        Effect::ResumeRun { run: fixture::FAILED.into() },
    ];
    for start in starts {
        assert_eq!(app.follow_up(vec![start.clone()])[0], start, "there is no worker");
        press(&mut app, "3 j j Enter");
        assert_eq!(app.follow_up(vec![start.clone()])[..2], [Effect::EndAttacks, start]);
    }
}

#[test]
fn letters_typed_into_the_attack_filter_stay_there() {
    let mut app = app();
    app.runs.selected = Some(fixture::FINISHED.into());
    press(&mut app, "3 / f o o l e d");
    assert_eq!(app.attack.filter.text(), "fooled");
    assert!(shown(&app).contains("✗ fooled"));
    press(&mut app, "Enter Tab");
    assert_eq!(app.screen, ScreenId::Attack);
}

#[test]
fn ten_thousand_random_keys_clicks_and_resizes_leave_it_alive() {
    const KEYS: [KeyCode; 16] = [
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::F(1),
        KeyCode::Char(' '),
    ];
    let mut dice = Dice(7);
    let mut app = app();
    let mut size = (120, 40);
    let mut view = View::default();
    for step in 0..10_000 {
        let message = match dice.roll(20) {
            0 => {
                size = (1 + dice.roll(200) as u16, 1 + dice.roll(60) as u16);
                Message::Resized(size.0, size.1)
            }
            1 => {
                let (column, row) = (dice.roll(200) as u16, dice.roll(60) as u16);
                use Gesture::{Drag, Press, Release, WheelDown, WheelUp};
                let gestures = [Press, Drag, Release, WheelUp, WheelDown];
                let gesture = gestures[dice.roll(5) as usize];
                Message::Pointed(Pointer { gesture, on: view.at(column, row), column, row })
            }
            2 if dice.roll(2) == 0 => {
                let run = [fixture::FINISHED, RUNNING][dice.roll(2) as usize].to_owned();
                let (asked, answer) = (dice.roll(40), some_answer(&mut dice));
                Message::AttackAnswered { run, asked, answer }
            }
            2 => Message::WorldChanged(Arc::new(if dice.roll(3) == 0 {
                World::default()
            } else {
                fixture::world(Path::new("/runs"))
            })),
            3..9 => {
                let code = KEYS[dice.roll(KEYS.len() as u64) as usize];
                Message::KeyPressed(KeyEvent::new(code, KeyModifiers::NONE))
            }
            9 => {
                let c = char::from(b'a' + dice.roll(26) as u8);
                Message::KeyPressed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
            }
            _ => {
                let c = char::from(b'!' + dice.roll(94) as u8);
                Message::KeyPressed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
            }
        };
        app.update(message);
        // Every frame would take a minute in a debug build; every fourth finds as much.
        if step % 4 == 0 {
            let area = Rect::new(0, 0, size.0, size.1);
            draw(&app, area, &mut Buffer::empty(area), &mut view);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_screen_draws_at_every_size(
        width in 1u16..200,
        height in 1u16..60,
        (_, keys) in proptest::sample::select(SCREENS.to_vec()),
        empty in any::<bool>(),
        ascii in any::<bool>(),
    ) {
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let setup = Setup { glyphs, ..setup(Depth::Sixteen) };
        let mut app = if empty { App::new(setup) } else { app_with(setup) };
        press(&mut app, keys);
        app.update(Message::Resized(width, height));
        let (buf, view) = frame(&app, (width, height));
        for (area, _) in &view.clicks {
            prop_assert_eq!(area.intersection(buf.area), *area, "{:?}", keys);
        }
    }
}

#[test]
fn with_pictures_off_none_is_decoded_and_the_captions_stay() {
    let neurons = |pictures: bool| {
        let mut app = app_with(Setup { pictures, ..setup(Depth::True) });
        app.runs.selected = Some(fixture::FINISHED.into());
        let effects = press(&mut app, "4");
        (effects.iter().any(|e| matches!(e, Effect::LoadPictures(_))), shown(&app))
    };
    assert!(neurons(true).0);
    let (decoded, text) = neurons(false);
    assert!(!decoded && text.contains("pictures off") && text.contains("→"), "{text}");
}
