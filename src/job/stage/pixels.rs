//! Between tensors and 8-bit PNG files.

use std::io::Cursor;
use std::path::Path;

use candle_core::{Device, Tensor};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{Error, Result};

/// The name of an image's picture: the same path with the ending `.png`.
pub fn png_name(name: &str) -> String {
    Path::new(name).with_extension("png").to_string_lossy().into_owned()
}

/// Rounds `[batch, channels, height, width]` in 0..1 to bytes, an image after the other.
pub fn to_bytes(images: &Tensor) -> Result<Vec<Vec<u8>>> {
    let values = images.flatten_from(1)?.to_vec2::<f32>()?;
    Ok(values
        .iter()
        .map(|image| {
            image.iter().map(|pixel| (pixel * 255.0).round().clamp(0.0, 255.0) as u8).collect()
        })
        .collect())
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
            assert_eq!(to_bytes(&tensor).unwrap(), [pixels]);
        }
    }

    #[test]
    fn names_keep_their_folders() {
        assert_eq!(png_name("n01440764/a.b.JPEG"), "n01440764/a.b.png");
    }
}
