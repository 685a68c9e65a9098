//! Pixels of pictures, and of the strips that say what drives a neuron in them.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, ImageReader, RgbImage};

use crate::error::text::shown;
use crate::error::{Error, Result};

/// Decoded pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Red, green, blue; `width * height` of them.
    pub pixels: Vec<[u8; 3]>,
}

impl Raster {
    /// One colour all over.
    pub fn filled(width: usize, height: usize, color: [u8; 3]) -> Self {
        Self { width, height, pixels: vec![color; width * height] }
    }

    /// Reads a picture file.
    pub fn read(path: &Path) -> Result<Self> {
        let image = decode(path)?.into_rgb8();
        let (width, height) = (image.width() as usize, image.height() as usize);
        Ok(Self { width, height, pixels: image.pixels().map(|pixel| pixel.0).collect() })
    }

    /// Every pixel as a square of `factor` × `factor`.
    pub fn enlarged(&self, factor: usize) -> Self {
        let row = |row: &[[u8; 3]]| -> Vec<[u8; 3]> {
            row.iter().flat_map(|pixel| std::iter::repeat_n(*pixel, factor)).collect()
        };
        let pixels = self
            .pixels
            .chunks(self.width.max(1))
            .flat_map(|line| std::iter::repeat_n(row(line), factor).flatten())
            .collect();
        Self { width: self.width * factor, height: self.height * factor, pixels }
    }

    /// In another size, smoothly.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) || self.pixels.is_empty() {
            return self.clone();
        }
        let image = imageops::resize(
            &self.image(),
            width.max(1) as u32,
            height.max(1) as u32,
            FilterType::CatmullRom,
        );
        let (width, height) = (image.width() as usize, image.height() as usize);
        Self { width, height, pixels: image.pixels().map(|pixel| pixel.0).collect() }
    }

    /// As a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let encoder =
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, PngFilter::Adaptive);
        self.encode(encoder)?;
        Ok(bytes)
    }

    /// As a JPEG file.
    pub fn jpeg(&self) -> Result<Vec<u8>> {
        const QUALITY: u8 = 88;
        let mut bytes = Vec::new();
        self.encode(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        Ok(bytes)
    }

    fn encode(&self, encoder: impl ImageEncoder) -> Result<()> {
        let (width, height) = (self.width as u32, self.height as u32);
        encoder
            .write_image(self.pixels.as_flattened(), width, height, ExtendedColorType::Rgb8)
            .map_err(|error| Error::failed(format!("failed to write a picture: {error}")))
    }

    fn image(&self) -> RgbImage {
        RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| {
            image::Rgb(self.pixels[y as usize * self.width + x as usize])
        })
    }
}

/// A strip of a neuron ([`crate::run::results::neurons::Strip`]), decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiles {
    side: usize,
    width: usize,
    bytes: Vec<u8>,
}

impl Tiles {
    /// Reads a strip. Fails where the file is none: not greyscale of 8 bits, or no row of squares.
    pub fn read(path: &Path) -> Result<Self> {
        let DynamicImage::ImageLuma8(image) = decode(path)? else {
            return Err(Error::failed(format!("{} is not greyscale of 8 bits", shown(path)))
                .hint("a strip of regions is; the run folder is damaged"));
        };
        let (width, side) = image.dimensions();
        Self::of(image).ok_or_else(|| {
            let text =
                format!("{} is {width}×{side} pixels, which is no row of squares", shown(path));
            Error::failed(text).hint("the run folder is damaged")
        })
    }

    /// Of a decoded strip; `None`: it is no row of squares.
    pub fn of(image: GrayImage) -> Option<Self> {
        let (width, side) = (image.width() as usize, image.height() as usize);
        (side > 0 && width % side == 0).then(|| Self { side, width, bytes: image.into_raw() })
    }

    /// Pixels along each side of a tile.
    pub fn side(&self) -> usize {
        self.side
    }

    /// One tile's bytes, row by row; `None` where the strip has no such tile.
    pub fn tile(&self, index: usize) -> Option<Vec<u8>> {
        self.tile_in(index, self.side, self.side)
    }

    /// The same for a picture of another size: for each of its pixels, row by row, the nearest byte.
    pub fn tile_in(&self, index: usize, width: usize, height: usize) -> Option<Vec<u8>> {
        let from = index.checked_mul(self.side).filter(|from| *from < self.width)?;
        // The middle of the pixel, in the tile's pixels.
        let scaled =
            |at: usize, of: usize| ((2 * at + 1) * self.side / (2 * of)).min(self.side - 1);
        let mut bytes = Vec::with_capacity(width * height);
        for y in 0..height {
            let from = scaled(y, height) * self.width + from;
            let row = self.bytes.get(from..from + self.side)?;
            bytes.extend((0..width).filter_map(|x| row.get(scaled(x, width))));
        }
        Some(bytes)
    }
}

fn decode(path: &Path) -> Result<DynamicImage> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::failed(format!("failed to read the picture {}: {error}", shown(path)))
            .hint("the run folder lacks a part; its stage 'neurons' makes it anew in a new run")
    };
    // A pipe or a device would never end.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(failed(&"it is no file"));
    }
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    reader.map_err(|error| failed(&error))?.decode().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(width: usize, height: usize) -> Raster {
        let pixels = (0..width * height).map(|at| [at as u8, 255 - at as u8, 7]).collect();
        Raster { width, height, pixels }
    }

    #[test]
    fn a_pixel_becomes_a_square() {
        let small = Raster { width: 2, height: 1, pixels: vec![[1; 3], [2; 3]] };
        let large = small.enlarged(2);
        assert_eq!((large.width, large.height), (4, 2));
        assert_eq!(large.pixels.iter().map(|p| p[0]).collect::<Vec<_>>(), [1, 1, 2, 2, 1, 1, 2, 2]);
    }

    #[test]
    fn what_is_written_as_png_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, checked(9, 5).png().unwrap()).unwrap();
        assert_eq!(Raster::read(&path).unwrap(), checked(9, 5));
        assert_eq!(checked(9, 5).resized(18, 10).pixels.len(), 180);
    }

    #[test]
    fn a_strip_is_cut_into_its_tiles() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strip.png");
        let strip = image::GrayImage::from_fn(6, 2, |x, y| image::Luma([(x + 10 * y) as u8]));
        strip.save(&path).unwrap();
        let tiles = Tiles::read(&path).unwrap();
        assert_eq!(tiles.side(), 2);
        assert_eq!(tiles.tile(1), Some(vec![2, 3, 12, 13]));
        assert_eq!(tiles.tile_in(1, 3, 1), Some(vec![12, 13, 13]));
        assert_eq!(tiles.tile_in(1, 1, 4), Some(vec![3, 3, 13, 13]));
        assert_eq!((tiles.tile(3), tiles.tile(usize::MAX)), (None, None));
        image::GrayImage::new(5, 2).save(&path).unwrap();
        assert!(Tiles::read(&path).unwrap_err().message.contains("5×2"));
        std::fs::write(&path, checked(4, 2).png().unwrap()).unwrap();
        assert!(Tiles::read(&path).unwrap_err().message.contains("greyscale"));
        assert!(Tiles::read(&folder.path().join("none.png")).unwrap_err().hint.is_some());
        assert!(Raster::read(Path::new("/dev/zero")).unwrap_err().message.contains("no file"));
    }
}
