//! Fast gradient sign method (Goodfellow, Shlens and Szegedy, arXiv 1412.6572, §4; SCIENCE §2), and
//! its form in L2 (Miyato et al., arXiv 1605.07725): one step along the gradient itself.

use candle_core::Tensor;

use super::bim::climb;
use super::{Aim, Attack, Ball, Victims};
use crate::error::Result;
use crate::model::Model;

/// x* = x + ε·sign ∇ₓJ(f(x), y), or towards a target y*: x − ε·sign ∇ₓJ(f(x), y*). In L2 the
/// gradient over its norm stands for its sign.
#[derive(Debug, Clone, Copy)]
pub struct Fgsm {
    /// The bound, and the size of the one step.
    pub ball: Ball,
}

impl Attack for Fgsm {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let size = self.ball.epsilon.to_unit();
        climb(model, victims.images, victims.images, &Aim::of(victims)?, self.ball, 1, size)
    }
}
