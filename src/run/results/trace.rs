//! `results/trace.json` (SCIENCE §7): the neurons behind predictions, and how well adversarial images
//! are told by them.

use serde::{Deserialize, Serialize};

/// What the trace stage found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Class names, by index.
    pub classes: Vec<String>,
    /// The layer tap's name.
    pub layer: String,
    /// Channels of the layer.
    pub neurons: usize,
    /// m: so many neurons count as influential.
    pub top: usize,
    /// Whose score is followed: `predicted`, `true`, or a class's index.
    pub class: String,
    /// What the m largest are chosen by: `probability` or `logit`.
    pub measure: String,
    /// `all`, `errors`, or where the pictures are from.
    pub images: String,
    /// Side of the stored pictures, in pixels.
    pub image_size: usize,
    /// Images of the test split looked at; 0 where pictures were given.
    pub tested: u64,
    /// Of these, rightly classified.
    pub right: u64,
    /// Images that could not be read.
    pub damaged: u64,
    /// Some of each kind, with what the screen needs: right, then wrong, adversarial, given.
    pub predictions: Vec<Prediction>,
    /// For each kind that was traced, how often the same neurons are behind it.
    pub kinds: Vec<Shared>,
    /// For each class that was answered rightly, its usual neurons; by class. Of predictions whose
    /// followed class is the answer: the neurons of another class say nothing of this one.
    pub of_classes: Vec<OfClass>,
    /// For each kind of error, label and answer, the neurons behind it: the most frequent first, and
    /// of equally frequent ones those of lower classes. Of predictions whose followed class is the
    /// answer.
    pub of_errors: Vec<OfError>,
    /// How far the checks agree with the prediction difference.
    pub agreement: Agreement,
    /// How far the adversarial images have moved between the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representation: Option<Representation>,
    /// How well they are told from real ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Detector>,
}

/// One picture, the network's answer, and the neurons that brought it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its name in its set.
    pub image: String,
    /// A PNG in the run folder.
    pub picture: String,
    /// `right`, `wrong`, `adversarial`, `given`.
    pub kind: String,
    /// Of an adversarial one: its original, a PNG in the run folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// The true class, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<u32>,
    /// The class that the attack aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// The class whose score is followed.
    pub followed: u32,
    /// Probability of the followed class.
    pub probability: f64,
    /// Its logit.
    pub logit: f64,
    /// The five largest probabilities, fewer of fewer classes.
    pub answers: Vec<Answer>,
    /// The influential neurons, the largest prediction difference first; ties by index.
    pub neurons: Vec<Influence>,
    /// The answers without some of the influential neurons: for every set of the first
    /// [`ABLATED`] of them but the empty one, in the order of the binary number whose lowest bit is the
    /// first neuron.
    pub ablations: Vec<Ablation>,
}

/// So many influential neurons are switched off in every combination.
pub const ABLATED: usize = 5;

/// A class and its probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Index of the class.
    pub class: u32,
    /// 0..1.
    pub probability: f64,
}

/// What one neuron does for the followed class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Influence {
    /// Channel.
    pub index: usize,
    /// PD: by how much its probability falls when the channel is set to 0.
    pub probability: f64,
    /// PD of its logit.
    pub logit: f64,
    /// Σ over positions of activation × ∂logit/∂activation: what the gradient expects of PD.
    pub gradient: f64,
    /// By how much its logit falls when the channel is set to its mean over the reference images.
    pub mean: f64,
    /// The channel's spatial maximum.
    pub activation: f64,
}

/// The answers with some channels set to 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// Their indices.
    pub neurons: Vec<usize>,
    /// Probability of the followed class.
    pub probability: f64,
    /// The five largest probabilities.
    pub answers: Vec<Answer>,
}

/// How often the same neurons are behind the predictions of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// `right`, `wrong`, `adversarial`, `given`.
    pub kind: String,
    /// Predictions traced.
    pub images: u64,
    /// The share of the influential neurons that two of them have in common, mean over all pairs;
    /// `None` of fewer than two.
    pub overlap: Option<f64>,
    /// What it would be if the neurons were drawn blindly: m / neurons.
    pub chance: f64,
    /// The neurons influential most often, at most twenty.
    pub neurons: Vec<Usual>,
}

/// How influential a neuron usually is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// Channel.
    pub index: usize,
    /// Share of the predictions in which it is influential.
    pub share: f64,
    /// Its mean prediction difference over all of them, of probability.
    pub probability: f64,
    /// The same of the logit.
    pub logit: f64,
}

/// The usual neurons of a class.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OfClass {
    /// Label and answer.
    pub class: u32,
    /// Predictions traced.
    pub images: u64,
    /// m neurons, influential most often.
    pub neurons: Vec<Usual>,
}

/// The neurons behind a kind of error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OfError {
    /// `wrong`, `adversarial`.
    pub kind: String,
    /// The true class.
    pub label: u32,
    /// The network's answer.
    pub predicted: u32,
    /// Predictions traced.
    pub images: u64,
    /// m neurons, influential most often.
    pub neurons: Vec<Usual>,
    /// How many of them are among the usual ones of the true class; `None` where no such prediction
    /// was traced.
    pub of_label: Option<usize>,
    /// How many are among those of the answer.
    pub of_predicted: Option<usize>,
}

/// How far two checks agree with the prediction difference, as logit: means over all predictions
/// traced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Predictions.
    pub images: u64,
    /// Gradient × activation.
    pub gradient: Check,
    /// The channel set to its mean.
    pub mean: Check,
}

/// A check beside the prediction difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Spearman's rank correlation over the layer's neurons; mean over the predictions that have one,
    /// which those whose differences are the same everywhere have not. 0 where none has.
    pub correlation: f64,
    /// Share of the m largest by logit that both name; not of the influential neurons, where these
    /// are chosen by probability.
    pub overlap: f64,
}

/// The representation ratios (SCIENCE §7) of adversarial images whose class to reach is not the true
/// one: below 1 = nearer to the original's class than to the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Representation {
    /// Reference images, which class means and nearest neighbours are from.
    pub reference_images: u64,
    /// Of these, so many were kept for the nearest neighbours of r_pair, taken evenly; of fewer the
    /// nearest is farther, and r_pair smaller. 0 in results that do not say it.
    #[serde(default)]
    pub nearest_among: u64,
    /// What y* is: `target`, or `prediction` where the attack aimed at none.
    pub towards: String,
    /// r_mean = ‖φ(x*) − μ_y‖ / ‖φ(x*) − μ_y*‖.
    pub mean: Ratio,
    /// r_pair = ‖φ(x*) − φ(x)‖ / ‖φ(x*) − nearest reference image of y*‖.
    pub pair: Ratio,
}

/// A ratio over images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Images that have it.
    pub images: u64,
    /// Mean over them.
    pub mean: f64,
    /// Its 95 % bootstrap interval; of fewer than two images there is none, and both ends are the
    /// mean: see [`Self::known_interval`].
    pub interval: [f64; 2],
    /// Median.
    pub median: f64,
    /// Share below 1.
    pub below_one: f64,
    /// Images by ratio in steps of 0.05 from 0; the last counts all of 2 and above.
    pub histogram: Vec<u64>,
}

impl Ratio {
    /// The interval, where there are images enough, two, to have one.
    pub fn known_interval(&self) -> Option<[f64; 2]> {
        (self.images >= 2).then_some(self.interval)
    }
}

/// How well adversarial images are told from real ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// Reference images, which the class means and the neurons' classes are from.
    pub reference_images: u64,
    /// The share of real images that may be taken for adversarial ones, as asked.
    pub false_positive_rate: f64,
    /// Real images that the thresholds were set on.
    pub calibration_images: u64,
    /// Other real images that they were tried on; right and wrong answers alike.
    pub real_images: u64,
    /// The detectors.
    pub scores: Vec<Score>,
    /// Each attack.
    pub attacks: Vec<Attacked>,
}

/// One detector: the larger its score, the more an image is suspected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `disagreement` = 1 − cosine between the mean class histogram of the image's influential neurons
    /// and its predicted class; `distance` = ‖φ(x) − μ of the predicted class‖ / ‖φ(x) − nearest
    /// other μ‖; `confidence` = 1 − largest probability, to compare with.
    pub name: String,
    /// Suspected are scores above it.
    pub threshold: f64,
    /// Share of the real images tried that are suspected.
    pub false_positives: f64,
    /// Its 95 % confidence interval.
    pub interval: [f64; 2],
}

/// The detectors against one attack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attacked {
    /// `pgd ε 4`; `set pgd ε 4` is the run's set of images.
    pub attack: String,
    /// Whether it knows the detector by distances, `distance`, and works against that one, from one
    /// random start; it knows nothing of the others.
    pub aware: bool,
    /// Images attacked: those of the tried half that the network has right; of the run's set those
    /// whose original it has right and whose original is none of the calibration images.
    pub images: u64,
    /// Of these, those that it then has wrong: what is to be detected.
    pub fooled: u64,
    /// One for each score, in its order; empty where no image fooled the network.
    pub curves: Vec<Roc>,
}

/// The receiver operating characteristic of a detector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// [`Score::name`].
    pub score: String,
    /// Area under the curve: 0.5 = chance.
    pub auc: f64,
    /// Its 95 % confidence interval (DeLong; where all pairs of a real and an adversarial image are
    /// in the same order, the exact one of as many pairs as the smaller side has images).
    pub interval: [f64; 2],
    /// Share of the images to be detected that are suspected at the threshold.
    pub detected: f64,
    /// Its 95 % confidence interval.
    pub detected_interval: [f64; 2],
    /// Share of real images suspected, share of adversarial images suspected; from 0, 0 to 1, 1, at
    /// most 201 points.
    pub points: Vec<[f64; 2]>,
}
