//! Stochastic gradient descent with momentum, as PyTorch defines it (Sutskever et al. 2013, without
//! its scaling of the momentum by the learning rate).

use rayon::prelude::*;

#[cfg(feature = "cuda")]
use crate::ops::cuda;
use crate::ops::vectorized;

/// Numbers moved in one piece of work.
pub(super) const PIECE: usize = 32 * 1024;

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// 0 = plain descent.
    pub momentum: f64,
    /// Look ahead along the momentum.
    pub nesterov: bool,
    /// L2: added to the gradient.
    pub weight_decay: f64,
}

impl Sgd {
    /// One step of one parameter; `velocity` starts at 0.
    pub(super) fn update(self, weights: &mut [f32], grads: &[f32], velocity: &mut [f32], lr: f64) {
        let (momentum, decay, lr) = (self.momentum as f32, self.weight_decay as f32, lr as f32);
        let pieces = weights.par_chunks_mut(PIECE).zip(velocity.par_chunks_mut(PIECE));
        pieces.zip(grads.par_chunks(PIECE)).for_each(|((weights, velocity), grads)| {
            vectorized(|| {
                for ((weight, velocity), grad) in weights.iter_mut().zip(velocity).zip(grads) {
                    let grad = grad + decay * *weight;
                    *velocity = momentum * *velocity + grad;
                    let ahead = grad + momentum * *velocity;
                    *weight -= lr * if self.nesterov { ahead } else { *velocity };
                }
            });
        });
    }

    /// The same on a card.
    #[cfg(feature = "cuda")]
    pub(super) fn update_on_card(
        self,
        weights: (&mut candle_core::CudaStorage, &candle_core::Layout),
        grads: (&candle_core::CudaStorage, &candle_core::Layout),
        velocity: &candle_core::Tensor,
        lr: f64,
    ) -> candle_core::Result<()> {
        let (momentum, decay, lr) = (self.momentum as f32, self.weight_decay as f32, lr as f32);
        let how = cuda::Descent { momentum, decay, lr, nesterov: self.nesterov };
        cuda::sgd(weights, grads, velocity, how)
    }
}
