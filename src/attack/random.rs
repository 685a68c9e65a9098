//! Random numbers that depend on the run's seed, the image's index and the restart alone: never on
//! the batch an image stands in.

use candle_core::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Norm;
use super::projection::Ball;
use crate::error::Result;

/// The stream of one image in one restart.
pub(super) fn stream(seed: u64, index: usize, restart: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    // The first word sets these draws apart from those of data and targets.
    for (bytes, word) in key.chunks_exact_mut(8).zip([17, seed, index as u64, restart as u64]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// How a start is spread over its ball.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// In Linf every pixel uniformly; in L2 a random direction, the length uniformly.
    Inside,
    /// As far out as the ball goes: the largest change, or the length, is epsilon.
    Outermost,
}

/// A start for each image: within the ball round `images` `[batch, channels, height, width]`, in
/// 0..1.
pub(super) fn start(
    images: &Tensor,
    indices: &[usize],
    ball: Ball,
    spread: Spread,
    seed: u64,
    restart: usize,
) -> Result<Tensor> {
    let epsilon = ball.epsilon.to_unit();
    let size = images.dims().iter().skip(1).product::<usize>();
    let mut changes = vec![0.0_f32; images.elem_count()];
    changes.par_chunks_mut(size.max(1)).zip(indices).for_each(|(change, &index)| {
        let mut random = stream(seed, index, restart);
        match ball.norm {
            Norm::Linf => {
                for value in change.iter_mut() {
                    *value = random.random_range(-1.0..=1.0);
                }
                let largest = change.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let scale = match spread {
                    Spread::Inside => epsilon,
                    Spread::Outermost => epsilon / f64::from(largest).max(1e-12),
                };
                for value in change.iter_mut() {
                    *value *= scale as f32;
                }
            }
            Norm::L2 => {
                normal(&mut random, change);
                let squares: f64 = change.iter().map(|&value| f64::from(value).powi(2)).sum();
                let share = match spread {
                    Spread::Inside => random.random_range(0.0..=1.0),
                    Spread::Outermost => 1.0,
                };
                let scale = share * epsilon / squares.sqrt().max(1e-12);
                for value in change.iter_mut() {
                    *value *= scale as f32;
                }
            }
        }
    });
    let changes = Tensor::from_vec(changes, images.dims(), &Device::Cpu)?;
    Ok((images + changes.to_device(images.device())?)?.clamp(0.0, 1.0)?)
}

/// Standard normal numbers (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng, values: &mut [f32]) {
    for pair in values.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - random.random_range(0.0..1.0_f64)).ln()).sqrt();
        let angle = random.random_range(0.0..std::f64::consts::TAU);
        for (value, part) in pair.iter_mut().zip([angle.cos(), angle.sin()]) {
            *value = (radius * part) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Distances;
    use super::*;

    fn images() -> Tensor {
        let pixels: Vec<f32> = (0..2 * 3 * 64).map(|at| (at * 37 % 101) as f32 / 100.0).collect();
        Tensor::from_vec(pixels, (2, 3, 8, 8), &Device::Cpu).unwrap()
    }

    fn flat(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn starts_are_the_images_own_and_lie_in_the_ball() {
        let images = images();
        for ball in [Ball::linf(8.0), Ball::l2(200.0)] {
            for spread in [Spread::Inside, Spread::Outermost] {
                let at = |indices: &[usize], seed, restart| {
                    start(&images, indices, ball, spread, seed, restart).unwrap()
                };
                let both = at(&[4, 9], 1, 0);
                assert_eq!(flat(&both.get(0).unwrap()), flat(&at(&[4, 7], 1, 0).get(0).unwrap()));
                assert_ne!(flat(&both), flat(&at(&[4, 9], 2, 0)));
                assert_ne!(flat(&both), flat(&at(&[4, 9], 1, 1)));
                let distances = Distances::of(&both, &images).unwrap();
                match ball.norm {
                    Norm::Linf => assert!((5.0..=8.001).contains(&distances.linf_max)),
                    Norm::L2 => assert!((0.0..=2.0 * 200.0 / 255.0).contains(&distances.l2_sum)),
                }
            }
        }
    }
}
