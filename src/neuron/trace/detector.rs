//! Scores by which adversarial images may be told from real ones (SCIENCE §7): the larger, the more
//! an image is suspected. Every score is a finite number.

use candle_core::{D, Tensor};
use rayon::prelude::*;

use super::difference::{Measure, influential, prediction_differences, probabilities};
use super::reference::{Reference, flattened};
use crate::error::Result;
use crate::model::{Mode, Model};
use crate::neuron::consistency::cosine;

/// The scores' names, in the order in which they are given.
pub const SCORES: [&str; 3] = ["disagreement", "distance", "confidence"];

/// The largest score: what is no number, or has nothing to be compared with. Files hold it exactly.
pub const MOST_SUSPECTED: f64 = 1e30;

/// The scores of one image, in the order of [`SCORES`].
pub type Scores = [f64; SCORES.len()];

/// Looks at images in one layer of a network.
#[derive(Debug, Clone, Copy)]
pub struct Detector<'a> {
    /// The network.
    pub model: &'a Model,
    /// The layer.
    pub tap: &'a str,
    /// What real images do there.
    pub reference: &'a Reference,
    /// What makes a neuron influential.
    pub measure: Measure,
    /// m: so many of them are.
    pub top: usize,
}

/// What the network says of a batch, and how it comes to say so.
#[derive(Debug)]
pub struct Seen {
    /// The answer to each image.
    pub predictions: Vec<u32>,
    logits: Vec<Vec<f32>>,
    maps: Tensor,
}

impl Detector<'_> {
    /// Looks at images `[batch, channels, height, width]` in 0..1, on the model's device.
    pub fn look(&self, images: &Tensor) -> Result<Seen> {
        let mut output = self.model.forward(images, Mode::Evaluate, &[self.tap])?;
        let maps = output.taps.swap_remove(0);
        let logits: Vec<Vec<f32>> = output.logits.to_vec2()?;
        let predictions = predictions(&output.logits)?;
        Ok(Seen { predictions, logits, maps })
    }

    /// The scores of some images of the batch, by their places: of each one suspects that the
    /// network's answer is not what is in the picture.
    pub fn scores(&self, seen: &Seen, places: &[usize]) -> Result<Vec<Scores>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<u32> = places.iter().map(|&place| place as u32).collect();
        let rows = Tensor::from_vec(rows, places.len(), seen.maps.device())?;
        let maps = seen.maps.index_select(&rows, 0)?;
        let predictions: Vec<u32> = places.iter().map(|&place| seen.predictions[place]).collect();
        let differences = prediction_differences(self.model, self.tap, &maps, &predictions)?;
        let features = flattened(&maps)?;
        let of = |at: usize| {
            let predicted = predictions[at];
            let neurons = influential(&differences[at], self.measure, self.top);
            [
                disagreement(&self.reference.p, &neurons, predicted),
                distance_ratio(&self.reference.distances(&features[at]), predicted),
                unsureness(&seen.logits[places[at]]),
            ]
        };
        Ok((0..places.len()).into_par_iter().map(of).collect())
    }
}

/// `disagreement`: 1 − cosine between the mean of the class histograms `p` of an image's influential
/// neurons and its predicted class alone. 1 where those neurons answer to no class.
pub fn disagreement(p: &[Vec<f64>], influential: &[usize], predicted: u32) -> f64 {
    let classes = p.first().map_or(0, Vec::len);
    // The sum has the direction of the mean.
    let mut sum = vec![0.0; classes];
    for shares in influential.iter().filter_map(|&neuron| p.get(neuron)) {
        sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
    }
    let mut alone = vec![0.0; classes];
    if let Some(share) = alone.get_mut(predicted as usize) {
        *share = 1.0;
    }
    1.0 - cosine(&sum, &alone).unwrap_or(0.0)
}

/// `distance`: ‖φ − μ of the predicted class‖ / ‖φ − nearest other μ‖, from the distances by class.
/// Where both are 0 it is 1; [`MOST_SUSPECTED`] where only the latter is, or φ is no number, or no reference
/// image is of the predicted class: nothing speaks for the answer. 0 where there is no other class.
pub fn distance_ratio(distances: &[Option<f64>], predicted: u32) -> f64 {
    let own = distances.get(predicted as usize).copied().flatten();
    let others = distances.iter().enumerate().filter(|(class, _)| *class != predicted as usize);
    let other = others.filter_map(|(_, distance)| *distance).min_by(f64::total_cmp);
    match (own, other) {
        (None, _) => MOST_SUSPECTED,
        (Some(_), None) => 0.0,
        (Some(0.0), Some(0.0)) => 1.0,
        (Some(own), Some(other)) => finite(own / other),
    }
}

/// `confidence`: 1 − the largest softmax probability.
pub fn unsureness(logits: &[f32]) -> f64 {
    finite(1.0 - probabilities(logits).into_iter().fold(f64::NAN, f64::max))
}

/// The most likely class of each image.
fn predictions(logits: &Tensor) -> Result<Vec<u32>> {
    Ok(logits.argmax(D::Minus1)?.to_vec1()?)
}

fn finite(score: f64) -> f64 {
    // NaN is not below it.
    if score < MOST_SUSPECTED { score } else { MOST_SUSPECTED }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::roc::curve;
    use super::*;
    use crate::model::{self, Arch, ModelConfig};

    const CLASSES: usize = 4;
    const SHAPE: [usize; 3] = [CLASSES, 2, 2];

    /// φ of an image of a class: its own channel is bright, all are noisy.
    fn phi(random: &mut ChaCha8Rng, class: usize) -> Vec<f32> {
        let mut noise = || (0..4).map(|_| random.random_range(0.0_f32..1.0)).sum::<f32>() / 2.0;
        (0..CLASSES * 4).map(|at| noise() + if at / 4 == class { 1.0 } else { 0.0 }).collect()
    }

    fn reference(random: &mut ChaCha8Rng) -> Reference {
        let mut builder = Reference::builder(SHAPE, CLASSES, 400);
        for at in 0..400 {
            let class = at % CLASSES;
            let maps = Tensor::from_vec(phi(random, class), (1, CLASSES, 2, 2), &Device::Cpu);
            builder.add(&maps.unwrap(), &[class as u32]).unwrap();
        }
        builder.finish()
    }

    #[test]
    fn planted_images_are_told_and_ones_of_the_same_kind_are_not() {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let reference = reference(&mut random);
        let distance = |phi: &[f32], predicted: usize| {
            distance_ratio(&reference.distances(phi), predicted as u32)
        };
        let mut of = |shown: fn(usize) -> usize, far: f32| -> Vec<f64> {
            let mut one = |at: usize| {
                let predicted = at % CLASSES;
                let mut phi = phi(&mut random, shown(predicted));
                for value in &mut phi {
                    *value += far;
                }
                distance(&phi, predicted)
            };
            (0..300).map(&mut one).collect()
        };
        let real = of(|class| class, 0.0);
        let alike = curve(&real, &of(|class| class, 0.0)).unwrap();
        assert!((0.4..0.6).contains(&alike.auc), "{}", alike.auc);
        // Far from every class, and with the features of another class than the predicted one.
        for found in [of(|class| class, 9.0), of(|class| (class + 1) % CLASSES, 0.0)] {
            let told = curve(&real, &found).unwrap();
            assert!(told.auc > 0.95, "{}", told.auc);
        }
    }

    #[test]
    fn neurons_of_other_classes_disagree() {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        let p = reference(&mut random).p;
        // The top 1 % of each channel are images of its class, but for some chance.
        for (neuron, shares) in p.iter().enumerate() {
            assert!(shares[neuron] >= 0.5, "{shares:?}");
            let agree = disagreement(&p, &[neuron], neuron as u32);
            let disagree = disagreement(&p, &[neuron], ((neuron + 1) % CLASSES) as u32);
            assert!(agree < 0.3 && disagree > 0.4, "{agree} {disagree}");
        }
        let halves = [vec![0.5, 0.5, 0.0], vec![0.0, 0.5, 0.5], vec![0.0; 3]];
        let expected = 1.0 - 1.0 / 6.0_f64.sqrt() * 2.0;
        assert!((disagreement(&halves, &[0, 1], 1) - expected).abs() < 1e-12);
        assert_eq!(disagreement(&halves, &[2], 1), 1.0);
        assert_eq!(disagreement(&halves, &[0], 9), 1.0);
    }

    #[test]
    fn every_score_is_a_number() {
        let ratio = |distances: &[Option<f64>]| distance_ratio(distances, 1);
        assert_eq!(ratio(&[Some(2.0), Some(1.0), None, Some(4.0)]), 0.5);
        assert_eq!(ratio(&[Some(0.0), Some(0.0)]), 1.0);
        assert_eq!(ratio(&[Some(0.0), Some(1.0)]), MOST_SUSPECTED);
        assert_eq!(ratio(&[Some(1.0), None]), MOST_SUSPECTED);
        assert_eq!(ratio(&[Some(f64::NAN), Some(f64::NAN)]), MOST_SUSPECTED);
        assert_eq!(ratio(&[None, Some(3.0)]), 0.0);
        assert_eq!(ratio(&[]), MOST_SUSPECTED);
        assert!((unsureness(&[0.0, 0.0, 0.0, 0.0]) - 0.75).abs() < 1e-12);
        assert_eq!(unsureness(&[f32::NAN, f32::NAN]), MOST_SUSPECTED);
    }

    #[test]
    fn a_networks_images_have_a_score_each_and_none_have_none() {
        let config = ModelConfig { seed: 5, ..ModelConfig::plain(CLASSES, 3, 32) };
        let model = model::build(Arch::Shapesnet, config, &Device::Cpu).unwrap();
        let tap = model.taps().last().unwrap().clone();
        let pixels: Vec<f32> =
            (0..4 * 3 * 32 * 32).map(|i| (i * 7919 % 251) as f32 / 255.0).collect();
        let images = Tensor::from_vec(pixels, (4, 3, 32, 32), &Device::Cpu).unwrap();
        let maps = model.features(&images, &[&tap.name]).unwrap().remove(0);
        let mut builder = Reference::builder(tap.shape, CLASSES, 4);
        builder.add(&maps, &[0, 1, 2, 3]).unwrap();
        let reference = builder.finish();
        let (measure, reference) = (Measure::Logit, &reference);
        let detector = Detector { model: &model, tap: &tap.name, reference, measure, top: 5 };
        let seen = detector.look(&images).unwrap();
        assert_eq!(seen.predictions.len(), 4);
        assert!(detector.scores(&seen, &[]).unwrap().is_empty());
        let scores = detector.scores(&seen, &[3, 0]).unwrap();
        assert_eq!(scores.len(), 2);
        assert!(scores.iter().flatten().all(|score| score.is_finite()));
        // An image that is its class's mean itself is much nearer to it than to another's.
        let own = seen.predictions[0];
        let mut builder = Reference::builder(tap.shape, CLASSES, 2);
        builder.add(&maps.narrow(0, 0, 2).unwrap(), &[own, (own + 1) % CLASSES as u32]).unwrap();
        let reference = &builder.finish();
        let score = Detector { reference, ..detector }.scores(&seen, &[0]).unwrap()[0][1];
        assert!(score < 1e-3, "{score}");
    }
}
