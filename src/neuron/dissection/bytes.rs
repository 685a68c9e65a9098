//! Counts under way as bytes, so that a pass over the data can be taken up again.

use super::Dissection;

/// What the bytes begin with; the last one is the version.
const MAGIC: &[u8; 4] = b"gbd\x01";

impl Dissection {
    /// What was counted so far. [`Self::restore`] reads it. Nearly all counts are 0, which take a
    /// byte each.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        self.shape().for_each(|number| put(&mut bytes, number));
        let mut copy = self.clone();
        copy.counts(&mut |number| {
            put(&mut bytes, *number);
            true
        });
        bytes
    }

    /// Takes up what [`Self::to_bytes`] wrote; `true` if it did. Otherwise they were no such bytes, or
    /// those of other neurons, thresholds or concepts, and nothing has changed.
    #[must_use]
    pub fn restore(&mut self, bytes: &[u8]) -> bool {
        let Some(mut left) = bytes.strip_prefix(MAGIC) else { return false };
        if !self.shape().all(|number| take(&mut left) == Some(number)) {
            return false;
        }
        let mut read = self.clone();
        let whole = read.counts(&mut |number| match take(&mut left) {
            Some(found) => {
                *number = found;
                true
            }
            None => false,
        });
        if whole && left.is_empty() {
            *self = read;
            return true;
        }
        false
    }

    /// What two dissections have in common whose counts may be exchanged.
    fn shape(&self) -> impl Iterator<Item = u64> + '_ {
        let sizes = [self.neurons(), self.vocabulary.categories, self.concepts()];
        let thresholds = self.thresholds.iter().map(|threshold| u64::from(threshold.to_bits()));
        let categories = self.vocabulary.category_of.iter().map(|&category| category as u64);
        let has_null = u64::from(self.null_seen.is_some());
        let sizes = sizes.into_iter().map(|size| size as u64);
        sizes.chain([has_null]).chain(thresholds).chain(categories)
    }

    /// Shows every count to `visit` until it says `false`, or a count is set that does not fit.
    fn counts(&mut self, visit: &mut dyn FnMut(&mut u64) -> bool) -> bool {
        for seen in std::iter::once(&mut self.seen).chain(&mut self.null_seen) {
            let all = seen.pixels.iter_mut().chain(&mut seen.with_concept).chain(&mut seen.images);
            for number in all {
                if !visit(number) {
                    return false;
                }
            }
        }
        for neuron in &mut self.neurons {
            for number in &mut neuron.both {
                let mut wide = u64::from(*number);
                if !visit(&mut wide) {
                    return false;
                }
                let Ok(narrow) = u32::try_from(wide) else { return false };
                *number = narrow;
            }
            let others = [&mut neuron.fired, &mut neuron.null_both, &mut neuron.null_fired];
            for number in others.into_iter().flatten() {
                if !visit(number) {
                    return false;
                }
            }
        }
        true
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes such a number off the front.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in proptest::collection::vec(any::<u64>(), 0..20), by in 0..64) {
            let numbers: Vec<u64> = numbers.into_iter().map(|number| number >> by).collect();
            let mut bytes = Vec::new();
            for &number in &numbers {
                put(&mut bytes, number);
            }
            let mut left = &bytes[..];
            for number in numbers {
                prop_assert_eq!(take(&mut left), Some(number));
            }
            prop_assert_eq!(take(&mut left), None);
        }
    }
}
