//! Max pooling.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::window::Windows;
#[cfg(feature = "cuda")]
use crate::ops::cuda;
use crate::ops::lanes::vectorized;
use crate::ops::values::{Values, new_tensor};

/// Max pooling as PyTorch's `MaxPool2d`, height before width; padding never wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Pixels between two windows.
    pub stride: [usize; 2],
    /// At most half the kernel, on both sides.
    pub padding: [usize; 2],
    /// Whether the last windows may hang over the edge.
    pub ceil_mode: bool,
}

/// Which pixel of its map won each window: the way back for the gradient.
#[derive(Debug, Clone)]
pub struct Winners(Places);

#[derive(Debug, Clone)]
enum Places {
    /// On the CPU.
    Host(Vec<u32>),
    /// On the card of the maps, of the shape of the pooled ones.
    #[cfg(feature = "cuda")]
    Card(Tensor),
}

impl Winners {
    fn count(&self) -> usize {
        match &self.0 {
            Places::Host(places) => places.len(),
            #[cfg(feature = "cuda")]
            Places::Card(places) => places.elem_count(),
        }
    }

    #[cfg_attr(not(feature = "cuda"), allow(clippy::unnecessary_wraps, reason = "they are here"))]
    fn on_host(&self) -> Option<&[u32]> {
        match &self.0 {
            Places::Host(places) => Some(places),
            #[cfg(feature = "cuda")]
            Places::Card(_) => None,
        }
    }
}

impl MaxPool2d {
    /// Square windows without padding.
    pub fn square(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil_mode: false }
    }

    fn windows(&self) -> Windows {
        let Self { kernel, stride, padding, ceil_mode } = *self;
        Windows { kernel, stride, padding, ceil_mode }
    }

    #[cfg(feature = "cuda")]
    fn sizes(&self, size: [usize; 2], out: [usize; 2]) -> cuda::Sizes {
        let Self { kernel, stride, padding, .. } = *self;
        cuda::Sizes { size, out, kernel, stride, padding }
    }

    /// Height and width of the pooled maps.
    pub fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.windows().output_size(size)
    }

    /// `maps` `[batch, height, width, channels]` to `[batch, out_height, out_width, channels]`. NaN
    /// wins, as in PyTorch; of equals the first.
    pub fn forward(&self, maps: &Tensor) -> Result<(Tensor, Winners)> {
        let (batch, height, width, channels) = maps.dims4()?;
        let windows = self.windows();
        let out = windows.output_size([height, width])?;
        if height * width > u32::MAX as usize {
            bail!("max pooling: maps of {height}×{width} pixels are too large");
        }
        #[cfg(feature = "cuda")]
        if maps.device().is_cuda() {
            let (pooled, places) = cuda::max_pool(maps, &self.sizes([height, width], out))?;
            return Ok((pooled, Winners(Places::Card(places))));
        }
        let maps = maps.contiguous()?;
        let values = Values::of(&maps);
        let values = values.slice()?;
        let count = batch * out[0] * out[1] * channels;
        let (mut pooled, mut winners) = (vec![0.0; count], vec![0; count]);
        let line = (out[1] * channels).max(1);
        pooled.par_chunks_mut(line).zip(winners.par_chunks_mut(line)).enumerate().for_each(
            |(row, (pooled, winners))| {
                let (image, y) = (row / out[0], row % out[0]);
                let map = &values[image * height * width * channels..];
                let rows = windows.inside(0, y, height);
                let places = pooled.chunks_mut(channels).zip(winners.chunks_mut(channels));
                vectorized(|| {
                    for (x, (pooled, winners)) in places.enumerate() {
                        let mut first = true;
                        for y in rows.clone() {
                            for x in windows.inside(1, x, width) {
                                let place = y * width + x;
                                let pixel = &map[place * channels..][..channels];
                                let best = pooled.iter_mut().zip(winners.iter_mut());
                                for ((best, winner), &value) in best.zip(pixel) {
                                    let wins = first || value > *best || value.is_nan();
                                    *best = if wins { value } else { *best };
                                    *winner = if wins { place as u32 } else { *winner };
                                }
                                first = false;
                            }
                        }
                    }
                });
            },
        );
        let shape = Shape::from((batch, out[0], out[1], channels));
        Ok((new_tensor(pooled, &shape, &maps)?, Winners(Places::Host(winners))))
    }

    /// The gradient of maps of height and width `size`: each window's goes to its winner.
    pub fn input_gradient(
        &self,
        grad: &Tensor,
        winners: &Winners,
        size: [usize; 2],
    ) -> Result<Tensor> {
        let (batch, out_h, out_w, channels) = grad.dims4()?;
        if [out_h, out_w] != self.output_size(size)? || winners.count() != grad.elem_count() {
            bail!("max pooling: the gradient {:?} is of other maps", grad.dims());
        }
        #[cfg(feature = "cuda")]
        if let Places::Card(places) = &winners.0 {
            return cuda::max_pool_gradient(grad, places, &self.sizes(size, [out_h, out_w]));
        }
        let Some(winners) = winners.on_host() else {
            bail!("max pooling: the gradient is not on the card of the maps")
        };
        let grad = grad.contiguous()?;
        let values = Values::of(&grad);
        let values = values.slice()?;
        let (image, pooled) = (size[0] * size[1] * channels, out_h * out_w * channels);
        let mut result = vec![0.0; batch * image];
        result
            .par_chunks_mut(image.max(1))
            .zip(values.par_chunks(pooled.max(1)).zip(winners.par_chunks(pooled.max(1))))
            .for_each(|(image, (grads, winners))| {
                let places = grads.chunks(channels).zip(winners.chunks(channels));
                for (grads, winners) in places {
                    for (channel, (grad, &winner)) in grads.iter().zip(winners).enumerate() {
                        image[winner as usize * channels + channel] += grad;
                    }
                }
            });
        new_tensor(result, &Shape::from((batch, size[0], size[1], channels)), &grad)
    }
}
