//! Detectors and representation ratios as the stage trace finds them, on scenes that the program draws.

use std::path::PathBuf;

use serde_json::Value;

use crate::concepts::{list, number, run};
use crate::runs::Runs;

const SPEC: &str = "[data]\nimage_size = 32\ntest_images = 160\ntrain_images = 320\n\
    [model]\narch = 'sequential'\nlayers = ['conv 8 5 stride=2 padding=2', 'relu', \
    'adaptive-avg-pool 4', 'flatten', 'linear 16']\n\
    [train]\nepochs = 8\nbatch_size = 16\n\
    [evaluate]\nattacks = [{ method = 'none' }, { method = 'fgsm', epsilon = 4 }, \
    { method = 'pgd', epsilon = 8, steps = 5 }]\n\
    [attack]\nmethod = 'pgd'\nepsilon = 8\nsteps = 5\ntarget = 'random'\n\
    [trace]\ntop = 3\nlimit = 4\npictures = 1\nreference = 200\nbatch_size = 16\n";

fn trace(runs: &Runs, detector: &str) -> (PathBuf, Value) {
    let done = run(runs, &format!("{SPEC}{detector}"));
    let home = runs.root().join(done["id"].as_str().unwrap());
    let text = std::fs::read(home.join("results/trace.json")).unwrap();
    (home, serde_json::from_slice(&text).unwrap())
}

#[test]
fn detectors_are_tried_against_every_attack_and_one_that_knows_them() {
    let runs = Runs::new();
    let section = "[trace.detector]\nimages = 150\nfalse_positive_rate = 0.1\n";
    let (home, trace_of) = trace(&runs, section);
    let detector = &trace_of["detector"];
    let counts = ["reference_images", "calibration_images", "real_images"];
    assert_eq!(counts.map(|name| detector[name].as_u64()), [Some(200), Some(75), Some(75)]);
    let scores = list(detector, "scores");
    let names: Vec<&Value> = scores.iter().map(|score| &score["name"]).collect();
    assert_eq!(names, ["disagreement", "distance", "confidence"]);
    for score in scores {
        let share = number(&score["false_positives"]);
        let [low, high] = [0, 1].map(|end| number(&score["interval"][end]));
        assert!(low <= share && share <= high && share < 0.5, "{score}");
    }
    let attacks = list(detector, "attacks");
    let names: Vec<&Value> = attacks.iter().map(|attack| &attack["attack"]).collect();
    assert_eq!(names, ["fgsm ε 4", "pgd ε 8", "aware pgd ε 8", "set pgd ε 8"]);
    let images: Vec<u64> =
        attacks.iter().map(|attack| attack["images"].as_u64().unwrap()).collect();
    // All but the set are of the same images: those of the tried half that the network has right.
    assert!(images[0] > 0 && images[0] <= 75, "{images:?}");
    assert_eq!(images[..3], [images[0]; 3]);
    for attack in attacks {
        assert_eq!(attack["aware"], attack["attack"] == "aware pgd ε 8");
        let fooled = attack["fooled"].as_u64().unwrap();
        assert!(fooled <= attack["images"].as_u64().unwrap(), "{attack}");
        let curves = list(attack, "curves");
        assert_eq!(curves.len(), if fooled == 0 { 0 } else { 3 });
        for curve in curves {
            let [low, high] = [0, 1].map(|end| number(&curve["interval"][end]));
            let auc = number(&curve["auc"]);
            assert!(low <= auc && auc <= high + 1e-12, "{curve}");
            let points = list(curve, "points");
            assert!(points.len() <= 201);
            let ends = [&points[0], &points[points.len() - 1]];
            let ends = ends.map(|point| [number(&point[0]), number(&point[1])]);
            assert_eq!(ends, [[0.0, 0.0], [1.0, 1.0]]);
        }
    }
    let pgd = attacks[1]["fooled"].as_u64().unwrap();
    assert!(pgd > 0, "an attack of 8 levels fools a network of one layer");

    let representation = &trace_of["representation"];
    assert_eq!(representation["towards"], "target");
    assert_eq!(representation["nearest_among"], representation["reference_images"]);
    for name in ["mean", "pair"] {
        let ratio = &representation[name];
        let counted: u64 =
            list(ratio, "histogram").iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(Some(counted), ratio["images"].as_u64());
        assert!(counted > 0 && number(&ratio["mean"]) > 0.0, "{ratio}");
    }
    let log = std::fs::read_to_string(home.join("log.txt")).unwrap();
    assert!(log.contains("aware pgd ε 8: "), "{log}");

    // Everything is drawn from the seed.
    let (_, again) = trace(&runs, section);
    assert_eq!(&again["detector"], detector);
    assert_eq!(&again["representation"], representation);
}

#[test]
fn without_the_section_there_is_no_detector() {
    let runs = Runs::new();
    let (_, trace) = trace(&runs, "");
    assert!(trace.get("detector").is_none(), "{trace}");
    assert!(trace.get("representation").is_some(), "{trace}");
}
