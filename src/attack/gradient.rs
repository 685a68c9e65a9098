//! The gradient of the loss with respect to the pixels.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use crate::ops::cross_entropy::cross_entropy_per_image;

/// ∇ₓ J(f(x), y) for every image, J = cross-entropy, `[batch, channels, height, width]`. `labels`
/// `[batch]` u32. No gradient of a weight is computed; the images of a batch do not mix.
pub(super) fn of_loss(model: &Model, images: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let pass = model.record(images, Mode::Evaluate, &[], Wanted::INPUT)?;
    // The sum, so that an image's gradient does not depend on how many stand beside it.
    let loss = cross_entropy_per_image(&pass.logits, labels, 0.0)?.sum_all()?;
    pass.backward(&loss)?
        .input
        .ok_or_else(|| Error::failed("the network has no gradient with respect to its input"))
}
