//! Batch normalisation with its parameters and running statistics, in both modes.

use candle_core::{Result, Tensor, Var};

use super::super::Mode;
use super::{Keep, ParameterGradients, Weight};
use crate::ops::{self, Activation, BatchNorm, Statistics};

/// PyTorch's default.
const MOMENTUM: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Norm {
    pub(super) operator: BatchNorm,
    pub(super) gamma: Weight,
    pub(super) beta: Weight,
    pub(super) running_mean: Var,
    pub(super) running_var: Var,
}

/// What the gradients need.
#[derive(Debug, Clone)]
pub(super) enum Saved {
    /// Normalised by the batch.
    Batch { maps: Tensor, statistics: Statistics },
    /// By running statistics; the maps for the parameters' gradients alone.
    Frozen { scale: Tensor, maps: Option<Tensor> },
}

impl Norm {
    /// Running statistics as one factor and one summand a channel.
    pub(super) fn frozen(&self) -> Result<(Tensor, Tensor)> {
        let [mean, var] = self.running();
        self.operator.frozen(&self.gamma.value(), &self.beta.value(), &mean, &var)
    }

    fn running(&self) -> [Tensor; 2] {
        [self.running_mean.as_detached_tensor(), self.running_var.as_detached_tensor()]
    }

    /// `activation(normalised + residual)`. Training moves the running statistics.
    pub(super) fn forward(
        &self,
        maps: &Tensor,
        residual: Option<&Tensor>,
        activation: Activation,
        mode: Mode,
        keep: Keep,
    ) -> Result<(Tensor, Option<Saved>)> {
        let keeps = keep != Keep::Nothing;
        if !mode.normalises_by_batch() {
            let (scale, shift) = self.frozen()?;
            let output = match residual {
                None => ops::channel_affine(maps, &scale, &shift, activation)?,
                Some(residual) => {
                    let normal = ops::channel_affine(maps, &scale, &shift, Activation::None)?;
                    let sum = ops::add(&normal, residual)?;
                    match activation {
                        Activation::None => sum,
                        Activation::Relu => ops::relu(&sum)?,
                    }
                }
            };
            let maps = (keep == Keep::ForParameters).then(|| maps.clone());
            return Ok((output, keeps.then_some(Saved::Frozen { scale, maps })));
        }
        let (gamma, beta) = (self.gamma.value(), self.beta.value());
        let (output, statistics) =
            self.operator.forward(maps, &gamma, &beta, residual, activation)?;
        statistics.update(&self.running_mean, &self.running_var, MOMENTUM)?;
        Ok((output, keeps.then(|| Saved::Batch { maps: maps.clone(), statistics })))
    }

    /// The gradients of the maps and, if the forward pass kept enough for them, of gamma and beta;
    /// `grad` has come back through the activation already.
    pub(super) fn backward(
        &self,
        saved: Saved,
        grad: &Tensor,
    ) -> Result<(Tensor, ParameterGradients)> {
        let gamma = self.gamma.value();
        let of = |gamma, beta| vec![(self.gamma.index, gamma), (self.beta.index, beta)];
        match saved {
            Saved::Batch { maps, statistics } => {
                let grads = self.operator.backward(&maps, &gamma, &statistics, grad)?;
                Ok((grads.input, of(grads.gamma, grads.beta)))
            }
            Saved::Frozen { scale, maps } => {
                let found = match maps {
                    Some(maps) => {
                        // gamma and beta see normalised maps, whoever's statistics those are.
                        let [mean, var] = self.running();
                        let statistics = Statistics::known(&mean, &var)?;
                        let grads = self.operator.backward(&maps, &gamma, &statistics, grad)?;
                        of(grads.gamma, grads.beta)
                    }
                    None => Vec::new(),
                };
                Ok((ops::channel_scale(grad, &scale)?, found))
            }
        }
    }
}
