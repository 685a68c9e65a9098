//! `[train.adversarial]` (SCIENCE §6): what the network is trained against, and what is made small.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttackMethod, MethodSpec, Norm, Target, TargetName};

/// `[train.adversarial]`: present = adversarial training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdversarialSpec {
    /// The attack that makes x*. Its bound stands in `epsilon` here, since that may be drawn.
    #[serde(flatten)]
    pub how: MethodSpec,
    /// The bound, in pixel levels of 255.
    pub epsilon: Epsilon,
    /// Where the attack aims; `None` = least-likely for fgsm, none for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// α: weight of the clean images' loss, 0..1.
    pub clean_weight: f64,
    /// β: weight of the features' distance; 0 = plain adversarial training.
    pub consistency_weight: f64,
    /// Where it is taken; `None` = the network's last layer tap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency_layer: Option<Layers>,
    /// Which side of it carries gradient.
    pub consistency_gradient: ConsistencyGradient,
    /// What batch normalisation goes by while the weights learn.
    pub batch_statistics: BatchStatistics,
    /// What happens when FGSM accuracy stays and PGD accuracy collapses.
    pub on_overfitting: OnOverfitting,
}

impl Default for AdversarialSpec {
    fn default() -> Self {
        Self {
            how: MethodSpec::new(AttackMethod::Fgsm, None),
            epsilon: Epsilon::Drawn("normal 4 cut 8".into()),
            target: None,
            clean_weight: 0.5,
            consistency_weight: 0.1,
            consistency_layer: None,
            consistency_gradient: ConsistencyGradient::Both,
            batch_statistics: BatchStatistics::Shared,
            on_overfitting: OnOverfitting::Warn,
        }
    }
}

impl AdversarialSpec {
    /// Where the attack aims.
    pub fn target(&self) -> Target {
        self.target.unwrap_or(Target::Named(match self.how.method {
            AttackMethod::Fgsm => TargetName::LeastLikely,
            _ => TargetName::None,
        }))
    }

    /// The attack with every key of its method, its bound the largest that is drawn.
    pub fn method(&self) -> MethodSpec {
        MethodSpec { epsilon: Some(self.epsilon.largest()), ..self.how.clone() }.resolved()
    }

    /// How often it takes an image through the network to attack it: forward only, and forward and
    /// back.
    pub fn passes(&self) -> [usize; 2] {
        let [forward, gradient] = self.method().passes();
        // Whoever aims at the least likely class asks first which that is; the method of that name
        // has counted it.
        let asks = self.target() == Target::Named(TargetName::LeastLikely)
            && self.how.method != AttackMethod::LeastLikely;
        [forward.saturating_add(usize::from(asks)), gradient]
    }

    /// With every key written whose default other keys decide, except the layer, which the network
    /// decides.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let mut full = self.clone();
        full.how = MethodSpec { epsilon: None, ..self.method() };
        full.target = Some(self.target());
        full
    }

    /// Whether the attack can be given another bound for every image: steps along the sign of the
    /// gradient, within the largest change of a pixel.
    pub fn can_draw(&self) -> bool {
        use AttackMethod::{Bim, Fgsm, LeastLikely, Mim, Pgd};
        matches!(self.how.method, Fgsm | Bim | LeastLikely | Mim | Pgd)
            && self.how.norm != Some(Norm::L2)
            && self.how.restarts.is_none_or(|restarts| restarts == 1)
    }
}

/// A bound, or how one is drawn for every image. In TOML `8`, `[2, 8]` or `"normal 4 cut 8"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Epsilon {
    /// The same for all images.
    Fixed(f64),
    /// Uniform between the two.
    Between([f64; 2]),
    /// `normal 4 cut 8`: |N(0, 4)|, those above 8 drawn again.
    Drawn(String),
}

/// What an [`Epsilon`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Draw {
    /// The same for all images.
    Fixed(f64),
    /// Uniform.
    Uniform {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// |N(0, deviation)|, at most `cut`.
    Normal {
        /// Standard deviation.
        deviation: f64,
        /// Largest.
        cut: f64,
    },
}

impl Epsilon {
    /// How it is drawn, or what was expected.
    pub fn draw(&self) -> Result<Draw, String> {
        let levels = |value: f64| (0.0..=255.0).contains(&value);
        match self {
            Self::Fixed(epsilon) if levels(*epsilon) => Ok(Draw::Fixed(*epsilon)),
            Self::Between([min, max]) if levels(*min) && levels(*max) && min <= max => {
                Ok(Draw::Uniform { min: *min, max: *max })
            }
            Self::Drawn(text) => {
                let words: Vec<&str> = text.split_whitespace().collect();
                if let ["normal", deviation, "cut", cut] = words[..]
                    && let (Ok(deviation), Ok(cut)) = (deviation.parse(), cut.parse())
                    && levels(deviation)
                    && levels(cut)
                    && deviation > 0.0
                    && cut > 0.0
                    // Nearly all would be drawn again, for ever.
                    && cut >= deviation / 100.0
                {
                    return Ok(Draw::Normal { deviation, cut });
                }
                Err(EXPECTED.into())
            }
            _ => Err(EXPECTED.into()),
        }
    }

    /// No image gets more; 0 where it says nothing that can be drawn.
    pub fn largest(&self) -> f64 {
        match self.draw() {
            Ok(Draw::Fixed(epsilon)) => epsilon,
            Ok(Draw::Uniform { max, .. }) => max,
            Ok(Draw::Normal { cut, .. }) => cut,
            Err(_) => 0.0,
        }
    }
}

/// What an epsilon may be, as the end of a sentence.
pub(super) const EXPECTED: &str =
    "a number of pixel levels 0 to 255, [min, max], or \"normal 4 cut 8\": |N(0, 4)| up to 8";

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(epsilon) => write!(f, "{epsilon}"),
            Self::Between([min, max]) => write!(f, "{min} to {max}"),
            Self::Drawn(text) => f.write_str(text),
        }
    }
}

/// One layer tap or several, by torchvision's name or the papers' alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Layers {
    /// `"conv5"`
    One(String),
    /// `["conv4", "conv5"]`
    Many(Vec<String>),
}

impl Layers {
    /// Their names.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }

    /// `names`, in the shorter form where there is one.
    pub fn of(mut names: Vec<String>) -> Self {
        match names.pop() {
            Some(name) if names.is_empty() => Self::One(name),
            last => {
                names.extend(last);
                Self::Many(names)
            }
        }
    }
}

/// Which side of the features' distance carries gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsistencyGradient {
    /// Clean and adversarial features meet.
    Both,
    /// The adversarial features go to where the clean ones are.
    Adversarial,
}

/// What batch normalisation goes by while the weights learn. The attack meets running statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchStatistics {
    /// Clean and adversarial images are one batch.
    Shared,
    /// Each half is a batch of its own, in two passes.
    Separate,
    /// Running statistics, which stay as they are.
    Frozen,
}

/// What happens on catastrophic overfitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnOverfitting {
    /// The log says so, once.
    Warn,
    /// The run fails and says why.
    Stop,
    /// Training ends, and the last good weights are the best ones.
    Restore,
}

/// Which accuracy decides which weights are the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Best {
    /// Clean, on the test split.
    Top1,
    /// The lowest of the probe set under attack.
    AdversarialTop1,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(value: &str) -> Result<Draw, String> {
        let section: AdversarialSpec = toml::from_str(&format!("epsilon = {value}")).unwrap();
        section.epsilon.draw()
    }

    #[test]
    fn an_epsilon_is_a_number_an_interval_or_the_papers_draw() {
        assert_eq!(draw("4"), Ok(Draw::Fixed(4.0)));
        assert_eq!(draw("[2, 8.5]"), Ok(Draw::Uniform { min: 2.0, max: 8.5 }));
        let papers = Draw::Normal { deviation: 4.0, cut: 8.0 };
        assert_eq!(draw("'normal 4 cut 8'"), Ok(papers));
        assert_eq!(AdversarialSpec::default().epsilon.draw(), Ok(papers));
        for wrong in ["256", "-1", "[8, 2]", "'normal 4'", "'normal x cut 8'", "'normal 0 cut 8'"] {
            assert!(draw(wrong).unwrap_err().contains("normal 4 cut 8"), "{wrong}");
        }
    }

    #[test]
    fn the_bound_is_the_largest_that_is_drawn() {
        let largest = |epsilon: Epsilon| {
            AdversarialSpec { epsilon, ..AdversarialSpec::default() }.method().epsilon
        };
        assert_eq!(largest(Epsilon::Fixed(4.0)), Some(4.0));
        assert_eq!(largest(Epsilon::Between([1.0, 6.0])), Some(6.0));
        assert_eq!(largest(Epsilon::Drawn("normal 4 cut 8".into())), Some(8.0));
    }

    #[test]
    fn layers_are_one_or_many() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(Layers::of(names(&["conv5"])), Layers::One("conv5".into()));
        let both = Layers::of(names(&["conv4", "conv5"]));
        assert_eq!(both.names(), ["conv4", "conv5"]);
    }
}
