//! The stages dissect and consistency as people use them, on scenes that the program draws.

use std::path::Path;

use serde_json::Value;

use crate::runs::Runs;

/// A network of one layer of eight neurons, and few images.
const SPEC: &str = "[data]\nimage_size = 32\ntest_images = 40\ntrain_images = 48\n\
                    [model]\narch = 'sequential'\nlayers = ['conv 8 5 stride=2 padding=2', 'relu', \
                    'adaptive-avg-pool 2', 'flatten', 'linear 16']\n\
                    [train]\nepochs = 1\nbatch_size = 16\n[train.probe]\nepsilon = 4\n";

fn write(folder: &Path, spec: &str) -> String {
    let file = folder.join("mine.toml");
    std::fs::write(&file, spec).unwrap();
    file.to_str().unwrap().to_owned()
}

fn run(runs: &Runs, spec: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), spec);
    let output = runs.glassbox(&["run", &file, "--json"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `check` refuses the spec, in words that have all these parts; no run would be made of it.
fn refused(spec: &str, parts: &[&str]) {
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

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn number(value: &Value) -> f64 {
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
    std::fs::create_dir_all(root.join("images")).unwrap();
    let csv = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    csv("category.csv", "name,first,last,count,frequency\nobject,1,2,2,12\n");
    csv(
        "label.csv",
        "number,name,category,frequency,coverage,syns\n\
         1,square,object(6),6,3.0,\n2,ground,object(12),12,9.0,\n",
    );
    csv(
        "c_object.csv",
        "code,number,name,frequency,coverage\n1,1,square,6,3.0\n2,2,ground,12,9.0\n",
    );
    let mut index = "image,split,ih,iw,sh,sw,object\n".to_owned();
    for number in 0..12_u8 {
        let mut picture = image::RgbImage::from_pixel(16, 16, image::Rgb([number * 10; 3]));
        let mut labels = image::RgbImage::from_pixel(8, 8, image::Rgb([2, 0, 0]));
        if number % 2 == 0 {
            for at in 0..16 {
                picture.put_pixel(at % 4 + 6, at / 4 + 6, image::Rgb([255, 0, 0]));
            }
            for at in 0..4 {
                labels.put_pixel(at % 2 + 3, at / 2 + 3, image::Rgb([1, 0, 0]));
            }
        }
        picture.save(root.join(format!("images/{number}.png"))).unwrap();
        labels.save(root.join(format!("images/{number}_object.png"))).unwrap();
        index += &format!("{number}.png,train,16,16,8,8,{number}_object.png\n");
    }
    csv("index.csv", &index);
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

/// Weights for [`SPEC`] with which none of the neurons ever fires but the last `loud`.
fn mostly_silent(file: &Path, loud: usize) {
    use candle_core::{Device, Tensor};
    let weights = |count: usize| {
        let value = |at: usize| ((at * 2_654_435_761 % 1000) as f32 / 1000.0 - 0.5) / 4.0;
        (0..count).map(value).collect::<Vec<f32>>()
    };
    let bias: Vec<f32> = (0..8).map(|at| if at < 8 - loud { -1000.0 } else { 0.0 }).collect();
    let tensor =
        |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    let tensors = std::collections::HashMap::from([
        ("0.weight", tensor(weights(8 * 3 * 25), &[8, 3, 5, 5])),
        ("0.bias", tensor(bias, &[8])),
        ("4.weight", tensor(weights(16 * 32), &[16, 32])),
        ("4.bias", tensor(vec![0.0; 16], &[16])),
    ]);
    candle_core::safetensors::save(&tensors, file).unwrap();
}

#[test]
fn neurons_that_answer_to_nothing_are_silent_and_in_no_mean() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let untrained = SPEC.split("[train]").next().unwrap();
    let of = |loud: usize| {
        let file = folder.path().join(format!("{loud}.safetensors"));
        mostly_silent(&file, loud);
        run(
            &runs,
            &format!(
                "{untrained}weights = '{}'\n[attack]\nmethod = 'fgsm'\nepsilon = 4\n\
                 [dissect]\nlayers = ['0']\n[consistency]\nlayers = ['0']\nshare = 0.25\n",
                file.display()
            ),
        )
    };
    let done = of(0);
    let layer = &done["results"]["consistency"]["layers"][0];
    assert_eq!(layer["silent"], 8);
    assert!(list(layer, "groups").is_empty());
    assert!(layer["mean"].get("cs1").is_none(), "{layer}");
    for neuron in list(layer, "neurons") {
        for side in ["real", "adversarial"] {
            assert!(list(&neuron[side], "classes").is_empty(), "{neuron}");
        }
        assert!(neuron.get("cs1").is_none() && neuron.get("cs2").is_none(), "{neuron}");
    }
    assert_eq!(number(&done["results"]["dissect"]["layers"][0]["ratio"]["real"]["all"]), 0.0);
    let log = runs.root().join(done["id"].as_str().unwrap()).join("log.txt");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("all 8 neurons are silent"), "{log}");
    let shown = runs.glassbox(&["show", "last"]).output().unwrap();
    assert!(String::from_utf8(shown.stdout).unwrap().contains("SILENT"));

    let done = of(3);
    let layer = &done["results"]["consistency"]["layers"][0];
    let neurons = list(layer, "neurons");
    let is_silent = |neuron: &Value| list(&neuron["real"], "classes").is_empty();
    let silent = neurons.iter().filter(|neuron| is_silent(neuron)).count();
    assert_eq!(layer["silent"].as_u64().unwrap() as usize, silent);
    assert!((5..8).contains(&silent), "{layer}");
    let lc: Vec<f64> = neurons
        .iter()
        .filter(|neuron| !is_silent(neuron))
        .map(|neuron| number(&neuron["real"]["lc"]))
        .collect();
    let mean = lc.iter().sum::<f64>() / lc.len() as f64;
    assert!((mean - number(&layer["mean"]["lc"]["mean"])).abs() < 1e-9, "{layer}");
    assert!((mean - number(&layer["sweep"][1]["lc"])).abs() < 1e-9, "{layer}");
}

#[test]
fn few_images_are_told_before_and_in_the_log() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let few = "[consistency]\nlayers = ['0']\nadversarial = 'none'\n";
    let told = "consistency.share = 0.01 of 40 real images: only 1 image counts";
    let file = write(folder.path(), &format!("{SPEC}{few}"));
    let check = |sets: &[&str]| {
        let words: Vec<&str> = ["check", &file].iter().chain(sets).copied().collect();
        let output = runs.glassbox(&words).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let notes = check(&[]);
    assert!(notes.contains(told), "{notes}");
    let notes = check(&["--set", "consistency.share=0.25"]);
    assert!(!notes.contains("consistency.share"), "{notes}");
    let done = run(&runs, &format!("{SPEC}{few}"));
    let log = runs.root().join(done["id"].as_str().unwrap()).join("log.txt");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(told), "{log}");
}

#[test]
fn a_layer_that_is_named_twice_is_measured_once() {
    let done = run(
        &Runs::new(),
        &format!(
            "{SPEC}[dissect]\nlayers = ['0', 'conv1', '0']\ndata = {{ limit = 4 }}\n\
             [consistency]\nlayers = ['conv1', '0']\nadversarial = 'none'\n"
        ),
    );
    for result in ["dissect", "consistency"] {
        let layers = list(&done["results"][result], "layers");
        let names: Vec<&Value> = layers.iter().map(|layer| &layer["layer"]).collect();
        assert_eq!(names, ["0"], "{result}");
    }
}

#[test]
fn an_attack_that_aims_at_nothing_needs_no_target_and_no_quantile_is_refused() {
    let attack = "[dissect]\nlayers = ['0']\ndata = { limit = 6 }\n\
                  [dissect.attack]\nmethod = 'deepfool'\nsteps = 2\n";
    let done = run(&Runs::new(), &format!("{SPEC}{attack}"));
    assert_eq!(done["results"]["dissect"]["attack"], "deepfool");
    refused(&format!("{SPEC}{attack}target = 'random'\n"), &["dissect.attack.target", "deepfool"]);
    refused(&format!("{SPEC}[dissect]\nquantile = 0\n"), &["dissect.quantile", "0"]);
}

#[test]
fn adversarial_images_of_a_folder_are_set_beside_predictions_of_more_classes_than_the_data_has() {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let (data, twins) = (folder.path().join("data"), folder.path().join("twins"));
    for split in ["train", "val"] {
        for (shade, class) in [(60, "dog"), (160, "cat")] {
            for number in 0..6_u8 {
                let picture = |level: u8| {
                    image::RgbImage::from_fn(16, 16, |x, y| {
                        let at = (x * 7 + y * 13 + u32::from(number) * 5) % 40;
                        image::Rgb([level + at as u8, level, 90 + number * 10])
                    })
                };
                for (root, level) in [(data.join(split), shade), (twins.clone(), shade + 4)] {
                    let class = root.join(class);
                    std::fs::create_dir_all(&class).unwrap();
                    picture(level).save(class.join(format!("{number}.png"))).unwrap();
                }
            }
        }
    }
    // Eight classes of the network, two of the data.
    let done = run(
        &runs,
        &format!(
            "[data]\nformat = 'image-folder'\npath = '{}'\nimage_size = 16\n\
             [model]\narch = 'sequential'\nclasses = 8\n\
             layers = ['conv 6 3', 'relu', 'flatten', 'linear 8']\n\
             [consistency]\nshare = 0.5\nadversarial = '{}'\n",
            data.display(),
            twins.display()
        ),
    );
    let result = &done["results"]["consistency"];
    assert_eq!(
        (&result["against"], &result["adversarial_images"]),
        (&"prediction".into(), &12.into())
    );
    let neurons = list(&result["layers"][0], "neurons");
    let heard: Vec<&Value> = neurons.iter().filter(|neuron| neuron.get("cs1").is_some()).collect();
    assert!(!heard.is_empty(), "{result}");
    for neuron in heard {
        // By hand: p and t over the classes of the network.
        let over_all = |shares: &Value| {
            let mut all = [0.0; 8];
            for share in shares.as_array().unwrap() {
                all[share[0].as_u64().unwrap() as usize] = number(&share[1]);
            }
            all
        };
        let (p, t) = (over_all(&neuron["real"]["classes"]), over_all(&neuron["against"]));
        assert!((t.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{neuron}");
        let product = |a: [f64; 8], b: [f64; 8]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let lengths = (product(p, p) * product(t, t)).sqrt();
        assert!((number(&neuron["cs2"]) - product(p, t) / lengths).abs() < 1e-9, "{neuron}");
        let null = 1.0 / (8.0 * product(p, p)).sqrt();
        assert!((number(&neuron["cs2_null"]) - null).abs() < 1e-9, "{neuron}");
    }
}
