//! What of a picture drives a neuron (SCIENCE §3 (a)): its feature map at the picture's size, and
//! where that lies above a threshold.

/// Set in a pixel of a tile where the neuron is driven: as `run::results::neurons::Strip` has it.
pub const LIT: u8 = 0x80;

/// The bits of a pixel of a tile that hold the map.
pub const MAP: u8 = 0x7f;

/// Bilinear upsampling as PyTorch's `interpolate(mode='bilinear', align_corners=False)`, also where
/// it makes a map smaller. `map` is `[height, width]` of the sizes `from`, none of them 0.
///
/// # Panics
/// If `map` has another number of values.
pub fn upsample(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    assert_eq!(map.len(), from[0] * from[1], "a map of {from:?} has other values");
    interpolate(map, from[1], &places(from[0], to[0]), &places(from[1], to[1]))
}

/// Where the `to` numbers that a row of `from` becomes by [`upsample`] lie in it.
pub(super) fn places(from: usize, to: usize) -> Vec<Between> {
    let scale = from as f32 / to as f32;
    (0..to).map(|at| Between::new((at as f32 + 0.5) * scale - 0.5, from)).collect()
}

/// The values of a map at rows and columns that lie between its own.
pub(super) fn interpolate(
    map: &[f32],
    width: usize,
    rows: &[Between],
    columns: &[Between],
) -> Vec<f32> {
    let mut made = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        let row_at = |at: usize| &map[at * width..(at + 1) * width];
        let (upper, lower) = (row_at(row.first), row_at(row.second));
        made.extend(columns.iter().map(|column| {
            row.mix(
                column.mix(upper[column.first], upper[column.second]),
                column.mix(lower[column.first], lower[column.second]),
            )
        }));
    }
    made
}

/// A place between two neighbours of a row of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Between {
    pub(super) first: usize,
    pub(super) second: usize,
    /// Of the second; the first has the rest.
    pub(super) weight: f32,
}

impl Between {
    /// At `place` among `length` numbers, the first of which is at 0; beyond an end that end.
    pub(super) fn new(place: f32, length: usize) -> Self {
        let last = length.saturating_sub(1);
        let place = place.clamp(0.0, last as f32);
        let first = (place as usize).min(last);
        Self { first, second: (first + 1).min(last), weight: place - first as f32 }
    }

    #[allow(clippy::inline_always, reason = "runs inside `vectorized`")]
    #[inline(always)]
    pub(super) fn mix(self, first: f32, second: f32) -> f32 {
        // Not to be spoilt by an infinite neighbour that has no weight.
        if self.weight == 0.0 {
            return first;
        }
        first * (1.0 - self.weight) + second * self.weight
    }
}

/// The pixels of a strip's tile, one a value of `map`, which is at picture size: the lower seven bits
/// tell the map from its smallest to its largest finite value ([`MAP`]; 0 where it is the same
/// everywhere, or NaN), the highest says whether `lit` holds ([`LIT`]).
pub fn tile(map: &[f32], lit: impl Fn(f32) -> bool) -> Vec<u8> {
    let finite = || map.iter().copied().filter(|value| value.is_finite());
    let least = finite().fold(f32::INFINITY, f32::min);
    let most = finite().fold(f32::NEG_INFINITY, f32::max);
    // In double precision, where no span overflows.
    let (low, span) = (f64::from(least), f64::from(most) - f64::from(least));
    map.iter()
        .map(|&value| {
            let share = if span > 0.0 { (f64::from(value) - low) / span } else { 0.0 };
            // NaN becomes 0.
            let level = (share.clamp(0.0, 1.0) * f64::from(MAP)).round() as u8;
            level | if lit(value) { LIT } else { 0 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upsampling_is_pytorchs() {
        // torch.nn.functional.interpolate(
        //     torch.tensor([[[[0., 1., 5.], [2., -3., 4.]]]]), size=(3, 5), mode="bilinear",
        //     align_corners=False)
        let made = upsample(&[0.0, 1.0, 5.0, 2.0, -3.0, 4.0], [2, 3], [3, 5]);
        let expected = [
            0.0, 0.4, 1.0, 3.4, 5.0, //
            1.0, 0.2, -1.0, 2.3, 4.5, //
            2.0, 0.0, -3.0, 1.2, 4.0,
        ];
        for (ours, theirs) in made.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-5, "{made:?}");
        }
        assert_eq!(made.len(), expected.len());
    }

    #[test]
    fn a_map_may_become_smaller_and_one_value_fills_everything() {
        // The same call with size=(1, 2): no smoothing beforehand.
        let made = upsample(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [2, 4], [1, 2]);
        assert_eq!(made, [2.5, 4.5]);
        assert_eq!(upsample(&[7.0], [1, 1], [2, 3]), [7.0; 6]);
    }

    proptest! {
        #[test]
        fn upsampling_stays_within_the_maps_values_and_keeps_a_map_of_the_same_size(
            height in 1_usize..6,
            width in 1_usize..6,
            to in (1_usize..20, 1_usize..20),
            seed in 0_u32..1000,
        ) {
            let map: Vec<f32> =
                (0..height * width).map(|i| ((i as u32 * 37 + seed) % 101) as f32 - 50.0).collect();
            let made = upsample(&map, [height, width], to.into());
            prop_assert_eq!(made.len(), to.0 * to.1);
            let least = map.iter().copied().fold(f32::INFINITY, f32::min);
            let most = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let within = |value: &f32| *value >= least - 1e-4 && *value <= most + 1e-4;
            prop_assert!(made.iter().all(within));
            prop_assert_eq!(upsample(&map, [height, width], [height, width]), map);
        }

        #[test]
        fn a_tile_keeps_the_order_of_its_map(
            map in proptest::collection::vec(-9.0_f32..9.0, 1..50),
            threshold in -9.0_f32..9.0,
        ) {
            let tile = tile(&map, |value| value > threshold);
            for (pixel, value) in tile.iter().zip(&map) {
                prop_assert_eq!(pixel & LIT != 0, *value > threshold);
                for (other_pixel, other) in tile.iter().zip(&map) {
                    prop_assert!(value > other || pixel & MAP <= other_pixel & MAP);
                }
            }
            let levels = || tile.iter().map(|pixel| pixel & MAP);
            prop_assert_eq!(levels().min(), Some(0));
            let is_constant = map.iter().all(|value| *value == map[0]);
            prop_assert_eq!(levels().max(), Some(if is_constant { 0 } else { MAP }));
        }
    }

    #[test]
    fn a_constant_map_and_numbers_out_of_range_make_sane_tiles() {
        assert_eq!(tile(&[2.0; 3], |value| value > 1.0), [LIT; 3]);
        let odd = [f32::NAN, f32::NEG_INFINITY, 0.0, 1.0, f32::INFINITY];
        assert_eq!(tile(&odd, |value| value > 0.5), [0, 0, 0, LIT | MAP, LIT | MAP]);
        assert_eq!(tile(&[f32::MIN, 0.0, f32::MAX], |_| false), [0, 64, MAP]);
        assert_eq!(tile(&[f32::NAN; 2], |_| false), [0, 0]);
        assert!(tile(&[], |_| true).is_empty());
    }
}
