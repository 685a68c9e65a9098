//! The least-likely class methods, in one step and iterative (Kurakin, Goodfellow and Bengio, arXiv
//! 1607.02533, §2.3, and 1611.01236, §3; SCIENCE §2).

use candle_core::Tensor;

use super::bim::climb;
use super::{Aim, Attack, Ball, PixelLevels, Target, Victims};
use crate::error::Result;
use crate::model::Model;

/// Steps towards y* = argmin f(x) of the clean image, whatever its label.
#[derive(Debug, Clone, Copy)]
pub struct LeastLikely {
    /// The bound.
    pub epsilon: PixelLevels,
    /// 1 is the single-step method.
    pub steps: usize,
    /// Size of a step.
    pub step_size: PixelLevels,
}

impl Attack for LeastLikely {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let Victims { images, labels, indices, .. } = *victims;
        let least = Target::LeastLikely.choose(model, images, labels, indices)?;
        let aim = Aim::of(&Victims { targets: Some(&least), ..*victims })?;
        let (ball, size) = (Ball::linf(self.epsilon.0), self.step_size.to_unit());
        climb(model, images, images, &aim, ball, self.steps, size)
    }
}
