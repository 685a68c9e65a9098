//! Adam on images (Kingma and Ba, arXiv 1412.6980), with PyTorch's defaults.

use candle_core::Tensor;

use crate::error::Result;

const BETAS: [f64; 2] = [0.9, 0.999];
const EPS: f64 = 1e-8;

/// The two moments of images that are being optimised.
#[derive(Debug, Clone)]
pub(super) struct Adam {
    pub(super) first: Tensor,
    pub(super) second: Tensor,
    step: i32,
}

impl Adam {
    /// Before the first step of images like these.
    pub(super) fn new(images: &Tensor) -> Result<Self> {
        let zeros = images.zeros_like()?;
        Ok(Self { first: zeros.clone(), second: zeros, step: 0 })
    }

    /// `values` after a step down `gradient`.
    pub(super) fn step(&mut self, values: &Tensor, gradient: &Tensor, lr: f64) -> Result<Tensor> {
        self.step += 1;
        let mix = |old: &Tensor, new: &Tensor, beta: f64| -> Result<Tensor> {
            Ok(((old * beta)? + (new * (1.0 - beta))?)?)
        };
        self.first = mix(&self.first, gradient, BETAS[0])?;
        self.second = mix(&self.second, &gradient.sqr()?, BETAS[1])?;
        let unbiased = |beta: f64| 1.0 - beta.powi(self.step);
        let root = ((self.second.sqrt()? * (1.0 / unbiased(BETAS[1]).sqrt()))? + EPS)?;
        Ok((values - ((&self.first / root)? * (lr / unbiased(BETAS[0])))?)?)
    }
}
