//! How far a pass over images is, in a file, so that a kill at any instant costs little.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::run::write;

/// How much work a kill may cost: so long, and more where writing it down takes long itself.
const SAVE_EVERY: Duration = Duration::from_secs(15);

/// Of the time at most one part in so many goes into that.
const SHARE: u32 = 20;

/// The record of a pass.
#[derive(Debug)]
pub(in crate::job::stage) struct Saved {
    path: PathBuf,
    /// A hash of what is looked at, and by what: what another network has found is never taken up.
    key: [u8; 32],
    last: Instant,
    every: Duration,
}

impl Saved {
    /// In the file at `path`, which need not be there.
    pub(in crate::job::stage) fn new(path: PathBuf, key: [u8; 32]) -> Self {
        Self { path, key, last: Instant::now(), every: SAVE_EVERY }
    }

    /// What an earlier try reached: the first image that it had not looked at, and what it had found.
    /// Anything but a whole record of this work is none.
    pub(in crate::job::stage) fn read(&self) -> Option<(usize, Vec<Vec<u8>>)> {
        let bytes = std::fs::read(&self.path).ok()?;
        let mut left = bytes.strip_prefix(&self.key)?;
        let next = number(&mut left)?;
        let count = number(&mut left)?;
        let mut parts = Vec::new();
        for _ in 0..count {
            let length = number(&mut left)?;
            parts.push(left.split_off(..length)?.to_vec());
        }
        left.is_empty().then_some((next, parts))
    }

    /// Writes down what `parts` makes, if it is time for that, or at once if `now`.
    pub(in crate::job::stage) fn save(
        &mut self,
        next: usize,
        now: bool,
        parts: impl FnOnce() -> Result<Vec<Vec<u8>>>,
    ) -> Result<()> {
        if !now && self.last.elapsed() < self.every {
            return Ok(());
        }
        let begun = Instant::now();
        let parts = parts()?;
        let mut bytes = self.key.to_vec();
        bytes.extend((next as u64).to_le_bytes());
        bytes.extend((parts.len() as u64).to_le_bytes());
        for part in parts {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        write::whole(&self.path, &bytes)?;
        self.last = Instant::now();
        self.every = SAVE_EVERY.max(begun.elapsed() * SHARE);
        Ok(())
    }
}

/// Takes eight bytes off the front.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_record_of_the_same_work_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.progress");
        let mut saved = Saved::new(path.clone(), [1; 32]);
        assert_eq!(saved.read(), None);
        saved.save(7, false, || panic!("too early")).unwrap();
        let parts = || vec![b"a".to_vec(), Vec::new(), b"bc".to_vec()];
        saved.save(7, true, || Ok(parts())).unwrap();
        assert_eq!(saved.read(), Some((7, parts())));
        assert_eq!(Saved::new(path.clone(), [2; 32]).read(), None);
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 31, 40, 48, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(saved.read(), None, "{length}");
        }
        std::fs::write(&path, [whole, b"x".to_vec()].concat()).unwrap();
        assert_eq!(saved.read(), None);
    }
}
