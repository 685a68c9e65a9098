//! The gradient of the loss with respect to the pixels.

use candle_core::{Tensor, Var};

use crate::error::{Error, Result};
use crate::model::{Mode, Model};
use crate::ops::cross_entropy::cross_entropy_per_image;

/// ∇ₓ J(f(x), y) for every image, J = cross-entropy, `[batch, channels, height, width]`. `labels`
/// `[batch]` u32. No gradient of a weight is computed; the images of a batch do not mix.
pub(super) fn of_loss(model: &dyn Model, images: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let pixels = Var::from_tensor(images)?;
    let logits = model.forward(&pixels, Mode::Evaluate, &[])?.logits;
    // The sum, so that an image's gradient does not depend on how many stand beside it.
    let loss = cross_entropy_per_image(&logits, labels, 0.0)?.sum_all()?;
    loss.backward()?
        .remove(&pixels)
        .ok_or_else(|| Error::failed("the network has no gradient with respect to its input"))
}
