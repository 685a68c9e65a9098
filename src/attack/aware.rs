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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::measure::Distances;
    use super::*;
    use crate::model::{Arch, ModelConfig, build};

    const TAP: &str = "conv2";

    fn model() -> Model {
        let config = ModelConfig { seed: 5, ..ModelConfig::plain(4, 1, 28) };
        build(Arch::Shapesnet, config, &Device::Cpu).unwrap()
    }

    fn images() -> Tensor {
        let pixels: Vec<f32> = (0..3 * 784).map(|at| (at * 37 % 101) as f32 / 100.0).collect();
        Tensor::from_vec(pixels, (3, 1, 28, 28), &Device::Cpu).unwrap()
    }

    fn sum(losses: &[f32]) -> f32 {
        losses.iter().sum()
    }

    #[test]
    fn it_comes_nearer_within_its_bound_and_the_same_in_any_batch() {
        let (model, images) = (model(), images());
        let features = model.features(&images, &[TAP]).unwrap().remove(0);
        // The features of the images themselves, turned round, are as good as any.
        let mean: Vec<f32> =
            features.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().rev().collect();
        let mean = &mean[..mean.len() / 3];
        let means = vec![Some(mean), None, Some(mean), Some(mean)];
        let of = |steps, weight| Aware {
            epsilon: PixelLevels(8.0),
            steps,
            step_size: PixelLevels(1.0),
            weight,
            tap: TAP,
            means: means.clone(),
            seed: 6,
        };
        let labels = Tensor::new(&[0_u32, 1, 2], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[3_u32, 2, 0], &Device::Cpu).unwrap();
        let victims = Victims {
            images: &images,
            labels: &labels,
            indices: &[4, 0, 9],
            targets: Some(&targets),
        };
        let attack = of(20, 5.0);
        let loss = |images: &Tensor| sum(&attack.descent(&model, images, &targets).unwrap().losses);
        let start = of(0, 5.0).perturb(&model, &victims).unwrap();
        let found = attack.perturb(&model, &victims).unwrap();
        assert!(loss(&found) < loss(&start), "{} {}", loss(&found), loss(&start));
        assert!(Distances::of(&found, &images).unwrap().linf_max <= 8.001);
        // With weight the features come nearer than without it.
        let apart = |images: &Tensor| {
            let with = sum(&of(1, 1.0).descent(&model, images, &targets).unwrap().losses);
            with - sum(&of(1, 0.0).descent(&model, images, &targets).unwrap().losses)
        };
        let unaware = of(20, 0.0).perturb(&model, &victims).unwrap();
        assert!(apart(&found) < apart(&unaware), "{} {}", apart(&found), apart(&unaware));

        let one = Victims {
            images: &images.narrow(0, 1, 1).unwrap(),
            labels: &labels.narrow(0, 1, 1).unwrap(),
            indices: &[0],
            targets: Some(&targets.narrow(0, 1, 1).unwrap()),
        };
        let alone = of(1, 5.0).perturb(&model, &one).unwrap().flatten_all().unwrap();
        let among = of(1, 5.0).perturb(&model, &victims).unwrap();
        let among = among.narrow(0, 1, 1).unwrap().flatten_all().unwrap();
        let [alone, among] = [alone, among].map(|image| image.to_vec1::<f32>().unwrap());
        // A gradient next to 0 may have either sign after a rounding.
        let same = alone.iter().zip(&among).filter(|(a, b)| (*a - *b).abs() < 1e-6).count();
        assert!(same >= 780, "{same} of 784 pixels are the same");
    }

    #[test]
    fn without_a_mean_only_the_class_counts() {
        let (model, images) = (model(), images());
        let attack = Aware {
            epsilon: PixelLevels(8.0),
            steps: 1,
            step_size: PixelLevels(1.0),
            weight: 7.0,
            tap: TAP,
            means: Vec::new(),
            seed: 6,
        };
        let targets = Tensor::new(&[3_u32, 2, 0], &Device::Cpu).unwrap();
        let known = attack.descent(&model, &images, &targets).unwrap();
        let logits = model.forward(&images, Mode::Evaluate, &[]).unwrap().logits;
        let plain = crate::ops::cross_entropy_per_image(&logits, &targets, 0.0).unwrap();
        for (found, expected) in known.losses.iter().zip(plain.to_vec1::<f32>().unwrap()) {
            assert!((found - expected).abs() < 1e-5);
        }
        let short = [1.0_f32; 3];
        let wrong = Aware { means: vec![Some(&short[..]); 4], ..attack };
        assert!(wrong.descent(&model, &images, &targets).is_err());
    }
}
