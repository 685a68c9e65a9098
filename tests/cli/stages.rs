//! Evaluation, attacks and reports as people use them, on scenes that the program draws.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::runs::Runs;

fn stdout(runs: &Runs, words: &[&str]) -> String {
    let output = runs.glassbox(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a spec and gives what it prints as JSON.
fn run(runs: &Runs, folder: &Path, spec: &str) -> Value {
    let file = folder.join("mine.toml");
    std::fs::write(&file, spec).unwrap();
    let json = stdout(runs, &["run", file.to_str().unwrap(), "--json"]);
    serde_json::from_str(&json).unwrap()
}

/// Small scenes.
const DATA: &str = "[data]\nimage_size = 32\ntest_images = 48\ntrain_images = 320\n";

/// Two networks that have learnt enough to be fooled, and the folder of their runs: trained once.
static NETWORKS: LazyLock<(Runs, [String; 2])> = LazyLock::new(|| {
    let (runs, folder) = (Runs::new(), tempfile::tempdir().unwrap());
    let ids = [1, 2].map(|seed| trained(&runs, folder.path(), seed));
    (runs, ids)
});

/// Trains one of them; its id.
fn trained(runs: &Runs, folder: &Path, seed: u32) -> String {
    let spec = format!(
        "title = 'net {seed}'\nseed = {seed}\n{DATA}[train]\nepochs = 8\nbatch_size = 32\n\
         [train.probe]\nimages = 0\n"
    );
    run(runs, folder, &spec)["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_evaluation_tells_how_sure_it_is_and_what_makes_it_doubtful() {
    let (folder, (runs, [a, b])) = (tempfile::tempdir().unwrap(), &*NETWORKS);
    // The iterative attack hardly moves: FGSM must beat it.
    let spec = format!(
        "{DATA}[model]\nweights = 'run:{a}'\n[evaluate]\nbatch_size = 20\nattacks = [\n\
         {{ method = 'none' }}, {{ method = 'fgsm', epsilon = 16 }},\n\
         {{ method = 'bim', epsilon = 16, steps = 2, step_size = 0.01 }}]\n\
         [evaluate.curve]\nmethod = 'fgsm'\nepsilons = [8, 0, 2]\n\
         [evaluate.transfer]\nmethod = 'fgsm'\nepsilon = 16\nsources = [\n\
         {{ arch = 'shapesnet', weights = 'run:{a}' }},\n\
         {{ arch = 'shapesnet', weights = 'run:{b}' }}]\n"
    );
    let done = run(runs, folder.path(), &spec);
    let evaluate = &done["results"]["evaluate"];
    let rows = evaluate["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let number = |value: &Value| value.as_f64().unwrap();
    for row in rows {
        let (low, high) = (number(&row["top1_interval"][0]), number(&row["top1_interval"][1]));
        let top1 = number(&row["top1"]);
        assert!(low <= top1 && top1 <= high && low < high, "{row}");
        assert_eq!(row["images"], 48);
    }
    assert_eq!(rows[0]["warnings"], serde_json::json!([]));
    let kinds: Vec<&str> = rows[2]["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"fgsm-beats-pgd"), "{rows:?}");
    assert!(rows[2]["warnings"][0]["try"].as_str().unwrap().contains("steps"));

    let points = evaluate["curve"]["points"].as_array().unwrap();
    let epsilons: Vec<f64> = points.iter().map(|point| number(&point["epsilon"])).collect();
    assert_eq!(epsilons, [0.0, 2.0, 8.0]);
    assert_eq!(points[0]["top1"], rows[0]["top1"], "epsilon 0 is clean accuracy");
    assert_eq!(evaluate["curve"]["attack"], "fgsm");

    let transfer = &evaluate["transfer"];
    let top1 = |row: usize, column: usize| number(&transfer["top1"][row][column]);
    assert_eq!(transfer["sources"], transfer["targets"]);
    assert_eq!(transfer["sources"].as_array().unwrap().len(), 2);
    // Made on itself, an attack does what the row of the table says.
    assert_eq!(top1(0, 0), number(&rows[1]["top1"]));
    assert_eq!(transfer["clean_top1"][0], rows[0]["top1"]);
    assert!(top1(1, 1) <= number(&transfer["clean_top1"][1]));

    let id = done["id"].as_str().unwrap();
    let shown = stdout(runs, &["show", id]);
    let log = std::fs::read_to_string(runs.root().join(id).join("log.txt")).unwrap();
    for text in [&shown, &log] {
        assert!(text.contains("one step of FGSM leaves"), "{text}");
        assert!(text.contains("try: more steps"), "{text}");
    }
    assert!(shown.contains("MADE ON") && shown.contains("CURVE"), "{shown}");

    let beside = runs.root().join(id).join("report");
    let page = stdout(runs, &["report", id, "--readonly"]);
    assert!(page.starts_with("# ") && !beside.exists(), "--readonly changes no run");
    assert_eq!(page, stdout(runs, &["report", id]));
    assert!(beside.join("report.html").exists());
    for part in [
        "### Table 2: accuracy, clean and under attack",
        "### Transfer",
        "## Doubts",
        "(white-box)",
    ] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let report: Value =
        serde_json::from_str(&stdout(runs, &["report", id, "--format", "json"])).unwrap();
    assert_eq!(report["rows"][2]["attack"], "bim");
    let out = folder.path().join("tables");
    let words = ["report", id, a, "--format", "csv", "--out", out.to_str().unwrap()];
    let named = stdout(runs, &words);
    let files = ["accuracies.csv", "curves.csv", "transfers.csv"].map(|name| out.join(name));
    let named: Vec<&Path> = named.lines().map(Path::new).collect();
    assert!(named.starts_with(&files.each_ref().map(std::path::PathBuf::as_path)), "{named:?}");
    assert_eq!(std::fs::read_to_string(&files[0]).unwrap().lines().count(), 4);

    // A run that was trained and no more tells how that went.
    assert!(stdout(runs, &["report", a]).contains("### How the training went"));
}

#[test]
fn a_set_has_a_picture_for_each_target_and_a_row_for_each_network() {
    let (folder, (runs, [a, b])) = (tempfile::tempdir().unwrap(), &*NETWORKS);
    let spec = format!(
        "{DATA}limit = 10\n[model]\nweights = 'run:{b}'\n\
         [attack]\nmethod = 'ensemble'\nsteps = 3\nepsilon = 8\ntarget = 'least-likely'\n\
         targets_per_image = 3\nbatch_size = 4\n\
         models = [{{ arch = 'shapesnet', weights = 'run:{a}' }}]\n\
         [neurons]\nlayers = ['conv2']\ntop = 2\n"
    );
    let done = run(runs, folder.path(), &spec);
    let attack = &done["results"]["attack"];
    assert_eq!((attack["images"].as_u64(), attack["targeted"].as_bool()), (Some(30), Some(true)));
    assert!(attack["linf_max"].as_f64().unwrap() <= 8.0);
    let models = attack["models"].as_array().unwrap();
    let white_box: Vec<bool> = models.iter().map(|m| m["white_box"].as_bool().unwrap()).collect();
    assert_eq!(white_box, [true, false], "{models:?}");
    assert!(models.iter().all(|model| model["target_rate"].is_number()));

    let home = runs.root().join(done["id"].as_str().unwrap());
    let pairs = attack["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 30);
    for pair in pairs {
        let (picture, target) = (pair["picture"].as_str().unwrap(), &pair["target"]);
        assert!(picture.ends_with(&format!(".t{target}.png")), "{pair}");
        assert!(home.join(picture).is_file(), "{pair}");
        assert_ne!(pair["target"], pair["label"], "{pair}");
    }
    // What the screens draw is there.
    let neuron = &done["results"]["neurons"]["layers"][0]["neurons"][0];
    for side in ["real", "adversarial"] {
        let picture = neuron[side][0]["picture"].as_str().unwrap();
        assert!(home.join(picture).is_file(), "{picture}");
    }
    assert_eq!(done["results"]["neurons"]["adversarial_images"], 30);
}
