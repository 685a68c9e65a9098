//! Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch defines them.

use rayon::prelude::*;

use super::sgd::PIECE;
#[cfg(feature = "cuda")]
use crate::ops::cuda;
use crate::ops::vectorized;

/// The numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Decay rates of the two moments.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
    /// See `decoupled`.
    pub weight_decay: f64,
    /// false: L2, added to the gradient (Adam). true: weights shrink by themselves (AdamW).
    pub decoupled: bool,
}

/// The scalars of one step.
struct Scalars {
    /// Weights shrink to this share of themselves.
    keep: f32,
    /// Goes into the gradient.
    decay: f32,
    step_size: f32,
    root: f32,
}

impl Adam {
    // In f64 as in PyTorch, so that a late step does not lose its bias correction.
    fn scalars(self, lr: f64, step: u64) -> Scalars {
        let power = |beta: f64| 1.0 - beta.powf(step as f64);
        Scalars {
            keep: if self.decoupled { (1.0 - lr * self.weight_decay) as f32 } else { 1.0 },
            decay: if self.decoupled { 0.0 } else { self.weight_decay as f32 },
            step_size: (lr / power(self.betas[0])) as f32,
            root: power(self.betas[1]).sqrt() as f32,
        }
    }

    /// Step number `step` (from 1) of one parameter; both moments start at 0.
    pub(super) fn update(
        self,
        weights: &mut [f32],
        grads: &[f32],
        [mean, square]: [&mut [f32]; 2],
        lr: f64,
        step: u64,
    ) {
        let Scalars { keep, decay, step_size, root } = self.scalars(lr, step);
        let (beta2, eps) = (self.betas[1] as f32, self.eps as f32);
        let (rest1, rest2) = ((1.0 - self.betas[0]) as f32, (1.0 - self.betas[1]) as f32);
        let pieces = weights.par_chunks_mut(PIECE).zip(grads.par_chunks(PIECE));
        let memories = mean.par_chunks_mut(PIECE).zip(square.par_chunks_mut(PIECE));
        pieces.zip(memories).for_each(|((weights, grads), (mean, square))| {
            vectorized(|| {
                let numbers = weights.iter_mut().zip(grads).zip(mean.iter_mut().zip(square));
                for ((weight, grad), (mean, square)) in numbers {
                    *weight *= keep;
                    let grad = grad + decay * *weight;
                    *mean += (grad - *mean) * rest1;
                    *square = beta2 * *square + rest2 * grad * grad;
                    *weight -= step_size * *mean / (square.sqrt() / root + eps);
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
        moments: [&candle_core::Tensor; 2],
        lr: f64,
        step: u64,
    ) -> candle_core::Result<()> {
        let Scalars { keep, decay, step_size, root } = self.scalars(lr, step);
        let how = cuda::Moments {
            keep,
            decay,
            rest1: (1.0 - self.betas[0]) as f32,
            beta2: self.betas[1] as f32,
            rest2: (1.0 - self.betas[1]) as f32,
            step_size,
            root,
            eps: self.eps as f32,
        };
        cuda::adam(weights, grads, moments, how)
    }
}
