//! Strips that say where a neuron fires in each of its pictures, and where its concept is. The format
//! is that of [`Outlines`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Numbers of label maps that are held at once: of some two thousand images of Broden.
const MOST_NUMBERS: usize = 128 << 20;

/// Labels that were read lately: many neurons have the same pictures.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    labels: HashMap<usize, Arc<Labels>>,
    numbers: usize,
}

impl Recent {
    /// Those of an image, from `read` where they are not held.
    pub(super) fn of(
        &self,
        image: usize,
        read: impl FnOnce() -> Result<Labels>,
    ) -> Result<Arc<Labels>> {
        let held = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(labels) = held().labels.get(&image) {
            return Ok(Arc::clone(labels));
        }
        // Unlocked: others go on meanwhile, at the worst with the same image.
        let labels = Arc::new(read()?);
        let mut held = held();
        let numbers = labels.maps.iter().map(|(_, map)| map.len()).sum::<usize>();
        if held.numbers + numbers > MOST_NUMBERS {
            *held = Held::default();
        }
        held.numbers += numbers;
        held.labels.insert(image, Arc::clone(&labels));
        Ok(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_once_and_errors_are_not_held() {
        let recent = Recent::default();
        let labels = |width| Labels { height: 1, width, ..Labels::default() };
        let failed = recent.of(4, || Err(crate::error::Error::failed("gone")));
        assert!(failed.is_err());
        assert_eq!(*recent.of(4, || Ok(labels(7))).unwrap(), labels(7));
        assert_eq!(*recent.of(4, || panic!("read twice")).unwrap(), labels(7));
        assert_eq!(*recent.of(5, || Ok(labels(8))).unwrap(), labels(8));
    }

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
