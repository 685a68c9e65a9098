//! Strips that say where a neuron fires in each of its pictures, and where its concept is. The format
//! is that of [`Outlines`].

use crate::data::labelled::Labels;
use crate::error::Result;
use crate::neuron::dissection::firing;
use crate::run::results::dissect::Outlines;

/// Where they are, in the run folder.
pub(super) const FOLDER: &str = "dissect/outlines";

/// The tile of a picture of `side × side` pixels: where `map`, of `size` rows and columns, lies above
/// the threshold, and where the picture has the concept.
pub(super) fn tile(
    (map, size): (&[f32], [usize; 2]),
    threshold: f32,
    concept: Option<(&Labels, u16)>,
    side: usize,
) -> Vec<u8> {
    // An image that was there a moment ago.
    if map.is_empty() {
        return vec![0; side * side];
    }
    let fires = firing(map, size, [side, side], threshold);
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    let mut tile: Vec<u8> = fires.into_iter().map(|fires| bit(fires, Outlines::FIRING)).collect();
    if let Some((labels, number)) = concept {
        for (at, pixel) in tile.iter_mut().enumerate() {
            let [row, column] = [at / side, at % side];
            let there = has(labels, number, [row, column], side);
            *pixel |= bit(there, Outlines::CONCEPT);
        }
    }
    tile
}

/// Whether the label nearest to a pixel of the picture is the concept.
fn has(labels: &Labels, number: u16, [row, column]: [usize; 2], side: usize) -> bool {
    if labels.whole.iter().any(|(_, whole)| *whole == number) {
        return true;
    }
    let nearest = |at: usize, length: usize| ((2 * at + 1) * length / (2 * side)).min(length);
    let at = nearest(row, labels.height) * labels.width + nearest(column, labels.width);
    labels.maps.iter().any(|(_, map)| map.get(at) == Some(&number))
}

/// Reads the labels of a neuron's pictures, of those that have any to be drawn.
pub(super) fn labels_of(
    concept: Option<u16>,
    read: impl FnOnce() -> Result<Labels>,
) -> Result<Option<(Labels, u16)>> {
    concept.map(|number| Ok((read()?, number))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_tells_firing_and_concept_apart() {
        let labels =
            Labels { height: 1, width: 2, whole: vec![(0, 5)], maps: vec![(1, vec![7, 0])] };
        let map = [0.0, 1.0];
        let (fires, has) = (Outlines::FIRING, Outlines::CONCEPT);
        let of = |concept: Option<(&Labels, u16)>| tile((&map, [1, 2]), 0.5, concept, 2);
        assert_eq!(of(None), [0, fires, 0, fires]);
        assert_eq!(of(Some((&labels, 7))), [has, fires, has, fires]);
        assert_eq!(of(Some((&labels, 5))), [has, fires | has, has, fires | has]);
        assert_eq!(of(Some((&labels, 6))), of(None));
        assert_eq!(tile((&[], [1, 2]), 0.5, None, 2), [0; 4]);
    }
}
