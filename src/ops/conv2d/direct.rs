//! Convolution as a matrix product: what the kernel sees is unfolded tile by tile, multiplied
//! while it is in the cache, and folded back for the input's gradient of strided convolutions.

use std::ops::Range;

use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::geometry::Geometry;
use crate::ops::lanes::vectorized;
use crate::ops::matrix::{Matrix, MatrixMut, multiply};
use crate::ops::scratch::{with_large_scratch, with_scratch};
use crate::ops::values::unfilled;

/// Numbers of an unfolded tile: 1 MiB, half the second-level cache of today's servers.
const TILE: usize = 256 * 1024;

/// Places of a tile: fewer would spend more time on arranging the weights than on the product.
const PLACES: Range<usize> = 128..1024;

/// Numbers that the partial sums of a weight gradient may take together: 8 MiB.
const SUMS: usize = 2 * 1024 * 1024;

/// Numbers unfolded at once for a weight gradient of many weights: 4 MiB.
const STEP: usize = 1024 * 1024;

impl Geometry {
    fn tile_places(&self) -> usize {
        (TILE / self.patch().max(1)).clamp(PLACES.start, PLACES.end).min(self.places().max(1))
    }

    fn tiles(&self, places: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let rows = self.tile_places();
        let end = places.end;
        places.step_by(rows).map(move |start| start..(start + rows).min(end))
    }
}

/// `[batch, out_height, out_width, outputs]`.
pub(super) fn forward(
    g: &Geometry,
    maps: &[f32],
    weight: &[f32],
    after: &Epilogue<'_>,
) -> Vec<f32> {
    let mut result = unfilled(g.places() * g.outputs);
    let rows = g.tile_places();
    result.par_chunks_mut((rows * g.outputs).max(1)).enumerate().for_each(|(tile, result)| {
        let start = tile * rows;
        let places = start..start + result.len() / g.outputs;
        for group in 0..g.groups {
            let weight = group_weight(g, weight, group);
            unfolded(g, maps, group, places.clone(), |patches| {
                let mut target = MatrixMut::part(
                    result,
                    places.len(),
                    g.group_outputs(),
                    g.outputs,
                    group * g.group_outputs(),
                );
                multiply(&mut target, patches, weight.transposed(), false);
            });
        }
        after.finish(g.outputs, start * g.outputs, result);
    });
    result
}

/// `[group outputs, patch]`.
fn group_weight<'a>(g: &Geometry, weight: &'a [f32], group: usize) -> Matrix<'a> {
    let count = g.group_outputs() * g.patch();
    Matrix::rows(&weight[group * count..][..count], g.group_outputs(), g.patch())
}

/// `[batch, height, width, inputs]`.
pub(super) fn input_gradient(g: &Geometry, grad: &[f32], weight: &[f32]) -> Vec<f32> {
    if g.is_pointwise() {
        return pointwise_input_gradient(g, grad, weight);
    }
    if let Some(mirrored) = g.mirrored() {
        return with_large_scratch(weight.len(), |turned| {
            exchange(g.kernel[0] * g.kernel[1], g.inputs, weight, true, turned);
            forward(&mirrored, grad, turned, &Epilogue::default())
        });
    }
    let mut result = vec![0.0; g.batch * g.image()];
    let places = g.out[0] * g.out[1];
    result.par_chunks_mut(g.image().max(1)).enumerate().for_each(|(image, result)| {
        let start = image * places;
        for rows in g.tiles(start..start + places) {
            for group in 0..g.groups {
                with_scratch(rows.len() * g.patch(), |patches| {
                    let mut target = MatrixMut::rows(patches, rows.len(), g.patch());
                    let grad = group_grad(g, grad, group, rows.clone());
                    multiply(&mut target, grad, group_weight(g, weight, group), false);
                    vectorized(|| fold(g, patches, group, rows.clone(), result));
                });
            }
        }
    });
    result
}

fn pointwise_input_gradient(g: &Geometry, grad: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut result = unfilled(g.places() * g.inputs);
    let rows = g.tile_places();
    result.par_chunks_mut((rows * g.inputs).max(1)).enumerate().for_each(|(tile, result)| {
        let places = tile * rows..tile * rows + result.len() / g.inputs;
        let mut target = MatrixMut::rows(result, places.len(), g.inputs);
        let weight = Matrix::rows(weight, g.outputs, g.inputs);
        multiply(&mut target, group_grad(g, grad, 0, places), weight, false);
    });
    result
}

/// `[places, group outputs]`.
fn group_grad<'a>(g: &Geometry, grad: &'a [f32], group: usize, places: Range<usize>) -> Matrix<'a> {
    let grad = &grad[places.start * g.outputs..places.end * g.outputs];
    let outputs = g.group_outputs();
    Matrix::part(grad, places.len(), outputs, g.outputs, group * outputs)
}

/// Writes a weight `[outputs, kernel, inputs]` as `[inputs, kernel, outputs]`, the kernel backwards
/// if `mirrored`.
pub(super) fn exchange(
    kernel: usize,
    inputs: usize,
    weight: &[f32],
    mirrored: bool,
    result: &mut [f32],
) {
    /// Inputs turned at once: a line of the cache.
    const INPUTS: usize = 16;
    let outputs = weight.len() / (kernel * inputs);
    result.par_chunks_mut(INPUTS * kernel * outputs).enumerate().for_each(|(index, target)| {
        let first = index * INPUTS;
        let count = INPUTS.min(inputs - first);
        for place in 0..kernel {
            let seen = if mirrored { kernel - 1 - place } else { place };
            for output in 0..outputs {
                let source = (output * kernel + seen) * inputs + first;
                let target = target[place * outputs + output..].iter_mut();
                let target = target.step_by(kernel * outputs);
                for (target, source) in target.zip(&weight[source..][..count]) {
                    *target = *source;
                }
            }
        }
    });
}

/// `[outputs, kernel_h, kernel_w, group inputs]`, summed over all places.
pub(super) fn weight_gradient(g: &Geometry, grad: &[f32], maps: &[f32]) -> Vec<f32> {
    let weights = g.outputs * g.patch();
    // By the shape alone, so that the order of additions does not depend on the threads.
    let sums = (g.places() / PLACES.end).min(SUMS / weights.max(1)).min(64);
    if sums < 8 {
        return wide_weight_gradient(g, grad, maps);
    }
    let share = g.places().div_ceil(sums);
    let sums: Vec<Vec<f32>> = (0..sums)
        .into_par_iter()
        .map(|index| {
            let places = index * share..((index + 1) * share).min(g.places());
            let mut sum = vec![0.0; weights];
            for places in g.tiles(places.start.min(places.end)..places.end) {
                for group in 0..g.groups {
                    let target = &mut sum[group * g.group_outputs() * g.patch()..];
                    unfolded(g, maps, group, places.clone(), |patches| {
                        let grad = group_grad(g, grad, group, places.clone()).transposed();
                        let mut target = MatrixMut::rows(target, g.group_outputs(), g.patch());
                        multiply(&mut target, grad, patches, true);
                    });
                }
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; weights];
    // 4,096 numbers of all sums at a time, so that they are added from the cache.
    total.par_chunks_mut(4096).enumerate().for_each(|(index, total)| {
        for sum in &sums {
            let sum = &sum[index * 4096..][..total.len()];
            vectorized(|| total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum));
        }
    });
    total
}

/// The same for many weights and few places: the outputs go over the threads instead.
fn wide_weight_gradient(g: &Geometry, grad: &[f32], maps: &[f32]) -> Vec<f32> {
    let patch = g.patch();
    let mut result = vec![0.0; g.outputs * patch];
    let rows = (STEP / patch).max(PLACES.start).min(g.places().max(1));
    let room = if g.is_pointwise() { 0 } else { rows * patch };
    with_large_scratch(room, |patches| {
        for group in 0..g.groups {
            let weights = g.group_outputs() * patch;
            let result = &mut result[group * weights..][..weights];
            for start in (0..g.places()).step_by(rows) {
                let places = start..(start + rows).min(g.places());
                add_products(g, group, (grad, maps), places, patches, result);
            }
        }
    });
    result
}

/// Adds to `result` `[group outputs, patch]` what `places` give.
fn add_products(
    g: &Geometry,
    group: usize,
    (grad, maps): (&[f32], &[f32]),
    places: Range<usize>,
    patches: &mut [f32],
    result: &mut [f32],
) {
    /// Places unfolded as one piece of work.
    const UNFOLDED: usize = 32;
    /// Outputs multiplied as one.
    const OUTPUTS: usize = 64;
    let patch = g.patch();
    let patches = if g.is_pointwise() {
        &maps[places.start * patch..places.end * patch]
    } else {
        let patches = &mut patches[..places.len() * patch];
        patches.par_chunks_mut(UNFOLDED * patch).enumerate().for_each(|(index, patches)| {
            let start = places.start + index * UNFOLDED;
            let places = start..start + patches.len() / patch;
            vectorized(|| unfold(g, maps, group, places, patches));
        });
        patches
    };
    let grad = &grad[places.start * g.outputs..places.end * g.outputs];
    result.par_chunks_mut(OUTPUTS * patch).enumerate().for_each(|(index, result)| {
        let outputs = result.len() / patch;
        let first = group * g.group_outputs() + index * OUTPUTS;
        let grad = Matrix::part(grad, places.len(), outputs, g.outputs, first);
        let patches = Matrix::rows(patches, places.len(), patch);
        multiply(&mut MatrixMut::rows(result, outputs, patch), grad.transposed(), patches, true);
    });
}

/// Calls `work` with the matrix `[places, patch]` of what the kernel sees.
fn unfolded(
    g: &Geometry,
    maps: &[f32],
    group: usize,
    places: Range<usize>,
    work: impl FnOnce(Matrix<'_>),
) {
    let patch = g.patch();
    if g.is_pointwise() {
        let maps = &maps[places.start * patch..places.end * patch];
        return work(Matrix::rows(maps, places.len(), patch));
    }
    with_scratch(places.len() * patch, |patches| {
        vectorized(|| unfold(g, maps, group, places.clone(), patches));
        work(Matrix::rows(patches, places.len(), patch));
    });
}

/// Writes what the kernel sees at each place: kernel row by kernel row, zeros where it hangs over
/// the edge.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn unfold(g: &Geometry, maps: &[f32], group: usize, places: Range<usize>, patches: &mut [f32]) {
    let channels = g.group_inputs();
    let line = g.kernel[1] * channels;
    let dense = g.dilation[1] == 1 && g.groups == 1;
    for ([image, y, x], patch) in g.walk(places).zip(patches.chunks_mut(g.patch().max(1))) {
        let image = &maps[image * g.image()..][..g.image()];
        let (columns, first) = g.columns(x);
        for (k, target) in patch.chunks_mut(line).enumerate() {
            let Some(row) = g.row(y, k).filter(|_| !columns.is_empty()) else {
                target.fill(0.0);
                continue;
            };
            let source = &image[(row * g.size[1] + first) * g.inputs..];
            target[..columns.start * channels].fill(0.0);
            target[columns.end * channels..].fill(0.0);
            let target = &mut target[columns.start * channels..columns.end * channels];
            if dense {
                target.copy_from_slice(&source[..target.len()]);
            } else {
                let pixels = source.chunks(g.dilation[1] * g.inputs);
                for (target, pixel) in target.chunks_mut(channels).zip(pixels) {
                    target.copy_from_slice(&pixel[group * channels..][..channels]);
                }
            }
        }
    }
}

/// The transpose of [`unfold`]: adds every number to the pixel of `image` that it was read from.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn fold(g: &Geometry, patches: &[f32], group: usize, places: Range<usize>, image: &mut [f32]) {
    let channels = g.group_inputs();
    let line = g.kernel[1] * channels;
    for ([_, y, x], patch) in g.walk(places).zip(patches.chunks(g.patch().max(1))) {
        let (columns, first) = g.columns(x);
        if columns.is_empty() {
            continue;
        }
        for (k, source) in patch.chunks(line).enumerate() {
            let Some(row) = g.row(y, k) else { continue };
            let pixels =
                image[(row * g.size[1] + first) * g.inputs..].chunks_mut(g.dilation[1] * g.inputs);
            let source = &source[columns.start * channels..columns.end * channels];
            for (pixel, source) in pixels.zip(source.chunks(channels)) {
                let pixel = &mut pixel[group * channels..][..channels];
                for (target, source) in pixel.iter_mut().zip(source) {
                    *target += source;
                }
            }
        }
    }
}
