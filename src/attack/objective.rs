//! What an attack follows: a loss of the logits, with its gradient with respect to the pixels.

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::model::{Mode, Model, Pass, Wanted};

/// What a network says of a batch, and in which direction its pixels raise a loss.
pub(super) struct Seen {
    /// A row an image.
    pub(super) logits: Vec<Vec<f32>>,
    /// One an image.
    pub(super) losses: Vec<f32>,
    /// `[batch, channels, height, width]`.
    pub(super) gradient: Tensor,
}

/// One forward and one backward pass over `images` `[batch, channels, height, width]`. No gradient
/// of a weight is computed. `loss` takes the image's place in the batch and its logits, and writes
/// its gradient with respect to those into the last argument, which comes filled with zeros. The
/// losses are summed, so the images of a batch do not mix.
pub(super) fn look(
    model: &Model,
    images: &Tensor,
    mut loss: impl FnMut(usize, &[f32], &mut [f32]) -> Result<f32>,
) -> Result<Seen> {
    let pass = model.record(images, Mode::Evaluate, &[], Wanted::INPUT)?;
    let logits = pass.logits.to_vec2::<f32>()?;
    let mut gradients = vec![0.0; logits.iter().map(Vec::len).sum()];
    let mut losses = Vec::with_capacity(logits.len());
    let mut rest = gradients.as_mut_slice();
    for (image, row) in logits.iter().enumerate() {
        let (gradient, after) = rest.split_at_mut(row.len());
        losses.push(loss(image, row, gradient)?);
        rest = after;
    }
    Ok(Seen { gradient: back(pass, gradients)?, logits, losses })
}

/// The gradient with respect to the pixels of a loss whose gradient with respect to the logits is
/// `gradients`, a row an image.
pub(super) fn back(pass: Pass<'_>, gradients: Vec<f32>) -> Result<Tensor> {
    let gradients = Tensor::from_vec(gradients, pass.logits.dims(), pass.logits.device())?;
    // A sum whose gradient with respect to the logits is just that.
    let loss = (&pass.logits * gradients)?.sum_all()?;
    pass.backward(&loss)?
        .input
        .ok_or_else(|| Error::failed("the network has no gradient with respect to its input"))
}

/// The network's logits, a row an image.
pub(super) fn logits(model: &Model, images: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(model.forward(images, Mode::Evaluate, &[])?.logits.to_vec2()?)
}

/// Cross-entropy and its gradient.
pub(super) fn cross_entropy(logits: &[f32], class: usize, gradient: &mut [f32]) -> f32 {
    let largest = logits.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(f64::from(b)));
    let total: f64 = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
    for (at, (gradient, &logit)) in gradient.iter_mut().zip(logits).enumerate() {
        let hit = if at == class { 1.0 } else { 0.0 };
        *gradient = ((f64::from(logit) - largest).exp() / total - hit) as f32;
    }
    (largest + total.ln() - f64::from(logits[class])) as f32
}

/// The class of the largest logit; of equal ones the first.
pub(super) fn prediction(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    best as u32
}

/// The class of the largest logit apart from `class`; `class` itself where there is no other.
pub(super) fn other(logits: &[f32], class: usize) -> usize {
    let mut best = None;
    for (index, &logit) in logits.iter().enumerate() {
        if index != class && best.is_none_or(|best: usize| logit > logits[best]) {
            best = Some(index);
        }
    }
    best.unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_and_its_gradient_are_their_definition() {
        let logits = [1.0_f32, -2.0, 0.5];
        let total: f64 = logits.iter().map(|&l| f64::from(l).exp()).sum();
        let mut gradient = [0.0; 3];
        let loss = cross_entropy(&logits, 2, &mut gradient);
        assert!((f64::from(loss) - (total.ln() - 0.5)).abs() < 1e-6);
        for (class, &gradient) in gradient.iter().enumerate() {
            let hit = if class == 2 { 1.0 } else { 0.0 };
            let expected = f64::from(logits[class]).exp() / total - hit;
            assert!((f64::from(gradient) - expected).abs() < 1e-6, "{class}");
        }
    }

    #[test]
    fn of_equal_logits_the_first_is_meant() {
        assert_eq!(prediction(&[0.0, 3.0, 3.0]), 1);
        assert_eq!(
            (other(&[0.0, 3.0, 3.0], 1), other(&[5.0, 1.0], 0), other(&[5.0], 0)),
            (2, 1, 0)
        );
    }
}
