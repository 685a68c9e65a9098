//! `results/attack.json` (SCIENCE §2): measured on the written 8-bit images.

use serde::{Deserialize, Serialize};

use super::warning::Warning;

/// What the attack stage made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attack {
    /// `fgsm`.
    pub method: String,
    /// The bound asked for, in pixel levels of 255; 0 where the method has none.
    pub epsilon: f64,
    /// Which norm epsilon bounds; empty in folders of older versions, which knew `linf` alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub norm: String,
    /// Images written.
    pub images: u64,
    /// Images of the test split that could not be read and are not attacked.
    #[serde(default)]
    pub damaged: u64,
    /// Whether it aimed at a class.
    pub targeted: bool,
    /// Targeted: share that reached the target, of the images that were not taken for it before.
    /// Untargeted: share that is now wrong, of the images that were right. Over several networks the
    /// mean of theirs.
    pub success_rate: f64,
    /// Largest change of a pixel, in pixel levels of 255.
    pub linf_max: f64,
    /// Mean over images of the largest change of a pixel, in pixel levels of 255; 0 in folders of
    /// older versions.
    #[serde(default)]
    pub linf_mean: f64,
    /// Largest L2 norm of a change in the unit of an l2 epsilon: the norm of 0..1 pixels times 255;
    /// 0 in folders of older versions.
    #[serde(default)]
    pub l2_max: f64,
    /// Mean over images of the L2 norm of the change, pixels in 0..1.
    pub l2_mean: f64,
    /// Mean over images of the root mean squared deviation, in pixel levels of 255.
    pub rmsd_mean: f64,
    /// The networks it was tried on: those that it was made on, and after an ensemble's members this
    /// run's own, if it has one.
    pub models: Vec<ModelRow>,
    /// What makes the accuracies doubtful.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// One entry an image, in the order of the test split; several where each original has several
    /// targets.
    pub pairs: Vec<Pair>,
}

impl Attack {
    /// `fgsm ε 4`, `pgd ε 300 l2`, and `cw` where there is no bound.
    pub fn name(&self) -> String {
        if self.epsilon == 0.0 {
            return self.method.clone();
        }
        let norm = if self.is_l2() { " l2" } else { "" };
        format!("{} ε {}{norm}", self.method, self.epsilon)
    }

    /// The largest perturbation in words, in the norm that bounds it.
    pub fn largest_change(&self) -> String {
        if self.is_l2() {
            format!("{:.2}/255 in L2", self.l2_max)
        } else {
            format!("{:.2}/255", self.linf_max)
        }
    }

    fn is_l2(&self) -> bool {
        self.norm == "l2"
    }
}

/// How one network fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// The architecture.
    pub arch: String,
    /// Where its weights are from; none = this run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Whether the images were made on this network: otherwise it sees a transfer attack.
    #[serde(default = "yes")]
    pub white_box: bool,
    /// On the originals.
    pub top1_clean: f64,
    /// Its 95 % confidence interval; absent in folders of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top1_clean_interval: Option<[f64; 2]>,
    /// On the written adversarial images.
    pub top1_adversarial: f64,
    /// Its 95 % confidence interval. Several images of one original are counted as one each, though
    /// they are alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top1_adversarial_interval: Option<[f64; 2]>,
    /// Share that is now wrong, of the images that were right: SCIENCE §2's untargeted error.
    #[serde(default)]
    pub error_rate: f64,
    /// Share that the network takes for the target; `None` when untargeted.
    pub target_rate: Option<f64>,
}

fn yes() -> bool {
    true
}

/// One original and its adversarial image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Index in the test split.
    pub index: u64,
    /// The original's relative name.
    pub image: String,
    /// The adversarial image, relative to the run folder: under `adversarial/` the original's name
    /// with the ending `.png`; `.t7.png` where an original has several targets, of which this is
    /// class 7.
    pub picture: String,
    /// True class.
    pub label: u32,
    /// What the attack aimed at.
    pub target: Option<u32>,
    /// The answer to the original of the first network of `models`.
    pub prediction_clean: u32,
    /// Its answer to the written adversarial image.
    pub prediction_adversarial: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_older_versions_are_read() {
        let text = r#"{"method":"fgsm","epsilon":4.0,"images":1,"targeted":false,
            "success_rate":1.0,"linf_max":4.0,"l2_mean":1.0,"rmsd_mean":3.9,"models":[{
            "arch":"alexnet","top1_clean":1.0,"top1_adversarial":0.0,"target_rate":null}],
            "pairs":[]}"#;
        let attack: Attack = serde_json::from_str(text).unwrap();
        assert!(attack.models[0].white_box && attack.warnings.is_empty());
    }
}
