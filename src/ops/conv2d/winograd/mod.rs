//! 3×3 convolution with stride 1 by Winograd's F(4×4, 3×3): 36 multiplications where the direct
//! way takes 144, for the outputs and both gradients alike.
//!
//! Tiles of 4×4 outputs are transformed, multiplied as 36 matrices and transformed back, a block of
//! tiles at a time in memory of the thread. Lavin and Gray 2016.

mod transform;
pub(super) mod wide;

use std::array::from_fn;
use std::ops::Range;

use rayon::prelude::*;

use super::direct::exchange;
use super::epilogue::Epilogue;
use super::geometry::Geometry;
use crate::ops::matrix::{Matrix, MatrixMut, multiply};
use crate::ops::scratch::{with_large_scratch, with_scratch};
use crate::ops::values::unfilled;
use transform::{Gradient, Input, Output, Weight, WeightGradient, transform};

/// Side of a tile of outputs.
const TILE: usize = 4;

/// Products a tile and channel pair takes.
const POINTS: usize = 36;

/// Tiles multiplied together: enough rows for the matrix product to be fast, few enough to stay in
/// the cache.
const BLOCK: Range<usize> = 32..96;

/// Numbers in the transformed tiles of one step of the weight's gradient: 4 MiB, where that is
/// enough for [`STEP_TILES`].
const STEP: usize = 1024 * 1024;

/// Fewer would spend more time on adding to the sums than on the products.
const STEP_TILES: usize = 128;

/// Tiles transformed as one piece of work.
const PIECE: usize = 16;

/// How the tiles lie.
#[derive(Clone, Copy)]
struct Grid {
    down: usize,
    across: usize,
    /// In all images.
    tiles: usize,
}

impl Grid {
    fn of(g: &Geometry) -> Self {
        let (down, across) = (g.out[0].div_ceil(TILE), g.out[1].div_ceil(TILE));
        Self { down, across, tiles: g.batch * down * across }
    }

    /// Image, and first output row and column, of a tile.
    fn place(self, tile: usize) -> [usize; 3] {
        let row = tile / self.across;
        [row / self.down, row % self.down * TILE, tile % self.across * TILE]
    }
}

/// Whether this takes less time than [`super::direct`], by counts of what both do. The factors
/// were fitted to measurements; being somewhat wrong costs little.
pub(super) fn is_worthwhile(g: &Geometry) -> bool {
    if !g.is_plain_3x3() {
        return false;
    }
    let tiles = Grid::of(g).tiles;
    let (inputs, outputs) = (g.inputs, g.outputs);
    let here =
        2 * tiles * inputs * outputs + 24 * tiles * (inputs + outputs) + 40 * inputs * outputs;
    let direct = 2 * 9 * g.places() * inputs * outputs + 30 * g.places() * inputs;
    inputs >= 8 && outputs >= 8 && tiles >= BLOCK.start && here * POINTS < direct
}

/// `[batch, out_height, out_width, outputs]`. With `mirrored`, `weight` is that of the convolution
/// whose input gradient is sought: `[inputs, 3, 3, outputs]`, taken backwards in both directions.
pub(super) fn forward(
    g: &Geometry,
    maps: &[f32],
    weight: &[f32],
    mirrored: bool,
    after: &Epilogue<'_>,
) -> Vec<f32> {
    if wide::is_worthwhile(g) {
        return wide::forward(g, maps, weight, mirrored, after);
    }
    let pairs = g.inputs * g.outputs;
    let room = POINTS * pairs + if mirrored { 0 } else { 9 * pairs };
    with_large_scratch(room, |scratch| {
        let (transformed, turned) = scratch.split_at_mut(POINTS * pairs);
        if mirrored {
            transform_weight(weight, g, true, transformed);
        } else {
            // Outputs together: so the product can read them without arranging them anew.
            exchange(9, g.inputs, weight, false, turned);
            transform_weight(turned, g, false, transformed);
        }
        products(g, maps, transformed, after)
    })
}

/// The outputs, from the transformed weight.
fn products(g: &Geometry, maps: &[f32], weight: &[f32], after: &Epilogue<'_>) -> Vec<f32> {
    let grid = Grid::of(g);
    let (inputs, outputs) = (g.inputs, g.outputs);
    let mut result = unfilled(g.places() * outputs);
    // Whole rows of tiles: their outputs lie together.
    let block = (grid.tiles / 8).clamp(BLOCK.start, BLOCK.end);
    let rows = (block / grid.across).max(1);
    slabs(g, grid, rows, &mut result).into_par_iter().for_each(|(tiles, start, slab)| {
        let count = tiles.len();
        with_scratch(POINTS * count * (inputs + outputs), |scratch| {
            let (seen, products) = scratch.split_at_mut(POINTS * count * inputs);
            let mut planes: Vec<_> = seen.chunks_mut(count * inputs).collect();
            transform_tiles::<Input, 6>(g, grid, tiles.clone(), maps, &mut planes);
            for (point, product) in products.chunks_mut(count * outputs).enumerate() {
                let weight = &weight[point * inputs * outputs..][..inputs * outputs];
                let weight = Matrix::rows(weight, inputs, outputs);
                let seen = Matrix::rows(planes[point], count, inputs);
                multiply(&mut MatrixMut::rows(product, count, outputs), seen, weight, false);
            }
            for (index, tile) in tiles.clone().enumerate() {
                untransform_tile(g, grid, tile, (products, index, count), start, slab, after);
            }
        });
    });
    result
}

/// Cuts the outputs into rows of tiles, `rows` at a time: the tiles, the first place, the outputs.
fn slabs<'a>(
    g: &Geometry,
    grid: Grid,
    rows: usize,
    mut result: &'a mut [f32],
) -> Vec<(Range<usize>, usize, &'a mut [f32])> {
    let all = g.batch * grid.down;
    // Places before a row of tiles.
    let before = |row: usize| {
        let (image, y) = (row / grid.down, row % grid.down * TILE);
        (image * g.out[0] + y) * g.out[1]
    };
    (0..all)
        .step_by(rows)
        .map(|row| {
            let end = (row + rows).min(all);
            let (slab, rest) =
                std::mem::take(&mut result).split_at_mut((before(end) - before(row)) * g.outputs);
            result = rest;
            (row * grid.across..end * grid.across, before(row), slab)
        })
        .collect()
}

/// Transforms what `tiles` see in maps of `I × I` pixels a tile, with padding where `I` is 6, into
/// one plane a point.
fn transform_tiles<T: transform::OneSide<I, 6>, const I: usize>(
    g: &Geometry,
    grid: Grid,
    tiles: Range<usize>,
    maps: &[f32],
    planes: &mut [&mut [f32]],
) {
    let (size, padding, channels) =
        if I == 6 { (g.size, g.padding, g.inputs) } else { (g.out, [0, 0], g.outputs) };
    for (index, tile) in tiles.enumerate() {
        let [image, top, left] = grid.place(tile);
        let image = &maps[image * size[0] * size[1] * channels..][..size[0] * size[1] * channels];
        let from = from_fn(|y| {
            let row = (top + y).checked_sub(padding[0]).filter(|&row| row < size[0]);
            from_fn(|x| {
                let column =
                    (left + x).checked_sub(padding[1]).filter(|&column| column < size[1])?;
                Some(&image[(row? * size[1] + column) * channels..][..channels])
            })
        });
        let mut planes = planes.iter_mut();
        let to = from_fn(|_| {
            from_fn(|_| planes.next().map(|plane| &mut plane[index * channels..][..channels]))
        });
        transform::<T, I, 6>(channels, from, to);
    }
}

/// Writes the outputs of a tile from column `index` of `count` of the products' planes; the slab
/// begins at place `start`.
fn untransform_tile(
    g: &Geometry,
    grid: Grid,
    tile: usize,
    (products, index, count): (&[f32], usize, usize),
    start: usize,
    slab: &mut [f32],
    after: &Epilogue<'_>,
) {
    let outputs = g.outputs;
    let from = from_fn(|y| {
        from_fn(|x| Some(&products[((y * 6 + x) * count + index) * outputs..][..outputs]))
    });
    let [image, top, left] = grid.place(tile);
    let first = (image * g.out[0] + top) * g.out[1] + left;
    let width = (g.out[1] - left).min(TILE) * outputs;
    let mut lines = slab[(first - start) * outputs..]
        .chunks_mut(g.out[1] * outputs)
        .take((g.out[0] - top).min(TILE));
    let mut written: [Option<&mut [f32]>; TILE] =
        from_fn(|_| lines.next().map(|line| &mut line[..width]));
    let to = written.each_mut().map(|line| {
        let mut pixels = line.as_deref_mut().into_iter().flat_map(|line| line.chunks_mut(outputs));
        from_fn(|_| pixels.next())
    });
    transform::<Output, 6, 4>(outputs, from, to);
    if after.is_nothing() {
        return;
    }
    for (y, line) in written.into_iter().flatten().enumerate() {
        after.finish(outputs, (first + y * g.out[1]) * outputs, line);
    }
}

/// Writes one matrix a point, `[inputs, outputs]`, from a kernel `[inputs, 3, 3, outputs]`, which
/// is taken backwards if `mirrored`.
fn transform_weight(weight: &[f32], g: &Geometry, mirrored: bool, result: &mut [f32]) {
    let (inputs, outputs) = (g.inputs, g.outputs);
    parts(result, inputs * outputs, outputs).into_par_iter().enumerate().for_each(
        |(input, planes)| {
            let kernel = &weight[input * 9 * outputs..][..9 * outputs];
            let from = from_fn(|y| {
                from_fn(|x| {
                    let place = y * 3 + x;
                    let place = if mirrored { 8 - place } else { place };
                    Some(&kernel[place * outputs..][..outputs])
                })
            });
            let mut planes = planes.into_iter();
            transform::<Weight, 3, 6>(outputs, from, from_fn(|_| from_fn(|_| planes.next())));
        },
    );
}

/// The same `part` numbers of every plane, for each part of them.
fn parts(values: &mut [f32], plane: usize, part: usize) -> Vec<Vec<&mut [f32]>> {
    let mut parts: Vec<Vec<_>> = Vec::new();
    parts.resize_with(plane.div_ceil(part), || Vec::with_capacity(POINTS));
    for plane in values.chunks_mut(plane) {
        for (parts, part) in parts.iter_mut().zip(plane.chunks_mut(part)) {
            parts.push(part);
        }
    }
    parts
}

/// `[outputs, 3, 3, inputs]`, summed over all tiles.
pub(super) fn weight_gradient(g: &Geometry, grad: &[f32], maps: &[f32]) -> Vec<f32> {
    let grid = Grid::of(g);
    let (inputs, outputs) = (g.inputs, g.outputs);
    let step = (STEP / POINTS / (inputs + outputs)).max(STEP_TILES).min(grid.tiles);
    let mut result = unfilled(outputs * 9 * inputs);
    let room = POINTS * (step * (inputs + outputs) + outputs * inputs);
    with_large_scratch(room, |scratch| {
        let (seen, scratch) = scratch.split_at_mut(POINTS * step * inputs);
        let (grads, sums) = scratch.split_at_mut(POINTS * step * outputs);
        sum_products(g, grid, step, (grad, maps), (seen, grads, sums));
        result.par_chunks_mut(9 * inputs).enumerate().for_each(|(output, result)| {
            let from = from_fn(|y| {
                from_fn(|x| Some(&sums[((y * 6 + x) * outputs + output) * inputs..][..inputs]))
            });
            let mut places = result.chunks_mut(inputs);
            let to = from_fn(|_| from_fn(|_| places.next()));
            transform::<WeightGradient, 6, 3>(inputs, from, to);
        });
    });
    result
}

/// One matrix a point, `[outputs, inputs]`: the products of what tiles see and their gradients,
/// summed over all tiles, `step` at a time.
fn sum_products(
    g: &Geometry,
    grid: Grid,
    step: usize,
    (grad, maps): (&[f32], &[f32]),
    (seen, grads, sums): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let (inputs, outputs) = (g.inputs, g.outputs);
    for start in (0..grid.tiles).step_by(step) {
        let count = step.min(grid.tiles - start);
        let seen = &mut seen[..POINTS * count * inputs];
        let grads = &mut grads[..POINTS * count * outputs];
        parts(seen, count * inputs, PIECE * inputs)
            .into_par_iter()
            .zip(parts(grads, count * outputs, PIECE * outputs))
            .enumerate()
            .for_each(|(piece, (mut seen, mut grads))| {
                let first = start + piece * PIECE;
                let tiles = first..(first + PIECE).min(start + count);
                transform_tiles::<Input, 6>(g, grid, tiles.clone(), maps, &mut seen);
                transform_tiles::<Gradient, 4>(g, grid, tiles, grad, &mut grads);
            });
        sums.par_chunks_mut(outputs * inputs).enumerate().for_each(|(point, sum)| {
            let seen = Matrix::rows(&seen[point * count * inputs..], count, inputs);
            let grads = Matrix::rows(&grads[point * count * outputs..], count, outputs);
            let mut sum = MatrixMut::rows(sum, outputs, inputs);
            multiply(&mut sum, grads.transposed(), seen, start > 0);
        });
    }
}
