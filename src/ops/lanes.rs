//! Loops over numbers, compiled for the widest vector instructions of the machine they run on.
//!
//! The crate is built for any processor of its kind; these run at the width of this one. Which
//! instructions there are changes no result: every lane does what scalar code would do, and sums
//! keep their order.

/// Lanes of a sum: two registers of AVX-512, four of AVX2.
const LANES: usize = 32;

/// Runs `work` with this machine's vector instructions. Small functions called in it are compiled
/// with it if they are `#[inline(always)]`.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "the loops must be compiled where the instructions are known"
)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// The sum of `term(index)` for all indices below `len`, in lanes: the order is fixed by `len`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
pub(super) fn sum(len: usize, term: impl Fn(usize) -> f32) -> f64 {
    let mut lanes = [0.0_f32; LANES];
    let whole = len / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, total) in lanes.iter_mut().enumerate() {
            *total += term(start + lane);
        }
    }
    for index in whole..len {
        lanes[index - whole] += term(index);
    }
    lanes.iter().map(|&lane| f64::from(lane)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_every_term_once() {
        for len in [0, 1, 31, 32, 33, 64, 100] {
            let total = vectorized(|| sum(len, |index| index as f32));
            assert_eq!(total, (0..len).sum::<usize>() as f64);
        }
    }
}
