//! From channels first, as images and other programs' weights come, to channels last, as the
//! operators want them, and back; and maps side by side.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::values::{Values, new_tensor, unfilled};

/// `[batch, channels, height, width]` to `[batch, height, width, channels]`; weights alike.
pub fn to_channels_last(maps: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if maps.device().is_cuda() {
        return super::cuda::to_channels_last(maps);
    }
    let (batch, channels, height, width) = maps.dims4()?;
    let shape = Shape::from((batch, height, width, channels));
    transposed(maps, channels, height * width, &shape)
}

/// `[batch, height, width, channels]` to `[batch, channels, height, width]`.
pub fn to_channels_first(maps: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if maps.device().is_cuda() {
        return super::cuda::to_channels_first(maps);
    }
    let (batch, height, width, channels) = maps.dims4()?;
    let shape = Shape::from((batch, channels, height, width));
    transposed(maps, height * width, channels, &shape)
}

/// `[batch, rows, columns]` to `[batch, columns, rows]`.
fn transposed(maps: &Tensor, rows: usize, columns: usize, shape: &Shape) -> Result<Tensor> {
    /// Side of the squares that are turned at once: both sides of one stay in the cache.
    const SQUARE: usize = 16;
    if rows == 1 || columns == 1 {
        return maps.reshape(shape);
    }
    let maps = maps.contiguous()?;
    let values = Values::of(&maps);
    let values = values.slice()?;
    let mut result = unfilled(values.len());
    let image = (rows * columns).max(1);
    result.par_chunks_mut(image).zip(values.par_chunks(image)).for_each(|(result, values)| {
        for top in (0..rows).step_by(SQUARE) {
            for left in (0..columns).step_by(SQUARE) {
                let end = (top + SQUARE).min(rows);
                for column in left..(left + SQUARE).min(columns) {
                    let source = values[top * columns + column..].iter().step_by(columns);
                    let target = &mut result[column * rows..][top..end];
                    for (target, source) in target.iter_mut().zip(source) {
                        *target = *source;
                    }
                }
            }
        }
    });
    new_tensor(result, shape, &maps)
}

/// Maps side by side along their last dimension.
pub fn concat(maps: &[&Tensor]) -> Result<Tensor> {
    let Some(first) = maps.first() else { bail!("nothing to put side by side") };
    let maps = maps.iter().map(|maps| maps.contiguous()).collect::<Result<Vec<_>>>()?;
    let channels = maps.iter().map(|maps| maps.dim(3)).collect::<Result<Vec<_>>>()?;
    let (batch, height, width, _) = first.dims4()?;
    if maps.iter().any(|maps| maps.dims()[..3] != [batch, height, width]) {
        bail!("maps side by side must have the same batch, height and width");
    }
    #[cfg(feature = "cuda")]
    if first.device().is_cuda() {
        return super::cuda::concat(&maps);
    }
    let all: usize = channels.iter().sum();
    let mut result = unfilled(batch * height * width * all);
    let mut start = 0;
    for (maps, &channels) in maps.iter().zip(&channels) {
        let values = Values::of(maps);
        let rows = values.slice()?.chunks(channels.max(1));
        for (target, source) in result.chunks_mut(all.max(1)).zip(rows) {
            target[start..start + channels].copy_from_slice(source);
        }
        start += channels;
    }
    new_tensor(result, &Shape::from((batch, height, width, all)), first)
}

/// The maps that [`concat()`] put side by side, `channels` of each: also the gradient's way back.
pub fn split(maps: &Tensor, channels: &[usize]) -> Result<Vec<Tensor>> {
    let maps = maps.contiguous()?;
    let (batch, height, width, all) = maps.dims4()?;
    if channels.iter().sum::<usize>() != all {
        bail!("{all} channels do not fall into {channels:?}");
    }
    #[cfg(feature = "cuda")]
    if maps.device().is_cuda() {
        return super::cuda::split(&maps, channels);
    }
    let values = Values::of(&maps);
    let values = values.slice()?;
    let mut start = 0;
    let part = |&channels: &usize| {
        let mut result = Vec::with_capacity(batch * height * width * channels);
        for row in values.chunks(all.max(1)) {
            result.extend_from_slice(&row[start..start + channels]);
        }
        start += channels;
        new_tensor(result, &Shape::from((batch, height, width, channels)), &maps)
    };
    channels.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{assert_close, random};

    #[test]
    fn there_and_back() {
        for shape in [[2, 3, 4, 5], [1, 40, 17, 9], [3, 1, 4, 4], [2, 7, 1, 1]] {
            let maps = random("maps", &shape);
            let last = to_channels_last(&maps).unwrap();
            let expected = maps.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
            assert_close(&last, &expected, 0.0);
            assert_close(&to_channels_first(&last).unwrap(), &maps, 0.0);
        }
    }

    #[test]
    fn side_by_side_and_apart() {
        let parts = [3, 1, 4].map(|channels| random("maps", &[2, 3, 5, channels]));
        let whole = concat(&parts.each_ref()).unwrap();
        assert_close(&whole, &Tensor::cat(&parts, 3).unwrap(), 0.0);
        for (part, expected) in split(&whole, &[3, 1, 4]).unwrap().iter().zip(&parts) {
            assert_close(part, expected, 0.0);
        }
        assert!(split(&whole, &[3, 1]).is_err());
        assert!(concat(&[&parts[0], &random("other", &[2, 3, 4, 3])]).is_err());
    }
}
