//! The ball round the originals: steps in it, and the way back into it and into the range of pixels.

use candle_core::Tensor;

use super::{Norm, PixelLevels};
use crate::error::Result;
use crate::ops;

/// Added to a length before it is divided by: what has none stays where it is.
const TINY: f64 = 1e-12;

/// What an attack may do to an image: images within `epsilon` of it, by `norm`, and in 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    /// Its radius.
    pub epsilon: PixelLevels,
    /// What the radius is measured in.
    pub norm: Norm,
}

impl Ball {
    /// No pixel moves by more than `epsilon`.
    pub fn linf(epsilon: f64) -> Self {
        Self { epsilon: PixelLevels(epsilon), norm: Norm::Linf }
    }

    /// The root of the sum of squares over pixels and channels stays within `epsilon`/255.
    pub fn l2(epsilon: f64) -> Self {
        Self { epsilon: PixelLevels(epsilon), norm: Norm::L2 }
    }

    /// The images of the ball round `origin` that are nearest to `images`; in L2 nearest first in
    /// the ball, then in 0..1. Both are `[batch, channels, height, width]`.
    pub(super) fn project(self, images: &Tensor, origin: &Tensor) -> Result<Tensor> {
        match self.norm {
            Norm::Linf => linf(images, origin, self.epsilon),
            Norm::L2 => l2(images, origin, self.epsilon),
        }
    }

    /// `images` moved by `size` against or along `gradient` (its sign, or in L2 its direction) and
    /// projected; `size` in pixels of 0..1, with its sign.
    pub(super) fn step(
        self,
        images: &Tensor,
        gradient: &Tensor,
        size: f64,
        origin: &Tensor,
    ) -> Result<Tensor> {
        match self.norm {
            Norm::Linf => {
                Ok(ops::linf_step(images, gradient, size, origin, self.epsilon.to_unit())?)
            }
            Norm::L2 => {
                let direction = gradient.broadcast_div(&(lengths(gradient)? + TINY)?)?;
                l2(&(images + (direction * size)?)?, origin, self.epsilon)
            }
        }
    }
}

/// The L2 norm of each image, `[batch, 1, 1, 1]`.
pub(super) fn lengths(images: &Tensor) -> Result<Tensor> {
    Ok(images.sqr()?.sum_keepdim((1, 2, 3))?.sqrt()?)
}

fn linf(images: &Tensor, origin: &Tensor, epsilon: PixelLevels) -> Result<Tensor> {
    let epsilon = epsilon.to_unit();
    let lowest = (origin - epsilon)?.clamp(0.0, 1.0)?;
    let highest = (origin + epsilon)?.clamp(0.0, 1.0)?;
    Ok(images.maximum(&lowest)?.minimum(&highest)?)
}

/// Too long perturbations are shortened, then every pixel is clipped to 0..1: `origin` lies there,
/// so that only shortens them further.
fn l2(images: &Tensor, origin: &Tensor, epsilon: PixelLevels) -> Result<Tensor> {
    let change = (images - origin)?;
    let share = (lengths(&change)? + TINY)?.recip()?.affine(epsilon.to_unit(), 0.0)?;
    let share = share.minimum(&share.ones_like()?)?;
    Ok((origin + change.broadcast_mul(&share)?)?.clamp(0.0, 1.0)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;

    fn image(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap().reshape((1, 1, 1, values.len())).unwrap()
    }

    fn flat(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    proptest! {
        #[test]
        fn stays_in_the_ball_and_in_range_and_moves_nothing_that_is_inside(
            pixels in proptest::collection::vec((0f32..=1.0, -2f32..=3.0), 1..50),
            epsilon in 0f64..300.0,
        ) {
            let (origin, images): (Vec<f32>, Vec<f32>) = pixels.into_iter().unzip();
            let ball = Ball::linf(epsilon);
            let once = ball.project(&image(&images), &image(&origin)).unwrap();
            let bound = ball.epsilon.to_unit() as f32 + 1e-6;
            let projected = flat(&once);
            for ((&new, &old), &asked) in projected.iter().zip(&origin).zip(&images) {
                prop_assert!((0.0..=1.0).contains(&new));
                prop_assert!((new - old).abs() <= bound);
                if (0.0..=1.0).contains(&asked) && (asked - old).abs() <= bound - 2e-6 {
                    prop_assert_eq!(new, asked);
                }
            }
            prop_assert_eq!(projected, flat(&ball.project(&once, &image(&origin)).unwrap()));
        }

        #[test]
        fn in_l2_too(
            pixels in proptest::collection::vec((0f32..=1.0, -2f32..=3.0), 1..50),
            epsilon in 0f64..900.0,
        ) {
            let (origin, images): (Vec<f32>, Vec<f32>) = pixels.into_iter().unzip();
            let ball = Ball::l2(epsilon);
            let projected = flat(&ball.project(&image(&images), &image(&origin)).unwrap());
            let length = |to: &[f32]| {
                let squares = to.iter().zip(&origin).map(|(a, b)| f64::from(a - b).powi(2));
                squares.sum::<f64>().sqrt()
            };
            prop_assert!(length(&projected) <= ball.epsilon.to_unit() + 1e-5);
            prop_assert!(projected.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
            if length(&images) <= ball.epsilon.to_unit() - 1e-5 {
                for (new, asked) in projected.iter().zip(&images) {
                    prop_assert!((new - asked.clamp(0.0, 1.0)).abs() < 1e-5);
                }
            }
        }

        #[test]
        fn a_step_is_a_move_and_a_projection(
            pixels in proptest::collection::vec((0f32..=1.0, -1f32..=1.0, -2f32..=2.0), 1..50),
            epsilon in 0f64..60.0,
            size in -0.2f64..0.2,
        ) {
            let origin: Vec<f32> = pixels.iter().map(|pixel| pixel.0).collect();
            let gradient: Vec<f32> = pixels.iter().map(|pixel| pixel.2.round()).collect();
            let (origin, gradient) = (image(&origin), image(&gradient));
            let ball = Ball::linf(epsilon);
            let moved: Vec<f32> = pixels.iter().map(|pixel| pixel.0 + pixel.1).collect();
            let images = ball.project(&image(&moved), &origin).unwrap();
            let moved = (&images + (gradient.sign().unwrap() * size).unwrap()).unwrap();
            let expected = ball.project(&moved, &origin).unwrap();
            let stepped = ball.step(&images, &gradient, size, &origin).unwrap();
            prop_assert_eq!(flat(&stepped), flat(&expected));
        }
    }

    #[test]
    fn an_l2_step_without_gradient_stays_and_with_one_has_its_length() {
        let origin = image(&[0.5; 4]);
        let ball = Ball::l2(255.0);
        let still = ball.step(&origin, &image(&[0.0; 4]), 0.1, &origin).unwrap();
        assert_eq!(flat(&still), flat(&origin));
        let moved = ball.step(&origin, &image(&[3.0, -4.0, 0.0, 0.0]), 0.1, &origin).unwrap();
        for (pixel, expected) in flat(&moved).iter().zip([0.56_f32, 0.42, 0.5, 0.5]) {
            assert!((pixel - expected).abs() < 1e-6);
        }
    }
}
