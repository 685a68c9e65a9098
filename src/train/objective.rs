//! What adversarial training makes small (SCIENCE §6):
//!
//! L(θ) = α·CE(f(x), y) + (1 − α)·CE(f(x*), y) + β·d(φ(x), φ(x*))
//!
//! with x* given, φ the feature maps of the consistency layers and d their mean squared difference
//! over the mean square of φ(x), the divisor without gradient. β = 0 is plain adversarial training:
//! no feature map is then read.

use candle_core::{D, Tensor};

use super::trainer::auxiliary_weighted;
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Pass, Wanted};
use crate::ops::cross_entropy::cross_entropy;

/// The objective's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// α: weight of the clean images' loss, 0..1; the adversarial ones' is the rest.
    pub clean_weight: f64,
    /// `None` = β is 0.
    pub consistency: Option<Consistency>,
    /// What batch normalisation goes by.
    pub statistics: BatchStatistics,
}

/// The third term.
#[derive(Debug, Clone, PartialEq)]
pub struct Consistency {
    /// β, above 0.
    pub weight: f64,
    /// Layer taps; of several, d is the mean, so that β means the same for one and for many.
    pub layers: Vec<String>,
    /// Which features it moves.
    pub gradient: ConsistencyGradient,
}

/// Which side of d carries gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsistencyGradient {
    /// Clean and adversarial features meet.
    Both,
    /// The adversarial features go to where the clean ones are.
    Adversarial,
}

/// What batch normalisation goes by while the weights learn. (The attack always meets the network
/// as it is used: with its running statistics.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStatistics {
    /// Clean and adversarial images are one batch, in one pass.
    Shared,
    /// Each half is a batch of its own, in two passes; both move the running statistics, the
    /// adversarial one last.
    Separate,
    /// The running statistics, which stay as they are, in one pass.
    Frozen,
}

/// The terms of a step's loss, before the update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// CE(f(x), y), mean over the batch.
    pub clean: f64,
    /// CE(f(x*), y), mean over the batch.
    pub adversarial: f64,
    /// d(φ(x), φ(x*)), without its weight; `None` where β is 0.
    pub consistency: Option<f64>,
    /// L.
    pub total: f64,
}

/// What the objective gives for one batch.
pub(super) struct Outcome {
    pub(super) terms: Terms,
    /// By place in `Parameters::trainable`.
    pub(super) gradients: Vec<Option<Tensor>>,
    /// Images that were right.
    pub(super) clean_correct: usize,
    /// The same of the adversarial ones.
    pub(super) adversarial_correct: usize,
}

/// One half of what the network says.
struct Side {
    logits: Tensor,
    auxiliary: Option<Tensor>,
    taps: Vec<Tensor>,
}

/// Both halves, as they were computed.
enum Passes<'m> {
    Together(Pass<'m>),
    Apart(Pass<'m>, Pass<'m>),
}

impl Objective {
    /// Loss and gradients for `images` and their adversarial versions, both `[batch, channels,
    /// height, width]` in 0..1, and `labels` `[batch]` u32. A loss that is no number comes back as
    /// an error that names `diverged`.
    pub(super) fn evaluate(
        &self,
        model: &Model,
        [images, adversarial]: [&Tensor; 2],
        labels: &Tensor,
        smoothing: f64,
        step: u64,
    ) -> Result<Outcome> {
        let passes = self.record(model, [images, adversarial], step)?;
        let [clean, attacked] = passes.sides()?;
        let loss_of = |logits: &Tensor| cross_entropy(logits, labels, smoothing);
        let losses = [loss_of(&clean.logits)?, loss_of(&attacked.logits)?];
        let mut total = self.mixed(&losses)?;
        if let (Some(clean), Some(attacked)) = (&clean.auxiliary, &attacked.auxiliary) {
            let second = self.mixed(&[loss_of(clean)?, loss_of(attacked)?])?;
            total = auxiliary_weighted(total, second)?;
        }
        let mut distance = None;
        if let Some(consistency) = &self.consistency {
            let of_layers = consistency.distance(&clean.taps, &attacked.taps)?;
            total = (total + (&of_layers * consistency.weight)?)?;
            distance = Some(of_layers);
        }
        let number = |tensor: &Tensor| Ok::<_, Error>(f64::from(tensor.to_scalar::<f32>()?));
        let terms = Terms {
            clean: number(&losses[0])?,
            adversarial: number(&losses[1])?,
            consistency: distance.as_ref().map(number).transpose()?,
            total: number(&total)?,
        };
        let correct = |side: &Side| -> Result<usize> {
            let hits = side.logits.detach().argmax(D::Minus1)?.eq(labels)?.to_vec1::<u8>()?;
            Ok(hits.into_iter().map(usize::from).sum())
        };
        let (clean_correct, adversarial_correct) = (correct(&clean)?, correct(&attacked)?);
        let gradients =
            if terms.total.is_finite() { passes.gradients(&total)? } else { Vec::new() };
        Ok(Outcome { terms, gradients, clean_correct, adversarial_correct })
    }

    fn record<'m>(
        &self,
        model: &'m Model,
        [images, adversarial]: [&Tensor; 2],
        step: u64,
    ) -> Result<Passes<'m>> {
        let layers: Vec<&str> = match &self.consistency {
            Some(consistency) => consistency.layers.iter().map(String::as_str).collect(),
            None => Vec::new(),
        };
        let pass = |images: &Tensor, mode| model.record(images, mode, &layers, Wanted::PARAMETERS);
        let both = || Tensor::cat(&[images, adversarial], 0);
        Ok(match self.statistics {
            BatchStatistics::Shared => Passes::Together(pass(&both()?, Mode::Train { step })?),
            BatchStatistics::Frozen => Passes::Together(pass(&both()?, Mode::Frozen { step })?),
            BatchStatistics::Separate => {
                let clean = pass(images, Mode::Train { step })?;
                Passes::Apart(clean, pass(adversarial, Mode::Train { step })?)
            }
        })
    }

    /// α·first + (1 − α)·second.
    fn mixed(&self, [clean, adversarial]: &[Tensor; 2]) -> Result<Tensor> {
        Ok(((clean * self.clean_weight)? + (adversarial * (1.0 - self.clean_weight))?)?)
    }
}

impl Consistency {
    /// The mean of d over the layers, a scalar.
    fn distance(&self, clean: &[Tensor], adversarial: &[Tensor]) -> Result<Tensor> {
        let mut distances = Vec::with_capacity(clean.len());
        for (clean, adversarial) in clean.iter().zip(adversarial) {
            let still = clean.detach();
            let from = match self.gradient {
                ConsistencyGradient::Both => clean,
                ConsistencyGradient::Adversarial => &still,
            };
            // Layers that are dead have no distance, rather than 0/0.
            let scale = f64::from(mean_square(&still)?.to_scalar::<f32>()?);
            let scale = scale.max(f64::from(f32::MIN_POSITIVE));
            let difference = mean_square(&(adversarial - from)?)?;
            distances.push((difference * (1.0 / scale))?);
        }
        Ok(Tensor::stack(&distances, 0)?.mean_all()?)
    }
}

impl Passes<'_> {
    /// Clean, adversarial.
    fn sides(&self) -> Result<[Side; 2]> {
        let whole = |pass: &Pass<'_>| Side {
            logits: pass.logits.clone(),
            auxiliary: pass.auxiliary.clone(),
            taps: pass.taps.clone(),
        };
        let pass = match self {
            Self::Apart(clean, adversarial) => return Ok([whole(clean), whole(adversarial)]),
            Self::Together(pass) => pass,
        };
        let half = |start: bool| -> Result<Side> {
            let cut = |both: &Tensor| {
                let batch = both.dim(0)? / 2;
                both.narrow(0, if start { 0 } else { batch }, batch)
            };
            Ok(Side {
                logits: cut(&pass.logits)?,
                auxiliary: pass.auxiliary.as_ref().map(cut).transpose()?,
                taps: pass.taps.iter().map(cut).collect::<candle_core::Result<_>>()?,
            })
        };
        Ok([half(true)?, half(false)?])
    }

    fn gradients(self, total: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let (clean, adversarial) = match self {
            Self::Together(pass) => return Ok(pass.backward(total)?.parameters),
            Self::Apart(clean, adversarial) => (clean, adversarial),
        };
        let (clean, adversarial) = (clean.backward(total)?, adversarial.backward(total)?);
        let both = clean.parameters.into_iter().zip(adversarial.parameters);
        both.map(|pair| match pair {
            (Some(clean), Some(adversarial)) => Ok(Some((clean + adversarial)?)),
            (one, other) => Ok(one.or(other)),
        })
        .collect()
    }
}

/// Image by image first: a sum of millions in single precision would lose its last digits.
fn mean_square(maps: &Tensor) -> Result<Tensor> {
    Ok(maps.sqr()?.flatten_from(1)?.mean(1)?.mean_all()?)
}
