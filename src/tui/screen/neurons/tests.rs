//! The neurons screen at every size, and what its keys do.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::run::results::neurons::TopImage;
use crate::tui::fixture::{self, FAILED, FINISHED};
use crate::tui::pictures::{Cache, decoder};
use crate::tui::world::World;

/// Writes the pictures that a state wants, one colour a class, and decodes them.
fn loaded(state: &State, world: &World) -> Cache {
    let mut cache = Cache::default();
    let wanted = wants(state, &scene(world, &Cache::default(), FINISHED)).pictures;
    for request in cache.want(&wanted) {
        let Request::File(path) = &request else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let shade = name.bytes().next().unwrap_or(0).wrapping_mul(37);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let pixels = image::RgbImage::from_pixel(32, 32, image::Rgb([shade, 128, 255 - shade]));
        pixels.save(path).unwrap();
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
    let (mut state, cache) = (State::default(), Cache::default());
    for action in actions {
        let done = act(&mut state, *action, &scene(world, &cache, FINISHED), 10);
        assert!(done.is_some(), "{action:?} is not done here");
    }
    state
}

#[test]
fn real_above_adversarial_at_every_size() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world(folder.path());
    let mut state = after(&world, &[Action::NextLayer]);
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
    let order = list::ordered(&neurons.layers[1], Sort::Disagreement, "");
    let values: Vec<f64> = order.iter().map(|n| n.disagreement().unwrap()).collect();
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
    let by_index = list::ordered(&neurons.layers[1], Sort::Index, "147");
    assert_eq!(by_index.iter().map(|n| n.index).collect::<Vec<_>>(), [147]);
    let of_ships = list::ordered(&neurons.layers[1], Sort::Activation, "SHIP");
    let is_ship = |top: &TopImage| top.label == "ship";
    assert!(of_ships.iter().all(|n| n.real.iter().chain(&n.adversarial).any(is_ship)));
    assert!(of_ships.len() < 256);
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
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let mut state = State { neuron: Some(7), ..State::default() };
    let effects = act(&mut state, Action::CopyCommand, &scene(&world, &cache, FINISHED), 10);
    let command = format!("glassbox view {FINISHED} --layer conv5 --neuron 7");
    assert_eq!(effects, Some(vec![Effect::Copy(command)]));
}

#[test]
fn a_click_on_a_picture_selects_it_and_a_second_one_enlarges_it() {
    let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    let (_, view) = drawn(&state, &scene, (120, 40));
    let hit = view.at(60, 25).unwrap();
    click(&mut state, hit, &scene);
    assert_eq!((state.picture.row, state.zoomed), (Row::Adversarial, false));
    click(&mut state, hit, &scene);
    assert!(state.zoomed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_size_panics(width in 0_u16..260, height in 0_u16..80, zoomed: bool, rank in 0_usize..20) {
        let (world, cache) = (fixture::world(Path::new("/none")), Cache::default());
        let picture = Spot { row: Row::Adversarial, rank };
        let state = State { zoomed, focus: Focus::Pictures, picture, ..State::default() };
        drawn(&state, &scene(&world, &cache, FINISHED), (width, height));
    }
}
