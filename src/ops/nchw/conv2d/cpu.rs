//! Convolution on the CPU: unfold a few rows of one image, multiply, fold back.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::ops::lanes::vectorized;
use crate::ops::nchw::channel_affine::{Activation, relu};

/// Sizes of one convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) inputs: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) outputs: usize,
    pub(super) kernel_h: usize,
    pub(super) kernel_w: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) out_h: usize,
    pub(super) out_w: usize,
}

/// Numbers of an unfolded tile: 512 KiB, a quarter of the second-level cache of today's servers,
/// so that what was unfolded is still there when it is multiplied.
const TILE: usize = 128 * 1024;

/// Images whose weight gradients are added up in one piece of work. Fixed, so that the order of
/// additions does not depend on the number of threads.
const IMAGES_A_SUM: usize = 8;

impl Geometry {
    /// Rows of the unfolded matrix: the numbers under the kernel.
    fn patch(&self) -> usize {
        self.inputs * self.kernel_h * self.kernel_w
    }

    /// Numbers of one image.
    fn image(&self) -> usize {
        self.inputs * self.height * self.width
    }

    /// Places of the kernel in one image.
    fn places(&self) -> usize {
        self.out_h * self.out_w
    }

    /// Whether an image is its own unfolded matrix.
    fn is_pointwise(&self) -> bool {
        self.kernel_h == 1 && self.kernel_w == 1 && self.stride == 1 && self.padding == 0
    }

    /// Output rows, cut so that a tile fits [`TILE`].
    fn tiles(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let out_h = self.out_h;
        let rows = (TILE / (self.patch() * self.out_w).max(1)).clamp(1, out_h.max(1));
        (0..out_h).step_by(rows).map(move |start| start..(start + rows).min(out_h))
    }

    /// For kernel column `k`: the output columns that read inside the image, and the input column
    /// that the first of them reads.
    fn inside(&self, k: usize, size: usize, out: usize) -> (Range<usize>, usize) {
        let first = self.padding.saturating_sub(k).div_ceil(self.stride).min(out);
        let last = (size + self.padding).saturating_sub(k).div_ceil(self.stride).min(out);
        let range = first..last.max(first);
        let start = (first * self.stride + k).saturating_sub(self.padding);
        (range, start)
    }
}

thread_local! {
    /// The unfolded tile of this thread; it keeps its size from one call to the next.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `len` numbers of scratch, whose content is arbitrary.
fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        work(&mut scratch[..len])
    })
}

/// `[batch, outputs, out_h, out_w]`.
pub(super) fn forward(
    g: &Geometry,
    images: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let (patch, places) = (g.patch(), g.places());
    let mut maps = vec![0.0; g.batch * g.outputs * places];
    maps.par_chunks_mut((g.outputs * places).max(1))
        .zip(images.par_chunks(g.image().max(1)))
        .for_each(|(maps, image)| {
            if let Some(bias) = bias {
                for (map, &bias) in maps.chunks_mut(places).zip(bias) {
                    map.fill(bias);
                }
            }
            let weight = Matrix::rows(weight, g.outputs, patch);
            for_tiles(g, image, |columns, start, count| {
                let unfolded = Matrix::part(columns, patch, count);
                let mut target = MatrixMut::columns(maps, g.outputs, places, start, count);
                multiply(&mut target, weight, unfolded, bias.is_some());
            });
            if activation == Activation::Relu {
                vectorized(|| maps.iter_mut().for_each(|value| *value = relu(*value)));
            }
        });
    maps
}

/// Unfolds the tiles of `image` one after the other: `work(columns, start, count)` gets the matrix
/// `[patch, count]` of the places from `start` on, and its distance between two rows.
fn for_tiles(g: &Geometry, image: &[f32], mut work: impl FnMut((&[f32], usize), usize, usize)) {
    if g.is_pointwise() {
        return work((image, g.places()), 0, g.places());
    }
    for rows in g.tiles() {
        let count = rows.len() * g.out_w;
        let start = rows.start * g.out_w;
        with_scratch(g.patch() * count, |columns| {
            vectorized(|| unfold(g, image, rows, columns));
            work((columns, count), start, count);
        });
    }
}

/// The gradient before a ReLU that gave `maps`.
pub(super) fn relu_gradient(maps: &[f32], grad: &[f32]) -> Vec<f32> {
    // 16 KiB: large enough to be worth a thread's while, small enough to share out evenly.
    const PIECE: usize = 4096;
    let mut result = vec![0.0; grad.len()];
    result.par_chunks_mut(PIECE).zip(maps.par_chunks(PIECE).zip(grad.par_chunks(PIECE))).for_each(
        |(result, (maps, grad))| {
            vectorized(|| {
                for ((result, &map), &grad) in result.iter_mut().zip(maps).zip(grad) {
                    *result = if map <= 0.0 { 0.0 } else { grad };
                }
            });
        },
    );
    result
}

/// `[batch, inputs, height, width]` from `[batch, outputs, out_h, out_w]`.
pub(super) fn input_gradient(g: &Geometry, grad: &[f32], weight: &[f32]) -> Vec<f32> {
    let (patch, places) = (g.patch(), g.places());
    let mut result = vec![0.0; g.batch * g.image()];
    result
        .par_chunks_mut(g.image().max(1))
        .zip(grad.par_chunks((g.outputs * places).max(1)))
        .for_each(|(image, grad)| {
            let weight = Matrix::rows(weight, g.outputs, patch).transposed();
            if g.is_pointwise() {
                let grad = Matrix::rows(grad, g.outputs, places);
                let mut target = MatrixMut::columns(image, patch, places, 0, places);
                return multiply(&mut target, weight, grad, false);
            }
            for rows in g.tiles() {
                let count = rows.len() * g.out_w;
                let grad = Matrix::columns(grad, g.outputs, places, rows.start * g.out_w, count);
                with_scratch(patch * count, |columns| {
                    let mut target = MatrixMut::columns(columns, patch, count, 0, count);
                    multiply(&mut target, weight, grad, false);
                    vectorized(|| fold(g, columns, rows, image));
                });
            }
        });
    result
}

/// `[outputs, inputs, kernel_h, kernel_w]`, summed over the batch.
pub(super) fn weight_gradient(g: &Geometry, grad: &[f32], images: &[f32]) -> Vec<f32> {
    let (patch, places) = (g.patch(), g.places());
    let sums: Vec<Vec<f32>> = images
        .par_chunks((IMAGES_A_SUM * g.image()).max(1))
        .zip(grad.par_chunks((IMAGES_A_SUM * g.outputs * places).max(1)))
        .map(|(images, grads)| {
            let mut sum = vec![0.0; g.outputs * patch];
            let grads = grads.chunks(g.outputs * places);
            for (image, grad) in images.chunks(g.image()).zip(grads) {
                for_tiles(g, image, |columns, start, count| {
                    let grad = Matrix::columns(grad, g.outputs, places, start, count);
                    let unfolded = Matrix::part(columns, patch, count).transposed();
                    let mut target = MatrixMut::columns(&mut sum, g.outputs, patch, 0, patch);
                    multiply(&mut target, grad, unfolded, true);
                });
            }
            sum
        })
        .collect();
    let mut sums = sums.into_iter();
    let mut total = sums.next().unwrap_or_else(|| vec![0.0; g.outputs * patch]);
    for sum in sums {
        add(&mut total, &sum);
    }
    total
}

/// `[outputs]`: the sum of each output's maps of `places` numbers over the batch.
pub(super) fn bias_gradient(grad: &[f32], outputs: usize, places: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; outputs];
    for maps in grad.chunks((outputs * places).max(1)) {
        for (sum, map) in sums.iter_mut().zip(maps.chunks(places)) {
            *sum += map.iter().map(|&value| f64::from(value)).sum::<f64>();
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn add(target: &mut [f32], source: &[f32]) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += source;
    }
}

/// Writes what the kernel sees at the places of output `rows`: row `(channel, ky, kx)` of
/// `columns` holds one number a place, zeros where the kernel hangs over the edge.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn unfold(g: &Geometry, image: &[f32], rows: Range<usize>, columns: &mut [f32]) {
    let count = rows.len() * g.out_w;
    let (kernel_w, kernel) = (g.kernel_w, g.kernel_h * g.kernel_w);
    for (index, column) in columns.chunks_mut(count).enumerate() {
        let (channel, ky, kx) = (index / kernel, index % kernel / kernel_w, index % kernel_w);
        let plane = &image[channel * g.height * g.width..][..g.height * g.width];
        let (inside, start) = g.inside(kx, g.width, g.out_w);
        for (line, y) in column.chunks_mut(g.out_w).zip(rows.clone()) {
            let y = y * g.stride + ky;
            if y < g.padding || y >= g.height + g.padding || inside.is_empty() {
                line.fill(0.0);
                continue;
            }
            let source = &plane[(y - g.padding) * g.width..][..g.width][start..];
            line[..inside.start].fill(0.0);
            line[inside.end..].fill(0.0);
            let line = &mut line[inside.clone()];
            if g.stride == 1 {
                line.copy_from_slice(&source[..line.len()]);
            } else {
                for (target, source) in line.iter_mut().zip(source.iter().step_by(g.stride)) {
                    *target = *source;
                }
            }
        }
    }
}

/// The transpose of [`unfold`]: adds every number of `columns` to the pixel it was read from.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
fn fold(g: &Geometry, columns: &[f32], rows: Range<usize>, image: &mut [f32]) {
    let count = rows.len() * g.out_w;
    let (kernel_w, kernel) = (g.kernel_w, g.kernel_h * g.kernel_w);
    for (index, column) in columns.chunks(count).enumerate() {
        let (channel, ky, kx) = (index / kernel, index % kernel / kernel_w, index % kernel_w);
        let plane = &mut image[channel * g.height * g.width..][..g.height * g.width];
        let (inside, start) = g.inside(kx, g.width, g.out_w);
        for (line, y) in column.chunks(g.out_w).zip(rows.clone()) {
            let y = y * g.stride + ky;
            if y < g.padding || y >= g.height + g.padding || inside.is_empty() {
                continue;
            }
            let target = &mut plane[(y - g.padding) * g.width..][..g.width][start..];
            let line = &line[inside.clone()];
            if g.stride == 1 {
                add(&mut target[..line.len()], line);
            } else {
                for (target, source) in target.iter_mut().step_by(g.stride).zip(line) {
                    *target += *source;
                }
            }
        }
    }
}

/// A matrix inside a slice, `stride` numbers from row to row (and from column to column).
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// All of `values`, row by row.
    fn rows(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::columns(values, rows, columns, 0, columns)
    }

    /// Columns `start..start + count` of the matrix of `rows` rows of `width` numbers.
    fn columns(values: &'a [f32], rows: usize, width: usize, start: usize, count: usize) -> Self {
        assert!(start + count <= width && values.len() >= rows * width, "matrix out of its slice");
        let values = if rows == 0 || count == 0 { &[] } else { &values[start..] };
        Self { values, rows, columns: count, row_stride: width, column_stride: 1 }
    }

    /// `rows` rows of `count` numbers, `values.1` numbers apart.
    fn part((values, width): (&'a [f32], usize), rows: usize, count: usize) -> Self {
        Self::columns(values, rows, width, 0, count)
    }

    fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix to write to, row by row.
struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// As [`Matrix::columns`].
    fn columns(
        values: &'a mut [f32],
        rows: usize,
        width: usize,
        start: usize,
        count: usize,
    ) -> Self {
        assert!(start + count <= width && values.len() >= rows * width, "matrix out of its slice");
        let values = if rows == 0 || count == 0 { &mut [] } else { &mut values[start..] };
        Self { values, rows, columns: count, row_stride: width }
    }
}

/// `target = left · right`, or `target += left · right`, on this thread alone.
fn multiply(target: &mut MatrixMut<'_>, left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    assert_eq!(
        (target.rows, target.columns, left.columns),
        (left.rows, right.columns, right.rows),
        "matrix shapes"
    );
    if target.rows == 0 || target.columns == 0 {
        return;
    }
    #[allow(unsafe_code, reason = "gemm takes pointers; the constructors checked every extent")]
    // SAFETY: each matrix's last number lies inside its slice (asserted where it was made), the
    // strides are below isize::MAX, and `target` is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            target.rows,
            target.columns,
            left.columns,
            target.values.as_mut_ptr(),
            1,
            target.row_stride as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
