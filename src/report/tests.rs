//! A report of run folders as they lie on disk.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::run::folder::NewRun;

fn run(root: &Path, title: &str, spec: &str, results: &[(&str, Value)]) -> RunFolder {
    let run = NewRun { title, spec, device: "cpu", seed: 1, argv: vec![] };
    let folder = RunFolder::create(root, &run).unwrap();
    for (name, value) in results {
        let path = folder.path().join(format!("results/{name}.json"));
        std::fs::write(path, value.to_string()).unwrap();
    }
    folder
}

const ALEXNET: &str = "[data]\nformat = 'image-folder'\npath = '/data/imagenet'\nimage_size = 224\n\
                       [model]\narch = 'alexnet'\nweights = '/w/alexnet.pth'\nclasses = 1000\n\
                       [evaluate]\n";

fn evaluated() -> Value {
    json!({
        "rows": [
            { "attack": "none", "epsilon": 0.0, "top1": 0.545, "top5": 0.781, "images": 1000,
              "linf_max": 0.0 },
            { "attack": "fgsm", "norm": "linf", "epsilon": 4.0, "top1": 0.09, "top5": 0.25,
              "images": 1000, "linf_max": 4.0 },
            { "attack": "pgd", "norm": "linf", "epsilon": 4.0, "steps": 20, "top1": 0.11,
              "top5": 0.3, "images": 1000, "linf_max": 4.0, "warnings": [
                { "kind": "fgsm-beats-pgd", "message": "one | step <wins>", "try": "more steps" }
              ] },
        ],
        "curve": { "attack": "pgd", "norm": "linf", "points": [
            { "epsilon": 2.0, "top1": 0.25, "top1_interval": [0.2, 0.3], "images": 1000 }
        ] },
        "transfer": { "attack": "pgd", "epsilon": 4.0, "images": 1000,
            "sources": [{ "arch": "alexnet" }],
            "targets": [{ "arch": "alexnet" }, { "arch": "vgg16", "weights": "/w/vgg16.pth" }],
            "top1": [[0.01, 0.5]], "top1_interval": [[[0.0, 0.02], [0.4, 0.6]]],
            "clean_top1": [0.5, 0.7], "clean_top1_interval": [[0.4, 0.6], [0.6, 0.8]] },
    })
}

#[test]
fn the_papers_numbers_stand_beside_ours_where_the_network_is_the_same() {
    let root = tempfile::tempdir().unwrap();
    let alexnet = run(root.path(), "alexnet", ALEXNET, &[("evaluate", evaluated())]);
    let small = ALEXNET.replace("224", "64");
    let small = run(root.path(), "small", &small, &[("evaluate", evaluated())]);
    let report = Report::of(&[alexnet, small]).unwrap();
    let published: Vec<Option<f64>> =
        report.rows.iter().map(|row| row.published.map(|p| p.top1)).collect();
    assert_eq!(published, [Some(0.5453), Some(0.0904), None, None, None, None]);
    assert_eq!((report.runs.len(), report.notes.len(), report.warnings.len()), (2, 1, 2));
    let page = markdown::render(&report);
    for part in [
        "| clean | – | 54.50 [51.40, 57.56] | 78.10 [75.43, 80.55] | 54.53 | 78.17 | 1000 |",
        "| pgd-20 | 4 |",
        "one \\| step &lt;wins>. Try: more steps.",
        "| alexnet | 1.00 [0.00, 2.00] (white-box) | 50.00 [40.00, 60.00] |",
        "## Accuracy against ε: pgd",
        "10.16383/j.aas.c200317",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
}

#[test]
fn weights_of_another_run_or_none_stand_beside_no_number_of_the_papers() {
    let root = tempfile::tempdir().unwrap();
    for weights in ["weights = 'run:20260101-000000-defended-0000@best'\n", ""] {
        let spec = ALEXNET.replace("weights = '/w/alexnet.pth'\n", weights);
        let run = run(root.path(), "a", &spec, &[("evaluate", evaluated())]);
        let report = Report::of(&[run]).unwrap();
        assert!(report.rows.iter().all(|row| row.published.is_none()), "{weights}");
        assert_eq!(report.notes, [""; 0]);
    }
    let given = run(root.path(), "a", ALEXNET, &[("evaluate", evaluated())]);
    assert!(Report::of(&[given]).unwrap().notes[0].contains("are taken to be torchvision's"));
}

/// AlexNet that trains with these keys of `[train.adversarial]`.
fn trained(keys: &str) -> String {
    format!("{ALEXNET}[train]\n[train.adversarial]\nmethod = 'fgsm'\n{keys}\n")
}

#[test]
fn a_network_trained_with_a_consistent_loss_stands_beside_no_number_of_another() {
    let root = tempfile::tempdir().unwrap();
    let notes = |spec: &str| {
        let report = run(root.path(), "a", spec, &[("evaluate", evaluated())]);
        let report = Report::of(&[report]).unwrap();
        assert!(report.rows.iter().all(|row| row.published.is_none()));
        report.notes
    };
    let as_the_papers = trained("consistency_weight = 0.1");
    assert!(notes(&as_the_papers)[1].contains("the paper's alexnet-Adv, whose row could not be"));
    let fresh = as_the_papers.replace("weights = '/w/alexnet.pth'\n", "");
    let other = [
        fresh,
        trained("consistency_weight = 0.1\nepsilon = 16"),
        trained("consistency_weight = 0.1\ntarget = 'none'"),
        as_the_papers.replace("'fgsm'", "'pgd'"),
    ];
    for spec in other {
        let note = &notes(&spec)[1];
        assert!(note.contains("after the paper's alexnet-Adv, but"), "{spec}: {note}");
    }
    assert_eq!(
        notes(&trained("consistency_weight = 0")),
        [""; 0],
        "the control is no row of the paper's"
    );
    let some = as_the_papers.replace("image_size", "limit = 500\nimage_size");
    assert!(notes(&some)[2].contains("over the first 500 images of each split"));
}

#[test]
fn a_consistent_loss_stands_beside_its_control_or_the_report_says_how() {
    let root = tempfile::tempdir().unwrap();
    let run = |spec: &str| run(root.path(), "a", spec, &[("evaluate", evaluated())]);
    let consistent = run(&trained("consistency_weight = 0.1\nconsistency_layer = 'conv5'"));
    let control = run(&trained("consistency_weight = 0"));
    let other = run(&trained("consistency_weight = 0\nepsilon = 16"));
    let last = |runs: &[&RunFolder]| {
        let runs: Vec<RunFolder> = runs.iter().map(|run| (*run).clone()).collect();
        Report::of(&runs).unwrap().notes.pop().unwrap()
    };
    let beside = last(&[&control, &consistent]);
    let expected =
        format!("{} (β = 0.1) stands beside its control {}", consistent.id(), control.id());
    assert!(beside.starts_with(&expected), "{beside}");
    for runs in [&[&consistent][..], &[&consistent, &other]] {
        let missing = last(runs);
        assert!(missing.starts_with("The control is missing"), "{missing}");
        assert!(missing.contains("consistency_weight=0"), "{missing}");
    }
}

#[test]
fn csv_quotes_and_keeps_every_digit() {
    let root = tempfile::tempdir().unwrap();
    let folder = run(root.path(), "a, b", ALEXNET, &[("evaluate", evaluated())]);
    let report = Report::of(&[folder]).unwrap();
    let accuracies = csv::accuracies(&report);
    let lines: Vec<&str> = accuracies.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("run,network,attack,norm,epsilon,steps,top1,top1_low"));
    let columns = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == columns), "{accuracies}");
    assert!(lines[2].ends_with(",1000,4,0,0.0904,0.3277"), "{}", lines[2]);
    assert_eq!(csv::curves(&report).lines().count(), 2);
    assert!(csv::transfers(&report).lines().nth(2).unwrap().contains("vgg16,/w/vgg16.pth,0.5,"));
}

#[test]
fn a_run_without_results_is_told_by_its_id_and_one_named_twice_counts_once() {
    let root = tempfile::tempdir().unwrap();
    let bare = run(root.path(), "bare", ALEXNET, &[]);
    let error = Report::of(std::slice::from_ref(&bare)).unwrap_err();
    assert!(error.message.contains(&bare.id()), "{error}");
    assert_eq!(error.exit_code(), 2);
    let full = run(root.path(), "full", ALEXNET, &[("evaluate", evaluated())]);
    let report = Report::of(&[full.clone(), bare, full]).unwrap();
    assert_eq!((report.runs.len(), report.rows.len()), (2, 3));
}

#[test]
fn control_codes_and_names_of_files_do_no_harm() {
    let root = tempfile::tempdir().unwrap();
    let attack = json!({
        "method": "\u{1b}[2Jfgsm", "epsilon": 4.0, "images": 1, "targeted": false,
        "success_rate": 1.0, "linf_max": 4.0, "l2_mean": 1.0, "rmsd_mean": 4.0, "pairs": [],
        "models": [{ "arch": "a,\"b\"", "top1_clean": 1.0, "top1_adversarial": 0.0,
                     "target_rate": null }],
    });
    let folder = run(root.path(), "x\u{7}", ALEXNET, &[("attack", attack)]);
    let report = Report::of(&[folder]).unwrap();
    let page = markdown::render(&report) + &csv::sets(&report);
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{page:?}");
    assert!(csv::sets(&report).contains("\"a,\"\"b\"\"\""), "{}", csv::sets(&report));
}

#[test]
fn published_ratios_stand_beside_a_consistent_network_at_its_layer_alone() {
    let root = tempfile::tempdir().unwrap();
    let ratios = |text: &str, layer| {
        let folder = run(root.path(), "a", text, &[]);
        published::ratios(&spec::read_resolved(&folder.path().join("spec.toml")).unwrap(), layer)
    };
    let consistent = trained("consistency_weight = 0.1\nconsistency_layer = 'conv5'");
    assert_eq!(ratios(&consistent, "conv5"), Some(PublishedRatios { r1: 0.98, r2: 0.90 }));
    assert_eq!(ratios(&consistent, "conv4"), None);
    assert_eq!(ratios(ALEXNET, "conv5"), None, "the ordinary network");
    assert_eq!(ratios(&trained("consistency_weight = 0"), "conv5"), None, "the control");
}
