//! Where a neuron fires: the pixels of a label map at which its upsampled feature map lies above its
//! threshold.
//!
//! Values between two of a map's never exceed the larger one. So nothing is computed of rows and
//! columns whose neighbours all lie at or below the threshold, which is nearly everything: a threshold
//! leaves 0.5 % of all positions.

use crate::neuron::region::{Between, places};
use crate::ops::vectorized;

/// Where a feature map `[height, width]` of the size `from`, upsampled to the size `to` as
/// [`upsample`](crate::neuron::region::upsample) does it, is larger than `threshold`; row by row.
///
/// # Panics
/// If `map` has another number of values.
pub fn firing(map: &[f32], from: [usize; 2], to: [usize; 2], threshold: f32) -> Vec<bool> {
    assert_eq!(map.len(), from[0] * from[1], "a map of {from:?} has other values");
    let mut fires = vec![false; to[0] * to[1]];
    let mut scratch = Scratch::default();
    let grid = Grid::new(from, to);
    for &pixel in vectorized(|| grid.firing(map, threshold, &mut scratch)) {
        fires[pixel as usize] = true;
    }
    fires
}

/// Whether any value is larger than the threshold.
#[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
#[inline(always)]
pub(super) fn is_anywhere(map: &[f32], threshold: f32) -> bool {
    // A sum over all of them, unlike a search, takes many at once.
    map.iter().map(|&value| u32::from(value > threshold)).sum::<u32>() > 0
}

/// From one size of feature map to one size of label map.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    from: [usize; 2],
    pub(super) to: [usize; 2],
    rows: Vec<Between>,
    columns: Vec<Between>,
}

/// What finding pixels needs room for; used again for the next map.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// Whether a row of the map has a value above the threshold.
    hot: Vec<bool>,
    /// The map's rows, at the label map's columns.
    across: Vec<f32>,
    /// One row of the upsampled map.
    row: Vec<f32>,
    /// The pixels found, and room for one more at least.
    pixels: Vec<u32>,
    found: usize,
}

impl Scratch {
    /// What was found last, rising.
    pub(super) fn pixels(&self) -> &[u32] {
        &self.pixels[..self.found]
    }
}

impl Grid {
    pub(super) fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        Self { from, to, rows: places(from[0], to[0]), columns: places(from[1], to[1]) }
    }

    /// The pixels at which the upsampled map is larger than the threshold, rising.
    #[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
    #[inline(always)]
    pub(super) fn firing<'s>(
        &self,
        map: &[f32],
        threshold: f32,
        scratch: &'s mut Scratch,
    ) -> &'s [u32] {
        let Scratch { hot, across, row: mixed, pixels, found } = scratch;
        *found = 0;
        hot.clear();
        // The columns that have a value above the threshold lie between these two.
        let (mut left, mut right) = (usize::MAX, 0);
        for row in map.chunks_exact(self.from[1]) {
            hot.push(is_anywhere(row, threshold));
            if hot.last() == Some(&true) {
                let above = |&value: &f32| value > threshold;
                left = left.min(row.iter().position(above).unwrap_or(usize::MAX));
                right = right.max(row.iter().rposition(above).unwrap_or(0));
            }
        }
        let begin = self.columns.partition_point(|column| column.second < left);
        let end = self.columns.partition_point(|column| column.first <= right);
        if begin >= end {
            return &[];
        }
        let columns = &self.columns[begin..end];
        let length = columns.len();
        across.resize(self.from[0] * length, 0.0);
        mixed.resize(length, 0.0);
        pixels.resize(self.to[0] * self.to[1] + 1, 0);
        let is_hot = |row: usize| hot.get(row) == Some(&true);
        for (at, row) in map.chunks_exact(self.from[1]).enumerate() {
            if is_hot(at) || is_hot(at + 1) || is_hot(at.wrapping_sub(1)) {
                let across = &mut across[at * length..(at + 1) * length];
                for (value, column) in across.iter_mut().zip(columns) {
                    *value = column.mix(row[column.first], row[column.second]);
                }
            }
        }
        let mut count = 0;
        for (at, row) in self.rows.iter().enumerate() {
            if !is_hot(row.first) && !is_hot(row.second) {
                continue;
            }
            let row_at = |at: usize| &across[at * length..(at + 1) * length];
            let values = if row.weight == 0.0 {
                row_at(row.first)
            } else {
                let both = row_at(row.first).iter().zip(row_at(row.second));
                for (value, (upper, lower)) in mixed.iter_mut().zip(both) {
                    *value = row.mix(*upper, *lower);
                }
                &mixed[..]
            };
            let first = (at * self.to[1] + begin) as u32;
            for (pixel, &value) in (first..).zip(values) {
                // Written every time and kept if it is one: no branch to be guessed wrong.
                pixels[count] = pixel;
                count += usize::from(value > threshold);
            }
        }
        *found = count;
        &pixels[..count]
    }
}
