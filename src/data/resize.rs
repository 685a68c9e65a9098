//! Antialiased bilinear resizing of 8-bit images, by Pillow's method: a triangle filter as wide as
//! the shrinking asks for, first along the rows, then along the columns, in fixed point.

/// Pillow's fixed point: 8 bits of pixel, 2 bits to spare for the sum (`Resample.c`).
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// A rectangle of an image whose rows are `stride` pixels apart, channels interleaved.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) stride: usize,
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl<'a> View<'a> {
    /// All of an image.
    pub(super) fn whole(pixels: &'a [u8], height: usize, width: usize) -> Self {
        Self { pixels, stride: width, left: 0, top: 0, width, height }
    }
}

/// What to make: the view is scaled to `height` × `width`, and of that the rectangle of `rows` ×
/// `columns` that begins at (`top`, `left`) is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Target {
    /// The whole scaled image.
    pub(super) fn whole(height: usize, width: usize) -> Self {
        Self { height, width, top: 0, left: 0, rows: height, columns: width }
    }
}

/// Scales `view` (channels interleaved, `C` of them) to `target`, channels interleaved again.
/// No side of either may be 0.
pub(super) fn resize<const C: usize>(view: View<'_>, target: Target) -> Vec<u8> {
    let across = Weights::new(view.width, target.width, target.left, target.columns);
    let down = Weights::new(view.height, target.height, target.top, target.rows);
    let first_row = down.starts.first().copied().unwrap_or(0);
    let last_row = down.starts.last().map_or(0, |start| start + down.taps).min(view.height);

    let mut narrowed = Vec::with_capacity((last_row - first_row) * target.columns * C);
    for row in first_row..last_row {
        let begin = ((view.top + row) * view.stride + view.left) * C;
        squeeze_row::<C>(&view.pixels[begin..begin + view.width * C], &across, &mut narrowed);
    }

    let length = target.columns * C;
    let mut out = Vec::with_capacity(target.rows * length);
    let mut sums = vec![0_i32; length];
    for (start, weights) in down.outputs() {
        sums.fill(HALF);
        for (tap, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0) {
            let begin = (start - first_row + tap) * length;
            for (sum, &pixel) in sums.iter_mut().zip(&narrowed[begin..begin + length]) {
                *sum += weight * i32::from(pixel);
            }
        }
        out.extend(sums.iter().map(|&sum| level(sum)));
    }
    out
}

const HALF: i32 = 1 << (PRECISION_BITS - 1);

fn level(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

fn squeeze_row<const C: usize>(row: &[u8], across: &Weights, out: &mut Vec<u8>) {
    for (start, weights) in across.outputs() {
        let mut sums = [HALF; C];
        let taps = row[start * C..].chunks_exact(C).zip(weights);
        for (pixel, &weight) in taps {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += weight * i32::from(value);
            }
        }
        out.extend(sums.map(level));
    }
}

/// For each output position along one side: where its inputs begin and how much each counts.
struct Weights {
    starts: Vec<usize>,
    /// `taps` for each output; 0 beyond the end of the image.
    values: Vec<i32>,
    taps: usize,
}

impl Weights {
    fn new(input: usize, output: usize, first: usize, count: usize) -> Self {
        let scale = input as f64 / output as f64;
        let reach = scale.max(1.0); // half the triangle's width, in input pixels
        let taps = reach.ceil() as usize * 2 + 1;
        let mut starts = Vec::with_capacity(count);
        let mut values = Vec::with_capacity(count * taps);
        let mut exact = vec![0.0; taps];
        for position in first..first + count {
            let centre = (position as f64 + 0.5) * scale;
            let start = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(input);
            exact.fill(0.0);
            for (weight, pixel) in exact.iter_mut().zip(start..end) {
                let distance = (pixel as f64 + 0.5 - centre) / reach;
                *weight = (1.0 - distance.abs()).max(0.0);
            }
            let sum: f64 = exact.iter().sum();
            starts.push(start);
            let unit = f64::from(1_u32 << PRECISION_BITS);
            values.extend(exact.iter().map(|weight| (weight / sum * unit + 0.5) as i32));
        }
        Self { starts, values, taps }
    }

    fn outputs(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.starts.iter().copied().zip(self.values.chunks_exact(self.taps))
    }
}

/// `[height, width, C]` → `[C, height, width]`.
pub(super) fn to_planes<const C: usize>(interleaved: &[u8]) -> Vec<u8> {
    (0..C).flat_map(|channel| interleaved.iter().skip(channel).step_by(C).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_size_changes_nothing() {
        let pixels: Vec<u8> = (0..5 * 7 * 3).map(|i| (i * 37 % 256) as u8).collect();
        assert_eq!(resize::<3>(View::whole(&pixels, 5, 7), Target::whole(5, 7)), pixels);
    }

    /// By hand: scale 2, reach 2, output 0 weighs pixels 0, 1, 2 (centre 1) by 3/4, 3/4, 1/4 of
    /// their sum 7/4: (3·10 + 3·20 + 30) / 7 = 17.1; output 1 is its mirror: (20 + 3·30 + 3·40) / 7.
    #[test]
    fn halving_weighs_by_a_triangle_of_twice_the_width() {
        let row = [10, 20, 30, 40];
        assert_eq!(resize::<1>(View::whole(&row, 1, 4), Target::whole(1, 2)), [17, 33]);
        assert_eq!(resize::<1>(View::whole(&row, 4, 1), Target::whole(2, 1)), [17, 33]);
    }

    /// By hand: centres ¼, ¾, 1¼, 1¾ of pixels at ½ and 1½.
    #[test]
    fn doubling_interpolates_between_neighbours() {
        let row = [0, 100];
        assert_eq!(resize::<1>(View::whole(&row, 1, 2), Target::whole(1, 4)), [0, 25, 75, 100]);
    }

    /// Pillow 13.0: `Image.fromarray(pixels).resize((width, height), Image.BILINEAR)`, where
    /// `pixels` are `numpy.arange(h * w) * 7919 % 251`.
    #[test]
    fn results_are_pillows_to_the_bit() {
        let scaled = |(height, width), (tall, wide)| {
            let pixels: Vec<u8> = (0..height * width).map(|i| (i * 7919 % 251) as u8).collect();
            resize::<1>(View::whole(&pixels, height, width), Target::whole(tall, wide))
        };
        let smaller = [
            95, 128, 133, 152, 122, 117, 143, 129, 114, 136, 139, 116, 139, 140, 122, 122, 131,
            127, 107, 127, 138, 121, 137, 122,
        ];
        assert_eq!(scaled((9, 13), (4, 6)), smaller);
        let larger = [
            0, 49, 128, 82, 35, 114, 163, 17, 66, 145, 99, 52, 131, 180, 44, 93, 172, 126, 79, 158,
            207, 72, 121, 200, 154, 99, 114, 124, 100, 149, 228, 182, 117, 52, 12, 128, 127, 126,
            140, 145, 80, 40, 156, 116, 51, 112, 173, 108, 68, 183, 143, 78, 139, 200, 135, 95,
            200, 160, 95, 156, 217, 152, 112,
        ];
        assert_eq!(scaled((5, 4), (9, 7)), larger);
        let far_smaller = [
            125, 118, 136, 124, 121, 121, 121, 128, 127, 123, 117, 131, 122, 127, 121, 130, 123,
            129, 126, 112, 125, 129, 127, 124, 117, 120, 131, 124, 123, 119, 137, 125, 126, 128,
            111,
        ];
        assert_eq!(scaled((30, 40), (7, 5)), far_smaller);
    }

    #[test]
    fn planes_hold_one_channel_each() {
        assert_eq!(to_planes::<3>(&[1, 2, 3, 4, 5, 6]), [1, 4, 2, 5, 3, 6]);
    }

    proptest! {
        #[test]
        fn a_flat_image_stays_flat_and_a_window_is_a_part_of_the_whole(
            (height, width) in (1_usize..40, 1_usize..40),
            (tall, wide) in (1_usize..40, 1_usize..40),
            value: u8, fractions in (0.0..1.0, 0.0..1.0),
        ) {
            let flat = vec![value; height * width];
            let view = View::whole(&flat, height, width);
            let out = resize::<1>(view, Target::whole(tall, wide));
            prop_assert!(out.iter().all(|&pixel| pixel == value));

            let noise: Vec<u8> = (0..height * width).map(|i| (i * 7919 % 251) as u8).collect();
            let view = View::whole(&noise, height, width);
            let whole = resize::<1>(view, Target::whole(tall, wide));
            let top = (tall as f64 * fractions.0) as usize;
            let left = (wide as f64 * fractions.1) as usize;
            let (rows, columns) = (tall - top, wide - left);
            let target = Target { height: tall, width: wide, top, left, rows, columns };
            let part = resize::<1>(view, target);
            for row in 0..rows {
                let begin = (top + row) * wide + left;
                prop_assert_eq!(&part[row * columns..][..columns], &whole[begin..][..columns]);
            }
        }
    }
}
