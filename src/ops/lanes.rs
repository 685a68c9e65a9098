//! Loops over numbers, compiled for the widest vector instructions of the machine they run on.
//!
//! The crate is built for any processor of its kind; these run at the width of this one. Which
//! instructions there are changes no result: every lane does what scalar code would do.

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
