//! From an image of any size to the model's input: the short side is scaled, the centre cut out, as
//! torchvision's `Resize` and `CenterCrop` do.

use super::resize::{Target, View, resize, to_planes};

/// Scale the short side to `resize`, then cut a square of `crop` out of the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentreCrop {
    /// Short side after scaling; at least `crop`.
    pub resize: usize,
    /// Side of the result.
    pub crop: usize,
}

impl CentreCrop {
    /// The usual evaluation of ImageNet models: 224 out of 256, other sizes in proportion.
    pub fn usual(crop: usize) -> Self {
        Self { resize: (crop * 8).div_ceil(7), crop }
    }

    /// Nothing but scaling to `side` (and cutting off what is not square).
    pub fn scale(side: usize) -> Self {
        Self { resize: side, crop: side }
    }

    fn target(self, height: usize, width: usize) -> Target {
        let short = height.min(width);
        let long_of = |side: usize| side * self.resize / short; // rounds down, as torchvision
        let (tall, wide) = if height <= width {
            (self.resize, long_of(width))
        } else {
            (long_of(height), self.resize)
        };
        // torchvision: int(round(…)), and Python rounds halves to even.
        let margin = |side: usize| ((side - self.crop) as f64 / 2.0).round_ties_even() as usize;
        Target {
            height: tall,
            width: wide,
            top: margin(tall),
            left: margin(wide),
            rows: self.crop,
            columns: self.crop,
        }
    }

    /// RGB `[height, width, 3]` → `[3, crop, crop]`.
    pub fn apply_rgb(self, pixels: &[u8], height: usize, width: usize) -> Vec<u8> {
        let view = View::whole(pixels, height, width);
        to_planes::<3>(&resize::<3>(view, self.target(height, width)))
    }

    /// `[channels, height, width]` → `[channels, crop, crop]`.
    pub fn apply_planes(self, pixels: &[u8], shape: [usize; 3]) -> Vec<u8> {
        let [_, height, width] = shape;
        let target = self.target(height, width);
        pixels
            .chunks_exact(height * width)
            .flat_map(|plane| resize::<1>(View::whole(plane, height, width), target))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_size_is_224_of_256() {
        assert_eq!(CentreCrop::usual(224), CentreCrop { resize: 256, crop: 224 });
    }

    /// torchvision 0.20: Resize(256) makes 341×256 of 500×375, CenterCrop(224) begins at (16, 58):
    /// 58.5 rounds to the even 58.
    #[test]
    fn sizes_and_margins_are_torchvisions() {
        let target = CentreCrop::usual(224).target(375, 500);
        let expected =
            Target { height: 256, width: 341, top: 16, left: 58, rows: 224, columns: 224 };
        assert_eq!(target, expected);
        let upright = CentreCrop::usual(224).target(500, 375);
        assert_eq!((upright.height, upright.width, upright.top, upright.left), (341, 256, 58, 16));
    }

    #[test]
    fn the_centre_is_what_is_left() {
        // One bright column in the middle of a 3×9 image.
        let mut plane = vec![0; 27];
        for row in 0..3 {
            plane[row * 9 + 4] = 200;
        }
        let out = CentreCrop::scale(3).apply_planes(&plane, [1, 3, 9]);
        assert_eq!(out, [0, 200, 0, 0, 200, 0, 0, 200, 0]);
        let rgb: Vec<u8> = plane.iter().flat_map(|&p| [p, 0, 255]).collect();
        let out = CentreCrop::scale(3).apply_rgb(&rgb, 3, 9);
        assert_eq!(&out[..9], [0, 200, 0, 0, 200, 0, 0, 200, 0]);
        assert_eq!(&out[9..18], [0; 9]);
        assert_eq!(&out[18..], [255; 9]);
    }
}
