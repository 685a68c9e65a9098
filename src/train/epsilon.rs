//! How far each image is pushed while training: a bound for all, or one drawn for each image.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::ops::init::{normal, unit};

/// In a stream's key, so that these draws share nothing with others of the same seed.
const PURPOSE: u64 = u64::from_le_bytes(*b"epsilon\0");

/// Where an image's epsilon comes from, in pixel levels of 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EpsilonDraw {
    /// The same for all.
    Fixed(f64),
    /// Uniform between the two.
    Uniform {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// |N(0, deviation)|, those above `cut` drawn again (SCIENCE §6; the truncated normal of
    /// Kurakin, Goodfellow and Bengio, arXiv 1611.01236, §3.2).
    Normal {
        /// Of the normal distribution before it is cut.
        deviation: f64,
        /// Largest.
        cut: f64,
    },
}

impl EpsilonDraw {
    /// No image gets more.
    pub fn largest(self) -> f64 {
        match self {
            Self::Fixed(epsilon) => epsilon,
            Self::Uniform { max, .. } => max,
            Self::Normal { cut, .. } => cut,
        }
    }

    /// One for each image of step `step`, `indices` being the images' places in their set: a
    /// function of the seed, the step and the index alone.
    pub fn draw(self, seed: u64, step: u64, indices: &[usize]) -> Vec<f64> {
        let one = |&index: &usize| {
            let random = &mut stream(seed, step, index as u64);
            match self {
                Self::Fixed(epsilon) => epsilon,
                Self::Uniform { min, max } => min + (max - min) * unit(random),
                Self::Normal { deviation, cut } => loop {
                    let drawn = normal(random).abs() * deviation;
                    if drawn <= cut {
                        break drawn;
                    }
                },
            }
        };
        indices.iter().map(one).collect()
    }
}

fn stream(seed: u64, step: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([PURPOSE, seed, step, index]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(draw: EpsilonDraw) -> Vec<f64> {
        let indices: Vec<usize> = (0..20_000).collect();
        draw.draw(1, 7, &indices)
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn uniform_fills_its_interval() {
        let drawn = many(EpsilonDraw::Uniform { min: 2.0, max: 10.0 });
        assert!(drawn.iter().all(|epsilon| (2.0..10.0).contains(epsilon)));
        assert!((mean(&drawn) - 6.0).abs() < 0.1, "{}", mean(&drawn));
        assert!(drawn.iter().any(|&e| e < 2.1) && drawn.iter().any(|&e| e > 9.9));
    }

    #[test]
    fn the_papers_draw_is_a_half_normal_cut_off() {
        let drawn = many(EpsilonDraw::Normal { deviation: 4.0, cut: 8.0 });
        assert!(drawn.iter().all(|epsilon| (0.0..=8.0).contains(epsilon)));
        // σ·(φ(0) − φ(2)) / (Φ(2) − ½) = 4 · (0.39894 − 0.05399) / 0.47725.
        assert!((mean(&drawn) - 2.8911).abs() < 0.05, "{}", mean(&drawn));
        // P(ε ≤ 4) = (Φ(1) − ½) / (Φ(2) − ½) = 0.34134 / 0.47725. Clipping would give 0.683.
        let near = drawn.iter().filter(|&&e| e <= 4.0).count() as f64 / drawn.len() as f64;
        assert!((near - 0.7152).abs() < 0.012, "{near}");
    }

    #[test]
    fn seed_step_and_index_alone_decide() {
        let draw = EpsilonDraw::Normal { deviation: 4.0, cut: 8.0 };
        let drawn = draw.draw(1, 5, &[3, 9]);
        assert_eq!(draw.draw(1, 5, &[9, 4, 3])[2], drawn[0]);
        assert_eq!(draw.draw(1, 5, &[9])[0], drawn[1]);
        assert_ne!(draw.draw(1, 6, &[3])[0], drawn[0]);
        assert_ne!(draw.draw(2, 5, &[3])[0], drawn[0]);
        assert_eq!(EpsilonDraw::Fixed(4.0).draw(1, 5, &[3, 9]), [4.0, 4.0]);
        assert_eq!(draw.largest(), 8.0);
    }
}
