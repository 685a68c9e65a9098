//! Every key of a spec: what it means, what it may be, what it is when nobody writes it. One table;
//! the Launch form, `glassbox check`, the parser and its error messages all read it.

use std::fmt;
use std::sync::LazyLock;

mod adversarial;
mod concepts;
mod method;
mod neurons;
mod setting;
mod trace;

use adversarial::ADVERSARIAL;
use concepts::{CONSISTENCY, DISSECT, DISSECT_TARGET};
use method::{ATTACK_METHODS, EPSILON, method_keys, network_keys};
use neurons::{LOOKS, NEURONS};
use setting::BEFORE;
use trace::{STUDY, TRACE};

use super::{
    AdversarialSpec, AttackMethod, AttackSpec, ConsistencySpec, CurveSpec, DetectorSpec,
    DissectAttackSpec, DissectSpec, EvaluateSpec, MethodSpec, NeuronsSpec, Spec, StudySpec,
    TraceSpec, TrainNeuronsSpec, TrainSpec, TransferSpec, nearest,
};

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted from the root; `[]` stands for "any item of this list": `evaluate.attacks[].epsilon`.
    pub path: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it may be.
    pub kind: ValueKind,
    /// What happens when it is not written and has no constant default.
    pub unset: Option<&'static str>,
    /// Whether leaving it out is an error.
    pub required: bool,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A file or folder, or one of these words. A word that ends in `:` is a prefix (`run:`).
    Path(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number in the range.
    Integer(Range),
    /// A number in the range.
    Number(Range),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a whole number from 0.
    ChoiceOrIndex(&'static [&'static str]),
    /// A list of any texts.
    Texts,
    /// A list of these words.
    Choices(&'static [&'static str]),
    /// A list of numbers in the range.
    Numbers(Range),
    /// A list of whole numbers in the range.
    Integers(Range),
    /// A list of tables, whose keys are the entries `path[].…`.
    Tables,
    /// [`super::Epsilon`]: a bound, or how one is drawn for every image.
    Epsilon,
    /// [`super::Layers`]: a layer tap or a list of them.
    Layers,
}

/// From `min` to `max`, each end inside or outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Smallest.
    pub min: f64,
    /// Whether `min` itself is allowed.
    pub min_included: bool,
    /// Largest; infinite = no limit.
    pub max: f64,
    /// Whether `max` itself is allowed.
    pub max_included: bool,
}

impl Range {
    const fn from(min: f64) -> Self {
        Self { min, min_included: true, max: f64::INFINITY, max_included: false }
    }
    const fn above(min: f64) -> Self {
        Self { min, min_included: false, max: f64::INFINITY, max_included: false }
    }
    const fn between(min: f64, max: f64) -> Self {
        Self { min, min_included: true, max, max_included: true }
    }
    const fn below(mut self) -> Self {
        self.max_included = false;
        self
    }

    /// Whether `value` lies inside. NaN never does.
    pub fn contains(self, value: f64) -> bool {
        let from_min = if self.min_included { value >= self.min } else { value > self.min };
        let to_max = if self.max_included { value <= self.max } else { value < self.max };
        from_min && to_max
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.max.is_infinite(), self.min_included, self.max_included) {
            (true, true, _) => write!(f, "at least {}", self.min),
            (true, false, _) => write!(f, "above {}", self.min),
            (false, true, true) => write!(f, "{} to {}", self.min, self.max),
            (false, true, false) => write!(f, "{} to below {}", self.min, self.max),
            (false, false, true) => write!(f, "above {} to {}", self.min, self.max),
            (false, false, false) => write!(f, "between {} and {}", self.min, self.max),
        }
    }
}

impl fmt::Display for ValueKind {
    /// What is expected, as the end of a sentence: `a whole number, at least 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Path([]) => f.write_str("a path"),
            Self::Path(words) => write!(f, "a path, or {}", or_list(words)),
            Self::Flag => f.write_str("true or false"),
            Self::Integer(range) => write!(f, "a whole number, {range}"),
            Self::Number(range) => write!(f, "a number, {range}"),
            Self::Choice(words) => f.write_str(&or_list(words)),
            Self::ChoiceOrIndex(words) => write!(f, "{}, or a class index", or_list(words)),
            Self::Texts => f.write_str("a list of texts"),
            Self::Choices(words) => write!(f, "a list of {}", or_list(words)),
            Self::Numbers(range) => write!(f, "a list of numbers, each {range}"),
            Self::Integers(range) => write!(f, "a list of whole numbers, each {range}"),
            Self::Tables => f.write_str("a list of tables"),
            Self::Epsilon => f.write_str(super::adversarial::EXPECTED),
            Self::Layers => f.write_str("a layer tap, or a list of them"),
        }
    }
}

pub(super) fn or_list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).into(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

const fn key(path: &'static str, kind: ValueKind, doc: &'static str) -> Key {
    Key { path, doc, kind, unset: None, required: false }
}

/// A key without a constant default.
const fn open(path: &'static str, kind: ValueKind, doc: &'static str, unset: &'static str) -> Key {
    Key { path, doc, kind, unset: Some(unset), required: false }
}

/// A key that must be written.
const fn needed(path: &'static str, kind: ValueKind, doc: &'static str) -> Key {
    Key { path, doc, kind, unset: None, required: true }
}

use ValueKind::{
    Choice, ChoiceOrIndex, Integer, Layers, Number, Numbers, Path, Tables, Text, Texts,
};

/// Whatever can be counted and is never 0.
const COUNT: ValueKind = Integer(Range::from(1.0));
/// Whatever can be counted, or 0 with its own meaning.
const COUNT_OR_ZERO: ValueKind = Integer(Range::from(0.0));
/// As [`super::Arch`] is written.
const ARCHS: &[&str] = &[
    "shapesnet",
    "alexnet",
    "vgg16",
    "resnet18",
    "inception_v3",
    "squeezenet1_0",
    "alexnet_small",
    "vgg16_small",
    "resnet18_small",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "sequential",
];

/// The table, in the order in which specs are written.
pub const KEYS: &[Key] = &joined::<{ count(PARTS) }>(PARTS);

const PARTS: &[&[Key]] = &[
    BEFORE,
    ADVERSARIAL,
    PROBE_SET,
    PROBE,
    LOOKS,
    EVALUATED,
    EVALUATE,
    CURVE,
    EPSILONS,
    TRANSFER,
    SOURCES,
    TARGETS,
    ATTACK,
    AFTER,
    NEURONS,
    DISSECT,
    DISSECT_ATTACK,
    DISSECT_TARGET,
    CONSISTENCY,
    TRACE,
    STUDY,
];

const fn count(parts: &[&[Key]]) -> usize {
    let (mut count, mut part) = (0, 0);
    while part < parts.len() {
        count += parts[part].len();
        part += 1;
    }
    count
}

const fn joined<const COUNT: usize>(parts: &[&[Key]]) -> [Key; COUNT] {
    let mut all = [key("", Text, ""); COUNT];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[at] = parts[part][index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    all
}

const PROBE_SET: &[Key] = &[
    key("train.probe.images", COUNT_OR_ZERO, "Test images it is measured on; 0 = no probe"),
    key("train.probe.every", Text, "\"1 epoch\" or \"200 steps\", and then after each epoch too"),
    key(
        "train.probe.alarm_steps",
        COUNT_OR_ZERO,
        "Adversarial training: PGD steps beside FGSM, for the alarm on overfitting; 0 = none",
    ),
];

const PROBE: &[Key] = method_keys!(
    "train.probe",
    key(
        "train.probe.method",
        Choice(ATTACK_METHODS),
        "The attack behind the live adversarial accuracy, after each epoch",
    )
);

const EVALUATED: &[Key] = &[
    key("evaluate.attacks", Tables, "One row each in the table of accuracies"),
    key("evaluate.batch_size", COUNT, "Images a batch"),
    open(
        "evaluate.feature_layer",
        Layers,
        "Layer tap, or a list, where it is measured how far each attack moves the features",
        "the consistency layer of [train.adversarial], if there is one",
    ),
];

const EVALUATE: &[Key] = method_keys!(
    "evaluate.attacks[]",
    needed(
        "evaluate.attacks[].method",
        Choice(ATTACK_METHODS),
        "The attack; none = clean accuracy"
    )
);

const CURVE: &[Key] = method_keys!(
    "evaluate.curve",
    needed("evaluate.curve.method", Choice(ATTACK_METHODS), "The attack whose epsilon grows")
);

const EPSILONS: &[Key] = &[key(
    "evaluate.curve.epsilons",
    Numbers(Range::from(0.0)),
    "One point each: top-1 over the test split within this bound; 0 = clean",
)];

const TRANSFER: &[Key] = method_keys!(
    "evaluate.transfer",
    needed(
        "evaluate.transfer.method",
        Choice(ATTACK_METHODS),
        "The attack that is made on each source and tried on each target"
    )
);

const SOURCES: &[Key] = network_keys!(
    "evaluate.transfer.sources",
    "Networks that images are made on: { arch = \"…\", weights = \"…\" }",
    "this run's own network"
);

const TARGETS: &[Key] = network_keys!(
    "evaluate.transfer.targets",
    "Networks that they are tried on: { arch = \"…\", weights = \"…\" }",
    "the sources"
);

const ATTACK: &[Key] = method_keys!(
    "attack",
    key("attack.method", Choice(ATTACK_METHODS), "How the set of adversarial images is made")
);

const DISSECT_ATTACK: &[Key] = method_keys!(
    "dissect.attack",
    key(
        "dissect.attack.method",
        Choice(ATTACK_METHODS),
        "How the labelled images are made adversarial"
    )
);

const AFTER: &[Key] = &[
    key(
        "attack.target",
        ChoiceOrIndex(&["none", "random", "least-likely"]),
        "What the network should see; none = anything but the truth",
    ),
    key(
        "attack.targets_per_image",
        COUNT,
        "Adversarial images of each original, each with another target; the papers make 10",
    ),
    key("attack.batch_size", COUNT, "Images a batch"),
];

/// Tables of the spec, in the order in which they are written, with what their presence asks for.
pub const SECTIONS: &[(&str, &str)] = &[
    ("data", "Where the images come from"),
    ("model", "The network"),
    ("train", "Present: train it"),
    ("train.optimizer", "What moves the weights"),
    ("train.schedule", "How the learning rate goes"),
    ("train.adversarial", "Present: train against an attack, with consistent features"),
    ("train.probe", "The live adversarial accuracy"),
    ("train.neurons", "Present: look at chosen neurons now and then while it is trained"),
    ("evaluate", "Present: measure accuracy, clean and under attack"),
    ("evaluate.curve", "Present: accuracy against epsilon, one attack over the test split"),
    ("evaluate.transfer", "Present: images made on each source, tried on each target"),
    ("attack", "Present: write a set of adversarial images of the test split"),
    ("neurons", "Present: find the images that excite each neuron most"),
    ("dissect", "Present: find the concept that each neuron detects (Network Dissection)"),
    ("dissect.data", "Images labelled with concepts"),
    ("dissect.attack", "Present: dissect the same images again, attacked"),
    ("consistency", "Present: how near the classes are that a neuron answers to (WordNet)"),
    ("trace", "Present: the neurons behind predictions"),
    ("trace.detector", "Present: tell adversarial images by their representation"),
    ("study", "Present: several runs of this spec, one after the other"),
];

/// Sections that are stages: without them there is nothing to do.
pub const STAGES: &[&str] =
    &["train", "evaluate", "attack", "neurons", "dissect", "consistency", "trace"];

/// The entry of a key. List positions are ignored: `evaluate.attacks[2].epsilon` is found.
pub fn find(path: &str) -> Option<&'static Key> {
    let pattern = pattern(path);
    KEYS.iter().find(|key| key.path == pattern)
}

/// The section and the name of a key that is one of an attack's besides `method`.
pub fn of_method(path: &str) -> Option<(&str, &str)> {
    let (section, name) = path.rsplit_once('.')?;
    let is_one = name != "method" && find(&format!("evaluate.attacks[].{name}")).is_some();
    (is_one && find(&format!("{section}.method")).is_some()).then_some((section, name))
}

/// `evaluate.attacks[2].epsilon` → `evaluate.attacks[].epsilon`.
pub fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        pattern.push(character);
    }
    pattern
}

/// Names that may stand directly in `section` (`""` = the root), in the table's order.
pub fn children(section: &str) -> Vec<&'static str> {
    let pattern = pattern(section);
    let mut names: Vec<&'static str> = Vec::new();
    let sections = SECTIONS.iter().map(|(path, _)| *path);
    for path in KEYS.iter().map(|key| key.path).chain(sections) {
        let rest = if pattern.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(pattern.as_str()).and_then(|rest| rest.strip_prefix('.'))
        };
        let name = rest.and_then(|rest| rest.split(['.', '[']).next());
        if let Some(name) = name.filter(|name| !name.is_empty() && !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

/// The valid path that a wrong one most likely means: a near name in the same section, else the
/// same or a near name elsewhere.
pub fn nearest_path(wrong: &str) -> Option<String> {
    let (section, name) = wrong.rsplit_once('.').unwrap_or(("", wrong));
    if let Some(near) = nearest::nearest(name, children(section)) {
        return Some(join(section, near));
    }
    let paths = || KEYS.iter().map(|key| key.path).filter(|path| !path.contains('['));
    let last = |path: &'static str| path.rsplit_once('.').map_or(path, |(_, name)| name);
    let near = nearest::nearest(name, paths().map(last))?;
    let mut found = paths().filter(|path| last(path) == near);
    // Several sections may have a key of that name; then guessing one of them would mislead.
    let only = found.next().filter(|_| found.next().is_none());
    let is_section = SECTIONS.iter().any(|(path, _)| *path == section);
    let misspelt = || nearest::nearest(wrong, paths()).filter(|_| !is_section);
    only.or_else(misspelt).map(Into::into)
}

/// `a` + `b` → `a.b`; the root is `""`.
pub(super) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.into() } else { format!("{section}.{name}") }
}

/// What the key is when nobody writes it; `None` where [`Key::unset`] says what happens instead.
pub fn default_value(path: &str) -> Option<toml::Value> {
    static DEFAULTS: LazyLock<Option<toml::Table>> =
        LazyLock::new(|| toml::Table::try_from(every_section()).ok());
    let pattern = pattern(path);
    if let Some(item_key) = pattern.strip_prefix("evaluate.attacks[].") {
        let item = MethodSpec::new(AttackMethod::None, None);
        let required = find(path).is_some_and(|key| key.required);
        let table = toml::Table::try_from(item).ok().filter(|_| !required)?;
        return table.get(item_key).cloned();
    }
    if find(path).is_some_and(|key| key.required) {
        return None;
    }
    lookup(DEFAULTS.as_ref()?, &pattern).cloned()
}

/// The value of a key in a spec as it stands; `None` where it is not written.
pub fn value(spec: &Spec, path: &str) -> Option<toml::Value> {
    let table = toml::Table::try_from(spec).ok()?;
    lookup(&table, path).cloned()
}

fn lookup<'t>(table: &'t toml::Table, path: &str) -> Option<&'t toml::Value> {
    let mut names = path.split('.');
    let mut value = table.get(names.next()?)?;
    for name in names {
        value = value.get(name)?;
    }
    Some(value)
}

/// A spec in which every section is present, with its defaults.
pub(super) fn every_section() -> Spec {
    Spec {
        train: Some(TrainSpec {
            adversarial: Some(AdversarialSpec::default()),
            neurons: Some(TrainNeuronsSpec::default()),
            ..TrainSpec::default()
        }),
        evaluate: Some(EvaluateSpec {
            curve: Some(CurveSpec::default()),
            transfer: Some(TransferSpec::default()),
            ..EvaluateSpec::default()
        }),
        attack: Some(AttackSpec::default()),
        neurons: Some(NeuronsSpec::default()),
        dissect: Some(DissectSpec {
            attack: Some(DissectAttackSpec::default()),
            ..DissectSpec::default()
        }),
        consistency: Some(ConsistencySpec::default()),
        trace: Some(TraceSpec { detector: Some(DetectorSpec::default()), ..TraceSpec::default() }),
        study: Some(StudySpec::default()),
        ..Spec::default()
    }
}
