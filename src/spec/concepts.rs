//! `[dissect]` and `[consistency]`: what a neuron means (SCIENCE §4).

use serde::{Deserialize, Serialize};

use super::{AttackMethod, MethodSpec, Split, Target, TargetName};

/// `[dissect]`: Network Dissection (SCIENCE §4.1)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DissectSpec {
    /// Images whose pixels are labelled with concepts.
    pub data: LabelledSpec,
    /// Layer taps, by torchvision's name or the papers' alias; empty = every tap.
    pub layers: Vec<String>,
    /// A neuron whose best concept has a larger intersection over union detects it.
    pub iou_threshold: f64,
    /// The share of all positions that lie above a neuron's threshold: where it counts as firing.
    pub quantile: f64,
    /// Labelled pictures kept a neuron and side, to be looked at.
    pub top: usize,
    /// Images a batch.
    pub batch_size: usize,
    /// Present: the same images are attacked and dissected again, with their label maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attack: Option<DissectAttackSpec>,
}

impl Default for DissectSpec {
    fn default() -> Self {
        Self {
            data: LabelledSpec::default(),
            layers: Vec::new(),
            iou_threshold: 0.04,
            quantile: 0.005,
            top: 9,
            batch_size: 32,
            attack: None,
        }
    }
}

/// `dissect.data`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelledSpec {
    /// Which reader.
    pub format: LabelledFormat,
    /// Broden's folder; `shapes` needs none. `~` and `$VAR` are expanded on reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Images, 0 = all of the folder; of shapes as many as `data.test_images`.
    pub limit: usize,
}

impl Default for LabelledSpec {
    fn default() -> Self {
        Self { format: LabelledFormat::Shapes, path: None, limit: 0 }
    }
}

/// Readers of data with concepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelledFormat {
    /// Scenes of the test split, which the program draws with their labels.
    Shapes,
    /// Broden's own folders (Bau et al. 2017).
    Broden,
}

/// `dissect.attack`: the truth is what the network says of the clean image, since labelled images
/// have no class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DissectAttackSpec {
    /// Which, and how.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// `none`, `random`, `least-likely`, or a class index; `None` = random where the method aims at a
    /// class, else none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

impl DissectAttackSpec {
    /// Where it aims.
    pub fn target(&self) -> Target {
        let usual =
            if self.how.method.takes_target() { TargetName::Random } else { TargetName::None };
        self.target.unwrap_or(Target::Named(usual))
    }
}

impl Default for DissectAttackSpec {
    fn default() -> Self {
        Self { how: MethodSpec::new(AttackMethod::Pgd, None), target: None }
    }
}

/// `[consistency]`: level and consistency of each neuron by WordNet (SCIENCE §4.2)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsistencySpec {
    /// Layer taps; empty = every tap.
    pub layers: Vec<String>,
    /// Whose images are ranked.
    pub split: Split,
    /// `stage` = this run's `[attack]`, `run:ID`, a folder, or `none`.
    pub adversarial: String,
    /// Share of the images of a side whose classes are counted: those that excite the neuron most.
    pub share: f64,
    /// K of LC = pᵀ K p.
    pub kernel: Affinity,
    /// A of consis = pᵀ A p.
    pub affinity: Affinity,
    /// Of the gaussian and the exponential, in edges of the hypernym tree.
    pub sigma: f64,
    /// Groups of neurons, by LC, for the curves of CS1 and CS2.
    pub groups: usize,
    /// The classes' nouns in their order, each a WordNet id or a word; empty = the data's own.
    pub synsets: Vec<String>,
    /// A folder with WordNet's `data.noun` and `index.noun`. `None`: WordNet 3.0, which is inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wordnet: Option<String>,
    /// Images a batch.
    pub batch_size: usize,
}

impl Default for ConsistencySpec {
    fn default() -> Self {
        Self {
            layers: Vec::new(),
            split: Split::Test,
            adversarial: "stage".into(),
            share: 0.01,
            kernel: Affinity::Gaussian,
            affinity: Affinity::WuPalmer,
            sigma: 2.0,
            groups: 10,
            synsets: Vec::new(),
            wordnet: None,
            batch_size: 100,
        }
    }
}

/// How near two nouns are to each other, 0 to 1 (SCIENCE §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Affinity {
    /// exp(−d² / 2σ²), d the shortest path in edges.
    Gaussian,
    /// exp(−d / σ).
    Exponential,
    /// Wu and Palmer's similarity.
    WuPalmer,
    /// 1 / (1 + d).
    Path,
}
