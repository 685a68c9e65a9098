//! Which attacks are taken, what they are called, and how scores become results.

use super::attacks::{self, AwareKeys};
use super::judge::{apart, calibration, curves};
use super::{detector_work, drawn};
use crate::neuron::trace::detector::Scores;
use crate::spec::{self, DetectorSpec, Spec};

fn spec(attacks: &str) -> Spec {
    let text = format!("[evaluate]\nattacks = [{attacks}]\n[trace]\nadversarial = 'none'\n");
    spec::Document::parse("a.toml", &text).unwrap().spec().unwrap()
}

const SEVERAL: &str = "{ method = 'none' }, { method = 'fgsm', epsilon = 4 }, \
    { method = 'pgd', epsilon = 8, steps = 10 }, { method = 'pgd', epsilon = 8, steps = 60 }, \
    { method = 'pgd', epsilon = 8, steps = 10 }, { method = 'pgd', epsilon = 300, norm = 'l2' }, \
    { method = 'cw' }";

#[test]
fn every_attack_of_the_evaluation_is_taken_once_under_a_name_of_its_own() {
    let found = attacks::of(&spec(SEVERAL));
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fgsm ε 4", "pgd ε 8", "pgd ε 8, 60 steps", "pgd ε 300 l2", "cw"]);
    assert!(attacks::of(&spec("{ method = 'none' }")).is_empty());
}

#[test]
fn the_attack_that_knows_the_detector_is_as_strong_as_the_others() {
    let of = |attacks: &str, section: DetectorSpec| attacks::aware(&spec(attacks), &section);
    let usual = of(SEVERAL, DetectorSpec::default()).unwrap();
    // C&W takes 100 steps; 300 is of another norm.
    let expected = AwareKeys {
        name: "aware pgd ε 8".into(),
        epsilon: 8.0,
        steps: 100,
        step_size: 0.2,
        weight: 1.0,
    };
    assert_eq!(usual, expected);
    let given = DetectorSpec { aware_epsilon: 2.0, aware_weight: 0.5, ..DetectorSpec::default() };
    let given = of("{ method = 'fgsm', epsilon = 6 }", given).unwrap();
    assert_eq!((given.epsilon, given.steps, given.weight), (2.0, 40, 0.5));
    assert_eq!(of("{ method = 'none' }", DetectorSpec::default()).unwrap().epsilon, 4.0);
    let none = DetectorSpec { aware_weight: 0.0, ..DetectorSpec::default() };
    assert_eq!(of(SEVERAL, none), None);
}

#[test]
fn work_is_that_of_the_parts() {
    let section = DetectorSpec { images: 100, aware_weight: 0.0, ..DetectorSpec::default() };
    // Real images; FGSM, forward and back, on the tried half; the set's images with their originals.
    let work = |test, twins| {
        detector_work(&spec("{ method = 'fgsm', epsilon = 4 }"), &section, [test, twins], 9)
    };
    assert_eq!(work(1000, 0), 100 * 10 + 50 * (3 + 10));
    assert_eq!(work(20, 3), 20 * 10 + 10 * (3 + 10) + 3 * 11);
}

#[test]
fn images_are_drawn_once_each_by_seed_and_purpose() {
    let all = drawn(50, 20, 1, *b"detector");
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 20);
    assert!(sorted.iter().all(|index| *index < 50) && *sorted.last().unwrap() > 30);
    assert_eq!(all, drawn(50, 20, 1, *b"detector"));
    assert_ne!(all, drawn(50, 20, 2, *b"detector"));
    assert_ne!(all, drawn(50, 20, 1, *b"adversar"));
    assert_eq!(drawn(3, 20, 1, *b"detector").len(), 3);
}

#[test]
fn no_adversarial_image_of_a_threshold_s_original_is_judged() {
    let order = drawn(50, 21, 7, *b"detector");
    let set = calibration(50, 21, 7);
    assert_eq!(set.len(), 11);
    for (place, image) in order.iter().enumerate() {
        assert_eq!(set.contains(image), place % 2 == 0, "{place}");
    }
    let originals: Vec<usize> = (0..50).rev().chain(0..50).collect();
    let judged = apart(&originals, &set);
    assert_eq!(judged.len(), 2 * (50 - 11));
    assert!(judged.iter().all(|&place| !set.contains(&originals[place])));
    assert!(apart(&[order[0], order[2]], &set).is_empty());
}

#[test]
fn each_score_has_its_curve_and_its_share_above_the_threshold() {
    let scores = |rows: &[[u8; 3]]| -> Vec<Scores> {
        rows.iter().map(|row| row.map(|score| f64::from(score) / 10.0)).collect()
    };
    let real = scores(&[[1, 5, 2], [2, 4, 2], [3, 3, 2], [4, 2, 2]]);
    let adversarial = scores(&[[9, 1, 2], [4, 6, 2]]);
    let found = curves(&real, &adversarial, &[0.4, 0.3, 0.1]);
    let summary: Vec<(&str, f64, f64)> =
        found.iter().map(|curve| (curve.score.as_str(), curve.auc, curve.detected)).collect();
    let expected =
        [("disagreement", 7.5 / 8.0, 0.5), ("distance", 0.5, 0.5), ("confidence", 0.5, 1.0)];
    assert_eq!(summary, expected);
    assert!(found[0].detected_interval[0] < 0.5 && found[0].detected_interval[1] > 0.5);
    assert!(curves(&real, &[], &[0.4, 0.3, 0.1]).is_empty());
}
