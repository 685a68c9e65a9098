//! What of a picture drives a neuron, by hiding it piece by piece (SCIENCE §3 (b); Zhou et al., "Object
//! detectors emerge in deep scene CNNs", arXiv 1412.6856, §3.2): a patch of random values slides over
//! the picture, and the map is how much the activation changes at each place. Maps of a neuron's top
//! pictures, laid over each other, show its empirical receptive field.

use candle_core::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::activation::spatial_maxima;
use super::region::{Between, interpolate};
use crate::error::{Error, Result};
use crate::model::Model;

/// The patch that hides a part of the picture, and how it moves.
///
/// It lies wholly inside the picture, its top left corner at rows and columns 0, `stride`, 2 `stride`
/// and so on; so the last `stride` − 1 pixels of a picture may never be hidden. It has the same size
/// for small pictures, though it hides a seventh of 28×28 at a time; a picture that is smaller than
/// the patch is hidden as a whole, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Occlusion {
    /// Its side, in pixels.
    pub patch: usize,
    /// From one place to the next, in pixels; 0 counts as 1.
    pub stride: usize,
    /// Its values in 0..1, `[channels, patch, patch]`: the same at every place.
    noise: Vec<f32>,
}

impl Occlusion {
    /// The paper's 11×11 pixels every 3 pixels, of values drawn uniformly from 0..1.
    pub fn new(seed: u64, channels: usize) -> Self {
        Self::sized(seed, channels, 11, 3)
    }

    /// Of another size.
    pub fn sized(seed: u64, channels: usize, patch: usize, stride: usize) -> Self {
        let mut key = [0; 32];
        // The first word sets these draws apart from those of data and attacks.
        for (bytes, word) in key.chunks_exact_mut(8).zip([29, seed, 0, 0]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut random = ChaCha8Rng::from_seed(key);
        let noise = (0..channels * patch * patch).map(|_| random.random_range(0.0..1.0)).collect();
        Self { patch, stride, noise }
    }

    /// The paper's, of these values `[channels, 11, 11]`.
    pub fn with_noise(noise: Vec<f32>) -> Self {
        Self { patch: 11, stride: 3, noise }
    }

    /// Where it lies along an axis of `length` pixels, and how many of them it hides there.
    fn along(&self, length: usize) -> (usize, usize) {
        let side = self.patch.min(length);
        ((length - side) / self.stride.max(1) + 1, side)
    }

    /// Places in rows and columns, for a picture of this height and width.
    pub fn places(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        [self.along(height).0, self.along(width).0]
    }

    /// Hides place `place`, in reading order, of a picture `[channels, height, width]`.
    fn hide(&self, pixels: &mut [f32], [height, width]: [usize; 2], place: usize) {
        let ((_, rows), (across, columns)) = (self.along(height), self.along(width));
        let stride = self.stride.max(1);
        let (top, left) = (place / across * stride, place % across * stride);
        let planes = pixels.chunks_exact_mut((height * width).max(1));
        for (plane, noise) in planes.zip(self.noise.chunks_exact((self.patch * self.patch).max(1)))
        {
            for row in 0..rows {
                let from = (top + row) * width + left;
                let noise = &noise[row * self.patch..][..columns];
                plane[from..from + columns].copy_from_slice(noise);
            }
        }
    }
}

/// How much the activation changes at each place of the patch.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscrepancyMap {
    /// Places in rows and columns.
    pub size: [usize; 2],
    /// In reading order, none negative.
    pub values: Vec<f32>,
}

/// |activation(hidden at each place) − activation(whole)| for each of `neurons` of a tap; an
/// activation is the channel's spatial maximum. `image` is `[1, channels, height, width]` in 0..1;
/// `batch` hidden pictures are computed at a time, on the model's device. After each batch `progress`
/// hears how many places are done and says whether to go on; if not, the answer is `None`.
///
/// Errors if the image, the tap, a neuron or the patch does not fit the model.
pub fn discrepancy_maps(
    model: &Model,
    image: &Tensor,
    tap: &str,
    neurons: &[usize],
    occlusion: &Occlusion,
    batch: usize,
    progress: &mut dyn FnMut(usize) -> Result<bool>,
) -> Result<Option<Vec<DiscrepancyMap>>> {
    let (count, channels, height, width) = image.dims4()?;
    if count != 1 {
        return Err(Error::failed(format!("one picture is hidden at a time, not {count}")));
    }
    let (patch, noise) = (occlusion.patch, occlusion.noise.len());
    if patch == 0 || noise != channels * patch * patch {
        return Err(Error::failed(format!(
            "a patch of {patch}×{patch} over {channels} channels has {} values, not {noise}",
            channels * patch * patch
        )));
    }
    let pixels = image.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
    let activations = |pictures: Vec<f32>, count: usize| -> Result<Vec<f32>> {
        let pictures = Tensor::from_vec(pictures, (count, channels, height, width), &Device::Cpu)?;
        let maps = model.features(&pictures.to_device(model.device())?, &[tap])?;
        let Some(maps) = maps.first() else { return Err(Error::failed("a tap gave no maps")) };
        let maxima = spatial_maxima(maps)?;
        let mut found = Vec::with_capacity(count * neurons.len());
        for image in 0..count {
            let (values, _) = maxima.image(image);
            for &neuron in neurons {
                found.push(*values.get(neuron).ok_or_else(|| {
                    let there_are = values.len();
                    Error::failed(format!("layer '{tap}' has {there_are} neurons, no {neuron}"))
                })?);
            }
        }
        Ok(found)
    };
    let whole = activations(pixels.clone(), 1)?;
    let size = occlusion.places([height, width]);
    let places = size[0] * size[1];
    let mut maps = vec![DiscrepancyMap { size, values: Vec::with_capacity(places) }; neurons.len()];
    let mut done = 0;
    while done < places {
        let count = batch.max(1).min(places - done);
        let mut hidden = vec![0.0_f32; count * pixels.len()];
        hidden.par_chunks_mut(pixels.len().max(1)).enumerate().for_each(|(at, picture)| {
            picture.copy_from_slice(&pixels);
            occlusion.hide(picture, [height, width], done + at);
        });
        let found = activations(hidden, count)?;
        for answers in found.chunks_exact(neurons.len().max(1)) {
            for ((map, answer), whole) in maps.iter_mut().zip(answers).zip(&whole) {
                map.values.push((answer - whole).abs());
            }
        }
        done += count;
        if !progress(done)? {
            return Ok(None);
        }
    }
    Ok(Some(maps))
}

/// The map at a picture's height and width: a place's value belongs to the pixel at the patch's
/// centre; between centres it is interpolated, and beyond the outermost it stays theirs.
pub fn at_picture_size(map: &DiscrepancyMap, occlusion: &Occlusion, size: [usize; 2]) -> Vec<f32> {
    let along = |axis: usize| -> Vec<Between> {
        let centre = occlusion.along(size[axis]).1 as f32 / 2.0;
        let stride = occlusion.stride.max(1) as f32;
        (0..size[axis])
            .map(|pixel| Between::new((pixel as f32 + 0.5 - centre) / stride, map.size[axis]))
            .collect()
    };
    interpolate(&map.values, map.size[1], &along(0), &along(1))
}

/// The empirical receptive field: maps at picture size, each shifted so that its largest value (the
/// first of them in reading order) lies at row height / 2 and column width / 2, averaged.
///
/// A pixel's mean is over the maps that cover it after their shift: nothing is known of what lies
/// beyond a picture's edge, and to call it 0 would make the field smaller the farther its pictures'
/// maxima lie from their centres. A pixel that no map covers is 0, and so is NaN in a map.
pub fn pooled(maps: &[Vec<f32>], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut sums = vec![0.0_f64; height * width];
    let mut covered = vec![0_u32; height * width];
    for map in maps.iter().filter(|map| map.len() == height * width && !map.is_empty()) {
        let mut largest = (0, f32::NEG_INFINITY);
        for (at, &value) in map.iter().enumerate() {
            if value > largest.1 {
                largest = (at, value);
            }
        }
        let (row, column) = (largest.0 / width, largest.0 % width);
        for y in 0..height {
            // Where the pixel of the mean lies in the map.
            let Some(from) = (y + row).checked_sub(height / 2).filter(|y| *y < height) else {
                continue;
            };
            for x in 0..width {
                let Some(at) = (x + column).checked_sub(width / 2).filter(|x| *x < width) else {
                    continue;
                };
                let value = f64::from(map[from * width + at]);
                sums[y * width + x] += if value.is_nan() { 0.0 } else { value };
                covered[y * width + x] += 1;
            }
        }
    }
    let mean =
        |(sum, count): (f64, u32)| if count > 0 { (sum / f64::from(count)) as f32 } else { 0.0 };
    sums.into_iter().zip(covered).map(mean).collect()
}

/// Side, in pixels, of the square as large as the part of a pooled map that is at least `share` of
/// its largest value; 0 if nothing is above 0.
pub fn size_of(pooled: &[f32], share: f64) -> f64 {
    let most = pooled.iter().copied().fold(0.0, f32::max);
    if most <= 0.0 {
        return 0.0;
    }
    let area = pooled.iter().filter(|&&value| f64::from(value) >= f64::from(most) * share).count();
    (area as f64).sqrt()
}

#[cfg(test)]
mod tests;
