//! Tests of reading specs: the messages people get, and that one table tells the whole truth.

#[cfg(test)]
mod attack;
#[cfg(test)]
mod study;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::expand::Surroundings;
use super::help::{self, KEYS, ValueKind};
use super::*;

/// Surroundings in which `$IMAGES` is set and nothing else.
fn around(folder: &str) -> Surroundings {
    Surroundings {
        folder: PathBuf::from(folder),
        home: Some("/home/somebody".into()),
        variable: |name| (name == "IMAGES").then(|| "/data/images".into()),
    }
}

fn parse(text: &str) -> Document {
    Document::parse("a.toml", text).unwrap()
}

/// What is wrong with a text, one line each.
fn wrong(text: &str) -> Vec<String> {
    match Document::parse("a.toml", text) {
        Ok(document) => document.problems().iter().map(ToString::to_string).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

/// A full spec: every section present, every optional key written.
fn full() -> Spec {
    let mut spec = help::every_section();
    spec.study =
        Some(StudySpec { runs: vec![MemberSpec { name: "a".into(), set: vec!["seed=2".into()] }] });
    spec.precision = Some(Precision::F32);
    spec.tensorboard = Some(true);
    spec.data.path = Some("/data".into());
    spec.data.image_size = Some(64);
    spec.model = ModelSpec {
        arch: Arch::Sequential,
        layers: vec!["conv 8 3".into(), "relu".into(), "flatten".into(), "linear 12".into()],
        weights: Some("run:last".into()),
        classes: Some(12),
        mean: Some(vec![0.5; 3]),
        std: Some(vec![0.25; 3]),
    };
    if let Some(transfer) = spec.evaluate.as_mut().and_then(|e| e.transfer.as_mut()) {
        transfer.sources = every_key_of_an_attack().models;
        transfer.targets = every_key_of_an_attack().models;
    }
    spec
}

/// An attack with every key of every method.
fn every_key_of_an_attack() -> MethodSpec {
    MethodSpec {
        method: AttackMethod::Ensemble,
        epsilon: Some(4.0),
        norm: Some(Norm::L2),
        steps: Some(7),
        step_size: Some(1.5),
        restarts: Some(2),
        momentum: Some(0.9),
        overshoot: Some(0.1),
        confidence: Some(1.0),
        learning_rate: Some(0.1),
        search_steps: Some(3),
        initial_c: Some(0.5),
        queries: Some(50),
        distortion_weight: Some(0.2),
        fusion: Some(Fusion::Logits),
        models: vec![EnsembleModel {
            arch: Arch::Sequential,
            weights: "run:last".into(),
            layers: vec!["flatten".into(), "linear 12".into()],
            mean: Some(vec![0.5; 3]),
            std: Some(vec![0.25; 3]),
            image_size: Some(32),
        }],
    }
}

fn leaves(prefix: &str, table: &toml::Table, found: &mut BTreeSet<String>) {
    for (name, value) in table {
        let path = help::join(prefix, name);
        match value {
            toml::Value::Table(table) => leaves(&path, table, found),
            toml::Value::Array(items) => {
                found.insert(path.clone());
                for table in items.iter().filter_map(toml::Value::as_table) {
                    leaves(&format!("{path}[]"), table, found);
                }
            }
            _ => {
                found.insert(path);
            }
        }
    }
}

#[test]
fn the_table_has_every_key_of_a_spec_and_no_other() {
    let mut spec = full();
    for (_, how) in spec.methods_mut() {
        *how = every_key_of_an_attack();
    }
    if let Some(evaluate) = &mut spec.evaluate {
        evaluate.feature_layer = Some(Layers::One("conv5".into()));
    }
    if let Some(train) = &mut spec.train {
        train.best = Some(Best::Top1);
        if let Some(section) = &mut train.adversarial {
            // Its bound is its own, and an ensemble's keys it has not.
            section.how = MethodSpec {
                epsilon: None,
                distortion_weight: None,
                fusion: None,
                models: Vec::new(),
                ..every_key_of_an_attack()
            };
            section.target = Some(Target::None);
            section.consistency_layer = Some(Layers::Many(vec!["conv4".into(), "conv5".into()]));
        }
    }
    if let Some(dissect) = &mut spec.dissect {
        dissect.data.path = Some("broden".into());
        if let Some(attack) = &mut dissect.attack {
            attack.target = Some(Target::None);
        }
    }
    if let Some(consistency) = &mut spec.consistency {
        consistency.wordnet = Some("dict".into());
    }
    if let Some(trace) = &mut spec.trace {
        trace.layer = Some("conv5".into());
    }
    let mut written = BTreeSet::new();
    leaves("", &toml::Table::try_from(spec).unwrap(), &mut written);
    let known: BTreeSet<String> = KEYS.iter().map(|key| key.path.into()).collect();
    assert_eq!(written, known);
}

#[test]
fn the_table_has_every_section() {
    let known: BTreeSet<&str> = help::SECTIONS.iter().map(|(path, _)| *path).collect();
    let of_keys: BTreeSet<&str> = KEYS
        .iter()
        .filter(|key| !key.path.contains('['))
        .filter_map(|key| key.path.rsplit_once('.').map(|(section, _)| section))
        .collect();
    assert_eq!(known, of_keys);
}

#[test]
fn the_words_of_the_table_are_the_words_that_serde_takes() {
    for key in KEYS {
        let (ValueKind::Choice(words) | ValueKind::Choices(words)) = key.kind else { continue };
        let list = matches!(key.kind, ValueKind::Choices(_));
        let value = if list { "[\"?\"]" } else { "\"?\"" };
        let mut parts = key.path.rsplit('.');
        let name = parts.next().unwrap();
        // From the inside out, so that a list inside a list is written too.
        let text =
            parts.fold(format!("{name} = {value}"), |inside, part| match part.strip_suffix("[]") {
                Some(items) => format!("{items} = [{{ {inside} }}]"),
                None => format!("{part} = {{ {inside} }}"),
            });
        let message = toml::from_str::<Spec>(&text).unwrap_err().message().to_owned();
        let expected: Vec<&str> =
            message.split_once("expected").unwrap().1.split('`').skip(1).step_by(2).collect();
        let same = |a: &[&str], b: &[&str]| {
            a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
        };
        assert!(same(words, &expected), "{}: {words:?} against {message}", key.path);
    }
}

#[test]
fn a_key_has_either_a_default_or_a_word_on_its_absence() {
    for key in KEYS {
        let explained = key.unset.is_some() || key.required;
        assert_ne!(help::default_value(key.path).is_some(), explained, "{}", key.path);
    }
}

#[test]
fn every_default_is_valid() {
    // A study without runs is the one section that says nothing by itself.
    let text = to_toml(&Spec { study: None, ..help::every_section() }, Comments::Off);
    assert_eq!(wrong(&text), [""; 0], "{text}");
}

#[test]
fn every_preset_is_valid_and_introduces_itself() {
    for preset in PRESETS {
        let problems = wrong(preset.text);
        assert_eq!(problems, [""; 0], "{}", preset.name);
        let summary = preset.summary();
        // `glassbox presets` is to fit on 90 columns.
        assert!((20..=72).contains(&summary.chars().count()), "{}: {summary}", preset.name);
    }
}

#[test]
fn what_the_presets_tell_to_set_can_be_set() {
    let own = "attack={ method = \"pgd\", epsilon = 4, target = \"random\" }";
    let consistent = "train.adversarial={ method = \"pgd\", epsilon = 4, steps = 1, step_size = 5, \
                      consistency_weight = 1, consistency_layer = \"conv5\" }";
    let with = |name: &str, set: &str| {
        let mut document = Preset::find(name).unwrap().document().unwrap();
        document.set(set).unwrap();
        let problems: Vec<String> = document.problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems, [""; 0], "{name} {set}");
        document.spec().unwrap()
    };
    for network in ["alexnet", "vgg16", "resnet18"] {
        for name in [format!("table1-{network}"), format!("table1-{network}-consistent")] {
            assert_eq!(with(&name, "attack.targets_per_image=10").networks().len(), 3, "{name}");
            assert_eq!(with(&name, own).networks().len(), 0, "{name}: no weights but its own");
        }
    }
    let spec = with("concepts-cifar10", consistent);
    assert_eq!(spec.train.unwrap().adversarial.unwrap().consistency_weight, 1.0);
    let control = with("concepts-shapes-consistent", "train.adversarial.consistency_weight=0");
    assert!(control.dissect.is_some() && control.consistency.is_some());
}

#[test]
fn the_pairs_of_presets_for_what_neurons_mean_differ_in_their_training_alone() {
    let spec = |name: &str| {
        let mut spec = Preset::find(name).unwrap().document().unwrap().spec().unwrap();
        let given = spec.model.weights.is_some();
        spec.title.clear();
        spec.train = None;
        spec.model.weights = None;
        (spec, given)
    };
    for network in ["shapes", "alexnet", "vgg16", "resnet18"] {
        let name = if network == "shapes" {
            "concepts-shapes".into()
        } else {
            format!("table1-{network}")
        };
        let (plain, consistent) = (spec(&name), spec(&format!("{name}-consistent")));
        assert_eq!(plain, consistent, "{name}");
        let (dissect, consistency) = (plain.0.dissect.unwrap(), plain.0.consistency.unwrap());
        assert!(dissect.attack.is_some() && dissect.layers == consistency.layers, "{name}");
    }
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
    let text = "[train]\nepochs = 3\n  batchsize = 32\n";
    assert_eq!(
        wrong(text),
        ["a.toml:3:3: unknown key 'batchsize' in [train], did you mean 'batch_size'?"]
    );
    assert_eq!(
        wrong("[trian]\nepochs = 3"),
        ["a.toml:1:2: unknown key 'trian', did you mean 'train'?"]
    );
    assert_eq!(
        wrong("epochs = 3\n[train]"),
        ["a.toml:1:1: unknown key 'epochs', did you mean 'train.epochs'?"]
    );
}

#[test]
fn an_unknown_key_inside_an_inline_table_has_its_own_place() {
    let text = "[train]\noptimizer = { name = \"sgd\", learning_rate = 1, momentun = 0.9 }";
    assert_eq!(
        wrong(text),
        [
            "a.toml:2:29: unknown key 'learning_rate' in [train.optimizer], expected one of name, \
             lr, momentum, nesterov, weight_decay, betas, eps",
            "a.toml:2:48: unknown key 'momentun' in [train.optimizer], did you mean 'momentum'?",
        ]
    );
    assert_eq!(
        wrong("[evaluate]\nattacks = [\n{ method = \"fgsm\", epsilon = 4, stepz = 1 }]"),
        ["a.toml:3:33: unknown key 'stepz' in [evaluate.attacks[0]], did you mean 'steps'?"]
    );
}

#[test]
fn wrong_types_and_values_are_all_reported_at_once_in_order() {
    let text = r#"
[data]
format = "cifar-10"
path = 3
[train]
epochs = 0
batch_size = 32.5
augment = ["flip", 1]
optimizer = { lr = -0.1, nesterov = "yes" }
[attack]
epsilon = -1
target = "leastlikely"
"#;
    assert_eq!(
        wrong(text),
        [
            "a.toml:3:1: 'data.format' is 'cifar-10', expected shapes, image-folder, cifar10 or \
             idx; did you mean 'cifar10'?",
            "a.toml:4:1: 'data.path' is 3, expected a path",
            "a.toml:6:1: 'train.epochs' is 0, expected a whole number, at least 1",
            "a.toml:7:1: 'train.batch_size' is 32.5, expected a whole number, at least 1",
            "a.toml:8:12: 'train.augment[0]' is 'flip', expected horizontal-flip, random-crop or \
             random-resized-crop",
            "a.toml:8:20: 'train.augment[1]' is 1, expected horizontal-flip, random-crop or \
             random-resized-crop",
            "a.toml:9:15: 'train.optimizer.lr' is -0.1, expected a number, above 0",
            "a.toml:9:26: 'train.optimizer.nesterov' is 'yes', expected true or false",
            "a.toml:11:1: 'attack.epsilon' is -1, expected a number, at least 0",
            "a.toml:12:1: 'attack.target' is 'leastlikely', expected none, random or \
             least-likely, or a class index; did you mean 'least-likely'?",
        ]
    );
}

#[test]
fn numbers_that_are_none_are_out_of_every_range() {
    assert_eq!(wrong("[attack]\nepsilon = nan").len(), 1);
    assert_eq!(wrong("[train.optimizer]\nlr = inf").len(), 1);
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let problems = wrong("[train]\nepochs = \n[data\n");
    assert!(problems[0].starts_with("a.toml:2:"), "{problems:?}");
    assert!(wrong("seed = 1\nseed = 2")[0].starts_with("a.toml:2:1: not valid TOML"));
}

#[test]
fn control_codes_of_a_file_do_not_reach_the_message() {
    let problems = wrong("device = \"\\u001b[31mred\"\n\"\\u001b[2J\" = 1\n[train]");
    assert_eq!(problems.len(), 1, "{problems:?}");
    let both = problems.concat() + &wrong("device = \"\\u001b[31mred\"\n[train]").concat();
    assert!(!both.contains('\u{1b}'), "{both:?}");
}

#[test]
fn contradictions_are_told_with_the_place_of_their_key() {
    let one = |text: &str, expected: &str| {
        let problems = wrong(text);
        assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
    };
    one("seed = 1", "a.toml: the spec has no stage");
    one("device = \"gpu\"\n[train]", "a.toml:1:1: 'device' is 'gpu'");
    one("[train]\n[data]\nformat = \"idx\"", "a.toml:2:2: 'data.path' is missing, and idx needs");
    one("[train]\n[model]\nmean = [0.5]", "a.toml:3:1: 'model.mean' has 1 numbers, expected 3");
    one("[train]\n[model]\nstd = [0, 0.2, 0.2]", "a.toml:3:8: 'model.std[0]' is 0, expected");
    one("[train]\n[model]\nweights = \"run:\"", "a.toml:3:1: 'model.weights' is 'run:'");
    one("[train]\ncheckpoint_every = \"often\"", "a.toml:2:1: 'train.checkpoint_every' is 'often'");
    one(
        "[train]\nschedule = { warmup_epochs = 11 }",
        "a.toml:2:14: 'train.schedule.warmup_epochs'",
    );
    one(
        "[train]\n[train.optimizer]\nmomentum = 0\nnesterov = true",
        "a.toml:4:1: 'train.optimizer.nesterov' needs momentum",
    );
    one("[neurons]", "a.toml:1:2: 'neurons.adversarial' is 'stage', but this spec has no [attack]");
    one("[neurons]\ntop = 0\nadversarial = \"none\"", "a.toml:2:1: 'neurons.top' is 0");
    one("[evaluate]\nattacks = []", "a.toml:2:1: 'evaluate.attacks' is empty");
    one(
        "[evaluate]\nattacks = [{ method = \"fgsm\" }]",
        "a.toml:2:12: 'evaluate.attacks[0].epsilon'",
    );
    one(
        "[evaluate]\nattacks = [{ epsilon = 4 }]",
        "a.toml:2:12: 'evaluate.attacks[0].method' is missing",
    );
    one("[attack]\nmethod = \"none\"", "a.toml:2:1: 'attack.method' is 'none'");
    one(
        "[train]\noptimizer = \"sgd\"",
        "a.toml:2:1: 'train.optimizer' is 'sgd', expected a section",
    );
}

#[test]
fn overrides_reach_every_key_and_make_their_sections() {
    let mut document = parse("[data]\nformat = \"idx\"\npath = \"x\"");
    for argument in [
        "train.epochs=2",
        "train.optimizer.lr = 0.5",
        "train.schedule={ name = \"constant\" }",
        "train.augment=[\"random-crop\"]",
        "title=2026 again",
        "data.path=~/clothes",
        "data.format=shapes",
        "attack.target=3",
        "evaluate.attacks=[{ method = \"none\" }, { method = \"fgsm\", epsilon = 4 }]",
        "evaluate.attacks[1].epsilon=8",
    ] {
        document.set(argument).unwrap_or_else(|problem| panic!("{argument}: {problem}"));
    }
    let spec = document.spec().unwrap();
    let train = spec.train.unwrap();
    assert_eq!((train.epochs, train.optimizer.lr), (2, 0.5));
    assert_eq!(train.schedule.name, ScheduleName::Constant);
    assert_eq!(train.augment, [Augment::RandomCrop]);
    assert_eq!(spec.title, "2026 again");
    assert_eq!(spec.data.path.as_deref(), Some("~/clothes"));
    assert_eq!(spec.attack.unwrap().target, Target::Class(3));
    assert_eq!(spec.evaluate.unwrap().attacks[1].epsilon, Some(8.0));
}

#[test]
fn a_wrong_override_names_the_argument() {
    let mut document = parse("[train]\nepochs = 3");
    let mut set = |argument: &str| document.set(argument).unwrap_err().to_string();
    assert_eq!(
        set("train.epoch=2"),
        "--set train.epoch=2: unknown key 'epoch' in [train], did you mean 'epochs'?"
    );
    assert_eq!(
        set("epochs=2"),
        "--set epochs=2: unknown key 'epochs', did you mean 'train.epochs'?"
    );
    assert!(set("train.epochs").contains("expected KEY=VALUE"));
    assert!(set("train.augment=[1").contains("not valid TOML"));
    assert!(set("evaluate.attacks[3].epsilon=2").contains("no list in this spec"));
    document.set("train.epochs=many").unwrap();
    assert_eq!(
        document.problems()[0].to_string(),
        "--set train.epochs=many: 'train.epochs' is 'many', expected a whole number, at least 1"
    );
}

#[test]
fn an_override_cannot_smuggle_in_a_second_key() {
    let mut document = parse("[train]");
    assert!(document.set("train.epochs=2\nseed = 5").is_err());
}

#[test]
fn paths_are_expanded_and_made_absolute() {
    let spec = |path: &str| {
        let text = format!("[data]\nformat = \"image-folder\"\npath = \"{path}\"\n[train]");
        let mut spec = parse(&text).spec().unwrap();
        let complaints = expand::expand(&mut spec, &around("/work"));
        (spec.data.path.unwrap_or_default(), complaints)
    };
    assert_eq!(spec("$IMAGES/a").0, "/data/images/a");
    assert_eq!(spec("${IMAGES}/a").0, "/data/images/a");
    assert_eq!(spec("~/a").0, "/home/somebody/a");
    assert_eq!(spec("./a/b").0, "/work/a/b");
    assert_eq!(spec("/a").0, "/a");
    let complaint = spec("$CIFAR10").1.remove(0);
    assert_eq!(complaint.message, "'data.path' needs $CIFAR10, which is not set");
    assert_eq!(
        complaint.hint.as_deref(),
        Some("export CIFAR10=/the/path, or --set data.path=/the/path")
    );
}

#[test]
fn words_that_stand_for_a_path_stay_as_they_are() {
    let text = "[model]\nweights = \"run:last@best\"\n[neurons]\nadversarial = \"none\"";
    let spec = parse(text).resolve(&around("/work")).unwrap();
    assert_eq!(spec.model.weights.as_deref(), Some("run:last@best"));
    assert_eq!(spec.neurons.unwrap().adversarial, "none");
    assert_eq!(spec.title, "a", "a spec without a title takes the file's name");
}

#[test]
fn a_path_that_does_not_exist_is_told_before_anything_starts() {
    let text = "[train]\n[data]\nformat = \"idx\"\npath = \"/no/such/folder\"";
    let problems = parse(text).resolve(&around("/work")).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "a.toml:4:1: 'data.path' is '/no/such/folder', which does not exist"
    );
}

#[test]
fn a_rendered_spec_reads_back_as_itself() {
    let mut spec = full();
    spec.title = "quotes \" and \u{1b} and\nlines".into();
    spec.model.weights = Some("run:a".into());
    for comments in [Comments::Off, Comments::On] {
        let text = to_toml(&spec, comments);
        assert_eq!(parse(&text).spec().unwrap(), spec, "{text}");
    }
    let sparse = Spec { evaluate: Some(EvaluateSpec::default()), ..Spec::default() };
    assert_eq!(parse(&to_toml(&sparse, Comments::On)).spec().unwrap(), sparse);
}

#[test]
fn a_spec_is_opened_by_file_or_by_name() {
    assert!(load("quickstart", &[]).unwrap().train.is_some());
    let error = load("quikstart", &[]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.message.contains("did you mean 'quickstart'?"), "{error}");
    let error = load("/no/such/file.toml", &[]).unwrap_err();
    assert!(error.message.contains("failed to read the spec '/no/such/file.toml'"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, b"\xff\xfe").unwrap();
    assert!(load(file.to_str().unwrap(), &[]).unwrap_err().message.contains("not UTF-8"));
    std::fs::write(&file, "[train]").unwrap();
    let spec = load(file.to_str().unwrap(), &["seed=7".into()]).unwrap();
    assert_eq!((spec.seed, spec.title.as_str()), (7, "mine"));
}

#[test]
fn fresh_weights_without_training_are_worth_a_warning() {
    assert_eq!(check::warnings(&parse("[evaluate]").spec().unwrap()).len(), 1);
    assert!(check::warnings(&parse("[train]\n[evaluate]").spec().unwrap()).is_empty());
}

proptest::proptest! {
    /// Nothing that anybody types makes the reader panic, or print a control code.
    #[test]
    fn any_text_is_either_a_spec_or_a_list_of_problems(text in "\\PC*|[a-z\\[\\]=\"{}.,\n \u{1b}0-9]*") {
        for problem in wrong(&text) {
            proptest::prop_assert!(!problem.contains('\u{1b}'), "{problem:?}");
        }
    }

    /// The same for overrides.
    #[test]
    fn any_override_is_taken_or_refused(argument in "(train|data|evaluate\\.attacks)?[\\[\\].a-z0-9]*=?\\PC*") {
        let mut document = parse("[evaluate]\nattacks = [{ method = \"none\" }]");
        let _ = document.set(&argument);
        let _ = document.problems();
    }
}

#[test]
fn layers_are_for_sequential_networks_and_each_wrong_one_is_named() {
    let wrong_in = |model: &str| wrong(&format!("[model]\n{model}\n[evaluate]"));
    let fine = "arch = 'sequential'\nlayers = ['conv 8 3', 'relu', 'flatten', 'linear 12']";
    assert_eq!(wrong_in(fine), [""; 0]);
    let typo = "arch = 'sequential'\nlayers = [\n  'conv 8 3',\n  'rleu',\n  'linear'\n]";
    let found = wrong_in(typo);
    assert_eq!(found.len(), 2, "{found:?}");
    for part in ["a.toml:5:3", "'model.layers[1]' is 'rleu'", "did you mean 'relu'?"] {
        assert!(found[0].contains(part), "{part}: {}", found[0]);
    }
    assert!(found[1].contains("a.toml:6:3") && found[1].contains("'linear OUTPUTS'"), "{found:?}");
    let missing = wrong_in("arch = 'sequential'");
    assert!(missing[0].contains("needs it"), "{missing:?}");
    let useless = wrong_in("arch = 'vgg16'\nlayers = ['relu']");
    assert!(useless[0].contains("arch = \"vgg16\" has its own"), "{useless:?}");
}

#[test]
fn a_list_of_the_wrong_length_is_named_with_its_place() {
    let wrong = wrong("[train]\n[train.optimizer]\nname = 'adam'\nbetas = [0.9]");
    assert_eq!(wrong, ["a.toml:4:1: 'train.optimizer.betas' has 1 numbers, expected 2"]);
}

#[test]
fn numbers_beyond_every_machine_are_refused() {
    for (text, key) in [
        ("[train]\nepochs = 9000000000000000000", "'train.epochs'"),
        ("[train]\nbatch_size = 2000000", "'train.batch_size'"),
        ("[train]\n[data]\ntrain_images = 1000000000000", "'data.train_images'"),
        ("[train]\n[model]\nclasses = 100000000000", "'model.classes'"),
    ] {
        let wrong = wrong(text);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].contains(key) && wrong[0].contains("at most"), "{wrong:?}");
    }
}

#[test]
fn control_codes_of_a_spec_are_escaped_when_it_is_written() {
    // Between U+0080 and U+009F TOML lets them stand; U+009B begins a terminal's commands.
    let spec = parse("title = \"a\u{9b}2J\\\\ \\\"b\\u0007\"\n[train]").spec().unwrap();
    let text = to_toml(&spec, Comments::Off);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert_eq!(parse(&text).spec().unwrap(), spec);
}
