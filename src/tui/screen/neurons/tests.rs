//! The neurons screen at every size, and what its keys do.

#[cfg(test)]
mod looks;

use std::path::Path;

use proptest::prelude::*;

use super::filter::{Filter, Listed};
use super::*;
use crate::run::bookmarks::Bookmarks;
use crate::run::results::neurons::{Layer, Strip, TopImage};
use crate::tui::effect::Effect;
use crate::tui::fixture::{self, FAILED, FINISHED};
use crate::tui::pictures::{Cache, Request, decoder};
use crate::tui::screen::Click;
use crate::tui::screen::meaning::Meanings;
use crate::tui::world::World;

/// Writes a picture of one colour a class.
fn plant_picture(path: &Path) {
    if path.exists() {
        return;
    }
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let shade = name.bytes().last().unwrap_or(0).wrapping_add(name.bytes().next().unwrap_or(0));
    let shade = shade.wrapping_mul(37);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = image::RgbImage::from_pixel(32, 32, image::Rgb([shade, 128, 255 - shade]));
    pixels.save(path).unwrap();
}

/// Writes a strip whose tiles are lit in the middle.
fn plant_strip(path: &Path) {
    if path.exists() {
        return;
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let strip = image::GrayImage::from_fn(32 * 18, 32, |x, y| {
        let far = (x % 32).abs_diff(16).max(y.abs_diff(16));
        let lit = if far < 7 { Strip::LIT } else { 0 };
        image::Luma([(127 - far as u8 * 7) | lit])
    });
    strip.save(path).unwrap();
}

/// Writes the pictures that a state wants, and decodes them.
fn loaded(state: &State, world: &World) -> Cache {
    let mut cache = Cache::default();
    let wanted = wants(state, &scene(world, &Cache::default(), FINISHED)).pictures;
    for request in cache.want(&wanted) {
        match &request {
            Request::File(path) => plant_picture(path),
            Request::Difference { original, adversarial, .. } => {
                plant_picture(original);
                plant_picture(adversarial);
            }
            Request::Region { picture, strip, .. } => {
                plant_picture(picture);
                plant_strip(strip);
            }
            Request::Map { strip, .. } => plant_strip(strip),
            Request::Labelled { .. } => panic!("of another screen"),
        }
        cache.put(decoder::load(&request));
    }
    cache
}

fn scene<'a>(world: &'a World, pictures: &'a Cache, run: &'a str) -> Scene<'a> {
    Scene { world, selected: Some(run), compared: &[], pictures }
}

fn drawn(state: &State, scene: &Scene<'_>, size: (u16, u16)) -> (String, View) {
    let theme = fixture::theme();
    let area = Rect::new(0, 0, size.0, size.1);
    let (mut buf, mut view) = (Buffer::empty(area), View::default());
    draw(state, scene, &fixture::context(&theme), area, &mut buf, &mut view);
    (fixture::text(&buf), view)
}

/// A state after some actions on the finished run.
fn after(world: &World, actions: &[Action]) -> State {
    let mut state = State::default();
    press(&mut state, world, actions);
    state
}

fn press(state: &mut State, world: &World, actions: &[Action]) -> Vec<Effect> {
    let cache = Cache::default();
    let mut effects = Vec::new();
    for action in actions {
        let done = act(state, *action, &scene(world, &cache, FINISHED), 10);
        effects.extend(done.unwrap_or_else(|| panic!("{action:?} is not done here")));
    }
    effects
}

#[test]
fn real_above_adversarial_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let mut state = after(&world, &[Action::NextLayer, Action::NextLayer]);
    state.neuron = Some(147);
    let cache = loaded(&state, &world);
    for size in fixture::SIZES {
        let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), size);
        insta::assert_snapshot!(format!("neuron_{}x{}", size.0, size.1), text);
    }
}

#[test]
fn pictures_that_are_not_there_leave_their_place() {
    let world = fixture::world(Path::new("/none"));
    let state = State::default();
    let mut cache = Cache::default();
    let wanted = cache.want(&wants(&state, &scene(&world, &cache, FINISHED)).pictures);
    cache.put(decoder::load(&wanted[0]));
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    insta::assert_snapshot!(text);
}

#[test]
fn a_picture_stands_large_beside_its_twin() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let state = after(&world, &[Action::Open, Action::Open]);
    let cache = loaded(&state, &world);
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (120, 40));
    insta::assert_snapshot!(text);
}

#[test]
fn an_empty_screen_says_what_fills_it() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let (text, _) = drawn(&State::default(), &scene(&world, &cache, FAILED), (80, 24));
    assert!(text.contains("resnet18-5b5b has looked at no neurons"), "{text}");
    let nobody = Scene { selected: None, ..scene(&world, &cache, FAILED) };
    let (text, _) = drawn(&State::default(), &nobody, (80, 24));
    assert!(text.contains("quickstart brings neurons"), "{text}");
    let mut state = after(&world, &[Action::Filter]);
    state.filter.insert("submarine");
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains("None of 256 neurons"), "{text}");
}

#[test]
fn the_list_starts_with_the_neuron_that_lies_most() {
    let neurons = fixture::neurons();
    let (layer, none) = (&neurons.layers[1], Bookmarks::default());
    let meanings = Meanings::default();
    let order = list::ordered(layer, Sort::Disagreement, &Filter::default(), &none, &meanings);
    let values: Vec<f64> = order.iter().map(|n| n.disagreement().unwrap()).collect();
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
    let by_index =
        list::ordered(layer, Sort::Index, &Filter::parse::<Listed<'_>>("147"), &none, &meanings);
    assert_eq!(by_index.iter().map(|n| n.index).collect::<Vec<_>>(), [147]);
    let of_ships = list::ordered(
        layer,
        Sort::Activation,
        &Filter::parse::<Listed<'_>>("SHIP"),
        &none,
        &meanings,
    );
    let is_ship = |top: &TopImage| top.label == "ship";
    assert!(of_ships.iter().all(|n| n.real.iter().chain(&n.adversarial).any(is_ship)));
    assert!(of_ships.len() < 256);
}

#[test]
fn orders_that_tell_nothing_apart_are_passed_over() {
    let (old, new) = (fixture::neurons(), fixture::with_regions());
    let mut marks = Bookmarks::default();
    let all = |layer: &Layer, marks: &Bookmarks| {
        let mut sorts = vec![Sort::default()];
        while sorts.len() < 2 || sorts.first() != sorts.last() {
            sorts.push(sorts.last().unwrap().next(layer, marks, &Meanings::default()));
        }
        sorts.len() - 1
    };
    assert_eq!(all(&old.layers[1], &marks), 3);
    assert_eq!(all(&new.layers[1], &marks), 4);
    marks.set("conv4", 1, Some(String::new()));
    assert_eq!(all(&new.layers[1], &marks), 4);
    marks.set("conv5", 200, Some(String::new()));
    assert_eq!(all(&new.layers[1], &marks), 5);
    let marked = list::ordered(
        &new.layers[1],
        Sort::Marked,
        &Filter::default(),
        &marks,
        &Meanings::default(),
    );
    assert_eq!(marked[0].index, 200);
    let fallen = list::ordered(
        &new.layers[1],
        Sort::Change,
        &Filter::default(),
        &marks,
        &Meanings::default(),
    );
    assert!(fallen.windows(2).all(|pair| pair[0].change() >= pair[1].change()));
}

#[test]
fn keys_walk_through_neurons_layers_and_orders() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let shown = |state: &State| {
        let shown = Shown::new(state, &scene).unwrap();
        (shown.layer.layer.clone(), shown.at, shown.neuron().unwrap().index)
    };
    let mut state = State::default();
    let (_, _, first) = shown(&state);
    act(&mut state, Action::NextNeuron, &scene, 10);
    let (_, at, second) = shown(&state);
    assert!(at == 1 && second != first);
    // Another order keeps the neuron.
    act(&mut state, Action::Sort, &scene, 10);
    assert_eq!(shown(&state).2, second);
    // It opens at the last layer.
    assert_eq!(shown(&state).0, "conv5");
    act(&mut state, Action::PreviousLayer, &scene, 10);
    assert_eq!(shown(&state).0, "conv4");
    act(&mut state, Action::NextLayer, &scene, 10);
    assert_eq!(shown(&state).0, "conv5");
    act(&mut state, Action::Last, &scene, 10);
    assert_eq!(shown(&state).1, 255);
    assert!(act(&mut state, Action::Back, &scene, 10).is_none());
}

#[test]
fn the_copied_command_prints_what_is_on_the_screen() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let mut state = State { neuron: Some(7), ..State::default() };
    let copied = |state: &mut State| match press(state, &world, &[Action::CopyCommand]).remove(0) {
        Effect::Copy(command) => command,
        other => panic!("{other:?}"),
    };
    let command = format!("glassbox view {FINISHED} --layer conv5 --neuron 7");
    assert_eq!(copied(&mut state), command);
    press(&mut state, &world, &[Action::Region, Action::Region, Action::Region]);
    assert_eq!(copied(&mut state), format!("{command} --region crop"));
    // Of this neuron there are originals; they are shown beside the pictures alone.
    state.overlay = Overlay::default();
    press(&mut state, &world, &[Action::Originals]);
    assert_eq!(copied(&mut state), format!("{command} --originals"));
    state.mode = Mode::Gallery;
    let copied_there = press(&mut state, &world, &[Action::CopyCommand]);
    assert!(matches!(&copied_there[0], Effect::Copy(copied) if *copied == command));
    assert!(matches!(&copied_there[1], Effect::Notify(told) if told.text.contains("report RUN")));
    (state.mode, state.originals) = (Mode::Grid, false);
    state.put_beside(FAILED.into());
    assert_eq!(copied(&mut state), format!("{command} --with {FAILED}"));
    // A look of the training keeps neither regions nor originals: the command must not ask for them.
    state = State { neuron: Some(3), step: Some(1_600), originals: true, ..State::default() };
    state.overlay = Overlay::Map(crate::tui::pictures::overlay::Look::Lit);
    let command = format!("glassbox view {FINISHED} --layer conv5 --neuron 3 --step 1600");
    assert_eq!(copied(&mut state), command);
}

#[test]
fn a_layer_that_is_alone_is_told_to_be() {
    let mut world = fixture::world(Path::new("/none"));
    let detail = world.details.get_mut(FINISHED).unwrap();
    let detail = std::sync::Arc::make_mut(detail);
    let mut neurons = fixture::neurons();
    neurons.layers.truncate(1);
    detail.neurons = Some(std::sync::Arc::new(neurons));
    let mut state = State { neuron: Some(7), ..State::default() };
    for action in [Action::NextLayer, Action::PreviousLayer] {
        let told = press(&mut state, &world, &[action]);
        assert!(matches!(&told[..], [Effect::Notify(told)] if told.text.contains("only layer")));
        assert_eq!((state.neuron, &state.layer), (Some(7), &None));
    }
}

#[test]
fn a_picture_outside_the_run_is_not_opened() {
    let mut world = fixture::world(Path::new("/none"));
    let detail = world.details.get_mut(FINISHED).unwrap();
    let mut neurons = fixture::neurons();
    for (at, path) in ["../../secret.png", "/etc/hostname"].iter().enumerate() {
        neurons.layers[1].neurons[147].real[at].picture = (*path).into();
    }
    std::sync::Arc::make_mut(detail).neurons = Some(std::sync::Arc::new(neurons));
    let state = State { neuron: Some(147), ..State::default() };
    let wanted = wants(&state, &scene(&world, &Cache::default(), FINISHED)).pictures;
    assert_eq!(wanted[..2], [Request::File("".into()), Request::File("".into())]);
    let inside =
        |request: &Request| matches!(request, Request::File(path) if path.starts_with("/none"));
    assert!(wanted[2..].iter().all(inside), "{wanted:?}");
}

#[test]
fn a_mistake_in_the_filter_is_told_when_it_is_kept() {
    let world = fixture::world(Path::new("/none"));
    let mut state = after(&world, &[Action::Filter]);
    state.filter.insert("adv:clock");
    let told = press(&mut state, &world, &[Action::Open]);
    let tells = |notice: &crate::tui::message::Notice| notice.text.contains("there is label:");
    assert!(matches!(&told[..], [Effect::Notify(notice)] if tells(notice)), "{told:?}");
    let (text, _) = drawn(&state, &scene(&world, &Cache::default(), FINISHED), (120, 40));
    let below_title = text.lines().nth(1).unwrap();
    assert!(below_title.contains("! 'adv:' is unknown"), "{text}");
}

#[test]
fn keys_and_background_know_the_gallery_as_it_is_drawn() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    for (size, filter, filtering) in [
        ((120, 40), "", false),
        ((200, 50), "size>1", false),
        ((80, 24), "", true),
        ((60, 13), "", false),
    ] {
        let mut state = State { mode: Mode::Gallery, filtering, ..State::default() };
        state.filter.insert(filter);
        state.neuron = Some(147);
        state.fit(size.0, size.1);
        let (_, view) = drawn(&state, &scene, size);
        let is_tile = |click: &&(Rect, Click)| matches!(click.1, Click::Row(Place::Neurons, _));
        let tiles = view.clicks.iter().filter(is_tile).count();
        let shown = Shown::new(&state, &scene).unwrap();
        let mut wanted = Vec::new();
        gallery::wants(&state, &shown, &mut wanted);
        let columns = {
            let rows: Vec<u16> = view.clicks.iter().filter(is_tile).map(|(at, _)| at.y).collect();
            rows.iter().filter(|y| **y == rows[0]).count()
        };
        let more = wanted.len() - tiles;
        assert!(more % columns == 0 && more <= 2 * columns, "{size:?}: {more} of {columns}");
        state.filtering = false;
        let before = shown.at;
        act(&mut state, Action::Down, &scene, 10);
        let now = Shown::new(&state, &scene).unwrap().at;
        assert!(now == before || now == before + columns || filtering, "{size:?}");
    }
}

#[test]
fn a_click_on_a_picture_selects_it_and_a_second_one_enlarges_it() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    let (_, view) = drawn(&state, &scene, (120, 40));
    let hit = view.at(60, 25).unwrap();
    click(&mut state, hit, &scene);
    assert_eq!((state.picture.row, state.mode), (Row::Adversarial, Mode::Grid));
    click(&mut state, hit, &scene);
    assert_eq!(state.mode, Mode::Zoom);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_size_panics(
        width in 0_u16..260, height in 0_u16..80, mode in 0_usize..3, rank in 0_usize..20,
        with_all: bool, turned in 0_usize..6, filtering: bool,
    ) {
        let world = if with_all { fixture::world_with_regions } else { fixture::world };
        let (world, cache) = (world(Path::new("/none")), Cache::default());
        let picture = Spot { row: Row::Adversarial, rank };
        let mode = [Mode::Grid, Mode::Zoom, Mode::Gallery][mode];
        let mut state = State {
            mode, focus: Focus::Pictures, picture, turned, filtering, originals: with_all,
            ..State::default()
        };
        drawn(&state, &scene(&world, &cache, FINISHED), (width, height));
        state.beside = Some(fixture::RUNNING.into());
        state.step = Some(800);
        state.filter.insert("size>0.5 marked");
        drawn(&state, &scene(&world, &cache, FINISHED), (width, height));
    }
}
