//! The sizes of one convolution, and which pixels a place of the kernel sees.

use std::ops::Range;

/// Sizes of one convolution. Maps are `[batch, height, width, channels]`; a pair is height, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ops) struct Geometry {
    pub(in crate::ops) batch: usize,
    pub(in crate::ops) size: [usize; 2],
    pub(in crate::ops) inputs: usize,
    pub(in crate::ops) outputs: usize,
    pub(in crate::ops) out: [usize; 2],
    pub(in crate::ops) kernel: [usize; 2],
    pub(in crate::ops) stride: [usize; 2],
    pub(in crate::ops) padding: [usize; 2],
    pub(in crate::ops) dilation: [usize; 2],
    pub(in crate::ops) groups: usize,
}

impl Geometry {
    /// Input channels of a group.
    pub(in crate::ops) fn group_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    /// Output channels of a group.
    pub(in crate::ops) fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Numbers that one output sees: a row of the unfolded matrix.
    pub(in crate::ops) fn patch(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.group_inputs()
    }

    /// Numbers of one image's input.
    pub(in crate::ops) fn image(&self) -> usize {
        self.size[0] * self.size[1] * self.inputs
    }

    /// Places of the kernel in all images.
    pub(super) fn places(&self) -> usize {
        self.batch * self.out[0] * self.out[1]
    }

    /// Whether the input is its own unfolded matrix.
    pub(in crate::ops) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding == [0, 0] && self.groups == 1
    }

    /// Whether Winograd's 3×3 algorithm applies.
    pub(super) fn is_plain_3x3(&self) -> bool {
        self.kernel == [3, 3]
            && self.stride == [1, 1]
            && self.dilation == [1, 1]
            && self.groups == 1
    }

    /// The convolution with stride 1 that takes the gradient of the outputs to that of the inputs,
    /// given the weight mirrored in both directions with inputs and outputs exchanged.
    pub(super) fn mirrored(&self) -> Option<Self> {
        if self.stride != [1, 1] || self.groups != 1 {
            return None;
        }
        let pad = |axis: usize| {
            (self.dilation[axis] * (self.kernel[axis] - 1)).checked_sub(self.padding[axis])
        };
        Some(Self {
            size: self.out,
            inputs: self.outputs,
            outputs: self.inputs,
            out: self.size,
            padding: [pad(0)?, pad(1)?],
            ..*self
        })
    }

    /// The row that kernel row `k` sees from output row `out`, if it is inside the image.
    pub(super) fn row(&self, out: usize, k: usize) -> Option<usize> {
        let y = (out * self.stride[0] + k * self.dilation[0]).checked_sub(self.padding[0])?;
        (y < self.size[0]).then_some(y)
    }

    /// The kernel columns that lie inside the image at output column `out`, and the image column
    /// that the first of them sees.
    pub(super) fn columns(&self, out: usize) -> (Range<usize>, usize) {
        let start = out * self.stride[1];
        let first = self.padding[1].saturating_sub(start).div_ceil(self.dilation[1]);
        let end = (self.size[1] + self.padding[1]).saturating_sub(start).div_ceil(self.dilation[1]);
        let end = end.min(self.kernel[1]);
        let first = first.min(end);
        (first..end, (start + first * self.dilation[1]).saturating_sub(self.padding[1]))
    }

    /// Image, row and column of each place from `start` on.
    pub(super) fn walk(&self, places: Range<usize>) -> impl Iterator<Item = [usize; 3]> + use<> {
        let [height, width] = self.out;
        let mut at = [
            places.start / (height * width).max(1),
            places.start / width.max(1) % height.max(1),
            places.start % width.max(1),
        ];
        places.map(move |_| {
            let here = at;
            at[2] += 1;
            if at[2] == width {
                at[2] = 0;
                at[1] += 1;
                if at[1] == height {
                    at[1] = 0;
                    at[0] += 1;
                }
            }
            here
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_inside_the_image() {
        for (size, kernel, stride, padding, dilation) in
            [(7, 3, 1, 1, 1), (8, 5, 2, 2, 1), (9, 3, 1, 2, 2), (5, 3, 3, 3, 1), (4, 2, 1, 3, 3)]
        {
            let out = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
            let g = Geometry {
                batch: 2,
                size: [size, size],
                inputs: 1,
                outputs: 1,
                out: [out, out],
                kernel: [kernel, kernel],
                stride: [stride, stride],
                padding: [padding, padding],
                dilation: [dilation, dilation],
                groups: 1,
            };
            for o in 0..out {
                let seen: Vec<(usize, usize)> = (0..kernel)
                    .filter_map(|k| {
                        let x = (o * stride + k * dilation).checked_sub(padding)?;
                        (x < size).then_some((k, x))
                    })
                    .collect();
                let (columns, first) = g.columns(o);
                let ours: Vec<_> =
                    columns.clone().map(|k| (k, first + (k - columns.start) * dilation)).collect();
                assert_eq!(ours, seen, "{g:?} at {o}");
                for k in 0..kernel {
                    let row = seen.iter().find(|seen| seen.0 == k).map(|seen| seen.1);
                    assert_eq!(g.row(o, k), row);
                }
            }
            let all: Vec<_> = g.walk(0..g.places()).collect();
            assert_eq!(all.len(), 2 * out * out);
            assert_eq!(g.walk(out + 1..out + 2).next(), Some(all[out + 1]));
            assert_eq!(all[out * out], [1, 0, 0]);
        }
    }
}
