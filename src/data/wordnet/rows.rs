//! Lists of lists and of strings, each in one piece of memory: 82,115 small vectors would take longer
//! to make than all else that is read.

use std::borrow::Cow;

/// Rows of different lengths, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows<T> {
    /// Where each row ends in `items`.
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Rows<T> {
    /// Cuts `items` into rows of these lengths. `None`: they are not as many together.
    pub(super) fn new(lengths: impl Iterator<Item = usize>, items: Vec<T>) -> Option<Self> {
        let ends = ends(lengths);
        (total(&ends) == items.len()).then_some(Self { ends, items })
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Nothing where there is no such row.
    pub(super) fn row(&self, index: usize) -> &[T] {
        self.items.get(range(&self.ends, index)).unwrap_or_default()
    }
}

impl<T: Copy + Default> Rows<T> {
    /// The items of `cells`, which are (row, item) in any order; those of a row stay in theirs.
    pub(super) fn sorted(rows: usize, cells: impl Iterator<Item = (usize, T)> + Clone) -> Self {
        // Where each row begins; after the second pass that is where it ends.
        let mut ends = vec![0_u32; rows + 1];
        for (row, _) in cells.clone() {
            if let Some(count) = ends.get_mut(row + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut items = vec![T::default(); total as usize];
        for (row, item) in cells {
            if row < rows {
                items[ends[row] as usize] = item;
                ends[row] += 1;
            }
        }
        ends.truncate(rows);
        Self { ends, items }
    }
}

/// Strings, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Strings {
    /// Where each ends in `text`.
    ends: Vec<u32>,
    text: Cow<'static, str>,
}

impl Strings {
    /// Cuts `text` into strings of these lengths in bytes. `None`: they are not as long together.
    pub(super) fn new(
        lengths: impl Iterator<Item = usize>,
        text: impl Into<Cow<'static, str>>,
    ) -> Option<Self> {
        let (ends, text) = (ends(lengths), text.into());
        (total(&ends) == text.len()).then_some(Self { ends, text })
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Empty where there is no such string.
    pub(super) fn get(&self, index: usize) -> &str {
        self.text.get(range(&self.ends, index)).unwrap_or_default()
    }

    /// How many of the first strings, which are in order, fulfil `before`.
    pub(super) fn partition_point(&self, before: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Where rows of these lengths end.
fn ends(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut end = 0;
    let add = |length: usize| {
        end += length as u32;
        end
    };
    lengths.map(add).collect()
}

fn total(ends: &[u32]) -> usize {
    ends.last().map_or(0, |&end| end as usize)
}

/// Of row `index`; empty where there is no such row.
fn range(ends: &[u32], index: usize) -> std::ops::Range<usize> {
    let Some(&end) = ends.get(index) else { return 0..0 };
    let begin = index.checked_sub(1).map_or(0, |before| ends[before]);
    begin as usize..end as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorted_cells_are_those_of_each_row_in_their_order(
            cells in proptest::collection::vec((0_usize..7, 0_u32..100), 0..60),
        ) {
            let rows = Rows::sorted(6, cells.iter().copied());
            prop_assert_eq!(rows.len(), 6);
            for row in 0..6 {
                let expected: Vec<u32> =
                    cells.iter().filter(|cell| cell.0 == row).map(|cell| cell.1).collect();
                prop_assert_eq!(rows.row(row), &expected);
            }
            prop_assert_eq!(rows.row(6), &[] as &[u32]);
        }
    }

    #[test]
    fn strings_are_cut_out_of_a_text() {
        let strings = Strings::new([3, 0, 8].into_iter(), "dogdoghouse").unwrap();
        let all: Vec<&str> = (0..4).map(|index| strings.get(index)).collect();
        assert_eq!(all, ["dog", "", "doghouse", ""]);
        assert_eq!(Strings::new([3, 9].into_iter(), "dogdoghouse"), None);
        let strings = Strings::new([1, 1, 2].into_iter(), "abcd").unwrap();
        assert_eq!(strings.partition_point(|string| string < "b"), 1);
        assert_eq!(strings.partition_point(|_| true), 3);
        // In the middle of a letter there is no string, and no panic.
        assert_eq!(Strings::new([1, 1].into_iter(), "é").unwrap().get(0), "");
    }

    #[test]
    fn rows_are_cut_out_of_a_list() {
        let rows = Rows::new([2, 0, 1].into_iter(), vec!['a', 'b', 'c']).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!([rows.row(0), rows.row(1), rows.row(2)], [&['a', 'b'][..], &[], &['c']]);
        assert_eq!(rows.row(3), &[] as &[char]);
        assert_eq!(Rows::new([2].into_iter(), vec!['a']), None);
    }
}
