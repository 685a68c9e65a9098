//! The neurons stage as people use it, on scenes that the program draws.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::runs::Runs;

const SPEC: &str = "[data]\nimage_size = 32\ntest_images = 40\ntrain_images = 64\n\
                    [train]\nepochs = 2\nbatch_size = 16\n[train.probe]\nepsilon = 4\n";

fn run(runs: &Runs, spec: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, spec).unwrap();
    let output = runs.glassbox(&["run", file.to_str().unwrap(), "--json"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// Width and height of a picture of the run.
fn size(home: &Path, file: &Value) -> (u32, u32) {
    image::image_dimensions(home.join(file.as_str().unwrap())).unwrap()
}

#[test]
fn every_picture_tells_what_becomes_of_it_across_the_attack() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[attack]\nepsilon = 8\n\
             [neurons]\nlayers = ['conv1', 'conv3']\ntop = 3\ndiscrepancy = [2]\n"
        ),
    );
    let home = runs.root().join(done["id"].as_str().unwrap());
    let neurons = &done["results"]["neurons"];
    assert_eq!((&neurons["split"], &neurons["adversarial_images"]), (&"test".into(), &40.into()));
    let mut counterparts = 0;
    for layer in list(neurons, "layers") {
        assert!(layer["receptive_field"]["size"].as_u64().unwrap() >= 3, "{layer}");
        for neuron in list(layer, "neurons") {
            let [real, adversarial] = ["real", "adversarial"].map(|side| list(neuron, side));
            assert_eq!((real.len(), adversarial.len()), (3, 3));
            assert_eq!(size(&home, &neuron["regions"]), (6 * 32, 32));
            for (own, other) in [(real, adversarial), (adversarial, real)] {
                for top in own {
                    let across = &top["counterpart"];
                    assert!(home.join(top["picture"].as_str().unwrap()).is_file());
                    assert_eq!(size(&home, &across["picture"]), (32, 32));
                    let rank = across["rank"].as_u64().unwrap() as usize;
                    assert!((1..=40).contains(&rank), "{across}");
                    // Among the shown ones it must stand where its rank says.
                    let shown = other.iter().position(|o| o["picture"] == across["picture"]);
                    assert_eq!(shown.map(|at| at + 1), (rank <= 3).then_some(rank), "{across}");
                    counterparts += 1;
                }
            }
            let asked = neuron["index"] == 2;
            assert_eq!(neuron["discrepancy"].is_object(), asked);
            if asked {
                let found = &neuron["discrepancy"];
                assert_eq!(size(&home, &found["maps"]), (6 * 32, 32));
                assert_eq!(size(&home, &found["receptive_field"]), (32, 32));
                assert!(found["receptive_field_size"].as_f64().unwrap() <= 32.0);
            }
        }
    }
    assert!(counterparts > 100, "{counterparts}");
    assert!(!home.join("progress").exists(), "what the stage had under way is left behind");
}

#[test]
fn the_training_split_can_be_ranked_and_a_missing_channel_is_named() {
    let runs = Runs::new();
    let spec = format!("{SPEC}[neurons]\nlayers = ['conv2']\ntop = 2\nsplit = 'train'\n");
    let done = run(&runs, &format!("{spec}adversarial = 'none'\n"));
    assert_eq!(done["results"]["neurons"]["real_images"], 64);
    assert_eq!(done["results"]["neurons"]["split"], "train");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    for (more, told) in
        [("[attack]\n", "neurons.split"), ("adversarial = 'none'\ndiscrepancy = [9999]\n", "9999")]
    {
        // `[attack]` begins a table of its own, so it stands before.
        let text = if more.starts_with('[') {
            spec.replace("[neurons]", "[attack]\nepsilon = 2\n[neurons]")
        } else {
            format!("{spec}{more}")
        };
        std::fs::write(&file, text).unwrap();
        let output = runs.glassbox(&["check", file.to_str().unwrap()]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn chosen_neurons_are_looked_at_while_the_network_learns() {
    let runs = Runs::new();
    let done = run(
        &runs,
        &format!(
            "{SPEC}[train.neurons]\nlayers = ['conv2']\nneurons = [1, 5]\ntop = 4\n\
             images = 24\nevery = '2 steps'\n"
        ),
    );
    let home = runs.root().join(done["id"].as_str().unwrap());
    let steps = glassbox::run::history::steps(&home).unwrap();
    let numbers: Vec<u64> = steps.iter().map(|(step, _)| *step).collect();
    assert_eq!(numbers, [0, 2, 4, 6, 8]);
    let mut seen = BTreeSet::new();
    for (_, file) in steps {
        let look: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert_eq!((&look["real_images"], &look["adversarial_images"]), (&24.into(), &24.into()));
        let neurons = list(&look["layers"][0], "neurons");
        let indices: Vec<&Value> = neurons.iter().map(|neuron| &neuron["index"]).collect();
        assert_eq!(indices, [1, 5]);
        for top in neurons.iter().flat_map(|n| [list(n, "real"), list(n, "adversarial")]).flatten()
        {
            assert!(home.join(top["picture"].as_str().unwrap()).is_file(), "{top}");
        }
        seen.insert(neurons[0]["real"][0]["activation"].to_string());
    }
    assert!(seen.len() > 1, "the network learnt, and its neurons did not change");
}
