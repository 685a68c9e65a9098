//! Batch normalisation on the CPU: one pass for the statistics, one for the result; two back.

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::ops::lanes::{sum, vectorized};
use crate::ops::nchw::channel_affine::{Activation, relu};

/// Mean and variance of each channel of `maps`, whose planes have `plane` numbers.
pub(super) fn statistics(maps: &[f32], channels: usize, plane: usize) -> Statistics {
    let batch = maps.len() / (channels * plane);
    let (mean, var) = (0..channels)
        .into_par_iter()
        .map(|channel| {
            // Planes are joined by Chan, Golub and LeVeque 1979, eq. 2.1: each is read from memory
            // once, and nothing cancels where the mean is large.
            let (mut mean, mut squares) = (0.0, 0.0);
            for image in 0..batch {
                let values = &maps[(image * channels + channel) * plane..][..plane];
                let (here, around) = vectorized(|| moments(values));
                let distance = here - mean;
                let before = image as f64;
                mean += distance / (before + 1.0);
                squares += around + distance * distance * plane as f64 * before / (before + 1.0);
            }
            (mean, squares / (batch * plane) as f64)
        })
        .unzip();
    Statistics { mean, var, count: batch * plane }
}

/// The mean, and the sum of squared distances from it.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn moments(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = sum(values.len(), |i| values[i]) / count;
    let centre = mean as f32;
    let around = sum(values.len(), |i| (values[i] - centre) * (values[i] - centre));
    // The distances were measured from the rounded mean. Rounding may leave less than nothing.
    (mean, (around - (mean - f64::from(centre)).powi(2) * count).max(0.0))
}

/// One channel's numbers, rounded once for both directions, so that the backward pass sees the
/// very numbers that the forward pass gave.
#[derive(Clone, Copy)]
struct Channel {
    mean: f32,
    scale: f32,
    shift: f32,
}

impl Channel {
    fn all(s: &Statistics, gamma: &[f32], beta: &[f32], norm: &BatchNorm) -> Vec<Self> {
        (0..gamma.len())
            .map(|c| Self {
                mean: s.mean[c] as f32,
                scale: (f64::from(gamma[c]) * inverse_deviation(s.var[c], norm)) as f32,
                shift: beta[c],
            })
            .collect()
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
    fn normalise(self, value: f32) -> f32 {
        (value - self.mean) * self.scale + self.shift
    }

    /// The gradient before the activation: zero where a ReLU gave zero.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
    fn through(self, activation: Activation, value: f32, grad: f32) -> f32 {
        match activation {
            Activation::Relu if self.normalise(value) <= 0.0 => 0.0,
            _ => grad,
        }
    }
}

fn inverse_deviation(var: f64, norm: &BatchNorm) -> f64 {
    1.0 / (var + norm.epsilon).sqrt()
}

/// The normalised maps.
pub(super) fn forward(
    maps: &[f32],
    statistics: &Statistics,
    (gamma, beta): (&[f32], &[f32]),
    norm: &BatchNorm,
    plane: usize,
) -> Vec<f32> {
    let channels = Channel::all(statistics, gamma, beta, norm);
    let size = channels.len() * plane;
    let mut result = vec![0.0; maps.len()];
    result.par_chunks_mut(size).zip(maps.par_chunks(size)).for_each(|(result, maps)| {
        let planes = result.chunks_mut(plane).zip(maps.chunks(plane));
        for ((result, maps), channel) in planes.zip(&channels) {
            vectorized(|| match norm.activation {
                Activation::None => {
                    for (y, x) in result.iter_mut().zip(maps) {
                        *y = channel.normalise(*x);
                    }
                }
                Activation::Relu => {
                    for (y, x) in result.iter_mut().zip(maps) {
                        *y = relu(channel.normalise(*x));
                    }
                }
            });
        }
    });
    result
}

/// What the backward pass starts from.
pub(super) struct Backward<'a> {
    pub(super) maps: &'a [f32],
    pub(super) grad: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) statistics: &'a Statistics,
    pub(super) norm: &'a BatchNorm,
    pub(super) plane: usize,
}

/// Gradients of the two parameters.
pub(super) struct Sums {
    pub(super) gamma: Vec<f64>,
    pub(super) beta: Vec<f64>,
}

impl Backward<'_> {
    fn channels(&self) -> Vec<Channel> {
        Channel::all(self.statistics, self.gamma, self.beta, self.norm)
    }

    /// Sums over each channel: of the gradient, and of its product with the normalised input.
    pub(super) fn sums(&self) -> Sums {
        let Self { plane, norm, .. } = *self;
        let channels = self.channels();
        let batch = self.maps.len() / (channels.len() * plane);
        let (gamma, beta) = channels
            .par_iter()
            .enumerate()
            .map(|(index, channel)| {
                let (mut products, mut plain) = (0.0, 0.0);
                for image in 0..batch {
                    let start = (image * channels.len() + index) * plane;
                    let (x, grad) = (&self.maps[start..][..plane], &self.grad[start..][..plane]);
                    let through = |i: usize| channel.through(norm.activation, x[i], grad[i]);
                    vectorized(|| {
                        plain += sum(plane, through);
                        products += sum(plane, |i| (x[i] - channel.mean) * through(i));
                    });
                }
                (products * inverse_deviation(self.statistics.var[index], norm), plain)
            })
            .unzip();
        Sums { gamma, beta }
    }

    /// `gamma / deviation · (grad − mean(grad) − x̂ · mean(grad · x̂))`.
    pub(super) fn input_gradient(&self, sums: &Sums) -> Vec<f32> {
        let Self { plane, norm, statistics, .. } = *self;
        let count = statistics.count as f64;
        // grad · scale + (x − mean) · slope + offset
        let channels: Vec<(Channel, f32, f32)> = self
            .channels()
            .into_iter()
            .enumerate()
            .map(|(c, channel)| {
                let deviation = inverse_deviation(statistics.var[c], norm);
                let scale = f64::from(self.gamma[c]) * deviation;
                let slope = -scale * deviation * sums.gamma[c] / count;
                let offset = -scale * sums.beta[c] / count;
                (channel, slope as f32, offset as f32)
            })
            .collect();
        let size = channels.len() * plane;
        let mut result = vec![0.0; self.maps.len()];
        result
            .par_chunks_mut(size)
            .zip(self.maps.par_chunks(size).zip(self.grad.par_chunks(size)))
            .for_each(|(result, (maps, grad))| {
                let planes = maps.chunks(plane).zip(grad.chunks(plane));
                let planes = result.chunks_mut(plane).zip(planes).zip(&channels);
                for ((result, (maps, grad)), &(channel, slope, offset)) in planes {
                    vectorized(|| {
                        for ((result, &x), &grad) in result.iter_mut().zip(maps).zip(grad) {
                            let grad = channel.through(norm.activation, x, grad);
                            *result = grad * channel.scale + (x - channel.mean) * slope + offset;
                        }
                    });
                }
            });
        result
    }
}
