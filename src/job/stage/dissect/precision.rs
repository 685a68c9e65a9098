//! Average precision: a neuron's largest value in an image as a detector of images with a concept.

use rayon::prelude::*;

use super::presence::Bits;
use crate::error::Result;
use crate::job::stage::ranking::rows::Rows;
use crate::neuron::dissection::average_precision;

/// Answers that are held at once.
const MOST_VALUES: usize = 16 << 20;

/// Of the neurons from `first` on, counted over all layers, with each of the concepts that are wanted
/// of them. `images`: how many rows there are.
pub(super) fn of_layer(
    rows: &Rows,
    images: usize,
    bits: &Bits,
    first: usize,
    wanted: &[Vec<Option<u16>>],
) -> Result<Vec<Vec<Option<f64>>>> {
    let at_once = (MOST_VALUES / images.max(1)).max(1);
    let mut found = Vec::with_capacity(wanted.len());
    for (part, wanted) in wanted.chunks(at_once).enumerate() {
        let begin = first + part * at_once;
        let mut scores = vec![Vec::with_capacity(images); wanted.len()];
        rows.read(0..usize::MAX, |_, _, row| {
            for (scores, value) in scores.iter_mut().zip(row.iter().skip(begin)) {
                scores.push(*value);
            }
            Ok(())
        })?;
        let of = |(scores, wanted): (&Vec<f32>, &Vec<Option<u16>>)| {
            let one = |number: u16| {
                let positive: Vec<bool> =
                    (0..scores.len()).map(|place| bits.has(place, number)).collect();
                average_precision(scores, &positive)
            };
            wanted.iter().map(|number| number.and_then(one)).collect::<Vec<_>>()
        };
        found.extend(scores.par_iter().zip(wanted).map(of).collect::<Vec<_>>());
    }
    Ok(found)
}
