//! What a finished batch of an evaluation leaves.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::attack::evaluate::ranks;
use crate::attack::feature_distance::FeatureDistance;
use crate::attack::measure::Distances;
use crate::data::Batch;
use crate::error::Result;
use crate::job::stage::sample::Gradients;

/// A line of `progress/evaluate.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// A batch, attacked and looked at.
    Batch(BatchRecord),
    /// With a bound of 0 the attack changed nothing.
    Sound,
    /// What the network lets an attack see.
    Gradients(Gradients),
    /// Of a sample's images so many stay right, and so many with twice the steps.
    MoreSteps {
        /// The sample.
        images: u64,
        /// With the steps of the spec.
        right: u64,
        /// With twice as many.
        more: u64,
    },
}

/// One batch of a pass, or several together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct BatchRecord {
    /// Images in it.
    pub(super) images: u64,
    /// What the attack changed.
    pub(super) distances: Distances,
    /// How far it moved the features, where a layer was asked for.
    #[serde(default)]
    pub(super) features: FeatureDistance,
    /// How each network that it was tried on fares.
    pub(super) networks: Vec<Tally>,
}

/// How one network fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// The images, by index in the test split, that it gets right; rising.
    pub(super) right: Vec<usize>,
    /// How many have the true class among the first five.
    pub(super) among_five: u64,
}

impl Tally {
    /// From the logits `[batch, classes]` of a batch's images.
    pub(super) fn of(logits: &Tensor, batch: &Batch) -> Result<Self> {
        let ranks = ranks(logits, &batch.labels)?;
        let right = ranks.iter().zip(&batch.indices).filter(|(rank, _)| **rank == Some(0));
        Ok(Self {
            right: right.map(|(_, index)| *index).collect(),
            among_five: ranks.iter().flatten().filter(|rank| **rank < 5).count() as u64,
        })
    }

    /// Whether it gets this image right.
    pub(super) fn is_right(&self, index: usize) -> bool {
        self.right.binary_search(&index).is_ok()
    }
}

impl BatchRecord {
    /// Adds the next batch.
    pub(super) fn add(&mut self, next: &Self) {
        self.images += next.images;
        self.distances = self.distances.and(next.distances);
        self.features = self.features.and(next.features);
        self.networks.resize_with(next.networks.len(), Tally::default);
        for (all, one) in self.networks.iter_mut().zip(&next.networks) {
            all.right.extend(&one.right);
            all.among_five += one.among_five;
        }
    }

    /// Images that a network gets right.
    pub(super) fn right(&self, network: usize) -> u64 {
        self.networks.get(network).map_or(0, |tally| tally.right.len() as u64)
    }

    /// Fraction, 0..1.
    pub(super) fn top1(&self, network: usize) -> f64 {
        self.right(network) as f64 / self.images.max(1) as f64
    }

    /// Fraction, 0..1.
    pub(super) fn top5(&self, network: usize) -> f64 {
        self.among_five(network) as f64 / self.images.max(1) as f64
    }

    /// Images that have the true class among the first five.
    pub(super) fn among_five(&self, network: usize) -> u64 {
        self.networks.get(network).map_or(0, |tally| tally.among_five)
    }
}
