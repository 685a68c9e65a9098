//! Products of a few rows with a large weight: bound by reading the weight, so each number of it
//! is read once, in the order in which it lies in memory.
#![allow(
    clippy::inline_always,
    reason = "vector code must be compiled where the instructions are known"
)]

use pulp::{Simd, WithSimd};

/// Rows of features up to which this is faster than a general matrix product.
pub(super) const FEW: usize = 16;

/// Rows of features, and of the weight, whose sums are held in registers together.
const TOGETHER: usize = 4;

/// `target[row][output] = Σ features[row][i] · weight[output][i]`, `outputs` of them.
pub(super) struct Dots<'a> {
    pub(super) features: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) inputs: usize,
    /// `[rows, outputs]`.
    pub(super) target: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { features, weight, inputs, target } = self;
        let outputs = weight.len() / inputs;
        for first in (0..outputs).step_by(TOGETHER) {
            let weights = rows(weight, first, inputs);
            for (block, features) in features.chunks(TOGETHER * inputs).enumerate() {
                let sums = dots(simd, rows(features, 0, inputs), weights);
                let here = features.len() / inputs;
                for (row, sums) in sums.iter().take(here).enumerate() {
                    let start = (block * TOGETHER + row) * outputs + first;
                    let target = &mut target[start..start + TOGETHER.min(outputs - first)];
                    target.copy_from_slice(&sums[..target.len()]);
                }
            }
        }
    }
}

/// `TOGETHER` rows from `first` on; the last one stands in for those beyond the end.
#[inline(always)]
fn rows(values: &[f32], first: usize, width: usize) -> [&[f32]; TOGETHER] {
    let last = values.len() / width - 1;
    std::array::from_fn(|row| &values[(first + row).min(last) * width..][..width])
}

#[inline(always)]
fn dots<S: Simd>(
    simd: S,
    features: [&[f32]; TOGETHER],
    weights: [&[f32]; TOGETHER],
) -> [[f32; TOGETHER]; TOGETHER] {
    let (features, feature_rest) = vectors::<S>(features);
    let (weights, weight_rest) = vectors::<S>(weights);
    let count = weights[0].len();
    let features = features.map(|row| &row[..count]);
    let weights = weights.map(|row| &row[..count]);
    let mut sums = [[simd.splat_f32s(0.0); TOGETHER]; TOGETHER];
    for index in 0..count {
        let weights = weights.map(|row| row[index]);
        for (sums, row) in sums.iter_mut().zip(features) {
            let feature = row[index];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_f32s(feature, weight, *sum);
            }
        }
    }
    let mut result = [[0.0; TOGETHER]; TOGETHER];
    for (row, result) in result.iter_mut().enumerate() {
        for (column, result) in result.iter_mut().enumerate() {
            let rest = feature_rest[row].iter().zip(weight_rest[column]);
            *result = simd.reduce_sum_f32s(sums[row][column]);
            *result += rest.map(|(a, b)| a * b).sum::<f32>();
        }
    }
    result
}

#[inline(always)]
fn vectors<S: Simd>(rows: [&[f32]; TOGETHER]) -> ([&[S::f32s]; TOGETHER], [&[f32]; TOGETHER]) {
    let split = rows.map(S::as_simd_f32s);
    (split.map(|(whole, _)| whole), split.map(|(_, rest)| rest))
}

/// `target[row][column] += Σ grad[row][output] · weight[output][column]` for some columns.
pub(super) struct Combinations<'a> {
    /// `[rows, outputs]`.
    pub(super) grad: &'a [f32],
    /// `[outputs, inputs]`.
    pub(super) weight: &'a [f32],
    pub(super) inputs: usize,
    /// Where the columns begin.
    pub(super) start: usize,
    /// `[rows, columns]`.
    pub(super) target: &'a mut [f32],
    pub(super) columns: usize,
}

impl WithSimd for Combinations<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grad, weight, inputs, start, target, columns } = self;
        let outputs = weight.len() / inputs;
        let rows = target.len() / columns;
        for first in (0..outputs).step_by(TOGETHER) {
            let part = |output: usize| &weight[output * inputs + start..][..columns];
            for (row, target) in target.chunks_mut(columns).enumerate().take(rows) {
                let grad = &grad[row * outputs..][..outputs];
                if first + TOGETHER > outputs {
                    for (output, &grad) in grad.iter().enumerate().skip(first) {
                        add_times(simd, target, [grad], [part(output)]);
                    }
                } else {
                    let grads = std::array::from_fn::<_, TOGETHER, _>(|i| grad[first + i]);
                    add_times(simd, target, grads, std::array::from_fn(|i| part(first + i)));
                }
            }
        }
    }
}

#[inline(always)]
fn add_times<S: Simd, const N: usize>(
    simd: S,
    target: &mut [f32],
    factors: [f32; N],
    terms: [&[f32]; N],
) {
    let vectors = factors.map(|factor| simd.splat_f32s(factor));
    let terms = terms.map(S::as_simd_f32s);
    let (target, target_rest) = S::as_mut_simd_f32s(target);
    let wholes = terms.map(|(whole, _)| &whole[..target.len()]);
    for (index, target) in target.iter_mut().enumerate() {
        for (factor, term) in vectors.iter().zip(wholes) {
            *target = simd.mul_add_f32s(*factor, term[index], *target);
        }
    }
    for (index, target) in target_rest.iter_mut().enumerate() {
        for (factor, (_, rest)) in factors.iter().zip(terms) {
            *target += factor * rest[index];
        }
    }
}
