//! Adversarial attacks: a model, images, labels in; images out (SCIENCE §2).
//!
//! Images are `[batch, channels, height, width]` in 0..1, epsilon is in pixel levels of 255, and
//! normalisation lies inside the model, so an epsilon cannot be misread.

mod adam;
mod aim;
mod apgd;
mod aware;
mod bim;
mod cw;
mod deepfool;
mod ensemble;
mod epsilon;
pub mod evaluate;
pub mod feature_distance;
mod fgsm;
mod least_likely;
pub mod measure;
mod mim;
mod norm;
mod objective;
mod pgd;
mod projection;
mod random;
mod sign_steps;
pub mod soundness;
mod square;
mod target;
mod targets;

#[cfg(test)]
mod tests;

use candle_core::Tensor;

use aim::Aim;
pub use apgd::{Apgd, ApgdLoss};
pub use aware::{Aware, Descent};
pub use bim::Bim;
pub use cw::CarliniWagner;
pub use deepfool::DeepFool;
pub use ensemble::{Ensemble, Fusion, logits};
pub use epsilon::PixelLevels;
pub use fgsm::Fgsm;
pub use least_likely::LeastLikely;
pub use mim::Mim;
pub use norm::Norm;
pub use pgd::Pgd;
pub use projection::Ball;
pub use sign_steps::SignSteps;
pub use square::Square;
pub use target::Target;

use crate::error::Result;
use crate::model::Model;

/// What an attack is given.
#[derive(Debug, Clone, Copy)]
pub struct Victims<'a> {
    /// `[batch, channels, height, width]`, f32 in 0..1.
    pub images: &'a Tensor,
    /// `[batch]`, u32: the true classes.
    pub labels: &'a Tensor,
    /// The images' places in their set. With the seed they alone decide what is drawn at random,
    /// so that it does not matter which images stand in one batch.
    pub indices: &'a [usize],
    /// `[batch]`, u32: the classes to reach; `None` = away from the true one.
    pub targets: Option<&'a Tensor>,
}

/// A way to make adversarial images.
pub trait Attack: Send + Sync {
    /// Adversarial images of the same shape, in 0..1, within the attack's bound of the originals.
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor>;
}

/// The images as they are: the row that every other one is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Clean;

impl Attack for Clean {
    fn perturb(&self, _model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        Ok(victims.images.clone())
    }
}
