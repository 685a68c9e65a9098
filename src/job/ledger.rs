//! What a stage has finished so far, batch by batch: `progress/STAGE.jsonl`.
//!
//! A line is appended for each finished batch, after everything that the batch leaves elsewhere is
//! written. A stage that is taken up again reads them and goes on at the first batch without one; a
//! half line, which a kill may leave, counts for nothing. Results are made of the records as they
//! stand in the file, in the order of the batches, so that an interrupted stage adds up the very
//! same numbers as an uninterrupted one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::run::event::Appender;
use crate::run::write;

const FOLDER: &str = "progress";

/// The records of one stage.
#[derive(Debug)]
pub struct Ledger<T> {
    file: Appender,
    path: PathBuf,
    done: BTreeMap<(String, usize), T>,
}

/// One line.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    /// Which pass over the images, in the stage's own words.
    pass: String,
    /// Which batch of it, counted from 0.
    batch: usize,
    record: T,
}

impl<T: Serialize + DeserializeOwned> Ledger<T> {
    /// Opens the records of `stage` in a run folder, or begins them.
    pub fn open(folder: &Path, stage: &str) -> Result<Self> {
        let path = folder.join(FOLDER).join(format!("{stage}.jsonl"));
        write::folder(&folder.join(FOLDER))?;
        let file = Appender::open(&path)?;
        let text = std::fs::read(&path).map_err(|error| write::failed("read", &path, &error))?;
        let mut done = BTreeMap::new();
        for line in text.split(|&byte| byte == b'\n') {
            // A power cut may have left anything: a line that is none is a batch that is not done.
            if let Ok(Line { pass, batch, record }) = serde_json::from_slice(line) {
                done.insert((pass, batch), record);
            }
        }
        Ok(Self { file, path, done })
    }

    /// The record of a batch that is done.
    pub fn get(&self, pass: &str, batch: usize) -> Option<&T> {
        self.done.get(&(pass.to_owned(), batch))
    }

    /// The records of a pass, in the order of its batches.
    pub fn pass<'l>(&'l self, pass: &'l str) -> impl Iterator<Item = (usize, &'l T)> {
        let all = (pass.to_owned(), 0)..=(pass.to_owned(), usize::MAX);
        self.done.range(all).map(|((_, batch), record)| (*batch, record))
    }

    /// Takes a batch as done. Whatever else it leaves must be written before.
    pub fn put(&mut self, pass: &str, batch: usize, record: T) -> Result<()> {
        let failed = |error| Error::failed(format!("failed to write JSON: {error}"));
        let text = serde_json::to_string(&Line { pass: pass.into(), batch, record });
        let text = text.map_err(failed)?;
        self.file.line(&text)?;
        // Read back: numbers must be those that a resumed stage finds.
        let line: Line<T> = serde_json::from_str(&text).map_err(failed)?;
        self.done.insert((line.pass, line.batch), line.record);
        Ok(())
    }

    /// Forgets a batch, so that it is done again: what it had left is not there any more.
    pub fn forget(&mut self, pass: &str, batch: usize) {
        self.done.remove(&(pass.to_owned(), batch));
    }

    /// Takes the file away: the stage's results hold everything. A file that stays harms nobody.
    pub fn close(self) {
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_after_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::<f64>::open(folder.path(), "evaluate").unwrap();
        ledger.put("b", 0, 0.1).unwrap();
        ledger.put("a", 1, 1.0 / 3.0).unwrap();
        ledger.put("a", 0, 0.3).unwrap();
        drop(ledger);
        let path = folder.path().join("progress/evaluate.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"pass\":\"a\",\"batch\":2,\"rec")).unwrap();

        let mut ledger = Ledger::<f64>::open(folder.path(), "evaluate").unwrap();
        assert_eq!(ledger.get("a", 2), None);
        assert_eq!(ledger.pass("a").collect::<Vec<_>>(), [(0, &0.3), (1, &(1.0 / 3.0))]);
        ledger.put("a", 2, 0.5).unwrap();
        ledger.forget("a", 0);
        let batches: Vec<usize> = ledger.pass("a").map(|(batch, _)| batch).collect();
        assert_eq!(batches, [1, 2]);
        ledger.close();
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_line_is_a_batch_that_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("progress")).unwrap();
        let text = "{\"pass\":\"a\",\"batch\":0,\"record\":1.0}\n\0\0\0\n{\"pass\":\"a\"}\n";
        std::fs::write(folder.path().join("progress/attack.jsonl"), text).unwrap();
        let ledger = Ledger::<f64>::open(folder.path(), "attack").unwrap();
        assert_eq!((ledger.get("a", 0), ledger.get("a", 1)), (Some(&1.0), None));
    }

    proptest::proptest! {
        /// The same number before and after a resume, to the last bit.
        #[test]
        fn what_is_put_is_what_is_read(value in proptest::num::f64::NORMAL) {
            let folder = tempfile::tempdir().unwrap();
            let mut ledger = Ledger::<f64>::open(folder.path(), "attack").unwrap();
            ledger.put("a", 0, value).unwrap();
            let put = ledger.get("a", 0).copied().unwrap();
            drop(ledger);
            let ledger = Ledger::<f64>::open(folder.path(), "attack").unwrap();
            proptest::prop_assert_eq!(put.to_bits(), ledger.get("a", 0).unwrap().to_bits());
        }
    }
}
