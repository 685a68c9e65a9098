//! `tensorboard/`: what TensorBoard reads of a run, beside the files that everybody else reads.
//!
//! Its format is a file of records (`record`), each an `Event` of protocol buffers (`message`).
//! A file is only ever appended to, a record a `write`; a reader takes a record that is not whole
//! yet for the end. Each worker starts a file of its own, so that nothing follows the half record
//! that a kill may leave.

mod export;
mod grid;
mod message;
mod record;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use export::export;
pub use record::{Records, read};

use super::event::Event;
use super::results::neurons::Neurons;
use super::state::this_host;
use super::write;
use crate::error::Result;
use message::{Image, Proto, SessionLog, Summary, Value};
use prost::Message as _;

/// The folder in a run folder.
pub const FOLDER: &str = "tensorboard";

/// What TensorBoard calls the format.
const VERSION: &str = "brain.Event:2";

/// The stage whose steps go back when a run is taken up from a checkpoint.
const TRAIN: &str = "train";

/// Appends to one event file.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes of whole records.
    length: u64,
    /// The largest step of training so far; `None` = none yet.
    trained: Option<u64>,
}

impl Writer {
    /// Starts a file in `folder`, which is made where it is not there: named by the time, the host
    /// and the process. Errors name the file.
    pub fn create(folder: &Path) -> Result<Self> {
        write::folder(folder)?;
        let seconds = now() as u64;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let host: String =
            this_host().chars().map(|c| if fits(c) { c } else { '-' }).take(64).collect();
        let process = std::process::id();
        let mut number = 0;
        let (file, path) = loop {
            let name = format!("events.out.tfevents.{seconds:010}.{host}.{process}.{number}");
            let path = folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(write::failed("open", &path, &error)),
            }
        };
        let mut writer = Self { file, path, length: 0, trained: None };
        let version = Some(VERSION.to_owned());
        writer.append(&Proto { wall_time: now(), file_version: version, ..Proto::default() })?;
        Ok(writer)
    }

    /// A text, drawn as Markdown, with `code` as a block of code.
    pub fn code(&mut self, wall_time: f64, tag: &str, code: &str) -> Result<()> {
        let lines: Vec<String> = code.lines().map(|line| format!("    {line}")).collect();
        let value = Value::text(format!("{tag}/text_summary"), lines.join("\n"));
        self.summary(wall_time, 0, vec![value])
    }

    /// Every metric of an event, as `stage/metric`. Training that goes on from an earlier step
    /// takes back what was measured from there on: the later line wins.
    pub fn scalars(&mut self, wall_time: f64, event: &Event) -> Result<()> {
        if event.stage == TRAIN {
            if self.trained.is_none_or(|trained| event.step < trained) {
                self.take_back(wall_time, event.step)?;
            }
            self.trained = Some(event.step);
        }
        let value = |(name, value): (&String, &f64)| {
            Value::scalar(format!("{}/{name}", event.stage), *value as f32)
        };
        let values: Vec<Value> = event.metrics.iter().map(value).collect();
        if values.is_empty() { Ok(()) } else { self.summary(wall_time, event.step, values) }
    }

    /// What some neurons like, as `stage/layer/neuron`: those whose real and adversarial pictures
    /// disagree most, `grid::NEURONS` a layer. `run` is the folder that their pictures lie in.
    pub fn pictures(
        &mut self,
        wall_time: f64,
        stage: &str,
        step: u64,
        run: &Path,
        neurons: &Neurons,
    ) -> Result<()> {
        // A look comes before the first measurement of its step, which would take it back.
        if stage == TRAIN && self.trained.is_none() {
            self.take_back(wall_time, step)?;
            self.trained = Some(step);
        }
        for layer in &neurons.layers {
            for neuron in grid::shown(layer) {
                let (width, height, png) = grid::png(run, neuron, neurons.image_size)?;
                let image = Image::rgb(width, height, png);
                let tag = format!("{stage}/{}/{}", layer.layer, neuron.index);
                // A record a picture: a layer of them would be one of many megabytes.
                self.summary(wall_time, step, vec![Value::image(tag, image)])?;
            }
        }
        Ok(())
    }

    /// Voids what there is from a step on. Also first of all: an earlier worker's file may reach
    /// further than the checkpoint that this one goes on from.
    fn take_back(&mut self, wall_time: f64, step: u64) -> Result<()> {
        let session_log = Some(SessionLog { status: SessionLog::START });
        let step = step as i64;
        self.append(&Proto { wall_time, step, session_log, ..Proto::default() })
    }

    fn summary(&mut self, wall_time: f64, step: u64, value: Vec<Value>) -> Result<()> {
        let (step, summary) = (step as i64, Some(Summary { value }));
        self.append(&Proto { wall_time, step, summary, ..Proto::default() })
    }

    fn append(&mut self, event: &Proto) -> Result<()> {
        let bytes = record::framed(&event.encode_to_vec());
        self.file.write_all(&bytes).map_err(|error| {
            // A full disk may have taken half the record: take it back, so that the next is whole.
            let _ = self.file.set_len(self.length);
            write::failed("write", &self.path, &error)
        })?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
