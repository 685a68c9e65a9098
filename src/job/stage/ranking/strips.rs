//! Strips: what drives a neuron in each of its pictures, one PNG a neuron. The format is that of
//! [`crate::run::results::neurons::Strip`].

use std::path::Path;

use crate::error::Result;
use crate::job::stage::pixels;
use crate::neuron::region;
use crate::run::write;

/// A feature map of one picture: `rows × columns` values.
pub(in crate::job::stage) type Map = Vec<f32>;

/// More pictures a neuron than this would make strips of hundreds of megabytes.
pub(in crate::job::stage) const MOST_TILES: usize = 200;

/// A neuron's strip by its feature maps of `size` rows and columns, one a picture: lit are the pixels
/// where a map, upsampled to `side` pixels, lies above the threshold.
pub(in crate::job::stage) fn by_feature_map(
    file: &Path,
    maps: &[Map],
    threshold: f32,
    size: [usize; 2],
    side: usize,
) -> Result<()> {
    let tiles: Vec<Vec<u8>> = maps
        .iter()
        .map(|map| {
            // An image that was there a moment ago.
            if map.is_empty() {
                return vec![0; side * side];
            }
            let map = region::upsample(map, size, [side, side]);
            region::tile(&map, |value| value > threshold)
        })
        .collect();
    save(file, &tiles, side)
}

/// The strip of a neuron below a folder.
pub(in crate::job::stage) fn file(folder: &str, layer: &str, neuron: usize) -> String {
    format!("{folder}/{layer}/{neuron}.png")
}

/// Writes tiles of `side × side` pixels side by side.
pub(in crate::job::stage) fn save(path: &Path, tiles: &[Vec<u8>], side: usize) -> Result<()> {
    let strip: Vec<u8> = (0..side)
        .flat_map(|row| tiles.iter().flat_map(move |tile| &tile[row * side..(row + 1) * side]))
        .copied()
        .collect();
    if let Some(parent) = path.parent() {
        write::folder(parent)?;
    }
    write::whole_unsynced(path, &pixels::encode(&strip, [1, side, side * tiles.len()])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::neurons::Strip;

    #[test]
    fn tiles_stand_side_by_side_and_say_where_the_neuron_fires() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file("neurons/regions", "conv1", 0));
        let maps = [vec![0.0, 1.0], vec![1.0, 0.0]];
        by_feature_map(&path, &maps, 0.5, [1, 2], 2).unwrap();
        let strip = image::open(folder.path().join("neurons/regions/conv1/0.png")).unwrap();
        let strip = strip.into_luma8();
        assert_eq!(strip.dimensions(), (4, 2));
        let lit: Vec<bool> = strip.pixels().map(|pixel| pixel.0[0] & Strip::LIT != 0).collect();
        assert_eq!(lit, [false, true, true, false, false, true, true, false]);
        assert_eq!(strip.get_pixel(1, 0).0[0] & Strip::MAP, 127);
    }
}
