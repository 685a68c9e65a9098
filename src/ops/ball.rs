//! One step of an attack within a bound on every pixel, in one pass over the images.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::lanes::vectorized;
use super::values::{Values, new_tensor, unfilled};

/// Numbers in one piece of work.
const PIECE: usize = 16 * 1024;

/// `images + size · sign(gradient)`, brought within `epsilon` of `origin` and into 0..1, number by
/// number; all of one shape, pixels in 0..1. A gradient of 0 moves nothing.
pub fn linf_step(
    images: &Tensor,
    gradient: &Tensor,
    size: f64,
    origin: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    if images.dims() != gradient.dims() || images.dims() != origin.dims() {
        bail!("a step needs a gradient and an origin of the images' shape, {:?}", images.dims());
    }
    if !images.device().is_cpu() {
        let moved = (images + (gradient.sign()? * size)?)?;
        let lowest = (origin - epsilon)?.clamp(0.0, 1.0)?;
        let highest = (origin + epsilon)?.clamp(0.0, 1.0)?;
        return moved.maximum(&lowest)?.minimum(&highest);
    }
    let (images, gradient, origin) =
        (images.contiguous()?, gradient.contiguous()?, origin.contiguous()?);
    let (pixels, slopes, origins) =
        (Values::of(&images), Values::of(&gradient), Values::of(&origin));
    let (pixels, slopes, origins) = (pixels.slice()?, slopes.slice()?, origins.slice()?);
    let (size, epsilon) = (size as f32, epsilon as f32);
    let mut result = unfilled(pixels.len());
    result
        .par_chunks_mut(PIECE)
        .zip(pixels.par_chunks(PIECE))
        .zip(slopes.par_chunks(PIECE).zip(origins.par_chunks(PIECE)))
        .for_each(|((result, pixels), (slopes, origins))| {
            vectorized(|| {
                let rest = slopes.iter().zip(origins);
                for ((result, &pixel), (&slope, &origin)) in result.iter_mut().zip(pixels).zip(rest)
                {
                    let up = if slope > 0.0 { size } else { 0.0 };
                    let down = if slope < 0.0 { size } else { 0.0 };
                    let moved = pixel + up - down;
                    let lowest = (origin - epsilon).clamp(0.0, 1.0);
                    let highest = (origin + epsilon).clamp(0.0, 1.0);
                    let moved = if moved < lowest { lowest } else { moved };
                    *result = if moved > highest { highest } else { moved };
                }
            });
        });
    new_tensor(result, images.shape(), &images)
}
