//! `[trace]`: from a prediction back to the neurons that brought it (SCIENCE §7).

use serde::{Deserialize, Serialize};

/// `[trace]` (SCIENCE §7)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceSpec {
    /// Whose predictions: `all` = those of the test split, `errors` = its misclassified images, else
    /// a picture or a folder of pictures. `~` and `$VAR` are expanded on reading.
    pub images: String,
    /// The layer tap whose neurons are looked at. `None` = the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Influential are so many neurons, those with the largest prediction difference.
    pub top: usize,
    /// Whose score is followed: `predicted`, `true`, or a class index.
    pub class: Followed,
    /// What of the class is compared.
    pub measure: Measure,
    /// `stage` = this run's `[attack]`, `run:ID`, a folder, or `none`.
    pub adversarial: String,
    /// Predictions traced of each kind (right, wrong, adversarial), 0 = all.
    pub limit: usize,
    /// Of these, predictions of each kind kept with their picture and their ablations, to be looked at.
    pub pictures: usize,
    /// Images of the training split that say what a class usually excites, drawn from the seed; 0 =
    /// all.
    pub reference: usize,
    /// Images a batch.
    pub batch_size: usize,
    /// Present: tell adversarial images by their representation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorSpec>,
}

impl Default for TraceSpec {
    fn default() -> Self {
        Self {
            images: "all".into(),
            layer: None,
            top: 5,
            class: Followed::Named(FollowedName::Predicted),
            measure: Measure::Probability,
            adversarial: "stage".into(),
            limit: 200,
            pictures: 24,
            reference: 5000,
            batch_size: 32,
            detector: None,
        }
    }
}

/// Whose score is followed. In TOML a word or a class index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Followed {
    /// A word.
    Named(FollowedName),
    /// This class.
    Class(usize),
}

/// The words for [`Followed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowedName {
    /// The network's answer.
    Predicted,
    /// The label.
    True,
}

/// What of a class a prediction difference is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The softmax of the logits.
    Probability,
    /// The logit.
    Logit,
}

/// `[trace.detector]`: how well adversarial images are told from real ones, for every attack of
/// `[evaluate]` and for the set of [`TraceSpec::adversarial`] (SCIENCE §7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorSpec {
    /// Images of the test split: on one half the thresholds are set, on the other they are tried.
    pub images: usize,
    /// The share of real images that may be taken for adversarial ones.
    pub false_positive_rate: f64,
    /// Pixel levels of 255 of the attack that knows the detector by distance, and no other; 0 = the
    /// largest epsilon of the attacks. Steps: those of the attack with the most, 40 if none has more.
    pub aware_epsilon: f64,
    /// Weight of the detector's own score in that attack's loss; 0 = no such attack.
    pub aware_weight: f64,
}

impl Default for DetectorSpec {
    fn default() -> Self {
        Self { images: 1000, false_positive_rate: 0.05, aware_epsilon: 0.0, aware_weight: 1.0 }
    }
}
