//! Channels first and last, and maps side by side, by candle's own copies.

use candle_core::{Result, Tensor};

pub(in crate::ops) fn to_channels_last(maps: &Tensor) -> Result<Tensor> {
    maps.permute((0, 2, 3, 1))?.contiguous()
}

pub(in crate::ops) fn to_channels_first(maps: &Tensor) -> Result<Tensor> {
    maps.permute((0, 3, 1, 2))?.contiguous()
}

pub(in crate::ops) fn concat(maps: &[Tensor]) -> Result<Tensor> {
    Tensor::cat(maps, 3)
}

/// `channels` add up to those of the maps.
pub(in crate::ops) fn split(maps: &Tensor, channels: &[usize]) -> Result<Vec<Tensor>> {
    let mut start = 0;
    let part = |&channels: &usize| {
        let part = maps.narrow(3, start, channels)?.contiguous();
        start += channels;
        part
    };
    channels.iter().map(part).collect()
}
