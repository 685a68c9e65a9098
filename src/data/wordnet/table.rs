//! WordNet's nouns as one table, and the one that is part of the binary. `make.py` says how it is
//! written.

use super::Synset;
use super::rows::{Rows, Strings};

pub(super) static PACKED: &[u8] = include_bytes!("nouns.bin");

/// A word of a synset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Place among the spellings.
    pub(super) spelling: u32,
    /// Which sense of that word the synset is; the most frequent is 0.
    pub(super) sense: u32,
}

/// What WordNet's files say, and how deep its nouns lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Where each synset begins in data.noun; ascending.
    pub(super) offsets: Vec<u32>,
    /// What each is a kind or an instance of.
    pub(super) parents: Rows<Synset>,
    /// In WordNet's order, by synset.
    pub(super) words: Rows<Word>,
    /// With blanks for `_`; in the order of their lower case, then of themselves.
    pub(super) spellings: Strings,
    /// Edges of the shortest and of the longest way up to the root, by synset.
    pub(super) depths: Vec<[u32; 2]>,
}

impl Table {
    /// Reads a packed table. `None`: it is none that `make.py` has written.
    pub(super) fn unpack(packed: &'static [u8]) -> Option<Self> {
        let mut from = Packed(packed);
        let counts: Vec<usize> = from.numbers::<4>(4)?.collect();
        let [strings, synsets, words, parents] = counts[..] else { return None };
        let lengths = from.numbers::<1>(strings)?;
        let differences = from.numbers::<2>(synsets)?;
        let word_counts = from.numbers::<1>(synsets)?;
        let parent_counts = from.numbers::<1>(synsets)?;
        let min_depths = from.numbers::<1>(synsets)?;
        let max_depths = from.numbers::<1>(synsets)?;
        let spellings = from.numbers::<3>(words)?;
        let senses = from.numbers::<1>(words)?;
        let parents = from.numbers::<3>(parents)?;
        let mut offset = 0;
        let add = |difference| {
            offset += difference as u32;
            offset
        };
        let word = |(spelling, sense)| Word { spelling: spelling as u32, sense: sense as u32 };
        let depth = |(min, max)| [min as u32, max as u32];
        Some(Self {
            offsets: differences.map(add).collect(),
            parents: Rows::new(parent_counts, parents.map(|place| Synset(place as u32)).collect())?,
            words: Rows::new(word_counts, spellings.zip(senses).map(word).collect())?,
            spellings: Strings::new(lengths, std::str::from_utf8(from.0).ok()?)?,
            depths: min_depths.zip(max_depths).map(depth).collect(),
        })
    }
}

/// What is left of a packed table.
struct Packed(&'static [u8]);

impl Packed {
    /// The next `count` numbers of so many bytes each, the lowest first.
    fn numbers<const BYTES: usize>(
        &mut self,
        count: usize,
    ) -> Option<impl ExactSizeIterator<Item = usize> + use<BYTES>> {
        let (numbers, rest) = self.0.split_at_checked(count.checked_mul(BYTES)?)?;
        self.0 = rest;
        let number = |bytes: &[u8; BYTES]| {
            bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
        };
        Some(numbers.as_chunks::<BYTES>().0.iter().map(number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ancestry::depths;
    use super::*;

    #[test]
    fn the_table_is_whole_and_small() {
        assert!(PACKED.len() < 3_000_000, "{} bytes", PACKED.len());
        let table = Table::unpack(PACKED).unwrap();
        // As WordNet 3.0's wnstats(7) counts nouns.
        assert_eq!(table.offsets.len(), 82_115);
        assert!(table.offsets.is_sorted_by(|a, b| a < b));
        let rows = [table.parents.len(), table.words.len(), table.depths.len()];
        assert_eq!(rows, [82_115; 3]);
        for place in 0..82_115 {
            let words = table.words.row(place);
            assert!(!words.is_empty());
            for word in words {
                assert!(!table.spellings.get(word.spelling as usize).is_empty());
            }
            assert!(table.parents.row(place).iter().all(|parent| parent.0 < 82_115));
        }
    }

    #[test]
    fn its_depths_follow_from_its_hypernyms() {
        let table = Table::unpack(PACKED).unwrap();
        assert_eq!(depths(&table.parents), Ok(table.depths));
    }

    #[test]
    fn a_table_that_is_cut_or_too_long_is_none() {
        // Two spellings, two synsets, three words, one parent: a root of the first word, and below
        // it a synset of both.
        let whole: &[u8] = b"\x02\0\0\0\x02\0\0\0\x03\0\0\0\x01\0\0\0\x03\x08\x0a\0\x05\x01\
            \x01\x02\0\x01\0\x01\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0dogdoghouse";
        let table = Table::unpack(whole).unwrap();
        assert_eq!(table.offsets, [10, 10 + 0x0105]);
        assert_eq!((table.spellings.get(0), table.spellings.get(1)), ("dog", "doghouse"));
        assert_eq!((table.parents.row(0), table.parents.row(1)), (&[][..], &[Synset(0)][..]));
        assert_eq!(table.words.row(1)[1], Word { spelling: 0, sense: 1 });
        assert_eq!(table.depths, [[0, 0], [1, 1]]);
        for cut in 0..whole.len() {
            assert_eq!(Table::unpack(&whole[..cut]), None, "{cut} bytes");
        }
        let long: &'static [u8] = [whole, b"\0"].concat().leak();
        assert_eq!(Table::unpack(long), None);
    }
}
