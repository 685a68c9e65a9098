//! Thresholds under way as bytes, so that a pass over the data can be taken up again.

use std::cmp::Reverse;

use super::{Buckets, FINE, Held, Page, Stream, TopQuantiles, order, value};

impl TopQuantiles {
    /// What the streams hold. [`Self::from_bytes`] reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for stream in &self.streams {
            bytes.extend(stream.seen.to_le_bytes());
            bytes.extend(stream.bar.to_bits().to_le_bytes());
            // The largest values by their order, each with how many there are.
            let held: Vec<(u32, u32)> = match &stream.held {
                Held::Kept(largest) => {
                    let mut orders: Vec<u32> = largest.iter().map(|order| order.0).collect();
                    // A heap of the same values may lie in memory in another way.
                    orders.sort_unstable();
                    orders.into_iter().map(|order| (order, 1)).collect()
                }
                Held::Counted(buckets) => {
                    let pages = buckets.pages.iter();
                    pages.flat_map(|(number, page)| page.buckets(*number)).collect()
                }
            };
            bytes.extend((held.len() as u32).to_le_bytes());
            for (largest, count) in held {
                bytes.extend(largest.to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
        }
        bytes
    }

    /// Streams of the same number, share and total as these, with what the bytes hold. `None` if
    /// they are no such bytes.
    #[must_use]
    pub fn from_bytes(&self, bytes: &[u8]) -> Option<Self> {
        let mut left = bytes;
        let mut all = Self { streams: Vec::with_capacity(self.streams.len()), ..self.clone() };
        for own in &self.streams {
            let (seen, rest) = left.split_first_chunk::<8>()?;
            left = rest;
            let seen = u64::from_le_bytes(*seen);
            let bar = f32::from_bits(word(&mut left)?);
            let empty = match own.held {
                Held::Kept(_) => Held::kept(),
                Held::Counted(_) => Held::counted(),
            };
            let mut stream = Stream { seen, bar, held: empty };
            for _ in 0..word(&mut left)? {
                let (largest, count) = (word(&mut left)?, word(&mut left)?);
                match &mut stream.held {
                    Held::Kept(kept) => kept.push(Reverse(largest)),
                    Held::Counted(buckets) => buckets.put(largest, count),
                }
            }
            all.streams.push(stream);
        }
        left.is_empty().then_some(all)
    }
}

/// Takes four bytes off the front.
fn word(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*word))
}

impl Buckets {
    /// Puts a whole bucket in: the order of its largest value, and how many it has.
    fn put(&mut self, largest: u32, count: u32) {
        self.insert(order(value(largest)));
        let bucket = largest >> FINE;
        let found =
            self.pages.iter_mut().rev().find(|(number, _)| *number == bucket / Page::BUCKETS);
        if let Some((_, page)) = found {
            page.counts[(bucket % Page::BUCKETS) as usize] = count;
            self.held += u64::from(count.saturating_sub(1));
        }
    }
}

impl Page {
    const BUCKETS: u32 = super::PAGE as u32;

    /// The order of each bucket's largest value, and how many it has.
    fn buckets(&self, number: u32) -> impl Iterator<Item = (u32, u32)> {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(move |(at, count)| (order(self.value(number, at)), *count))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// To the last bit what it would have been without an interruption.
        #[test]
        fn an_interruption_changes_nothing(
            values in proptest::collection::vec(-2.0_f32..9.0, 1..600),
            cut in 0_usize..600,
            above in prop_oneof![Just(0.005), Just(0.1), 0.0_f64..1.0],
        ) {
            let cut = cut.min(values.len());
            let exact = TopQuantiles::new(1, above, values.len() as u64);
            let counted = TopQuantiles::held_by(1, above, exact.needed, Held::counted);
            for fresh in [exact, counted] {
                let mut whole = fresh.clone();
                whole.add(0, &values[..cut]);
                let mut resumed = fresh.from_bytes(&whole.to_bytes()).unwrap();
                prop_assert_eq!(resumed.to_bytes(), whole.to_bytes());
                whole.add(0, &values[cut..]);
                resumed.add(0, &values[cut..]);
                prop_assert_eq!(resumed.threshold(0), whole.threshold(0));
                prop_assert_eq!(resumed.to_bytes(), whole.to_bytes());
            }
        }

        #[test]
        fn anything_else_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            // Whatever it is, it does not panic; what is cut short is never taken.
            let _ = TopQuantiles::new(2, 0.005, 100).from_bytes(&bytes);
            let mut some = TopQuantiles::new(2, 0.5, 100);
            some.add(0, &[1.0, 2.0]);
            let whole = some.to_bytes();
            prop_assert!(some.from_bytes(&whole[..whole.len() - 1]).is_none());
            prop_assert!(some.from_bytes(&[&whole[..], &[0]].concat()).is_none());
        }
    }
}
