//! Random changes to training images. What is drawn depends on seed, epoch and image alone.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::random::{Purpose, stream};
use super::resize::{Target, View, resize};
use super::{Dataset, Example};
use crate::error::Result;

/// One random change to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Augmentation {
    /// Mirrors left and right, one time in two.
    HorizontalFlip,
    /// Shifts by up to an eighth of the side in each direction; what comes in is black.
    RandomCrop,
    /// Cuts out a part (¼ to all of the area, sides from 3:4 to 4:3) and scales it up again,
    /// as torchvision's `RandomResizedCrop`: out of the whole picture, where that is larger than
    /// what comes out of it.
    RandomResizedCrop,
}

/// A rectangle of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Rows above it.
    pub top: usize,
    /// Columns left of it.
    pub left: usize,
    /// Its height, at least 1.
    pub rows: usize,
    /// Its width, at least 1.
    pub columns: usize,
}

/// The changes to one image in one epoch.
pub(super) struct Changes<'a> {
    augmentations: &'a [Augmentation],
    random: ChaCha8Rng,
    /// The place of the change that was made while the image was fetched.
    made: Option<usize>,
}

impl<'a> Changes<'a> {
    /// In this order.
    pub(super) fn new(
        augmentations: &'a [Augmentation],
        (seed, epoch, index): (u64, u64, usize),
    ) -> Self {
        let random = stream(Purpose::Augment, seed, epoch, index as u64);
        Self { augmentations, random, made: None }
    }

    /// Image `index` of `dataset`. Where a part of it is wanted, a part of the stored picture, if
    /// the data set has one that is more than [`Dataset::example`] gives.
    pub(super) fn fetch(&mut self, dataset: &dyn Dataset, index: usize) -> Result<Example> {
        let is_crop = |change: &Augmentation| *change == Augmentation::RandomResizedCrop;
        let is_flip = |change: &Augmentation| *change == Augmentation::HorizontalFlip;
        // A part of the mirrored picture is as likely as the mirrored part.
        let crop = self.augmentations.iter().position(is_crop);
        if let Some(crop) = crop.filter(|crop| self.augmentations[..*crop].iter().all(is_flip)) {
            let mut choose = |height, width| draw_part(height, width, &mut self.random);
            if let Some(example) = dataset.part(index, &mut choose)? {
                self.made = Some(crop);
                return Ok(example);
            }
        }
        dataset.example(index)
    }

    /// Makes the changes that are left in an image `[channels, height, width]`.
    pub(super) fn apply(mut self, pixels: &mut Vec<u8>, shape: [usize; 3]) {
        for (place, augmentation) in self.augmentations.iter().enumerate() {
            match augmentation {
                _ if self.made == Some(place) => {}
                Augmentation::HorizontalFlip => {
                    if self.random.random_bool(0.5) {
                        pixels.chunks_exact_mut(shape[2]).for_each(<[u8]>::reverse);
                    }
                }
                Augmentation::RandomCrop => *pixels = shifted(pixels, shape, &mut self.random),
                Augmentation::RandomResizedCrop => {
                    *pixels = resized_part(pixels, shape, &mut self.random);
                }
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

fn resized_part(pixels: &[u8], [_, height, width]: [usize; 3], random: &mut impl Rng) -> Vec<u8> {
    let Part { top, left, rows, columns } = draw_part(height, width, random);
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

/// Sides that a part may have, width to height.
const NARROWEST: f64 = 3.0 / 4.0;
const WIDEST: f64 = 4.0 / 3.0;

/// A part to cut out, drawn as torchvision's `RandomResizedCrop.get_params` does.
fn draw_part(height: usize, width: usize, random: &mut impl Rng) -> Part {
    let area = (height * width) as f64;
    for _ in 0..10 {
        let target = area * random.random_range(0.25..=1.0);
        let ratio = random.random_range(NARROWEST.ln()..=WIDEST.ln()).exp();
        let columns = (target * ratio).sqrt().round() as usize;
        let rows = (target / ratio).sqrt().round() as usize;
        if (1..=height).contains(&rows) && (1..=width).contains(&columns) {
            let top = random.random_range(0..=height - rows);
            let left = random.random_range(0..=width - columns);
            return Part { top, left, rows, columns };
        }
    }
    // The centre, of sides as near to the picture's as they may be.
    let share = |side: usize, factor: f64| ((side as f64 * factor).round() as usize).max(1);
    let ratio = width as f64 / height as f64;
    let (rows, columns) = if ratio < NARROWEST {
        (share(width, 1.0 / NARROWEST).min(height), width)
    } else if ratio > WIDEST {
        (height, share(height, WIDEST).min(width))
    } else {
        (height, width)
    };
    Part { top: (height - rows) / 2, left: (width - columns) / 2, rows, columns }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Augmentation; 3] =
        [Augmentation::RandomResizedCrop, Augmentation::RandomCrop, Augmentation::HorizontalFlip];

    fn augment(
        pixels: &mut Vec<u8>,
        shape: [usize; 3],
        augmentations: &[Augmentation],
        key: (u64, u64, usize),
    ) {
        Changes::new(augmentations, key).apply(pixels, shape);
    }

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

    /// torchvision 0.20, `RandomResizedCrop.get_params` on a panorama, where no part of a quarter of
    /// the area fits: the centre, 4:3; upright 3:4.
    #[test]
    fn of_a_panorama_the_centre_is_taken() {
        let mut random = stream(Purpose::Augment, 1, 0, 0);
        let wide = draw_part(10, 1000, &mut random);
        assert_eq!(wide, Part { top: 0, left: 493, rows: 10, columns: 13 });
        let tall = draw_part(1000, 10, &mut random);
        assert_eq!(tall, Part { top: 493, left: 0, rows: 13, columns: 10 });
        let point = draw_part(1, 1, &mut random);
        assert_eq!(point, Part { top: 0, left: 0, rows: 1, columns: 1 });
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
            let Part { top, left, rows, columns } = draw_part(height, width, &mut random);
            prop_assert!(rows > 0 && columns > 0);
            prop_assert!(top + rows <= height && left + columns <= width);
            // A part that fills a side may be the centre that is left when nothing fits.
            if height >= 50 && width >= 50 && rows != height && columns != width {
                let share = (rows * columns) as f64 / (height * width) as f64;
                let ratio = columns as f64 / rows as f64;
                prop_assert!((0.24..=1.01).contains(&share), "{}", share);
                prop_assert!((0.72..=1.39).contains(&ratio), "{}", ratio);
            }
        }
    }
}
