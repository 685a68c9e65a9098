//! Accuracy, clean and under attack (SCIENCE §5), gathered batch by batch.

use candle_core::Tensor;

use super::feature_distance::FeatureDistance;
use super::measure::Distances;
use super::{Attack, Victims};
use crate::error::Result;
use crate::model::{Mode, Model};
use crate::ops::cross_entropy::cross_entropy_per_image;

/// Counts over the images seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Accuracy {
    /// Images seen.
    pub images: usize,
    /// Of them with the true class first.
    pub first: usize,
    /// Of them with the true class among the first five (or all, where there are fewer).
    pub among_five: usize,
    /// Sum of the images' cross-entropies.
    pub loss_sum: f64,
    /// What the attack changed.
    pub distances: Distances,
    /// What that did to the feature maps that were asked for.
    pub features: FeatureDistance,
}

impl Accuracy {
    /// Attacks a batch and adds how the model fares on what comes out.
    pub fn add(&mut self, model: &Model, attack: &dyn Attack, victims: &Victims<'_>) -> Result<()> {
        self.add_with_features(model, attack, victims, &[])
    }

    /// The same, and how far the attack moves the feature maps of these taps.
    pub fn add_with_features(
        &mut self,
        model: &Model,
        attack: &dyn Attack,
        victims: &Victims<'_>,
        taps: &[&str],
    ) -> Result<()> {
        let images = attack.perturb(model, victims)?;
        self.distances = self.distances.and(Distances::of(&images, victims.images)?);
        let output = model.forward(&images, Mode::Evaluate, taps)?;
        if !taps.is_empty() {
            self.features.add(&model.features(victims.images, taps)?, &output.taps)?;
        }
        self.add_logits(&output.logits, victims.labels)
    }

    /// Adds `logits` `[batch, classes]` of images with these `labels` `[batch]` u32.
    pub fn add_logits(&mut self, logits: &Tensor, labels: &Tensor) -> Result<()> {
        let losses: Vec<f32> = cross_entropy_per_image(logits, labels, 0.0)?.to_vec1()?;
        self.loss_sum += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        let ranks = ranks(logits, labels)?;
        self.first += ranks.iter().filter(|rank| **rank == Some(0)).count();
        self.among_five += ranks.iter().flatten().filter(|rank| **rank < 5).count();
        self.images += ranks.len();
        Ok(())
    }

    /// Fraction, 0..1.
    pub fn top1(&self) -> f64 {
        self.share(self.first as f64)
    }

    /// Fraction, 0..1.
    pub fn top5(&self) -> f64 {
        self.share(self.among_five as f64)
    }

    /// Mean cross-entropy.
    pub fn loss(&self) -> f64 {
        self.share(self.loss_sum)
    }

    fn share(&self, sum: f64) -> f64 {
        if self.images == 0 { 0.0 } else { sum / self.images as f64 }
    }
}

/// Rank of each image's true class: how many others stand before it. A tie goes to the lower index,
/// as a stable sort would have it; a NaN stands before everything. `None` where the true class has
/// no number, or is none of the network's. `logits` `[batch, classes]`, `labels` `[batch]` u32.
pub fn ranks(logits: &Tensor, labels: &Tensor) -> Result<Vec<Option<usize>>> {
    let rows: Vec<Vec<f32>> = logits.to_vec2()?;
    let labels: Vec<u32> = labels.to_vec1()?;
    let rank = |(row, label): (&Vec<f32>, u32)| {
        let label = label as usize;
        let own = row.get(label).copied().filter(|own| !own.is_nan())?;
        let before = |&(class, &other): &(usize, &f32)| {
            other.is_nan() || other > own || (other == own && class < label)
        };
        Some(row.iter().enumerate().filter(before).count())
    };
    Ok(rows.iter().zip(labels).map(rank).collect())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn counts_first_and_among_five() {
        let rows = [
            [9.0f32, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        ];
        let logits = Tensor::new(&rows, &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32, 3, 1, 0], &Device::Cpu).unwrap();
        let mut accuracy = Accuracy::default();
        accuracy.add_logits(&logits, &labels).unwrap();
        assert_eq!((accuracy.images, accuracy.first, accuracy.among_five), (4, 2, 3));
        assert_eq!(accuracy.top1(), 0.5);
    }

    #[test]
    fn a_network_of_nans_is_never_right() {
        let logits = Tensor::new(&[[f32::NAN, f32::NAN]], &Device::Cpu).unwrap();
        let labels = Tensor::new(&[0u32], &Device::Cpu).unwrap();
        let mut accuracy = Accuracy::default();
        accuracy.add_logits(&logits, &labels).unwrap();
        assert_eq!((accuracy.first, accuracy.among_five), (0, 0));
        assert_eq!(Accuracy::default().top1(), 0.0);
    }
}
