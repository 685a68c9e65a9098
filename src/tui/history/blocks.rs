//! A list of buckets in shared blocks: a copy copies pointers, a change copies one block. The reader
//! hands out a copy of the history several times a second.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Bucket;

const BLOCK: usize = 256;

/// The list. Every block but the last is full.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks {
    shared: VecDeque<Arc<Vec<Bucket>>>,
    /// How many of the first block were taken away.
    skipped: usize,
    len: usize,
}

impl Blocks {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, index: usize) -> Option<&Bucket> {
        if index >= self.len {
            return None;
        }
        let index = index + self.skipped;
        self.shared.get(index / BLOCK)?.get(index % BLOCK)
    }

    pub(super) fn first(&self) -> Option<&Bucket> {
        self.get(0)
    }

    pub(super) fn last(&self) -> Option<&Bucket> {
        self.get(self.len.checked_sub(1)?)
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Bucket> {
        let index = self.len.checked_sub(1)? + self.skipped;
        Arc::make_mut(self.shared.get_mut(index / BLOCK)?).get_mut(index % BLOCK)
    }

    pub(super) fn push(&mut self, bucket: Bucket) {
        if (self.len + self.skipped).is_multiple_of(BLOCK) {
            self.shared.push_back(Arc::new(Vec::with_capacity(BLOCK)));
        }
        if let Some(block) = self.shared.back_mut() {
            Arc::make_mut(block).push(bucket);
            self.len += 1;
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<Bucket> {
        let first = *self.first()?;
        self.len -= 1;
        self.skipped += 1;
        if self.skipped == BLOCK {
            self.shared.pop_front();
            self.skipped = 0;
        }
        Some(first)
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        if len == 0 {
            *self = Self::default();
            return;
        }
        let end = len + self.skipped;
        self.shared.truncate(end.div_ceil(BLOCK));
        if let Some(block) = self.shared.back_mut() {
            Arc::make_mut(block).truncate(end - (end - 1) / BLOCK * BLOCK);
        }
        self.len = len;
    }

    /// From the bucket at `start` on, oldest first.
    pub(super) fn iter_from(&self, start: usize) -> impl Iterator<Item = &Bucket> {
        let start = start + self.skipped;
        let blocks = self.shared.iter().skip(start / BLOCK);
        blocks.flat_map(|block| block.iter()).skip(start % BLOCK)
    }

    /// How many of the first ones `is_before` holds for. It must hold for none after them.
    pub(super) fn partition_point(&self, is_before: impl Fn(&Bucket) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(&is_before) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Change {
        Push(usize),
        Pop(usize),
        Truncate(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (0_usize..600).prop_map(Change::Push),
            (0_usize..600).prop_map(Change::Pop),
            (0_usize..900).prop_map(Change::Truncate),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn behaves_as_a_plain_list_and_leaves_copies_alone(
            changes in prop::collection::vec(change(), 1..20), from in 0_usize..900,
        ) {
            let (mut blocks, mut list) = (Blocks::default(), VecDeque::new());
            let mut step = 0;
            for change in changes {
                let (copy, before) = (blocks.clone(), list.clone());
                match change {
                    Change::Push(count) => for _ in 0..count {
                        step += 1;
                        blocks.push(Bucket::point(step, 0.0, 0.0, [0.0; super::super::SMOOTHED]));
                        list.push_back(step);
                    },
                    Change::Pop(count) => for _ in 0..count {
                        prop_assert_eq!(blocks.pop_front().map(|b| b.first_step), list.pop_front());
                    },
                    Change::Truncate(len) => {
                        blocks.truncate(len);
                        list.truncate(len);
                    }
                }
                let steps = |blocks: &Blocks, from| -> Vec<u64> {
                    blocks.iter_from(from).map(|bucket| bucket.first_step).collect()
                };
                prop_assert_eq!(blocks.len(), list.len());
                prop_assert_eq!(steps(&copy, 0), before.into_iter().collect::<Vec<_>>());
                prop_assert_eq!(steps(&blocks, from), list.iter().skip(from).copied().collect::<Vec<_>>());
                prop_assert_eq!(blocks.last_mut().map(|b| b.first_step), list.back().copied());
                let middle = list.get(list.len() / 2).copied().unwrap_or(0);
                let expected = list.partition_point(|step| *step < middle);
                prop_assert_eq!(blocks.partition_point(|b| b.first_step < middle), expected);
            }
        }
    }
}
