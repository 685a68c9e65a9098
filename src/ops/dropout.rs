//! Dropout whose mask is drawn from a seed: the backward pass draws it again, so nothing is kept,
//! and the same seed drops the same numbers.

use candle_core::{Result, Tensor, bail};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::values::{Values, new_tensor, unfilled};

/// Numbers drawn from one stream: the mask does not depend on the threads.
const PIECE: usize = 16 * 1024;

/// Sets each number to 0 with `probability` and scales the others by `1 / (1 − probability)`, as
/// PyTorch does in training. Errors unless `probability` is at least 0 and below 1.
pub fn dropout(features: &Tensor, probability: f32, seed: u64) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout: the probability must be at least 0 and below 1, not {probability}");
    }
    let scale = 1.0 / (1.0 - probability);
    let threshold = (f64::from(probability) * 2_f64.powi(32)) as u32;
    #[cfg(feature = "cuda")]
    if features.device().is_cuda() {
        return super::cuda::dropout(features, threshold, scale, seed, PIECE);
    }
    let features = features.contiguous()?;
    let values = Values::of(&features);
    let values = values.slice()?;
    let mut result = unfilled(values.len());
    result.par_chunks_mut(PIECE).zip(values.par_chunks(PIECE)).enumerate().for_each(
        |(piece, (result, values))| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(piece as u64);
            for (result, value) in result.iter_mut().zip(values) {
                *result = if random.next_u32() < threshold { 0.0 } else { value * scale };
            }
        },
    );
    new_tensor(result, features.shape(), &features)
}

/// The gradient of [`dropout`] with the same `probability` and `seed`.
pub fn dropout_gradient(grad: &Tensor, probability: f32, seed: u64) -> Result<Tensor> {
    dropout(grad, probability, seed)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn drops_its_share_and_keeps_the_mean() {
        let ones = Tensor::ones(100_000, DType::F32, &Device::Cpu).unwrap();
        let run = |seed| dropout(&ones, 0.3, seed).unwrap().to_vec1::<f32>().unwrap();
        let values = run(1);
        let dropped = values.iter().filter(|&&value| value == 0.0).count();
        assert!((29_000..31_000).contains(&dropped), "{dropped}");
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.0 / 0.7));
        assert_eq!(values, run(1));
        assert_ne!(values, run(2));
        assert_ne!(values[..100], values[PIECE..PIECE + 100]);
        let grad = dropout_gradient(&ones, 0.3, 1).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(grad, values);
    }

    #[test]
    fn an_impossible_probability_is_an_error() {
        let ones = Tensor::ones(3, DType::F32, &Device::Cpu).unwrap();
        assert!(dropout(&ones, 1.0, 1).is_err());
        assert!(dropout(&ones, f32::NAN, 1).is_err());
        assert_eq!(dropout(&ones, 0.0, 1).unwrap().to_vec1::<f32>().unwrap(), [1.0; 3]);
    }
}
