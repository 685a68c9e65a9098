//! The dissection threshold (SCIENCE §4.1; Bau et al. 2017): the value that a small share of all of a
//! neuron's values lie above, found in one pass, in memory that does not grow with the data.
//!
//! Only the largest ⌊share · total⌋ + 1 values can matter, in whichever order they come, also sorted
//! by class. Up to 65,536 of them are kept themselves, and the threshold is exact: 13 million values a
//! neuron at a share of 0.005. More are held by a sparse histogram: its buckets are the floats with the same sign, exponent
//! and first 12 bits of the mantissa, and it forgets its lowest bucket as soon as enough values lie
//! in that one and above. From then on nearly every value costs one comparison. As many buckets are
//! held as differ among the largest values: 4,096 between a number and its double.

mod bytes;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use crate::ops::vectorized;

/// Bits of a float's order that a bucket does not tell apart: 23 − 12.
const FINE: u32 = 11;

/// Buckets of a page, a power of two.
const PAGE: usize = 128;

/// Values that are compared at once.
const CHUNK: usize = 64;

/// As many of the largest values are kept themselves: a quarter of a megabyte a neuron.
const EXACT: u64 = 1 << 16;

/// The value that a share `above` of all `total` values lie above, of each of `neurons` streams, in
/// bounded memory.
///
/// Of the n values seen, T is that of rank ⌊above · n⌋ + 1 from the top: `numpy.quantile(values,
/// 1 - above, method="inverted_cdf")`. What is returned is T itself where ⌊above · total⌋ is below
/// 65,536. Otherwise it is a value that was seen, the largest with T's first 12 bits of mantissa:
/// exact where no other value shares them, never below T, and above it by less than 2⁻¹² of it (of
/// 2⁻¹²⁶, if T is smaller than that). So no more than ⌊above · n⌋ values lie above it.
#[derive(Debug, Clone)]
pub struct TopQuantiles {
    above: f64,
    /// How many of the largest values are needed.
    needed: u64,
    streams: Vec<Stream>,
}

impl TopQuantiles {
    /// Of streams that have at most `total` values each; of more than those too few would be kept,
    /// and the threshold would be too high. `above` is a share, 0 to 1.
    pub fn new(neurons: usize, above: f64, total: u64) -> Self {
        let above = above.clamp(0.0, 1.0);
        let needed = (above * total as f64).floor() as u64 + 1;
        Self::held_by(
            neurons,
            above,
            needed,
            if needed <= EXACT { Held::kept } else { Held::counted },
        )
    }

    fn held_by(neurons: usize, above: f64, needed: u64, held: fn() -> Held) -> Self {
        let stream = || Stream { seen: 0, bar: f32::NAN, held: held() };
        Self { above, needed, streams: (0..neurons).map(|_| stream()).collect() }
    }

    /// Takes in values of one neuron. A NaN counts for nothing. Unknown neurons have no values.
    pub fn add(&mut self, neuron: usize, values: &[f32]) {
        if let Some(stream) = self.streams.get_mut(neuron) {
            stream.add(values, self.needed);
        }
    }

    /// Takes in feature maps `[batch, neurons, positions]`, neurons side by side on all threads.
    pub fn add_maps(&mut self, maps: &[f32], positions: usize) {
        let (neurons, needed) = (self.streams.len(), self.needed);
        if neurons == 0 || positions == 0 {
            return;
        }
        self.streams.par_iter_mut().enumerate().for_each(|(neuron, stream)| {
            for image in maps.chunks_exact(neurons * positions) {
                stream.add(&image[neuron * positions..(neuron + 1) * positions], needed);
            }
        });
    }

    /// The threshold of a neuron; `None` if it has seen no value.
    pub fn threshold(&self, neuron: usize) -> Option<f32> {
        let stream = self.streams.get(neuron)?;
        let last = stream.seen.checked_sub(1)?;
        let rank = ((self.above * stream.seen as f64).floor() as u64).min(last);
        Some(match &stream.held {
            Held::Kept(largest) => ranked(largest, rank),
            Held::Counted(buckets) => buckets.ranked(rank).unwrap_or(stream.bar),
        })
    }

    /// Values of a neuron so far, without NaN.
    pub fn seen(&self, neuron: usize) -> u64 {
        self.streams.get(neuron).map_or(0, |stream| stream.seen)
    }

    /// Bytes that the histograms take.
    pub fn bytes(&self) -> usize {
        let page = size_of::<(u32, Box<Page>)>() + size_of::<Page>();
        let of = |stream: &Stream| match &stream.held {
            Held::Kept(largest) => largest.capacity() * size_of::<u32>(),
            Held::Counted(buckets) => buckets.pages.len() * page,
        };
        self.streams.iter().map(|stream| size_of::<Stream>() + of(stream)).sum()
    }
}

/// The largest values of one neuron.
#[derive(Debug, Clone)]
struct Stream {
    seen: u64,
    /// What no longer matters is at most this: the smallest value that is kept, or the largest of the
    /// bucket below all that are held, once there are as many as are needed. NaN, which nothing lies
    /// below, until then.
    bar: f32,
    held: Held,
}

/// How the largest values are held.
#[derive(Debug, Clone)]
enum Held {
    /// Themselves, by their order, the smallest first.
    Kept(BinaryHeap<Reverse<u32>>),
    Counted(Buckets),
}

impl Held {
    fn kept() -> Self {
        Self::Kept(BinaryHeap::new())
    }

    fn counted() -> Self {
        Self::Counted(Buckets::default())
    }
}

/// A sparse histogram.
#[derive(Debug, Clone, Default)]
struct Buckets {
    /// Values in the pages.
    held: u64,
    /// By number, rising; none is empty. Bucket b lies in page b / [`PAGE`].
    pages: Vec<(u32, Box<Page>)>,
}

/// Buckets that follow each other.
#[derive(Debug, Clone)]
struct Page {
    /// Values of each. No bucket gets more than are needed, which fits for 10¹¹ values a stream.
    counts: [u32; PAGE],
    /// The finer bits of each bucket's largest value.
    largest: [u16; PAGE],
}

impl Stream {
    fn add(&mut self, values: &[f32], needed: u64) {
        self.seen += values.len() as u64;
        vectorized(|| {
            for chunk in values.chunks(CHUNK) {
                let bar = self.bar;
                // Also true of a NaN, and of everything while the bar is one.
                #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is not below the bar")]
                let passes = |value: f32| !(value <= bar);
                let some: u32 = chunk.iter().map(|&value| u32::from(passes(value))).sum();
                if some > 0 {
                    self.take(chunk, needed);
                }
            }
        });
    }

    /// Those of `values` that lie above the bar go into their buckets.
    #[inline(never)]
    fn take(&mut self, values: &[f32], needed: u64) {
        for &value in values {
            if value <= self.bar {
                continue;
            }
            if value.is_nan() {
                self.seen -= 1;
                continue;
            }
            let order = order(value);
            let buckets = match &mut self.held {
                Held::Kept(largest) => {
                    largest.push(Reverse(order));
                    if largest.len() as u64 > needed {
                        largest.pop();
                    }
                    if largest.len() as u64 == needed {
                        self.bar = largest.peek().map_or(f32::NAN, |least| self::value(least.0));
                    }
                    continue;
                }
                Held::Counted(buckets) => buckets,
            };
            if !self.bar.is_nan() && order >> FINE == self::order(self.bar) >> FINE {
                // The bar's own bucket, of which only the largest value matters.
                self.bar = value;
                continue;
            }
            buckets.insert(order);
            while buckets.held >= needed
                && let Some(lowest) = buckets.drop_lowest()
            {
                self.bar = lowest;
            }
        }
    }
}

impl Buckets {
    fn insert(&mut self, order: u32) {
        let bucket = order >> FINE;
        let (number, at) = (bucket / PAGE as u32, bucket as usize % PAGE);
        let place = self.pages.partition_point(|(other, _)| *other < number);
        if self.pages.get(place).is_none_or(|(other, _)| *other != number) {
            let page = Page { counts: [0; PAGE], largest: [0; PAGE] };
            self.pages.insert(place, (number, Box::new(page)));
        }
        let page = &mut self.pages[place].1;
        let fine = (order & ((1 << FINE) - 1)) as u16;
        page.counts[at] = page.counts[at].saturating_add(1);
        page.largest[at] = page.largest[at].max(fine);
        self.held += 1;
    }

    /// Forgets the lowest bucket that is held, if one is; answers its largest value.
    fn drop_lowest(&mut self) -> Option<f32> {
        let (number, page) = self.pages.first_mut()?;
        let at = page.counts.iter().position(|&count| count > 0)?;
        let largest = page.value(*number, at);
        self.held -= u64::from(page.counts[at]);
        page.counts[at] = 0;
        if page.counts.iter().all(|&count| count == 0) {
            self.pages.remove(0);
        }
        Some(largest)
    }

    /// The largest value of the bucket that has the value of rank `rank`, from 0 at the top; `None`
    /// if it is no longer held.
    fn ranked(&self, rank: u64) -> Option<f32> {
        let mut above = 0;
        for (number, page) in self.pages.iter().rev() {
            for (at, &count) in page.counts.iter().enumerate().rev() {
                above += u64::from(count);
                if above > rank {
                    return Some(page.value(*number, at));
                }
            }
        }
        None
    }
}

/// The value of rank `rank`, from 0 at the top, or the last one.
fn ranked(largest: &BinaryHeap<Reverse<u32>>, rank: u64) -> f32 {
    let mut orders: Vec<Reverse<u32>> = largest.as_slice().to_vec();
    let Some(last) = orders.len().checked_sub(1) else { return f32::NAN };
    let (_, found, _) = orders.select_nth_unstable((rank as usize).min(last));
    value(found.0)
}

impl Page {
    /// The largest value of a bucket of this page, which is the `number`th.
    fn value(&self, number: u32, at: usize) -> f32 {
        value(((number * PAGE as u32 + at as u32) << FINE) | u32::from(self.largest[at]))
    }
}

/// Larger for larger numbers, −∞ to ∞; 0 has one sign here.
fn order(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The number of this order.
fn value(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, by sorting.
    fn sorted_rank(values: &[f32], above: f64) -> Option<f32> {
        let mut sorted: Vec<f32> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(|a, b| b.partial_cmp(a).unwrap());
        let rank = (above * sorted.len() as f64).floor() as usize;
        sorted.get(rank.min(sorted.len().saturating_sub(1))).copied()
    }

    /// What the type promises of a threshold.
    fn assert_promises(found: Option<f32>, values: &[f32], above: f64) {
        let Some(expected) = sorted_rank(values, above) else { return assert_eq!(found, None) };
        let found = found.unwrap();
        assert!(values.contains(&found), "{found} was never seen");
        assert!(found >= expected, "{found} below {expected}");
        if expected.is_finite() {
            let allowed = expected.abs().max(f32::MIN_POSITIVE) / 4096.0;
            assert!(found - expected < allowed, "{found}, not {expected}");
        } else {
            assert_eq!(found, expected);
        }
        let seen = values.iter().filter(|value| !value.is_nan()).count();
        let over = values.iter().filter(|&&value| value > found).count();
        assert!(over <= (above * seen as f64).floor() as usize, "{over} of {seen} above");
    }

    fn found(values: &[f32], above: f64, total: usize, pieces: usize) -> Option<f32> {
        found_by(TopQuantiles::new(1, above, total as u64), values, pieces)
    }

    fn found_by(mut quantiles: TopQuantiles, values: &[f32], pieces: usize) -> Option<f32> {
        for piece in values.chunks(pieces.max(1)) {
            quantiles.add(0, piece);
        }
        quantiles.threshold(0)
    }

    fn counted(above: f64, total: usize) -> TopQuantiles {
        let needed = TopQuantiles::new(1, above, total as u64).needed;
        TopQuantiles::held_by(1, above, needed, Held::counted)
    }

    fn any_value() -> impl Strategy<Value = f32> {
        prop_oneof![
            4 => -1.0_f32..4.0,
            2 => Just(0.0_f32),
            1 => (-8_i8..8).prop_map(|level| f32::from(level) / 4.0),
            1 => any::<f32>(),
            1 => prop_oneof![
                Just(f32::NAN), Just(-f32::NAN), Just(-0.0), Just(f32::INFINITY),
                Just(f32::NEG_INFINITY), Just(f32::MIN_POSITIVE / 8.0)
            ],
        ]
    }

    proptest! {
        #[test]
        fn equals_sorting_in_any_order_and_in_any_pieces(
            mut values in proptest::collection::vec(any_value(), 0..400),
            above in prop_oneof![0.0_f64..1.0, Just(0.005), Just(0.0), Just(1.0)],
            spare in 0_usize..300,
            pieces in 1_usize..200,
            sorted in 0_u8..3,
        ) {
            match sorted {
                1 => values.sort_by(f32::total_cmp),
                2 => values.sort_by(|a, b| b.total_cmp(a)),
                _ => {}
            }
            let total = values.len() + spare;
            assert_promises(found_by(counted(above, total), &values, pieces), &values, above);
            let exact = found(&values, above, total, pieces);
            prop_assert_eq!(exact, sorted_rank(&values, above));
        }

        #[test]
        fn an_order_is_that_of_the_numbers(a in any_value(), b in any_value()) {
            if let Some(ordering) = a.partial_cmp(&b) {
                prop_assert_eq!(order(a).cmp(&order(b)), ordering);
                prop_assert_eq!(value(order(a)), a);
            }
        }
    }

    /// A hash, and the magnitudes of a layer behind its ReLU: most values 0, few large.
    fn rectified(index: u32) -> f32 {
        let hash = index.wrapping_mul(2_654_435_761);
        let hash = (hash ^ (hash >> 15)).wrapping_mul(2_246_822_519);
        let uniform = (hash >> 8) as f32 / 16_777_216.0;
        (-(uniform.max(1e-7)).ln() - 2.0).max(0.0)
    }

    #[test]
    fn millions_of_values_take_no_more_memory_than_thousands() {
        let mut bytes = Vec::new();
        for total in [200_000_u32, 2_000_000] {
            let values: Vec<f32> = (0..total).map(rectified).collect();
            let mut quantiles = counted(0.005, values.len());
            for image in values.chunks(169) {
                quantiles.add(0, image);
            }
            assert_promises(quantiles.threshold(0), &values, 0.005);
            assert_eq!(quantiles.seen(0), u64::from(total));
            bytes.push(quantiles.bytes());
        }
        assert!(bytes[1] < 100_000 && bytes[1] <= bytes[0] * 3 / 2, "{bytes:?}");
    }

    #[test]
    fn a_neuron_that_seldom_fires_has_a_threshold_of_0_and_what_fires_lies_above_it() {
        let values: Vec<f32> = (0..10_000).map(|i| if i % 500 == 7 { 2.5 } else { 0.0 }).collect();
        assert_eq!(found(&values, 0.005, 10_000, 169), Some(0.0));
        assert_eq!(found(&[-0.0; 30], 0.005, 30, 7).map(f32::to_bits), Some(0));
    }

    #[test]
    fn equal_values_do_not_lie_above_their_threshold() {
        assert_eq!(found(&[0.3; 1000], 0.005, 1000, 64), Some(0.3));
    }

    #[test]
    fn values_that_are_no_numbers_are_not_counted() {
        let mut values = vec![f32::NAN; 5000];
        values.extend((0..1000).map(|value| value as f32));
        assert_eq!(found(&values, 0.005, 6000, 100), Some(994.0));
        assert_eq!(found(&[f32::NAN; 9], 0.005, 9, 9), None);
        assert_eq!(found(&[], 0.005, 0, 1), None);
        assert_eq!(found(&[f32::INFINITY; 300], 0.005, 300, 7), Some(f32::INFINITY));
        assert_eq!(found(&[f32::NEG_INFINITY; 300], 0.005, 300, 7), Some(f32::NEG_INFINITY));
    }

    #[test]
    fn maps_of_a_batch_go_to_their_neurons() {
        let (neurons, positions) = (5, 12);
        let maps: Vec<f32> = (0..7 * neurons * positions).map(|i| rectified(i as u32)).collect();
        let mut together = TopQuantiles::new(neurons, 0.05, 7 * positions as u64);
        together.add_maps(&maps, positions);
        for neuron in 0..neurons {
            let own: Vec<f32> = maps
                .chunks_exact(positions)
                .skip(neuron)
                .step_by(neurons)
                .flatten()
                .copied()
                .collect();
            assert_promises(together.threshold(neuron), &own, 0.05);
            assert_eq!(together.threshold(neuron), found(&own, 0.05, own.len(), own.len()));
        }
        assert_eq!(together.threshold(neurons), None);
    }
}
