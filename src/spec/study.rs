//! `[study]`: several runs of one spec, one after the other, each with keys of its own.

use serde::{Deserialize, Serialize};

use super::expand::Surroundings;
use super::help::{self, ValueKind};
use super::parse::{Document, lookup};
use super::problem::{Complaint, Problem};
use super::{Arch, Comments, Spec, check, load, to_toml};
use crate::error::Result;
use crate::error::text::escaped;

/// `[study]`: the rest of the spec is what its runs have in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StudySpec {
    /// In the order in which they run.
    pub runs: Vec<MemberSpec>,
}

/// One run of a study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemberSpec {
    /// Unique in the study; its run's title is the study's and this. A later run's weights may be
    /// `study:NAME`, or `study:NAME@best`.
    pub name: String,
    /// Overrides as `--set` takes them: `train.epochs=5`.
    pub set: Vec<String>,
}

/// What stands before the name of an earlier run whose weights are taken.
pub const WEIGHTS_OF: &str = "study:";

/// One run of a study, with its keys laid over what all have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// As the study calls it.
    pub name: String,
    /// Complete but for what data and weights decide. Its title is the study's and its name;
    /// `model.weights` may be `study:NAME@best`, for which [`Self::weights_of`] has the name.
    pub spec: Spec,
}

impl Member {
    /// The earlier run whose weights it starts from, and which of them: `best` or `last`.
    pub fn weights_of(&self) -> Option<(&str, &str)> {
        self.spec.model.weights.as_deref().and_then(reference)
    }
}

/// `study:NAME@last` → `NAME`, `last`.
fn reference(word: &str) -> Option<(&str, &str)> {
    let word = word.strip_prefix(WEIGHTS_OF)?;
    Some(word.split_once('@').unwrap_or((word, "best")))
}

/// The runs of a resolved study, in their order; none of a spec that is no study.
pub fn members(spec: &Spec) -> Result<Vec<Member>> {
    let Some(study) = &spec.study else { return Ok(Vec::new()) };
    let text = to_toml(spec, Comments::Off);
    let members = Document::parse("spec.toml", &text).and_then(|document| document.members(study));
    let mut members = members.map_err(load::as_error)?;
    for member in &mut members {
        load::complete(&mut member.spec);
        member.spec.title = title(&member.spec.title, &member.name);
    }
    Ok(members)
}

/// What is possible but hardly meant, of a resolved spec; of a study, in any of its runs.
pub fn warnings(spec: &Spec) -> Result<Vec<String>> {
    if spec.study.is_none() {
        return Ok(check::warnings(spec));
    }
    let members = members(spec)?;
    Ok(members
        .iter()
        .flat_map(|member| {
            let warnings = check::warnings(&member.spec).into_iter();
            warnings.map(|warning| format!("{}: {warning}", member.name))
        })
        .collect())
}

/// What the run `name` of a study is called.
fn title(study: &str, name: &str) -> String {
    format!("{study} · {name}")
}

impl Document {
    /// The runs of this study as they are written, or everything that is wrong with any of them.
    pub(super) fn members(&self, study: &StudySpec) -> Result<Vec<Member>, Vec<Problem>> {
        let each = self.each(study, Self::spec)?;
        Ok(study
            .runs
            .iter()
            .zip(each)
            .map(|(run, spec)| Member { name: run.name.clone(), spec })
            .collect())
    }

    /// The study with absolute paths, which exist, in the keys of its runs.
    pub(super) fn expand_members(
        &self,
        study: &StudySpec,
        around: &Surroundings,
    ) -> Result<StudySpec, Vec<Problem>> {
        let each = self.each(study, |document| document.expanded(around))?;
        let mut study = study.clone();
        for (run, spec) in study.runs.iter_mut().zip(each) {
            let values = toml::Table::try_from(&spec).unwrap_or_default();
            for argument in &mut run.set {
                let Some((key, _)) = argument.split_once('=') else { continue };
                let key = key.trim().to_owned();
                let kind = help::find(&key).map(|key| key.kind);
                // A path, or what may hold one.
                let may_hold = matches!(kind, None | Some(ValueKind::Path(_) | ValueKind::Tables));
                if let Some(value) = lookup(&values, &key).filter(|_| may_hold) {
                    *argument = format!("{key}={value}");
                }
            }
        }
        Ok(study)
    }

    /// What `read` makes of each run's document, in which `study:NAME` is taken for a run; it is
    /// `study:NAME@best` in the spec again. Otherwise all problems: those of a run's own keys with
    /// their place in `[study]`, those of several runs once.
    fn each(
        &self,
        study: &StudySpec,
        read: impl Fn(&Self) -> Result<Spec, Vec<Problem>>,
    ) -> Result<Vec<Spec>, Vec<Problem>> {
        let base = self.without("study");
        let mut specs: Vec<Spec> = Vec::new();
        let mut wrong: Vec<(Problem, Vec<&str>)> = Vec::new();
        // Which of them train, and what, as far as they can be read: only those have weights to give.
        let mut earlier: Vec<(&str, Option<(bool, Arch)>)> = Vec::new();
        for (index, run) in study.runs.iter().enumerate() {
            let found = self.lay_over(&base, index, run).and_then(|mut document| {
                let word = document.value("model.weights").and_then(toml::Value::as_str);
                let word = word.filter(|word| word.starts_with(WEIGHTS_OF)).map(str::to_owned);
                if let Some(word) = &word {
                    let stand_in = stand_in(word, &earlier).map_err(|problem| {
                        vec![Problem { place: document.place("model.weights"), ..problem }]
                    })?;
                    document.replace("model.weights", stand_in);
                }
                let mut spec = read(&document)?;
                if let Some((name, which)) = word.as_deref().and_then(reference) {
                    let of = earlier.iter().find(|(other, _)| *other == name);
                    let arch = of.and_then(|(_, of)| of.map(|(_, arch)| arch));
                    if let Some(arch) = arch.filter(|arch| *arch != spec.model.arch) {
                        let message = format!(
                            "is '{WEIGHTS_OF}{name}', a run of '{}', but this one's model.arch is '{}'",
                            super::word(arch),
                            super::word(spec.model.arch)
                        );
                        return Err(document.locate(vec![Complaint::new("model.weights", message)]));
                    }
                    spec.model.weights = Some(format!("{WEIGHTS_OF}{name}@{which}"));
                }
                Ok(spec)
            });
            match found {
                Ok(spec) => {
                    earlier.push((&run.name, Some((spec.train.is_some(), spec.model.arch))));
                    specs.push(spec);
                }
                Err(problems) => {
                    earlier.push((&run.name, None));
                    for mut problem in problems {
                        // A form finds the field by it.
                        if let Some(at) = problem.place.rfind("study.runs[") {
                            problem.key = problem.place[at..].to_owned();
                        }
                        match wrong.iter_mut().find(|(other, _)| *other == problem) {
                            Some((_, of)) => of.push(&run.name),
                            None => wrong.push((problem, vec![&run.name])),
                        }
                    }
                }
            }
        }
        if wrong.is_empty() {
            return Ok(specs);
        }
        let runs = study.runs.len();
        Err(wrong
            .into_iter()
            .map(|(mut problem, of)| {
                if of.len() < runs && !problem.key.starts_with("study.") {
                    problem.message =
                        format!("in run '{}': {}", of.join("' and '"), problem.message);
                }
                problem
            })
            .collect())
    }

    /// The document of one run.
    fn lay_over(&self, base: &Self, index: usize, run: &MemberSpec) -> Result<Self, Vec<Problem>> {
        let mut document = base.clone();
        let mut wrong = Vec::new();
        for (at, argument) in run.set.iter().enumerate() {
            let key = format!("study.runs[{index}].set[{at}]");
            let place = format!("{}: {key}", self.place(&key));
            let laid = argument.split_once('=').map_or("", |(key, _)| key.trim());
            if laid == "study" || laid.starts_with("study.") {
                let message = "a run of a study cannot be a study itself".into();
                let hint = Some("list all its runs in one [study]".into());
                wrong.push(Problem { key, place, message, hint });
            } else if let Err(problem) = document.lay(argument, &place) {
                wrong.push(problem);
            }
        }
        if wrong.is_empty() { Ok(document) } else { Err(wrong) }
    }
}

/// What `study:NAME` is taken for until that run has an id, if it is one of the `earlier` runs and
/// trains. The problem has no place yet.
fn stand_in(word: &str, earlier: &[(&str, Option<(bool, Arch)>)]) -> Result<toml::Value, Problem> {
    let problem = |message: String, hint: String| Problem {
        key: "model.weights".into(),
        place: String::new(),
        message: format!("'model.weights' is '{}', {message}", escaped(word)),
        hint: Some(hint),
    };
    let (name, which) = reference(word).unwrap_or_default();
    if !matches!(which, "best" | "last") {
        let expected = "expected study:NAME, study:NAME@best or study:NAME@last";
        return Err(problem(expected.into(), "best are the weights of the best epoch".into()));
    }
    let Some((_, of)) = earlier.iter().find(|(other, _)| *other == name) else {
        let names: Vec<&str> = earlier.iter().map(|(name, _)| *name).collect();
        let hint = match names.as_slice() {
            [] => "it is the first run of the study: name a file or run:ID, or leave it out".into(),
            names => format!("before it run {}", names.join(", ")),
        };
        return Err(problem("which is no earlier run of the study".into(), hint));
    };
    if of.is_some_and(|(trains, _)| !trains) {
        let hint = "add [train] to that run, or name the weights it has itself".into();
        return Err(problem("a run that trains nothing".into(), hint));
    }
    Ok(toml::Value::String(format!("run:{name}@{which}")))
}
