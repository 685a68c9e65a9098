//! `glassbox show RUN --metrics`: everything a run has measured, as it is in `events.jsonl`. Read
//! and printed piece by piece: a long training has millions of lines.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::ValueEnum;

use super::print;
use crate::error::text::clean;
use crate::error::{Error, Result};
use crate::run::event::{self, Event};
use crate::run::folder::RunFolder;

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Format {
    /// A row an event: t, stage, step, then a column a metric; empty where an event has none.
    Csv,
    /// A list of events.
    Json,
}

/// So much is printed at once.
const PIECE: usize = 64 << 10;

/// Prints the events of a run, in their order. After a resume steps may come again: the later row
/// counts.
pub fn run(folder: &RunFolder, format: Format) -> Result<()> {
    match format {
        Format::Csv => csv(folder),
        Format::Json => json(folder),
    }
}

fn csv(folder: &RunFolder) -> Result<()> {
    // The columns are known once everything was read; a metric that comes later waits for the next
    // time, as the rows after it do.
    let mut names = BTreeSet::new();
    let mut count = 0;
    for event in event::read(folder.path())? {
        names.extend(event?.metrics.into_keys());
        count += 1;
    }
    let mut out = Pieces::default();
    let head = ["t", "stage", "step"].into_iter().chain(names.iter().map(String::as_str));
    out.add(&row(head))?;
    for event in event::read(folder.path())?.take(count) {
        if !out.add(&line(&event?, &names))? {
            return Ok(());
        }
    }
    out.finish()
}

fn line(event: &Event, names: &BTreeSet<String>) -> String {
    let known = [event.t.to_string(), event.stage.clone(), event.step.to_string()];
    let values = names.iter().map(|name| {
        event.metrics.get(name).map_or_else(String::new, std::string::ToString::to_string)
    });
    let cells: Vec<String> = known.into_iter().chain(values).collect();
    row(cells.iter().map(String::as_str))
}

/// A line of cells (RFC 4180), without control codes.
fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        line += if at > 0 { "," } else { "" };
        let cell = clean(cell);
        if cell.contains([',', '"']) {
            let _ = write!(line, "\"{}\"", cell.replace('"', "\"\""));
        } else {
            line += &cell;
        }
    }
    line.push('\n');
    line
}

fn json(folder: &RunFolder) -> Result<()> {
    let mut out = Pieces::default();
    let mut before = "[\n  ";
    for event in event::read(folder.path())? {
        let json = serde_json::to_string(&event?)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        if !out.add(&format!("{before}{}", print::escaped(&json)))? {
            return Ok(());
        }
        before = ",\n  ";
    }
    out.add(if before.starts_with('[') { "[]\n" } else { "\n]\n" })?;
    out.finish()
}

/// Standard output, a piece at a time.
#[derive(Default)]
struct Pieces {
    text: String,
}

impl Pieces {
    /// `false` = nobody reads any more.
    fn add(&mut self, text: &str) -> Result<bool> {
        self.text += text;
        if self.text.len() < PIECE {
            return Ok(true);
        }
        let is_read = print::has_reader(&self.text)?;
        self.text.clear();
        Ok(is_read)
    }

    fn finish(self) -> Result<()> {
        print::text(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_metric_and_no_control_codes() {
        let names: BTreeSet<String> = ["loss", "top1"].map(str::to_owned).into();
        let event = Event {
            t: 1.5,
            stage: "tr\u{1b}[2Jain,\"x\"".into(),
            step: 7,
            metrics: [("top1".to_owned(), 0.25)].into(),
        };
        assert_eq!(line(&event, &names), "1.5,\"tr[2Jain,\"\"x\"\"\",7,,0.25\n");
        assert_eq!(row(["t", "stage"].into_iter()), "t,stage\n");
    }
}
