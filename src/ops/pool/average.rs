//! Average pooling: over windows, and over whatever windows give a wanted size.

use std::ops::Range;

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::window::Windows;
#[cfg(feature = "cuda")]
use crate::ops::cuda;
use crate::ops::lanes::vectorized;
use crate::ops::values::{Values, new_tensor};

/// Average pooling as PyTorch's `AvgPool2d`, height before width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AveragePool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Pixels between two windows.
    pub stride: [usize; 2],
    /// At most half the kernel, on both sides.
    pub padding: [usize; 2],
    /// Whether the last windows may hang over the edge.
    pub ceil_mode: bool,
    /// Whether padding counts, as zeros. PyTorch's default.
    pub count_include_pad: bool,
}

impl AveragePool2d {
    fn windows(&self) -> Windows {
        let Self { kernel, stride, padding, ceil_mode, .. } = *self;
        Windows { kernel, stride, padding, ceil_mode }
    }

    /// Height and width of the pooled maps.
    pub fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.windows().output_size(size)
    }

    /// `maps` `[batch, height, width, channels]` to `[batch, out_height, out_width, channels]`.
    pub fn forward(&self, maps: &Tensor) -> Result<Tensor> {
        average(maps, &self.spans([maps.dim(1)?, maps.dim(2)?])?)
    }

    /// The gradient of maps of height and width `size`.
    pub fn input_gradient(&self, grad: &Tensor, size: [usize; 2]) -> Result<Tensor> {
        spread(grad, &self.spans(size)?, size)
    }

    fn spans(&self, size: [usize; 2]) -> Result<[Vec<Span>; 2]> {
        let windows = self.windows();
        let out = windows.output_size(size)?;
        let along = |axis: usize| {
            let span = |out: usize| {
                let inside = windows.inside(axis, out, size[axis]);
                let counted = if self.count_include_pad {
                    windows.padded_length(axis, out, size[axis])
                } else {
                    inside.len()
                };
                Span { inside, counted }
            };
            (0..out[axis]).map(span).collect()
        };
        Ok([along(0), along(1)])
    }
}

/// PyTorch's `AdaptiveAvgPool2d`: `maps` `[batch, height, width, channels]` to `[batch, out_height,
/// out_width, channels]`, output `o` of `n` over the pixels from `⌊o · size / n⌋` to `⌈(o + 1) ·
/// size / n⌉`.
pub fn adaptive_average_pool(maps: &Tensor, out: [usize; 2]) -> Result<Tensor> {
    average(maps, &adaptive_spans([maps.dim(1)?, maps.dim(2)?], out)?)
}

/// The gradient of maps of height and width `size`.
pub fn adaptive_average_pool_gradient(grad: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    spread(grad, &adaptive_spans(size, [grad.dim(1)?, grad.dim(2)?])?, size)
}

fn adaptive_spans(size: [usize; 2], out: [usize; 2]) -> Result<[Vec<Span>; 2]> {
    if size.contains(&0) || out.contains(&0) {
        bail!("average pooling of {size:?} pixels to {out:?}");
    }
    let along = |axis: usize| {
        let (size, out) = (size[axis], out[axis]);
        let span = |o: usize| {
            let inside = o * size / out..((o + 1) * size).div_ceil(out);
            Span { counted: inside.len(), inside }
        };
        (0..out).map(span).collect()
    };
    Ok([along(0), along(1)])
}

/// One window along one axis: the pixels it sees, and how many it divides by.
struct Span {
    inside: Range<usize>,
    counted: usize,
}

/// The windows as a card wants them, over maps of height and width `size`.
#[cfg(feature = "cuda")]
fn on_card(spans: &[Vec<Span>; 2], size: [usize; 2]) -> [cuda::Spans; 2] {
    let along = |axis: usize| {
        let numbers = |span: &Span| [span.inside.start, span.inside.end, span.counted];
        cuda::Spans { windows: spans[axis].iter().map(numbers).collect(), size: size[axis] }
    };
    [along(0), along(1)]
}

fn average(maps: &Tensor, spans: &[Vec<Span>; 2]) -> Result<Tensor> {
    let (batch, height, width, channels) = maps.dims4()?;
    #[cfg(feature = "cuda")]
    if maps.device().is_cuda() {
        return cuda::average(maps, &on_card(spans, [height, width]));
    }
    let [down, across] = spans;
    let maps = maps.contiguous()?;
    let values = Values::of(&maps);
    let values = values.slice()?;
    let mut result = vec![0.0; batch * down.len() * across.len() * channels];
    let line = (across.len() * channels).max(1);
    result.par_chunks_mut(line).enumerate().for_each(|(row, result)| {
        let map = &values[row / down.len() * height * width * channels..];
        let rows = &down[row % down.len()];
        vectorized(|| {
            for (result, columns) in result.chunks_mut(channels).zip(across) {
                for y in rows.inside.clone() {
                    for x in columns.inside.clone() {
                        let pixel = &map[(y * width + x) * channels..][..channels];
                        for (sum, value) in result.iter_mut().zip(pixel) {
                            *sum += value;
                        }
                    }
                }
                let share = 1.0 / (rows.counted * columns.counted) as f32;
                for sum in result {
                    *sum *= share;
                }
            }
        });
    });
    new_tensor(result, &Shape::from((batch, down.len(), across.len(), channels)), &maps)
}

fn spread(grad: &Tensor, spans: &[Vec<Span>; 2], [height, width]: [usize; 2]) -> Result<Tensor> {
    let (batch, out_h, out_w, channels) = grad.dims4()?;
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return cuda::spread(grad, &on_card(spans, [height, width]));
    }
    let [down, across] = spans;
    if [out_h, out_w] != [down.len(), across.len()] {
        bail!("average pooling: the gradient {:?} is of other maps", grad.dims());
    }
    let grad = grad.contiguous()?;
    let values = Values::of(&grad);
    let values = values.slice()?;
    let (image, pooled) = (height * width * channels, out_h * out_w * channels);
    let mut result = vec![0.0; batch * image];
    let images = result.par_chunks_mut(image.max(1)).zip(values.par_chunks(pooled.max(1)));
    images.for_each(|(image, grads)| {
        let places = down.iter().flat_map(|rows| across.iter().map(move |columns| (rows, columns)));
        vectorized(|| {
            for (grads, (rows, columns)) in grads.chunks(channels).zip(places) {
                let share = 1.0 / (rows.counted * columns.counted) as f32;
                for y in rows.inside.clone() {
                    for x in columns.inside.clone() {
                        let pixel = &mut image[(y * width + x) * channels..][..channels];
                        for (sum, grad) in pixel.iter_mut().zip(grads) {
                            *sum += grad * share;
                        }
                    }
                }
            }
        });
    });
    new_tensor(result, &Shape::from((batch, height, width, channels)), &grad)
}
