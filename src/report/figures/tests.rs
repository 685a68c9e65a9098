//! The names, commands and formats of figures.

use std::collections::BTreeSet;

use super::*;
use crate::report::figure::fixture;

#[test]
fn every_figure_of_neurons_has_a_name_a_command_and_both_formats() {
    let root = tempfile::tempdir().unwrap();
    let neurons = fixture::neurons();
    let runs = [fixture::run(root.path(), "a", &neurons), fixture::run(root.path(), "b", &neurons)];
    let report = Report::gather(&runs).unwrap();
    let figures = of(&report, &runs).unwrap();
    let names: BTreeSet<String> = figures.iter().map(|f| f.name.to_lowercase()).collect();
    assert_eq!(names.len(), figures.len(), "no two have one file");
    assert_eq!(figures.len(), 3, "one of each run, and both side by side: {names:?}");
    for figure in &figures {
        let start = format!("glassbox report {} {} --figure ", runs[0].id(), runs[1].id());
        assert!(figure.command.starts_with(&start), "{}", figure.command);
        assert!(figure.command.contains(&figure.name) && figure.is_of_neurons());
        let svg = figure.svg(Ink::Alone).unwrap();
        assert!(svg.contains("data:image/png;base64,") && svg.ends_with("</svg>\n"));
        assert!(image::load_from_memory(&figure.png().unwrap()).is_ok());
    }
    // Other neurons are other figures, and their commands say so.
    let options = Options { neurons: 1, look: Some(Look::Lit) };
    let fewer = with(&report, &runs, options).unwrap();
    assert!(fewer[0].command.contains("--neurons 1 --region lit"), "{}", fewer[0].command);
    assert!(fewer[0].png().unwrap().len() < figures[0].png().unwrap().len());
}

#[test]
fn no_two_figures_have_one_file() {
    let mut taken = BTreeSet::new();
    let layers = ["a/b", "a-b", "A-B", "c", "a-b-2"];
    let names = layers.map(|layer| free(&file_name(layer), &mut taken));
    assert_eq!(names, ["a-b", "a-b-2", "A-B-3", "c", "a-b-2-2"]);
    assert_eq!(file_name("../../etc/x"), "..-..-etc-x");
}

#[test]
fn a_run_is_named_where_there_are_several() {
    let one = Names::of(["a", "a"].into_iter());
    assert_eq!((one.file("a", "roc"), one.title("a", "ROC")), ("roc".into(), "ROC".into()));
    let two = Names::of(["20260101-000000-x-1", "b"].into_iter());
    assert_eq!(two.file("20260101-000000-x-1", "roc"), "20260101-000000-x-1-roc");
    assert_eq!(two.title("20260101-000000-x-1", "ROC"), "ROC, x-1");
}

#[test]
fn a_runs_title_does_not_move_its_figures() {
    let root = tempfile::tempdir().unwrap();
    let neurons = fixture::neurons();
    let runs = ["aspect ratio", "roc"].map(|title| fixture::run(root.path(), title, &neurons));
    let figures = of(&Report::gather(&runs).unwrap(), &runs).unwrap();
    assert!(figures.iter().any(|figure| figure.name.contains("ratio")));
    assert!(figures.iter().all(|figure| figure.part == Part::Neurons));
}
