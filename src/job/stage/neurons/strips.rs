//! Strips: what drives a neuron in each of its pictures, one PNG a neuron. The format is that of
//! [`crate::run::results::neurons::Strip`].

use std::path::Path;

use rayon::prelude::*;

use crate::error::Result;
use crate::job::stage::pixels;
use crate::neuron::region;
use crate::run::write;

/// A feature map of one picture: `rows × columns` values.
pub(super) type Map = Vec<f32>;

/// More pictures a neuron than this would make strips of hundreds of megabytes.
pub(super) const MOST_TILES: usize = 200;

/// The strips of a layer by its feature maps, `regions/LAYER/NEURON.png` below `folder`: the pixels
/// where a map, upsampled to `side` pixels, lies above the neuron's threshold. `maps` are by neuron
/// and tile; a neuron without threshold gets no strip.
pub(super) fn by_feature_map(
    folder: &Path,
    layer: &str,
    (maps, thresholds): (&[Vec<Map>], &[Option<f32>]),
    size: [usize; 2],
    side: usize,
) -> Result<()> {
    let strips = maps.par_iter().zip(thresholds).enumerate();
    strips.try_for_each(|(neuron, (maps, threshold))| {
        let Some(threshold) = threshold else { return Ok(()) };
        let tiles: Vec<Vec<u8>> = maps
            .iter()
            .map(|map| {
                // An image that was there a moment ago.
                if map.is_empty() {
                    return vec![0; side * side];
                }
                let map = region::upsample(map, size, [side, side]);
                region::tile(&map, |value| value > *threshold)
            })
            .collect();
        save(&folder.join(file(REGIONS, layer, neuron)), &tiles, side)
    })
}

/// Where they are, in the run folder.
pub(super) const REGIONS: &str = "neurons/regions";

/// The strip of a neuron below one of those folders.
pub(super) fn file(folder: &str, layer: &str, neuron: usize) -> String {
    format!("{folder}/{layer}/{neuron}.png")
}

/// Writes tiles of `side × side` pixels side by side.
pub(super) fn save(path: &Path, tiles: &[Vec<u8>], side: usize) -> Result<()> {
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
        let maps = [vec![vec![0.0, 1.0], vec![1.0, 0.0]], vec![vec![0.0, 0.0]; 2]];
        let thresholds = [Some(0.5), None];
        by_feature_map(folder.path(), "conv1", (&maps, &thresholds), [1, 2], 2).unwrap();
        let strip = image::open(folder.path().join("neurons/regions/conv1/0.png")).unwrap();
        let strip = strip.into_luma8();
        assert_eq!(strip.dimensions(), (4, 2));
        let lit: Vec<bool> = strip.pixels().map(|pixel| pixel.0[0] & Strip::LIT != 0).collect();
        assert_eq!(lit, [false, true, true, false, false, true, true, false]);
        assert_eq!(strip.get_pixel(1, 0).0[0] & Strip::MAP, 127);
        assert!(!folder.path().join("neurons/regions/conv1/1.png").exists());
    }
}
