//! Reports of runs that say what their neurons mean, as they lie on disk; two small results for other
//! tests.

use std::path::Path;

use super::*;
use crate::run::folder::{NewRun, short_name};
use crate::run::results::consistency::{
    self as wordnet, Class, Estimate, Group, Level, Means, Noun,
};
use crate::run::results::dissect::{self, Concept, Match, Picture, Ratio, Sides, SweepPoint};

/// A run that was dissected.
pub(super) fn run(root: &Path, spec: &str) -> RunFolder {
    let new = NewRun { title: "concepts", spec, device: "cpu", seed: 1, argv: vec![] };
    RunFolder::create(root, &new).unwrap()
}

/// Writes results into it.
pub(super) fn write<T: Serialize>(folder: &RunFolder, name: &str, results: &T) {
    let path = folder.path().join(format!("results/{name}.json"));
    std::fs::write(path, serde_json::to_vec(results).unwrap()).unwrap();
}

pub(super) const SPEC: &str = "[data]\nformat = 'shapes'\n[model]\narch = 'shapesnet'\n\
                               [dissect]\n[consistency]\nadversarial = 'none'\n";

fn matched(concept: &str, category: &str, iou: f64) -> Match {
    Match { concept: concept.into(), category: category.into(), iou, average_precision: Some(0.5) }
}

fn ratio(color: f64, object: f64) -> Ratio {
    [("color", color), ("object", object), ("all", color + object)]
        .map(|(name, share)| (name.to_owned(), share))
        .into()
}

fn neuron(index: usize, real: Match, adversarial: Match) -> dissect::Neuron {
    let picture = Picture { image: "1.png".into(), picture: "p.png".into(), activation: 1.0 };
    dissect::Neuron {
        index,
        threshold: Some(0.25),
        best: Sides { real, adversarial: Some(adversarial), rethresholded: None },
        pictures: vec![picture],
        outlines: Some("o.png".into()),
        ..dissect::Neuron::default()
    }
}

/// Four neurons of conv5: half of them detect something, a quarter of them under attack.
pub(super) fn dissected() -> Dissect {
    let interval = ratio(0.25, 0.25).into_iter().map(|(name, share)| (name, [share, share + 0.1]));
    let layer = dissect::Layer {
        layer: "conv5".into(),
        threshold: 0.04,
        neurons: vec![
            neuron(0, matched("red | <b>", "color", 0.1), matched("red | <b>", "color", 0.05)),
            neuron(1, matched("dog", "object", 0.3), matched("cat, \"tame\"", "object", 0.02)),
            neuron(2, matched("dog", "object", 0.01), matched("", "", 0.0)),
            neuron(3, matched("", "", 0.0), matched("dog", "object", 0.01)),
        ],
        ratio: Sides {
            real: ratio(0.25, 0.25),
            adversarial: Some(ratio(0.25, 0.0)),
            rethresholded: None,
        },
        interval: Sides { real: interval.collect(), ..Sides::default() },
        null: ratio(0.0, 0.125),
        adversarial_null: Some(ratio(0.0625, 0.0)),
        sweep: vec![SweepPoint {
            threshold: 0.02,
            ratio: Sides { real: 0.75, adversarial: Some(0.5), rethresholded: None },
            null: 0.125,
            adversarial_null: Some(0.0625),
            ..SweepPoint::default()
        }],
        iou: String::new(),
        ..dissect::Layer::default()
    };
    Dissect {
        data: "shapes".into(),
        images: 40,
        adversarial_images: 40,
        attack: "pgd ε 4, random targets".into(),
        fooled: Some(0.9),
        quantile: 0.005,
        image_size: 64,
        categories: vec!["color".into(), "object".into()],
        layers: vec![layer],
        ..Dissect::default()
    }
}

fn estimate(mean: f64) -> Estimate {
    Estimate { mean, interval: Some([mean - 0.05, mean + 0.05]) }
}

fn level(lc: f64, ancestor: usize, classes: &[(u32, f64)]) -> Level {
    Level { lc, consistency: lc / 2.0, ancestor, classes: classes.to_vec() }
}

/// Two neurons of conv5 and one that nothing excites: entity → animal → {dog, cat}, entity → cup.
pub(super) fn consistent() -> Consistency {
    let nouns: [(&str, &[usize]); 5] =
        [("entity", &[]), ("animal", &[0]), ("dog", &[1]), ("cat", &[1]), ("cup", &[0])];
    let noun = |(name, parents): (&str, &[usize])| Noun {
        name: name.into(),
        parents: parents.to_vec(),
        ..Noun::default()
    };
    let class = |(name, noun): (&str, usize)| Class { name: name.into(), noun };
    let neuron = |index, real, adversarial| wordnet::Neuron {
        index,
        real,
        adversarial: Some(adversarial),
        cs1: Some(0.9),
        cs2: Some(0.25),
        cs2_null: Some(0.375),
        ..wordnet::Neuron::default()
    };
    let group = |lc: f64| Group {
        neurons: 1,
        lc,
        lc_range: [lc, lc],
        cs1: Some(estimate(0.9)),
        cs2: Some(Estimate { mean: 0.25, interval: None }),
        cs2_null: Some(0.375),
    };
    let layer = wordnet::Layer {
        layer: "conv5".into(),
        silent: 1,
        neurons: vec![
            neuron(0, level(0.25, 0, &[(0, 0.5), (2, 0.5)]), level(0.5, 1, &[(0, 0.5), (1, 0.5)])),
            neuron(1, level(0.75, 2, &[(0, 1.0)]), level(0.25, 0, &[(0, 0.75), (2, 0.25)])),
            neuron(2, Level::default(), Level::default()),
        ],
        mean: Means {
            lc: estimate(0.5),
            consistency: estimate(0.25),
            adversarial_lc: Some(estimate(0.375)),
            lc_change: Some(estimate(-0.125)),
            cs1: Some(estimate(0.9)),
            cs2: Some(estimate(0.25)),
            ..Means::default()
        },
        groups: vec![group(0.25), group(0.75)],
        sweep: vec![wordnet::SweepPoint { sigma: 1.0, lc: 0.4, adversarial_lc: Some(0.3) }],
    };
    Consistency {
        classes: [("hound <i>", 2), ("cat", 3), ("cup", 4)].map(class).to_vec(),
        nouns: nouns.map(noun).to_vec(),
        wordnet: "3.0".into(),
        split: "test".into(),
        real_images: 1000,
        adversarial_images: 900,
        top: [10, 9],
        against: "target".into(),
        kernel: "gaussian".into(),
        affinity: "wu-palmer".into(),
        sigma: 2.0,
        layers: vec![layer],
        ..Consistency::default()
    }
}

/// A run with both.
pub(super) fn full(root: &Path) -> RunFolder {
    let folder = run(root, SPEC);
    write(&folder, "dissect", &dissected());
    write(&folder, "consistency", &consistent());
    folder
}

#[test]
fn a_run_that_was_only_dissected_has_a_report() {
    let root = tempfile::tempdir().unwrap();
    let folder = run(root.path(), SPEC);
    let error = Report::of(std::slice::from_ref(&folder)).unwrap_err();
    assert!(error.message.contains("results/dissect.json"), "{error}");
    write(&folder, "dissect", &dissected());
    let report = Report::of(std::slice::from_ref(&folder)).unwrap();
    assert_eq!((report.dissections.len(), report.consistencies.len()), (1, 0));
    let neuron = &report.dissections[0].result.layers[0].neurons[0];
    assert!(neuron.pictures.is_empty() && neuron.outlines.is_none(), "the run folder has them");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["dissections"][0]["layers"][0]["ratio"]["real"]["all"], 0.5);
    assert_eq!(json["dissections"][0]["run"], folder.id());
    assert_eq!(json["consistencies"], serde_json::json!([]));
}

#[test]
fn table_1_has_a_row_for_each_kind_of_images() {
    let root = tempfile::tempdir().unwrap();
    let page = markdown::render(&Report::of(&[full(root.path())]).unwrap());
    for part in [
        "| real | 4 | 25.00 [25.00, 35.00] | 25.00 [25.00, 35.00] | 50.00 [50.00, 60.00] |",
        "| adversarial | 4 | 25.00 | 0.00 | 25.00 |",
        "| real, shuffled labels | 4 | 0.00 | 12.50 | 12.50 |",
        "| adversarial, shuffled labels | 4 | 6.25 | 0.00 | 6.25 |",
        "(IoU) above 0.04.",
        "| pgd ε 4, random targets | 40 | 90.00 | 0.50 |",
        "| conv5 | 0.02 | 75.00 | 50.00 | – | 12.50 | 6.25 | – |",
        "| conv5 | 0 | red \\| &lt;b> (color) | 0.100 | 0.500 | red \\| &lt;b> (color) | 0.050 |",
        "| conv5 | 3 | – | 0.000 |",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let at = |part: &str| page.find(part).unwrap();
    assert!(at("| conv5 | 1 | dog (object)") < at("| conv5 | 0 | red"), "the largest IoU first");
    assert!(!page.contains("Concepts of"), "one run is compared with none");
}

#[test]
fn two_runs_stand_side_by_side_neuron_by_neuron() {
    let root = tempfile::tempdir().unwrap();
    let first = full(root.path());
    let second = run(root.path(), SPEC);
    let mut changed = dissected();
    changed.layers[0].neurons[0].best.real.concept = "blue".into();
    changed.layers[0].neurons[1].best.real.iou = 0.03;
    changed.layers[0].neurons[2].best.real.iou = 0.05;
    write(&second, "dissect", &changed);
    let report = Report::of(&[first.clone(), second.clone()]).unwrap();
    let page = markdown::render(&report);
    let expected = [
        format!(
            "## Concepts of {} beside those of {}",
            short_name(&second.id()),
            short_name(&first.id())
        ),
        "| conv5 | 1 | 1 | 1 | 0 | 1 |".into(),
        "| conv5 | 2 | gained | dog (object) | 0.010 | dog (object) | 0.050 |".into(),
        "| conv5 | 1 | lost | dog (object) | 0.300 | dog (object) | 0.030 |".into(),
        "| conv5 | 0 | renamed | red \\| &lt;b> (color) | 0.100 | blue (color) | 0.100 |".into(),
    ];
    for part in &expected {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let table = csv::concepts::differences(&report);
    assert_eq!(table.lines().count(), 5);
    assert!(table.contains(",conv5,2,gained,dog,object,0.01,dog,object,0.05"), "{table}");

    // Concepts of other data are no change, and the report says why there is none.
    let third = run(root.path(), SPEC);
    write(&third, "dissect", &Dissect { data: "broden".into(), ..dissected() });
    let report = Report::of(&[first, third]).unwrap();
    assert!(report.differences.is_empty());
    assert!(report.notes.iter().any(|note| note.contains("shapes and")), "{:?}", report.notes);
}

#[test]
fn level_and_consistency_are_told_with_intervals_curves_and_trees() {
    let root = tempfile::tempdir().unwrap();
    let folder = full(root.path());
    let page = markdown::render(&Report::of(std::slice::from_ref(&folder)).unwrap());
    for part in [
        "| conv5 | 2 | 1 | 50.00 [45.00, 55.00] | 37.50 [32.50, 42.50] | -12.50 [-17.50, -7.50] |",
        "| 10 of 1000 | 9 of 900 | gaussian, σ 2 | wu-palmer | target | 3.0 |",
        "| ours | 25.00 | 25.00 … 25.00 | 1 | 0.900 [0.850, 0.950] | 0.250 [–] | 0.375 |",
        "| conv5 | 1 | 40.00 | 30.00 |",
        "\n    neuron 1, real images: LC 75.00, consis 37.50\n    entity › animal › ◆ dog (hound <i>)  \
         100.00 %\n\n    neuron 1, adversarial images: LC 25.00, consis 12.50\n    ◆ entity\n    \
         ├─ animal › dog (hound <i>)  75.00 %\n    └─ cup  25.00 %\n",
        "neuron 0, adversarial images: LC 50.00, consis 25.00\n    entity › ◆ animal\n",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    assert!(!page.contains("neuron 2,"), "nothing excites it");
    assert!(!page.contains("published"), "nobody published this network");
}

#[test]
fn every_table_of_concepts_is_a_csv_with_as_many_cells_as_columns() {
    let root = tempfile::tempdir().unwrap();
    let runs = [full(root.path()), full(root.path())];
    let report = Report::of(&runs).unwrap();
    let tables = [
        (csv::concepts::table_1(&report), 1 + 2 * 12),
        (csv::concepts::sweep(&report), 1 + 2),
        (csv::concepts::neurons(&report), 1 + 2 * 4),
        (csv::concepts::differences(&report), 1 + 4),
        (csv::concepts::consistency(&report), 1 + 2 * 6),
        (csv::concepts::curves(&report), 1 + 2 * 2),
        (csv::concepts::levels(&report), 1 + 2 * 3),
    ];
    for (table, lines) in tables {
        assert_eq!(table.lines().count(), lines, "{table}");
        let columns = table.lines().next().unwrap().split(',').count();
        for line in table.lines() {
            let cells = line.replace("cat, \"\"tame\"\"", "cat");
            assert_eq!(cells.split(',').count(), columns, "{line}\n{table}");
        }
    }
    let curves = csv::concepts::curves(&report);
    assert!(curves.contains(",ours,0.75,0.75,0.75,1,0.9,0.85,0.95,0.25,,,0.375"), "{curves}");
    let levels = csv::concepts::levels(&report);
    assert!(levels.contains(",conv5,1,0.75,0.375,dog,1,0.25,0.125,entity,2,0.9,0.25,0.375"));
}

const ALEXNET: &str = "[data]\nformat = 'image-folder'\npath = '/data/imagenet'\nimage_size = 224\n\
                       [model]\narch = 'alexnet'\nweights = '/w/alexnet.pth'\nclasses = 1000\n\
                       [dissect.data]\nformat = 'broden'\npath = '/data/broden'\n\
                       [consistency]\nadversarial = 'none'\n";

fn on_broden(layer: &str) -> Dissect {
    let categories = ["color", "texture", "material", "scene", "part", "object"];
    let concept = |number| Concept { number, name: "red".into(), ..Concept::default() };
    let mut result = Dissect {
        data: "broden".into(),
        images: 63_300,
        damaged: 5,
        categories: categories.map(str::to_owned).into(),
        concepts: (1..=1197).map(concept).collect(),
        ..dissected()
    };
    result.layers[0].layer = layer.into();
    result
}

#[test]
fn published_ratios_stand_beside_the_same_network_layer_and_measure_alone() {
    let root = tempfile::tempdir().unwrap();
    let published = |spec: &str, result: &Dissect| {
        let folder = run(root.path(), spec);
        write(&folder, "dissect", result);
        let report = Report::of(&[folder]).unwrap();
        let all: Vec<f64> =
            report.dissections[0].published.iter().map(|found| found.ratio["all"]).collect();
        (all, markdown::render(&report))
    };
    let (all, page) = published(ALEXNET, &on_broden("features.10"));
    assert_eq!(all, [0.379]);
    let row = "| Caffe's AlexNet | features.10 | real, published |  | 1.60 | 15.60 | 1.20 | 0.80 | 6.20 | 12.50 | 37.90 |";
    assert!(page.contains(row) && page.contains("Bau et al. 2017"), "{page}");
    let none: [f64; 0] = [];
    let strict = {
        let mut result = on_broden("features.10");
        result.layers[0].threshold = 0.1;
        result
    };
    for (spec, result) in [
        (ALEXNET.to_owned(), on_broden("features.8")),
        (ALEXNET.to_owned(), strict),
        (ALEXNET.to_owned(), Dissect { quantile: 0.01, ..on_broden("features.10") }),
        (ALEXNET.to_owned(), Dissect { images: 375, ..on_broden("features.10") }),
        (ALEXNET.to_owned(), Dissect { concepts: Vec::new(), ..on_broden("features.10") }),
        (ALEXNET.to_owned(), {
            let mut result = on_broden("features.10");
            result.categories.retain(|category| category != "material");
            result
        }),
        (ALEXNET.replace("'broden'\n", "'broden'\nlimit = 63000\n"), on_broden("features.10")),
        (ALEXNET.replace("alexnet'\nw", "vgg16'\nw"), on_broden("features.10")),
        (ALEXNET.replace("224", "64"), on_broden("features.10")),
        (ALEXNET.replace("weights = '/w/alexnet.pth'\n", ""), on_broden("features.10")),
        (ALEXNET.replace("format = 'broden'\npath = '/data/broden'", ""), on_broden("features.10")),
    ] {
        assert_eq!(published(&spec, &result).0, none, "{spec}");
    }
}

#[test]
fn published_curves_stand_beside_networks_that_were_trained_as_the_papers() {
    let root = tempfile::tempdir().unwrap();
    let trained = ALEXNET.to_owned()
        + "[train]\n[train.adversarial]\nmethod = 'fgsm'\nconsistency_weight = 0.1\n\
           consistency_layer = 'conv5'\n";
    let report = |spec: &str, layer: &str| {
        let folder = run(root.path(), spec);
        let mut result = consistent();
        result.layers[0].layer = layer.into();
        write(&folder, "consistency", &result);
        (folder.clone(), Report::of(&[folder]).unwrap())
    };
    let (before, of_trained) = report(&trained, "features.10");
    assert!(of_trained.consistencies[0].published[0].is_some());
    let page = markdown::render(&of_trained);
    for part in ["| published | 3.90 |  |  | – | 0.35 | – |", "read off to ±0.02"] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let curves = csv::concepts::curves(&of_trained);
    assert!(curves.contains("features.10,published,0.039,,,,,,,0.35,,,"), "{curves}");

    // Measured in another run, on the weights of that one.
    let weights = |from: &str| ALEXNET.replace("/w/alexnet.pth", from);
    let file = before.path().join("checkpoints/best.safetensors").display().to_string();
    for from in [format!("run:{}@best", before.id()), file] {
        let (_, of_weights) = report(&weights(&from), "features.10");
        assert!(of_weights.consistencies[0].published[0].is_some(), "{from}");
    }
    // LC or CS2 of another kind is another axis.
    let another = |spec: &str, change: &dyn Fn(&mut Consistency)| {
        let folder = run(root.path(), spec);
        let mut result = consistent();
        result.layers[0].layer = "features.10".into();
        change(&mut result);
        write(&folder, "consistency", &result);
        Report::of(&[folder]).unwrap().consistencies[0].published[0].is_some()
    };
    assert!(another(&trained, &|_| ()));
    assert!(!another(&trained, &|result| result.kernel = "path".into()));
    assert!(!another(&trained, &|result| result.sigma = 3.0));
    assert!(!another(&trained, &|result| result.split = "train".into()));
    assert!(!another(&trained, &|result| result.against = "prediction".into()));
    assert!(!another(&trained.replace("'none'", "'none'\nshare = 0.1"), &|_| ()));
    let plain = trained.replace("= 0.1", "= 0");
    for (spec, layer) in [
        (ALEXNET, "features.10"),
        (&plain, "features.10"),
        (&trained, "features.8"),
        (&weights("run:20260101-000000-gone-0000@best"), "features.10"),
    ] {
        assert!(report(spec, layer).1.consistencies[0].published[0].is_none(), "{spec}");
    }
}

#[test]
fn control_codes_in_names_reach_no_format() {
    let root = tempfile::tempdir().unwrap();
    let folder = run(root.path(), SPEC);
    let mut result = dissected();
    result.layers[0].neurons[1].best.real.concept = "\u{1b}[2Jdog\n\u{202e}".into();
    write(&folder, "dissect", &result);
    let mut levels = consistent();
    levels.nouns[1].name = "\u{1b}]0;animal\u{7}\n# x".into();
    write(&folder, "consistency", &levels);
    let report = Report::of(&[folder]).unwrap();
    let all = markdown::render(&report) + &csv::concepts::neurons(&report);
    assert!(!all.chars().any(|c| c == '\u{202e}' || c.is_control() && c != '\n'), "{all:?}");
    assert!(!all.contains("\n# x"), "a name ends no line");
}
