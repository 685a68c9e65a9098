//! Between tensors and 8-bit PNG files.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::Path;

use candle_core::{Device, Tensor};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::data::Dataset;
use crate::error::{Error, Result};

/// The names of a data set's pictures, each its own: the images' with the ending `.png`, or with
/// `.png` behind the whole name where another image could have that.
pub struct PictureNames(Vec<String>);

impl PictureNames {
    /// Of every image of `dataset`.
    pub fn of(dataset: &dyn Dataset) -> Self {
        let names: Vec<String> = (0..dataset.len()).map(|index| dataset.name(index)).collect();
        Self::from(&names)
    }

    fn from(names: &[String]) -> Self {
        let short: Vec<String> = names
            .iter()
            .map(|name| Path::new(name).with_extension("png").to_string_lossy().into_owned())
            .collect();
        let mut count: HashMap<&str, usize> = HashMap::new();
        for name in &short {
            *count.entry(name).or_default() += 1;
        }
        let long: HashSet<String> = names.iter().map(|name| format!("{name}.png")).collect();
        let unique = names.iter().zip(&short).map(|(name, short)| {
            let own = format!("{name}.png");
            let is_anothers = count[short.as_str()] > 1 || (long.contains(short) && *short != own);
            if is_anothers { own } else { short.clone() }
        });
        Self(unique.collect())
    }

    /// The picture of image `index`.
    pub fn of_image(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }
}

/// Rounds `[batch, channels, height, width]` images in 0..1 to bytes, an image after the other, and
/// keeps every byte within `epsilon` pixel levels of `origin`, which rounding alone does not.
pub fn to_bytes_within(images: &Tensor, origin: &Tensor, epsilon: f64) -> Result<Vec<Vec<u8>>> {
    let images = images.flatten_from(1)?.to_vec2::<f32>()?;
    let origin = origin.flatten_from(1)?.to_vec2::<f32>()?;
    let level = |pixel: f32| (pixel * 255.0).round().clamp(0.0, 255.0) as u8;
    let most = epsilon.clamp(0.0, 255.0) as u8;
    let within = |(&pixel, &origin): (&f32, &f32)| {
        let origin = level(origin);
        level(pixel).clamp(origin.saturating_sub(most), origin.saturating_add(most))
    };
    Ok(images.iter().zip(&origin).map(|(a, b)| a.iter().zip(b).map(within).collect()).collect())
}

/// The images that such bytes hold, `[batch, channels, height, width]` in 0..1.
pub fn from_bytes(images: &[Vec<u8>], shape: [usize; 3]) -> Result<Tensor> {
    let values: Vec<f32> = images.iter().flatten().map(|&byte| f32::from(byte) / 255.0).collect();
    let [channels, height, width] = shape;
    Ok(Tensor::from_vec(values, (images.len(), channels, height, width), &Device::Cpu)?)
}

/// A PNG of `[channels, height, width]` bytes, one or three channels.
pub fn encode(pixels: &[u8], [channels, height, width]: [usize; 3]) -> Result<Vec<u8>> {
    let failed =
        |error: image::ImageError| Error::failed(format!("failed to encode a PNG: {error}"));
    let area = height * width;
    if pixels.len() != channels * area {
        return Err(Error::failed("an image has another size than its data set says"));
    }
    let interleaved: Vec<u8> =
        (0..area).flat_map(|at| (0..channels).map(move |c| pixels[c * area + at])).collect();
    let colour = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        other => return Err(Error::failed(format!("a PNG of {other} channels is not supported"))),
    };
    let mut bytes = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&interleaved, width as u32, height as u32, colour)
        .map_err(failed)?;
    Ok(bytes.into_inner())
}

/// The `[channels, height, width]` bytes of a PNG. Errors name the file and what was expected.
pub fn read(path: &Path, [channels, height, width]: [usize; 3]) -> Result<Vec<u8>> {
    let shown = path.display().to_string();
    let image = image::open(path).map_err(|error| {
        Error::bad_input(format!("failed to read the adversarial image '{shown}': {error}"))
    })?;
    if (image.height() as usize, image.width() as usize) != (height, width) {
        return Err(Error::bad_input(format!(
            "the adversarial image '{shown}' has {}×{} pixels, the originals have {width}×{height}",
            image.width(),
            image.height()
        )));
    }
    let interleaved =
        if channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() };
    let area = height * width;
    Ok((0..channels)
        .flat_map(|c| (0..area).map(move |at| (c, at)))
        .map(|(c, at)| interleaved[at * channels + c])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for channels in [1, 3] {
            let shape = [channels, 5, 4];
            let pixels: Vec<u8> = (0..channels * 20).map(|i| (i * 37 % 256) as u8).collect();
            let path = folder.path().join("a.png");
            std::fs::write(&path, encode(&pixels, shape).unwrap()).unwrap();
            assert_eq!(read(&path, shape).unwrap(), pixels);
            assert!(read(&path, [channels, 4, 4]).unwrap_err().message.contains("4×5"));
            let tensor = from_bytes(std::slice::from_ref(&pixels), shape).unwrap();
            assert_eq!(to_bytes_within(&tensor, &tensor, 0.0).unwrap(), [pixels]);
        }
    }

    #[test]
    fn rounding_stays_within_a_fraction_of_a_level() {
        let tensor = |value: f32| Tensor::full(value, (1, 1, 1, 2), &Device::Cpu).unwrap();
        let origin = tensor(100.0 / 255.0);
        for (epsilon, expected) in [(0.5, 100), (1.9, 101), (2.0, 102)] {
            let moved = tensor((100.0 + epsilon as f32) / 255.0);
            assert_eq!(to_bytes_within(&moved, &origin, epsilon).unwrap(), [[expected; 2]]);
        }
    }

    #[test]
    fn names_keep_their_folders() {
        let names = ["n01/a.b.JPEG", "n01/c.jpg", "n01/c.png"].map(String::from);
        let pictures = PictureNames::from(&names);
        let of = |index| pictures.of_image(index);
        assert_eq!([of(0), of(1), of(2)], ["n01/a.b.png", "n01/c.jpg.png", "n01/c.png.png"]);
    }

    #[test]
    fn no_two_images_share_a_picture() {
        let names = ["a.jpg", "a.png", "a.jpg.png", "b", "b.png.png"].map(String::from);
        let pictures = PictureNames::from(&names);
        let all: HashSet<&str> = (0..names.len()).map(|index| pictures.of_image(index)).collect();
        assert_eq!(all.len(), names.len(), "{all:?}");
    }
}
