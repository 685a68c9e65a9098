//! An attack and its keys, the same flat keys wherever an attack is named: an item of
//! `evaluate.attacks`, `[attack]`, `train.probe`. Which method has which key, and what each key is
//! when nobody writes it (SCIENCE §2).

use serde::{Deserialize, Serialize};

use super::Arch;

/// Attacks that ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttackMethod {
    /// No perturbation: clean accuracy.
    None,
    /// Fast gradient sign method; in L2 one step along the gradient.
    Fgsm,
    /// FGSM in small steps, from the image itself.
    Bim,
    /// Projected gradient descent: the same from random starts.
    Pgd,
    /// Momentum iterative FGSM.
    Mim,
    /// Towards the class that the clean image is least likely to be, in one step or in several.
    LeastLikely,
    /// To the nearest linearised decision boundary, L2.
    Deepfool,
    /// Carlini and Wagner's, L2.
    Cw,
    /// Auto-PGD on the cross-entropy.
    ApgdCe,
    /// Auto-PGD on the difference of logits ratio.
    ApgdDlr,
    /// Random search: needs no gradient.
    Square,
    /// The papers' optimization against several networks at once.
    Ensemble,
}

impl AttackMethod {
    /// The method of this name.
    pub fn named(word: &str) -> Option<Self> {
        toml::Value::from(word).try_into().ok()
    }

    /// Its keys besides `method`, in the order in which people write them.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::None => &["epsilon"],
            Self::Fgsm => &["epsilon", "norm"],
            Self::Bim | Self::LeastLikely => &["epsilon", "steps", "step_size"],
            Self::Pgd => &["epsilon", "norm", "steps", "step_size", "restarts"],
            Self::Mim => &["epsilon", "steps", "step_size", "momentum"],
            Self::Deepfool => &["epsilon", "steps", "overshoot"],
            Self::Cw => {
                &["epsilon", "steps", "confidence", "learning_rate", "search_steps", "initial_c"]
            }
            Self::ApgdCe | Self::ApgdDlr => &["epsilon", "norm", "steps", "restarts"],
            Self::Square => &["epsilon", "norm", "queries", "restarts"],
            Self::Ensemble => {
                &["epsilon", "steps", "step_size", "distortion_weight", "fusion", "models"]
            }
        }
    }

    /// Whether it means nothing without a bound. The others look for the smallest perturbation,
    /// and a bound only cuts off what is larger.
    pub fn needs_epsilon(self) -> bool {
        !matches!(self, Self::None | Self::Deepfool | Self::Cw | Self::Ensemble)
    }

    /// Whether it can aim at a class that it is given.
    pub fn takes_target(self) -> bool {
        !matches!(self, Self::None | Self::LeastLikely | Self::Deepfool | Self::ApgdDlr)
    }

    /// The norm that bounds it where it has no key for that.
    fn own_norm(self) -> Norm {
        if matches!(self, Self::Deepfool | Self::Cw) { Norm::L2 } else { Norm::Linf }
    }
}

/// What bounds a perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The largest change of a pixel.
    Linf,
    /// The root of the sum of squares over pixels and channels.
    L2,
}

/// How an ensemble's networks become one objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// The mean of their cross-entropies.
    Loss,
    /// The cross-entropy of their mean probabilities.
    Probability,
    /// The cross-entropy of their mean logits.
    Logits,
}

/// An attack with its keys. `None` = not written: the method's own default, or no key of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodSpec {
    /// Which.
    pub method: AttackMethod,
    /// The bound: pixel levels of 255; for `norm = "l2"` the L2 norm of the perturbation of 0..1
    /// pixels, times 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// What the bound is measured in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<Norm>,
    /// Iterations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// In the unit of `epsilon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_size: Option<f64>,
    /// Runs from new random numbers on the images that hold out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<usize>,
    /// mim: decay of the gathered gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// deepfool: how far beyond the boundary, as a share of the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overshoot: Option<f64>,
    /// cw: by how much the wrong logit must lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// cw: Adam's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// cw: values of c tried for each image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_steps: Option<usize>,
    /// cw: the first value of c, the weight of being misclassified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_c: Option<f64>,
    /// square: images that the network is shown for each image attacked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<usize>,
    /// ensemble: λ, the weight of the root mean squared deviation in pixel levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distortion_weight: Option<f64>,
    /// ensemble: how its networks are joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusion>,
    /// ensemble: its networks; empty = the one of `[model]` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<EnsembleModel>,
}

impl Default for MethodSpec {
    fn default() -> Self {
        Self::new(AttackMethod::Fgsm, None)
    }
}

impl MethodSpec {
    /// A method with its defaults.
    pub fn new(method: AttackMethod, epsilon: Option<f64>) -> Self {
        Self {
            method,
            epsilon,
            norm: None,
            steps: None,
            step_size: None,
            restarts: None,
            momentum: None,
            overshoot: None,
            confidence: None,
            learning_rate: None,
            search_steps: None,
            initial_c: None,
            queries: None,
            distortion_weight: None,
            fusion: None,
            models: Vec::new(),
        }
    }

    /// The keys that are written besides `method`.
    pub fn written(&self) -> Vec<&'static str> {
        let keys = [
            ("epsilon", self.epsilon.is_some()),
            ("norm", self.norm.is_some()),
            ("steps", self.steps.is_some()),
            ("step_size", self.step_size.is_some()),
            ("restarts", self.restarts.is_some()),
            ("momentum", self.momentum.is_some()),
            ("overshoot", self.overshoot.is_some()),
            ("confidence", self.confidence.is_some()),
            ("learning_rate", self.learning_rate.is_some()),
            ("search_steps", self.search_steps.is_some()),
            ("initial_c", self.initial_c.is_some()),
            ("queries", self.queries.is_some()),
            ("distortion_weight", self.distortion_weight.is_some()),
            ("fusion", self.fusion.is_some()),
            ("models", !self.models.is_empty()),
        ];
        keys.into_iter().filter(|(_, written)| *written).map(|(key, _)| key).collect()
    }

    /// With every key of the method written, except `epsilon` where there is no bound.
    #[must_use]
    pub fn resolved(&self) -> Self {
        use AttackMethod as M;
        let mut full = self.clone();
        if full.method.needs_epsilon() {
            full.epsilon.get_or_insert(4.0);
        }
        let epsilon = full.epsilon.unwrap_or(0.0);
        let has = |key: &str| full.method.keys().contains(&key);
        if has("norm") {
            full.norm.get_or_insert(Norm::Linf);
        }
        if has("restarts") {
            full.restarts.get_or_insert(1);
        }
        let steps = match full.method {
            M::LeastLikely => 1,
            M::Bim | M::Mim => 10,
            M::Pgd | M::Ensemble => 20,
            M::Deepfool => 50,
            _ => 100,
        };
        let steps = if has("steps") { *full.steps.get_or_insert(steps) } else { 1 };
        // Far enough to cross the ball and come back, as Madry et al. have it; MI-FGSM's authors
        // go just to its edge.
        let step_size = match full.method {
            M::Ensemble => 5.0,
            M::Mim => epsilon / steps as f64,
            _ if steps == 1 => epsilon,
            _ => 2.5 * epsilon / steps as f64,
        };
        if has("step_size") {
            full.step_size.get_or_insert(step_size);
        }
        match full.method {
            M::Mim => {
                full.momentum.get_or_insert(1.0);
            }
            M::Deepfool => {
                full.overshoot.get_or_insert(0.02);
            }
            M::Cw => {
                full.confidence.get_or_insert(0.0);
                full.learning_rate.get_or_insert(0.01);
                full.search_steps.get_or_insert(6);
                full.initial_c.get_or_insert(1.0);
            }
            M::Square => {
                full.queries.get_or_insert(5000);
            }
            M::Ensemble => {
                full.distortion_weight.get_or_insert(0.1);
                full.fusion.get_or_insert(Fusion::Loss);
            }
            _ => {}
        }
        full
    }

    /// How often it takes an image through a network, at most: forward only, and forward and back.
    pub fn passes(&self) -> [usize; 2] {
        use AttackMethod as M;
        let full = self.resolved();
        let (steps, restarts) = (full.steps.unwrap_or(1), full.restarts.unwrap_or(1));
        match full.method {
            M::None => [0, 0],
            M::Fgsm => [0, 1],
            M::Bim | M::Mim => [0, steps],
            M::LeastLikely => [1, steps],
            M::Pgd => [if restarts > 1 { restarts } else { 0 }, steps.saturating_mul(restarts)],
            // Nine rivals, each with its way back.
            M::Deepfool => [0, steps.saturating_mul(9)],
            M::Cw => [0, steps.saturating_mul(full.search_steps.unwrap_or(1))],
            M::ApgdCe | M::ApgdDlr => [1, steps.saturating_add(1).saturating_mul(restarts)],
            M::Square => [full.queries.unwrap_or(1).saturating_mul(restarts).saturating_add(1), 0],
            M::Ensemble => [1, steps.saturating_mul(full.models.len().max(1))],
        }
    }

    /// The norm that bounds it.
    pub fn bounding_norm(&self) -> Norm {
        self.norm.unwrap_or(self.method.own_norm())
    }

    /// The bound, in the unit of `epsilon`; 0 where there is none.
    pub fn bound(&self) -> f64 {
        self.resolved().epsilon.unwrap_or(0.0)
    }

    /// How far a single pixel may move, in pixel levels; 255 where only something else bounds it.
    pub fn pixel_bound(&self) -> f64 {
        let norm = self.bounding_norm();
        self.resolved().epsilon.filter(|_| norm == Norm::Linf).unwrap_or(255.0)
    }
}

/// An entry of `models`: a network of an ensemble, trained on the same classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnsembleModel {
    /// The architecture.
    pub arch: Arch,
    /// As `model.weights`.
    pub weights: String,
    /// As `model.layers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// As `model.mean`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// As `model.std`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
    /// Side of its square input, to which the images are resized; `None` = the weights' own, else
    /// that of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
}

impl Default for EnsembleModel {
    fn default() -> Self {
        Self {
            arch: Arch::Shapesnet,
            weights: String::new(),
            layers: Vec::new(),
            mean: None,
            std: None,
            image_size: None,
        }
    }
}
