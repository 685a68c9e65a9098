//! How far adversarial images lie from their originals in a layer's feature maps.

use candle_core::{D, DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The mean over images of ‖φ(x*) − φ(x)‖₂ / ‖φ(x)‖₂; of several layers, the mean. Relative, so
/// that a network does not come near by making all its features small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureDistance {
    /// Images measured.
    pub images: usize,
    /// Sum over the images of their mean over the layers.
    pub sum: f64,
}

impl FeatureDistance {
    /// Adds a batch: for each layer, the feature maps `[batch, channels, height, width]` of the
    /// originals and of their adversarial versions.
    pub fn add(&mut self, clean: &[Tensor], adversarial: &[Tensor]) -> Result<()> {
        let layers = clean.len().min(adversarial.len());
        for (at, (clean, adversarial)) in clean.iter().zip(adversarial).enumerate() {
            let lengths = |maps: &Tensor| -> Result<Vec<f64>> {
                let squares = maps.flatten_from(1)?.sqr()?.sum(D::Minus1)?;
                Ok(squares.to_dtype(DType::F64)?.sqrt()?.to_vec1()?)
            };
            let (apart, whole) = (lengths(&(adversarial - clean)?)?, lengths(clean)?);
            // Features that are all 0 in both are at no distance.
            let relative = |(apart, whole): (f64, f64)| {
                if apart == 0.0 { 0.0 } else { apart / whole.max(f64::MIN_POSITIVE) }
            };
            if at == 0 {
                self.images += apart.len();
            }
            let sum: f64 = apart.into_iter().zip(whole).map(relative).sum();
            self.sum += sum / layers as f64;
        }
        Ok(())
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { images: self.images + other.images, sum: self.sum + other.sum }
    }

    /// The mean; `None` if no image was measured.
    pub fn mean(&self) -> Option<f64> {
        (self.images > 0).then(|| self.sum / self.images as f64)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn maps(values: &[[f32; 2]]) -> Tensor {
        Tensor::new(values.concat(), &Device::Cpu)
            .unwrap()
            .reshape((values.len(), 1, 1, 2))
            .unwrap()
    }

    #[test]
    fn is_the_mean_of_each_images_relative_distance() {
        let mut distance = FeatureDistance::default();
        assert_eq!(distance.mean(), None);
        let (clean, adversarial) =
            (maps(&[[3.0, 4.0], [0.0, 2.0]]), maps(&[[3.0, 4.0], [0.0, 1.0]]));
        distance.add(&[clean], &[adversarial]).unwrap();
        assert_eq!(distance.mean(), Some(0.25));
        distance.add(&[maps(&[[0.0, 0.0]])], &[maps(&[[0.0, 0.0]])]).unwrap();
        assert!((distance.mean().unwrap() - 0.5 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn of_several_layers_it_is_the_mean_and_scale_does_not_matter() {
        let clean = [maps(&[[1.0, 0.0]]), maps(&[[100.0, 0.0]])];
        let adversarial = [maps(&[[1.0, 1.0]]), maps(&[[100.0, 50.0]])];
        let mut distance = FeatureDistance::default();
        distance.add(&clean, &adversarial).unwrap();
        assert!((distance.mean().unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(distance.images, 1);
    }
}
