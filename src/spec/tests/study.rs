//! What a spec says of a study: its runs, their keys, and whose weights they start from.

use super::*;
use crate::spec::study::{Member, members};

const BASE: &str = "title = \"s\"\n[train]\nepochs = 3\n";

fn study(runs: &str) -> String {
    format!("{BASE}[study]\nruns = [\n{runs}\n]\n")
}

#[test]
fn each_run_is_the_spec_with_its_own_keys() {
    let text = study(
        "{ name = \"a\" },\n{ name = \"b\", set = [\"train.epochs=5\", \"model.weights='study:a'\", \
         \"attack={ method = 'pgd', epsilon = 8 }\"] },\n\
         { name = \"c\", set = [\"model.weights=study:b@last\"] }",
    );
    let spec = parse(&text).resolve(&around("/here")).unwrap();
    let runs = members(&spec).unwrap();
    let of = |at: usize| &runs[at].spec;
    let titles: Vec<&str> = runs.iter().map(|run| run.spec.title.as_str()).collect();
    assert_eq!(titles, ["s · a", "s · b", "s · c"]);
    let epochs = [0, 1, 2].map(|at| of(at).train.as_ref().unwrap().epochs);
    assert_eq!(epochs, [3, 5, 3]);
    assert!(runs.iter().all(|run| run.spec.study.is_none()));
    let weights: Vec<_> = runs.iter().map(Member::weights_of).collect();
    assert_eq!(weights, [None, Some(("a", "best")), Some(("b", "last"))]);
    // What follows from a run's own keys is filled in for it, and not before.
    let attack = of(1).attack.as_ref().unwrap();
    assert_eq!((attack.how.epsilon, attack.how.steps), (Some(8.0), Some(20)));
    assert!(of(0).attack.is_none() && of(2).attack.is_none());
    // The study's own spec, as its folder holds it, says the same.
    let again = parse(&to_toml(&spec, Comments::Off)).spec().unwrap();
    assert_eq!(members(&again).unwrap(), runs);
    assert_eq!(members(&parse(BASE).spec().unwrap()).unwrap(), []);
}

#[test]
fn what_is_laid_over_the_study_is_laid_over_all_its_runs() {
    let text = study("{ name = \"a\" },\n{ name = \"b\", set = [\"train.batch_size=8\"] }");
    let mut document = parse(&text);
    document.set("train.epochs=7").unwrap();
    for run in members(&document.resolve(&around("/here")).unwrap()).unwrap() {
        assert_eq!(run.spec.train.unwrap().epochs, 7, "{}", run.name);
    }
    document.set("train.epochs=0").unwrap();
    let problems = document.problems();
    assert_eq!(problems.len(), 1, "once, not for each run: {problems:?}");
    assert!(problems[0].to_string().starts_with("--set train.epochs=0: 'train.epochs' is 0"));
}

#[test]
fn attack_keys_follow_from_each_runs_own_epsilon() {
    let text = format!(
        "{BASE}[attack]\nmethod = \"pgd\"\nepsilon = 2\n[study]\n\
         runs = [{{ name = \"a\" }}, {{ name = \"b\", set = [\"attack.epsilon=8\"] }}]\n"
    );
    let spec = parse(&text).resolve(&around("/here")).unwrap();
    let sizes: Vec<_> = members(&spec)
        .unwrap()
        .into_iter()
        .map(|run| run.spec.attack.unwrap().how.step_size.unwrap())
        .collect();
    assert!((sizes[1] / sizes[0] - 4.0).abs() < 1e-9, "{sizes:?}");
}

#[test]
fn paths_in_the_keys_of_a_run_become_absolute() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.pth"), "x").unwrap();
    let here = folder.path().to_str().unwrap();
    let text = study("{ name = \"a\", set = [\"model.weights=w.pth\"] }");
    let spec = parse(&text).resolve(&around(here)).unwrap();
    let set = &spec.study.unwrap().runs[0].set;
    assert_eq!(*set, [format!("model.weights=\"{here}/w.pth\"")]);
    let text = study("{ name = \"a\", set = [\"model.weights=$NOWHERE/w.pth\"] }");
    let problems = parse(&text).resolve(&around(here)).unwrap_err();
    let told = problems[0].to_string();
    assert!(told.contains("study.runs[0].set[0]: 'model.weights' needs $NOWHERE"), "{told}");
    // Where every run has a path of its own, the one that all would share is nobody's.
    let text =
        format!("[model]\nweights = \"$NOWHERE/w.pth\"\n{text}").replace("$NOWHERE", "$GONE");
    let text =
        text.replace("set = [\"model.weights=$GONE/w.pth\"]", "set = [\"model.weights=w.pth\"]");
    let text = text.replace("title = \"s\"\n", "");
    parse(&text).resolve(&around(here)).unwrap();
}

#[test]
fn a_base_without_a_stage_is_fine_if_its_runs_have_one() {
    let runs = "[study]\nruns = [{ name = \"a\", set = [\"train.epochs=1\"] }]\n";
    assert_eq!(wrong(runs), [""; 0]);
    let runs = "[study]\nruns = [{ name = \"a\", set = [\"train.epochs=1\"] }, { name = \"b\" }]\n";
    let told = wrong(runs);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("in run 'b': the spec has no stage"), "{told:?}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let one = |runs: &str, expected: &str| {
        let told = wrong(&study(runs));
        assert_eq!(told.len(), 1, "{runs}: {told:?}");
        assert!(told[0].contains(expected), "{runs}: {}", told[0]);
    };
    one("", "'study.runs' is empty");
    one("{ name = \"\" }", "a.toml:6:3: 'study.runs[0].name' is empty");
    one("{ set = [] }", "'study.runs[0].name' is missing");
    for name in ["a/b", "..", "ä", "a b"] {
        one(&format!("{{ name = \"{name}\" }}"), "'study.runs[0].name' is '");
    }
    one(
        "{ name = \"a\" },\n{ name = \"A\" }",
        "a.toml:7:3: 'study.runs[1].name' is 'A', as study.",
    );
    one(
        "{ name = \"a\" },\n{ name = \"b\", set = [\"train.epochs=0\"] }",
        "a.toml:7:22: study.runs[1].set[0]: 'train.epochs' is 0",
    );
    one("{ name = \"a\", set = [\"train.epoch=2\"] }", "study.runs[0].set[0]: unknown key 'epoch'");
    one("{ name = \"a\", set = [\"epochs\"] }", "study.runs[0].set[0]: expected KEY=VALUE");
    one("{ name = \"a\", set = [\"study.runs=[]\"] }", "cannot be a study itself");
    one("{ name = \"a\", set = [\"model.weights=study:a\"] }", "which is no earlier run");
    one(
        "{ name = \"a\" },\n{ name = \"b\", set = [\"model.weights=study:a@first\"] }",
        "expected study:NAME, study:NAME@best or study:NAME@last",
    );
    one(
        "{ name = \"a\" },\n{ name = \"b\", set = [\"model.weights=study:a\", \"model.arch=resnet20\"] }",
        "'model.weights' is 'study:a', a run of 'shapesnet', but this one's model.arch is 'resnet20'",
    );
    let told = wrong("[model]\nweights = \"study:a\"\n[train]\n");
    assert!(told[0].contains("this spec is no run of a study"), "{told:?}");
    let text = "[evaluate]\n[study]\nruns = [{ name = \"a\" }, { name = \"b\", set = \
                [\"model.weights=study:a\"] }]\n";
    assert!(wrong(text)[0].contains("a run that trains nothing"), "{:?}", wrong(text));
}

#[test]
fn the_presets_of_studies_have_an_ordinary_network_and_one_trained_on_from_it() {
    for name in ["paper-small", "paper"] {
        let spec = Preset::find(name).unwrap().document().unwrap().spec().unwrap();
        let runs = members(&spec).unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["ordinary", "consistent"], "{name}");
        let adversarial =
            |at: usize| runs[at].spec.train.clone().and_then(|train| train.adversarial);
        assert!(adversarial(0).is_none(), "{name}");
        assert!(adversarial(1).unwrap().consistency_weight > 0.0, "{name}");
        // Whatever is measured is measured alike.
        let measured = |at: usize| {
            let mut spec = runs[at].spec.clone();
            (spec.title, spec.train, spec.model.weights) = (String::new(), None, None);
            spec
        };
        assert_eq!(measured(0), measured(1), "{name}");
        let spec = &runs[0].spec;
        assert!(
            spec.evaluate.is_some()
                && spec.attack.is_some()
                && spec.neurons.is_some()
                && spec.dissect.is_some()
                && spec.consistency.is_some()
                && spec.trace.as_ref().is_some_and(|trace| trace.detector.is_some()),
            "{name}"
        );
    }
    let small = Preset::find("paper-small").unwrap().document().unwrap().spec().unwrap();
    assert_eq!(members(&small).unwrap()[1].weights_of(), Some(("ordinary", "best")));
}
