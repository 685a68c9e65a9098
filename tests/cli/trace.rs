//! The trace stage as people use it, on scenes that the program draws.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::concepts::{SPEC, list, number, refused, run};
use crate::runs::Runs;

fn size(home: &Path, file: &Value) -> (u32, u32) {
    image::image_dimensions(home.join(file.as_str().unwrap())).unwrap()
}

fn of_kind<'a>(trace: &'a Value, kind: &str) -> Vec<&'a Value> {
    list(trace, "predictions").iter().filter(|prediction| prediction["kind"] == kind).collect()
}

#[test]
fn predictions_lead_back_to_their_neurons() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[attack]\nmethod = 'fgsm'\nepsilon = 8\n\
             [trace]\ntop = 3\nlimit = 6\npictures = 4\nbatch_size = 4\nreference = 30\n"
        ),
    );
    let home = runs.root().join(done["id"].as_str().unwrap());
    let trace = &done["results"]["trace"];
    let whole = |name: &str| trace[name].as_u64().unwrap();
    assert_eq!((whole("neurons"), whole("top"), whole("tested")), (8, 3, 40));
    assert_eq!((trace["layer"].as_str(), trace["images"].as_str()), (Some("0"), Some("all")));
    assert_eq!(list(trace, "classes").len(), 16);
    let kinds: Vec<&str> =
        list(trace, "kinds").iter().map(|kind| kind["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["right", "wrong", "adversarial"]);
    let right = whole("right");
    for (kind, at_most) in list(trace, "kinds").iter().zip([right, 40 - right, 40]) {
        let images = kind["images"].as_u64().unwrap();
        assert!(images <= 6.min(at_most), "{kind}");
        assert!((number(&kind["chance"]) - 3.0 / 8.0).abs() < 1e-12);
        let kept = of_kind(trace, kind["kind"].as_str().unwrap());
        assert_eq!(kept.len() as u64, images.min(4), "{kind}");
        if images > 1 {
            assert!((0.0..=1.0).contains(&number(&kind["overlap"])), "{kind}");
            let shares: f64 = list(kind, "neurons").iter().map(|one| number(&one["share"])).sum();
            assert!((shares - 3.0).abs() < 1e-9, "every prediction has three neurons: {kind}");
        }
    }
    let mut fallen = 0;
    for prediction in list(trace, "predictions") {
        assert_eq!(size(&home, &prediction["picture"]), (32, 32));
        let neurons = list(prediction, "neurons");
        let differences: Vec<f64> = neurons.iter().map(|one| number(&one["probability"])).collect();
        assert!(neurons.len() == 3 && differences.is_sorted_by(|a, b| a >= b), "{prediction}");
        let answers = list(prediction, "answers");
        assert_eq!(answers.len(), 5);
        assert_eq!(prediction["followed"], answers[0]["class"]);
        assert_eq!(prediction["probability"], answers[0]["probability"]);
        let is_right = prediction["label"] == answers[0]["class"];
        assert_eq!(is_right, prediction["kind"] == "right", "{prediction}");
        let ablations = list(prediction, "ablations");
        assert_eq!(ablations.len(), 7);
        for (at, neuron) in neurons.iter().enumerate() {
            // Sets are counted in binary, so that each neuron alone comes at a power of two.
            let alone = &ablations[(1 << at) - 1];
            assert_eq!(list(alone, "neurons"), [neuron["index"].clone()]);
            let fall = number(&prediction["probability"]) - number(&alone["probability"]);
            assert!((fall - number(&neuron["probability"])).abs() < 1e-5, "{prediction}");
            fallen += usize::from(fall > 0.0);
        }
        let is_attacked = prediction["kind"] == "adversarial";
        assert_eq!(prediction["original"].is_string(), is_attacked);
        if is_attacked {
            assert!(prediction["picture"].as_str().unwrap().starts_with("adversarial/"));
            assert_eq!(size(&home, &prediction["original"]), (32, 32));
        }
    }
    assert!(fallen > 10, "{fallen}");
    for error in list(trace, "of_errors") {
        assert_ne!(error["label"], error["predicted"]);
    }
    let agreement = &trace["agreement"];
    let images: u64 =
        list(trace, "kinds").iter().map(|kind| kind["images"].as_u64().unwrap()).sum();
    assert_eq!(agreement["images"].as_u64(), Some(images));
    // What follows the layer is pooling and a linear layer: there the gradient is exact.
    assert!(number(&agreement["gradient"]["correlation"]) > 0.95, "{agreement}");
    assert!(number(&agreement["gradient"]["overlap"]) > 0.5, "{agreement}");
    assert!(!home.join("progress").exists(), "what the stage had under way is left behind");
    let log = std::fs::read_to_string(home.join("log.txt")).unwrap();
    assert!(log.contains("predictions back to the 8 neurons of 0"), "{log}");
    let shown = runs.glassbox(&["show", "last"]).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("trace of 0: 8 neurons"), "{shown}");
}

#[test]
fn pictures_that_are_pointed_at_are_traced_in_natural_order() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    for (number, side) in [(10, 40), (9, 32), (1, 70)] {
        let shade = image::Rgb([(number * 20) as u8, 90, 200]);
        let picture = image::RgbImage::from_pixel(side, side + 3, shade);
        picture.save(folder.path().join(format!("scene {number}.png"))).unwrap();
    }
    std::fs::write(folder.path().join("scene 2.png"), b"no picture").unwrap();
    let spec = |more: &str| {
        let images = folder.path().display();
        format!("{SPEC}[trace]\nimages = '{images}'\nadversarial = 'none'\ntop = 2\n{more}")
    };
    let done = run(&runs, &spec("class = 3\nmeasure = 'logit'\n"));
    let home = runs.root().join(done["id"].as_str().unwrap());
    let trace = &done["results"]["trace"];
    assert_eq!((trace["tested"].as_u64(), trace["damaged"].as_u64()), (Some(0), Some(1)));
    let given = of_kind(trace, "given");
    let names: Vec<&str> = given.iter().map(|one| one["image"].as_str().unwrap()).collect();
    assert_eq!(names, ["scene 1.png", "scene 9.png", "scene 10.png"]);
    let pictures: BTreeSet<&str> =
        given.iter().map(|one| one["picture"].as_str().unwrap()).collect();
    assert_eq!(pictures.len(), 3);
    for prediction in &given {
        assert_eq!(size(&home, &prediction["picture"]), (32, 32));
        assert_eq!((&prediction["followed"], prediction.get("label")), (&3.into(), None));
        let logits: Vec<f64> =
            list(prediction, "neurons").iter().map(|one| number(&one["logit"])).collect();
        assert!(logits.is_sorted_by(|a, b| a >= b), "{prediction}");
    }
    assert_eq!(list(trace, "kinds").len(), 1);
    assert!(list(trace, "of_classes").is_empty() && list(trace, "of_errors").is_empty());
    refused(&spec("class = 'true'\n"), &["trace.class", "given pictures"]);
}

#[test]
fn errors_alone_can_be_traced() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[trace]\nimages = 'errors'\nadversarial = 'none'\nclass = 'true'\nlimit = 5\n\
             pictures = 0\n"
        ),
    );
    let trace = &done["results"]["trace"];
    assert_eq!(trace["tested"].as_u64(), Some(40));
    let kinds = list(trace, "kinds");
    assert!(kinds.len() == 1 && kinds[0]["kind"] == "wrong", "{trace}");
    assert!(kinds[0]["images"].as_u64().unwrap() <= 5);
    assert!(list(trace, "predictions").is_empty());
    // The neurons of the true class are not those behind the answer.
    assert!(list(trace, "of_errors").is_empty(), "{trace}");
}

#[test]
fn what_cannot_be_traced_is_told_before_a_run_is_made() {
    let trace = |more: &str| format!("{SPEC}[trace]\nadversarial = 'none'\n{more}");
    refused(&trace("layer = '7'\n"), &["trace.layer", "no layer '7'", "sequential has: 0"]);
    refused(&trace("top = 9\n"), &["trace.top = 9", "has 8 neurons"]);
    refused(&trace("class = 16\n"), &["trace.class = 16", "16 classes"]);
    refused(&trace("images = '/nowhere/at/all'\n"), &["trace.images", "/nowhere/at/all"]);
    refused(&trace("class = 'guessed'\n"), &["trace.class", "predicted"]);
    refused(&format!("{SPEC}[trace]\n"), &["trace.adversarial", "[attack]"]);
    refused(
        &format!("{SPEC}[trace]\nadversarial = '/nowhere/at/all'\nbatch_size = 0\n"),
        &["trace.batch_size"],
    );
}
