//! Batch normalisation on the CPU: one pass for the statistics, one for the result.

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::ops::channel_affine::{Activation, relu};

/// Adds in 16 lanes, which the compiler turns into vector instructions; the order is fixed.
pub(super) fn sum(values: impl Iterator<Item = f32>) -> f64 {
    let mut lanes = [0.0_f32; 16];
    for (index, value) in values.enumerate() {
        lanes[index % 16] += value;
    }
    lanes.iter().map(|&lane| f64::from(lane)).sum()
}

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
                let here = sum(values.iter().copied()) / plane as f64;
                let centre = here as f32;
                let around = sum(values.iter().map(|value| (value - centre) * (value - centre)));
                let off = here - f64::from(centre);
                let distance = here - mean;
                let before = image as f64;
                mean += distance / (before + 1.0);
                squares += (around - off * off * plane as f64).max(0.0)
                    + distance * distance * plane as f64 * before / (before + 1.0);
            }
            (mean, squares / (batch * plane) as f64)
        })
        .unzip();
    Statistics { mean, var, count: batch * plane }
}

fn inverse_deviation(var: f64, norm: &BatchNorm) -> f64 {
    1.0 / (var + norm.epsilon).sqrt()
}

/// The normalised maps.
pub(super) fn forward(
    maps: &[f32],
    statistics: &Statistics,
    gamma: &[f32],
    beta: &[f32],
    norm: &BatchNorm,
    plane: usize,
) -> Vec<f32> {
    let channels = gamma.len();
    let coefficients: Vec<(f32, f32, f32)> = (0..channels)
        .map(|c| {
            let scale = f64::from(gamma[c]) * inverse_deviation(statistics.var[c], norm);
            (statistics.mean[c] as f32, scale as f32, beta[c])
        })
        .collect();
    let mut result = vec![0.0; maps.len()];
    result.par_chunks_mut(channels * plane).zip(maps.par_chunks(channels * plane)).for_each(
        |(result, maps)| {
            let planes = result.chunks_mut(plane).zip(maps.chunks(plane));
            for ((result, maps), &(mean, scale, shift)) in planes.zip(&coefficients) {
                let normal = maps.iter().map(|value| (value - mean) * scale + shift);
                match norm.activation {
                    Activation::None => fill(result, normal),
                    Activation::Relu => fill(result, normal.map(relu)),
                }
            }
        },
    );
    result
}

fn fill(target: &mut [f32], values: impl Iterator<Item = f32>) {
    for (target, value) in target.iter_mut().zip(values) {
        *target = value;
    }
}

/// What the backward pass starts from.
pub(super) struct Backward<'a> {
    pub(super) maps: &'a [f32],
    pub(super) normalised: &'a [f32],
    pub(super) grad: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) statistics: &'a Statistics,
    pub(super) norm: &'a BatchNorm,
    pub(super) plane: usize,
}

/// Gradients of the two parameters.
pub(super) struct Sums {
    pub(super) gamma: Vec<f64>,
    pub(super) beta: Vec<f64>,
}

/// The gradient that arrives before the activation: zero where a ReLU gave zero.
fn through(activation: Activation, normalised: f32, grad: f32) -> f32 {
    match activation {
        Activation::Relu if normalised <= 0.0 => 0.0,
        _ => grad,
    }
}

/// Sums of the gradient, and of its product with the normalised input, over each channel.
pub(super) fn sums(b: &Backward) -> Sums {
    let channels = b.gamma.len();
    let batch = b.maps.len() / (channels * b.plane);
    let (gamma, beta) = (0..channels)
        .into_par_iter()
        .map(|channel| {
            let mean = b.statistics.mean[channel] as f32;
            let (mut products, mut plain) = (0.0, 0.0);
            for image in 0..batch {
                let start = (image * channels + channel) * b.plane;
                let range = start..start + b.plane;
                let values = b.normalised[range.clone()].iter().zip(&b.grad[range.clone()]);
                let grad = values.map(|(&y, &grad)| through(b.norm.activation, y, grad));
                plain += sum(grad.clone());
                products += sum(b.maps[range].iter().zip(grad).map(|(x, grad)| (x - mean) * grad));
            }
            let deviation = inverse_deviation(b.statistics.var[channel], b.norm);
            (products * deviation, plain)
        })
        .unzip();
    Sums { gamma, beta }
}

/// `gamma / deviation · (grad − mean(grad) − x̂ · mean(grad · x̂))`.
pub(super) fn input_gradient(b: &Backward, sums: &Sums) -> Vec<f32> {
    let channels = b.gamma.len();
    let count = b.statistics.count as f64;
    // grad · scale + (x − mean) · slope + offset
    let coefficients: Vec<(f32, f32, f32, f32)> = (0..channels)
        .map(|c| {
            let deviation = inverse_deviation(b.statistics.var[c], b.norm);
            let scale = f64::from(b.gamma[c]) * deviation;
            let slope = -scale * deviation * sums.gamma[c] / count;
            let offset = -scale * sums.beta[c] / count;
            (b.statistics.mean[c] as f32, scale as f32, slope as f32, offset as f32)
        })
        .collect();
    let size = channels * b.plane;
    let mut result = vec![0.0; b.maps.len()];
    result
        .par_chunks_mut(size)
        .zip(b.maps.par_chunks(size))
        .zip(b.normalised.par_chunks(size).zip(b.grad.par_chunks(size)))
        .for_each(|((result, maps), (normalised, grad))| {
            for (channel, &(mean, scale, slope, offset)) in coefficients.iter().enumerate() {
                let range = channel * b.plane..(channel + 1) * b.plane;
                let values = normalised[range.clone()].iter().zip(&grad[range.clone()]);
                let grad = values.map(|(&y, &grad)| through(b.norm.activation, y, grad));
                let x = maps[range.clone()].iter();
                fill(
                    &mut result[range],
                    x.zip(grad).map(|(x, grad)| grad * scale + (x - mean) * slope + offset),
                );
            }
        });
    result
}
