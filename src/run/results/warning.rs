//! What makes a robust accuracy doubtful, in words (`warnings` in the results).

use serde::{Deserialize, Serialize};

/// A sign that an accuracy under attack says more about the attack than about the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Which sign.
    pub kind: WarningKind,
    /// What was seen, with its numbers.
    pub message: String,
    /// What to do to find out.
    #[serde(rename = "try")]
    pub remedy: String,
}

/// The signs, after Carlini et al., "On evaluating adversarial robustness" (arXiv 1902.06705), and
/// Athalye, Carlini and Wagner (arXiv 1802.00420).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// One step finds more than many steps with the same bound.
    FgsmBeatsPgd,
    /// Images made on another network fool this one more often than its own.
    TransferBeatsWhiteBox,
    /// A wider bound leaves more images right.
    AccuracyRisesWithEpsilon,
    /// The loss does not move with the pixels.
    VanishingGradients,
    /// The network answers the same images differently.
    RandomModel,
    /// Twice the steps find more.
    TooFewSteps,
}

impl Warning {
    /// `pgd ε 4: FGSM …; try: …`
    pub fn sentence(&self) -> String {
        format!("{}; try: {}", self.message, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_find_kind_message_and_try() {
        let warning = Warning {
            kind: WarningKind::FgsmBeatsPgd,
            message: "one step beats many".into(),
            remedy: "more steps".into(),
        };
        let json = serde_json::to_value(&warning).unwrap();
        let expected = serde_json::json!({
            "kind": "fgsm-beats-pgd", "message": "one step beats many", "try": "more steps"
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Warning>(json).unwrap(), warning);
        assert_eq!(warning.sentence(), "one step beats many; try: more steps");
    }
}
