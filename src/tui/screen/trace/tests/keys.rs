//! What keys and clicks do.

use super::*;
use crate::tui::effect::Effect;
use crate::tui::screen::side_by_side::Asked;
use crate::tui::screen::trace::ablation::find;

/// Does them all; answers the effects and the neuron that was opened last.
fn press(state: &mut State, world: &World, actions: &[Action]) -> (Option<Opens>, Vec<Effect>) {
    let cache = Cache::default();
    let (mut opened, mut effects) = (None, Vec::new());
    for action in actions {
        let done = act(state, *action, &scene(world, &cache, FINISHED), 10);
        let (opens, done) = done.unwrap_or_else(|| panic!("{action:?} is not done here"));
        opened = opens.or(opened);
        effects.extend(done);
    }
    (opened, effects)
}

fn listed(state: &State, world: &World) -> Vec<Key> {
    let cache = Cache::default();
    let shown = Shown::new(state, &scene(world, &cache, FINISHED)).unwrap();
    shown.rows.iter().map(|row| shown::key(row.prediction)).collect()
}

fn chosen(state: &State, world: &World) -> crate::run::results::trace::Prediction {
    let cache = Cache::default();
    Shown::new(state, &scene(world, &cache, FINISHED)).unwrap().prediction().unwrap().clone()
}

#[test]
fn predictions_are_walked_through_from_every_region() {
    let world = fixture::world_with_trace(Path::new("/none"));
    for region in Region::ALL {
        let mut state = at(region);
        let all = listed(&state, &world);
        press(&mut state, &world, &[Action::NextPrediction, Action::NextPrediction]);
        assert_eq!(state.prediction.as_ref(), Some(&all[2]));
        press(&mut state, &world, &[Action::PreviousPrediction]);
        assert_eq!(state.prediction.as_ref(), Some(&all[1]));
        assert_eq!(state.focus, region);
    }
}

#[test]
fn the_filter_keeps_what_its_terms_say() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let trace = fixture::trace(0);
    let count = |filter: &str| {
        let state = State { filter: Field::new(filter), ..State::default() };
        listed(&state, &world).len()
    };
    let expected = |keeps: &dyn Fn(&crate::run::results::trace::Prediction) -> bool| {
        trace.predictions.iter().filter(|prediction| keeps(prediction)).count()
    };
    assert_eq!(count("kind:wrong"), expected(&|p| p.kind == "wrong"));
    assert_eq!(count("!right"), expected(&|p| p.kind != "right"));
    assert_eq!(count("label:dog"), expected(&|p| p.label == Some(5)));
    assert_eq!(count("answer:cat"), expected(&|p| p.answers[0].class == 3));
    assert_eq!(count("target:cat"), expected(&|p| p.target == Some(3)));
    let with = |index: usize| expected(&|p| p.neurons.iter().any(|n| n.index == index));
    assert_eq!(count("neuron:147"), with(147));
    assert_eq!(count("147"), with(147));
    assert!(with(147) > 0 && count("neuron:14") == with(14));
    assert_eq!(count("probability>0.8"), expected(&|p| p.answers[0].probability > 0.8));
    assert_eq!(
        count("dog"),
        expected(&|p| p.label == Some(5) || p.answers[0].class == 5 || p.target == Some(5))
    );
}

#[test]
fn sorts_go_round_and_the_chosen_prediction_stays_chosen() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let mut state = State::default();
    press(&mut state, &world, &[Action::NextPrediction, Action::Sort]);
    let kept = state.prediction.clone();
    let probability = |state: &State| {
        let cache = Cache::default();
        let shown = Shown::new(state, &scene(&world, &cache, FINISHED)).unwrap();
        shown.rows.iter().map(|row| row.probability().unwrap()).collect::<Vec<_>>()
    };
    assert!(probability(&state).is_sorted_by(|a, b| a >= b));
    press(&mut state, &world, &[Action::ReverseSort]);
    assert!(probability(&state).is_sorted());
    press(&mut state, &world, &[Action::Sort, Action::Sort]);
    assert_eq!((state.sort, state.prediction), (Sort::Kind, kept));
}

#[test]
fn switched_off_neurons_move_the_answer_to_what_was_stored_and_back() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let mut state = at(Region::Neurons);
    let prediction = chosen(&state, &world);
    let [first, second] = [0, 1].map(|at| prediction.neurons[at].index);
    press(&mut state, &world, &[Action::SwitchOff]);
    let words = told(&state, &scene(&world, &cache, FINISHED));
    assert!(words.contains(&format!("without {first}")), "{words}");
    let stored = find(&prediction, &[first]).unwrap();
    let moved = format!("{:.3} → {:.3}", prediction.probability, stored.probability);
    assert!(words.contains(&moved), "{moved}: {words}");
    press(&mut state, &world, &[Action::NextNeuron, Action::SwitchOff]);
    let words = told(&state, &scene(&world, &cache, FINISHED));
    assert!(words.contains(&format!("without {first}, {second}")), "{words}");
    let both = find(&prediction, &[second, first]).unwrap();
    assert!(words.contains(&format!("{:.3}", both.probability)), "{words}");
    press(&mut state, &world, &[Action::SwitchAllOn]);
    assert!(!told(&state, &scene(&world, &cache, FINISHED)).contains("without"));
    // Another prediction has all of its neurons on.
    press(&mut state, &world, &[Action::SwitchOff, Action::NextPrediction]);
    assert!(!told(&state, &scene(&world, &cache, FINISHED)).contains("without"));
    press(&mut state, &world, &[Action::PreviousPrediction]);
    assert!(!told(&state, &scene(&world, &cache, FINISHED)).contains("without"));
}

#[test]
fn the_measure_goes_from_probability_to_logit() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let mut state = at(Region::Neurons);
    let neuron = chosen(&state, &world).neurons[0];
    press(&mut state, &world, &[Action::Measure]);
    let words = told(&state, &scene(&world, &cache, FINISHED));
    assert!(words.contains(&format!("+{:.2}", neuron.logit)), "{words}");
    press(&mut state, &world, &[Action::Measure]);
    let words = told(&state, &scene(&world, &cache, FINISHED));
    assert!(words.contains(&format!("+{:.3}", neuron.probability)), "{words}");
}

#[test]
fn enter_leads_from_prediction_to_neurons_to_what_one_likes() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let mut state = State::default();
    let (opened, _) = press(&mut state, &world, &[Action::Open]);
    assert_eq!((opened, state.focus), (None, Region::Neurons));
    let second = chosen(&state, &world).neurons[1].index;
    let (opened, _) = press(&mut state, &world, &[Action::Down, Action::Open]);
    assert_eq!(opened, Some(Opens { layer: "conv5".into(), neuron: second }));
    let without = changed(FINISHED, |detail| detail.neurons = None);
    let (opened, effects) = press(&mut state, &without, &[Action::Open]);
    assert!(opened.is_none() && matches!(&effects[..], [Effect::Notify(_)]), "{effects:?}");
}

#[test]
fn the_summary_turns_its_pages_and_a_row_lists_its_predictions() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let mut state = State::default();
    press(&mut state, &world, &[Action::NextCurve]);
    assert_eq!((state.focus, state.page), (Region::Summary, Page::Kinds));
    press(&mut state, &world, &[Action::NextCurve, Action::Down]);
    assert_eq!((state.page, state.row), (Page::Errors, 1));
    let error = fixture::trace(0).of_errors[1].clone();
    press(&mut state, &world, &[Action::Open]);
    assert_eq!(state.focus, Region::Predictions);
    let rows = listed(&state, &world);
    assert!(rows.iter().all(|(kind, _)| *kind == error.kind));
    assert_eq!(rows.len() as u64, error.images);
    press(&mut state, &world, &[Action::PreviousCurve, Action::PreviousCurve]);
    assert_eq!(state.page, Page::Kinds);
    press(&mut state, &world, &[Action::PreviousCurve]);
    assert_eq!(state.page, Page::Ratios);
}

#[test]
fn back_undoes_one_layer_at_a_time_and_then_is_not_ours() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let mut state = State { filter: Field::new("dog"), ..beside(Region::Neurons) };
    press(&mut state, &world, &[Action::SwitchOff, Action::Zoom, Action::Back]);
    assert!(!state.zoomed && state.off != Off::default());
    press(&mut state, &world, &[Action::Back]);
    assert_eq!((state.off == Off::default(), state.focus), (true, Region::Neurons));
    press(&mut state, &world, &[Action::Back]);
    assert_eq!(state.focus, Region::Predictions);
    press(&mut state, &world, &[Action::Back]);
    assert!(state.filter.is_empty() && !state.beside.is_empty());
    press(&mut state, &world, &[Action::Back]);
    assert!(state.beside.is_empty());
    let cache = Cache::default();
    assert_eq!(act(&mut state, Action::Back, &scene(&world, &cache, FINISHED), 10), None);
}

#[test]
fn a_click_chooses_and_a_second_one_opens() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    let (_, view) = drawn(&state, &scene, (120, 40));
    let find = |region: Region, at: u16| {
        let wanted = Click::Cell(Place::Trace, region as u16, at);
        view.clicks.iter().any(|(_, click)| *click == wanted).then_some(wanted)
    };
    let row = find(Region::Predictions, 3).unwrap();
    click(&mut state, row, &scene);
    assert_eq!(state.prediction.as_ref(), Some(&listed(&state, &world)[3]));
    let neuron = find(Region::Neurons, 2).unwrap();
    assert_eq!(click(&mut state, neuron, &scene).0, None);
    let third = chosen(&state, &world).neurons[2].index;
    assert_eq!((state.focus, state.neuron), (Region::Neurons, Some(third)));
    let (opened, _) = click(&mut state, neuron, &scene);
    assert_eq!(opened, Some(Opens { layer: "conv5".into(), neuron: third }));
}

#[test]
fn the_command_names_the_runs_and_says_what_it_leaves_out() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let (_, effects) = press(&mut State::default(), &world, &[Action::CopyCommand]);
    let figure = |name: &str| {
        let command =
            format!("glassbox report {FINISHED} --figure {name} --format svg --out figures");
        Effect::Copy(command)
    };
    assert_eq!(effects, [figure("predictions")]);
    // Of each kind the first two are in the figure.
    let mut state = State::default();
    press(&mut state, &world, &[Action::NextPrediction, Action::NextPrediction]);
    let (_, effects) = press(&mut state, &world, &[Action::CopyCommand]);
    assert!(matches!(&effects[1], Effect::Notify(notice) if notice.text.contains("the first")));
    for (page, name) in
        [(Page::Kinds, "shared"), (Page::Errors, "behind-errors"), (Page::Ratios, "ratios")]
    {
        let mut state = State { page, ..at(Region::Summary) };
        let (_, effects) = press(&mut state, &world, &[Action::CopyCommand]);
        assert_eq!(effects, [figure(name)]);
    }
    let mut state = State { page: Page::Classes, ..at(Region::Summary) };
    let (_, effects) = press(&mut state, &world, &[Action::CopyCommand]);
    assert_eq!(effects, [Effect::Copy(format!("glassbox show {FINISHED}"))]);
    let mut state = beside(Region::Answer);
    let (_, effects) = press(&mut state, &world, &[Action::SwitchOff, Action::CopyCommand]);
    let both = format!("glassbox report {FINISHED} {RUNNING} --format md");
    assert_eq!(effects[0], Effect::Copy(both));
    assert!(matches!(&effects[1], Effect::Notify(notice) if notice.text.contains("alone")));
}

#[test]
fn a_run_is_put_beside_by_its_mark_or_by_choice_and_taken_away_again() {
    let world = fixture::world_with_trace(Path::new("/none"));
    let cache = Cache::default();
    let scene = scene(&world, &cache, FINISHED);
    let mut state = State::default();
    let asked = side_by_side(&mut state, &scene, &[].into());
    assert!(matches!(&asked, Asked::Choose(runs) if runs[0].0 == RUNNING), "{asked:?}");
    let marked = [FINISHED.to_owned(), RUNNING.to_owned()].into();
    assert_eq!(side_by_side(&mut state, &scene, &marked), Asked::Done(Vec::new()));
    assert_eq!(state.beside, [RUNNING]);
    side_by_side(&mut state, &scene, &marked);
    assert!(state.beside.is_empty() && state.alone);
}
