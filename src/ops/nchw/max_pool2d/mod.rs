//! Max pooling with any kernel, stride and padding; the backward pass remembers who won.

mod cpu;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::ops::values::{Values, dims4, slice};
use cpu::Geometry;

/// Max pooling over squares, as PyTorch's `MaxPool2d` with `ceil_mode=False`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Side of the window.
    pub kernel: usize,
    /// Pixels between two windows.
    pub stride: usize,
    /// −∞ around the map, on every side; at most half the kernel.
    pub padding: usize,
}

impl MaxPool2d {
    /// `maps` `[batch, channels, height, width]`. Of equal numbers the first in reading order
    /// wins, and NaN wins over all, as in PyTorch.
    pub fn forward(&self, maps: &Tensor) -> Result<Tensor> {
        maps.contiguous()?.apply_op1(Op { pool: *self, winners: OnceLock::new() })
    }

    fn geometry(&self, height: usize, width: usize) -> Result<Geometry> {
        let Self { kernel, stride, padding } = *self;
        if kernel == 0 || stride == 0 {
            bail!("max pool: kernel and stride must be above 0");
        }
        if 2 * padding > kernel {
            bail!("max pool: padding {padding} is more than half the kernel {kernel}");
        }
        if height + 2 * padding < kernel || width + 2 * padding < kernel {
            bail!("max pool: a {kernel}×{kernel} window does not fit {height}×{width} maps");
        }
        Ok(Geometry {
            height,
            width,
            kernel,
            stride,
            padding,
            out_h: (height + 2 * padding - kernel) / stride + 1,
            out_w: (width + 2 * padding - kernel) / stride + 1,
        })
    }
}

struct Op {
    pool: MaxPool2d,
    /// For each output number the place in its map that it came from.
    winners: OnceLock<Vec<u32>>,
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "max pool"
    }

    fn cpu_fwd(&self, maps: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = dims4(layout)?;
        let g = self.pool.geometry(height, width)?;
        let (pooled, winners) = cpu::forward(&g, slice(maps, layout)?);
        if self.winners.set(winners).is_err() {
            bail!("a max pool ran twice");
        }
        Ok((CpuStorage::F32(pooled), Shape::from((batch, channels, g.out_h, g.out_w))))
    }

    fn bwd(&self, maps: &Tensor, _pooled: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Some(winners) = self.winners.get() else { bail!("max pool did not run") };
        let (_, _, height, width) = maps.dims4()?;
        let g = self.pool.geometry(height, width)?;
        let grad = grad.contiguous()?;
        let values = cpu::gradient(&g, Values::of(&grad).slice()?, winners);
        Ok(Some(Tensor::from_vec(values, maps.shape(), maps.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::ops::check::{assert_gradients, random};

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn agrees_with_candle_where_candle_can() {
        for (size, kernel, stride) in [(6, 2, 2), (7, 2, 2), (9, 3, 2), (5, 3, 1), (8, 2, 3)] {
            let maps = random("maps", &[2, 3, size, size + 1]);
            let pool = MaxPool2d { kernel, stride, padding: 0 };
            let expected = maps.max_pool2d_with_stride(kernel, stride).unwrap();
            let pooled = pool.forward(&maps).unwrap();
            assert_eq!(pooled.dims(), expected.dims());
            assert_eq!(values(&pooled), values(&expected));
        }
    }

    #[test]
    fn padding_never_wins() {
        let maps = (random("maps", &[1, 2, 5, 5]) - 10.0).unwrap();
        let pooled = MaxPool2d { kernel: 3, stride: 2, padding: 1 }.forward(&maps).unwrap();
        assert_eq!(pooled.dims(), [1, 2, 3, 3]);
        assert!(values(&pooled).iter().all(|value| (-11.0..=-9.0).contains(value)));
    }

    #[test]
    fn gradients_of_overlapping_windows_agree_with_finite_differences() {
        // All numbers at least 0.05 apart, so that no difference changes who wins.
        let maps: Vec<f32> = (0..72).map(|i| (i * 29 % 72) as f32 * 0.05).collect();
        let maps = Tensor::from_vec(maps, (1, 2, 6, 6), &Device::Cpu).unwrap();
        for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 0), (2, 3, 0)] {
            let pool = MaxPool2d { kernel, stride, padding };
            assert_gradients(std::slice::from_ref(&maps), |a| pool.forward(&a[0]));
        }
    }

    #[test]
    fn the_first_of_equals_gets_the_gradient_and_nan_is_not_hidden() {
        let pool = MaxPool2d { kernel: 2, stride: 2, padding: 0 };
        let maps = Var::new(&[[[[1f32, 1.0], [1.0, 1.0]]]], &Device::Cpu).unwrap();
        let grads = pool.forward(&maps).unwrap().sum_all().unwrap().backward().unwrap();
        assert_eq!(values(grads.get(&maps).unwrap()), [1.0, 0.0, 0.0, 0.0]);
        let maps = Tensor::new(&[[[[1f32, f32::NAN], [2.0, 0.0]]]], &Device::Cpu).unwrap();
        assert!(values(&pool.forward(&maps).unwrap())[0].is_nan());
    }

    #[test]
    fn windows_that_do_not_fit_are_errors() {
        let maps = random("maps", &[1, 1, 3, 3]);
        for (kernel, stride, padding) in [(4, 1, 0), (0, 1, 0), (2, 0, 0), (2, 1, 2)] {
            assert!(MaxPool2d { kernel, stride, padding }.forward(&maps).is_err());
        }
    }
}
