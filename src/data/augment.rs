//! Random changes to training images. What is drawn depends on seed, epoch and image alone.

use rand::{Rng, RngExt};

use super::random::{Purpose, stream};
use super::resize::{Target, View, resize};

/// One random change to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Augmentation {
    /// Mirrors left and right, one time in two.
    HorizontalFlip,
    /// Shifts by up to an eighth of the side in each direction; what comes in is black.
    RandomCrop,
    /// Cuts out a part (¼ to all of the area, sides from 3:4 to 4:3) and scales it up again,
    /// as torchvision's `RandomResizedCrop`.
    RandomResizedCrop,
}

/// Applies `augmentations` in their order to an image `[channels, height, width]`.
pub(super) fn augment(
    pixels: &mut Vec<u8>,
    shape: [usize; 3],
    augmentations: &[Augmentation],
    (seed, epoch, index): (u64, u64, usize),
) {
    if augmentations.is_empty() {
        return;
    }
    let mut random = stream(Purpose::Augment, seed, epoch, index as u64);
    for augmentation in augmentations {
        match augmentation {
            Augmentation::HorizontalFlip => {
                if random.random_bool(0.5) {
                    pixels.chunks_exact_mut(shape[2]).for_each(<[u8]>::reverse);
                }
            }
            Augmentation::RandomCrop => *pixels = shifted(pixels, shape, &mut random),
            Augmentation::RandomResizedCrop => {
                *pixels = resized_crop(pixels, shape, &mut random);
            }
        }
    }
}

fn shifted(pixels: &[u8], [_, height, width]: [usize; 3], random: &mut impl Rng) -> Vec<u8> {
    // How far the window lies right of (or below) the image, from -side/8 to side/8.
    let mut offset =
        |side: usize| random.random_range(0..=2 * (side / 8)) as isize - (side / 8) as isize;
    let (down, right) = (offset(height), offset(width));
    let mut out = vec![0; pixels.len()];
    let planes = out.chunks_exact_mut(height * width).zip(pixels.chunks_exact(height * width));
    for (out, plane) in planes {
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let Some(from) = row.checked_add_signed(down).filter(|&from| from < height) else {
                continue;
            };
            let plane_row = &plane[from * width..][..width];
            let by = right.unsigned_abs();
            if right >= 0 {
                out[..width - by].copy_from_slice(&plane_row[by..]);
            } else {
                out[by..].copy_from_slice(&plane_row[..width - by]);
            }
        }
    }
    out
}

fn resized_crop(pixels: &[u8], [_, height, width]: [usize; 3], random: &mut impl Rng) -> Vec<u8> {
    let (top, left, rows, columns) = draw_crop(height, width, random);
    let target = Target::whole(height, width);
    pixels
        .chunks_exact(height * width)
        .flat_map(|plane| {
            let view =
                View { pixels: plane, stride: width, left, top, width: columns, height: rows };
            resize::<1>(view, target)
        })
        .collect()
}

/// Top, left, rows, columns of a part to cut out.
fn draw_crop(height: usize, width: usize, random: &mut impl Rng) -> (usize, usize, usize, usize) {
    let area = (height * width) as f64;
    // As torchvision: ten tries, then all of it.
    for _ in 0..10 {
        let target = area * random.random_range(0.25..=1.0);
        let ratio = random.random_range((3.0_f64 / 4.0).ln()..=(4.0_f64 / 3.0).ln()).exp();
        let columns = (target * ratio).sqrt().round() as usize;
        let rows = (target / ratio).sqrt().round() as usize;
        if (1..=height).contains(&rows) && (1..=width).contains(&columns) {
            let top = random.random_range(0..=height - rows);
            let left = random.random_range(0..=width - columns);
            return (top, left, rows, columns);
        }
    }
    (0, 0, height, width)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Augmentation; 3] =
        [Augmentation::RandomResizedCrop, Augmentation::RandomCrop, Augmentation::HorizontalFlip];

    fn gradient(shape: [usize; 3]) -> Vec<u8> {
        (0..shape.iter().product()).map(|i: usize| (i % 250 + 1) as u8).collect()
    }

    #[test]
    fn a_flip_mirrors_rows_about_half_of_the_time() {
        let mut flipped = 0;
        for index in 0..1000 {
            let mut pixels = vec![1, 2, 3, 4, 5, 6];
            augment(&mut pixels, [1, 2, 3], &[Augmentation::HorizontalFlip], (1, 0, index));
            if pixels != [1, 2, 3, 4, 5, 6] {
                assert_eq!(pixels, [3, 2, 1, 6, 5, 4]);
                flipped += 1;
            }
        }
        assert!((430..570).contains(&flipped), "{flipped} of 1000");
    }

    #[test]
    fn a_shift_moves_by_at_most_an_eighth_in_every_direction() {
        // One white pixel in the middle of 16×16: it lands within ±2 of where it was.
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..1000 {
            let mut pixels = vec![0; 256];
            pixels[8 * 16 + 8] = 255;
            augment(&mut pixels, [1, 16, 16], &[Augmentation::RandomCrop], (1, 0, index));
            let at = pixels.iter().position(|&pixel| pixel == 255).unwrap();
            seen.insert((at / 16, at % 16));
        }
        let expected = (6..=10).flat_map(|row| (6..=10).map(move |column| (row, column)));
        assert!(seen.into_iter().eq(expected));
    }

    #[test]
    fn what_a_shift_brings_in_is_black() {
        for index in 0..50 {
            let mut pixels = vec![255; 3 * 64];
            augment(&mut pixels, [3, 8, 8], &[Augmentation::RandomCrop], (3, 0, index));
            let black = pixels.split(|&pixel| pixel == 0).count() - 1;
            assert!(pixels.iter().all(|&pixel| pixel == 0 || pixel == 255));
            assert!([0, 3 * 8, 3 * 15].contains(&black), "{black}");
        }
    }

    #[test]
    fn draws_depend_on_seed_epoch_and_index_alone() {
        let shape = [3, 24, 24];
        let drawn = |key| {
            let mut pixels = gradient(shape);
            augment(&mut pixels, shape, &ALL, key);
            pixels
        };
        assert_eq!(drawn((1, 2, 3)), drawn((1, 2, 3)));
        for other in [(2, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3)] {
            assert_ne!(drawn((1, 2, 3)), drawn(other));
        }
    }

    proptest! {
        #[test]
        fn any_size_keeps_its_size(
            channels in 1_usize..4, height in 1_usize..50, width in 1_usize..50, seed: u64,
        ) {
            let shape = [channels, height, width];
            let mut pixels = gradient(shape);
            augment(&mut pixels, shape, &ALL, (seed, 1, 1));
            prop_assert_eq!(pixels.len(), channels * height * width);
        }

        #[test]
        fn a_crop_lies_inside_and_keeps_its_promise(
            height in 1_usize..300, width in 1_usize..300, seed: u64,
        ) {
            let mut random = stream(Purpose::Augment, seed, 0, 0);
            let (top, left, rows, columns) = draw_crop(height, width, &mut random);
            prop_assert!(rows > 0 && columns > 0);
            prop_assert!(top + rows <= height && left + columns <= width);
            if height >= 50 && width >= 50 && (rows, columns) != (height, width) {
                let share = (rows * columns) as f64 / (height * width) as f64;
                let ratio = columns as f64 / rows as f64;
                prop_assert!((0.24..=1.01).contains(&share), "{}", share);
                prop_assert!((0.72..=1.39).contains(&ratio), "{}", ratio);
            }
        }
    }
}
