//! The random numbers of one image, and sines that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Split;

/// Changes when a change to the drawing makes other pictures of the same seed.
const EDITION: u32 = 1;

/// What a stream of numbers is for; each purpose draws from a stream of its own.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// The order of the classes within one block of images.
    Labels,
    /// Everything seen in one image.
    Picture,
}

/// A seeded source of numbers. Only integer steps and exactly rounded float operations are used,
/// so that the numbers, and the pictures made of them, are equal bit for bit everywhere.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The numbers for item `index` of a split: disjoint for different arguments.
    pub(super) fn new(seed: u64, split: Split, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = split as u8;
        key[9] = purpose as u8;
        key[12..16].copy_from_slice(&EDITION.to_le_bytes());
        key[16..].copy_from_slice(b"glassbox shapes!");
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// 32 random bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `low..high`.
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`; 0 where `n` is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.bits()) * n as u64) >> 32) as usize
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of a few.
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, items: [T; N]) -> T {
        items[self.below(N)]
    }

    /// Shuffles in place (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Cosine and sine of `turns` full circles, to about 1e-5.
///
/// Not `f32::sin_cos`: its last bits differ between platforms.
pub(super) fn cos_sin(turns: f32) -> (f32, f32) {
    (sin(turns + 0.25), sin(turns))
}

/// Sine of `turns` full circles, to about 1e-5.
pub(super) fn sin(turns: f32) -> f32 {
    let t = turns - floor(turns + 0.5);
    // Fold -0.5..0.5 turns onto -0.25..0.25, where the series converges fast.
    let t = if t > 0.25 {
        0.5 - t
    } else if t < -0.25 {
        -0.5 - t
    } else {
        t
    };
    let x = t * std::f32::consts::TAU;
    let x2 = x * x;
    x * (1.0 + x2 * (-1.0 / 6.0 + x2 * (1.0 / 120.0 + x2 * (-1.0 / 5040.0 + x2 / 362_880.0))))
}

/// The next whole number below. Not `f32::floor`, which is a call on processors without SSE 4.1;
/// for |x| < 2³¹, far more than any place in a picture.
#[inline]
pub(super) fn floor(x: f32) -> f32 {
    let whole = x as i32 as f32;
    if whole > x { whole - 1.0 } else { whole }
}

/// Mixes lattice coordinates and a seed into 0..1: white noise that needs no state.
pub(super) fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ seed.wrapping_mul(0xcb1a_b31f);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    (h >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Smooth noise in 0..1 with features of about one unit.
pub(super) fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (fx, fy) = (floor(x), floor(y));
    let (ix, iy) = (fx as i32, fy as i32);
    let (tx, ty) = (x - fx, y - fy);
    let (sx, sy) = (tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty));
    let row = |y| {
        let left = hash(ix, y, seed);
        left + sx * (hash(ix + 1, y, seed) - left)
    };
    let top = row(iy);
    top + sy * (row(iy + 1) - top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_right() {
        for i in -500..500 {
            let turns = i as f32 * 0.0071;
            let (c, s) = cos_sin(turns);
            let angle = f64::from(turns) * std::f64::consts::TAU;
            assert!((f64::from(s) - angle.sin()).abs() < 2e-5, "{turns}");
            assert!((f64::from(c) - angle.cos()).abs() < 2e-5, "{turns}");
        }
    }

    #[test]
    fn floors_are_right() {
        for i in -40..40 {
            let x = i as f32 * 0.25;
            assert_eq!(floor(x), x.floor());
        }
    }

    #[test]
    fn streams_differ_in_every_argument() {
        let draw = |seed, split, purpose, index| Dice::new(seed, split, purpose, index).bits();
        let one = draw(1, Split::Train, Purpose::Picture, 5);
        assert_eq!(one, draw(1, Split::Train, Purpose::Picture, 5));
        assert_ne!(one, draw(2, Split::Train, Purpose::Picture, 5));
        assert_ne!(one, draw(1, Split::Test, Purpose::Picture, 5));
        assert_ne!(one, draw(1, Split::Train, Purpose::Labels, 5));
        assert_ne!(one, draw(1, Split::Train, Purpose::Picture, 6));
    }

    #[test]
    fn noise_stays_within_bounds_and_is_continuous() {
        for i in 0..2000 {
            let x = i as f32 * 0.01 - 10.0;
            let here = noise(x, 0.3, 9);
            assert!((0.0..=1.0).contains(&here));
            assert!((noise(x + 0.001, 0.3, 9) - here).abs() < 0.01);
        }
    }
}
