//! An attack that knows the detector by distances of features and works against it too (SCIENCE §7),
//! after the idea of Carlini and Wagner, "Adversarial Examples Are Not Easily Detected" (2017, arXiv
//! 1705.07263, §3.2): what a detector keeps out is only known once it has been attacked itself.

use candle_core::Tensor;

use super::objective::cross_entropy;
use super::random::{Spread, start};
use super::{Aim, Attack, Ball, PixelLevels, Victims};
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};

/// Projected gradient descent from a random start in the L∞ ball towards a class t, on
///
/// CE(f(x'), t) + w · ‖φ(x') − μ_t‖² / ‖μ_t‖²
///
/// which is to become small: the network shall say t, and the features shall be those that real images
/// of t have. The divisor makes w mean the same in every network. Every victim needs a target; where
/// μ_t is not known, or is 0, the second term is left out.
#[derive(Debug, Clone)]
pub struct Aware<'a> {
    /// The bound.
    pub epsilon: PixelLevels,
    /// How many steps.
    pub steps: usize,
    /// Size of a step.
    pub step_size: PixelLevels,
    /// w.
    pub weight: f64,
    /// The layer whose feature map, flattened, is φ.
    pub tap: &'a str,
    /// μ of each class in that layer, `[features]`.
    pub means: Vec<Option<&'a [f32]>>,
    /// The run's.
    pub seed: u64,
}

/// What the attack follows.
#[derive(Debug)]
pub struct Descent {
    /// The loss of each image.
    pub losses: Vec<f32>,
    /// Its gradient with respect to the pixels, `[batch, channels, height, width]`.
    pub gradient: Tensor,
}

/// The targets' means as tensors.
struct Towards {
    classes: Aim,
    /// `[batch, features]`.
    means: Tensor,
    /// w / ‖μ_t‖², or 0: `[batch, 1]`.
    scales: Tensor,
}

impl Aware<'_> {
    /// The loss and its gradient at `images`, of victims with these `targets`, one an image.
    pub fn descent(&self, model: &Model, images: &Tensor, targets: &Tensor) -> Result<Descent> {
        let classes = Aim { classes: targets.to_vec1()?, targeted: true };
        self.look(model, images, &self.towards(model, images, classes)?)
    }

    fn towards(&self, model: &Model, images: &Tensor, classes: Aim) -> Result<Towards> {
        let shape = model
            .taps()
            .iter()
            .find(|tap| tap.name == self.tap || tap.alias.as_deref() == Some(self.tap))
            .map(|tap| tap.shape)
            .ok_or_else(|| Error::failed("the attack looks at a layer that is not there"))?;
        let features: usize = shape.iter().product();
        let batch = classes.classes.len();
        let mut means = vec![0.0_f32; batch * features];
        let mut scales = vec![0.0_f32; batch];
        for (image, class) in classes.classes.iter().enumerate() {
            let Some(mean) = self.means.get(*class as usize).copied().flatten() else { continue };
            if mean.len() != features {
                return Err(Error::failed(format!(
                    "a class mean of {} numbers for {features} features",
                    mean.len()
                )));
            }
            let square: f64 = mean.iter().map(|&value| f64::from(value).powi(2)).sum();
            if square > 0.0 {
                means[image * features..][..features].copy_from_slice(mean);
                scales[image] = (self.weight / square) as f32;
            }
        }
        let device = images.device();
        Ok(Towards {
            classes,
            means: Tensor::from_vec(means, (batch, features), device)?,
            scales: Tensor::from_vec(scales, (batch, 1), device)?,
        })
    }

    fn look(&self, model: &Model, images: &Tensor, towards: &Towards) -> Result<Descent> {
        let pass = model.record(images, Mode::Evaluate, &[self.tap], Wanted::INPUT)?;
        let logits = pass.logits.to_vec2::<f32>()?;
        let mut by_logits = vec![0.0; logits.iter().map(Vec::len).sum()];
        let mut losses = Vec::with_capacity(logits.len());
        let mut rest = by_logits.as_mut_slice();
        for (image, row) in logits.iter().enumerate() {
            let (gradient, after) = rest.split_at_mut(row.len());
            losses.push(cross_entropy(row, towards.classes.class(image, row)?, gradient));
            rest = after;
        }
        let by_logits = Tensor::from_vec(by_logits, pass.logits.dims(), images.device())?;
        let features = pass.taps[0].flatten_from(1)?;
        let apart = (features.detach() - &towards.means)?;
        let terms = (apart.sqr()?.sum_keepdim(1)? * &towards.scales)?.flatten_all()?;
        for (loss, term) in losses.iter_mut().zip(terms.to_vec1::<f32>()?) {
            *loss += term;
        }
        let by_features = (apart.broadcast_mul(&towards.scales)? * 2.0)?;
        // A sum whose gradients with respect to logits and features are just those.
        let sum =
            ((&pass.logits * by_logits)?.sum_all()? + (&features * by_features)?.sum_all()?)?;
        let gradient = pass.backward(&sum)?.input;
        let missing = || Error::failed("the network has no gradient with respect to its input");
        Ok(Descent { losses, gradient: gradient.ok_or_else(missing)? })
    }
}

impl Attack for Aware<'_> {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::of(victims)?;
        if !aim.targeted {
            return Err(Error::bad_input("an attack on the detector needs classes to aim at"));
        }
        let origin = victims.images;
        let towards = self.towards(model, origin, aim)?;
        let ball = Ball::linf(self.epsilon.0);
        let mut images = start(origin, victims.indices, ball, Spread::Inside, self.seed, 0)?;
        let size = -self.step_size.to_unit();
        for _ in 0..self.steps {
            let gradient = self.look(model, &images, &towards)?.gradient;
            images = ball.step(&images, &gradient, size, origin)?;
        }
        Ok(images)
    }
}
