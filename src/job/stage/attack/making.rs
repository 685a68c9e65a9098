//! From a batch to its adversarial images in the 8 bits that files hold. Writes nothing: the stage
//! puts them into the run folder, the small worker behind the attack screen elsewhere.

use std::path::Path;

use candle_core::Tensor;

use super::super::networks::Networks;
use super::super::rounded::{Rounded, attacked};
use crate::attack::measure::Distances;
use crate::attack::{Attack, Target, Victims};
use crate::data::Batch;
use crate::error::Result;
use crate::job::build;
use crate::model::Model;
use crate::spec::{AttackMethod, AttackSpec, Spec};

/// `[attack]`, ready to be carried out.
pub(in crate::job) struct Making {
    /// Its keys.
    pub(in crate::job) section: AttackSpec,
    /// Where it aims; `None` = away from the true class.
    pub(in crate::job) target: Option<Target>,
    /// The networks that the images are made on, by their places.
    pub(in crate::job) made_on: Vec<usize>,
    attack: Box<dyn Attack>,
}

/// Adversarial images as files hold them.
pub(in crate::job) struct Made {
    /// `[channels, height, width]` of each image.
    pub(in crate::job) bytes: Vec<Vec<u8>>,
    /// The same as `[batch, channels, height, width]` in 0..1, where the networks are.
    pub(in crate::job) images: Tensor,
    /// From the originals.
    pub(in crate::job) distances: Distances,
}

impl Making {
    /// Opens what the attack needs besides the run's own network. `spec` is resolved.
    pub(in crate::job) fn new(
        spec: &Spec,
        section: AttackSpec,
        networks: &mut Networks,
        runs: &Path,
    ) -> Result<Self> {
        Ok(Self {
            made_on: networks.open_all(&section.how.models, runs)?,
            attack: build::attack(spec, &section.how, runs)?,
            // It aims there by itself; the records are to say where.
            target: match section.how.method {
                AttackMethod::LeastLikely => Some(Target::LeastLikely),
                _ => build::target(spec, section.target),
            },
            section,
        })
    }

    /// The targets of a batch, one list a round; one round without any where there is no target.
    pub(in crate::job) fn targets(
        &self,
        networks: &Networks,
        batch: &Batch,
    ) -> Result<Vec<Option<Vec<u32>>>> {
        let Some(target) = self.target else { return Ok(vec![None]) };
        let models: Vec<&Model> =
            self.made_on.iter().map(|&place| &networks[place].model).collect();
        let (images, labels, indices) = (&batch.images, &batch.labels, &batch.indices);
        let count = self.section.targets_per_image;
        if count == 1 && (models.len() == 1 || target != Target::LeastLikely) {
            let targets = target.choose(models[0], images, labels, indices)?;
            return Ok(vec![Some(targets.to_vec1()?)]);
        }
        let several = target.choose_several(&models, images, labels, indices, count)?;
        Ok((0..count)
            .map(|round| Some(several.iter().map(|targets| targets[round]).collect()))
            .collect())
    }

    /// Attacks a batch, once, and rounds what comes out. `shape` is that of every image.
    pub(in crate::job) fn make(
        &self,
        networks: &Networks,
        batch: &Batch,
        targets: Option<&[u32]>,
        shape: [usize; 3],
    ) -> Result<Made> {
        let device = batch.labels.device();
        let targets = targets.map(|targets| Tensor::new(targets, device)).transpose()?;
        let victims = Victims {
            images: &batch.images,
            labels: &batch.labels,
            indices: &batch.indices,
            targets: targets.as_ref(),
        };
        let how = (&*self.attack, self.section.how.pixel_bound());
        // Those of an ensemble it has itself.
        let Rounded { bytes, images } = attacked(how, &networks[0].model, &victims, shape)?;
        let distances = Distances::of(&images, &batch.images)?;
        Ok(Made { bytes, images, distances })
    }
}
