//! One line of `events.jsonl`, in both directions.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
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

/// Every event that a run folder holds now, one after the other: a history may be larger than
/// memory. What is no event (half a line at the end, a line of a newer version) is left out. A run
/// that has measured nothing has none.
pub fn read(run: &Path) -> Result<impl Iterator<Item = Result<Event>>> {
    let path = run.join("events.jsonl");
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = match opened {
        Ok((length, file)) => (length, Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (0, None),
        Err(error) => return Err(write::failed("read", &path, &error)),
    };
    // A run that goes on must not keep a reader for ever.
    let mut lines = file.map(|file| BufReader::with_capacity(1 << 20, file.take(length)));
    let mut line = Vec::new();
    Ok(std::iter::from_fn(move || {
        loop {
            line.clear();
            match lines.as_mut()?.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {
                    if let Ok(event) = serde_json::from_slice(&line) {
                        return Some(Ok(event));
                    }
                }
                Err(error) => {
                    lines = None;
                    return Some(Err(write::failed("read", &path, &error)));
                }
            }
        }
    }))
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

    #[test]
    fn all_events_are_read_and_half_lines_are_none() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(read(run.path()).unwrap().count(), 0);
        let line = "{\"t\":1.0,\"stage\":\"train\",\"step\":7,\"metrics\":{}}\n";
        let text = format!("{line}not json\n{line}{{\"t\":");
        std::fs::write(run.path().join("events.jsonl"), text).unwrap();
        let steps: Vec<u64> = read(run.path()).unwrap().map(|event| event.unwrap().step).collect();
        assert_eq!(steps, [7, 7]);
    }
}
