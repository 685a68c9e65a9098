//! A report of a run that has everything: what is told of predictions, detectors, settings and times,
//! and that every number of the page's tables is in a file of the run.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::report::concept_tests;
use crate::report::html::{Drawing, Page};
use crate::run::results::trace::{
    Agreement, Attacked, Check, Detector, Influence, OfClass, OfError, Prediction, Ratio,
    Representation, Roc, Score, Shared, Usual,
};
use crate::run::state::{Machine, StageTime, State, Status};

fn traced() -> Trace {
    let usual = |index, share| Usual { index, share, probability: 0.03, logit: 0.4 };
    let ratio = |mean: f64| Ratio {
        images: 640,
        mean,
        interval: [mean - 0.02, mean + 0.02],
        median: 0.875,
        below_one: 0.625,
        histogram: Vec::new(),
    };
    let score = |name: &str| Score {
        name: name.into(),
        threshold: 0.4321,
        false_positives: 0.046,
        interval: [0.03, 0.07],
    };
    let roc = |auc: f64| Roc {
        score: "disagreement".into(),
        auc,
        interval: [auc - 0.03, auc + 0.03],
        detected: 0.375,
        detected_interval: [0.33, 0.42],
        points: vec![[0.0, 0.0], [0.5, 0.8], [1.0, 1.0]],
    };
    let attacked = |attack: &str, aware, curves| Attacked {
        attack: attack.into(),
        aware,
        images: 450,
        fooled: 321,
        curves,
    };
    Trace {
        classes: ["dog", "cat <b>", "cup"].map(str::to_owned).into(),
        layer: "conv5".into(),
        neurons: 128,
        top: 5,
        class: "predicted".into(),
        measure: "probability".into(),
        images: "all".into(),
        tested: 1500,
        right: 1388,
        predictions: vec![Prediction {
            image: "dog/7.png".into(),
            kind: "wrong".into(),
            label: Some(0),
            followed: 1,
            probability: 0.8125,
            logit: 3.5,
            neurons: vec![Influence { index: 17, probability: 0.3125, ..Influence::default() }],
            ..Prediction::default()
        }],
        kinds: vec![Shared {
            kind: "wrong".into(),
            images: 112,
            overlap: Some(0.23),
            chance: 0.039_062_5,
            neurons: vec![usual(17, 0.84), usual(23, 0.61)],
        }],
        of_classes: vec![OfClass { class: 2, images: 90, neurons: vec![usual(44, 0.95)] }],
        of_errors: vec![OfError {
            kind: "wrong".into(),
            label: 0,
            predicted: 1,
            images: 12,
            neurons: vec![usual(17, 0.9)],
            of_label: Some(1),
            of_predicted: Some(4),
        }],
        agreement: Agreement {
            images: 1500,
            gradient: Check { correlation: 0.912, overlap: 0.78 },
            mean: Check { correlation: 0.855, overlap: 0.66 },
        },
        representation: Some(Representation {
            reference_images: 5000,
            nearest_among: 5000,
            towards: "target".into(),
            mean: ratio(0.91),
            pair: ratio(0.74),
        }),
        detector: Some(Detector {
            reference_images: 5000,
            false_positive_rate: 0.05,
            calibration_images: 500,
            real_images: 499,
            scores: vec![score("disagreement")],
            attacks: vec![
                attacked("pgd ε 4", false, vec![roc(0.81)]),
                attacked("pgd ε 4", true, vec![roc(0.52)]),
                attacked("fgsm ε 4", false, Vec::new()),
            ],
        }),
        ..Trace::default()
    }
}

fn evaluated() -> Value {
    let row = |attack: &str, epsilon: f64, top1: f64| {
        json!({ "attack": attack, "norm": "linf", "epsilon": epsilon, "top1": top1,
            "top1_interval": [top1 - 0.02, top1 + 0.02], "top5": 0.97,
            "top5_interval": [0.96, 0.98], "images": 1500, "linf_max": epsilon })
    };
    json!({ "rows": [row("none", 0.0, 0.925), row("pgd", 2.0, 0.531)] })
}

/// With every result, a state and events.
pub(super) fn everything(root: &Path) -> RunFolder {
    let spec = concept_tests::SPEC.to_owned()
        + "[train]\nepochs = 2\nbest = 'top1'\n[trace]\nadversarial = 'none'\n";
    let folder = concept_tests::run(root, &spec);
    concept_tests::write(&folder, "dissect", &concept_tests::dissected());
    concept_tests::write(&folder, "consistency", &concept_tests::consistent());
    concept_tests::write(&folder, "trace", &traced());
    concept_tests::write(&folder, "evaluate", &evaluated());
    let time = |stage: &str, seconds| StageTime { stage: stage.into(), seconds };
    let state = State {
        status: Status::Finished,
        times: vec![time("train", 123.4), time("trace", 61.0)],
        machine: Some(Machine {
            cpu: "AMD <EPYC>".into(),
            cores: 2,
            memory: 8 << 30,
            system: "linux x86_64".into(),
            ..Machine::default()
        }),
        ..State::queued(None)
    };
    state.write(folder.path()).unwrap();
    let events = [
        r#"{"t":1.0,"stage":"train","step":40,"metrics":{"images_per_second":250.0,"loss":0.5}}"#,
        r#"{"t":2.0,"stage":"train","step":40,"metrics":{"top1":0.9,"top5":0.99,"test_loss":0.31}}"#,
        r#"{"t":3.0,"stage":"train","step":80,"metrics":{"top1":0.88,"top5":0.98,"test_loss":0.36}}"#,
    ];
    std::fs::write(folder.path().join("events.jsonl"), events.join("\n") + "\n").unwrap();
    folder
}

fn page(report: &Report, drawings: &[Drawing]) -> String {
    let command = |_: &figure::Panel| String::new();
    html::render(&Page { report, galleries: &[], command: &command, drawings }).0
}

#[test]
fn predictions_detectors_settings_and_times_stand_in_every_format() {
    let root = tempfile::tempdir().unwrap();
    let report = Report::of(&[everything(root.path())]).unwrap();
    let markdown = markdown::render(&report);
    for part in [
        "| gradient × activation | 1500 | 0.912 | 78.00 |",
        "| wrong | 112 | 23.00 | 3.91 | 17 (84.00), 23 (61.00) |",
        "| wrong | dog | cat &lt;b> | 12 | 17 (90.00) | 1 | 4 |",
        "| 81.25 | 17 (31.25) |",
        "| ‖φ(x\\*) − μ_y‖ / ‖φ(x\\*) − μ_y\\*‖ | target | 640 | 0.910 [0.890, 0.930] | 0.875 | 62.50 |",
        "| 0.4321 | 5.00 | 4.60 [3.00, 7.00] | 500 | 499 |",
        "| pgd ε 4, works against the detector by distance | disagreement | 450 | 321 | 0.520 [0.490, 0.550] |",
        "| fgsm ε 4 | – | 450 | 321 | – | – |",
        "| train | 123.4 | 2 m 03 s |",
        "| cpu | AMD &lt;EPYC> | 2 | 8.0 GiB | – | linux x86_64 |",
        "| best | 40 | 0.3100 | 90.00 | 99.00 |",
        "train.epochs = 2",
        "results/trace.json: agreement",
        "Under PGD ε 2 the top-1 accuracy of the network falls from 92.5 % to 53.1 %",
    ] {
        assert!(markdown.contains(part), "no {part} in\n{markdown}");
    }
    let files = csv::all(&report);
    let csv = |name: &str| &files.iter().find(|(file, _)| file == name).expect(name).1;
    assert_eq!(csv("roc.csv").lines().count(), 1 + 2 * 3);
    assert!(csv("detector.csv").contains(",pgd ε 4,true,450,321,disagreement,0.52,"));
    assert!(csv("detector.csv").ends_with(",fgsm ε 4,false,450,321,,,,,,,\n"));
    assert!(csv("trace-neurons.csv").contains(",error,wrong,dog,cat <b>,12,1,17,0.9,"));
    assert!(csv("times.csv").ends_with(",trace,61\n"));
    assert!(csv("settings.csv").contains(",train.epochs,2\n"));
    for (name, text) in &files {
        let cells = |line: &str| line.split('"').step_by(2).map(|s| s.matches(',').count()).sum();
        let counts: BTreeSet<usize> = text.lines().map(cells).collect();
        assert_eq!(counts.len(), 1, "{name}\n{text}");
    }
    // Every CSV that a table names is there.
    for section in sections::of(&report).iter().filter(|section| !section.file.is_empty()) {
        csv(section.file);
    }
    let tex = latex::render(&report);
    let names: Vec<&str> = tex.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"representation.tex") && names.contains(&"detector.tex"), "{names:?}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["traces"][0]["detector"]["attacks"][0]["curves"][0]["auc"], 0.81);
    assert_eq!(json["facts"][0]["machine"]["cores"], 2);
}

#[test]
fn figures_stand_in_the_part_of_their_numbers() {
    let root = tempfile::tempdir().unwrap();
    let report = Report::of(&[everything(root.path())]).unwrap();
    let drawing = Drawing {
        name: "roc".into(),
        number: None,
        title: "ROC <x>".into(),
        command: "glassbox report a --figure roc".into(),
        part: Part::Detector,
        source: "results/trace.json".into(),
        svg: "<svg></svg>".into(),
        ..Drawing::default()
    };
    let page = page(&report, std::slice::from_ref(&drawing));
    let at = |part: &str| page.rfind(part).unwrap_or_else(|| panic!("no {part} in\n{page}"));
    assert!(
        at("id=\"part-7\"") < at("id=\"figure-roc\"")
            && at("id=\"figure-roc\"") < at("id=\"part-8\"")
    );
    assert!(page.contains("<svg></svg>") && page.contains("ROC &lt;x&gt;"));
    assert!(page.contains("<code>glassbox report a --figure roc</code>"));
    let markdown = markdown::with_figures(&report, &[drawing]);
    assert!(markdown.contains("- ROC &lt;x>: `glassbox report a --figure roc`"), "{markdown}");
}

/// Every number of a JSON value.
fn numbers_of(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64()),
        Value::Array(items) => {
            // How many there are is a number, too: neurons, for one.
            found.push(items.len() as f64);
            for item in items {
                numbers_of(item, found);
            }
        }
        Value::Object(fields) => fields.values().for_each(|item| numbers_of(item, found)),
        Value::String(text) => {
            found.extend(numbers_in(text).iter().filter_map(|n| n.parse::<f64>().ok()));
        }
        _ => {}
    }
}

/// Numbers that stand for themselves: not the 5 of `conv5`, nor parts of ids and dates.
fn numbers_in(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphabetic() || c == '_';
    let mut found = Vec::new();
    for word in text.split(|c: char| !(c.is_alphanumeric() || "._-+:".contains(c))) {
        let word = word.trim_matches(['.', ':', '-', '+', '_']);
        if !word.is_empty() && !word.contains(is_word) && !word.contains([':', '-', '+']) {
            found.push(word.to_owned());
        }
    }
    found
}

#[test]
fn every_number_of_the_pages_tables_is_in_a_file_of_the_run() {
    let root = tempfile::tempdir().unwrap();
    let folder = everything(root.path());
    let report = Report::of(std::slice::from_ref(&folder)).unwrap();
    let mut known = Vec::new();
    for name in ["evaluate", "dissect", "consistency", "trace"] {
        numbers_of(&folder.result::<Value>(name).unwrap().unwrap(), &mut known);
    }
    for name in ["run.json", "state.json"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        numbers_of(&serde_json::from_str(&text).unwrap(), &mut known);
    }
    let events = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    events.lines().for_each(|line| numbers_of(&serde_json::from_str(line).unwrap(), &mut known));
    let spec = std::fs::read_to_string(folder.path().join("spec.toml")).unwrap();
    let spec: toml::Table = spec.parse().unwrap();
    numbers_of(&serde_json::to_value(&spec).unwrap(), &mut known);
    // The rules by which others are made of these. Neurons of a layer that are not silent.
    let silent = report.consistencies[0].result.layers[0].silent;
    known.push((report.consistencies[0].result.layers[0].neurons.len() - silent) as f64);
    // The stages' seconds together, and bytes as GiB.
    known.push(report.facts[0].times.iter().map(|time| time.seconds).sum());
    known.push(8.0);
    // The spec's defaults, which a resolved one spells out.
    known.push(spec::read_resolved(&folder.path().join("spec.toml")).unwrap().seed as f64);
    let printed: BTreeSet<String> = known
        .iter()
        .flat_map(|value| {
            let shares = [*value, 100.0 * value];
            shares.into_iter().flat_map(|value| {
                (0..=4)
                    .map(move |digits| format!("{:.digits$}", value.abs()))
                    .chain([value.to_string()])
            })
        })
        .collect();
    // A version is three numbers, which a file has as one text.
    let info = std::fs::read_to_string(folder.path().join("run.json")).unwrap();
    let info: Value = serde_json::from_str(&info).unwrap();
    let version = info["versions"]["glassbox"].as_str().expect("run.json names the version");
    let mut checked = 0;
    for section in sections::of(&report) {
        // Hours and minutes are the seconds beside them.
        let skipped = |name: &str| matches!(name, "time" | "CSV with every digit" | "file: fields");
        for row in &section.rows {
            for (column, cell) in section.columns.iter().zip(row) {
                for number in numbers_in(cell).iter().filter(|_| !skipped(&column.name)) {
                    checked += 1;
                    assert!(
                        printed.contains(number)
                            || (column.name == "glassbox" && number == version),
                        "{number} of '{cell}' in column '{}' of {:?} is in no file",
                        column.name,
                        section.heading
                    );
                }
            }
        }
    }
    assert!(checked > 150, "only {checked} numbers");
    // And one that nobody measured is found out.
    assert!(!printed.contains("77.77"));
}
