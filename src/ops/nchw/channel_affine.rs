//! One factor and one summand a channel, then perhaps a ReLU: what normalising pixels and frozen
//! batch normalisation come down to.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::values::{Values, dims4, slice};

/// What is applied to each number at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0)`; its gradient at 0 is 0, as in PyTorch.
    Relu,
}

/// `activation(x · scale + shift)` with `scale` and `shift` `[channels]`, for `maps` `[batch,
/// channels, height, width]`. Only `maps` can carry a gradient.
pub fn channel_affine(
    maps: &Tensor,
    scale: Vec<f32>,
    shift: Vec<f32>,
    activation: Activation,
) -> Result<Tensor> {
    maps.contiguous()?.apply_op1(ChannelAffine { scale, shift, activation })
}

/// Not `f32::max`, which would turn NaN into 0 and hide that training has gone wrong.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
pub(super) fn relu(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

struct ChannelAffine {
    scale: Vec<f32>,
    shift: Vec<f32>,
    activation: Activation,
}

impl CustomOp1 for ChannelAffine {
    fn name(&self) -> &'static str {
        "channel affine"
    }

    fn cpu_fwd(&self, maps: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = dims4(layout)?;
        if self.scale.len() != channels || self.shift.len() != channels {
            bail!("channel affine: {channels} channels, {} factors", self.scale.len());
        }
        let (maps, plane) = (slice(maps, layout)?, height * width);
        let mut result = vec![0.0; maps.len()];
        let size = (channels * plane).max(1);
        result.par_chunks_mut(size).zip(maps.par_chunks(size)).for_each(|(result, maps)| {
            let planes = result.chunks_mut(plane).zip(maps.chunks(plane));
            for ((result, maps), (&scale, &shift)) in planes.zip(self.scale.iter().zip(&self.shift))
            {
                match self.activation {
                    Activation::None => {
                        for (y, x) in result.iter_mut().zip(maps) {
                            *y = x * scale + shift;
                        }
                    }
                    Activation::Relu => {
                        for (y, x) in result.iter_mut().zip(maps) {
                            *y = relu(x * scale + shift);
                        }
                    }
                }
            }
        });
        Ok((CpuStorage::F32(result), layout.shape().clone()))
    }

    fn bwd(&self, maps: &Tensor, result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, channels, height, width) = maps.dims4()?;
        let plane = height * width;
        let grad = grad.contiguous()?;
        let (grad, result) = (Values::of(&grad), Values::of(result));
        let (grad, result) = (grad.slice()?, result.slice()?);
        let mut values = vec![0.0; grad.len()];
        let size = (channels * plane).max(1);
        values
            .par_chunks_mut(size)
            .zip(grad.par_chunks(size).zip(result.par_chunks(size)))
            .for_each(|(values, (grad, result))| {
                for (channel, &scale) in self.scale.iter().enumerate() {
                    let range = channel * plane..(channel + 1) * plane;
                    let (values, grad) = (&mut values[range.clone()], &grad[range.clone()]);
                    match self.activation {
                        Activation::None => {
                            for (value, grad) in values.iter_mut().zip(grad) {
                                *value = grad * scale;
                            }
                        }
                        Activation::Relu => {
                            let result = &result[range];
                            for ((value, grad), result) in values.iter_mut().zip(grad).zip(result) {
                                *value = if *result > 0.0 { grad * scale } else { 0.0 };
                            }
                        }
                    }
                }
            });
        Ok(Some(Tensor::from_vec(values, maps.shape(), maps.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::ops::check::{assert_gradients, random};

    #[test]
    fn each_channel_has_its_factor_and_summand() {
        let maps = Tensor::new(&[[[[1f32, -2.0]], [[3.0, 4.0]]]], &Device::Cpu).unwrap();
        let run = |activation| {
            let result = channel_affine(&maps, vec![2.0, -1.0], vec![1.0, 3.5], activation);
            result.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(Activation::None), [3.0, -3.0, 0.5, -0.5]);
        assert_eq!(run(Activation::Relu), [3.0, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        assert_gradients(&[random("maps", &[2, 2, 2, 3])], |a| {
            channel_affine(&a[0], vec![2.0, -1.0], vec![1.0, 3.5], Activation::None)
        });
    }

    #[test]
    fn relu_passes_the_gradient_where_it_is_above_zero() {
        let maps = Var::new(&[[[[1f32, -2.0, 0.0]]]], &Device::Cpu).unwrap();
        let result = channel_affine(&maps, vec![2.0], vec![0.0], Activation::Relu).unwrap();
        let grads = result.sum_all().unwrap().backward().unwrap();
        let grad = grads.get(&maps).unwrap().flatten_all().unwrap();
        assert_eq!(grad.to_vec1::<f32>().unwrap(), [2.0, 0.0, 0.0]);
    }

    #[test]
    fn relu_does_not_hide_nan() {
        let maps = Tensor::new(&[[[[f32::NAN]]]], &Device::Cpu).unwrap();
        let result = channel_affine(&maps, vec![1.0], vec![0.0], Activation::Relu).unwrap();
        assert!(result.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
    }

    #[test]
    fn a_wrong_number_of_channels_is_an_error() {
        let maps = random("maps", &[1, 2, 2, 2]);
        assert!(channel_affine(&maps, vec![1.0], vec![0.0], Activation::None).is_err());
    }
}
