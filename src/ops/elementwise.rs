//! Operators that look at each number, or each channel, on its own. Channels are the last
//! dimension.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::lanes::vectorized;
use super::values::{Values, new_tensor, unfilled};

/// What is applied to each number at the end of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`; its gradient at 0 is 0, as in PyTorch.
    Relu,
}

/// Numbers in one piece of work: 64 KiB, worth a thread's while and small enough to share out
/// evenly.
const PIECE: usize = 16 * 1024;

/// Not `f32::max`, which would turn NaN into 0 and hide that training has gone wrong.
#[inline(always)]
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
pub(super) fn relu_of(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

/// `max(x, 0)` of every number.
pub fn relu(values: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if values.device().is_cuda() {
        return super::cuda::relu(values);
    }
    map(values, relu_of)
}

/// The gradient before a ReLU that gave `output`: `grad` where `output` is above 0.
pub fn relu_gradient(output: &Tensor, grad: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return super::cuda::relu_gradient(output, grad);
    }
    map2(output, grad, |output, grad| if output <= 0.0 { 0.0 } else { grad })
}

/// The sum of two tensors of the same shape.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if a.device().is_cuda() {
        return super::cuda::add(a, b);
    }
    map2(a, b, |a, b| a + b)
}

fn map(a: &Tensor, f: impl Fn(f32) -> f32 + Sync) -> Result<Tensor> {
    let a = a.contiguous()?;
    let values = Values::of(&a);
    let values = values.slice()?;
    let mut result = unfilled(values.len());
    result.par_chunks_mut(PIECE).zip(values.par_chunks(PIECE)).for_each(|(result, values)| {
        vectorized(|| {
            for (result, &value) in result.iter_mut().zip(values) {
                *result = f(value);
            }
        });
    });
    new_tensor(result, a.shape(), &a)
}

fn map2(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<Tensor> {
    if a.dims() != b.dims() {
        bail!("shapes {:?} and {:?} differ", a.dims(), b.dims());
    }
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    let (left, right) = (Values::of(&a), Values::of(&b));
    let (left, right) = (left.slice()?, right.slice()?);
    let mut result = unfilled(left.len());
    result.par_chunks_mut(PIECE).zip(left.par_chunks(PIECE).zip(right.par_chunks(PIECE))).for_each(
        |(result, (left, right))| {
            vectorized(|| {
                for ((result, &a), &b) in result.iter_mut().zip(left).zip(right) {
                    *result = f(a, b);
                }
            });
        },
    );
    new_tensor(result, a.shape(), &a)
}

/// `activation(x · scale + shift)`: `scale` and `shift` `[channels]`, `maps` `[…, channels]`. What
/// normalising pixels and frozen batch normalisation come down to.
pub fn channel_affine(
    maps: &Tensor,
    scale: &Tensor,
    shift: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if maps.device().is_cuda() {
        return super::cuda::channel_affine(maps, scale, shift, activation);
    }
    let (scale, shift) = (Values::of(scale), Values::of(shift));
    let (scale, shift) = (scale.slice()?, shift.slice()?);
    if shift.len() != scale.len() {
        bail!("{} factors, {} summands", scale.len(), shift.len());
    }
    per_channel(maps, scale.len(), |result, maps| {
        let terms = maps.iter().zip(scale).zip(shift);
        match activation {
            Activation::None => {
                for (y, ((&x, &scale), &shift)) in result.iter_mut().zip(terms) {
                    *y = x * scale + shift;
                }
            }
            Activation::Relu => {
                for (y, ((&x, &scale), &shift)) in result.iter_mut().zip(terms) {
                    *y = relu_of(x * scale + shift);
                }
            }
        }
    })
}

/// `x · scale`: the gradient of [`channel_affine`] before its activation.
pub fn channel_scale(grad: &Tensor, scale: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return super::cuda::channel_scale(grad, scale);
    }
    let scale = Values::of(scale);
    let scale = scale.slice()?;
    per_channel(grad, scale.len(), |result, grad| {
        for ((result, &grad), &scale) in result.iter_mut().zip(grad).zip(scale) {
            *result = grad * scale;
        }
    })
}

/// Runs `row(result, maps)` for the channels of every place.
fn per_channel(
    maps: &Tensor,
    channels: usize,
    row: impl Fn(&mut [f32], &[f32]) + Sync,
) -> Result<Tensor> {
    if maps.dims().last() != Some(&channels) || channels == 0 {
        bail!("{channels} factors for maps of shape {:?}", maps.dims());
    }
    let maps = maps.contiguous()?;
    let values = Values::of(&maps);
    let values = values.slice()?;
    let mut result = unfilled(values.len());
    let piece = rows_in_a_piece(channels) * channels;
    result.par_chunks_mut(piece).zip(values.par_chunks(piece)).for_each(|(result, values)| {
        vectorized(|| {
            for (result, values) in result.chunks_mut(channels).zip(values.chunks(channels)) {
                row(result, values);
            }
        });
    });
    new_tensor(result, maps.shape(), &maps)
}

/// `[channels]`: the sum over all places of `grad` `[…, channels]`, which is a bias's gradient.
pub fn channel_sum(grad: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if grad.device().is_cuda() {
        return super::cuda::channel_sum(grad);
    }
    let grad = grad.contiguous()?;
    let Some(&channels) = grad.dims().last() else { bail!("a scalar has no channels") };
    let values = Values::of(&grad);
    let sums = sum_rows(values.slice()?, channels, |sum, row| {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    });
    let sums = sums.into_iter().map(|sum| sum as f32).collect();
    new_tensor(sums, &Shape::from(channels), &grad)
}

/// Rows of `width` numbers that make a piece of work.
pub(super) fn rows_in_a_piece(width: usize) -> usize {
    (PIECE / width.max(1)).max(1)
}

/// Sums what `add` makes of every row of `width` numbers: in f32 inside a piece of fixed size, in
/// f64 from piece to piece, so that neither the number of threads nor the length costs a bit.
fn sum_rows(values: &[f32], width: usize, add: impl Fn(&mut [f32], &[f32]) + Sync) -> Vec<f64> {
    let pieces: Vec<Vec<f32>> = values
        .par_chunks((rows_in_a_piece(width) * width).max(1))
        .map(|rows| {
            let mut sum = vec![0.0; width];
            vectorized(|| {
                for row in rows.chunks(width) {
                    add(&mut sum, row);
                }
            });
            sum
        })
        .collect();
    let mut total = vec![0.0; width];
    for piece in pieces {
        for (total, sum) in total.iter_mut().zip(piece) {
            *total += f64::from(sum);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::ops::check::{assert_close, random};

    #[test]
    fn each_channel_has_its_factor_and_summand() {
        let maps = Tensor::new(&[[1f32, 3.0], [-2.0, 4.0]], &Device::Cpu).unwrap();
        let scale = Tensor::new(&[2f32, -1.0], &Device::Cpu).unwrap();
        let shift = Tensor::new(&[1f32, 3.5], &Device::Cpu).unwrap();
        let run = |activation| {
            let result = channel_affine(&maps, &scale, &shift, activation);
            result.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(run(Activation::None), [3.0, 0.5, -3.0, -0.5]);
        assert_eq!(run(Activation::Relu), [3.0, 0.5, 0.0, 0.0]);
        let grad = channel_scale(&maps, &scale).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(grad, [[2.0, -3.0], [-4.0, -4.0]]);
        assert!(channel_scale(&maps, &random("three", &[3])).is_err());
    }

    #[test]
    fn relu_stops_the_gradient_at_zero_and_does_not_hide_nan() {
        let values = Tensor::new(&[1f32, -2.0, 0.0, f32::NAN], &Device::Cpu).unwrap();
        let output = relu(&values).unwrap();
        let numbers = output.to_vec1::<f32>().unwrap();
        assert_eq!(numbers[..3], [1.0, 0.0, 0.0]);
        assert!(numbers[3].is_nan());
        let grad = relu_gradient(&output, &values).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(grad[..3], [1.0, 0.0, 0.0]);
        assert!(grad[3].is_nan());
    }

    #[test]
    fn sums_of_many_pieces() {
        let grad = random("grad", &[3, 70, 80, 5]);
        let expected = grad.flatten_to(2).unwrap().sum(0).unwrap();
        assert_close(&channel_sum(&grad).unwrap(), &expected, 1e-5);
        let sum = add(&grad, &grad).unwrap();
        assert_close(&sum, &(&grad * 2.0).unwrap(), 1e-7);
        assert!(add(&grad, &expected).is_err());
    }
}
