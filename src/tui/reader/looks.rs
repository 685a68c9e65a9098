//! The looks that a training run has taken at its neurons, `neurons/history/`: reads each file once,
//! and of a long history not every one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::history;
use crate::run::results::neurons::Neurons;

/// The newest so many are all kept.
const NEWEST: usize = 200;
/// Of the older ones at most so many.
const OLDER: usize = 100;
/// Most that one visit reads, so that a long history arrives in bites; the newest first.
const BITE: usize = 40;

/// What was read of one run.
#[derive(Debug, Default)]
pub(super) struct Looks {
    kept: BTreeMap<u64, Arc<Neurons>>,
    /// Told once, and not tried again.
    damaged: BTreeSet<u64>,
    /// Told once, and tried again: a disk that is far away fails now and then.
    failed: BTreeSet<u64>,
}

/// Why a look was not read.
enum Unread {
    NotNow(std::io::Error),
    Damaged(serde_json::Error),
}

impl Looks {
    /// Reads what is new in a run folder; answers whether anything changed.
    pub(super) fn read(&mut self, run: &Path, complaints: &mut Vec<String>) -> bool {
        // A folder that cannot be read now may be readable next time.
        let Ok(steps) = history::steps(run) else { return false };
        let wanted = thinned(&steps);
        let before = self.kept.len();
        self.kept.retain(|step, _| wanted.iter().any(|(wanted, _)| wanted == step));
        let mut changed = self.kept.len() != before;
        let is_new = |step: &u64| !self.kept.contains_key(step) && !self.damaged.contains(step);
        let mut new: Vec<_> = wanted.iter().rev().filter(|(step, _)| is_new(step)).collect();
        // What failed comes last: it must not keep the others out.
        new.sort_by_key(|(step, _)| self.failed.contains(step));
        new.truncate(BITE);
        for (step, path) in new {
            match look(path) {
                Ok(neurons) => {
                    self.kept.insert(*step, Arc::new(neurons));
                    self.failed.remove(step);
                    changed = true;
                }
                Err(Unread::NotNow(error)) => {
                    if self.failed.insert(*step) {
                        complaints.push(format!("'{}' cannot be read: {error}", path.display()));
                    }
                }
                Err(Unread::Damaged(error)) => {
                    self.damaged.insert(*step);
                    complaints.push(format!("'{}' is damaged: {error}", path.display()));
                }
            }
        }
        changed
    }

    /// Oldest first.
    pub(super) fn kept(&self) -> Vec<(u64, Arc<Neurons>)> {
        self.kept.iter().map(|(step, neurons)| (*step, Arc::clone(neurons))).collect()
    }
}

fn look(path: &Path) -> Result<Neurons, Unread> {
    let text = std::fs::read(path).map_err(Unread::NotNow)?;
    serde_json::from_slice(&text).map_err(Unread::Damaged)
}

/// The newest, and of the older ones every second, fourth, eighth… counted from the first: what is
/// left out once is never wanted again, as long as steps are only added.
fn thinned(steps: &[(u64, PathBuf)]) -> Vec<&(u64, PathBuf)> {
    let (older, newest) = steps.split_at(steps.len().saturating_sub(NEWEST));
    let mut stride = 1;
    while older.len().div_ceil(stride) > OLDER {
        stride *= 2;
    }
    older.iter().step_by(stride).chain(newest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_is_bounded_and_nothing_that_was_left_out_comes_back() {
        let steps: Vec<(u64, PathBuf)> =
            (0..3000).map(|at| (at * 10, PathBuf::from("x.json"))).collect();
        let mut before: Vec<u64> = Vec::new();
        for count in 1..=steps.len() {
            let now: Vec<u64> = thinned(&steps[..count]).iter().map(|(step, _)| *step).collect();
            assert!(now.len() <= NEWEST + OLDER);
            let newest = count.saturating_sub(NEWEST);
            assert!(steps[newest..count].iter().all(|(step, _)| now.contains(step)));
            assert_eq!(now[0], 0);
            let last = steps[count - 1].0;
            assert!(now.iter().all(|step| *step == last || before.contains(step)));
            before = now;
        }
    }

    #[test]
    fn each_file_is_read_once_and_the_newest_first() {
        let run = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(run.path().join(history::FOLDER)).unwrap();
        let text = serde_json::to_string(&Neurons::default()).unwrap();
        for step in 0..50 {
            std::fs::write(run.path().join(history::file(step)), &text).unwrap();
        }
        let (mut looks, mut complaints) = (Looks::default(), Vec::new());
        assert!(looks.read(run.path(), &mut complaints));
        let steps = |looks: &Looks| looks.kept().iter().map(|(step, _)| *step).collect::<Vec<_>>();
        assert_eq!(steps(&looks), (10..50).collect::<Vec<_>>());
        assert!(looks.read(run.path(), &mut complaints));
        assert_eq!(steps(&looks).len(), 50);
        let first = Arc::clone(&looks.kept()[0].1);
        assert!(!looks.read(run.path(), &mut complaints));
        assert!(Arc::ptr_eq(&first, &looks.kept()[0].1) && complaints.is_empty());
        std::fs::remove_file(run.path().join(history::file(0))).unwrap();
        assert!(looks.read(run.path(), &mut complaints));
        assert_eq!(steps(&looks)[0], 1);
    }

    #[test]
    fn a_read_that_failed_is_tried_again_and_damage_is_not() {
        let run = tempfile::tempdir().unwrap();
        let (failing, damaged) =
            (run.path().join(history::file(1)), run.path().join(history::file(2)));
        std::fs::create_dir_all(run.path().join(history::FOLDER)).unwrap();
        // A link to nothing: there by its name, and not to be read.
        let (target, good) =
            (run.path().join("far"), serde_json::to_string(&Neurons::default()).unwrap());
        std::os::unix::fs::symlink(&target, &failing).unwrap();
        std::fs::write(&damaged, "{").unwrap();
        let (mut looks, mut complaints) = (Looks::default(), Vec::new());
        for _ in 0..3 {
            looks.read(run.path(), &mut complaints);
        }
        assert_eq!((complaints.len(), looks.kept().len()), (2, 0), "{complaints:?}");
        std::fs::write(&target, &good).unwrap();
        std::fs::write(&damaged, &good).unwrap();
        assert!(looks.read(run.path(), &mut complaints));
        assert_eq!(looks.kept().iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1]);
        assert_eq!(complaints.len(), 2);
    }
}
