//! Lists of lists and of strings, each in one piece of memory: 82,115 small vectors would take longer
//! to make than all else that is read.

/// Rows of different lengths, by index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows<T> {
    /// Where each row ends in `items`.
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Rows<T> {
    /// None yet, with room for some.
    pub(super) fn with_capacity(rows: usize, items: usize) -> Self {
        Self { ends: Vec::with_capacity(rows), items: Vec::with_capacity(items) }
    }

    /// Adds an item to the row that is being made.
    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the row that is being made.
    pub(super) fn end_row(&mut self) {
        self.ends.push(self.items.len() as u32);
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Nothing where there is no such row.
    pub(super) fn row(&self, index: usize) -> &[T] {
        self.items.get(range(&self.ends, index)).unwrap_or_default()
    }

    /// How many items in all rows together.
    #[cfg(test)]
    pub(super) fn items(&self) -> usize {
        self.items.len()
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
    ends: Vec<u32>,
    text: String,
}

impl Strings {
    /// None yet, with room for some.
    pub(super) fn with_capacity(strings: usize, bytes: usize) -> Self {
        Self { ends: Vec::with_capacity(strings), text: String::with_capacity(bytes) }
    }

    /// Adds one.
    pub(super) fn push(&mut self, string: &str) {
        self.text.push_str(string);
        self.ends.push(self.text.len() as u32);
    }

    /// Adds one that begins like the last with `shared` bytes and goes on with `rest`. `None`: the
    /// last has no such beginning.
    pub(super) fn push_like_last(&mut self, shared: usize, rest: &str) -> Option<()> {
        let last = range(&self.ends, self.len().wrapping_sub(1));
        let begin = last.start;
        if shared > last.len() || !self.text.is_char_boundary(begin + shared) {
            return None;
        }
        self.text.extend_from_within(begin..begin + shared);
        self.push(rest);
        Some(())
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
    fn strings_may_begin_like_the_last() {
        let mut strings = Strings::default();
        assert_eq!(strings.push_like_last(0, "dog"), Some(()));
        assert_eq!(strings.push_like_last(3, "house"), Some(()));
        assert_eq!(strings.push_like_last(2, "é"), Some(()));
        let all: Vec<&str> = (0..4).map(|index| strings.get(index)).collect();
        assert_eq!(all, ["dog", "doghouse", "doé", ""]);
        assert_eq!(strings.push_like_last(5, ""), None);
        assert_eq!(strings.push_like_last(3, ""), None); // in the middle of é
        assert_eq!(strings.partition_point(|string| string < "doghouse"), 1);
    }
}
