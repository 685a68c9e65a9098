//! Momentum iterative FGSM (Dong et al., "Boosting Adversarial Attacks with Momentum", arXiv
//! 1710.06081, algorithm 1; SCIENCE §2).

use candle_core::Tensor;

use super::objective::look;
use super::{Aim, Attack, Ball, PixelLevels, Victims};
use crate::error::Result;
use crate::model::Model;

/// Keeps an image without any gradient from dividing by 0.
const TINY: f64 = 1e-30;

/// g ← μ·g + ∇J/‖∇J‖₁, and a step along the sign of g.
#[derive(Debug, Clone, Copy)]
pub struct Mim {
    /// The bound.
    pub epsilon: PixelLevels,
    /// How many steps.
    pub steps: usize,
    /// Size of a step.
    pub step_size: PixelLevels,
    /// μ.
    pub momentum: f64,
}

impl Attack for Mim {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::of(victims)?;
        let (ball, size) = (Ball::linf(self.epsilon.0), self.step_size.to_unit());
        let mut images = victims.images.clone();
        let mut gathered: Option<Tensor> = None;
        for _ in 0..self.steps {
            let gradient =
                look(model, &images, |image, row, grad| aim.cross_entropy(image, row, grad))?
                    .gradient;
            // The mean for the sum: a factor that all steps share changes no sign.
            let scale = (gradient.abs()?.mean_keepdim((1, 2, 3))? + TINY)?;
            let new = gradient.broadcast_div(&scale)?;
            let new = match gathered {
                Some(gathered) => ((gathered * self.momentum)? + new)?,
                None => new,
            };
            images = ball.step(&images, &new, size, victims.images)?;
            gathered = Some(new);
        }
        Ok(images)
    }
}
