//! Basic iterative method, or I-FGSM (Kurakin, Goodfellow and Bengio, arXiv 1607.02533, §2.2;
//! SCIENCE §2).

use candle_core::Tensor;

use super::objective::look;
use super::{Aim, Attack, Ball, PixelLevels, Victims};
use crate::error::Result;
use crate::model::Model;

/// x₀ = x, xₖ₊₁ = the projection of xₖ + α·sign ∇J(f(xₖ), y); towards a target with −α.
#[derive(Debug, Clone, Copy)]
pub struct Bim {
    /// The bound.
    pub epsilon: PixelLevels,
    /// How many steps.
    pub steps: usize,
    /// α.
    pub step_size: PixelLevels,
}

impl Attack for Bim {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let ball = Ball::linf(self.epsilon.0);
        let (aim, size) = (Aim::of(victims)?, self.step_size.to_unit());
        climb(model, victims.images, victims.images, &aim, ball, self.steps, size)
    }
}

/// Steps along the gradient of the cross-entropy, each followed by the projection onto the ball
/// round `origin`. `size` in pixels of 0..1.
pub(super) fn climb(
    model: &Model,
    start: &Tensor,
    origin: &Tensor,
    aim: &Aim,
    ball: Ball,
    steps: usize,
    size: f64,
) -> Result<Tensor> {
    let mut images = start.clone();
    for _ in 0..steps {
        let seen = look(model, &images, |image, row, grad| aim.cross_entropy(image, row, grad))?;
        images = ball.step(&images, &seen.gradient, size, origin)?;
    }
    Ok(images)
}
