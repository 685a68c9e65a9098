//! Where pooling windows lie.

use std::ops::Range;

use candle_core::{Result, bail};

/// Windows of one pooling, height before width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) ceil_mode: bool,
}

impl Windows {
    /// Height and width of the pooled maps, as PyTorch counts them: with `ceil_mode` the last
    /// window may hang over the edge, but must begin inside the map or its left padding.
    pub(super) fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let along = |axis: usize| -> Result<usize> {
            let [kernel, stride, padding] =
                [self.kernel[axis], self.stride[axis], self.padding[axis]];
            if kernel == 0 || stride == 0 {
                bail!("pooling: kernel and stride must be above 0");
            }
            if 2 * padding > kernel {
                bail!("pooling: padding {padding} is more than half the kernel of {kernel}");
            }
            let padded = size[axis] + 2 * padding;
            if size[axis] == 0 || (padded < kernel && !self.ceil_mode) {
                bail!("pooling: a window of {kernel} pixels does not fit {padded}");
            }
            let room = padded.saturating_sub(kernel);
            if !self.ceil_mode {
                return Ok(room / stride + 1);
            }
            let count = room.div_ceil(stride) + 1;
            let begins_outside = (count - 1) * stride >= size[axis] + padding;
            Ok(if begins_outside { count - 1 } else { count })
        };
        Ok([along(0)?, along(1)?])
    }

    /// The part of the window of output `out` that lies inside the map.
    pub(super) fn inside(&self, axis: usize, out: usize, size: usize) -> Range<usize> {
        let start = out * self.stride[axis];
        let end = (start + self.kernel[axis]).saturating_sub(self.padding[axis]).min(size);
        start.saturating_sub(self.padding[axis]).min(end)..end
    }

    /// How many pixels the window of output `out` has inside the map and its padding.
    pub(super) fn padded_length(&self, axis: usize, out: usize, size: usize) -> usize {
        let start = out * self.stride[axis];
        (start + self.kernel[axis]).min(size + 2 * self.padding[axis]) - start
    }
}
