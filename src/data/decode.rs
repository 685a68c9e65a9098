//! A JPEG or PNG file → 8-bit RGB. What is damaged is named with its path and the reason.
//!
//! As Pillow's `convert("RGB")` and torchvision: alpha is dropped, the orientation that a camera
//! noted beside the picture is not applied. A JPEG's pixels are libjpeg-turbo's to the bit, as
//! Pillow's are: decoders may differ by a level or two, and that is enough to change the order of a
//! network's answers.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::Path;

use image::{ImageError, ImageFormat, ImageReader, Limits};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::files::unreadable;
use crate::error::text::{printable, shown};
use crate::error::{Error, Result};

/// No longer file is read: a photograph of the largest camera stays well below.
const LARGEST_FILE: u64 = 256 << 20;
/// No wider or higher picture is decoded,
const LARGEST_SIDE: u32 = 30_000;
/// and none that needs more memory: a small file can unfold into gigabytes.
const LARGEST_MEMORY: u64 = 1 << 30;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `[height, width, 3]`, red, green, blue.
    pub pixels: Vec<u8>,
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
}

/// Reads a picture. By its content, not by its name: ImageNet has a PNG called `.JPEG`.
pub fn read(path: &Path) -> Result<Picture> {
    let found = fs::metadata(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(link) if link.is_symlink() => bad(path, "is a link that leads nowhere"),
        _ => unreadable(path, error),
    })?;
    // A pipe would be waited for, perhaps for ever.
    if !found.is_file() {
        let what = if found.is_dir() { "a folder" } else { "a pipe, socket or device" };
        return Err(bad(path, &format!("is {what}, not an image")));
    }
    if found.len() > LARGEST_FILE {
        let size = found.len() >> 20;
        return Err(bad(path, &format!("has {size} MiB, {} are the most", LARGEST_FILE >> 20)));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize + 1);
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, error))?;
    decode(&bytes).map_err(|reason| bad(path, &reason))
}

fn bad(path: &Path, reason: &str) -> Error {
    Error::bad_input(format!("{} {reason}", shown(path)))
        .hint("replace or remove the file; data.damaged = \"skip\" goes on without such files")
}

/// The picture in `bytes`, or what is wrong with them (to be read after the file's name).
fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let format = match bytes {
        [] => return Err("is empty".into()),
        [0xff, 0xd8, 0xff, ..] => ImageFormat::Jpeg,
        [0x89, b'P', b'N', b'G', ..] => ImageFormat::Png,
        _ => {
            let start: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            let start = start.join(" ");
            return Err(format!("is neither a JPEG nor a PNG image: it begins with {start}"));
        }
    };
    // The decoder makes up what is missing; a half grey picture must not go into a measurement.
    if format == ImageFormat::Jpeg && !has_end(bytes) {
        return Err("is a JPEG image that was cut off: its end is missing".into());
    }
    if format == ImageFormat::Jpeg
        && let Some(picture) = jpeg(bytes)?
    {
        return Ok(picture);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(LARGEST_MEMORY);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| explain(&error, format))?.into_rgb8();
    let (width, height) = image.dimensions();
    if width == 0 || height == 0 {
        return Err("is an image without pixels".into());
    }
    Ok(Picture { pixels: image.into_raw(), height: height as usize, width: width as usize })
}

/// A JPEG of one or three components. `None` = of four, as printers want them: those are left to
/// the other decoder.
fn jpeg(bytes: &[u8]) -> Result<Option<Picture>, String> {
    let limits = DecodeLimits {
        max_width: LARGEST_SIDE as usize,
        max_height: LARGEST_SIDE as usize,
        max_memory: Some(LARGEST_MEMORY),
        ..DecodeLimits::default()
    };
    let explain = |error: JpegError| match error {
        JpegError::LimitExceeded { .. } | JpegError::AllocationFailed { .. } => too_large(),
        JpegError::UnexpectedEof => "is a JPEG image that was cut off".into(),
        error => format!("is a damaged or unusual JPEG image: {}", printable(&error.to_string())),
    };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(explain)?;
    if decoder.header().components.len() == 4 {
        return Ok(None);
    }
    decoder.set_output_format(PixelFormat::Rgb);
    let image = decoder.decode_image().map_err(explain)?;
    if image.width == 0 || image.height == 0 {
        return Err("is an image without pixels".into());
    }
    Ok(Some(Picture { pixels: image.data, height: image.height, width: image.width }))
}

fn too_large() -> String {
    format!(
        "is too large: {LARGEST_SIDE} pixels a side and {} MiB in memory are the most",
        LARGEST_MEMORY >> 20
    )
}

fn explain(error: &ImageError, format: ImageFormat) -> String {
    let name = if format == ImageFormat::Jpeg { "JPEG" } else { "PNG" };
    match error {
        ImageError::Limits(_) => too_large(),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            format!("is a {name} image that was cut off")
        }
        error => {
            format!("is a damaged or unusual {name} image: {}", printable(&error.to_string()))
        }
    }
}

/// Whether a JPEG's end marker follows its first scan. Before it there may be another picture's (a
/// thumbnail's); after it some cameras add what they like.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match bytes[at.min(bytes.len())..] {
            [0xff, 0xff, ..] => at += 1, // padding
            [0xff, 0xda, ref scan @ ..] => {
                return scan.windows(2).rev().any(|pair| pair == [0xff, 0xd9]);
            }
            [0xff, _, high, low, ..] => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            [] | [_] | [0xff, ..] => return false,
            _ => return true, // not as it should be, in a way that the decoder tells better
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn photograph() -> DynamicImage {
        ImageBuffer::from_fn(64, 48, |x, y| {
            Rgb([(x * 4) as u8, (y * 5) as u8, ((x ^ y) * 3) as u8])
        })
        .into()
    }

    fn message(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        File::create(&path).unwrap().write_all(bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.kind, Kind::BadInput);
        assert!(error.hint.is_some());
        let name = printable(name);
        assert!(error.message.contains(&format!("{name}' ")), "{}", error.message);
        error.message
    }

    #[test]
    fn png_comes_out_as_it_went_in() {
        let picture = decode(&encoded(&photograph(), ImageFormat::Png)).unwrap();
        assert_eq!((picture.height, picture.width), (48, 64));
        assert_eq!(picture.pixels, photograph().into_rgb8().into_raw());
    }

    #[test]
    fn jpeg_comes_out_nearly_so() {
        let grey: DynamicImage = ImageBuffer::from_pixel(16, 16, Rgb([90_u8, 120, 200])).into();
        let picture = decode(&encoded(&grey, ImageFormat::Jpeg)).unwrap();
        for pixel in picture.pixels.chunks(3) {
            assert!(pixel.iter().zip([90, 120, 200]).all(|(&a, b): (&u8, u8)| a.abs_diff(b) <= 3));
        }
    }

    #[test]
    fn grey_alpha_and_sixteen_bits_become_rgb() {
        let first = |image: DynamicImage| {
            decode(&encoded(&image, ImageFormat::Png)).unwrap().pixels[..3].to_vec()
        };
        assert_eq!(first(ImageBuffer::from_pixel(2, 2, Luma([7_u8])).into()), [7, 7, 7]);
        assert_eq!(first(ImageBuffer::from_pixel(2, 2, LumaA([7_u8, 0])).into()), [7, 7, 7]);
        assert_eq!(first(ImageBuffer::from_pixel(2, 2, Rgba([1_u8, 2, 3, 9])).into()), [1, 2, 3]);
        let deep = ImageBuffer::from_pixel(2, 2, Rgb([0_u16, 32_896, 65_535]));
        assert_eq!(first(deep.into()), [0, 128, 255]);
        let grey: DynamicImage = ImageBuffer::from_pixel(8, 8, Luma([100_u8])).into();
        let picture = decode(&encoded(&grey, ImageFormat::Jpeg)).unwrap();
        assert_eq!(picture.pixels.len(), 8 * 8 * 3);
    }

    #[test]
    fn a_jpeg_that_is_not_one_shows_how_it_begins() {
        let message = message("page.jpg", b"<!DOCTYPE html>");
        assert!(message.contains("neither a JPEG nor a PNG"), "{message}");
        assert!(message.contains("3c 21 44 4f"), "{message}");
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        assert!(message("nothing.png", b"").ends_with("is empty"));
    }

    #[test]
    fn a_png_called_jpeg_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n02105855_2933.JPEG");
        fs::write(&path, encoded(&photograph(), ImageFormat::Png)).unwrap();
        assert_eq!(read(&path).unwrap().width, 64);
    }

    #[test]
    fn a_jpeg_cut_off_anywhere_is_refused() {
        let whole = encoded(&photograph(), ImageFormat::Jpeg);
        for length in 3..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        let message = message("half.jpg", &whole[..whole.len() / 2]);
        assert!(message.contains("cut off"), "{message}");
    }

    #[test]
    fn a_jpeg_with_something_behind_it_is_read() {
        let mut bytes = encoded(&photograph(), ImageFormat::Jpeg);
        bytes.extend(b"appended by a camera");
        assert!(decode(&bytes).is_ok());
    }

    #[test]
    fn a_png_cut_off_is_refused() {
        let whole = encoded(&photograph(), ImageFormat::Png);
        // The last 12 bytes are the end mark: without it all pixels are there.
        for length in (4..whole.len() - 12).step_by(7) {
            assert!(decode(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        let message = message("half.png", &whole[..whole.len() / 2]);
        assert!(message.contains("cut off"), "{message}");
    }

    #[test]
    fn a_header_that_asks_for_gigabytes_is_refused() {
        let mut png = encoded(&photograph(), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0x70, 0, 0, 0, 0x70, 0]); // 28672 × 28672
        let mut checksum = flate2::Crc::new();
        checksum.update(&png[12..29]);
        png[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
        assert!(message("bomb.png", &png).contains("too large"));
    }

    #[test]
    fn control_codes_in_a_name_do_not_reach_the_message() {
        assert!(!message("a\x1b[31m\n.jpg", b"?").contains(['\x1b', '\n']));
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(at in prop::collection::vec((0_usize..2000, any::<u8>()), 1..9)) {
            for format in [ImageFormat::Jpeg, ImageFormat::Png] {
                let mut bytes = encoded(&photograph(), format);
                for &(index, value) in &at {
                    let index = index % bytes.len();
                    bytes[index] = value;
                }
                if let Ok(picture) = decode(&bytes) {
                    prop_assert_eq!(picture.pixels.len(), picture.height * picture.width * 3);
                }
            }
        }
    }
}
