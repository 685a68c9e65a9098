//! One line of `events.jsonl`, in both directions.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::write;
use crate::error::Result;

/// Something measured. Steps may repeat after a resume: the later line wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds of work since the run first started (waiting and pauses not counted).
    pub t: f64,
    /// `train`, `evaluate`, `attack`, `neurons`, `dissect`, `consistency`.
    pub stage: String,
    /// The stage's own count: optimizer steps for `train`, images for the others.
    pub step: u64,
    /// DESIGN §5 names them. Fractions are 0..1.
    pub metrics: BTreeMap<String, f64>,
}

/// Appends lines to `events.jsonl` or `log.txt`: one `write` a line, so that a reader sees whole
/// lines and several writers never mix.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
}

impl Appender {
    /// Opens a file of the run folder for appending. The half line that a kill may have left is
    /// cut off.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| write::failed("open", path, &error);
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let whole = end_of_last_line(&mut file, length).map_err(failed)?;
        if whole < length {
            file.set_len(whole).map_err(failed)?;
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends one event.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        let line = serde_json::to_string(event).map_err(|error| {
            crate::error::Error::failed(format!("failed to write JSON: {error}"))
        })?;
        self.line(&line)
    }

    /// Appends one line; line breaks inside it become blanks.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let mut bytes = line.replace(['\n', '\r'], " ").into_bytes();
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(|error| {
            // A full disk may have taken half the line: take it back, so that the next is whole.
            if let Ok(metadata) = self.file.metadata()
                && let Ok(whole) = end_of_last_line(&mut self.file, metadata.len())
            {
                let _ = self.file.set_len(whole);
            }
            write::failed("write", &self.path, &error)
        })
    }
}

/// Where the last newline of the file ends, or 0.
fn end_of_last_line(file: &mut File, length: u64) -> std::io::Result<u64> {
    const STEP: u64 = 4096;
    let mut end = length;
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        buffer.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::take(&mut *file, end - start).read_to_end(&mut buffer)?;
        if let Some(at) = buffer.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_off_the_half_line_that_a_kill_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        for (before, after) in [
            ("", "new\n"),
            ("half", "new\n"),
            ("whole\n", "whole\nnew\n"),
            ("whole\nhalf", "whole\nnew\n"),
        ] {
            std::fs::write(&path, before).unwrap();
            Appender::open(&path).unwrap().line("new").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        }
        let long = format!("whole\n{}", "x".repeat(10_000));
        std::fs::write(&path, long).unwrap();
        Appender::open(&path).unwrap().line("two\nlines").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole\ntwo lines\n");
    }

    #[test]
    fn events_survive_a_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let event = Event {
            t: 1.5,
            stage: "train".into(),
            step: 7,
            metrics: BTreeMap::from([("loss".into(), 0.25)]),
        };
        Appender::open(&path).unwrap().event(&event).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<Event>(text.trim()).unwrap(), event);
    }
}
