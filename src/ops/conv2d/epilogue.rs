//! What is done to each output of a convolution while it is still in the cache.

use crate::ops::elementwise::{Activation, relu_of};
use crate::ops::lanes::vectorized;

/// `activation(x · scale + shift + residual)`; what is absent does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Epilogue<'a> {
    /// `[outputs]`.
    pub(super) scale: Option<&'a [f32]>,
    /// `[outputs]`.
    pub(super) shift: Option<&'a [f32]>,
    /// `[batch, out_height, out_width, outputs]`.
    pub(super) residual: Option<&'a [f32]>,
    pub(super) activation: Activation,
}

impl Epilogue<'_> {
    /// Finishes the outputs of consecutive places; `start` is where they begin in the whole.
    pub(super) fn finish(&self, outputs: usize, start: usize, values: &mut [f32]) {
        vectorized(|| {
            if self.scale.is_some() || self.shift.is_some() {
                for row in values.chunks_mut(outputs) {
                    self.affine(row);
                }
            }
            if let Some(residual) = self.residual {
                for (value, residual) in values.iter_mut().zip(&residual[start..]) {
                    *value += residual;
                }
            }
            if self.activation == Activation::Relu {
                for value in values {
                    *value = relu_of(*value);
                }
            }
        });
    }

    /// Whether it leaves everything as it is.
    pub(super) fn is_nothing(&self) -> bool {
        self.scale.is_none()
            && self.shift.is_none()
            && self.residual.is_none()
            && self.activation == Activation::None
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
    fn affine(&self, values: &mut [f32]) {
        match (self.scale, self.shift) {
            (Some(scale), Some(shift)) => {
                let terms = scale.iter().zip(shift);
                for (value, (scale, shift)) in values.iter_mut().zip(terms) {
                    *value = *value * scale + shift;
                }
            }
            (Some(scale), None) => {
                for (value, scale) in values.iter_mut().zip(scale) {
                    *value *= scale;
                }
            }
            (None, Some(shift)) => {
                for (value, shift) in values.iter_mut().zip(shift) {
                    *value += shift;
                }
            }
            (None, None) => {}
        }
    }
}
