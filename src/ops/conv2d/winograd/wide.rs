//! The same for many weights and few tiles: the outputs go over the threads. So every weight is
//! transformed once, where it is used, and they never lie transformed all together: that would be
//! four times their memory.

use std::array::from_fn;

use rayon::prelude::*;

use super::{Grid, PIECE, POINTS, parts, transform, transform_tiles, untransform_tile};
use crate::ops::conv2d::epilogue::Epilogue;
use crate::ops::conv2d::geometry::Geometry;
use crate::ops::matrix::{Matrix, MatrixMut, multiply};
use crate::ops::scratch::{with_large_scratch, with_scratch};
use crate::ops::values::unfilled;
use transform::{Input, Weight};

/// Outputs of one piece of work.
const OUTPUTS: usize = 32;

/// Below so many weights nothing is gained.
const WEIGHTS: usize = 128 * 128;

/// Whether there are so few tiles that they take less memory than the weights.
pub(in crate::ops::conv2d) fn is_worthwhile(g: &Geometry) -> bool {
    Grid::of(g).tiles < g.outputs && g.inputs * g.outputs >= WEIGHTS
}

/// As [`super::forward`].
pub(super) fn forward(
    g: &Geometry,
    maps: &[f32],
    weight: &[f32],
    mirrored: bool,
    after: &Epilogue<'_>,
) -> Vec<f32> {
    let grid = Grid::of(g);
    let (inputs, outputs) = (g.inputs, g.outputs);
    let room = POINTS * grid.tiles * inputs;
    with_large_scratch(room + g.places() * outputs, |scratch| {
        let (seen, blocks) = scratch.split_at_mut(room);
        parts(seen, grid.tiles * inputs, PIECE * inputs).into_par_iter().enumerate().for_each(
            |(piece, mut planes)| {
                let tiles = piece * PIECE..((piece + 1) * PIECE).min(grid.tiles);
                transform_tiles::<Input, 6>(g, grid, tiles, maps, &mut planes);
            },
        );
        blocks.par_chunks_mut(g.places() * OUTPUTS).enumerate().for_each(|(block, result)| {
            some_outputs(g, grid, block * OUTPUTS, (seen, weight, mirrored), result);
        });
        joined(g, blocks, after)
    })
}

/// Outputs `first..first + OUTPUTS` of every place, as far as there are so many, from all tiles
/// transformed.
fn some_outputs(
    g: &Geometry,
    grid: Grid,
    first: usize,
    (seen, weight, mirrored): (&[f32], &[f32], bool),
    result: &mut [f32],
) {
    let count = OUTPUTS.min(g.outputs - first);
    let (inputs, tiles) = (g.inputs, grid.tiles);
    let g = Geometry { outputs: count, ..*g };
    with_scratch(POINTS * count * (inputs + tiles), |scratch| {
        let (weights, products) = scratch.split_at_mut(POINTS * count * inputs);
        transform_weights(weight, (inputs, first, count), mirrored, weights);
        for (point, product) in products.chunks_mut(tiles * count).enumerate() {
            let weights = &weights[point * count * inputs..][..count * inputs];
            let weights = if mirrored {
                Matrix::rows(weights, inputs, count)
            } else {
                Matrix::rows(weights, count, inputs).transposed()
            };
            let seen = Matrix::rows(&seen[point * tiles * inputs..], tiles, inputs);
            multiply(&mut MatrixMut::rows(product, tiles, count), seen, weights, false);
        }
        for tile in 0..tiles {
            let products = (&*products, tile, tiles);
            untransform_tile(&g, grid, tile, products, 0, result, &Epilogue::default());
        }
    });
}

/// One matrix a point: `[count, inputs]` from outputs `first..first + count` of a weight `[outputs,
/// 3, 3, inputs]`; if mirrored `[inputs, count]` from those of a weight `[inputs, 3, 3, outputs]`,
/// taken backwards.
fn transform_weights(
    weight: &[f32],
    (inputs, first, count): (usize, usize, usize),
    mirrored: bool,
    result: &mut [f32],
) {
    let (kernels, length) = if mirrored { (inputs, count) } else { (count, inputs) };
    for kernel in 0..kernels {
        let from = from_fn(|y| {
            from_fn(|x| {
                let place = y * 3 + x;
                let start = if mirrored {
                    let outputs = weight.len() / (9 * inputs);
                    (kernel * 9 + 8 - place) * outputs + first
                } else {
                    ((first + kernel) * 9 + place) * inputs
                };
                Some(&weight[start..][..length])
            })
        });
        let mut planes = result.chunks_mut(kernels * length);
        let to = from_fn(|_| {
            from_fn(|_| planes.next().map(|plane| &mut plane[kernel * length..][..length]))
        });
        transform::transform::<Weight, 3, 6>(length, from, to);
    }
}

/// Blocks of outputs side by side, finished.
fn joined(g: &Geometry, blocks: &[f32], after: &Epilogue<'_>) -> Vec<f32> {
    /// Places joined as one piece of work.
    const PLACES: usize = 16;
    let outputs = g.outputs;
    let mut result = unfilled(g.places() * outputs);
    result.par_chunks_mut(PLACES * outputs).enumerate().for_each(|(piece, result)| {
        for (index, row) in result.chunks_mut(outputs).enumerate() {
            let place = piece * PLACES + index;
            let blocks = blocks.chunks(g.places() * OUTPUTS);
            for (target, block) in row.chunks_mut(OUTPUTS).zip(blocks) {
                target.copy_from_slice(&block[place * target.len()..][..target.len()]);
            }
        }
        if !after.is_nothing() {
            after.finish(outputs, piece * PLACES * outputs, result);
        }
    });
    result
}
