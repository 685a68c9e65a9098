//! From what stands on the command line, `SPEC|PRESET` and `--set`, to a spec that can be run.

use std::fs;
use std::path::Path;

use super::expand::{Surroundings, expand, is_word};
use super::parse::Document;
use super::preset::{PRESETS, Preset};
use super::problem::{self, Complaint, Problem};
use super::{Spec, check};
use crate::error::text::escaped;
use crate::error::{Error, Result};

/// Opens a spec file or a preset, lays the overrides over it, checks everything, and makes its
/// paths absolute. The spec still holds `None` where the data decides; `job` fills those.
pub fn load(source: &str, overrides: &[String]) -> Result<Spec> {
    let around = Surroundings::here()
        .map_err(|error| Error::failed(format!("failed to find the current folder: {error}")))?;
    let document = open(source)?.with(overrides)?;
    document.resolve(&around).map_err(as_error)
}

/// Reads the `spec.toml` of a run folder: paths are absolute there, and whether they still exist
/// is for whoever opens them.
pub fn read_resolved(path: &Path) -> Result<Spec> {
    let name = path.display().to_string();
    Document::parse(&name, &read(path)?).and_then(|document| document.spec()).map_err(as_error)
}

/// The document behind `SPEC|PRESET`. A preset's name wins over a file without `.toml` or `/`.
pub fn open(source: &str) -> Result<Document> {
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == source) {
        return preset.document().map_err(as_error);
    }
    let path = Path::new(source);
    let looks_like_a_file =
        source.contains(['/', '\\']) || path.extension().is_some_and(|ending| ending == "toml");
    if looks_like_a_file || path.is_file() {
        let name = escaped(source);
        return Document::parse(&name, &read(path)?).map_err(as_error);
    }
    Preset::find(source)?.document().map_err(as_error)
}

fn read(path: &Path) -> Result<String> {
    let shown = escaped(&path.display().to_string());
    let bytes = fs::read(path).map_err(|error| {
        let failure = Error::bad_input(format!("failed to read the spec '{shown}': {error}"));
        failure.hint("glassbox presets lists the specs that ship").caused_by(error)
    })?;
    String::from_utf8(bytes).map_err(|_| {
        Error::bad_input(format!("'{shown}' is not a spec: it is not UTF-8 text"))
            .hint("a spec is a TOML file; glassbox presets lists examples")
    })
}

pub(super) fn as_error(problems: impl AsRef<[Problem]>) -> Error {
    problem::to_error(problems.as_ref())
        .unwrap_or_else(|| Error::bad_input("the spec is not valid"))
}

impl Document {
    /// The document with every `KEY=VALUE` laid over; all wrong ones are reported.
    pub fn with(mut self, overrides: &[String]) -> Result<Self> {
        let wrong: Vec<Problem> =
            overrides.iter().filter_map(|argument| self.set(argument).err()).collect();
        problem::to_error(&wrong).map_or(Ok(self), Err)
    }

    /// The spec with absolute paths that exist and a title, or everything that is wrong.
    pub fn resolve(&self, around: &Surroundings) -> Result<Spec, Vec<Problem>> {
        let mut spec = self.expanded(around)?;
        if spec.title.trim().is_empty() {
            let stem = Path::new(self.name()).file_stem().and_then(|stem| stem.to_str());
            spec.title = stem.unwrap_or("run").into();
        }
        // Of a study that is for each of its runs to say: what is filled in here would stay as it is
        // when a run changes what it follows from.
        if spec.study.is_none() {
            complete(&mut spec);
        }
        debug_assert!(check::check(&spec).is_empty(), "resolving made a good spec bad");
        Ok(spec)
    }

    /// The spec with absolute paths that exist.
    pub(super) fn expanded(&self, around: &Surroundings) -> Result<Spec, Vec<Problem>> {
        let mut spec = self.spec()?;
        if let Some(study) = spec.study.take() {
            spec.study = Some(self.expand_members(&study, around)?);
            // Whatever a run takes over from here, it has complained of.
            expand(&mut spec, around);
            return Ok(spec);
        }
        let mut complaints = expand(&mut spec, around);
        let complained: Vec<String> = complaints.iter().map(|one| one.key.clone()).collect();
        complaints.extend(
            missing_files(&spec)
                .into_iter()
                .filter(|complaint| !complained.contains(&complaint.key)),
        );
        if complaints.is_empty() { Ok(spec) } else { Err(self.locate(complaints)) }
    }
}

/// Fills what follows from other keys.
pub(super) fn complete(spec: &mut Spec) {
    for (section, how) in spec.methods_mut() {
        if section != super::CURVE {
            *how = how.resolved();
        }
    }
    if let Some(curve) = spec.evaluate.as_mut().and_then(|evaluate| evaluate.curve.as_mut()) {
        curve.how = curve.resolved();
    }
    let adversarial = spec.train.as_mut().and_then(|train| train.adversarial.as_mut());
    if let Some(section) = adversarial {
        *section = section.resolved();
    }
}

fn missing_files(spec: &Spec) -> Vec<Complaint> {
    let adversarial = spec.neurons.as_ref().map(|neurons| neurons.adversarial.as_str());
    let labelled = spec.dissect.as_ref().and_then(|dissect| dissect.data.path.as_deref());
    let consistency = spec.consistency.as_ref();
    let trace = spec.trace.as_ref();
    let mut paths = vec![
        ("data.path".to_owned(), spec.data.path.as_deref()),
        ("model.weights".into(), spec.model.weights.as_deref()),
        ("neurons.adversarial".into(), adversarial),
        ("dissect.data.path".into(), labelled),
        ("consistency.adversarial".into(), consistency.map(|section| section.adversarial.as_str())),
        ("consistency.wordnet".into(), consistency.and_then(|section| section.wordnet.as_deref())),
        ("trace.images".into(), trace.map(|section| section.images.as_str())),
        ("trace.adversarial".into(), trace.map(|section| section.adversarial.as_str())),
    ];
    let networks = spec.networks().into_iter();
    paths.extend(
        networks
            .map(|(place, network)| (format!("{place}.weights"), Some(network.weights.as_str()))),
    );
    let mut complaints = Vec::new();
    for (key, path) in paths {
        let Some(path) = path.filter(|path| !is_word(&key, path)) else { continue };
        if let Err(error) = fs::metadata(path) {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "which does not exist".into(),
                _ => format!("which cannot be read: {error}"),
            };
            complaints.push(
                Complaint::new(&key, format!("is '{}', {why}", escaped(path)))
                    .hint(format!("--set {key}=/the/path")),
            );
        }
    }
    complaints
}
