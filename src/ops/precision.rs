//! How exactly products are computed: a setting of the process, since a worker has one run.

use std::sync::atomic::{AtomicU8, Ordering};

/// Of convolutions and fully connected layers. Weights, maps and sums are f32 always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32 throughout: 24 bits. The CPU knows no other.
    #[default]
    F32,
    /// Factors are rounded to TF32, 11 bits; PyTorch's default for convolutions on a card.
    Tf32,
    /// Factors and results are rounded to bf16, 8 bits.
    Bf16,
}

static PRECISION: AtomicU8 = AtomicU8::new(0);

/// What holds now.
pub fn get() -> Precision {
    match PRECISION.load(Ordering::Relaxed) {
        1 => Precision::Tf32,
        2 => Precision::Bf16,
        _ => Precision::F32,
    }
}

/// Sets it for every operator from now on. Operators on the CPU compute in f32 all the same: who
/// reads a wish for less there refuses it.
pub fn set(precision: Precision) {
    let number = match precision {
        Precision::F32 => 0,
        Precision::Tf32 => 1,
        Precision::Bf16 => 2,
    };
    PRECISION.store(number, Ordering::Relaxed);
    #[cfg(feature = "cuda")]
    candle_core::cuda_backend::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
}
