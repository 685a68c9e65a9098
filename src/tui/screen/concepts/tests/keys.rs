//! What keys, clicks, filters and orders do.

use std::collections::BTreeSet;

use super::*;
use crate::tui::effect::Effect;
use crate::tui::message::Notice;
use crate::tui::screen::side_by_side::Asked;
use crate::tui::screen::terms::Filter;

fn shown<'a>(state: &State, world: &'a World, cache: &'a Cache) -> Shown<'a> {
    Shown::new(state, &scene(world, cache, FINISHED)).unwrap()
}

/// The indices that a filter keeps.
fn kept(state: &State, filter: &str) -> Vec<usize> {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let state = State {
        filter: Field::new(filter),
        beside: state.beside.clone(),
        sort: Some(Sort::Index),
        ..State::default()
    };
    let shown = shown(&state, &world, &cache);
    assert_eq!(shown.problem, None, "{filter}");
    shown.rows.iter().map(|row| row.index).collect()
}

#[test]
fn every_term_keeps_what_the_results_say() {
    let alone = State::default();
    let dissect = fixture::dissect(0);
    let neurons = &dissect.layers[1].neurons;
    let expected = |keep: &dyn Fn(&crate::run::results::dissect::Neuron) -> bool| -> Vec<usize> {
        neurons.iter().filter(|neuron| keep(neuron)).map(|neuron| neuron.index).collect()
    };
    assert_eq!(kept(&alone, "").len(), 256);
    assert_eq!(kept(&alone, "147"), [147]);
    let dogs = kept(&alone, "concept:dog category:object iou>0.1");
    assert!(dogs.contains(&147));
    assert_eq!(dogs, expected(&|n| n.best.real.concept == "dog" && n.best.real.iou > 0.1));
    let lost = kept(&alone, "detector iou_adversarial<0.04");
    let adversarial =
        |n: &crate::run::results::dissect::Neuron| n.best.adversarial.as_ref().unwrap().iou;
    assert_eq!(lost, expected(&|n| n.best.real.iou > 0.04 && adversarial(n) < 0.04));
    let (same, differ) = (kept(&alone, "!concept!=adv"), kept(&alone, "real!=adv"));
    assert_eq!(same.len() + differ.len(), 256);
    assert!(!same.is_empty() && !differ.is_empty());
    // A neuron that loses its concept detects another on adversarial images: none.
    assert!(lost.iter().all(|index| differ.contains(index)));
    let consistency = fixture::consistency(0);
    let levels = &consistency.layers[1].neurons;
    let expected: Vec<usize> = levels
        .iter()
        .filter(|n| n.real.lc > 0.5 && n.cs1.unwrap() > 0.7)
        .map(|n| n.index)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(kept(&alone, "lc>0.5 cs1>0.7"), expected);
    assert!(!kept(&alone, "adversarial:bus").is_empty());
    assert!(kept(&alone, "ap>=0 consistency>0 lc_adversarial>0 cs2>0").len() > 200);
    let two = State { beside: vec![RUNNING.into()], ..State::default() };
    let kinds: usize = ["gained", "lost", "renamed", "kept", "neither"]
        .iter()
        .map(|kind| kept(&two, kind).len())
        .sum();
    assert_eq!(kinds, 256);
}

#[test]
fn what_a_filter_asks_for_in_vain_is_told() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let told = |world: &World, filter: &str| {
        let state = State { filter: Field::new(filter), ..State::default() };
        shown(&state, world, &cache).problem.unwrap_or_default()
    };
    assert!(told(&world, "size>1").contains("'size' cannot be compared; there are iou, iou_adv"));
    assert!(told(&world, "size>1").contains("concept!=adv"));
    assert!(told(&world, "concept:").contains("like concept:dog"));
    assert!(told(&world, "label:dog").contains("there is concept:, category:, adversarial:"));
    assert!(told(&world, "iou>many").contains("wants a number, like iou>0.5"));
    assert!(told(&world, "lost").contains("a second dissected run"));
    let levels = changed(FINISHED, |detail| detail.dissect = None);
    assert!(told(&levels, "iou>0.1").contains("a [dissect] section in the spec brings it"));
    let dissected = changed(FINISHED, |detail| detail.consistency = None);
    assert!(told(&dissected, "cs1>0.1").contains("a [consistency] section in the spec brings it"));
    assert_eq!(told(&dissected, "iou>0.1"), "");
    // A mistake that is kept is told again.
    let mut state = at(Region::Neurons);
    press(&mut state, &world, &[Action::Filter]);
    state.filter.insert("size>1");
    let effects = press(&mut state, &world, &[Action::Open]);
    let tells = |notice: &Notice| notice.text.contains("cannot be compared");
    assert!(matches!(&effects[..], [Effect::Notify(notice)] if tells(notice)), "{effects:?}");
}

proptest! {
    #[test]
    fn nothing_that_is_typed_panics(text in "\\PC*|[!<>=:\" a-z0-9._-]*") {
        let filter = Filter::parse::<Row<'_>>(&text);
        let dissect = fixture::dissect(0);
        let meanings = crate::tui::screen::meaning::Meanings {
            dissected: dissect.layers.first(),
            levels: None,
        };
        for index in 0..4 {
            let meaning = meanings.neuron(index);
            filter.keeps(&Row { index, meaning, is_marked: true, change: None });
        }
    }
}

#[test]
fn every_order_is_one_and_backwards_it_is_turned_round() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let mut state = at(Region::Neurons);
    let mut seen = Vec::new();
    loop {
        let sort = shown(&state, &world, &cache).sort;
        if seen.contains(&sort) {
            break;
        }
        seen.push(sort);
        for reversed in [false, true] {
            state.reversed = reversed;
            let shown = shown(&state, &world, &cache);
            assert_eq!(shown.rows.len(), 256);
            let values: Vec<f64> =
                shown.rows.iter().filter_map(|row| sort.number(&row.meaning)).collect();
            let falls = |pair: &[f64]| pair[0] >= pair[1];
            let rises = |pair: &[f64]| pair[0] <= pair[1];
            assert!(values.windows(2).all(if reversed { rises } else { falls }), "{sort:?}");
        }
        state.reversed = false;
        press(&mut state, &world, &[Action::Sort]);
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
    assert_eq!(state.neuron, Some(147), "another order keeps the neuron");
    // What has no value comes last, either way round.
    let world = changed(FINISHED, |detail| {
        let mut consistency = fixture::consistency(0);
        consistency.layers[1].neurons.truncate(200);
        detail.consistency = Some(Arc::new(consistency));
    });
    for reversed in [false, true] {
        let state = State { sort: Some(Sort::Lc), reversed, ..State::default() };
        let shown = shown(&state, &world, &cache);
        assert!(shown.rows[..200].iter().all(|row| row.index < 200), "{reversed}");
    }
}

#[test]
fn tab_goes_round_the_regions_and_back() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let mut state = State::default();
    let mut seen = Vec::new();
    for _ in 0..6 {
        press(&mut state, &world, &[Action::NextFocus]);
        seen.push(state.focus.unwrap().word());
    }
    assert_eq!(seen, ["curves", "neurons", "pictures", "tree", "difference", "bars"]);
    press(&mut state, &world, &[Action::PreviousFocus]);
    assert_eq!(state.focus, Some(Region::Difference));
}

#[test]
fn a_bar_and_a_group_lead_to_their_neurons_and_esc_leads_back() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State::default();
    press(&mut state, &world, &[Action::Last, Action::Up, Action::Open]);
    assert_eq!(
        (state.focus, state.filter.text()),
        (Some(Region::Neurons), "category:object detector")
    );
    let dissect = fixture::dissect(0);
    let layer = &dissect.layers[1];
    let share = shown(&state, &world, &cache).rows.len() as f64 / 256.0;
    assert!((share - layer.ratio.real["object"]).abs() < 1e-9, "the bar is what the table lists");
    press(&mut state, &world, &[Action::Back]);
    assert!(state.filter.is_empty());
    state.focus = Some(Region::Curves);
    press(&mut state, &world, &[Action::Right, Action::Right, Action::Left, Action::Open]);
    let group = &fixture::consistency(0).layers[1].groups[1];
    assert_eq!(shown(&state, &world, &cache).rows.len(), group.neurons, "{}", state.filter.text());
    press(&mut state, &world, &[Action::Open]);
    assert_eq!(state.focus, Some(Region::Pictures));
    press(&mut state, &world, &[Action::NextNeuron, Action::Back]);
    assert_eq!(state.focus, Some(Region::Neurons));
    let none = scene(&world, &cache, FINISHED);
    press(&mut state, &world, &[Action::Back]);
    assert_eq!(act(&mut state, Action::Back, &none, 10), None, "then to the runs");
}

#[test]
fn neurons_and_layers_are_walked_through() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State { sort: Some(Sort::Index), ..State::default() };
    press(&mut state, &world, &[Action::NextNeuron, Action::NextNeuron, Action::PreviousNeuron]);
    assert_eq!(state.neuron, Some(1));
    press(&mut state, &world, &[Action::NextLayer]);
    assert_eq!(shown(&state, &world, &cache).layer, "conv4");
    assert_eq!(shown(&state, &world, &cache).rows.len(), 64);
    press(&mut state, &world, &[Action::PreviousLayer]);
    assert_eq!(shown(&state, &world, &cache).layer, "conv5");
    let alone = changed(FINISHED, |detail| {
        let mut dissect = fixture::dissect(0);
        dissect.layers.truncate(1);
        (detail.dissect, detail.consistency) = (Some(Arc::new(dissect)), None);
    });
    let told = press(&mut State::default(), &alone, &[Action::NextLayer]);
    assert!(matches!(&told[..], [Effect::Notify(told)] if told.text.contains("only layer")));
}

#[test]
fn the_overlay_goes_round_and_says_where_nothing_was_kept() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let mut state = at(Region::Pictures);
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut state, &world, &[Action::Region]);
        seen.push(state.overlay.words());
    }
    let both = "fires: lit, concept: outlined";
    assert_eq!(seen, ["fires: lit", "concept: outlined", "plain", both]);
    let bare = changed(FINISHED, |detail| {
        let mut dissect = fixture::dissect(0);
        dissect.layers[1].neurons[147].outlines = None;
        detail.dissect = Some(Arc::new(dissect));
    });
    let told = press(&mut state, &bare, &[Action::Region]);
    assert!(matches!(&told[..], [Effect::Notify(told)] if told.text.contains("no outlines")));
}

#[test]
fn the_second_run_is_the_compared_the_marked_or_asked_for() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let mut state = at(Region::Bars);
    let none = BTreeSet::new();
    let alone = scene(&world, &cache, FINISHED);
    let Asked::Choose(runs) = side_by_side(&mut state, &alone, &none) else { panic!() };
    let ids: Vec<&str> = runs.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, [RUNNING, FAILED], "the queued one has nothing");
    let marked = [FINISHED, RUNNING].map(str::to_owned).into();
    assert_eq!(side_by_side(&mut state, &alone, &marked), Asked::Done(Vec::new()));
    assert_eq!(state.others(&alone), [RUNNING]);
    assert_eq!(side_by_side(&mut state, &alone, &marked), Asked::Done(Vec::new()));
    assert_eq!(state.others(&alone), [] as [String; 0]);
    // What the runs screen compares stands there by itself, and goes at the key, too.
    let compared = [FINISHED, RUNNING].map(str::to_owned);
    let scene = Scene { compared: &compared, ..alone };
    let mut state = State::default();
    assert_eq!(state.others(&scene), [RUNNING]);
    side_by_side(&mut state, &scene, &none);
    assert_eq!(state.others(&scene), [] as [String; 0]);
    side_by_side(&mut state, &scene, &none);
    assert_eq!(state.others(&scene), [RUNNING]);
    // A run without the layer says so.
    let state = State {
        layer: Some("conv4".into()),
        beside: vec![FAILED.into()],
        ..at(Region::Difference)
    };
    let (text, _) = drawn(&state, &alone, (80, 24));
    assert!(text.contains("it has no layer 'conv4'; it has conv5"), "{text}");
}

#[test]
fn the_difference_is_listed_kind_by_kind() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let mut state = State { neuron: None, ..beside(Region::Difference) };
    let order = |state: &State| -> Vec<usize> {
        difference::order(&shown(state, &world, &cache)).iter().map(|row| row.index).collect()
    };
    let all = order(&state);
    assert_eq!(all.len(), 256);
    press(&mut state, &world, &[Action::Down, Action::Down]);
    assert_eq!(state.neuron, Some(all[2]));
    press(&mut state, &world, &[Action::Filter]);
    assert_eq!(state.focus, Some(Region::Difference), "it is filtered in its place");
    state.filter.insert("renamed");
    let renamed = order(&state);
    assert!(!renamed.is_empty() && renamed.len() < 256);
    let (text, _) = drawn(&state, &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains(&format!("~ renamed {}", renamed.len())), "{text}");
    press(&mut state, &world, &[Action::Open, Action::Open]);
    assert_eq!(state.focus, Some(Region::Pictures));
    press(&mut state, &world, &[Action::Back]);
    assert_eq!(state.focus, Some(Region::Difference));
    let (text, _) = drawn(&at(Region::Difference), &scene(&world, &cache, FINISHED), (80, 24));
    assert!(text.contains("c puts another run beside"), "{text}");
}

#[test]
fn the_copied_command_writes_what_is_on_the_screen() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let copied = |state: &mut State| press(state, &world, &[Action::CopyCommand]);
    let one = Effect::Copy(format!("glassbox report {FINISHED} --format md"));
    assert_eq!(copied(&mut at(Region::Bars)), std::slice::from_ref(&one));
    let both = Effect::Copy(format!("glassbox report {FINISHED} {RUNNING} --format md"));
    assert_eq!(copied(&mut beside(Region::Difference)), [both]);
    let told = copied(&mut at(Region::Pictures));
    assert_eq!(told[0], one);
    assert!(matches!(&told[1], Effect::Notify(told) if told.text.contains("pictures")));
}

#[test]
fn a_click_chooses_and_a_second_one_opens() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = at(Region::Neurons);
    let (_, view) = drawn(&state, &scene, (80, 24));
    let hit = view.at(10, 8).unwrap();
    click(&mut state, hit, &scene);
    assert_eq!(state.focus, Some(Region::Neurons));
    let chosen = state.neuron;
    assert!(chosen.is_some());
    click(&mut state, hit, &scene);
    assert_eq!((state.focus, state.neuron), (Some(Region::Pictures), chosen));
    // The line above leads to every region.
    let (text, view) = drawn(&state, &scene, (80, 24));
    let strip = text.lines().next().unwrap();
    let column = strip.find("tree").map(|at| text[..at].chars().count()).unwrap();
    click(&mut state, view.at(column as u16, 0).unwrap(), &scene);
    assert_eq!(state.focus, Some(Region::Tree));
}

#[test]
fn a_click_on_a_head_sorts_and_a_second_one_turns_it_round() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = at(Region::Neurons);
    let (text, view) = drawn(&state, &scene, (120, 40));
    let (row, head) = text.lines().enumerate().find(|(_, line)| line.contains("iou▼")).unwrap();
    let column = head.find("CS1").map(|at| head[..at].chars().count()).unwrap();
    let hit = view.at(column as u16, row as u16).unwrap();
    click(&mut state, hit, &scene);
    assert_eq!((state.sort, state.reversed), (Some(Sort::Cs1), false));
    assert_eq!(state.neuron, Some(147), "the neuron stays chosen");
    click(&mut state, hit, &scene);
    assert_eq!((state.sort, state.reversed), (Some(Sort::Cs1), true));
    let (text, _) = drawn(&state, &scene, (120, 40));
    assert!(text.contains("CS1▲"), "{text}");
}

#[test]
fn the_tree_is_scrolled_no_further_than_it_is_long() {
    let world = fixture::world_with_concepts(Path::new("/none"));
    let mut state = at(Region::Tree);
    press(&mut state, &world, &[Action::Down; 60]);
    let length = {
        let cache = Cache::default();
        let shown = shown(&state, &world, &cache);
        tree::length(&shown, chosen(&state, &shown).unwrap())
    };
    assert_eq!(state.scroll, length - 1);
    press(&mut state, &world, &[Action::Up; 60]);
    assert_eq!(state.scroll, 0);
}
