//! How large a perturbation is, and what a network says: measured, never assumed.

use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Sizes of the perturbations of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Images measured.
    pub images: usize,
    /// Largest change of a pixel, in pixel levels of 255.
    pub linf_max: f64,
    /// Sum over images of the largest change of a pixel, in pixel levels of 255.
    pub linf_sum: f64,
    /// Largest L2 norm, in the unit of a bound: of 0..1 pixels, times 255.
    pub l2_max: f64,
    /// Sum over images of the L2 norm, pixels in 0..1.
    pub l2_sum: f64,
    /// Sum over images of the root mean squared deviation, in pixel levels of 255.
    pub rmsd_sum: f64,
}

impl Distances {
    /// Of `[batch, channels, height, width]` images in 0..1 from their originals.
    pub fn of(images: &Tensor, origin: &Tensor) -> Result<Self> {
        let count = images.dim(0)?;
        let difference = (images - origin)?.flatten_from(1)?;
        // To a thousandth: what lies below is the rounding of f32 pixels, not a perturbation.
        let levels = |unit: f64| (unit * 255_000.0).round() / 1000.0;
        let linf: Vec<f32> = difference.abs()?.max(D::Minus1)?.to_vec1()?;
        let linf = || linf.iter().map(|&change| levels(f64::from(change)));
        let squares: Vec<f32> = difference.sqr()?.sum(D::Minus1)?.to_vec1()?;
        let pixels = difference.dim(1)? as f64;
        let norms = || squares.iter().map(|&square| f64::from(square));
        Ok(Self {
            images: count,
            linf_max: linf().fold(0.0, f64::max),
            linf_sum: linf().sum(),
            l2_max: norms().map(|square| levels(square.sqrt())).fold(0.0, f64::max),
            l2_sum: norms().map(f64::sqrt).sum(),
            rmsd_sum: norms().map(|square| (square / pixels).sqrt() * 255.0).sum(),
        })
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            images: self.images + other.images,
            linf_max: self.linf_max.max(other.linf_max),
            linf_sum: self.linf_sum + other.linf_sum,
            l2_max: self.l2_max.max(other.l2_max),
            l2_sum: self.l2_sum + other.l2_sum,
            rmsd_sum: self.rmsd_sum + other.rmsd_sum,
        }
    }
}

/// The most likely class of each image, `[batch]` u32.
pub fn predictions(logits: &Tensor) -> Result<Vec<u32>> {
    Ok(logits.argmax(D::Minus1)?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn distances_are_in_their_units() {
        let origin = Tensor::zeros((2, 1, 1, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
        let values = [[0.0f32, 0.0, 0.0, 0.2], [0.1, 0.1, 0.1, 0.1]];
        let images = Tensor::new(&values, &Device::Cpu).unwrap().reshape((2, 1, 1, 4)).unwrap();
        let distances = Distances::of(&images, &origin).unwrap();
        assert!((distances.linf_max - 51.0).abs() < 1e-4);
        assert!((distances.linf_sum - 76.5).abs() < 1e-3);
        assert!((distances.l2_sum - 0.4).abs() < 1e-6);
        assert!((distances.l2_max - 51.0).abs() < 1e-3);
        assert!((distances.rmsd_sum - 2.0 * 25.5).abs() < 1e-4);
    }
}
