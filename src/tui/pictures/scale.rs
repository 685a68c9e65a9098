//! Resizing: honest pixels when small pictures grow, area averages when pictures shrink.

use super::Picture;

/// The largest size in `most` (pixels across and down) that keeps a picture's proportions. Small
/// pictures grow by whole factors only, so that every pixel stays the same size as its neighbours.
pub fn fit(picture: (usize, usize), most: (usize, usize)) -> (usize, usize) {
    let (width, height) = (picture.0.max(1), picture.1.max(1));
    let factor = (most.0 / width).min(most.1 / height);
    if factor >= 1 {
        return (width * factor, height * factor);
    }
    let ratio = (most.0 as f64 / width as f64).min(most.1 as f64 / height as f64);
    let scaled = |side: usize, most: usize| {
        ((side as f64 * ratio).round() as usize).clamp(usize::from(most > 0), most)
    };
    (scaled(width, most.0), scaled(height, most.1))
}

/// The picture in another size: nearest pixel upwards, mean of the covered area downwards.
pub fn resize(picture: &Picture, width: usize, height: usize) -> Picture {
    let mut pixels = Vec::with_capacity(width * height);
    let across = spans(picture.width, width);
    for rows in spans(picture.height, height) {
        for columns in &across {
            pixels.push(mean(picture, columns, &rows));
        }
    }
    Picture { width, height, pixels }
}

/// Source pixels behind a target pixel, each with its weight.
type Span = Vec<(usize, f64)>;

fn spans(source: usize, target: usize) -> Vec<Span> {
    let scale = source as f64 / target.max(1) as f64;
    (0..target)
        .map(|index| {
            let (from, to) = (index as f64 * scale, (index + 1) as f64 * scale);
            if scale <= 1.0 {
                return vec![(
                    (f64::midpoint(from, to) as usize).min(source.saturating_sub(1)),
                    1.0,
                )];
            }
            (from as usize..source.min(to.ceil() as usize))
                .map(|pixel| {
                    (pixel, (to.min((pixel + 1) as f64) - from.max(pixel as f64)).max(0.0))
                })
                .collect()
        })
        .collect()
}

fn mean(picture: &Picture, columns: &Span, rows: &Span) -> [u8; 3] {
    let mut sum = [0.0; 3];
    let mut total = 0.0;
    for (y, down) in rows {
        for (x, across) in columns {
            let Some(pixel) = picture.pixels.get(y * picture.width + x) else { continue };
            let weight = down * across;
            total += weight;
            for (sum, channel) in sum.iter_mut().zip(pixel) {
                *sum += weight * f64::from(*channel);
            }
        }
    }
    if total > 0.0 { sum.map(|channel| (channel / total).round() as u8) } else { [0; 3] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_pictures_grow_by_whole_factors() {
        assert_eq!(fit((28, 28), (60, 60)), (56, 56));
        assert_eq!(fit((64, 64), (18, 40)), (18, 18));
        assert_eq!(fit((64, 32), (20, 20)), (20, 10));
        assert_eq!(fit((0, 0), (20, 20)), (20, 20));
        assert_eq!(fit((64, 64), (0, 9)), (0, 1));
    }

    #[test]
    fn growing_copies_pixels_and_shrinking_averages_them() {
        let picture = Picture { width: 2, height: 1, pixels: vec![[0; 3], [200; 3]] };
        let grown = resize(&picture, 4, 2);
        assert_eq!(grown.pixels[..4], [[0; 3], [0; 3], [200; 3], [200; 3]]);
        assert_eq!(resize(&picture, 1, 1).pixels, [[100; 3]]);
    }

    proptest! {
        #[test]
        fn one_colour_stays_that_colour(
            size in (1_usize..70, 1_usize..70), target in (0_usize..40, 0_usize..40), colour: [u8; 3],
        ) {
            let picture = Picture { width: size.0, height: size.1, pixels: vec![colour; size.0 * size.1] };
            let resized = resize(&picture, target.0, target.1);
            prop_assert_eq!(resized.pixels.len(), target.0 * target.1);
            prop_assert!(resized.pixels.iter().all(|pixel| *pixel == colour));
            let (width, height) = fit(size, target);
            prop_assert!(width <= target.0 && height <= target.1 || target.0 == 0 || target.1 == 0);
        }
    }
}
