//! Fast gradient sign method (Goodfellow, Shlens and Szegedy, arXiv 1412.6572, §4; SCIENCE §2).

use candle_core::Tensor;

use super::epsilon::PixelLevels;
use super::{Attack, Victims, gradient, projection};
use crate::error::Result;
use crate::model::Model;

/// x* = x + ε·sign ∇ₓJ(f(x), y), or towards a target y*: x − ε·sign ∇ₓJ(f(x), y*).
#[derive(Debug, Clone, Copy)]
pub struct Fgsm {
    /// The bound, and the size of the one step.
    pub epsilon: PixelLevels,
}

impl Attack for Fgsm {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let (labels, direction) = match victims.targets {
            None => (victims.labels, 1.0),
            Some(targets) => (targets, -1.0),
        };
        let step = direction * self.epsilon.to_unit();
        let sign = gradient::of_loss(model, victims.images, labels)?.sign()?;
        let moved = (victims.images + (sign * step)?)?;
        projection::linf(&moved, victims.images, self.epsilon)
    }
}
