//! From a study's spec to its folder: what does not fit in any of its runs is said before.

use std::path::Path;

use crate::device::DeviceName;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::log_line;
use crate::job::estimate::Estimate;
use crate::run::event::Appender;
use crate::run::folder::{NewRun, RunFolder};
use crate::run::results::study::Study;
use crate::run::study;
use crate::spec::study::{Member, members};
use crate::spec::{self, Comments, Spec};

/// Makes the run folder of a study under `runs`, state `queued`; its worker makes those of its runs.
/// Errors: data, weights or a device that one of them cannot use; then no folder is made.
pub fn create(runs: &Path, mut spec: Spec, argv: Vec<String>) -> Result<RunFolder> {
    whole_words(&mut spec, runs)?;
    let asked: DeviceName = spec.device.parse()?;
    spec.device = asked.resolve().0.to_string();
    let mut notes = Vec::new();
    for member in members(&spec)? {
        let name = member.name.clone();
        let opened = build::resolve(&mut alone(member), runs).map_err(|error| of(&name, error))?;
        notes.extend(opened.notes.into_iter().map(|note| format!("{name}: {note}")));
    }
    let text = spec::to_toml(&spec, Comments::Off);
    let (title, device, seed) = (&spec.title, &spec.device, spec.seed);
    let folder = RunFolder::create(runs, &NewRun { title, spec: &text, device, seed, argv })?;
    study::write(&folder, &Study::default())?;
    let mut log = Appender::open(&folder.path().join("log.txt"))?;
    for note in notes {
        log_line(&mut log, &format!("note: {note}"))?;
    }
    Ok(folder)
}

/// A run's spec as it can be looked at before the runs that it builds on are there: weights that are
/// still to come are taken to fit.
fn alone(member: Member) -> Spec {
    let waits = member.weights_of().is_some();
    let mut spec = member.spec;
    if waits {
        spec.model.weights = None;
    }
    spec
}

/// Says whose error it is.
fn of(name: &str, mut error: Error) -> Error {
    error.message = format!("run '{name}' of the study: {}", error.message);
    error
}

/// `run:last` with the run's whole id: when the runs are made, `last` is the study itself.
fn whole_words(spec: &mut Spec, runs: &Path) -> Result<()> {
    let weights = spec.model.weights.as_mut();
    let others = [
        spec.neurons.as_mut().map(|section| &mut section.adversarial),
        spec.consistency.as_mut().map(|section| &mut section.adversarial),
        spec.trace.as_mut().map(|section| &mut section.adversarial),
    ];
    for word in weights.into_iter().chain(others.into_iter().flatten()) {
        *word = whole_word(word, runs)?;
    }
    let mut wrong = Ok(());
    spec.change_networks(|_, network| match whole_word(&network.weights, runs) {
        Ok(word) => network.weights = word,
        Err(error) => wrong = Err(error),
    });
    wrong?;
    for run in spec.study.iter_mut().flat_map(|study| &mut study.runs) {
        for argument in &mut run.set {
            // As it is written when paths are made absolute: `model.weights="run:last"`.
            let word = argument.split_once('=').map(|(key, value)| (key, value.trim_matches('"')));
            let Some((key, word)) = word.filter(|(_, word)| word.starts_with("run:")) else {
                continue;
            };
            *argument = format!("{key}=\"{}\"", whole_word(word, runs)?);
        }
    }
    Ok(())
}

/// Only the run's name becomes whole: which checkpoint is meant stays as it is.
fn whole_word(word: &str, runs: &Path) -> Result<String> {
    let Some(of_run) = word.strip_prefix("run:") else { return Ok(word.to_owned()) };
    let (id, which) = of_run.split_once('@').map_or((of_run, None), |(id, at)| (id, Some(at)));
    let id = RunFolder::resolve(runs, id)?.id();
    Ok(which.map_or_else(|| format!("run:{id}"), |which| format!("run:{id}@{which}")))
}

/// Tells what a run of a study will cost; starts nothing.
pub fn estimate(member: Member, runs: &Path) -> Result<Estimate> {
    let name = member.name.clone();
    build::estimate(&mut alone(member), runs).map_err(|error| of(&name, error))
}
