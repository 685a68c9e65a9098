//! From a batch to its adversarial images in the 8 bits that files hold. Writes nothing.

use candle_core::Tensor;

use super::pixels;
use crate::attack::{Attack, Victims};
use crate::error::Result;
use crate::model::Model;

/// Adversarial images as files hold them.
pub(in crate::job) struct Rounded {
    /// `[channels, height, width]` of each image.
    pub(in crate::job) bytes: Vec<Vec<u8>>,
    /// The same as `[batch, channels, height, width]` in 0..1, where the victims are.
    pub(in crate::job) images: Tensor,
}

/// Attacks a batch, once, and rounds what comes out, never further than `bound` pixel levels from
/// the originals. `shape` is that of every image.
pub(in crate::job) fn attacked(
    (attack, bound): (&dyn Attack, f64),
    model: &Model,
    victims: &Victims<'_>,
    shape: [usize; 3],
) -> Result<Rounded> {
    let images = attack.perturb(model, victims)?;
    let bytes = pixels::to_bytes_within(&images, victims.images, bound)?;
    let images = pixels::from_bytes(&bytes, shape)?.to_device(victims.images.device())?;
    Ok(Rounded { bytes, images })
}
