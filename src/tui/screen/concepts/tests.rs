//! The concepts screen at every size, and what its keys do.

#[cfg(test)]
mod keys;

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::run::results::consistency::Level;
use crate::run::results::dissect::{Dissect, Outlines};
use crate::run::state::Status;
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

/// Writes outlines: it fires in the middle, the concept is the left half.
fn plant_outlines(path: &Path) {
    if path.exists() {
        return;
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let strip = image::GrayImage::from_fn(64 * 18, 64, |x, y| {
        let far = (x % 64).abs_diff(32).max(y.abs_diff(32));
        let firing = if far < 20 { Outlines::FIRING } else { 0 };
        image::Luma([firing | if x % 64 < 32 { Outlines::CONCEPT } else { 0 }])
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
            Request::Labelled { picture, outlines, .. } => {
                plant_picture(picture);
                plant_outlines(outlines);
            }
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

fn press(state: &mut State, world: &World, actions: &[Action]) -> Vec<crate::tui::effect::Effect> {
    let cache = Cache::default();
    let mut effects = Vec::new();
    for action in actions {
        let done = act(state, *action, &scene(world, &cache, FINISHED), 10);
        effects.extend(done.unwrap_or_else(|| panic!("{action:?} is not done here")));
    }
    effects
}

/// Looking at a region, neuron 147 chosen.
fn at(region: Region) -> State {
    State { focus: Some(region), neuron: Some(147), ..State::default() }
}

fn beside(region: Region) -> State {
    State { beside: vec![RUNNING.into()], ..at(region) }
}

/// The world with all results, and a small change to one run.
fn changed(id: &str, change: impl FnOnce(&mut RunDetail)) -> World {
    let mut world = fixture::world_with_concepts(Path::new("/none"));
    change(Arc::make_mut(world.details.get_mut(id).unwrap()));
    world
}

fn snapshot(name: &str, state: &mut State, sizes: &[(u16, u16)]) {
    let folder = tempfile::tempdir().unwrap();
    let world = fixture::world_with_concepts(folder.path());
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
fn two_models_beside_each_other() {
    for region in [Region::Bars, Region::Curves, Region::Difference] {
        let name = format!("{}_beside", region.word());
        snapshot(&name, &mut beside(region), &fixture::SIZES);
    }
}

#[test]
fn small_screens_and_one_region_alone() {
    for region in [Region::Bars, Region::Curves, Region::Neurons, Region::Tree] {
        snapshot(region.word(), &mut at(region), &[(60, 13)]);
    }
    let mut zoomed = State { zoomed: true, ..at(Region::Bars) };
    snapshot("bars_zoomed", &mut zoomed, &[(120, 40), (200, 50)]);
}

#[test]
fn other_curves_of_the_layer() {
    let mut state = State { chart: Chart::Thresholds, ..at(Region::Curves) };
    snapshot("thresholds", &mut state, &[(80, 24)]);
    state.chart = Chart::Sigmas;
    snapshot("sigmas", &mut state, &[(80, 24)]);
}

#[test]
fn the_filter_while_it_is_typed_and_what_is_wrong_with_it() {
    let mut state = State { filtering: true, ..at(Region::Neurons) };
    snapshot("filter_help", &mut state, &[(80, 24)]);
    state.filter.insert("category:object size>1");
    snapshot("filter_problem", &mut state, &[(80, 24), (120, 40)]);
}

#[test]
fn without_unicode_and_without_colour_everything_is_told_apart() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let theme = Theme::embedded(Depth::None).remove(0);
    let context = DrawContext { glyphs: Glyphs::Ascii, ..fixture::context(&theme) };
    for region in Region::ALL {
        let (mut buf, _) = drawn_with(&beside(region), &scene, &context, (80, 24));
        let area = buf.area;
        Glyphs::Ascii.finish(area, &mut buf);
        let text = fixture::text(&buf);
        assert!(text.is_ascii() && !text.contains('?'), "{text}");
        insta::assert_snapshot!(format!("ascii_{}", region.word()), text);
    }
}

#[test]
fn every_theme_has_its_look() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let light = Theme::embedded(Depth::True).into_iter().find(|theme| theme.name == "light");
    let none = Theme::embedded(Depth::None).remove(0);
    for (name, theme) in [("light", light.unwrap()), ("colourless", none)] {
        for region in [Region::Bars, Region::Tree] {
            let context = fixture::context(&theme);
            let (buf, _) = drawn_with(&at(region), &scene, &context, (80, 24));
            insta::assert_debug_snapshot!(format!("styles_{name}_{}", region.word()), buf);
        }
    }
}

#[test]
fn real_adversarial_and_chance_differ_in_shape() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let (text, _) = drawn(&at(Region::Bars), &scene(&world, &cache, FINISHED), (80, 24));
    let all = text.lines().find(|line| line.contains(" all ")).unwrap();
    assert!(all.contains('█') && all.contains('░'), "{text}");
    assert!(all.contains('▏') && all.contains('┤'), "{text}");
    let ratio = &fixture::dissect(0).layers[1].ratio;
    let told = |share: f64| format!("{:.1}", share * 100.0);
    assert!(all.contains(&told(ratio.real["all"])), "{all}");
    assert!(all.contains(&told(ratio.adversarial.as_ref().unwrap()["all"])), "{all}");
}

#[test]
fn model_beside_model_is_on_one_scale() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let (text, _) = drawn(&beside(Region::Bars), &scene(&world, &cache, FINISHED), (80, 24));
    let is_bar = |line: &&str| line.contains("alexnet-") && line.contains('█');
    let rows: Vec<&str> = text.lines().filter(is_bar).collect();
    let of = |name: &str| rows.iter().filter(|row| row.contains(name)).count();
    assert!(of("alexnet-11c0") > 4 && of("7f3a") > 4, "{text}");
    // The last two rows are of all categories, one a run.
    for (row, variant) in rows[rows.len() - 2..].iter().zip([0, 1]) {
        let ratio = &fixture::dissect(variant).layers[1].ratio;
        let told = |share: f64| format!("{:.1}", share * 100.0);
        assert!(row.contains(&told(ratio.real["all"])), "{row}");
        assert!(row.contains(&told(ratio.adversarial.as_ref().unwrap()["all"])), "{row}");
    }
}

/// The rows of the bars that have a word, each from there on.
fn rows_of(text: &str, word: &str) -> Vec<String> {
    text.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

#[test]
fn chance_is_drawn_where_it_gives_more_than_the_network() {
    let cache = Cache::default();
    for (share, null) in [(0.5, 0.625), (0.0, 0.25), (0.0, 0.0)] {
        let world = changed(FINISHED, |detail| {
            let mut dissect = fixture::dissect(0);
            let layer = &mut dissect.layers[1];
            layer.ratio.real.values_mut().for_each(|of| *of = share);
            layer.ratio.adversarial = None;
            layer.ratio.rethresholded = None;
            layer.interval.real.values_mut().for_each(|ends| *ends = [share, share]);
            layer.null.values_mut().for_each(|of| *of = null);
            detail.dissect = Some(Arc::new(dissect));
        });
        let (text, _) = drawn(&at(Region::Bars), &scene(&world, &cache, FINISHED), (80, 24));
        let all = rows_of(&text, " all ").remove(0);
        let (bar, mark) = (all.matches('█').count(), all.find('▏'));
        assert!(mark.is_some(), "{share} {null}: {text}");
        assert_eq!(bar > 0, share > 0.0, "{all}");
        if bar > 0 {
            assert!(mark > all.rfind('█'), "beyond the bar's end: {all}");
        }
    }
}

#[test]
fn a_bar_is_whole_up_to_its_end_and_the_whisker_begins_there() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let theme = fixture::theme();
    let context = fixture::context(&theme);
    let scene = scene(&world, &cache, FINISHED);
    let (buf, _) = drawn_with(&at(Region::Bars), &scene, &context, (80, 24));
    let text = fixture::text(&buf);
    let (y, all) = text.lines().enumerate().find(|(_, line)| line.contains(" all ")).unwrap();
    let cells: Vec<char> = all.chars().collect();
    let first = cells.iter().position(|cell| "█▏".contains(*cell)).unwrap();
    let end = cells.iter().rposition(|cell| *cell == '█').unwrap();
    assert!(cells[first..=end].iter().all(|cell| "█▏".contains(*cell)), "{all}");
    assert!("─┤".contains(cells[end + 1]), "{all}");
    // What is less sure is quieter.
    let style = |x: usize| buf[(x as u16, y as u16)].style();
    assert_ne!(style(first + 4), style(end), "{all}");
}

#[test]
fn all_bars_below_each_other_begin_in_one_column() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let (text, _) = drawn(&at(Region::Bars), &scene(&world, &cache, FINISHED), (80, 32));
    let place = |symbol: char| {
        let line = text.lines().rev().find(|line| line.contains(symbol)).unwrap();
        line.chars().position(|cell| cell == symbol || cell == '▏').unwrap()
    };
    assert_eq!(place('█'), place('░'), "{text}");
    assert_eq!(place('░'), place('▒'), "{text}");
}

#[test]
fn categories_that_one_run_alone_has_are_no_zeros_of_the_other() {
    let world = changed(RUNNING, |detail| {
        let mut dissect = fixture::dissect(1);
        dissect.categories.retain(|category| category != "material");
        dissect.categories.push("smell".into());
        for ratio in dissect.layers.iter_mut().map(|layer| &mut layer.ratio) {
            let attacked = ratio.adversarial.iter_mut().chain(&mut ratio.rethresholded);
            for ratio in attacked.chain([&mut ratio.real]) {
                ratio.remove("material");
                ratio.insert("smell".into(), 0.125);
            }
        }
        detail.dissect = Some(Arc::new(dissect));
    });
    let cache = Cache::default();
    let (text, _) = drawn(&beside(Region::Bars), &scene(&world, &cache, FINISHED), (80, 24));
    let lines: Vec<&str> = text.lines().collect();
    let with = |word: &str| lines.iter().position(|line| line.contains(word)).unwrap();
    let second = lines[with("material")..].iter().find(|line| line.contains("7f3a")).unwrap();
    assert!(second.contains('–') && !second.contains("0.0 "), "{text}");
    let first = lines[with("smell")];
    assert!(first.contains("alexnet-11c0") && first.contains('–'), "{text}");
}

#[test]
fn runs_that_looked_for_other_things_are_not_compared_neuron_by_neuron() {
    let cache = Cache::default();
    let on_other_data = changed(RUNNING, |detail| {
        let other = Dissect { data: "broden".into(), ..fixture::dissect(1) };
        detail.dissect = Some(Arc::new(other));
    });
    let mut of_other_network = changed(FINISHED, |detail| {
        detail.spec.push_str("[model]\narch = 'alexnet'\n");
    });
    let other = of_other_network.details.get_mut(RUNNING).unwrap();
    Arc::make_mut(other).spec.push_str("[model]\narch = 'resnet18'\n");
    for (world, why) in [
        (on_other_data, "was dissected on shapes and alexnet-consistent-7f3a on broden"),
        (of_other_network, "is alexnet and alexnet-consistent-7f3a resnet18"),
    ] {
        let words = told(&beside(Region::Difference), &scene(&world, &cache, FINISHED));
        assert!(words.contains("not compared neuron by neuron"), "{words}");
        assert!(words.contains(why), "{words}");
        let state = State { filter: Field::new("lost"), ..beside(Region::Neurons) };
        let words = told(&state, &scene(&world, &cache, FINISHED));
        assert!(words.contains(why), "{words}");
    }
}

#[test]
fn silent_neurons_have_no_level() {
    let world = changed(FINISHED, |detail| {
        let mut consistency = fixture::consistency(0);
        let layer = &mut consistency.layers[1];
        layer.silent = 3;
        let neuron = &mut layer.neurons[147];
        (neuron.real, neuron.cs1, neuron.cs2) = (Level::default(), None, None);
        detail.consistency = Some(Arc::new(consistency));
    });
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let words = told(&at(Region::Tree), &scene);
    assert!(words.contains("real · silent") && words.contains("It is silent:"), "{words}");
    let words = told(&at(Region::Curves), &scene);
    assert!(words.contains("means of 253 neurons"), "{words}");
    assert!(words.contains("3 of 256 neurons silent, in no mean"), "{words}");
    let (text, _) = drawn(&at(Region::Pictures), &scene, (120, 40));
    assert!(text.contains("LC silent →"), "{text}");
    let state = State { filter: Field::new("147"), ..at(Region::Neurons) };
    let (text, _) = drawn(&state, &scene, (120, 40));
    let row = text.lines().find(|line| line.contains("147") && line.contains("dog")).unwrap();
    assert!(row.contains('–') && !row.contains("0.000"), "{row}");
}

/// What is told, without the frames and line breaks.
fn told(state: &State, scene: &Scene<'_>) -> String {
    let (text, _) = drawn(state, scene, (80, 24));
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn an_empty_screen_says_what_fills_it() {
    let cache = Cache::default();
    let text = |world: &World, run: &str| told(&State::default(), &scene(world, &cache, run));
    let plain = fixture::world(Path::new("/none"));
    let words = text(&plain, FINISHED);
    assert!(
        words.contains("[dissect] section") && words.contains("[consistency] section"),
        "{words}"
    );
    let world = fixture::world_with_concepts(Path::new("/none"));
    assert!(text(&world, QUEUED).contains("reading vgg16-consistent-02aa"));
    let nobody = Scene { selected: None, ..scene(&plain, &cache, FINISHED) };
    let (text_of_none, _) = drawn(&State::default(), &nobody, (80, 24));
    assert!(text_of_none.contains("What each neuron means stands here"), "{text_of_none}");
    // Planned: how far it is.
    let mut world = changed(RUNNING, |detail| (detail.dissect, detail.consistency) = (None, None));
    let words = text(&world, RUNNING);
    assert!(
        words.contains("at its train stage (38 %") && words.contains("dissect comes after"),
        "{words}"
    );
    let run = world.runs.iter_mut().find(|run| run.info.id == RUNNING).unwrap();
    let state = &mut Arc::make_mut(run).state;
    (state.stage, state.step, state.steps) = (Some("dissect".into()), 120, 400);
    let words = text(&world, RUNNING);
    assert!(words.contains("at its dissect stage: step 120 of 400, 1 h 12 m left"), "{words}");
    let run = world.runs.iter_mut().find(|run| run.info.id == RUNNING).unwrap();
    Arc::make_mut(run).status = Status::Failed;
    let words = text(&world, RUNNING);
    assert!(words.contains("did not come to the results of its dissect stage. r on"), "{words}");
}

#[test]
fn a_damaged_file_is_told_whole_and_beside_what_was_read_before() {
    let cache = Cache::default();
    let why = "failed to read '/runs/x/results/dissect.json': EOF while parsing";
    let world = changed(FINISHED, |detail| {
        (detail.dissect, detail.consistency) = (None, None);
        detail.unreadable.insert("dissect", why.into());
    });
    let (text, _) = drawn(&State::default(), &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains("cannot be read") && text.contains("dissect.json"), "{text}");
    let world = changed(FINISHED, |detail| {
        detail.unreadable.insert("dissect", why.into());
    });
    let text = told(&at(Region::Bars), &scene(&world, &cache, FINISHED));
    assert!(text.contains("a newer dissect.json cannot") && text.contains('█'), "{text}");
}

#[test]
fn a_run_with_one_of_the_results_shows_that() {
    let cache = Cache::default();
    let world = fixture::world_with_concepts(Path::new("/none"));
    let dissected = scene(&world, &cache, FAILED);
    let (text, _) = drawn(&at(Region::Neurons), &dissected, (120, 40));
    assert!(text.contains("concept") && !text.contains("CS1 ") && !text.contains("LC▼"), "{text}");
    let (text, _) = drawn(&at(Region::Tree), &dissected, (80, 24));
    assert!(text.contains("[consistency] section"), "{text}");
    let (text, _) = drawn(&at(Region::Pictures), &dissected, (80, 24));
    assert!(text.contains("(not kept)") && text.contains("[dissect.attack]"), "{text}");
    let world = changed(FINISHED, |detail| detail.dissect = None);
    let levels = scene(&world, &cache, FINISHED);
    let (text, _) = drawn(&State::default(), &levels, (80, 24));
    assert!(text.contains("CS1 and CS2 over LC"), "it opens at what there is: {text}");
    let (text, _) = drawn(&at(Region::Neurons), &levels, (80, 24));
    assert!(text.contains("neurons by LC") && text.contains("LC▼"), "{text}");
    assert!(!text.contains("concept "), "{text}");
    let (text, _) = drawn(&at(Region::Bars), &levels, (80, 24));
    assert!(text.contains("dissect"), "{text}");
}

#[test]
fn live_metrics_of_the_training_are_a_curve() {
    let world = changed(RUNNING, |detail| {
        for step in [100, 200, 300] {
            let metrics = [("lc", 0.1 + step as f64 / 1e4), ("cs1", 0.8)];
            let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
            let event = crate::run::event::Event { t: 1.0, stage: "train".into(), step, metrics };
            detail.history.push(&event);
        }
    });
    let cache = Cache::default();
    let state = State { chart: Chart::Training, ..at(Region::Curves) };
    let (text, _) = drawn(&state, &scene(&world, &cache, RUNNING), (80, 24));
    assert!(text.contains("while it trained") && text.contains("step"), "{text}");
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains("CS1 and CS2 over LC"), "it has none: {text}");
}

#[test]
fn text_of_files_is_cleaned() {
    let evil = "dog\u{1b}[2J\u{202e}\r\n";
    let world = changed(FINISHED, |detail| {
        let mut dissect = fixture::dissect(0);
        for neuron in &mut dissect.layers[1].neurons {
            neuron.best.real.concept = evil.into();
            neuron.best.real.category = evil.into();
            neuron.pictures[0].image = evil.into();
        }
        dissect.attack = evil.into();
        dissect.layers[1].layer = format!("conv5{evil}");
        let mut consistency = fixture::consistency(0);
        consistency.layers[1].layer = format!("conv5{evil}");
        for noun in &mut consistency.nouns {
            noun.name.push_str(evil);
        }
        detail.dissect = Some(Arc::new(dissect));
        detail.consistency = Some(Arc::new(consistency));
    });
    let cache = Cache::default();
    for region in Region::ALL {
        for size in fixture::SIZES {
            let (text, _) = drawn(&beside(region), &scene(&world, &cache, FINISHED), size);
            let is_bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(is_bad), "{region:?}: {text:?}");
        }
    }
}

#[test]
fn only_what_is_seen_is_wanted_the_chosen_neurons_pictures_first() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = at(Region::Bars);
    state.fit(80, 22);
    assert_eq!(wants(&state, &scene).pictures, []);
    state.focus = Some(Region::Pictures);
    let wanted = wants(&state, &scene).pictures;
    let is_of = |request: &Request| matches!(request, Request::Labelled { outlines, .. } if outlines.ends_with("conv5-0147.png"));
    assert!(wanted[..18].iter().all(is_of), "{wanted:?}");
    assert!(wanted.len() > 18 && !wanted[18..].iter().any(is_of));
    assert!(matches!(wanted[17], Request::Labelled { tile: 17, .. }));
    state.put_beside(RUNNING.into());
    assert_eq!(wants(&state, &scene).runs, [FINISHED, RUNNING]);
    let outside = changed(FINISHED, |detail| {
        let mut dissect = fixture::dissect(0);
        dissect.layers[1].neurons[147].pictures[0].picture = "../../secret.png".into();
        detail.dissect = Some(Arc::new(dissect));
    });
    let scene = super::tests::scene(&outside, &cache, FINISHED);
    let wanted = wants(&state, &scene).pictures;
    let is_nowhere = |path: &Path| path.as_os_str().is_empty();
    assert!(matches!(&wanted[0], Request::Labelled { picture, .. } if is_nowhere(picture)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_size_panics(
        width in 0_u16..260, height in 0_u16..80, region in 0_usize..6, run in 0_usize..3,
        zoomed: bool, filtering: bool, with_beside: bool, scroll in 0_usize..50,
        filter in "dog|size>1|lc>0.2|neither|",
    ) {
        let world = fixture::world_with_concepts(Path::new("/none"));
        let cache = Cache::default();
        let region = Region::ALL[region];
        let mut state = State {
            zoomed, filtering, scroll, category: scroll, group: scroll, ..at(region)
        };
        if with_beside {
            state.put_beside(RUNNING.into());
        }
        state.filter.insert(&filter);
        let run = [FINISHED, FAILED, QUEUED][run];
        drawn(&state, &scene(&world, &cache, run), (width, height));
    }
}
