//! The transforms of Winograd's F(4×4, 3×3), vectorised over channels.
//!
//! Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", §4.1 and eq. 8 to 13:
//! `Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`. The weight's gradient is the transpose of that bilinear form:
//! `Gᵀ [(A dY Aᵀ) ⊙ (Bᵀ d B)] G`.
#![allow(
    clippy::inline_always,
    reason = "vector code must be compiled where the instructions are known"
)]

use std::array::from_fn;

use pulp::{Simd, WithSimd};

/// One side of a transform: applied to the columns of a square, then to its rows.
pub(super) trait OneSide<const I: usize, const O: usize> {
    fn apply<S: Simd>(simd: S, v: [S::f32s; I]) -> [S::f32s; O];
}

/// `Bᵀ`: what a tile of 4×4 outputs sees.
pub(super) struct Input;

impl OneSide<6, 6> for Input {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [d0, d1, d2, d3, d4, d5]: [S::f32s; 6]) -> [S::f32s; 6] {
        let n = Numbers(simd);
        let even = n.add_times(d4, -4.0, d2);
        let odd = n.add_times(d3, -4.0, d1);
        let (far, across) = (n.sub(d4, d2), n.sub(d3, d1));
        [
            n.add_times(n.add_times(d4, -5.0, d2), 4.0, d0),
            n.add(even, odd),
            n.sub(even, odd),
            n.add_times(far, 2.0, across),
            n.add_times(far, -2.0, across),
            n.add_times(n.add_times(d5, -5.0, d3), 4.0, d1),
        ]
    }
}

/// `Aᵀ`: 4×4 outputs.
pub(super) struct Output;

impl OneSide<6, 4> for Output {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::f32s; 6]) -> [S::f32s; 4] {
        let n = Numbers(simd);
        let (near, near_odd) = (n.add(m1, m2), n.sub(m1, m2));
        let (far, far_odd) = (n.add(m3, m4), n.sub(m3, m4));
        [
            n.add(n.add(m0, near), far),
            n.add_times(near_odd, 2.0, far_odd),
            n.add_times(near, 4.0, far),
            n.add(n.add_times(near_odd, 8.0, far_odd), m5),
        ]
    }
}

/// `A`: the gradient of 4×4 outputs.
pub(super) struct Gradient;

impl OneSide<4, 6> for Gradient {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [d0, d1, d2, d3]: [S::f32s; 4]) -> [S::f32s; 6] {
        let n = Numbers(simd);
        let (even, odd) = (n.add(d0, d2), n.add(d1, d3));
        let far = n.add_times(d0, 4.0, d2);
        let far_odd = n.times(2.0, n.add_times(d1, 4.0, d3));
        [d0, n.add(even, odd), n.sub(even, odd), n.add(far, far_odd), n.sub(far, far_odd), d3]
    }
}

/// `G`: a kernel of 3×3.
pub(super) struct Weight;

impl OneSide<3, 6> for Weight {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 6] {
        let n = Numbers(simd);
        let even = n.times(-1.0 / 6.0, n.add(g0, g2));
        let far = n.times(1.0 / 24.0, n.add_times(g0, 4.0, g2));
        [
            n.times(0.25, g0),
            n.add_times(even, -1.0 / 6.0, g1),
            n.add_times(even, 1.0 / 6.0, g1),
            n.add_times(far, 1.0 / 12.0, g1),
            n.add_times(far, -1.0 / 12.0, g1),
            g2,
        ]
    }
}

/// `Gᵀ`: the gradient of a kernel of 3×3.
pub(super) struct WeightGradient;

impl OneSide<6, 3> for WeightGradient {
    #[inline(always)]
    fn apply<S: Simd>(simd: S, [u0, u1, u2, u3, u4, u5]: [S::f32s; 6]) -> [S::f32s; 3] {
        let n = Numbers(simd);
        let (near, near_odd) = (n.add(u1, u2), n.sub(u2, u1));
        let (far, far_odd) = (n.add(u3, u4), n.sub(u3, u4));
        let near = n.times(-1.0 / 6.0, near);
        [
            n.add_times(n.add_times(near, 1.0 / 24.0, far), 0.25, u0),
            n.add_times(n.times(1.0 / 6.0, near_odd), 1.0 / 12.0, far_odd),
            n.add_times(n.add(near, u5), 1.0 / 6.0, far),
        ]
    }
}

/// Arithmetic of vectors, short to write.
#[derive(Clone, Copy)]
struct Numbers<S>(S);

impl<S: Simd> Numbers<S> {
    #[inline(always)]
    fn add(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.add_f32s(a, b)
    }

    #[inline(always)]
    fn sub(self, a: S::f32s, b: S::f32s) -> S::f32s {
        self.0.sub_f32s(a, b)
    }

    #[inline(always)]
    fn times(self, factor: f32, a: S::f32s) -> S::f32s {
        self.0.mul_f32s(self.0.splat_f32s(factor), a)
    }

    /// `a + factor · b`.
    #[inline(always)]
    fn add_times(self, a: S::f32s, factor: f32, b: S::f32s) -> S::f32s {
        self.0.mul_add_f32s(self.0.splat_f32s(factor), b, a)
    }
}

/// Squares of vectors of channels: `from` is read, absent places being zero; `to` is written,
/// absent places being left out. All slices hold the same number of channels.
struct Transform<'a, 'b, T, const I: usize, const O: usize> {
    from: [[Option<&'a [f32]>; I]; I],
    to: [[Option<&'b mut [f32]>; O]; O],
    channels: usize,
    side: std::marker::PhantomData<T>,
}

/// Applies both sides of `T` to every channel.
#[inline]
pub(super) fn transform<T: OneSide<I, O>, const I: usize, const O: usize>(
    channels: usize,
    from: [[Option<&[f32]>; I]; I],
    to: [[Option<&mut [f32]>; O]; O],
) {
    let side = std::marker::PhantomData::<T>;
    pulp::Arch::new().dispatch(Transform { from, to, channels, side });
}

impl<T: OneSide<I, O>, const I: usize, const O: usize> WithSimd for Transform<'_, '_, T, I, O> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        for channel in (0..self.channels).step_by(S::F32_LANES) {
            let mut columns = [[zero; I]; O];
            for x in 0..I {
                let column = from_fn(|y| match self.from[y][x] {
                    Some(source) => load(simd, &source[channel..]),
                    None => zero,
                });
                let column = T::apply(simd, column);
                for (row, value) in columns.iter_mut().zip(column) {
                    row[x] = value;
                }
            }
            for (to, row) in self.to.iter_mut().zip(columns) {
                for (to, value) in to.iter_mut().zip(T::apply(simd, row)) {
                    if let Some(to) = to {
                        store(simd, &mut to[channel..], value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd>(simd: S, source: &[f32]) -> S::f32s {
    match S::as_simd_f32s(source).0.first() {
        Some(&whole) => whole,
        None => simd.partial_load_f32s(source),
    }
}

#[inline(always)]
fn store<S: Simd>(simd: S, target: &mut [f32], value: S::f32s) {
    match S::as_mut_simd_f32s(target).0.first_mut() {
        Some(whole) => *whole = value,
        None => simd.partial_store_f32s(target, value),
    }
}
