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
/// Where both are 0 it is 1; [`f64::MAX`] where only the latter is, or φ is no number, or no reference
/// image is of the predicted class: nothing speaks for the answer. 0 where there is no other class.
pub fn distance_ratio(distances: &[Option<f64>], predicted: u32) -> f64 {
    let own = distances.get(predicted as usize).copied().flatten();
    let others = distances.iter().enumerate().filter(|(class, _)| *class != predicted as usize);
    let other = others.filter_map(|(_, distance)| *distance).min_by(f64::total_cmp);
    match (own, other) {
        (None, _) => f64::MAX,
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
    if score.is_finite() { score } else { f64::MAX }
}
