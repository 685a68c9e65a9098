//! A convolution with what follows it: bias, batch normalisation, a residual sum, ReLU. In
//! evaluation all of it is one operator.

use candle_core::{Result, Tensor};

use super::super::Mode;
use super::norm::{self, Norm};
use super::{Keep, ParameterGradients, Weight, through};
use crate::ops::{self, Activation, Conv2d, Epilogue};

#[derive(Debug)]
pub(super) struct Conv {
    pub(super) operator: Conv2d,
    pub(super) kernel: [usize; 2],
    /// Height and width of the maps it reads.
    pub(super) size: [usize; 2],
    pub(super) weight: Weight,
    pub(super) bias: Option<Weight>,
    pub(super) norm: Option<Norm>,
    pub(super) activation: Activation,
}

/// What the gradients need.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    /// For the weight's gradient.
    maps: Option<Tensor>,
    norm: Option<norm::Saved>,
    /// For the ReLU's.
    output: Option<Tensor>,
}

/// Gradients of the maps, of the residual, of the parameters.
pub(super) type Gradients = (Option<Tensor>, Tensor, ParameterGradients);

impl Conv {
    pub(super) fn forward(
        &self,
        maps: &Tensor,
        residual: Option<&Tensor>,
        mode: Mode,
        keep: Keep,
    ) -> Result<(Tensor, Option<Saved>)> {
        let weight = self.weight.value();
        let bias = self.bias.as_ref().map(Weight::value);
        let activation = self.activation;
        let (output, norm) = match &self.norm {
            None => {
                let after =
                    Epilogue { shift: bias.as_ref(), residual, activation, ..Epilogue::default() };
                (self.operator.forward(maps, &weight, &after)?, None)
            }
            Some(norm) if !mode.normalises_by_batch() && keep != Keep::ForParameters => {
                let (scale, mut shift) = norm.frozen()?;
                if let Some(bias) = &bias {
                    shift = (shift + (bias * &scale)?)?;
                }
                let (scale_of, shift_of) = (Some(&scale), Some(&shift));
                let after = Epilogue { scale: scale_of, shift: shift_of, residual, activation };
                let output = self.operator.forward(maps, &weight, &after)?;
                let saved = norm::Saved::Frozen { scale, maps: None };
                (output, (keep != Keep::Nothing).then_some(saved))
            }
            Some(norm) => {
                let after = Epilogue { shift: bias.as_ref(), ..Epilogue::default() };
                let raw = self.operator.forward(maps, &weight, &after)?;
                norm.forward(&raw, residual, activation, mode, keep)?
            }
        };
        let saved = (keep != Keep::Nothing).then(|| Saved {
            maps: (keep == Keep::ForParameters).then(|| maps.clone()),
            norm,
            output: (activation == Activation::Relu).then(|| output.clone()),
        });
        Ok((output, saved))
    }

    /// The gradient of the maps is computed only if `maps` says so, those of the parameters only
    /// if the forward pass kept what they need.
    pub(super) fn backward(&self, saved: Saved, grad: Tensor, maps: bool) -> Result<Gradients> {
        let residual = through(self.activation, saved.output.as_ref(), grad)?;
        drop(saved.output);
        let (grad, mut found) = match (&self.norm, saved.norm) {
            (Some(norm), Some(saved)) => norm.backward(saved, &residual)?,
            _ => (residual.clone(), Vec::new()),
        };
        if let Some(maps) = saved.maps {
            if let Some(bias) = &self.bias {
                found.push((bias.index, ops::channel_sum(&grad)?));
            }
            found.push((
                self.weight.index,
                self.operator.weight_gradient(&grad, &maps, self.kernel)?,
            ));
        }
        let weight = self.weight.value();
        let input =
            maps.then(|| self.operator.input_gradient(&grad, &weight, self.size)).transpose()?;
        Ok((input, residual, found))
    }
}
