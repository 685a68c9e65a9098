//! The attack screen at every size, what its keys do, and what it asks of the small worker.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::run::live::{Ask, Attacked};
use crate::spec::MethodSpec;
use crate::tui::fixture::{self, FAILED, FINISHED};
use crate::tui::glyphs::Glyphs;
use crate::tui::pictures::{Cache, Request, decoder};
use crate::tui::theme::{Depth, Theme};
use crate::tui::world::World;

fn scene<'a>(world: &'a World, pictures: &'a Cache, run: &'a str) -> Scene<'a> {
    Scene { world, selected: Some(run), compared: &[], pictures }
}

fn drawn_with(
    state: &State,
    scene: &Scene<'_>,
    context: &DrawContext<'_>,
    size: (u16, u16),
) -> (Buffer, View) {
    let area = Rect::new(0, 0, size.0, size.1);
    let (mut buf, mut view) = (Buffer::empty(area), View::default());
    draw(state, scene, context, area, &mut buf, &mut view);
    context.glyphs.finish(area, &mut buf);
    (buf, view)
}

fn drawn(state: &State, scene: &Scene<'_>, size: (u16, u16)) -> String {
    let theme = fixture::theme();
    fixture::text(&drawn_with(state, scene, &fixture::context(&theme), size).0)
}

/// Does actions on a run as the app does them; answers the effects.
fn perform(state: &mut State, world: &World, run: &str, actions: &[Action]) -> Vec<Effect> {
    let cache = Cache::default();
    let scene = scene(world, &cache, run);
    let mut effects = settle(state, &scene, true, false);
    for action in actions {
        let done = act(state, *action, &scene, 10);
        effects.extend(done.unwrap_or_else(|| panic!("{action:?} is not done here")));
        effects.extend(settle(state, &scene, true, false));
    }
    effects
}

fn asks(effects: &[Effect]) -> Vec<&Ask> {
    let all = effects.iter().map(|effect| match effect {
        Effect::Attack { ask, .. } => Some(ask),
        _ => None,
    });
    all.flatten().collect()
}

fn ready() -> Answer {
    let classes: Vec<String> =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
            .map(str::to_owned)
            .into();
    let labels = (0..2000).map(|index: u32| index * 7 % 10).collect::<Vec<_>>();
    let (weights, device) = ("the best of this run".into(), "cpu".into());
    Answer::Ready { images: labels.len(), classes, labels, weights, device }
}

/// The attack of a question in words and its bound, as the worker tells them.
fn carried_out(ask: &Ask) -> (String, f64) {
    let asked: toml::Table = format!("attack = {{ {} }}", ask.attack).parse().unwrap();
    let how: MethodSpec = asked["attack"].clone().try_into().unwrap();
    let full = how.resolved();
    let bound = full.epsilon.map(|epsilon| format!(" ε {epsilon}")).unwrap_or_default();
    let steps = full.steps.map(|steps| format!(" · {steps} steps")).unwrap_or_default();
    (format!("{}{bound}{steps}", crate::spec::word(how.method)), full.epsilon.unwrap_or(8.0))
}

/// An answer to a question, with its pictures under `folder`.
fn attacked(ask: &Ask, folder: &Path) -> Attacked {
    let (attack, linf) = carried_out(ask);
    let label = (ask.image * 7 % 10) as u32;
    let mut clean = vec![0.004; 10];
    let mut adversarial = vec![0.006; 10];
    clean[label as usize] = 0.942;
    clean[3] = 0.031;
    adversarial[label as usize] = 0.021;
    adversarial[((label + 4) % 10) as usize] = 0.913;
    Attacked {
        id: ask.id,
        image: ask.image,
        attack,
        label,
        clean,
        adversarial,
        linf,
        l2: 1.731_9,
        took_ms: 412,
        original_file: folder.join(format!("{}-original.png", ask.id)),
        adversarial_file: folder.join(format!("{}-adversarial.png", ask.id)),
    }
}

/// A state with one live answer on the screen, and its pictures.
fn live(folder: &Path, world: &World) -> (State, Cache) {
    let mut state = State::default();
    let effects = perform(&mut state, world, FINISHED, &[Action::Down, Action::AttackNow]);
    let answer = attacked(asks(&effects).last().unwrap(), folder);
    let square = |shift: u8| {
        ::image::RgbImage::from_fn(32, 32, |x, y| {
            let base = if (x / 8 + y / 8) % 2 == 0 { 60 } else { 180 };
            ::image::Rgb([base + shift, base, base.saturating_sub(shift)])
        })
    };
    square(0).save(&answer.original_file).unwrap();
    square(answer.linf as u8).save(&answer.adversarial_file).unwrap();
    state.hear(FINISHED, ready());
    state.hear(FINISHED, Answer::Attacked(Box::new(answer)));
    let mut cache = Cache::default();
    let wanted = wants(&state, &scene(world, &cache, FINISHED)).pictures;
    for request in cache.want(&wanted) {
        cache.put(decoder::load(&request));
    }
    assert_eq!(settle(&mut state, &scene(world, &cache, FINISHED), true, true), []);
    (state, cache)
}

#[test]
fn a_live_answer_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let (state, cache) = live(folder.path(), &world);
    for size in fixture::SIZES {
        let text = drawn(&state, &scene(&world, &cache, FINISHED), size);
        insta::assert_snapshot!(format!("live_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn facts_are_of_what_the_settings_name() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    let actions = [Action::AttackNow, Action::NextMethod, Action::NextMethod, Action::EpsilonUp];
    for action in actions {
        let effects = perform(&mut state, &world, FINISHED, &[action]);
        let answer = attacked(asks(&effects)[0], Path::new("/none"));
        state.hear(FINISHED, Answer::Attacked(Box::new(answer)));
        settle(&mut state, &scene, true, false);
        let knobs = Shown::new(&state, &scene).unwrap().knobs;
        let text = drawn(&state, &scene, (200, 50));
        let facts = text.lines().find(|line| line.contains(" ms · ")).unwrap();
        let parts = [Some(format!("{} {}", knobs.method(), knobs.bound())), knobs.effort()];
        let named = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        assert!(facts.contains(&format!(" ms · {named} ")), "{named}: {text}");
        // In the unit of an l2 bound: 1.7319 · 255.
        assert!(facts.contains(" · 441.6/255 in L2 · "), "{facts}");
    }
}

#[test]
fn the_list_says_whose_outcomes_it_has() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    assert!(drawn(&state, &scene, (120, 40)).contains(" fgsm ε 4 · 1 of 1,000 "));
    perform(&mut state, &world, FINISHED, &[Action::AttackNow]);
    state.hear(FINISHED, ready());
    let effects = perform(&mut state, &world, FINISHED, &[Action::Last]);
    let answer = attacked(asks(&effects)[0], Path::new("/none"));
    state.hear(FINISHED, Answer::Attacked(Box::new(answer)));
    settle(&mut state, &scene, true, false);
    let of_last = |state: &State| {
        let text = drawn(state, &scene, (120, 40));
        assert!(text.contains(" image 2,000 of 2,000 "), "{text}");
        assert!(!text.contains("fgsm ε 4 · 2,000"), "{text}");
        let mut listed = text.lines().map(|line| line.chars().take(40).collect::<String>());
        listed.find(|line| line.contains(" 1999 ")).unwrap()
    };
    let line = of_last(&state);
    assert!(line.contains("fooled") && line.contains(" live"), "{line}");
    // With other settings it is not known any more.
    perform(&mut state, &world, FINISHED, &[Action::EpsilonDown]);
    let line = of_last(&state);
    assert!(!line.contains("fooled") && !line.contains("live"), "{line}");
}

#[test]
fn rows_are_kept_until_something_they_follow_from_changes() {
    let mut world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let rows = |state: &State, world: &World| {
        Shown::new(state, &scene(world, &cache, FINISHED)).unwrap().rows
    };
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[]);
    let first = rows(&state, &world);
    perform(&mut state, &world, FINISHED, &[Action::Down]);
    assert!(Arc::ptr_eq(&first, &rows(&state, &world)), "moving changes no row");
    state.filter.insert("horse");
    assert!(rows(&state, &world).len() < 1000);
    state.filter = Field::default();
    perform(&mut state, &world, FINISHED, &[Action::NextOutcome]);
    assert!(rows(&state, &world).iter().all(|row| row.outcome() == rows::Outcome::Fooled));
    perform(&mut state, &world, FINISHED, &[Action::Back, Action::AttackNow]);
    state.hear(FINISHED, ready());
    assert_eq!(rows(&state, &world).len(), 2000);
    let detail = Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    Arc::make_mut(detail.attack.as_mut().unwrap()).pairs.truncate(10);
    assert!(rows(&state, &world)[10].pair.is_none());
    state.end();
    assert_eq!(rows(&state, &world).len(), 10);
    // So are the run's own settings.
    let method = |state: &State, world: &World| {
        Shown::new(state, &scene(world, &cache, FINISHED)).unwrap().knobs.method()
    };
    assert_eq!(method(&state, &world), "fgsm");
    let detail = Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    detail.spec = "[attack]\nmethod = \"mim\"\nepsilon = 4.0\n".into();
    assert_eq!(method(&state, &world), "mim");
}

#[test]
fn without_colours_without_unicode_and_on_light_ground() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let (state, cache) = live(folder.path(), &world);
    let scene = scene(&world, &cache, FINISHED);
    let plain = Theme::embedded(Depth::None).remove(0);
    let context = DrawContext { glyphs: Glyphs::Ascii, ..fixture::context(&plain) };
    let text = fixture::text(&drawn_with(&state, &scene, &context, (80, 24)).0);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("live_ascii", text);
    let light = Theme::embedded(Depth::True).into_iter().find(|t| t.name == "light").unwrap();
    let (buf, _) = drawn_with(&state, &scene, &fixture::context(&light), (80, 24));
    insta::assert_debug_snapshot!("live_light", buf);
}

#[test]
fn what_the_run_stored_and_what_it_measured() {
    let world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::Down]);
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    insta::assert_snapshot!("stored_80x24", text);
    perform(&mut state, &world, FINISHED, &[Action::NextFocus]);
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    insta::assert_snapshot!("accuracy_80x24", text);
    perform(&mut state, &world, FINISHED, &[Action::Zoom]);
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    insta::assert_snapshot!("accuracy_zoomed_120x40", text);
}

#[test]
fn an_empty_screen_says_what_fills_it() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let text = drawn(&State::default(), &scene(&world, &cache, FAILED), (120, 40));
    for words in ["wrote no adversarial", "Enter opens", "curve = { method", "attacks it live"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let nobody = Scene { selected: None, ..scene(&world, &cache, FAILED) };
    let text = drawn(&State::default(), &nobody, (80, 24));
    assert!(text.contains("quickstart brings an attack"), "{text}");
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::Filter]);
    state.filter.insert("submarine");
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains("None of 1,000"), "{text}");
}

#[test]
fn nothing_is_asked_before_somebody_wants_it_and_then_every_change_asks_once() {
    let world = fixture::world(Path::new("/none"));
    let mut state = State::default();
    let moves = [Action::Down, Action::Right, Action::PageDown, Action::Left];
    assert_eq!(perform(&mut state, &world, FINISHED, &moves), []);
    let effects = perform(&mut state, &world, FINISHED, &[Action::EpsilonUp]);
    assert_eq!(effects.len(), 1);
    let ask = asks(&effects)[0];
    assert_eq!((ask.id, ask.image), (1, 11));
    assert_eq!(ask.attack, r#"method = "fgsm", epsilon = 6"#);
    let actions = [Action::NextMethod, Action::StepsUp, Action::Down, Action::EpsilonDown];
    let effects = perform(&mut state, &world, FINISHED, &actions);
    let asked = asks(&effects);
    assert_eq!(asked.iter().map(|ask| ask.id).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(asked[3].attack, r#"method = "bim", epsilon = 4, steps = 20"#);
    assert_eq!(asked[3].image, 12);
    // Enter asks again.
    assert_eq!(asks(&perform(&mut state, &world, FINISHED, &[Action::AttackNow])).len(), 1);
}

#[test]
fn a_method_without_steps_says_so_and_asks_nothing() {
    let world = fixture::world(Path::new("/none"));
    let effects = perform(&mut State::default(), &world, FINISHED, &[Action::StepsUp]);
    assert_eq!(effects, [Effect::Notify(Notice::info("fgsm takes one step"))]);
}

#[test]
fn the_open_test_split_joins_the_images_that_the_run_attacked() {
    let world = fixture::world(Path::new("/none"));
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::AttackNow]);
    state.hear(FINISHED, ready());
    let cache = Cache::default();
    let shown = Shown::new(&state, &scene(&world, &cache, FINISHED)).unwrap();
    assert_eq!((shown.rows.len(), shown.at), (2000, 0));
    assert!(shown.rows.iter().enumerate().all(|(at, row)| row.image == at));
    assert!(shown.rows[999].pair.is_some() && shown.rows[1000].pair.is_none());
    let effects = perform(&mut state, &world, FINISHED, &[Action::Last]);
    let ask = (*asks(&effects)[0]).clone();
    assert_eq!(ask.image, 1999);
    state.hear(FINISHED, Answer::Attacked(Box::new(attacked(&ask, Path::new("/none")))));
    let shown = Shown::new(&state, &scene(&world, &cache, FINISHED)).unwrap();
    assert_eq!(shown.rows[1999].outcome(), rows::Outcome::Fooled);
}

#[test]
fn a_run_without_images_is_attacked_at_its_first() {
    let world = fixture::world(Path::new("/none"));
    let effects = perform(&mut State::default(), &world, FAILED, &[Action::AttackNow]);
    assert_eq!(asks(&effects)[0].image, 0);
}

#[test]
fn the_old_picture_stays_and_says_that_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let (mut state, cache) = live(folder.path(), &world);
    let scene = scene(&world, &cache, FINISHED);
    act(&mut state, Action::EpsilonUp, &scene, 10);
    let text = drawn(&state, &scene, (120, 40));
    assert!(text.contains("recomputing…") && text.contains("0.942"), "{text}");
    act(&mut state, Action::Down, &scene, 10);
    settle(&mut state, &scene, true, true);
    let text = drawn(&state, &scene, (120, 40));
    assert!(text.contains("recomputing for image 2…") && text.contains("image 1 ·"), "{text}");
    // Its pictures are wanted as long as they are shown.
    let wanted = wants(&state, &scene).pictures;
    assert!(wanted.iter().any(|request| matches!(request, Request::Difference { .. })));
}

#[test]
fn what_went_wrong_is_told_in_place_with_what_to_do() {
    let world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::AttackNow]);
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    assert!(text.contains("starting the attack worker: loading the network…"), "{text}");
    state.hear(FINISHED, ready());
    state.hear(FINISHED, Answer::Refused { id: 1, why: "epsilon is too large".into() });
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    assert!(text.contains("refused: epsilon is too large"), "{text}");
    state.hear(FINISHED, Answer::Failed { why: "no checkpoint".into() });
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    assert!(text.contains("no checkpoint (Enter starts it again)"), "{text}");
    // It does not start again by itself, but when somebody wants it to.
    assert_eq!(perform(&mut state, &world, FINISHED, &[Action::Down]), []);
    assert_eq!(perform(&mut state, &world, FINISHED, &[Action::AttackNow]).len(), 1);
}

#[test]
fn another_run_ends_the_worker_and_another_screen_does_not() {
    let world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::AttackNow]);
    assert_eq!(settle(&mut state, &scene(&world, &cache, FINISHED), false, true), []);
    let effects = settle(&mut state, &scene(&world, &cache, FAILED), false, true);
    assert_eq!(effects, [Effect::EndAttacks]);
    assert!(!state.hear(FINISHED, ready()), "it was of the run before");
    assert_eq!(settle(&mut state, &scene(&world, &cache, FAILED), true, true), []);
}

#[test]
fn another_run_brings_its_own_settings() {
    let world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::NextMethod, Action::EpsilonUp]);
    assert!(state.knobs.is_some());
    settle(&mut state, &scene(&world, &cache, FAILED), true, true);
    assert_eq!(state.knobs, None);
    let effects = perform(&mut state, &world, FAILED, &[Action::CopyCommand]);
    assert_eq!(effects, [Effect::Copy(format!("glassbox show {FAILED} --json"))]);
}

#[test]
fn warnings_are_read_without_an_evaluation() {
    let mut world = fixture::world(Path::new("/none"));
    let cache = Cache::default();
    let detail = Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    let warnings = Arc::make_mut(detail.evaluate.as_mut().unwrap()).rows[2].warnings.clone();
    detail.evaluate = None;
    Arc::make_mut(detail.attack.as_mut().unwrap()).warnings = warnings;
    let mut state = State::default();
    perform(&mut state, &world, FINISHED, &[Action::NextFocus, Action::Zoom]);
    let text = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    for words in ["· 1 warning", "curve = { method", "warning: fgsm ε 4: with 40", "try: steps"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_copied_command_attacks_like_this() {
    let mut world = fixture::world(Path::new("/runs/of mine"));
    let detail = Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    detail.spec = "[attack]\nmethod = \"fgsm\"\nepsilon = 4.0\nbatch_size = 50\n".into();
    let mut state = State::default();
    let effects = perform(&mut state, &world, FINISHED, &[Action::CopyCommand]);
    assert_eq!(effects, [Effect::Copy(format!("glassbox show {FINISHED} --json"))]);
    let actions = [Action::EpsilonUp, Action::CopyCommand];
    let effects = perform(&mut state, &world, FINISHED, &actions);
    let command = "glassbox run '/runs/of mine/spec.toml' \
                   --set 'attack={ method = \"fgsm\", epsilon = 6, batch_size = 50 }'";
    assert_eq!(effects.last(), Some(&Effect::Copy(command.into())));
    // A run that trains would do that again, and says so; what is live is copied though nothing
    // was set.
    let mut state = State::default();
    let effects = perform(&mut state, &world, FAILED, &[Action::AttackNow]);
    let answer = attacked(asks(&effects)[0], Path::new("/none"));
    state.hear(FAILED, Answer::Attacked(Box::new(answer)));
    let effects = perform(&mut state, &world, FAILED, &[Action::CopyCommand]);
    let [Effect::Copy(command), Effect::Notify(notice)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(command.ends_with("'attack={ method = \"fgsm\", epsilon = 4 }'"), "{command}");
    assert!(notice.text.starts_with("this trains anew"), "{notice:?}");
    assert!(notice.text.contains(&format!("model.weights=run:{FAILED}")), "{notice:?}");
}

#[test]
fn a_click_picks_an_image_and_a_second_one_attacks_it() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let theme = fixture::theme();
    let mut state = State::default();
    let (_, view) = drawn_with(&state, &scene, &fixture::context(&theme), (120, 40));
    let hit = view.at(5, 10).unwrap();
    assert_eq!(click(&mut state, hit, &scene), []);
    let chosen = state.chosen;
    assert!(chosen.is_some_and(|(image, _)| image > 3));
    let effects = click(&mut state, hit, &scene);
    assert_eq!(asks(&effects)[0].image, chosen.unwrap().0);
    click(&mut state, view.at(60, 36).unwrap(), &scene);
    assert_eq!(state.focus, Focus::Accuracy);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_size_panics(width in 0_u16..260, height in 0_u16..80, zoomed: bool, accuracy: bool) {
        let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
        let focus = if accuracy { Focus::Accuracy } else { Focus::Images };
        let mut state = State::default();
        perform(&mut state, &world, FINISHED, &[Action::AttackNow]);
        let ask = Ask { id: 1, image: 0, attack: "method = \"fgsm\", epsilon = 4".into() };
        let answer = attacked(&ask, Path::new("/none"));
        state.hear(FINISHED, Answer::Attacked(Box::new(answer)));
        (state.zoomed, state.focus) = (zoomed, focus);
        for run in [FINISHED, FAILED] {
            drawn(&state, &scene(&world, &cache, run), (width, height));
        }
    }
}
