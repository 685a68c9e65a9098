//! Back into the ball round the originals, and into the range of pixels.

use candle_core::Tensor;

use super::epsilon::PixelLevels;
use crate::error::Result;

/// The nearest images to `images` that differ by at most `epsilon` from `origin` in every pixel and
/// lie in 0..1. Both are `[batch, channels, height, width]` in 0..1.
pub(super) fn linf(images: &Tensor, origin: &Tensor, epsilon: PixelLevels) -> Result<Tensor> {
    let epsilon = epsilon.to_unit();
    let lowest = (origin - epsilon)?.clamp(0.0, 1.0)?;
    let highest = (origin + epsilon)?.clamp(0.0, 1.0)?;
    Ok(images.maximum(&lowest)?.minimum(&highest)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stays_in_the_ball_and_in_range_and_moves_nothing_that_is_inside(
            pixels in proptest::collection::vec((0f32..=1.0, -2f32..=3.0), 1..50),
            epsilon in 0f64..300.0,
        ) {
            let (origin, images): (Vec<f32>, Vec<f32>) = pixels.into_iter().unzip();
            let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
            let epsilon = PixelLevels(epsilon);
            let once = linf(&tensor(&images), &tensor(&origin), epsilon).unwrap();
            let bound = epsilon.to_unit() as f32 + 1e-6;
            let projected: Vec<f32> = once.to_vec1().unwrap();
            for ((&new, &old), &asked) in projected.iter().zip(&origin).zip(&images) {
                prop_assert!((0.0..=1.0).contains(&new));
                prop_assert!((new - old).abs() <= bound);
                if (0.0..=1.0).contains(&asked) && (asked - old).abs() <= bound - 2e-6 {
                    prop_assert_eq!(new, asked);
                }
            }
            let twice: Vec<f32> =
                linf(&once, &tensor(&origin), epsilon).unwrap().to_vec1().unwrap();
            prop_assert_eq!(projected, twice);
        }
    }
}
