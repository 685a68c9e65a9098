//! What newer runs have more: regions, counterparts, looks from the training, bookmarks, a run
//! beside.

use super::*;
use crate::tui::fixture::RUNNING;
use crate::tui::glyphs::Glyphs;
use crate::tui::pictures::overlay::Look;
use crate::tui::screen::side_by_side::Asked;

/// Draws the finished run of the world with all of it.
fn snapshot(name: &str, state: &State, sizes: &[(u16, u16)]) {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world_with_regions(folder.path());
    let cache = loaded(state, &world);
    for size in sizes {
        let (text, _) = drawn(state, &scene(&world, &cache, FINISHED), *size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

fn at(neuron: usize) -> State {
    State { neuron: Some(neuron), ..State::default() }
}

#[test]
fn regions_ranks_notes_and_the_line_through_the_training() {
    let state = State { overlay: Overlay::Map(Look::Lit), ..at(147) };
    snapshot("told", &state, &fixture::SIZES);
    let state = State { originals: true, ..at(147) };
    snapshot("originals", &state, &[(120, 40), (200, 50)]);
}

#[test]
fn what_neurons_mean_stands_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world_with_concepts(folder.path());
    let mut state = at(147);
    for sort in [Sort::Disagreement, Sort::Iou] {
        state.sort = sort;
        let cache = loaded(&state, &world);
        for size in fixture::SIZES {
            let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), size);
            let name = format!("meaning_{}_{}x{}", sort.words(), size.0, size.1);
            insta::assert_snapshot!(name, text);
        }
    }
    let told = |world: &World, filter: &str| {
        let mut state = at(147);
        state.filter.insert(filter);
        drawn(&state, &scene(world, &Cache::default(), FINISHED), (120, 40)).0
    };
    let dogs = told(&world, "concept:dog iou>0.1");
    assert!(dogs.contains(" 147 ") && !dogs.contains('!'), "{dogs}");
    // A run that was not dissected says what would bring it.
    let world = fixture::world_with_regions(Path::new("/none"));
    let text = told(&world, "iou>0.1");
    assert!(text.contains("! no neuron here has 'iou'"), "{text}");
}

#[test]
fn one_picture_with_all_that_is_known_of_it() {
    let state = State { mode: Mode::Zoom, ..at(147) };
    snapshot("zoom", &state, &fixture::SIZES);
    let state = State { turned: 1, overlay: Overlay::Discrepancy(Look::Lit), ..state };
    snapshot("zoom_turned", &state, &[(80, 24)]);
}

#[test]
fn a_whole_layer_as_a_contact_sheet() {
    for size in fixture::SIZES {
        let mut state = State { mode: Mode::Gallery, ..at(147) };
        state.fit(size.0, size.1);
        snapshot("gallery", &state, &[size]);
    }
}

#[test]
fn two_runs_side_by_side() {
    let state = State { beside: Some(RUNNING.into()), ..at(147) };
    snapshot("beside", &State { neuron: Some(3), ..state }, &fixture::SIZES);
    let state = State { beside: Some(FAILED.into()), ..at(147) };
    snapshot("beside_without", &state, &[(80, 24), (120, 40)]);
}

#[test]
fn a_step_of_the_training_and_a_note_that_is_typed() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let mut state = State { step: Some(1_600), ..at(3) };
    snapshot("step", &state, &[(80, 24), (200, 50)]);
    press(&mut state, &world, &[Action::Bookmark]);
    state.insert("likes edges");
    snapshot("note", &state, &[(80, 24)]);
}

#[test]
fn the_only_look_is_not_one_of_itself() {
    let mut world = fixture::world_with_regions(Path::new("/none"));
    let detail = std::sync::Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    detail.neuron_history.truncate(1);
    let state = State { step: Some(400), ..at(3) };
    let (text, _) = drawn(&state, &scene(&world, &Cache::default(), FINISHED), (120, 40));
    assert!(text.contains("◂ step 400 ▸"), "{text}");
}

#[test]
fn what_is_wrong_with_a_filter_stands_where_it_is_typed() {
    let mut state = State { filtering: true, ..at(147) };
    snapshot("filter_help", &state, &[(80, 24)]);
    state.insert("dog size>0.1");
    snapshot("filter_problem", &state, &[(80, 24), (120, 40)]);
}

#[test]
fn without_unicode() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let (theme, cache) = (fixture::theme(), Cache::default());
    let area = Rect::new(0, 0, 80, 24);
    let (mut buf, mut view) = (Buffer::empty(area), View::default());
    let context = DrawContext { glyphs: Glyphs::Ascii, ..fixture::context(&theme) };
    let state = State { step: Some(400), ..at(147) };
    draw(&state, &scene(&world, &cache, FINISHED), &context, area, &mut buf, &mut view);
    Glyphs::Ascii.finish(area, &mut buf);
    let text = fixture::text(&buf);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_overlay_goes_round_what_the_neuron_has() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let mut state = at(7);
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut state, &world, &[Action::Region]);
        seen.push(state.overlay.words());
    }
    let lit = Some("region: lit");
    let (contour, cropped) = (Some("region: contour"), Some("region: cropped"));
    assert_eq!(seen, [lit, contour, cropped, None, lit]);
    state = State { overlay: Overlay::Map(Look::Crop), ..at(147) };
    press(&mut state, &world, &[Action::Region]);
    assert_eq!(state.overlay.words(), Some("discrepancy: lit"));
    let plain = fixture::world(Path::new("/none"));
    let told = press(&mut state, &plain, &[Action::Region, Action::Region]);
    assert!(matches!(&told[..], [Effect::Notify(notice)] if notice.text.contains("older version")));
    assert_eq!(state.overlay, Overlay::Off);
    // A look of the training is no older version.
    let mut look = State { step: Some(1_600), ..at(3) };
    for action in [Action::Region, Action::Originals] {
        let told = press(&mut look, &world, &[action]);
        let tells = |text: &str| text.contains("a look of the training keeps no");
        assert!(matches!(&told[..], [Effect::Notify(told)] if tells(&told.text)), "{told:?}");
    }
}

#[test]
fn a_look_of_the_training_stands_beside_nothing_of_the_finished_networks_attack() {
    let mut world = fixture::world_with_regions(Path::new("/none"));
    let zoomed = |world: &World, step| {
        let state = State { mode: Mode::Zoom, step, ..at(3) };
        let cache = Cache::default();
        drawn(&state, &scene(world, &cache, FINISHED), (200, 50)).0
    };
    assert!(zoomed(&world, None).contains("at most"), "{}", zoomed(&world, None));
    assert!(!zoomed(&world, Some(1_600)).contains("at most"));
    // The image is one of the attack's, and the look has no twin of it.
    let detail = std::sync::Arc::make_mut(world.details.get_mut(FINISHED).unwrap());
    for (_, look) in &mut detail.neuron_history {
        let layers = &mut std::sync::Arc::make_mut(look).layers;
        for neuron in layers.iter_mut().flat_map(|layer| &mut layer.neurons) {
            neuron.adversarial.clear();
            neuron.real.iter_mut().for_each(|top| top.counterpart = None);
        }
    }
    let mut attack = detail.attack.as_deref().unwrap().clone();
    let image = &detail.neuron_history[2].1.layers.iter().find(|layer| layer.layer == "conv5");
    let neuron = image.unwrap().neurons.iter().find(|neuron| neuron.index == 3).unwrap();
    attack.pairs[0].image.clone_from(&neuron.real[0].image);
    detail.attack = Some(std::sync::Arc::new(attack));
    let shown = zoomed(&world, Some(1_600));
    assert!(shown.contains("no adversarial picture of it was kept"), "{shown}");
}

#[test]
fn the_chosen_neurons_pictures_come_first_and_the_second_runs_come_too() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State { overlay: Overlay::Map(Look::Lit), ..at(3) };
    let wanted = wants(&state, &scene).pictures;
    let of = |request: &Request, neuron: &str| matches!(request, Request::Region { strip, .. } if strip.to_string_lossy().contains(neuron));
    assert!(wanted[..18].iter().all(|request| of(request, "conv5-0003.png")), "{wanted:?}");
    assert!(wanted.len() >= 36 && wanted[18..].iter().all(|r| !of(r, "conv5-0003.png")));
    state.put_beside(RUNNING.into());
    let both = wants(&state, &scene);
    assert_eq!(both.runs, [FINISHED, RUNNING]);
    // Its looks have no regions: plain files, right behind the first run's.
    assert!(both.pictures[18..36].iter().all(|request| matches!(request, Request::File(_))));
    state.mode = Mode::Zoom;
    let zoomed = wants(&state, &scene).pictures;
    assert!(zoomed[..4].iter().any(|request| matches!(request, Request::Map { .. })));
    assert!(zoomed[..4].iter().any(|request| matches!(request, Request::Difference { .. })));
}

#[test]
fn the_training_is_gone_through_and_back_to_the_end() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let mut state = at(3);
    press(&mut state, &world, &[Action::PreviousStep]);
    assert_eq!(state.step, Some(9_200));
    press(&mut state, &world, &[Action::PreviousStep; 9]);
    assert_eq!(state.step, Some(400));
    press(&mut state, &world, &[Action::NextStep; 6]);
    assert_eq!(state.step, None);
    // Also the neuron that nobody has chosen stays.
    let mut first = State::default();
    press(&mut first, &world, &[Action::PreviousStep]);
    assert!(first.neuron.is_some());
    let told = press(&mut at(4), &world, &[Action::PreviousStep]);
    assert!(matches!(&told[..], [Effect::Notify(notice)] if notice.text.contains("at 16 neurons")));
    let cache = Cache::default();
    let live = scene(&world, &cache, RUNNING);
    let (text, _) = drawn(&at(3), &live, (120, 40));
    assert!(text.contains("step 1,200 · live"), "{text}");
    // The newest look is what is shown anyway.
    act(&mut state, Action::PreviousStep, &live, 10);
    assert_eq!(state.step, Some(800));
    let (text, _) = drawn(&state, &live, (120, 40));
    assert!(text.contains("step 800") && !text.contains("live"), "{text}");
    act(&mut state, Action::NextStep, &live, 10);
    assert_eq!(state.step, None);
}

#[test]
fn a_bookmark_is_set_with_a_note_dropped_and_taken_away() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let mut state = at(7);
    press(&mut state, &world, &[Action::Bookmark]);
    assert_eq!(state.places().first(), Some(&Place::Text));
    state.insert(" dogs ");
    let kept = press(&mut state, &world, &[Action::Open]);
    let bookmark = |neuron, note: Option<&str>| Effect::Bookmark {
        run: FINISHED.into(),
        layer: "conv5".into(),
        neuron,
        note: note.map(str::to_owned),
    };
    assert_eq!(kept, [bookmark(7, Some("dogs"))]);
    assert!(press(&mut state, &world, &[Action::Bookmark, Action::Back]).is_empty());
    assert!(!state.is_noting());
    // The note that is there is there to be changed; an empty one is a mark all the same.
    let mut marked = at(147);
    let changed = press(&mut marked, &world, &[Action::Bookmark, Action::DeleteAll, Action::Open]);
    assert_eq!(changed, [bookmark(147, Some(""))]);
    press(&mut marked, &world, &[Action::Bookmark]);
    marked.insert("!");
    let changed = press(&mut marked, &world, &[Action::Open]);
    let is_longer = |note: &str| note.contains("buses when attacked") && note.ends_with('!');
    assert!(matches!(&changed[..], [Effect::Bookmark { note: Some(note), .. }] if is_longer(note)));
    let none = press(&mut at(7), &world, &[Action::Unmark]);
    assert!(matches!(&none[..], [Effect::Notify(told)] if told.text.contains("no bookmark")));
    let gone = press(&mut at(147), &world, &[Action::Unmark]);
    assert_eq!(gone[0], bookmark(147, None));
    assert!(matches!(&gone[1], Effect::Notify(told) if told.text.contains("buses when attacked")));
}

#[test]
fn the_second_run_is_the_marked_one_or_asked_for() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = at(3);
    let none = std::collections::BTreeSet::new();
    let Asked::Choose(runs) = side_by_side(&mut state, &scene, &none) else { panic!() };
    // The failed one has looked at another layer alone, the queued one at nothing.
    assert_eq!(runs.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [RUNNING]);
    let marked = [FINISHED, FAILED].map(str::to_owned).into();
    assert_eq!(side_by_side(&mut state, &scene, &marked), Asked::Done(Vec::new()));
    assert_eq!(state.beside.as_deref(), Some(FAILED));
    let (text, _) = drawn(&state, &scene, (120, 40));
    assert!(text.contains("has no layer 'conv5'; it has"), "{text}");
    assert_eq!(side_by_side(&mut state, &scene, &marked), Asked::Done(Vec::new()));
    assert_eq!(state.beside, None);
}

#[test]
fn the_gallery_moves_by_rows_and_opens_the_neuron() {
    let world = fixture::world_with_regions(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    press(&mut state, &world, &[Action::Gallery]);
    state.fit(80, 24);
    let at = |state: &State| Shown::new(state, &scene).unwrap().at;
    press(&mut state, &world, &[Action::Down, Action::Right]);
    let columns = at(&state) - 1;
    assert_eq!(columns, 5);
    press(&mut state, &world, &[Action::Up, Action::Up]);
    assert_eq!(at(&state), 1);
    // What is out of sight is not wanted.
    let wanted = wants(&state, &scene).pictures;
    assert!(wanted.len() <= 5 * 5, "{}", wanted.len());
    press(&mut state, &world, &[Action::Last, Action::OtherSide, Action::Open]);
    assert_eq!((state.mode, state.focus), (Mode::Grid, Focus::Pictures));
    assert_eq!((at(&state), state.picture.row), (255, Row::Adversarial));
}
