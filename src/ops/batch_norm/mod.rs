//! Batch normalisation over the batch's own statistics, fused with what follows it: a residual
//! and a ReLU.
//!
//! For running statistics see [`BatchNorm::frozen`]: there it is one factor and one summand a
//! channel, which a convolution takes into its epilogue.

mod statistics;

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use statistics::moments;
pub use statistics::{Moments, Statistics};

use super::elementwise::{Activation, relu_of, rows_in_a_piece};
use super::lanes::vectorized;
use super::values::{Values, new_tensor, unfilled};

/// Batch normalisation as PyTorch's `BatchNorm2d`: `(x − mean) / √(var + epsilon) · gamma + beta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance. PyTorch: 1e-5.
    pub epsilon: f64,
}

/// What [`BatchNorm::backward`] gives.
#[derive(Debug)]
pub struct BatchNormGradients {
    /// `[batch, height, width, channels]`.
    pub input: Tensor,
    /// `[channels]`.
    pub gamma: Tensor,
    /// `[channels]`.
    pub beta: Tensor,
}

impl BatchNorm {
    /// `activation(normalised + residual)` of `maps` `[batch, height, width, channels]` by their
    /// own statistics, which it also returns; `gamma` and `beta` `[channels]`, `residual` of the
    /// shape of `maps`. Errors if a channel has one number only, whose variance says nothing.
    pub fn forward(
        &self,
        maps: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        residual: Option<&Tensor>,
        activation: Activation,
    ) -> Result<(Tensor, Statistics)> {
        let channels = maps.dim(3)?;
        if gamma.dims() != [channels] || beta.dims() != [channels] {
            bail!("batch norm: {channels} channels, {:?} scales", gamma.dims());
        }
        if maps.elem_count() / channels.max(1) < 2 {
            bail!("batch norm wants more than one number a channel in training");
        }
        if residual.is_some_and(|residual| residual.dims() != maps.dims()) {
            bail!("batch norm: the residual is not of the shape of the maps");
        }
        #[cfg(feature = "cuda")]
        if maps.device().is_cuda() {
            let (output, mean, var) =
                super::cuda::norm_forward(maps, gamma, beta, residual, activation, self.epsilon)?;
            let count = maps.elem_count() / channels;
            return Ok((output, Statistics::Card { mean, var, count }));
        }
        let maps = maps.contiguous()?;
        let residual = residual.map(Tensor::contiguous).transpose()?;
        let (values, gamma, beta) = (Values::of(&maps), Values::of(gamma), Values::of(beta));
        let residual = residual.as_ref().map(Values::of);
        let residual = residual.as_ref().map(Values::slice).transpose()?;
        let (values, gamma, beta) = (values.slice()?, gamma.slice()?, beta.slice()?);
        let statistics = moments(values, channels);
        // x · scale + shift would cancel where the mean is large.
        let mean: Vec<f32> = statistics.mean.iter().map(|&mean| mean as f32).collect();
        let scale = self.scales(&statistics, gamma);
        let piece = rows_in_a_piece(channels) * channels;
        let mut result = unfilled(values.len());
        result.par_chunks_mut(piece).zip(values.par_chunks(piece)).enumerate().for_each(
            |(index, (result, values))| {
                vectorized(|| {
                    let rows = result.chunks_mut(channels).zip(values.chunks(channels));
                    for (row, (result, values)) in rows.enumerate() {
                        for (c, (y, x)) in result.iter_mut().zip(values).enumerate() {
                            *y = (x - mean[c]) * scale[c] + beta[c];
                        }
                        if let Some(residual) = residual {
                            let start = index * piece + row * channels;
                            for (y, x) in result.iter_mut().zip(&residual[start..]) {
                                *y += x;
                            }
                        }
                        if activation == Activation::Relu {
                            for y in result {
                                *y = relu_of(*y);
                            }
                        }
                    }
                });
            },
        );
        Ok((new_tensor(result, maps.shape(), &maps)?, Statistics::Host(statistics)))
    }

    /// Gradients given `grad`, that of the normalised maps: after the gradient of the activation,
    /// which is that of a residual too.
    ///
    /// `gamma / deviation · (grad − mean(grad) − x̂ · mean(grad · x̂))`, Ioffe and Szegedy 2015.
    pub fn backward(
        &self,
        maps: &Tensor,
        gamma: &Tensor,
        statistics: &Statistics,
        grad: &Tensor,
    ) -> Result<BatchNormGradients> {
        let channels = maps.dim(3)?;
        if grad.dims() != maps.dims() || gamma.dims() != [channels] {
            bail!("batch norm: maps {:?}, gradient {:?}", maps.dims(), grad.dims());
        }
        #[cfg(feature = "cuda")]
        if let Statistics::Card { mean, var, .. } = statistics {
            return super::cuda::norm_backward(maps, gamma, [mean, var], grad, self.epsilon);
        }
        let Some(statistics) = statistics.on_host() else {
            bail!("batch norm: the maps are not on the card of the statistics")
        };
        let (maps, grad) = (maps.contiguous()?, grad.contiguous()?);
        let (values, grads, gammas) = (Values::of(&maps), Values::of(&grad), Values::of(gamma));
        let (values, grads, gammas) = (values.slice()?, grads.slice()?, gammas.slice()?);
        let (plain, products) = sums(values, grads, statistics, channels);
        let count = statistics.count as f64;
        let mean: Vec<f32> = statistics.mean.iter().map(|&mean| mean as f32).collect();
        let scale = self.scales(statistics, gammas);
        // grad · scale + (x − mean) · slope + offset
        let (slope, offset): (Vec<f32>, Vec<f32>) = (0..channels)
            .map(|c| {
                let deviation = self.inverse_deviation(statistics.var[c]);
                let scale = f64::from(gammas[c]) * deviation;
                let slope = -scale * deviation * deviation * products[c] / count;
                (slope as f32, (-scale * plain[c] / count) as f32)
            })
            .unzip();
        let piece = rows_in_a_piece(channels) * channels;
        let mut result = unfilled(values.len());
        result
            .par_chunks_mut(piece)
            .zip(values.par_chunks(piece).zip(grads.par_chunks(piece)))
            .for_each(|(result, (values, grads))| {
                vectorized(|| {
                    let rows = values.chunks(channels).zip(grads.chunks(channels));
                    for (result, (values, grads)) in result.chunks_mut(channels).zip(rows) {
                        for c in 0..result.len() {
                            let distance = values[c] - mean[c];
                            result[c] = grads[c] * scale[c] + distance * slope[c] + offset[c];
                        }
                    }
                });
            });
        let shape = Shape::from(channels);
        let for_gamma = products
            .iter()
            .zip(&statistics.var)
            .map(|(product, &var)| (product * self.inverse_deviation(var)) as f32)
            .collect();
        let for_beta = plain.iter().map(|&sum| sum as f32).collect();
        Ok(BatchNormGradients {
            input: new_tensor(result, maps.shape(), &maps)?,
            gamma: new_tensor(for_gamma, &shape, &maps)?,
            beta: new_tensor(for_beta, &shape, &maps)?,
        })
    }

    /// Running statistics as a factor and a summand for each channel. All arguments `[channels]`.
    pub fn frozen(
        &self,
        gamma: &Tensor,
        beta: &Tensor,
        running_mean: &Tensor,
        running_var: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let arguments = [gamma, beta, running_mean, running_var];
        #[cfg(feature = "cuda")]
        if gamma.device().is_cuda() {
            return super::cuda::norm_frozen(arguments, self.epsilon);
        }
        let [gamma, beta, running_mean, running_var] = arguments.map(Values::of);
        let (scale, shift) = self.frozen_numbers(
            gamma.slice()?,
            beta.slice()?,
            running_mean.slice()?,
            running_var.slice()?,
        );
        let shape = Shape::from(scale.len());
        let like = arguments[0];
        Ok((new_tensor(scale, &shape, like)?, new_tensor(shift, &shape, like)?))
    }

    fn frozen_numbers(
        self,
        gamma: &[f32],
        beta: &[f32],
        running_mean: &[f32],
        running_var: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let affine = |c: usize| {
            let factor = f64::from(gamma[c]) * self.inverse_deviation(f64::from(running_var[c]));
            let summand = f64::from(beta[c]) - f64::from(running_mean[c]) * factor;
            (factor as f32, summand as f32)
        };
        (0..gamma.len()).map(affine).unzip()
    }

    fn inverse_deviation(self, var: f64) -> f64 {
        1.0 / (var + self.epsilon).sqrt()
    }

    fn scales(self, statistics: &Moments, gamma: &[f32]) -> Vec<f32> {
        let var = statistics.var.iter();
        let scale = |(&gamma, &var)| (f64::from(gamma) * self.inverse_deviation(var)) as f32;
        gamma.iter().zip(var).map(scale).collect()
    }
}

/// Sums over each channel: of the gradient, and of its product with the distance from the mean.
fn sums(maps: &[f32], grad: &[f32], statistics: &Moments, channels: usize) -> (Vec<f64>, Vec<f64>) {
    let mean: Vec<f32> = statistics.mean.iter().map(|&mean| mean as f32).collect();
    let piece = rows_in_a_piece(channels) * channels;
    let pieces: Vec<(Vec<f32>, Vec<f32>)> = maps
        .par_chunks(piece)
        .zip(grad.par_chunks(piece))
        .map(|(maps, grad)| {
            let (mut plain, mut products) = (vec![0.0; channels], vec![0.0; channels]);
            let (plain_sums, product_sums) = (&mut plain[..], &mut products[..]);
            vectorized(|| {
                for (values, grad) in maps.chunks(channels).zip(grad.chunks(channels)) {
                    let sums = plain_sums.iter_mut().zip(product_sums.iter_mut()).zip(&mean);
                    for (((plain, product), mean), (value, grad)) in
                        sums.zip(values.iter().zip(grad))
                    {
                        *plain += grad;
                        *product += grad * (value - mean);
                    }
                }
            });
            (plain, products)
        })
        .collect();
    let (mut plain, mut products) = (vec![0.0; channels], vec![0.0; channels]);
    for (plains, product) in pieces {
        for c in 0..channels {
            plain[c] += f64::from(plains[c]);
            products[c] += f64::from(product[c]);
        }
    }
    (plain, products)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::ops::channel_affine;
    use crate::ops::check::{assert_close, random};
    use crate::ops::elementwise::relu_gradient;

    const NORM: BatchNorm = BatchNorm { epsilon: 1e-5 };

    fn arguments() -> [Tensor; 4] {
        let gamma = (random("gamma", &[3]) + 1.5).unwrap();
        let shape = [4, 30, 55, 3];
        [random("maps", &shape), gamma, random("beta", &[3]), random("residual", &shape)]
    }

    /// The definition, with candle's own operators.
    fn reference([maps, gamma, beta, residual]: &[Tensor; 4]) -> Tensor {
        let mean = maps.mean_keepdim((0, 1, 2)).unwrap();
        let centred = maps.broadcast_sub(&mean).unwrap();
        let var = centred.sqr().unwrap().mean_keepdim((0, 1, 2)).unwrap();
        let normal = centred.broadcast_div(&(var + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        let scaled = normal.broadcast_mul(gamma).unwrap().broadcast_add(beta).unwrap();
        (scaled + residual).unwrap().relu().unwrap()
    }

    #[test]
    fn is_its_definition_in_both_directions() {
        let vars = arguments().map(|tensor| Var::from_tensor(&tensor).unwrap());
        let tensors = vars.each_ref().map(|var| var.as_tensor().clone());
        let expected = reference(&tensors);
        let direction = random("direction", expected.dims());
        let grads = (&expected * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        let [maps, gamma, beta, residual] = arguments();
        let (output, statistics) =
            NORM.forward(&maps, &gamma, &beta, Some(&residual), Activation::Relu).unwrap();
        assert_close(&output, &expected.detach(), 1e-5);
        let grad = relu_gradient(&output, &direction).unwrap();
        assert_close(&grad, grads.get(&vars[3]).unwrap(), 1e-6);
        let ours = NORM.backward(&maps, &gamma, &statistics, &grad).unwrap();
        assert_close(&ours.input, grads.get(&vars[0]).unwrap(), 1e-4);
        assert_close(&ours.gamma, grads.get(&vars[1]).unwrap(), 1e-4);
        assert_close(&ours.beta, grads.get(&vars[2]).unwrap(), 1e-4);
        let plain = NORM.forward(&maps, &gamma, &beta, None, Activation::None).unwrap().0;
        let whole = relu_of_sum(&plain, &residual);
        assert_close(&whole, &output, 1e-6);
    }

    fn relu_of_sum(a: &Tensor, b: &Tensor) -> Tensor {
        (a + b).unwrap().relu().unwrap()
    }

    #[test]
    fn statistics_stay_exact_far_from_zero() {
        // A mean a thousand deviations away: one-pass formulas lose the variance here.
        let [maps, ..] = arguments();
        let maps = (maps + 1000.0).unwrap();
        let moments = super::moments(Values::of(&maps).slice().unwrap(), 3);
        let channels = maps.flatten_to(2).unwrap().t().unwrap().to_vec2::<f32>().unwrap();
        for (c, values) in channels.iter().enumerate() {
            let count = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let var = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
            assert!((moments.mean[c] / mean - 1.0).abs() < 1e-6);
            assert!((moments.var[c] / var - 1.0).abs() < 1e-4, "{} {var}", moments.var[c]);
            assert_eq!(moments.count, values.len());
        }
    }

    #[test]
    fn frozen_uses_running_statistics() {
        let [maps, gamma, beta, _] = arguments();
        let row = |v: &[f32]| Tensor::from_slice(v, v.len(), maps.device()).unwrap();
        let (mean, var) = (vec![0.1, -0.2, 0.3], vec![0.5, 1.0, 2.0]);
        let (scale, shift) = NORM.frozen(&gamma, &beta, &row(&mean), &row(&var)).unwrap();
        let frozen = channel_affine(&maps, &scale, &shift, Activation::None).unwrap();
        let deviation = (row(&var) + 1e-5).unwrap().sqrt().unwrap();
        let normal = maps.broadcast_sub(&row(&mean)).unwrap().broadcast_div(&deviation).unwrap();
        let expected = normal.broadcast_mul(&gamma).unwrap().broadcast_add(&beta).unwrap();
        assert_close(&frozen, &expected, 1e-5);
    }

    #[test]
    fn nan_is_not_hidden() {
        let [maps, gamma, beta, _] = arguments();
        let broken = (maps * f64::NAN).unwrap();
        let (output, _) = NORM.forward(&broken, &gamma, &beta, None, Activation::Relu).unwrap();
        let values = output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn one_number_a_channel_is_an_error() {
        let [_, gamma, beta, _] = arguments();
        let forward = |shape: [usize; 4]| {
            NORM.forward(&random("maps", &shape), &gamma, &beta, None, Activation::None)
        };
        assert!(forward([1, 1, 1, 3]).is_err());
        assert!(forward([2, 2, 2, 4]).is_err());
    }
}
