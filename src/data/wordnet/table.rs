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

/// What WordNet's files say, and nothing that follows from it.
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
}

/// What [`PACKED`] holds: its numbers of strings, bytes, synsets, words and parents, for memory that
/// is asked for once. A test compares them.
const SIZES: [usize; 5] = [119_034, 1_425_500, 82_115, 146_347, 84_427];

impl Table {
    /// Unpacks a table. `None`: it is none that `make.py` has written.
    pub(super) fn unpack(packed: &[u8]) -> Option<Self> {
        let [strings, bytes, synsets, words, parents] = SIZES;
        let mut table = Self {
            offsets: Vec::with_capacity(synsets),
            parents: Rows::with_capacity(synsets, parents),
            words: Rows::with_capacity(synsets, words),
            spellings: Strings::with_capacity(strings, bytes),
        };
        let mut from = Numbers(packed);
        for _ in 0..from.next()? {
            let shared = from.next()? as usize;
            let rest = from.next()? as usize;
            table.spellings.push_like_last(shared, from.text(rest)?)?;
        }
        let count = from.next()?;
        let mut offset = 0_u32;
        for place in 0..count {
            offset = offset.checked_add(from.next()?)?;
            table.offsets.push(offset);
            for _ in 0..from.next()? {
                let (spelling, sense) = (from.next()?, from.next()?);
                if spelling as usize >= table.spellings.len() {
                    return None;
                }
                table.words.push(Word { spelling, sense });
            }
            table.words.end_row();
            for _ in 0..from.next()? {
                let step = from.next()?;
                let parent = if step % 2 == 0 {
                    place.checked_add(step / 2)?
                } else {
                    place.checked_sub(step / 2 + 1)?
                };
                if parent >= count {
                    return None;
                }
                table.parents.push(Synset(parent));
            }
            table.parents.end_row();
        }
        from.0.is_empty().then_some(table)
    }
}

/// What is left of a packed table.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// Seven bits a byte, the lowest first.
    fn next(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in [0, 7, 14, 21] {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 127) << shift;
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self, bytes: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_small() {
        assert!(PACKED.len() < 3_000_000, "{} bytes", PACKED.len());
        let table = Table::unpack(PACKED).unwrap();
        // As WordNet 3.0's wnstats(7) counts nouns.
        assert_eq!(table.offsets.len(), 82_115);
        assert!(table.offsets.is_sorted_by(|a, b| a < b));
        assert_eq!((table.parents.len(), table.words.len()), (82_115, 82_115));
        let bytes: usize =
            (0..table.spellings.len()).map(|index| table.spellings.get(index).len()).sum();
        let sizes = [
            table.spellings.len(),
            bytes,
            table.offsets.len(),
            table.words.items(),
            table.parents.items(),
        ];
        assert_eq!(sizes, SIZES);
    }

    #[test]
    fn a_table_that_is_cut_or_too_long_is_none() {
        // Two spellings, a root of the first, a child with both.
        let whole: &[u8] =
            b"\x02\x00\x03dog\x03\x05house\x02\x0a\x01\x00\x00\x00\x05\x02\x01\x00\x00\x01\x01\x01";
        let table = Table::unpack(whole).unwrap();
        assert_eq!(table.offsets, [10, 15]);
        assert_eq!(table.spellings.get(1), "doghouse");
        assert_eq!((table.parents.row(0), table.parents.row(1)), (&[][..], &[Synset(0)][..]));
        assert_eq!(table.words.row(1)[1], Word { spelling: 0, sense: 1 });
        for cut in 0..whole.len() {
            assert_eq!(Table::unpack(&whole[..cut]), None, "{cut} bytes");
        }
        assert_eq!(Table::unpack(&[whole, b"\0"].concat()), None);
    }
}
