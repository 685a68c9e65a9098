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
            *argument = whole_argument(argument, runs)?;
        }
    }
    Ok(())
}

/// `key=value` with every `run:` word of the value whole, also one within a table or a list, where it
/// stands in quotes: `attack.models=[{ name = "a", weights = "run:last" }]`.
fn whole_argument(argument: &str, runs: &Path) -> Result<String> {
    let Some((key, value)) = argument.split_once('=') else { return Ok(argument.to_owned()) };
    if value.trim().starts_with("run:") {
        return Ok(format!("{key}=\"{}\"", whole_word(value.trim(), runs)?));
    }
    let mut whole = format!("{key}=");
    let mut rest = value;
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(start + 1);
        whole.push_str(before);
        // No name of a run has a quote or a backslash in it: what is escaped is no such word.
        let quote = &before[start..];
        let Some(end) = quoted.find(quote) else {
            rest = quoted;
            break;
        };
        let (word, after) = quoted.split_at(end);
        whole.push_str(&whole_word(word, runs)?);
        whole.push_str(quote);
        rest = &after[quote.len()..];
    }
    Ok(whole + rest)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_run_has_its_name_also_within_tables() {
        let root = tempfile::tempdir().unwrap();
        let new =
            NewRun { title: "first", spec: "[train]\n", device: "cpu", seed: 1, argv: Vec::new() };
        let id = RunFolder::create(root.path(), &new).unwrap().id();
        let whole = |argument: &str| whole_argument(argument, root.path());
        for (given, expected) in [
            ("model.weights=run:last", "model.weights=\"run:ID\""),
            ("model.weights=\"run:last@best\"", "model.weights=\"run:ID@best\""),
            ("model.weights='run:last'", "model.weights='run:ID'"),
            (
                "attack.models=[{ name = \"a\", weights = 'run:last' }, { weights = \"run:last@best\" }]",
                "attack.models=[{ name = \"a\", weights = 'run:ID' }, { weights = \"run:ID@best\" }]",
            ),
            ("title=it's run:last", "title=it's run:last"),
            ("seed=3", "seed=3"),
            ("seed", "seed"),
        ] {
            assert_eq!(whole(given).unwrap(), expected.replace("ID", &id), "{given}");
        }
        assert_eq!(
            whole("attack.models=[{ weights = \"run:nowhere\" }]").unwrap_err().exit_code(),
            2
        );
    }
}
