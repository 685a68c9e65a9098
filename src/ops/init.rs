//! Seeded initial weights: each parameter has its own stream, drawn from the seed and its name.
//!
//! So the order in which a model asks for its parameters does not matter, and adding a layer
//! leaves the others as they were.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How a fresh parameter is filled. `fan_in` of a weight `[out, in, …]` is the product of all its
/// dimensions but the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// The same value everywhere.
    Constant(f32),
    /// Normal with standard deviation √(2 / fan_in): He et al. 2015, for layers before a ReLU.
    KaimingNormal,
    /// Uniform in ±1/√fan_in: PyTorch's default for convolutional and linear weights and, with
    /// the weight's fan_in, for their biases.
    Uniform {
        /// Inputs of one output.
        fan_in: usize,
    },
    /// Uniform in ±bound.
    Within(f64),
    /// Normal with this standard deviation, drawn again where it falls beyond ±2.
    Normal(f64),
}

impl Init {
    /// The values of parameter `name` of that `shape`, row-major.
    pub fn values(self, shape: &[usize], name: &str, seed: u64) -> Vec<f32> {
        let mut draw = self.draws(shape, name, seed);
        (0..shape.iter().product()).map(|_| draw()).collect()
    }

    /// The same values of a convolution's weight `[outputs, inputs, height, width]`, laid as
    /// `[outputs, height, width, inputs]`.
    pub fn channels_last(self, shape: [usize; 4], name: &str, seed: u64) -> Vec<f32> {
        let mut draw = self.draws(&shape, name, seed);
        let [outputs, inputs, height, width] = shape;
        let places = height * width;
        let mut values = vec![0.0; outputs * places * inputs];
        for kernel in values.chunks_mut((places * inputs).max(1)) {
            for input in 0..inputs {
                for place in 0..places {
                    kernel[place * inputs + input] = draw();
                }
            }
        }
        values
    }

    /// One value after the other.
    fn draws(self, shape: &[usize], name: &str, seed: u64) -> Box<dyn FnMut() -> f32> {
        let mut random = stream(name, seed);
        let within = |bound: f64, mut random: ChaCha8Rng| -> Box<dyn FnMut() -> f32> {
            Box::new(move || ((2.0 * unit(&mut random) - 1.0) * bound) as f32)
        };
        match self {
            Self::Constant(value) => Box::new(move || value),
            Self::KaimingNormal => {
                let fan_in: usize = shape.iter().skip(1).product();
                let deviation = (2.0 / fan_in.max(1) as f64).sqrt();
                Box::new(move || (normal(&mut random) * deviation) as f32)
            }
            Self::Uniform { fan_in } => within(1.0 / (fan_in.max(1) as f64).sqrt(), random),
            Self::Within(bound) => within(bound, random),
            Self::Normal(deviation) => Box::new(move || {
                let mut draws = std::iter::repeat_with(|| normal(&mut random) * deviation);
                draws.find(|draw| draw.abs() <= 2.0).unwrap_or_default() as f32
            }),
        }
    }
}

/// A generator that depends on the seed and the name alone.
fn stream(name: &str, seed: u64) -> ChaCha8Rng {
    // FNV-1a: stable across platforms and releases, which std's hasher does not promise.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&hash.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Uniform in [0, 1), 53 bits.
pub fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by Box and Muller.
pub fn normal(random: &mut ChaCha8Rng) -> f64 {
    // 1 - u is in (0, 1], so the logarithm is finite.
    let radius = (-2.0 * (1.0 - unit(random)).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(random)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn kaiming_normal_has_its_deviation() {
        let values = Init::KaimingNormal.values(&[100, 8, 5, 5], "conv1.weight", 1);
        let (mean, deviation) = moments(&values);
        let expected = (2.0_f64 / 200.0).sqrt();
        assert!(mean.abs() < 0.02 * expected * 2.0, "mean {mean}");
        assert!((deviation / expected - 1.0).abs() < 0.02, "deviation {deviation}");
    }

    #[test]
    fn normal_has_its_deviation_and_stays_within_two() {
        let (mean, deviation) = moments(&Init::Normal(0.1).values(&[100, 200], "fc.weight", 1));
        assert!(mean.abs() < 0.004 && (deviation / 0.1 - 1.0).abs() < 0.02, "{mean} {deviation}");
        let wide = Init::Normal(10.0).values(&[1000], "fc.weight", 1);
        assert!(wide.iter().all(|value| value.abs() <= 2.0));
    }

    #[test]
    fn uniform_fills_its_interval_and_stays_inside() {
        let values = Init::Uniform { fan_in: 25 }.values(&[10_000], "fc.bias", 1);
        let (low, high) = values.iter().fold((0.0_f32, 0.0_f32), |(l, h), &v| (l.min(v), h.max(v)));
        assert!((-0.2..-0.199).contains(&low) && (0.199..=0.2).contains(&high), "{low} {high}");
    }

    #[test]
    fn seed_and_name_alone_choose_the_values() {
        let init = Init::KaimingNormal;
        let values = init.values(&[4, 4], "a", 1);
        assert_eq!(values, init.values(&[4, 4], "a", 1));
        assert_ne!(values, init.values(&[4, 4], "b", 1));
        assert_ne!(values, init.values(&[4, 4], "a", 2));
    }
}
