//! The trace screen at every size, and what its keys do.

#[cfg(test)]
mod keys;

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::tui::fixture::{self, FAILED, FINISHED, QUEUED, RUNNING};
use crate::tui::glyphs::Glyphs;
use crate::tui::pictures::{Cache, Request, decoder};
use crate::tui::theme::{Depth, Theme};
use crate::tui::world::{RunDetail, World};

/// Writes a picture of one colour a file.
fn plant_picture(path: &Path) {
    if path.exists() {
        return;
    }
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let shade = name.bytes().fold(17_u8, |shade, byte| shade.wrapping_mul(31).wrapping_add(byte));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = image::RgbImage::from_pixel(64, 64, image::Rgb([shade, 128, 255 - shade]));
    pixels.save(path).unwrap();
}

/// Writes the pictures that a state wants, and decodes them.
fn loaded(state: &State, world: &World) -> Cache {
    let mut cache = Cache::default();
    let wanted = wants(state, &scene(world, &cache, FINISHED)).pictures;
    for request in cache.want(&wanted) {
        match &request {
            Request::File(path) => plant_picture(path),
            other => panic!("of another screen: {other:?}"),
        }
        cache.put(decoder::load(&request));
    }
    cache
}

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
    (buf, view)
}

fn drawn(state: &State, scene: &Scene<'_>, size: (u16, u16)) -> (String, View) {
    let theme = fixture::theme();
    let (buf, view) = drawn_with(state, scene, &fixture::context(&theme), size);
    (fixture::text(&buf), view)
}

/// The words of a screen, however they are broken into lines.
fn told(state: &State, scene: &Scene<'_>) -> String {
    let (text, _) = drawn(state, scene, (120, 40));
    let plain = text.replace(|c: char| "│╭╮╰╯─".contains(c), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn at(region: Region) -> State {
    State { focus: region, ..State::default() }
}

fn beside(region: Region) -> State {
    State { beside: vec![RUNNING.into()], ..at(region) }
}

/// The world with all results, and a small change to one run.
fn changed(id: &str, change: impl FnOnce(&mut RunDetail)) -> World {
    let mut world = fixture::world_with_trace(Path::new("/none"));
    change(Arc::make_mut(world.details.get_mut(id).unwrap()));
    world
}

fn snapshot(name: &str, state: &mut State, sizes: &[(u16, u16)]) {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world_with_trace(folder.path());
    for size in sizes {
        state.fit(size.0, size.1);
        let cache = loaded(state, &world);
        let (text, _) = drawn(state, &scene(&world, &cache, FINISHED), *size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn every_region_at_every_size() {
    for region in Region::ALL {
        snapshot(region.word(), &mut at(region), &fixture::SIZES);
    }
}

#[test]
fn every_page_of_the_summary() {
    for page in Page::ALL {
        let mut state = State { page, ..at(Region::Summary) };
        snapshot(&format!("summary_{page:?}").to_lowercase(), &mut state, &fixture::SIZES);
    }
}

#[test]
fn two_models_beside_each_other() {
    for region in [Region::Predictions, Region::Answer, Region::Pictures] {
        snapshot(&format!("{}_beside", region.word()), &mut beside(region), &fixture::SIZES);
    }
}

#[test]
fn small_screens_and_one_region_alone() {
    for region in Region::ALL {
        snapshot(region.word(), &mut at(region), &[(60, 13)]);
    }
    let mut zoomed = State { zoomed: true, ..at(Region::Answer) };
    snapshot("answer_zoomed", &mut zoomed, &[(120, 40)]);
}

#[test]
fn neurons_switched_off() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let mut state = at(Region::Neurons);
    for action in [Action::SwitchOff, Action::NextNeuron, Action::SwitchOff] {
        act(&mut state, action, &scene(&world, &cache, FINISHED), 10).unwrap();
    }
    snapshot("off", &mut state, &fixture::SIZES);
}

#[test]
fn the_filter_while_it_is_typed_and_what_is_wrong_with_it() {
    let mut state = State { filtering: true, ..at(Region::Predictions) };
    snapshot("filter_help", &mut state, &[(80, 24)]);
    state.filter.insert("kind:wrong size>1");
    snapshot("filter_problem", &mut state, &[(80, 24), (120, 40)]);
}

#[test]
fn without_unicode_and_without_colour_everything_is_told_apart() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let theme = Theme::embedded(Depth::None).remove(0);
    let context = DrawContext { glyphs: Glyphs::Ascii, ..fixture::context(&theme) };
    let pages = Page::ALL.map(|page| (format!("{page:?}").to_lowercase(), page));
    let states = Region::ALL.map(|region| (region.word().to_owned(), beside(region)));
    let pages = pages.map(|(name, page)| (name, State { page, ..at(Region::Summary) }));
    for (name, state) in states.into_iter().chain(pages) {
        let (mut buf, _) = drawn_with(&state, &scene, &context, (80, 24));
        let area = buf.area;
        Glyphs::Ascii.finish(area, &mut buf);
        let text = fixture::text(&buf);
        assert!(text.is_ascii() && !text.contains('?'), "{text}");
        insta::assert_snapshot!(format!("ascii_{name}"), text);
    }
}

#[test]
fn every_theme_has_its_look() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let light = Theme::embedded(Depth::True).into_iter().find(|theme| theme.name == "light");
    let none = Theme::embedded(Depth::None).remove(0);
    for (name, theme) in [("light", light.unwrap()), ("colourless", none)] {
        for region in [Region::Neurons, Region::Summary] {
            let context = fixture::context(&theme);
            let (buf, _) = drawn_with(&at(region), &scene, &context, (80, 24));
            insta::assert_debug_snapshot!(format!("styles_{name}_{}", region.word()), buf);
        }
    }
}

#[test]
fn kinds_are_told_by_symbol_and_word_and_errors_come_first() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let state = State { zoomed: true, ..State::default() };
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (80, 60));
    let line = |words: &str| text.lines().position(|line| line.contains(words));
    let (wrong, attacked, right) = (line("✗ wrong"), line("▲ adversarial"), line("✓ right"));
    assert!(wrong.is_some() && wrong < attacked && attacked < right, "{text}");
}

#[test]
fn the_answer_and_its_neurons_are_those_that_were_stored() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let words = told(&State::default(), &scene(&world, &cache, FINISHED));
    let trace = fixture::trace(0);
    let first = trace.predictions.iter().find(|p| p.kind == "wrong").unwrap();
    for answer in &first.answers {
        let told = format!("{:.3}", answer.probability);
        assert!(words.contains(&told), "{told}: {words}");
    }
    for neuron in &first.neurons {
        let told = format!("{:.3}", neuron.probability);
        assert!(words.contains(&told), "{told}: {words}");
    }
}

#[test]
fn without_a_trace_the_screen_says_what_brings_it() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let words = told(&State::default(), &scene(&world, &cache, FAILED));
    assert!(words.contains("[trace]") && words.contains("glassbox run paper-small"), "{words}");
    let nobody = Scene { selected: None, ..scene(&world, &cache, FAILED) };
    assert!(told(&State::default(), &nobody).contains("glassbox run"), "{words}");
    let planned = changed(FAILED, |detail| detail.spec.push_str("[trace]\n"));
    let words = told(&State::default(), &scene(&planned, &cache, FAILED));
    assert!(words.contains("it did not come to the results of its trace stage"), "{words}");
    let damaged = changed(FAILED, |detail| {
        detail.unreadable.insert("trace", "results/trace.json: line 1".into());
    });
    let words = told(&State::default(), &scene(&damaged, &cache, FAILED));
    assert!(words.contains("cannot be read") && words.contains("line 1"), "{words}");
}

#[test]
fn parts_that_were_not_asked_for_say_how_they_are() {
    let world = changed(FINISHED, |detail| {
        let mut trace = fixture::trace(0);
        (trace.detector, trace.representation) = (None, None);
        (detail.trace, detail.neurons) = (Some(Arc::new(trace)), None);
    });
    let cache = Cache::default();
    for (state, words) in [
        (State { page: Page::Detector, ..at(Region::Summary) }, "[trace.detector]"),
        (State { page: Page::Ratios, ..at(Region::Summary) }, "[attack]"),
        (at(Region::Pictures), "[neurons]"),
    ] {
        let all = told(&state, &scene(&world, &cache, FINISHED));
        assert!(all.contains(words), "{words}: {all}");
    }
}

#[test]
fn the_run_beside_shows_the_same_picture_or_why_not() {
    let cache = Cache::default();
    let world = fixture::world_with_trace(Path::new("/none"));
    let words = told(&beside(Region::Answer), &scene(&world, &cache, FINISHED));
    let image = |variant: usize| {
        let trace = fixture::trace(variant);
        trace.predictions.into_iter().find(|p| p.kind == "wrong").unwrap()
    };
    assert_eq!(image(0).image, image(1).image);
    for variant in [0, 1] {
        let told = format!("{:.3}", image(variant).answers[0].probability);
        assert!(words.contains(&told), "{told}: {words}");
    }
    let without = changed(RUNNING, |detail| {
        let mut trace = fixture::trace(1);
        trace.predictions.clear();
        detail.trace = Some(Arc::new(trace));
    });
    let words = told(&beside(Region::Answer), &scene(&without, &cache, FINISHED));
    assert!(words.contains("It kept no trace of this picture"), "{words}");
    let state = State { beside: vec![FAILED.into()], ..at(Region::Answer) };
    let words = told(&state, &scene(&world, &cache, FINISHED));
    assert!(words.contains("It traced no predictions"), "{words}");
}

#[test]
fn text_of_files_never_reaches_the_terminal_raw() {
    let nasty = "a\u{1b}[2J\u{202e}b";
    let world = changed(FINISHED, |detail| {
        let mut trace = fixture::trace(0);
        trace.classes.iter_mut().for_each(|class| *class = nasty.into());
        for prediction in &mut trace.predictions {
            prediction.image = nasty.into();
        }
        (trace.layer, trace.measure) = (nasty.into(), nasty.into());
        for kind in &mut trace.kinds {
            kind.kind = nasty.into();
        }
        let detector = trace.detector.as_mut().unwrap();
        detector.scores.iter_mut().for_each(|score| score.name = nasty.into());
        detector.attacks.iter_mut().for_each(|attack| attack.attack = nasty.into());
        detail.trace = Some(Arc::new(trace));
    });
    let cache = Cache::default();
    for page in Page::ALL {
        for region in Region::ALL {
            let state = State { page, ..at(region) };
            let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (200, 50));
            let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(is_bad), "{region:?}: {text:?}");
        }
    }
}

#[test]
fn only_what_is_seen_is_wanted_the_chosen_picture_first() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    state.fit(80, 22);
    let wanted = wants(&state, &scene).pictures;
    let is = |request: &Request, name: &str| matches!(request, Request::File(path) if path.to_string_lossy().ends_with(name));
    assert!(is(&wanted[0], "trace/wrong-0000.png"), "{wanted:?}");
    assert!(is(&wanted[1], "trace/wrong-0001.png"), "{wanted:?}");
    assert_eq!(wanted.len(), 2, "the first has one neighbour, and no grid is seen");
    state.fit(120, 38);
    assert!(wants(&state, &scene).pictures.len() > 18);
    state.focus = Region::Summary;
    state.zoomed = true;
    assert_eq!(wants(&state, &scene).pictures, []);
    state.put_beside(RUNNING.into());
    assert_eq!(wants(&state, &scene).runs, [FINISHED, RUNNING]);
    let outside = changed(FINISHED, |detail| {
        let mut trace = fixture::trace(0);
        for prediction in &mut trace.predictions {
            prediction.picture = "../../secret.png".into();
        }
        detail.trace = Some(Arc::new(trace));
    });
    let wanted =
        wants(&State { room: (80, 22), ..State::default() }, &Scene { world: &outside, ..scene });
    let is_nowhere = |path: &Path| path.as_os_str().is_empty();
    assert!(matches!(&wanted.pictures[0], Request::File(path) if is_nowhere(path)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_size_panics(
        width in 0_u16..260, height in 0_u16..80, region in 0_usize..5, page in 0_usize..5,
        run in 0_usize..3, zoomed: bool, filtering: bool, with_beside: bool, row in 0_usize..50,
        filter in "dog|size>1|neuron:147|nothing|",
    ) {
        let world = fixture::world_with_trace(Path::new("/none"));
        let cache = Cache::default();
        let mut state = State {
            zoomed, filtering, row, page: Page::ALL[page], ..at(Region::ALL[region])
        };
        if with_beside {
            state.put_beside(RUNNING.into());
        }
        state.filter.insert(&filter);
        let run = [FINISHED, FAILED, QUEUED][run];
        drawn(&state, &scene(&world, &cache, run), (width, height));
    }
}
