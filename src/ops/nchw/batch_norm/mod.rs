//! Batch normalisation over the batch's own statistics, fused with the ReLU that follows it.
//!
//! For running statistics see [`BatchNorm::frozen`]: there it is one factor and one summand a
//! channel.

mod cpu;

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::ops::nchw::channel_affine::Activation;
use crate::ops::values::{Values, dims4, slice};

/// Batch normalisation as PyTorch's `BatchNorm2d`: `(x − mean) / √(var + epsilon) · gamma + beta`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance. PyTorch: 1e-5.
    pub epsilon: f64,
    /// What follows.
    pub activation: Activation,
}

/// What one batch says about each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Mean over batch, height and width.
    pub mean: Vec<f64>,
    /// Variance over them, divided by their count.
    pub var: Vec<f64>,
    /// How many numbers a channel has.
    pub count: usize,
}

impl Statistics {
    /// Moves running statistics towards these: `running += momentum · (batch − running)`, where
    /// the variance counts as unbiased, as in PyTorch.
    pub fn update(&self, running_mean: &mut [f32], running_var: &mut [f32], momentum: f64) {
        let unbiased = self.count as f64 / (self.count as f64 - 1.0);
        let toward = |running: &mut f32, batch: f64| {
            *running = (f64::from(*running) * (1.0 - momentum) + batch * momentum) as f32;
        };
        for (running, mean) in running_mean.iter_mut().zip(&self.mean) {
            toward(running, *mean);
        }
        for (running, var) in running_var.iter_mut().zip(&self.var) {
            toward(running, *var * unbiased);
        }
    }
}

impl BatchNorm {
    /// Normalises `maps` `[batch, channels, height, width]` by their own statistics, which it also
    /// returns; `gamma` and `beta` `[channels]`. Gradients flow to all three. Errors if a channel
    /// has one number only, whose variance says nothing.
    pub fn forward(
        &self,
        maps: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
    ) -> Result<(Tensor, Statistics)> {
        let saved = Arc::new(OnceLock::new());
        let op = Op { norm: *self, saved: Arc::clone(&saved) };
        let (gamma, beta) = (gamma.contiguous()?, beta.contiguous()?);
        let normalised = maps.contiguous()?.apply_op3(&gamma, &beta, op)?;
        match saved.get() {
            Some(statistics) => Ok((normalised, statistics.clone())),
            None => bail!("batch norm did not run"),
        }
    }

    /// The same by running statistics: a factor and a summand for each channel, which
    /// [`super::channel_affine()`] applies and a convolution before it can take into its weight and
    /// bias. All arguments `[channels]`.
    pub fn frozen(
        &self,
        gamma: &[f32],
        beta: &[f32],
        running_mean: &[f32],
        running_var: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let affine = |c: usize| {
            let factor = f64::from(gamma[c]) / (f64::from(running_var[c]) + self.epsilon).sqrt();
            let summand = f64::from(beta[c]) - f64::from(running_mean[c]) * factor;
            (factor as f32, summand as f32)
        };
        (0..gamma.len()).map(affine).unzip()
    }
}

struct Op {
    norm: BatchNorm,
    saved: Arc<OnceLock<Statistics>>,
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "batch norm"
    }

    fn cpu_fwd(
        &self,
        maps: &CpuStorage,
        maps_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = dims4(maps_layout)?;
        let (gamma, beta) = (slice(gamma, gamma_layout)?, slice(beta, beta_layout)?);
        if gamma.len() != channels || beta.len() != channels {
            bail!("batch norm: {channels} channels, {} scales", gamma.len());
        }
        if batch * height * width < 2 {
            bail!("batch norm wants more than one number a channel in training");
        }
        let maps = slice(maps, maps_layout)?;
        let statistics = cpu::statistics(maps, channels, height * width);
        let normalised = cpu::forward(maps, &statistics, (gamma, beta), &self.norm, height * width);
        if self.saved.set(statistics).is_err() {
            bail!("a batch norm ran twice");
        }
        Ok((CpuStorage::F32(normalised), maps_layout.shape().clone()))
    }

    fn bwd(
        &self,
        maps: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _normalised: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(statistics) = self.saved.get() else { bail!("batch norm did not run") };
        let grad = grad.contiguous()?;
        let (_, channels, height, width) = maps.dims4()?;
        let (grad, values) = (Values::of(&grad), Values::of(maps));
        let (gamma_values, beta_values) = (Values::of(gamma), Values::of(beta));
        let backward = cpu::Backward {
            maps: values.slice()?,
            grad: grad.slice()?,
            gamma: gamma_values.slice()?,
            beta: beta_values.slice()?,
            statistics,
            norm: &self.norm,
            plane: height * width,
        };
        let sums = backward.sums();
        let parameter = |tensor: &Tensor, values: &[f64]| -> Result<Option<Tensor>> {
            if !tensor.track_op() {
                return Ok(None);
            }
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            Ok(Some(Tensor::from_vec(values, channels, tensor.device())?))
        };
        let for_maps = if maps.track_op() {
            let values = backward.input_gradient(&sums);
            Some(Tensor::from_vec(values, maps.shape(), maps.device())?)
        } else {
            None
        };
        Ok((for_maps, parameter(gamma, &sums.gamma)?, parameter(beta, &sums.beta)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{assert_close, assert_gradients, random};
    use crate::ops::nchw::channel_affine;

    const PLAIN: BatchNorm = BatchNorm { epsilon: 1e-5, activation: Activation::None };
    const RELU: BatchNorm = BatchNorm { epsilon: 1e-5, activation: Activation::Relu };

    fn arguments() -> [Tensor; 3] {
        let gamma = (random("gamma", &[3]) + 1.5).unwrap();
        [random("maps", &[4, 3, 3, 5]), gamma, random("beta", &[3])]
    }

    /// The definition, with candle's own operators.
    fn reference([maps, gamma, beta]: &[Tensor; 3]) -> Tensor {
        let mean = maps.mean_keepdim((0, 2, 3)).unwrap();
        let centred = maps.broadcast_sub(&mean).unwrap();
        let var = centred.sqr().unwrap().mean_keepdim((0, 2, 3)).unwrap();
        let column = |tensor: &Tensor| tensor.reshape((1, 3, 1, 1)).unwrap();
        let normal = centred.broadcast_div(&(var + 1e-5).unwrap().sqrt().unwrap()).unwrap();
        normal.broadcast_mul(&column(gamma)).unwrap().broadcast_add(&column(beta)).unwrap()
    }

    #[test]
    fn is_its_definition_with_and_without_relu() {
        let arguments = arguments();
        let [maps, gamma, beta] = &arguments;
        let expected = reference(&arguments);
        let (plain, _) = PLAIN.forward(maps, gamma, beta).unwrap();
        assert_close(&plain, &expected, 1e-5);
        let (relu, _) = RELU.forward(maps, gamma, beta).unwrap();
        assert_close(&relu, &expected.relu().unwrap(), 1e-5);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        assert_gradients(&arguments(), |a| Ok(PLAIN.forward(&a[0], &a[1], &a[2])?.0));
    }

    #[test]
    fn relu_stops_the_gradient_where_it_is_zero() {
        let arguments = arguments().map(|tensor| candle_core::Var::from_tensor(&tensor).unwrap());
        let tensors = arguments.clone().map(|var| var.as_tensor().clone());
        let direction = random("direction", &[4, 3, 3, 5]);
        let gradients =
            |output: Tensor| (output * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        let ours = gradients(RELU.forward(&tensors[0], &tensors[1], &tensors[2]).unwrap().0);
        let candle = gradients(reference(&tensors).relu().unwrap());
        for var in &arguments {
            assert_close(ours.get(var).unwrap(), candle.get(var).unwrap(), 1e-4);
        }
    }

    #[test]
    fn statistics_stay_exact_far_from_zero() {
        // A mean a thousand deviations away: one-pass formulas lose the variance here.
        let maps = (random("maps", &[4, 3, 3, 5]) + 1000.0).unwrap();
        let [_, gamma, beta] = arguments();
        let (_, statistics) = PLAIN.forward(&maps, &gamma, &beta).unwrap();
        let planes = maps.transpose(0, 1).unwrap().flatten_from(1).unwrap();
        for (c, values) in planes.to_vec2::<f32>().unwrap().iter().enumerate() {
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 60.0;
            let var = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 60.0;
            assert!((statistics.mean[c] / mean - 1.0).abs() < 1e-6);
            assert!((statistics.var[c] / var - 1.0).abs() < 1e-4, "{} {var}", statistics.var[c]);
        }
        assert_eq!(statistics.count, 60);
    }

    #[test]
    fn frozen_uses_running_statistics() {
        let [maps, gamma, beta] = arguments();
        let vec = |tensor: &Tensor| tensor.to_vec1::<f32>().unwrap();
        let (mean, var) = (vec![0.1, -0.2, 0.3], vec![0.5, 1.0, 2.0]);
        let (scale, shift) = RELU.frozen(&vec(&gamma), &vec(&beta), &mean, &var);
        let frozen = channel_affine(&maps, scale, shift, RELU.activation).unwrap();
        let column = |v: &[f32]| Tensor::from_slice(v, (1, 3, 1, 1), maps.device()).unwrap();
        let deviation = (column(&var) + 1e-5).unwrap().sqrt().unwrap();
        let normal = maps.broadcast_sub(&column(&mean)).unwrap().broadcast_div(&deviation).unwrap();
        let scaled = normal.broadcast_mul(&column(&vec(&gamma))).unwrap();
        let expected = scaled.broadcast_add(&column(&vec(&beta))).unwrap().relu().unwrap();
        assert_close(&frozen, &expected, 1e-5);
    }

    #[test]
    fn running_statistics_follow_as_in_pytorch() {
        let statistics = Statistics { mean: vec![2.0], var: vec![3.0], count: 4 };
        let (mut mean, mut var) = ([1.0], [1.0]);
        statistics.update(&mut mean, &mut var, 0.1);
        assert!((mean[0] - 1.1).abs() < 1e-6 && (var[0] - 1.3).abs() < 1e-6, "{mean:?} {var:?}");
    }

    #[test]
    fn nan_is_not_hidden() {
        let [maps, gamma, beta] = arguments();
        let broken = (maps * f64::NAN).unwrap();
        let (output, _) = RELU.forward(&broken, &gamma, &beta).unwrap();
        let values = output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn one_number_a_channel_is_an_error() {
        let [_, gamma, beta] = arguments();
        assert!(PLAIN.forward(&random("maps", &[1, 3, 1, 1]), &gamma, &beta).is_err());
        assert!(PLAIN.forward(&random("maps", &[2, 4, 2, 2]), &gamma, &beta).is_err());
    }
}
