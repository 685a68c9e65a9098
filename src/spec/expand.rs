//! `~`, `$VAR` and relative paths → absolute paths, because the worker runs in another folder.

use std::path::{Path, PathBuf};

use super::help::{self, ValueKind};
use super::problem::Complaint;
use super::{DataFormat, LabelledFormat, Spec};

/// Where a spec is read: what its paths may refer to.
#[derive(Debug)]
pub struct Surroundings {
    /// The folder that relative paths start from.
    pub folder: PathBuf,
    /// What `~` means.
    pub home: Option<String>,
    /// The environment.
    pub variable: fn(&str) -> Option<String>,
}

impl Surroundings {
    /// This process's own.
    pub fn here() -> std::io::Result<Self> {
        let home = directories::BaseDirs::new()
            .and_then(|folders| folders.home_dir().to_str().map(Into::into));
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self { folder: std::env::current_dir()?, home, variable })
    }
}

/// Replaces every path of the spec by an absolute one. Leaves words like `run:ID` alone, and drops
/// a path that nothing reads.
pub fn expand(spec: &mut Spec, around: &Surroundings) -> Vec<Complaint> {
    if spec.data.format == DataFormat::Shapes {
        spec.data.path = None;
    }
    let mut complaints = Vec::new();
    let mut apply = |key: &str, path: &mut String| match expand_one(key, path, around) {
        Ok(expanded) => *path = expanded,
        Err(complaint) => complaints.push(complaint),
    };
    if let Some(path) = &mut spec.data.path {
        apply("data.path", path);
    }
    if let Some(weights) = &mut spec.model.weights {
        apply("model.weights", weights);
    }
    spec.change_networks(|place, network| {
        apply(&format!("{place}.weights"), &mut network.weights);
    });
    if let Some(neurons) = &mut spec.neurons {
        apply("neurons.adversarial", &mut neurons.adversarial);
    }
    if let Some(dissect) = &mut spec.dissect {
        if dissect.data.format == LabelledFormat::Shapes {
            dissect.data.path = None;
        }
        if let Some(path) = &mut dissect.data.path {
            apply("dissect.data.path", path);
        }
    }
    if let Some(consistency) = &mut spec.consistency {
        apply("consistency.adversarial", &mut consistency.adversarial);
        if let Some(folder) = &mut consistency.wordnet {
            apply("consistency.wordnet", folder);
        }
    }
    if let Some(trace) = &mut spec.trace {
        apply("trace.images", &mut trace.images);
        apply("trace.adversarial", &mut trace.adversarial);
    }
    complaints
}

/// Whether a value of this key is one of the words that stand instead of a path.
pub fn is_word(key: &str, value: &str) -> bool {
    let Some(ValueKind::Path(words)) = help::find(key).map(|key| key.kind) else { return false };
    words.iter().any(|word| match word.strip_suffix(':') {
        Some(_) => value.starts_with(word),
        None => value == *word,
    })
}

fn expand_one(key: &str, path: &str, around: &Surroundings) -> Result<String, Complaint> {
    if is_word(key, path) {
        return Ok(path.into());
    }
    let home = || around.home.as_deref();
    let variable = |name: &str| match (around.variable)(name) {
        Some(value) => Ok(Some(value)),
        None => Err(name.to_owned()),
    };
    let expanded = shellexpand::full_with_context(path, home, variable).map_err(|missing| {
        let name = missing.cause;
        Complaint::new(key, format!("needs ${name}, which is not set"))
            .hint(format!("export {name}=/the/path, or --set {key}=/the/path"))
    })?;
    if expanded.starts_with('~') && around.home.is_none() {
        return Err(Complaint::new(key, "starts with ~, and there is no home folder")
            .hint(format!("--set {key}=/the/path")));
    }
    let absolute = absolute(Path::new(expanded.as_ref()), &around.folder);
    match absolute.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(_) => Err(Complaint::new(key, "lies in a folder whose name is not valid UTF-8")),
    }
}

/// Joins and takes out `.`; `..` stays, since what lies before it may be a link.
fn absolute(path: &Path, folder: &Path) -> PathBuf {
    folder.join(path).components().collect()
}
