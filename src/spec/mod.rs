//! What a user asks for: plain data, exactly the TOML (DESIGN §4). Knows no tensor, no run, no
//! terminal.
//!
//! [`Spec`] is what the user wrote. `None` means "not written, and the default depends on other
//! keys or on the data"; resolving fills every such key, and the resolved spec is what a run
//! folder's `spec.toml` holds.
//!
//! The way in is [`load()`]; a form works on a [`Document`] and the table in [`help`].

pub mod adversarial;
pub mod check;
mod concepts;
mod evaluate;
pub mod expand;
pub mod help;
pub mod interval;
pub mod layer;
mod load;
mod method;
pub mod nearest;
mod neurons;
mod overrides;
mod parse;
pub mod preset;
mod problem;
mod render;
pub mod study;
mod trace;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use adversarial::{AdversarialSpec, Best, Epsilon, Layers, OnOverfitting};
pub use concepts::{
    Affinity, ConsistencySpec, DissectAttackSpec, DissectSpec, LabelledFormat, LabelledSpec,
};
pub use evaluate::{CurveSpec, EvaluateSpec, TransferSpec};
pub use interval::Interval;
pub use load::{load, open, read_resolved};
pub use method::{AttackMethod, EnsembleModel, Fusion, MethodSpec, Norm};
pub use neurons::{NeuronsSpec, Split, TrainNeuronsSpec};
pub use parse::Document;
pub use preset::{PRESETS, Preset};
pub use problem::{Complaint, Problem};
pub use render::{Comments, scalar, to_toml};
pub use study::{MemberSpec, StudySpec, warnings};
pub use trace::{DetectorSpec, Followed, FollowedName, Measure, TraceSpec};

/// The word that stands for a value in TOML: `DataFormat::ImageFolder` → `image-folder`.
pub fn word(value: impl Serialize) -> String {
    match toml::Value::try_from(value) {
        Ok(toml::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// One piece of work, described completely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// A line for people; also names the run folder.
    pub title: String,
    /// Seeds everything: data, weights, shuffles, augmentation, attack starts.
    pub seed: u64,
    /// `auto`, `cpu`, `cuda:0`.
    pub device: String,
    /// How exactly convolutions and products are computed. `None`: f32 on the CPU, tf32 on a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Whether TensorBoard's event files are written, too. `None`: as the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensorboard: Option<bool>,
    /// Where the images come from.
    pub data: DataSpec,
    /// The network.
    pub model: ModelSpec,
    /// Present: train it.
    pub train: Option<TrainSpec>,
    /// Present: measure accuracy, clean and under attack.
    pub evaluate: Option<EvaluateSpec>,
    /// Present: write a set of adversarial images.
    pub attack: Option<AttackSpec>,
    /// Present: find the images that excite each neuron most.
    pub neurons: Option<NeuronsSpec>,
    /// Present: find the concept that each neuron detects.
    pub dissect: Option<DissectSpec>,
    /// Present: how near the classes are that each neuron answers to.
    pub consistency: Option<ConsistencySpec>,
    /// Present: the neurons behind predictions.
    pub trace: Option<TraceSpec>,
    /// Present: several runs of this spec, one after the other.
    pub study: Option<StudySpec>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            title: String::new(),
            seed: 1,
            device: "auto".into(),
            precision: None,
            tensorboard: None,
            data: DataSpec::default(),
            model: ModelSpec::default(),
            train: None,
            evaluate: None,
            attack: None,
            neurons: None,
            dissect: None,
            consistency: None,
            trace: None,
            study: None,
        }
    }
}

/// How exactly convolutions and fully connected layers are computed; weights are f32 always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Throughout; the CPU knows no other.
    F32,
    /// Factors are rounded to 11 bits.
    Tf32,
    /// Factors and results are rounded to 8 bits.
    Bf16,
}

impl Spec {
    /// Every attack that is named, each with the section that its keys stand in.
    pub fn methods(&self) -> Vec<(String, &MethodSpec)> {
        let mut found = Vec::new();
        if let Some(train) = &self.train {
            found.push(("train.probe".into(), &train.probe.how));
        }
        if let Some(evaluate) = &self.evaluate {
            let items = evaluate.attacks.iter().enumerate();
            found.extend(items.map(|(index, how)| (format!("evaluate.attacks[{index}]"), how)));
            let curve = evaluate.curve.as_ref().map(|curve| &curve.how);
            found.extend(curve.map(|how| (CURVE.into(), how)));
            let transfer = evaluate.transfer.as_ref().map(|transfer| &transfer.how);
            found.extend(transfer.map(|how| (TRANSFER.into(), how)));
        }
        if let Some(attack) = &self.attack {
            found.push(("attack".into(), &attack.how));
        }
        let dissect = self.dissect.as_ref().and_then(|dissect| dissect.attack.as_ref());
        found.extend(dissect.map(|attack| ("dissect.attack".into(), &attack.how)));
        found
    }

    /// The same, to be changed.
    pub fn methods_mut(&mut self) -> Vec<(String, &mut MethodSpec)> {
        let mut found = Vec::new();
        if let Some(train) = &mut self.train {
            found.push(("train.probe".into(), &mut train.probe.how));
        }
        if let Some(evaluate) = &mut self.evaluate {
            let items = evaluate.attacks.iter_mut().enumerate();
            found.extend(items.map(|(index, how)| (format!("evaluate.attacks[{index}]"), how)));
            let curve = evaluate.curve.as_mut().map(|curve| &mut curve.how);
            found.extend(curve.map(|how| (CURVE.into(), how)));
            let transfer = evaluate.transfer.as_mut().map(|transfer| &mut transfer.how);
            found.extend(transfer.map(|how| (TRANSFER.into(), how)));
        }
        if let Some(attack) = &mut self.attack {
            found.push(("attack".into(), &mut attack.how));
        }
        let dissect = self.dissect.as_mut().and_then(|dissect| dissect.attack.as_mut());
        found.extend(dissect.map(|attack| ("dissect.attack".into(), &mut attack.how)));
        found
    }

    /// Every network that is named besides `[model]`, each with the place that its keys stand in:
    /// members of ensembles, rows and columns of a transfer table.
    pub fn networks(&self) -> Vec<(String, &EnsembleModel)> {
        let mut found = Vec::new();
        for (section, how) in self.methods() {
            found.extend(listed(&format!("{section}.models"), &how.models));
        }
        let transfer = self.evaluate.as_ref().and_then(|evaluate| evaluate.transfer.as_ref());
        if let Some(transfer) = transfer {
            found.extend(listed(&format!("{TRANSFER}.sources"), &transfer.sources));
            found.extend(listed(&format!("{TRANSFER}.targets"), &transfer.targets));
        }
        found
    }

    /// The same, to be changed.
    pub fn change_networks(&mut self, mut change: impl FnMut(&str, &mut EnsembleModel)) {
        let mut change_all = |list: &str, networks: &mut Vec<EnsembleModel>| {
            for (index, network) in networks.iter_mut().enumerate() {
                change(&format!("{list}[{index}]"), network);
            }
        };
        for (section, how) in self.methods_mut() {
            change_all(&format!("{section}.models"), &mut how.models);
        }
        let transfer = self.evaluate.as_mut().and_then(|evaluate| evaluate.transfer.as_mut());
        if let Some(transfer) = transfer {
            change_all(&format!("{TRANSFER}.sources"), &mut transfer.sources);
            change_all(&format!("{TRANSFER}.targets"), &mut transfer.targets);
        }
    }
}

/// Where the attack of a curve stands.
const CURVE: &str = "evaluate.curve";
/// Where the attack of a transfer table stands.
const TRANSFER: &str = "evaluate.transfer";

/// The entries of a list, each with its place.
fn listed<'s, T>(list: &str, items: &'s [T]) -> impl Iterator<Item = (String, &'s T)> + use<'s, T> {
    let list = list.to_owned();
    items.iter().enumerate().map(move |(index, item)| (format!("{list}[{index}]"), item))
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSpec {
    /// Which reader.
    pub format: DataFormat,
    /// File or folder; `shapes` needs none. `~` and `$VAR` are expanded on reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Side of the square image the model sees. `None`: the data's own size
    /// (shapes 64, cifar10 32, idx as stored, image-folder 224).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Decoding threads; 0 = one a core.
    pub workers: usize,
    /// Images per split, 0 = all.
    pub limit: usize,
    /// `idx` only: names of the classes, in the order of their numbers; empty = those of
    /// `classes.txt` beside the files, or the numbers.
    pub class_names: Vec<String>,
    /// `shapes` only: scenes in the training split.
    pub train_images: usize,
    /// `shapes` only: scenes in the test split.
    pub test_images: usize,
    /// `image-folder` without `train`/`val` sub-folders: share held out for testing, 0..1.
    pub holdout: f64,
    /// What to do with a file that cannot be decoded.
    pub damaged: Damaged,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self {
            format: DataFormat::Shapes,
            path: None,
            image_size: None,
            workers: 0,
            limit: 0,
            class_names: Vec::new(),
            train_images: 6000,
            test_images: 1000,
            holdout: 0.1,
            damaged: Damaged::Skip,
        }
    }
}

/// Readers of data (DESIGN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataFormat {
    /// The embedded scene generator.
    Shapes,
    /// JPEG and PNG, one folder a class.
    ImageFolder,
    /// CIFAR-10's binary batches.
    Cifar10,
    /// MNIST's IDX files, plain or gzip.
    Idx,
}

/// What to do with a file that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damaged {
    /// Name it in the log, count it, go on without it.
    Skip,
    /// Stop with its name.
    Fail,
}

/// `[model]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSpec {
    /// The architecture.
    pub arch: Arch,
    /// `sequential` only: the network, layer by layer; each entry a [`layer::Layer`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// `.safetensors`, `.pth` or `.th` file, `run:ID`, `run:ID@best` or `run:ID@last`; `None` =
    /// fresh from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Outputs; `None` = as many as the data has classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// Per channel, of 0..1 pixels; `None` = the weights' own, else the default of the architecture
    /// and data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// Per channel, of 0..1 pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
}

impl Default for ModelSpec {
    fn default() -> Self {
        Self {
            arch: Arch::Shapesnet,
            layers: Vec::new(),
            weights: None,
            classes: None,
            mean: None,
            std: None,
        }
    }
}

/// Architectures that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arch {
    /// The small batch-normalised network for the embedded data and other small images.
    Shapesnet,
    /// As torchvision defines it.
    Alexnet,
    /// As torchvision defines it.
    Vgg16,
    /// As torchvision defines it.
    Resnet18,
    /// As torchvision defines it.
    InceptionV3,
    /// As torchvision defines it.
    #[serde(rename = "squeezenet1_0")]
    Squeezenet10,
    /// The first three for small images.
    AlexnetSmall,
    /// The same.
    Vgg16Small,
    /// The same.
    Resnet18Small,
    /// The CIFAR-10 networks.
    Resnet20,
    /// The same, deeper.
    Resnet32,
    /// The same, deeper.
    Resnet44,
    /// The same, deeper.
    Resnet56,
    /// What `model.layers` lists.
    Sequential,
}

/// `[train]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSpec {
    /// Passes over the training split.
    pub epochs: usize,
    /// Images a step.
    pub batch_size: usize,
    /// What moves the weights.
    pub optimizer: OptimizerSpec,
    /// How the learning rate goes.
    pub schedule: ScheduleSpec,
    /// Applied in this order to every training image.
    pub augment: Vec<Augment>,
    /// `"1 epoch"`, `"500 steps"`, `"10 min"`.
    pub checkpoint_every: String,
    /// Weight of the uniform distribution in the target, 0..1 (0 = off).
    pub label_smoothing: f64,
    /// Which accuracy decides which weights are the best; `None` = adversarial in adversarial
    /// training, else clean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Present: adversarial training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<AdversarialSpec>,
    /// The fixed set that is attacked now and then, for the live adversarial accuracy.
    pub probe: ProbeSpec,
    /// Present: chosen neurons are looked at now and then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neurons: Option<TrainNeuronsSpec>,
}

impl TrainSpec {
    /// Whether the probe measures an adversarial accuracy: by its own attack, or by those of the
    /// alarm.
    pub fn measures_attacks(&self) -> bool {
        let probe = &self.probe;
        let alarm = self.adversarial.is_some() && probe.alarm_steps > 0;
        probe.images > 0 && (probe.how.method != AttackMethod::None || alarm)
    }
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 64,
            optimizer: OptimizerSpec::default(),
            schedule: ScheduleSpec::default(),
            augment: Vec::new(),
            checkpoint_every: "1 epoch".into(),
            label_smoothing: 0.0,
            best: None,
            adversarial: None,
            probe: ProbeSpec::default(),
            neurons: None,
        }
    }
}

/// `train.optimizer`: flat, so that a wrong key is named with its line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSpec {
    /// Which.
    pub name: OptimizerName,
    /// Peak learning rate.
    pub lr: f64,
    /// sgd: momentum.
    pub momentum: f64,
    /// sgd: Nesterov's variant.
    pub nesterov: bool,
    /// L2 (sgd, adam: added to the gradient; adamw: decoupled).
    pub weight_decay: f64,
    /// adam, adamw: decay rates of the two moments.
    pub betas: [f64; 2],
    /// adam, adamw: added to the denominator.
    pub eps: f64,
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self {
            name: OptimizerName::Sgd,
            lr: 0.05,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 5e-4,
            betas: [0.9, 0.999],
            eps: 1e-8,
        }
    }
}

/// Optimizers, each as PyTorch defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with L2.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
}

/// `train.schedule`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSpec {
    /// Which.
    pub name: ScheduleName,
    /// Epochs of linear warm-up from 0 (may be a fraction).
    pub warmup_epochs: f64,
    /// step: epochs between two drops.
    pub step_epochs: f64,
    /// step: factor of each drop.
    pub gamma: f64,
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        Self { name: ScheduleName::Cosine, warmup_epochs: 1.0, step_epochs: 30.0, gamma: 0.1 }
    }
}

/// Learning-rate schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleName {
    /// The same all the way.
    Constant,
    /// Multiplied by `gamma` every `step_epochs`.
    Step,
    /// Half a cosine to 0.
    Cosine,
}

/// Augmentations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Mirrored left to right, half the time.
    HorizontalFlip,
    /// Zero-padded by an eighth of the side, then cropped back at random.
    RandomCrop,
    /// A random area of 0.25 to 1 and aspect of 3:4 to 4:3, resized back (bilinear).
    RandomResizedCrop,
}

/// `train.probe`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeSpec {
    /// The attack on the probe set.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// Test images in the set; 0 = no probe.
    pub images: usize,
    /// `"1 epoch"`, `"200 steps"`.
    pub every: String,
    /// Adversarial training: steps of the PGD that the alarm for catastrophic overfitting compares
    /// with FGSM; 0 = no alarm.
    pub alarm_steps: usize,
}

impl Default for ProbeSpec {
    fn default() -> Self {
        Self { how: MethodSpec::default(), images: 500, every: "1 epoch".into(), alarm_steps: 10 }
    }
}

/// `[attack]`: makes a set of adversarial images of the test split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackSpec {
    /// Which, and how.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// `none`, `random`, `least-likely`, or a class index.
    pub target: Target,
    /// Adversarial images of each original, each with another target; 1 unless `target` is `random`
    /// or `least-likely`.
    pub targets_per_image: usize,
    /// Images a batch.
    pub batch_size: usize,
}

impl Default for AttackSpec {
    fn default() -> Self {
        Self {
            how: MethodSpec::default(),
            target: Target::None,
            targets_per_image: 1,
            batch_size: 100,
        }
    }
}

/// Where a targeted attack wants to go. In TOML a word or a class index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A word.
    Named(TargetName),
    /// This class.
    Class(usize),
}

impl Target {
    /// Untargeted.
    #[allow(non_upper_case_globals)]
    pub const None: Self = Self::Named(TargetName::None);
}

/// The words for [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetName {
    /// Away from the true label.
    None,
    /// A class other than the label, drawn from the seed.
    Random,
    /// The class the clean image is least likely to be.
    LeastLikely,
}
