//! Event files of a run that wrote none while it ran.

use std::path::Path;

use super::Writer;
use crate::error::{Error, Result};
use crate::run::event::{self, Event};
use crate::run::folder::RunFolder;
use crate::run::history;
use crate::run::results::neurons::Neurons;
use crate::run::write;

/// Writes what a run has so far into one new event file in `out`, an empty folder or none: scalars,
/// looks, neurons and the spec. Wall times are the run's creation and the seconds of work since:
/// `events.jsonl` knows no pauses.
pub fn export(folder: &RunFolder, out: &Path) -> Result<()> {
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::bad_input(format!("the folder '{}' is not empty", out.display()))
            .hint("TensorBoard would show its files and these as one run: choose another --out"));
    }
    let run = folder.path();
    let created = folder.info()?.created.parse::<jiff::Timestamp>();
    let created = created.map_err(|error| {
        Error::failed(format!("'{}': created: {error}", run.join("run.json").display()))
    })?;
    let began = created.as_millisecond() as f64 / 1e3;
    let mut writer = Writer::create(out)?;
    let spec = run.join("spec.toml");
    let text =
        std::fs::read_to_string(&spec).map_err(|error| write::failed("read", &spec, &error))?;
    writer.code(began, "spec", &text)?;
    let mut last: Option<Event> = None;
    let mut ended = began;
    for event in event::read(run)? {
        let event = event?;
        ended = began + event.t;
        writer.scalars(ended, &event)?;
        last = Some(event);
    }
    let steps = history::steps(run).map_err(|error| write::failed("read", run, &error))?;
    for (step, path) in steps {
        let text = std::fs::read(&path).map_err(|error| write::failed("read", &path, &error))?;
        let neurons: Neurons = serde_json::from_slice(&text).map_err(|error| {
            Error::failed(format!("failed to read '{}': {error}", path.display()))
        })?;
        writer.pictures(ended, "train", step, run, &neurons)?;
    }
    if let Some(neurons) = folder.result::<Neurons>("neurons")? {
        let step = neurons.real_images + neurons.adversarial_images;
        writer.pictures(ended, "neurons", step, run, &neurons)?;
    }
    if last.is_none() && folder.result::<Neurons>("neurons")?.is_none() {
        // The file holds the spec alone, which a reader of curves would take for a fault.
        return Err(Error::bad_input(format!("{} has measured nothing yet", folder.id()))
            .hint("glassbox watch RUN waits for its end"));
    }
    Ok(())
}
