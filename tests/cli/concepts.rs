//! The stages dissect and consistency as people use them, on scenes that the program draws.

use std::path::Path;

use serde_json::Value;

use crate::runs::Runs;

/// A network of one layer of eight neurons, and few images.
pub const SPEC: &str = "[data]\nimage_size = 32\ntest_images = 40\ntrain_images = 48\n\
                    [model]\narch = 'sequential'\nlayers = ['conv 8 5 stride=2 padding=2', 'relu', \
                    'adaptive-avg-pool 2', 'flatten', 'linear 16']\n\
                    [train]\nepochs = 1\nbatch_size = 16\n[train.probe]\nepsilon = 4\n";

pub fn write(folder: &Path, spec: &str) -> String {
    let file = folder.join("mine.toml");
    std::fs::write(&file, spec).unwrap();
    file.to_str().unwrap().to_owned()
}

pub fn run(runs: &Runs, spec: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), spec);
    let output = runs.glassbox(&["run", &file, "--json"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `check` refuses the spec, in words that have all these parts; no run would be made of it.
pub fn refused(spec: &str, parts: &[&str]) {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let file = write(folder.path(), spec);
    for command in ["check", "run"] {
        let output = runs.glassbox(&[command, &file]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        for part in parts {
            assert!(error.contains(part), "no '{part}' in {error}");
        }
    }
    let made = std::fs::read_dir(runs.root()).map_or(0, |entries| {
        entries.flatten().filter(|entry| entry.path().join("run.json").exists()).count()
    });
    assert_eq!(made, 0, "a run was made");
}

pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn size(home: &Path, file: &Value) -> (u32, u32) {
    image::image_dimensions(home.join(file.as_str().unwrap())).unwrap()
}

#[test]
fn a_network_is_dissected_as_it_is_and_attacked() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[dissect]\nlayers = ['0']\ntop = 3\nbatch_size = 8\niou_threshold = 0.01\n\
             data = {{ limit = 30 }}\n\
             [dissect.attack]\nmethod = 'pgd'\nepsilon = 8\nsteps = 2\n"
        ),
    );
    let home = runs.root().join(done["id"].as_str().unwrap());
    let dissect = &done["results"]["dissect"];
    let images = ["images", "adversarial_images", "damaged"].map(|name| dissect[name].as_u64());
    assert_eq!(images, [Some(30), Some(30), Some(0)]);
    assert_eq!(dissect["attack"], "pgd ε 8, random targets");
    assert!((0.0..=1.0).contains(&number(&dissect["fooled"])), "{dissect}");
    let concepts = list(dissect, "concepts");
    assert!(concepts.iter().any(|concept| concept["images"].as_u64().unwrap() > 0));
    let layer = &dissect["layers"][0];
    let neurons = list(layer, "neurons");
    assert_eq!(neurons.len(), 8);
    for neuron in neurons {
        for side in ["real", "adversarial", "rethresholded"] {
            assert!((0.0..=1.0).contains(&number(&neuron[side]["iou"])), "{neuron}");
        }
        assert_eq!(list(neuron, "by_category").len(), 6);
        let best = list(neuron, "by_category").iter().map(|of| number(&of["iou"]));
        assert_eq!(best.fold(0.0, f64::max), number(&neuron["real"]["iou"]), "{neuron}");
        if neuron["real"]["concept"] != "" {
            let precision = number(&neuron["real"]["average_precision"]);
            assert!((0.0..=1.0).contains(&precision), "{neuron}");
        }
        assert_eq!(size(&home, &neuron["outlines"]), (6 * 32, 32));
        for side in ["pictures", "adversarial_pictures"] {
            assert_eq!(list(neuron, side).len(), 3);
            for picture in list(neuron, side) {
                assert_eq!(size(&home, &picture["picture"]), (32, 32), "{picture}");
            }
        }
    }
    // Every number that is told again elsewhere is the same there.
    let detectors = neurons.iter().filter(|neuron| number(&neuron["real"]["iou"]) > 0.01).count();
    let all = number(&layer["ratio"]["real"]["all"]);
    assert!((all - detectors as f64 / 8.0).abs() < 1e-12, "{layer}");
    assert_eq!(list(layer, "sweep").len(), 20);
    assert_eq!(number(&layer["sweep"][0]["real"]), all);
    for (side, null) in [
        ("real", "null"),
        ("adversarial", "adversarial_null"),
        ("rethresholded", "rethresholded_null"),
    ] {
        for category in ["color", "object", "all"] {
            let ratio = number(&layer["ratio"][side][category]);
            let [low, high] = [0, 1].map(|end| number(&layer["interval"][side][category][end]));
            assert!(low <= ratio && ratio <= high, "{side} {category}: {ratio} in {low}..{high}");
        }
        // Chance finds concepts, too, and fewer the more they must fit.
        let chance: Vec<f64> =
            list(layer, "sweep").iter().map(|point| number(&point[null])).collect();
        assert!(chance[0] > 0.0 && chance.is_sorted_by(|a, b| a >= b), "{side}: {chance:?}");
        assert_eq!(number(&layer[null]["all"]), chance[0], "{side}");
    }
    let bytes = std::fs::read(home.join(layer["iou"].as_str().unwrap())).unwrap();
    let header = String::from_utf8_lossy(&bytes[8..600]).into_owned();
    for name in ["real", "adversarial", "rethresholded", &format!("[8,{}]", concepts.len())] {
        assert!(header.contains(name), "no {name} in {header}");
    }
    assert!(!home.join("progress").exists(), "what the stage had under way is left behind");

    let shown = runs.glassbox(&["show", "last"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in ["30 labelled images of shapes; pgd ε 8", "material", "SHUFFLED"] {
        assert!(shown.contains(part), "no '{part}' in\n{shown}");
    }
}

#[test]
fn a_grey_network_is_dissected_on_grey_scenes() {
    let runs = Runs::new();
    // No data of one channel is drawn: the network is told by its normalisation.
    let folder = tempfile::tempdir().unwrap();
    idx(folder.path());
    let done = run(
        &runs,
        &format!(
            "[data]\nformat = 'idx'\npath = '{}'\ntest_images = 6\nclass_names = ['cat', 'dog']\n\
             [model]\narch = 'sequential'\n\
             layers = ['conv 4 3 padding=1', 'relu', 'flatten', 'linear 2']\n\
             [dissect]\nlayers = ['0']\n",
            folder.path().display()
        ),
    );
    let dissect = &done["results"]["dissect"];
    assert_eq!((&dissect["images"], &dissect["image_size"]), (&6.into(), &8.into()));
    assert_eq!((&dissect["attack"], &dissect["fooled"]), (&"".into(), &Value::Null));
    assert!(dissect["layers"][0]["ratio"].get("adversarial").is_none());
}

/// Two grey pictures of eight pixels a side, in each split.
fn idx(folder: &Path) {
    for split in ["train", "t10k"] {
        let mut images = vec![0, 0, 8, 3];
        for size in [2_u32, 8, 8] {
            images.extend(size.to_be_bytes());
        }
        images.extend((0..128).map(|at: u32| (at * 37 % 256) as u8));
        std::fs::write(folder.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
        std::fs::write(folder.join(format!("{split}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn classes_are_counted_by_wordnet() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[train.neurons]\nlayers = ['0']\nneurons = [0, 3]\ntop = 4\nimages = 24\n\
             [attack]\nmethod = 'pgd'\nepsilon = 8\nsteps = 2\ntarget = 'random'\n\
             [consistency]\nlayers = ['0']\nshare = 0.2\ngroups = 4\n"
        ),
    );
    let home = runs.root().join(done["id"].as_str().unwrap());
    let result = &done["results"]["consistency"];
    assert_eq!((&result["real_images"], &result["adversarial_images"]), (&40.into(), &40.into()));
    assert_eq!((&result["top"][0], &result["against"]), (&8.into(), &"target".into()));
    let nouns = list(result, "nouns");
    assert_eq!((&nouns[0]["name"], &nouns[0]["depth"]), (&"entity".into(), &0.into()));
    for (place, noun) in nouns.iter().enumerate() {
        for parent in list(noun, "parents") {
            assert!(parent.as_u64().unwrap() < place as u64, "{noun}");
        }
    }
    assert_eq!(list(result, "classes").len(), 16);
    let layer = &result["layers"][0];
    let all = list(layer, "neurons");
    assert_eq!(all.len(), 8);
    let neurons: Vec<&Value> = all.iter().filter(|neuron| neuron.get("cs1").is_some()).collect();
    assert_eq!(layer["silent"].as_u64().unwrap() as usize, 8 - neurons.len());
    assert!(neurons.len() >= 5, "{layer}");
    for neuron in &neurons {
        for side in ["real", "adversarial"] {
            let level = &neuron[side];
            assert!((0.0..=1.0).contains(&number(&level["lc"])), "{level}");
            let shares: f64 = list(level, "classes").iter().map(|class| number(&class[1])).sum();
            assert!((shares - 1.0).abs() < 1e-9, "{level}");
            assert!((level["ancestor"].as_u64().unwrap() as usize) < nouns.len());
        }
        for cosine in ["cs1", "cs2", "cs2_null"] {
            assert!((0.0..=1.0).contains(&number(&neuron[cosine])), "{neuron}");
        }
    }
    let sum: f64 = neurons.iter().map(|neuron| number(&neuron["real"]["lc"])).sum();
    let mean = sum / neurons.len() as f64;
    assert!((mean - number(&layer["mean"]["lc"]["mean"])).abs() < 1e-9);
    let groups = list(layer, "groups");
    // Four were asked for, of fewer neurons each than say anything.
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["neurons"].as_u64().unwrap() as usize, neurons.len());
    let sigmas: Vec<f64> = list(layer, "sweep").iter().map(|of| number(&of["sigma"])).collect();
    assert_eq!(sigmas, [1.0, 2.0, 3.0]);
    assert_eq!(number(&layer["sweep"][1]["lc"]), number(&layer["mean"]["lc"]["mean"]));

    let events = std::fs::read_to_string(home.join("events.jsonl")).unwrap();
    for metric in ["\"lc\":", "\"lc_adversarial\":", "\"cs1\":"] {
        assert!(events.contains(metric), "no {metric} in\n{events}");
    }
    let shown = runs.glassbox(&["show", "last"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in ["top 8 real and 8 adversarial", "CS2 against the target", "ADVERSARIAL CONSIS"] {
        assert!(shown.contains(part), "no '{part}' in\n{shown}");
    }

    // Another run counts the same images, and what it is told of their targets.
    let id = done["id"].as_str().unwrap();
    let again = run(
        &runs,
        &format!(
            "{SPEC}[consistency]\nlayers = ['0']\nkernel = 'path'\nadversarial = 'run:{id}'\n"
        ),
    );
    let again = &again["results"]["consistency"];
    assert_eq!((&again["against"], &again["top"][0]), (&"target".into(), &1.into()));
    assert!(list(&again["layers"][0], "sweep").is_empty(), "a path has no sigma");
}

#[test]
fn what_does_not_fit_is_said_before_a_run_is_made() {
    let missing = "[dissect.data]\nformat = 'broden'\npath = '/nowhere/at/all'\n";
    refused(&format!("{SPEC}{missing}"), &["dissect.data.path", "does not exist"]);
    let empty = tempfile::tempdir().unwrap();
    let broden =
        format!("[dissect.data]\nformat = 'broden'\npath = '{}'\n", empty.path().display());
    refused(&format!("{SPEC}{broden}"), &["csv"]);
    refused(&format!("{SPEC}[dissect]\nlayers = ['conv9']\n"), &["dissect.layers", "conv9"]);
    let layers = "[consistency]\nadversarial = 'none'\nlayers = ['conv9']\n";
    refused(&format!("{SPEC}{layers}"), &["consistency.layers", "conv9"]);
    let few = "[consistency]\nadversarial = 'none'\nsynsets = ['dog', 'cat']\n";
    refused(&format!("{SPEC}{few}"), &["consistency.synsets has 2", "16 classes"]);
    let nouns: Vec<&str> = std::iter::repeat_n("'dog'", 15).chain(["'elephantt'"]).collect();
    let wrong = format!("[consistency]\nadversarial = 'none'\nsynsets = [{}]\n", nouns.join(", "));
    refused(&format!("{SPEC}{wrong}"), &["consistency.synsets[15]", "elephant"]);
    let target = "[dissect.attack]\nmethod = 'pgd'\nepsilon = 4\ntarget = 16\n";
    refused(&format!("{SPEC}{target}"), &["dissect.attack.target = 16"]);
}

#[test]
fn a_class_that_is_no_noun_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for split in ["train", "val"] {
        for class in ["dog", "xyzzy"] {
            let class = folder.path().join(split).join(class);
            std::fs::create_dir_all(&class).unwrap();
            for number in 0..2 {
                let file = class.join(format!("{number}.png"));
                image::RgbImage::new(16, 16).save(file).unwrap();
            }
        }
    }
    let spec = format!(
        "[data]\nformat = 'image-folder'\npath = '{}'\nimage_size = 16\n\
         [model]\narch = 'sequential'\nlayers = ['conv 4 3', 'relu', 'flatten', 'linear 2']\n\
         [consistency]\nadversarial = 'none'\n",
        folder.path().display()
    );
    refused(&spec, &["class 1 'xyzzy'", "consistency.synsets"]);
    let runs = Runs::new();
    let done = run(&runs, &format!("{spec}synsets = ['dog', 'cat']\n"));
    assert_eq!(done["results"]["consistency"]["against"], "");
}

#[test]
fn an_image_whose_labels_are_damaged_is_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    crate::runs::broden(root, 12);
    let broken = root.join("images/5_object.png");
    let whole = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let spec = format!(
        "[data]\nimage_size = 16\ntest_images = 4\ntrain_images = 4\n\
         [model]\narch = 'sequential'\nlayers = ['conv 4 3', 'relu', 'flatten', 'linear 16']\n\
         [dissect]\nbatch_size = 4\n[dissect.data]\nformat = 'broden'\npath = '{}'\n\
         [dissect.attack]\nmethod = 'fgsm'\nepsilon = 4\n",
        root.display()
    );
    let runs = Runs::new();
    let done = run(&runs, &spec);
    let dissect = &done["results"]["dissect"];
    let told = ["images", "adversarial_images", "damaged"].map(|name| dissect[name].as_u64());
    assert_eq!(told, [Some(11), Some(11), Some(1)]);
    let images: Vec<&Value> = list(dissect, "concepts").iter().map(|of| &of["images"]).collect();
    assert_eq!(images, [6, 11]);
    let log = runs.root().join(done["id"].as_str().unwrap()).join("log.txt");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("skipped 1 damaged image of the labelled data: 5.png"), "{log}");

    let file = write(root, &spec);
    let output = runs.glassbox(&["run", &file, "--set", "data.damaged=fail"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("5_object.png"), "{error}");
}
