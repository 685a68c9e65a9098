//! Cross-entropy in candle's operators, which know their gradients: small tensors, once a pass.

use candle_core::{D, Result, Tensor};

/// The loss of every image, `[batch]`; `labels` `[batch]` are known to be classes.
pub(in crate::ops) fn cross_entropy(
    logits: &Tensor,
    labels: &[u32],
    smoothing: f64,
) -> Result<Tensor> {
    let labels = Tensor::new(labels, logits.device())?.unsqueeze(1)?;
    // A constant to the gradient: what it adds to one side of the difference it adds to the other.
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    let normaliser = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let logs = shifted.broadcast_sub(&normaliser)?;
    let hit = logs.gather(&labels, 1)?.squeeze(1)?.neg()?;
    if smoothing == 0.0 {
        return Ok(hit);
    }
    let uniform = logs.mean(D::Minus1)?.neg()?;
    (hit * (1.0 - smoothing))? + (uniform * smoothing)?
}
