//! Two-dimensional convolution (cross-correlation, as in PyTorch), with zero padding.
//!
//! Maps are `[batch, height, width, channels]` and weights `[outputs, kernel_h, kernel_w,
//! inputs / groups]`: channels lie together, so that everything vectorises whatever the size of
//! the map. 3×3 convolutions with stride 1 go by Winograd where that is faster, others are
//! unfolded and multiplied.

mod direct;
mod epilogue;
mod geometry;
#[cfg(test)]
mod tests;
mod winograd;

use candle_core::{Result, Shape, Tensor, bail};

use super::elementwise::Activation;
use super::values::{Values, new_tensor};
pub(super) use geometry::Geometry;

/// A convolution's numbers, height before width; its weight is an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Pixels between two places of the kernel.
    pub stride: [usize; 2],
    /// Zeros around the image, on both sides.
    pub padding: [usize; 2],
    /// Pixels between two numbers of the kernel.
    pub dilation: [usize; 2],
    /// Channels are cut into so many groups that don't see each other.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

/// What follows a convolution, done while its outputs are in the cache: `activation(x · scale +
/// shift + residual)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// `[outputs]`.
    pub scale: Option<&'a Tensor>,
    /// `[outputs]`: a bias.
    pub shift: Option<&'a Tensor>,
    /// Of the shape of the outputs.
    pub residual: Option<&'a Tensor>,
    /// At the end.
    pub activation: Activation,
}

impl Conv2d {
    /// Height and width of the outputs: `(size + 2 padding − dilation (kernel − 1) − 1) / stride +
    /// 1`, rounded down. Errors if the kernel does not fit.
    pub fn output_size(&self, size: [usize; 2], kernel: [usize; 2]) -> Result<[usize; 2]> {
        let along = |axis: usize| -> Result<usize> {
            let (stride, dilation, kernel) = (self.stride[axis], self.dilation[axis], kernel[axis]);
            if stride == 0 || dilation == 0 || kernel == 0 {
                bail!("conv2d: stride, dilation and kernel must be above 0");
            }
            let (padded, extent) =
                (size[axis] + 2 * self.padding[axis], dilation * (kernel - 1) + 1);
            if padded < extent {
                bail!("conv2d: a kernel over {extent} pixels does not fit {padded}");
            }
            Ok((padded - extent) / stride + 1)
        };
        Ok([along(0)?, along(1)?])
    }

    /// `maps` `[batch, height, width, inputs]`, `weight` `[outputs, kernel_h, kernel_w, inputs /
    /// groups]`; gives `[batch, out_height, out_width, outputs]`.
    pub fn forward(&self, maps: &Tensor, weight: &Tensor, after: &Epilogue<'_>) -> Result<Tensor> {
        let (maps, weight) = (maps.contiguous()?, weight.contiguous()?);
        let (batch, height, width, inputs) = maps.dims4()?;
        let g = self.geometry(batch, [height, width], inputs, weight.shape())?;
        let shape = Shape::from((batch, g.out[0], g.out[1], g.outputs));
        let channels = |tensor: Option<&Tensor>| match tensor {
            Some(t) if t.dims() != [g.outputs] => {
                bail!("conv2d: {} outputs, but a factor or bias of shape {:?}", g.outputs, t.dims())
            }
            _ => Ok(()),
        };
        channels(after.scale)?;
        channels(after.shift)?;
        let residual = after.residual.map(Tensor::contiguous).transpose()?;
        if let Some(residual) = &residual
            && residual.dims() != shape.dims()
        {
            bail!("conv2d: outputs {:?}, residual {:?}", shape.dims(), residual.dims());
        }
        #[cfg(feature = "cuda")]
        if maps.device().is_cuda() {
            let after = Epilogue { residual: residual.as_ref(), ..*after };
            return super::cuda::convolution(&g, &maps, &weight, &after);
        }
        let (maps_values, weight) = (Values::of(&maps), Values::of(&weight));
        let [scale, shift, residual] =
            [after.scale, after.shift, residual.as_ref()].map(|t| t.map(Values::of));
        let after = epilogue::Epilogue {
            scale: scale.as_ref().map(Values::slice).transpose()?,
            shift: shift.as_ref().map(Values::slice).transpose()?,
            residual: residual.as_ref().map(Values::slice).transpose()?,
            activation: after.activation,
        };
        let (values, weight) = (maps_values.slice()?, weight.slice()?);
        let result = if winograd::is_worthwhile(&g) {
            winograd::forward(&g, values, weight, false, &after)
        } else {
            direct::forward(&g, values, weight, &after)
        };
        new_tensor(result, &shape, &maps)
    }

    /// The gradient of maps of height and width `size`, given that of the outputs.
    pub fn input_gradient(
        &self,
        grad: &Tensor,
        weight: &Tensor,
        size: [usize; 2],
    ) -> Result<Tensor> {
        let (grad, weight) = (grad.contiguous()?, weight.contiguous()?);
        let inputs = weight.dim(3)? * self.groups;
        let g = self.geometry(grad.dim(0)?, size, inputs, weight.shape())?;
        g.check_grad(&grad)?;
        #[cfg(feature = "cuda")]
        if grad.device().is_cuda() {
            return super::cuda::convolution_input_gradient(&g, &grad, &weight);
        }
        let (values, weight) = (Values::of(&grad), Values::of(&weight));
        let (values, weight) = (values.slice()?, weight.slice()?);
        let result = match g.mirrored() {
            Some(mirrored) if winograd::is_worthwhile(&mirrored) => {
                winograd::forward(&mirrored, values, weight, true, &epilogue::Epilogue::default())
            }
            _ => direct::input_gradient(&g, values, weight),
        };
        new_tensor(result, &Shape::from((g.batch, size[0], size[1], inputs)), &grad)
    }

    /// The gradient of a weight of `kernel` height and width, given that of the outputs and the
    /// maps that they came from.
    pub fn weight_gradient(
        &self,
        grad: &Tensor,
        maps: &Tensor,
        kernel: [usize; 2],
    ) -> Result<Tensor> {
        let (grad, maps) = (grad.contiguous()?, maps.contiguous()?);
        let (batch, height, width, inputs) = maps.dims4()?;
        let shape = Shape::from((grad.dim(3)?, kernel[0], kernel[1], inputs / self.groups.max(1)));
        let g = self.geometry(batch, [height, width], inputs, &shape)?;
        g.check_grad(&grad)?;
        #[cfg(feature = "cuda")]
        if grad.device().is_cuda() {
            return super::cuda::convolution_weight_gradient(&g, &grad, &maps);
        }
        let (grad_values, maps) = (Values::of(&grad), Values::of(&maps));
        let (values, maps) = (grad_values.slice()?, maps.slice()?);
        let result = if winograd::is_worthwhile(&g) {
            winograd::weight_gradient(&g, values, maps)
        } else {
            direct::weight_gradient(&g, values, maps)
        };
        new_tensor(result, &shape, &grad)
    }

    pub(in crate::ops) fn geometry(
        &self,
        batch: usize,
        size: [usize; 2],
        inputs: usize,
        weight: &Shape,
    ) -> Result<Geometry> {
        let (outputs, kernel_h, kernel_w, group_inputs) = weight.dims4()?;
        let groups = self.groups;
        if inputs == 0 || outputs == 0 || groups == 0 || outputs % groups != 0 {
            bail!("conv2d: {inputs} inputs and {outputs} outputs in {groups} groups");
        }
        if group_inputs * groups != inputs {
            bail!(
                "conv2d: maps have {inputs} channels, the weight wants {}",
                group_inputs * groups
            );
        }
        let kernel = [kernel_h, kernel_w];
        Ok(Geometry {
            batch,
            size,
            inputs,
            outputs,
            out: self.output_size(size, kernel)?,
            kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups,
        })
    }
}

impl Geometry {
    fn check_grad(&self, grad: &Tensor) -> Result<()> {
        let expected = [self.batch, self.out[0], self.out[1], self.outputs];
        if grad.dims() != expected {
            bail!("conv2d: outputs {expected:?}, gradient {:?}", grad.dims());
        }
        Ok(())
    }
}
