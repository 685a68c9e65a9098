//! What dissection and consistency leave out, or say before: silent neurons, few images, layers that
//! are named twice, attacks that aim at nothing, classes of the network alone.

use std::path::Path;

use serde_json::Value;

use crate::concepts::{SPEC, list, number, refused, run, write};
use crate::runs::Runs;

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
    assert!(String::from_utf8(shown.stdout).unwrap().contains("8 of 8 neurons silent"));

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
