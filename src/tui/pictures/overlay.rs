//! What drives a neuron, laid over the picture: lit, outlined or cut out; and the map by itself.
//! Reads strips (see `run::results::neurons::Strip`) and keeps the last few: all pictures of a
//! neuron share one.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use image::DynamicImage;

use super::{Picture, decoder, scale};
use crate::report::raster::Tiles;
use crate::report::region as look;
pub use crate::report::region::Look;
use crate::run::results::dissect::Outlines;
use crate::run::results::neurons::Strip;

/// The line is one pixel wide for so many of the picture's: shown small, it must not vanish.
const PIXELS_A_LINE: usize = 32;
/// Kept strips: two runs side by side, with two kinds of maps each.
const KEPT: usize = 4;

/// The picture with its region made visible.
pub(super) fn region(
    picture: &Picture,
    strip: &Path,
    tile: usize,
    how: Look,
) -> Result<Picture, String> {
    let strip = kept(strip)?;
    let (width, height) = (picture.width, picture.height);
    let tile = strip.tile_in(tile, width, height).ok_or("no map of it")?;
    let smaller = width.min(height);
    let line = (smaller / PIXELS_A_LINE).max(1);
    let (pixels, width, height) = look::look(&picture.pixels, width, height, &tile, how, line);
    let seen = Picture { width, height, pixels };
    // What is cut out is shown as large as the picture.
    Ok(if how == Look::Crop { scale::resize(&seen, smaller, smaller) } else { seen })
}

/// What is laid over a labelled picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marks {
    /// Where the neuron fires is lit.
    Lit,
    /// What is labelled with its concept is outlined.
    Outline,
    /// Both: the outline lies over what is lit.
    Both,
}

/// The labelled picture with what the neuron makes of it.
pub(super) fn labelled(
    picture: &Picture,
    outlines: &Path,
    tile: usize,
    marks: Marks,
) -> Result<Picture, String> {
    let strip = kept(outlines)?;
    let (width, height) = (picture.width, picture.height);
    let tile = strip.tile_in(tile, width, height).ok_or("no map of it")?;
    let line = (width.min(height) / PIXELS_A_LINE).max(1);
    let one = |bit: u8| -> Vec<u8> {
        tile.iter().map(|byte| if byte & bit == 0 { 0 } else { Strip::LIT }).collect()
    };
    let mut pixels = picture.pixels.clone();
    if marks != Marks::Outline {
        (pixels, ..) = look::look(&pixels, width, height, &one(Outlines::FIRING), Look::Lit, line);
    }
    if marks != Marks::Lit {
        (pixels, ..) =
            look::look(&pixels, width, height, &one(Outlines::CONCEPT), Look::Contour, line);
    }
    Ok(Picture { width, height, pixels })
}

/// A tile by itself, in colours.
pub(super) fn map(strip: &Path, tile: usize) -> Result<Picture, String> {
    let strip = kept(strip)?;
    let side = strip.side();
    let tile = strip.tile(tile).ok_or("no map of it")?;
    let value = |byte: &u8| f64::from(byte & Strip::MAP) / f64::from(Strip::MAP);
    let pixels = tile.iter().map(|byte| colour(value(byte))).collect();
    Ok(Picture { width: side, height: side, pixels })
}

/// Equal steps of a value look equally far apart, also without colours: the ramp gets brighter all
/// the way (viridis of van der Walt and Smith, at nine points).
fn colour(value: f64) -> [u8; 3] {
    const RAMP: [[u8; 3]; 9] = [
        [68, 1, 84],
        [71, 44, 122],
        [59, 81, 139],
        [44, 113, 142],
        [33, 144, 141],
        [39, 173, 129],
        [92, 200, 99],
        [170, 220, 50],
        [253, 231, 37],
    ];
    let place = value.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (place as usize).min(RAMP.len() - 2);
    let share = place - below as f64;
    [0, 1, 2].map(|channel| {
        let (from, to) = (f64::from(RAMP[below][channel]), f64::from(RAMP[below + 1][channel]));
        (from + (to - from) * share).round() as u8
    })
}

/// A strip that is held, with the file's date and length: another file of its name is read anew.
struct Kept {
    path: PathBuf,
    stamp: (Option<SystemTime>, u64),
    tiles: Arc<Tiles>,
}

thread_local! {
    // Of the decoder's thread, the only one that decodes.
    static LAST: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

fn kept(path: &Path) -> Result<Arc<Tiles>, String> {
    if path.as_os_str().is_empty() {
        return Err("outside its run".to_owned());
    }
    let metadata = path.metadata().map_err(|_| "no map of it".to_owned())?;
    let stamp = (metadata.modified().ok(), metadata.len());
    LAST.with_borrow_mut(|last| {
        if let Some(at) = last.iter().position(|kept| kept.path == path && kept.stamp == stamp) {
            last[..=at].rotate_right(1);
        } else {
            let tiles = Arc::new(read(path)?);
            last.insert(0, Kept { path: path.to_owned(), stamp, tiles });
            last.truncate(KEPT);
        }
        last.first().map(|kept| Arc::clone(&kept.tiles)).ok_or_else(|| "no map of it".to_owned())
    })
}

fn read(path: &Path) -> Result<Tiles, String> {
    let mut reader = decoder::open(path)?;
    let mut limits = image::Limits::default();
    // 64 tiles of the largest picture that is decoded.
    limits.max_image_width = Some(64 * 4096);
    limits.max_image_height = Some(4096);
    reader.limits(limits);
    let DynamicImage::ImageLuma8(grey) = reader.decode().map_err(|_| "map damaged".to_owned())?
    else {
        return Err("map damaged".to_owned());
    };
    Tiles::of(grey).ok_or_else(|| "map damaged".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;

    /// Two tiles of 4×4: in the second the lower right quarter is lit, and the map grows to the
    /// right.
    fn planted(folder: &Path) -> PathBuf {
        let path = folder.join("strip.png");
        let strip = image::GrayImage::from_fn(8, 4, |x, y| {
            let (x, tile) = (x % 4, x / 4);
            let lit = tile == 1 && x >= 2 && y >= 2;
            image::Luma([(x * 127 / 3) as u8 | if lit { Strip::LIT } else { 0 }])
        });
        strip.save(&path).unwrap();
        path
    }

    fn picture(folder: &Path, side: u32) -> PathBuf {
        let path = folder.join(format!("picture-{side}.png"));
        image::RgbImage::from_fn(side, side, |x, y| image::Rgb([100, x as u8, y as u8]))
            .save(&path)
            .unwrap();
        path
    }

    fn load(folder: &Path, side: u32, tile: usize, look: Look) -> Result<Picture, String> {
        let (picture, strip) = (picture(folder, side), planted(folder));
        let request = Request::Region { picture, strip, tile, look };
        decoder::load(&request).picture.map(|picture| (*picture).clone())
    }

    #[test]
    fn what_is_not_lit_is_dark_also_where_the_tile_is_smaller_than_the_picture() {
        let folder = tempfile::tempdir().unwrap();
        for side in [4, 8] {
            let lit = load(folder.path(), side, 1, Look::Lit).unwrap();
            for (at, pixel) in lit.pixels.iter().enumerate() {
                let (x, y) = (at % side as usize, at / side as usize);
                let is_lit = x >= side as usize / 2 && y >= side as usize / 2;
                assert_eq!(pixel[0], if is_lit { 100 } else { 20 }, "{x} {y} of {side}");
            }
        }
        let dark = load(folder.path(), 4, 0, Look::Lit).unwrap();
        assert!(dark.pixels.iter().all(|pixel| pixel[0] == 20));
    }

    #[test]
    fn the_line_runs_inside_the_region_and_along_the_pictures_edge() {
        let folder = tempfile::tempdir().unwrap();
        let outlined = load(folder.path(), 8, 1, Look::Contour).unwrap();
        let drawn = |x: usize, y: usize| outlined.pixels[y * 8 + x] == look::LINE;
        assert!(drawn(4, 4) && drawn(7, 4) && drawn(7, 7) && drawn(4, 6));
        assert!(!drawn(5, 5) && !drawn(3, 3) && !drawn(3, 5));
        assert_eq!(load(folder.path(), 8, 0, Look::Contour).unwrap().pixels[0], [100, 0, 0]);
    }

    #[test]
    fn a_cut_shows_the_region_in_the_pictures_size() {
        let folder = tempfile::tempdir().unwrap();
        let whole = load(folder.path(), 32, 0, Look::Crop).unwrap();
        // Nothing is lit: the whole picture, dark.
        assert_eq!(whole.pixels[33], [20, 0, 0]);
        let cut = load(folder.path(), 32, 1, Look::Crop).unwrap();
        assert_eq!((cut.width, cut.height), (32, 32));
        // 16 lit pixels and 2 of air on either side, at the picture's corner: 12..32.
        assert_eq!((cut.pixels[0], cut.pixels[32 * 32 - 1]), ([100, 12, 12], [100, 31, 31]));
    }

    #[test]
    fn a_concepts_outline_lies_over_what_the_neuron_lights() {
        let folder = tempfile::tempdir().unwrap();
        // Fires in the upper half; the concept is the left half.
        let strip = image::GrayImage::from_fn(8, 8, |x, y| {
            let firing = if y < 4 { Outlines::FIRING } else { 0 };
            image::Luma([firing | if x < 4 { Outlines::CONCEPT } else { 0 }])
        });
        let outlines = folder.path().join("outlines.png");
        strip.save(&outlines).unwrap();
        let picture = picture(folder.path(), 8);
        let ask = |marks| {
            let (picture, outlines) = (picture.clone(), outlines.clone());
            let request = Request::Labelled { picture, outlines, tile: 0, marks };
            decoder::load(&request).picture.unwrap()
        };
        let (lit, outlined, both) = (ask(Marks::Lit), ask(Marks::Outline), ask(Marks::Both));
        assert_eq!((lit.pixels[0][0], lit.pixels[63][0]), (100, 20));
        assert_eq!((outlined.pixels[0], outlined.pixels[63][0]), (look::LINE, 100));
        assert_eq!((both.pixels[0], both.pixels[63][0]), (look::LINE, 20));
        assert_eq!((both.pixels[9][0], both.pixels[7][0]), (100, 100));
        let missing = folder.path().join("none.png");
        let request = Request::Labelled { picture, outlines: missing, tile: 0, marks: Marks::Lit };
        assert_eq!(decoder::load(&request).picture, Err("no map of it".into()));
    }

    #[test]
    fn a_map_runs_from_dark_to_bright_and_a_missing_tile_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let strip = planted(folder.path());
        let ask = |tile| decoder::load(&Request::Map { strip: strip.clone(), tile }).picture;
        let map = ask(1).unwrap();
        assert_eq!((map.width, map.height), (4, 4));
        assert_eq!((map.pixels[0], map.pixels[3]), ([68, 1, 84], [253, 231, 37]));
        assert_eq!(ask(2), Err("no map of it".into()));
        assert_eq!(ask(usize::MAX), Err("no map of it".into()));
        let luminance = |value: f64| {
            let [r, g, b] = colour(value).map(f64::from);
            0.299 * r + 0.587 * g + 0.114 * b
        };
        assert!(
            (0..100).all(|at| {
                luminance(f64::from(at) / 100.0) < luminance(f64::from(at + 1) / 100.0)
            })
        );
    }

    #[test]
    fn another_strip_of_the_same_name_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let strip = planted(folder.path());
        assert!(map(&strip, 1).is_ok());
        image::GrayImage::new(40, 40).save(&strip).unwrap();
        assert_eq!(map(&strip, 0).unwrap().width, 40);
        assert!(map(&strip, 1).is_err());
    }
}
