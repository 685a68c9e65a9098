//! Dropout by the CPU's own random stream, drawn on the card: one seed drops the same numbers
//! everywhere.

use candle_core::{Result, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::kernels::{launch, size};
use super::values::{Input, device_of, room, tensor};

/// Numbers that a thread draws: a block of ChaCha.
const BLOCK: u32 = 16;

/// Drops what draws a word below `threshold` from the streams of `seed`, each for `piece` numbers;
/// scales the rest.
pub(in crate::ops) fn dropout(
    features: &Tensor,
    threshold: u32,
    scale: f32,
    seed: u64,
    piece: usize,
) -> Result<Tensor> {
    let device = device_of(features)?;
    let features = features.contiguous()?;
    let x = Input::of(&features)?;
    let count = size(features.elem_count())?;
    let mut key = [0_u32; 8];
    for (word, bytes) in key.iter_mut().zip(ChaCha8Rng::seed_from_u64(seed).get_seed().chunks(4)) {
        *word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    let mut out = room::<f32>(&device, count as usize)?;
    launch!(
        &device,
        "dropout",
        count.div_ceil(BLOCK),
        [&mut out],
        x.view()?,
        key[0],
        key[1],
        key[2],
        key[3],
        key[4],
        key[5],
        key[6],
        key[7],
        threshold,
        scale,
        size(piece)?,
        count,
    );
    Ok(tensor(out, features.shape(), &device))
}
