//! The last value of every metric of a run, for its line in the list: reads only what was appended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::run::event::Event;
use crate::run::latest::{TAIL, of_the_run};
use crate::run::results::evaluate::Evaluate;

/// One run's `events.jsonl` and `results/evaluate.json`.
#[derive(Debug)]
pub(super) struct Latest {
    folder: PathBuf,
    offset: u64,
    evaluated: Option<u64>,
    metrics: BTreeMap<String, f64>,
}

impl Latest {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, offset: 0, evaluated: None, metrics: BTreeMap::new() }
    }

    pub(super) fn metrics(&self) -> &BTreeMap<String, f64> {
        &self.metrics
    }

    /// Takes in what has come since the last time.
    pub(super) fn read(&mut self) {
        // What cannot be read now may be readable next time; the list shows the run without it.
        let _ = self.read_events();
        self.read_evaluation();
    }

    fn read_events(&mut self) -> std::io::Result<()> {
        let mut file = File::open(self.folder.join("events.jsonl"))?;
        let length = file.metadata()?.len();
        if length < self.offset {
            self.offset = 0;
            self.metrics.clear();
            self.evaluated = None;
        }
        if length == self.offset {
            return Ok(());
        }
        let skipped = length - self.offset > TAIL;
        let from = if skipped { length - TAIL } else { self.offset };
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(length - from).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // After a skip the first line is half a line.
        for line in bytes[..whole].split(|byte| *byte == b'\n').skip(usize::from(skipped)) {
            if let Ok(event) = serde_json::from_slice::<Event>(line) {
                self.take(event);
            }
        }
        self.offset = from + whole as u64;
        Ok(())
    }

    fn take(&mut self, event: Event) {
        self.metrics.extend(of_the_run(event));
    }

    fn read_evaluation(&mut self) {
        let path = self.folder.join("results/evaluate.json");
        let Ok(length) = path.metadata().map(|metadata| metadata.len()) else { return };
        if self.evaluated == Some(length) {
            return;
        }
        self.evaluated = Some(length);
        let text = std::fs::read(&path).ok();
        let table = text.and_then(|text| serde_json::from_slice::<Evaluate>(&text).ok());
        for (name, value) in table.iter().flat_map(Evaluate::headline) {
            self.metrics.insert(name.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn reads_only_whole_lines_and_keeps_the_newest_value() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("events.jsonl")).unwrap();
        let mut latest = Latest::new(folder.path().to_owned());
        let line = |step: u64, loss: f64| {
            format!(
                "{{\"t\":1,\"stage\":\"train\",\"step\":{step},\"metrics\":{{\"loss\":{loss}}}}}\n"
            )
        };
        write!(file, "{}", line(1, 3.0)).unwrap();
        latest.read();
        assert_eq!(latest.metrics()["loss"], 3.0);
        let next = line(2, 2.0);
        let (half, rest) = next.split_at(10);
        write!(file, "{half}").unwrap();
        latest.read();
        assert_eq!(latest.metrics()["loss"], 3.0);
        write!(file, "{rest}").unwrap();
        latest.read();
        assert_eq!(latest.metrics()["loss"], 2.0);
    }

    #[test]
    fn of_a_long_history_the_end_counts() {
        let folder = tempfile::tempdir().unwrap();
        let line = |step| {
            format!(
                "{{\"t\":1,\"stage\":\"train\",\"step\":{step},\"metrics\":{{\"loss\":{step}}}}}\n"
            )
        };
        let text: String = (0..40_000).map(line).collect();
        std::fs::write(folder.path().join("events.jsonl"), text).unwrap();
        let mut latest = Latest::new(folder.path().to_owned());
        latest.read();
        assert_eq!(latest.metrics()["loss"], 39_999.0);
    }
}
