//! The unit of every bound on a perturbation.

/// Pixel levels of 0..255, as the papers count: `PixelLevels(4.0)` is 4/255 of a 0..1 pixel.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PixelLevels(pub f64);

impl PixelLevels {
    /// As a distance between pixels in 0..1.
    pub fn to_unit(self) -> f64 {
        self.0 / 255.0
    }
}
