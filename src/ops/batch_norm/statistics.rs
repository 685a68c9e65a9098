//! What a batch says about each channel, and what it does to the running statistics.

use candle_core::{Result, Tensor, Var};
use rayon::prelude::*;

use crate::ops::elementwise::rows_in_a_piece;
use crate::ops::lanes::vectorized;

/// What one batch says about each channel.
#[derive(Debug, Clone)]
pub enum Statistics {
    /// Of maps on the CPU.
    Host(Moments),
    /// Of maps on a card, where they stay.
    #[cfg(feature = "cuda")]
    Card {
        /// `[channels]`.
        mean: Tensor,
        /// `[channels]`, divided by the count.
        var: Tensor,
        /// How many numbers a channel has.
        count: usize,
    },
}

/// Mean and variance of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean over batch, height and width.
    pub mean: Vec<f64>,
    /// Variance over them, divided by their count.
    pub var: Vec<f64>,
    /// How many numbers a channel has.
    pub count: usize,
}

impl Statistics {
    /// `None` if they are on a card.
    pub fn on_host(&self) -> Option<&Moments> {
        match self {
            Self::Host(moments) => Some(moments),
            #[cfg(feature = "cuda")]
            Self::Card { .. } => None,
        }
    }

    /// Known ones, such as running statistics, both `[channels]`, instead of a batch's.
    pub fn known(mean: &Tensor, var: &Tensor) -> Result<Self> {
        #[cfg(feature = "cuda")]
        if mean.device().is_cuda() {
            return Ok(Self::Card { mean: mean.clone(), var: var.clone(), count: 1 });
        }
        let wide = |tensor: &Tensor| -> Result<Vec<f64>> {
            Ok(tensor.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
        };
        Ok(Self::Host(Moments { mean: wide(mean)?, var: wide(var)?, count: 1 }))
    }

    /// Moves running statistics `[channels]` towards these: `running += momentum · (batch −
    /// running)`, where the variance counts as unbiased, as in PyTorch.
    pub fn update(&self, mean: &Var, var: &Var, momentum: f64) -> Result<()> {
        match self {
            Self::Host(moments) => {
                let (mut means, mut vars) = (mean.to_vec1()?, var.to_vec1()?);
                moments.update(&mut means, &mut vars, momentum);
                let channels = means.len();
                mean.set(&Tensor::from_vec(means, channels, mean.device())?)?;
                var.set(&Tensor::from_vec(vars, channels, var.device())?)
            }
            #[cfg(feature = "cuda")]
            Self::Card { mean: batch_mean, var: batch_var, count } => {
                let running = [mean.as_detached_tensor(), var.as_detached_tensor()];
                let moved = crate::ops::cuda::norm_running(
                    running.each_ref(),
                    [batch_mean, batch_var],
                    momentum,
                    *count,
                )?;
                mean.set(&moved.0)?;
                var.set(&moved.1)
            }
        }
    }
}

impl Moments {
    fn update(&self, running_mean: &mut [f32], running_var: &mut [f32], momentum: f64) {
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

/// Mean and variance of each channel.
///
/// Pieces are joined by Chan, Golub and LeVeque 1979, eq. 2.1: memory is read once, and nothing
/// cancels where the mean is large.
pub(super) fn moments(maps: &[f32], channels: usize) -> Moments {
    let pieces: Vec<(usize, Vec<f64>, Vec<f32>)> = maps
        .par_chunks(rows_in_a_piece(channels) * channels)
        .map(|rows| {
            let count = rows.len() / channels;
            // Distances from the first row: small, whatever the mean.
            let (mut distances, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
            let first = &rows[..channels];
            vectorized(|| {
                for row in rows.chunks(channels) {
                    for ((sum, value), first) in distances.iter_mut().zip(row).zip(first) {
                        *sum += value - first;
                    }
                }
                for distance in &mut distances {
                    *distance /= count as f32;
                }
                for row in rows.chunks(channels) {
                    let terms = distances.iter().zip(first).zip(row);
                    for (square, ((distance, first), value)) in squares.iter_mut().zip(terms) {
                        let around = value - first - distance;
                        *square += around * around;
                    }
                }
            });
            let mean = first.iter().zip(distances).map(|(&a, b)| f64::from(a) + f64::from(b));
            (count, mean.collect(), squares)
        })
        .collect();
    let (mut mean, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
    let mut before = 0.0;
    for (count, means, around) in pieces {
        let count = count as f64;
        let all = before + count;
        for c in 0..channels {
            let distance = means[c] - mean[c];
            mean[c] += distance * count / all;
            squares[c] += f64::from(around[c]) + distance * distance * before * count / all;
        }
        before = all;
    }
    let var = squares.into_iter().map(|square: f64| square / before).collect();
    Moments { mean, var, count: before as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_statistics_follow_as_in_pytorch() {
        let moments = Moments { mean: vec![2.0], var: vec![3.0], count: 4 };
        let (mut mean, mut var) = ([1.0], [1.0]);
        moments.update(&mut mean, &mut var, 0.1);
        assert!((mean[0] - 1.1).abs() < 1e-6 && (var[0] - 1.3).abs() < 1e-6, "{mean:?} {var:?}");
    }
}
