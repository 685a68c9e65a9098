//! Steps along the sign of the gradient, each image within a bound of its own: FGSM, BIM, PGD and
//! MI-FGSM (SCIENCE §2) for adversarial training, which draws an epsilon for every image.

use candle_core::{Device, Tensor};
use rand::RngExt;
use rayon::prelude::*;

use super::aim::column;
use super::objective::look;
use super::random::stream;
use super::{Aim, Victims};
use crate::error::Result;
use crate::model::Model;

/// Keeps an image without any gradient from dividing by 0.
const TINY: f64 = 1e-30;

/// The numbers of the attack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignSteps {
    /// How many.
    pub count: usize,
    /// Length of one, as a share of the image's epsilon.
    pub size: f64,
    /// Start anywhere in the ball rather than at the image.
    pub random_start: bool,
    /// Decay of the gathered gradient (MI-FGSM); `None` = each step follows its own.
    pub momentum: Option<f64>,
}

impl SignSteps {
    /// Adversarial images within `bounds`, one epsilon an image in pixel levels of 255. Where they
    /// start at random, `seed` and the images' indices decide where.
    pub fn perturb(
        &self,
        model: &Model,
        victims: &Victims<'_>,
        bounds: &[f64],
        seed: u64,
    ) -> Result<Tensor> {
        let (images, aim) = (victims.images, Aim::of(victims)?);
        let bounds = bounds.iter().map(|bound| (bound / 255.0) as f32).collect();
        let epsilon = column(bounds, images.device())?;
        let lowest = images.broadcast_sub(&epsilon)?.clamp(0.0, 1.0)?;
        let highest = images.broadcast_add(&epsilon)?.clamp(0.0, 1.0)?;
        let step = (&epsilon * self.size)?;
        let mut moved = images.clone();
        if self.random_start {
            let anywhere = starts(images.dims(), victims.indices, seed)?;
            let anywhere = anywhere.to_device(images.device())?;
            moved = (&moved + anywhere.broadcast_mul(&epsilon)?)?;
            moved = moved.maximum(&lowest)?.minimum(&highest)?;
        }
        let mut gathered: Option<Tensor> = None;
        for _ in 0..self.count {
            let seen = look(model, &moved, |image, row, grad| aim.cross_entropy(image, row, grad))?;
            let mut along = seen.gradient;
            if let Some(momentum) = self.momentum {
                let scale = (along.abs()?.mean_keepdim((1, 2, 3))? + TINY)?;
                along = along.broadcast_div(&scale)?;
                if let Some(before) = gathered.take() {
                    along = ((before * momentum)? + along)?;
                }
                gathered = Some(along.clone());
            }
            moved = (moved + along.sign()?.broadcast_mul(&step)?)?;
            moved = moved.maximum(&lowest)?.minimum(&highest)?;
        }
        Ok(moved)
    }
}

/// Uniform in [-1, 1], `[batch, channels, height, width]`, each image from a stream of its own.
fn starts(dims: &[usize], indices: &[usize], seed: u64) -> Result<Tensor> {
    let pixels: usize = dims.iter().skip(1).product();
    let mut values = vec![0.0_f32; pixels * indices.len()];
    values.par_chunks_mut(pixels.max(1)).zip(indices).for_each(|(values, &index)| {
        let mut random = stream(seed, index, 0);
        values.fill_with(|| random.random_range(-1.0_f32..=1.0));
    });
    Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::super::{Attack, Ball, Bim, Fgsm, Mim, Pgd, PixelLevels};
    use super::*;
    use crate::model::{Arch, ModelConfig, build};

    const INDICES: [usize; 3] = [4, 0, 9];

    fn model() -> Model {
        let config = ModelConfig { seed: 5, ..ModelConfig::plain(4, 1, 28) };
        build(Arch::Shapesnet, config, &Device::Cpu).unwrap()
    }

    #[test]
    fn with_one_bound_for_all_they_are_the_attacks_they_generalise() {
        let model = model();
        let pixels: Vec<f32> = (0..3 * 784).map(|at| (at * 37 % 101) as f32 / 100.0).collect();
        let images = Tensor::from_vec(pixels, (3, 1, 28, 28), &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32, 1, 2], &Device::Cpu).unwrap();
        let targets = Tensor::new(&[3u32, 3, 3], &Device::Cpu).unwrap();
        let steps =
            |count, size, random_start, momentum| SignSteps { count, size, random_start, momentum };
        let (ball, epsilon, step_size) = (Ball::linf(8.0), PixelLevels(8.0), PixelLevels(2.0));
        let cases: [(&dyn Attack, SignSteps); 4] = [
            (&Fgsm { ball }, steps(1, 1.0, false, None)),
            (&Bim { epsilon, steps: 3, step_size }, steps(3, 0.25, false, None)),
            (
                &Mim { epsilon, steps: 3, step_size, momentum: 0.9 },
                steps(3, 0.25, false, Some(0.9)),
            ),
            (&Pgd { ball, steps: 3, step_size, restarts: 1, seed: 6 }, steps(3, 0.25, true, None)),
        ];
        for (at, (attack, steps)) in cases.into_iter().enumerate() {
            for targets in [None, Some(&targets)] {
                let victims =
                    Victims { images: &images, labels: &labels, indices: &INDICES, targets };
                let numbers = |tensor: Tensor| -> Vec<f32> {
                    tensor.flatten_all().unwrap().to_vec1().unwrap()
                };
                let one = numbers(attack.perturb(&model, &victims).unwrap());
                let other = numbers(steps.perturb(&model, &victims, &[8.0; 3], 6).unwrap());
                // A gradient next to 0 may have either sign after a rounding.
                let same = one.iter().zip(&other).filter(|(a, b)| (*a - *b).abs() < 1e-5).count();
                assert!(same >= 2300, "case {at}: {same} of 2352 pixels are the same");
            }
        }
    }
}
