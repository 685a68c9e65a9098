//! A preset's keys as a form: what each is now, how it differs from the preset, what is wrong.
//! Knows no key press and no screen; touches no file.

use std::collections::BTreeMap;

use crate::spec::expand::{Surroundings, expand};
use crate::spec::help::{self, Key, SECTIONS, ValueKind};
use crate::spec::preset::Preset;
use crate::spec::{AttackMethod, Comments, Document, Problem, Spec, scalar, to_toml};
use crate::tui::shell::quoted;

/// One preset with the user's changes.
#[derive(Debug)]
pub struct Form {
    /// Which preset.
    pub preset: &'static Preset,
    document: Document,
    original: Option<Spec>,
    /// What can be moved over.
    pub rows: Vec<Row>,
    edits: BTreeMap<&'static str, String>,
    /// Everything that is wrong, as it stands.
    pub problems: Vec<Problem>,
}

/// One line of the form.
#[derive(Debug, Clone, Copy)]
pub enum Row {
    /// `[train]`
    Section(&'static str),
    /// A value.
    Value(&'static Key),
}

impl Form {
    /// The preset as it ships.
    pub fn new(preset: &'static Preset, around: &Surroundings) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(&format!("{}.toml", preset.name), preset.text)?;
        let original = document.spec().ok();
        let (edits, problems) = (BTreeMap::new(), Vec::new());
        let mut form = Self { preset, document, original, rows: Vec::new(), edits, problems };
        form.rows = form.rows_now();
        form.problems = form.check(around).err().unwrap_or_default();
        Ok(form)
    }

    /// How many values differ from the preset.
    pub fn changes(&self) -> usize {
        self.edits.len()
    }

    /// What the key is now, as one would type it; and whether that is the user's own.
    pub fn value(&self, key: &Key) -> (String, bool) {
        match self.edits.get(key.path) {
            Some(text) => (text.clone(), true),
            None => (self.original_value(key), false),
        }
    }

    /// What the preset says, as one would type it; empty where data or architecture decide. The keys
    /// of an attack have the defaults of the method as it is now.
    pub fn original_value(&self, key: &Key) -> String {
        let Some(spec) = &self.original else { return String::new() };
        let value = match help::of_method(key.path) {
            None => help::value(spec, key.path),
            Some((section, _)) => {
                let method = self.edits.get(format!("{section}.method").as_str());
                let method = method.and_then(|word| AttackMethod::named(word));
                let mut spec = spec.clone();
                for (name, how) in spec.methods_mut() {
                    if name == section {
                        how.method = method.unwrap_or(how.method);
                        *how = how.resolved();
                    }
                }
                help::value(&spec, key.path)
            }
        };
        value.map(|value| typed(&value)).unwrap_or_default()
    }

    /// Changes a value; one like the preset's is no change.
    pub fn set(&mut self, key: &'static Key, text: &str, around: &Surroundings) {
        if text == self.original_value(key) {
            self.edits.remove(key.path);
        } else {
            self.edits.insert(key.path, text.to_owned());
        }
        self.problems = self.check(around).err().unwrap_or_default();
        self.rows = self.rows_now();
    }

    /// The keys that mean something with the data and the network as they are now.
    fn rows_now(&self) -> Vec<Row> {
        let Some(spec) = &self.original else { return Vec::new() };
        let word = |path: &str| {
            let key = help::KEYS.iter().find(|key| key.path == path);
            key.map(|key| self.value(key).0).unwrap_or_default()
        };
        let (format, arch) = (word("data.format"), word("model.arch"));
        let device = word("device");
        rows(spec, |key| {
            let only = |wanted: &str| format == wanted || self.edits.contains_key(key.path);
            match key.path {
                "data.train_images" | "data.test_images" => only("shapes"),
                "data.holdout" => only("image-folder"),
                "data.path" => format != "shapes" || self.edits.contains_key(key.path),
                "dissect.data.path" => {
                    word("dissect.data.format") == "broden" || self.edits.contains_key(key.path)
                }
                // The CPU knows one alone.
                "precision" => device.starts_with("cuda") || self.edits.contains_key(key.path),
                // A curve has several.
                "evaluate.curve.epsilon" => self.edits.contains_key(key.path),
                "model.layers" => arch == "sequential" || self.edits.contains_key(key.path),
                path => help::of_method(path).is_none_or(|(section, name)| {
                    let method = AttackMethod::named(&word(&format!("{section}.method")));
                    method.is_none_or(|method| method.keys().contains(&name))
                        || !self.value(key).0.is_empty()
                }),
            }
        })
    }

    /// The next of the words the key may be, or the one before.
    pub fn step(&mut self, key: &'static Key, forward: bool, around: &Surroundings) -> bool {
        let words: &[&str] = match key.kind {
            ValueKind::Choice(words) | ValueKind::ChoiceOrIndex(words) => words,
            ValueKind::Flag => &["false", "true"],
            _ => return false,
        };
        let (now, _) = self.value(key);
        let len = words.len();
        let to = match words.iter().position(|word| *word == now) {
            Some(at) if forward => (at + 1) % len.max(1),
            Some(at) => (at + len.saturating_sub(1)) % len.max(1),
            None => 0,
        };
        let Some(word) = words.get(to) else { return false };
        self.set(key, word, around);
        true
    }

    /// What is wrong with a key.
    pub fn problem(&self, key: &Key) -> Option<&Problem> {
        self.problems.iter().find(|problem| {
            help::pattern(&problem.key) == key.path
                || problem.key.starts_with(&format!("{}[", key.path))
        })
    }

    /// The spec as TOML, or everything that is wrong with it. Whether its files exist is found by
    /// whoever starts it.
    pub fn spec(&self, around: &Surroundings) -> Result<String, Vec<Problem>> {
        self.check(around).map(|spec| to_toml(&spec, Comments::Off))
    }

    /// The command that does the same.
    pub fn command(&self) -> String {
        let mut command = format!("glassbox run {}", self.preset.name);
        for (path, text) in &self.edits {
            command.push_str(" --set ");
            command.push_str(&quoted(&format!("{path}={text}")));
        }
        command
    }

    fn check(&self, around: &Surroundings) -> Result<Spec, Vec<Problem>> {
        let mut document = self.document.clone();
        let set = |(path, text): (&&str, &String)| document.set(&format!("{path}={text}")).err();
        let wrong: Vec<Problem> = self.edits.iter().filter_map(set).collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut spec = document.spec()?;
        let complaints = expand(&mut spec, around);
        if complaints.is_empty() { Ok(spec) } else { Err(document.locate(complaints)) }
    }
}

/// The keys of every section that the spec has, each section under its head; only those that `is_used`
/// names.
fn rows(spec: &Spec, is_used: impl Fn(&Key) -> bool) -> Vec<Row> {
    let evaluate = spec.evaluate.as_ref();
    let here = |section: &str| match section.split('.').next().unwrap_or_default() {
        _ if section == "evaluate.curve" => evaluate.is_some_and(|e| e.curve.is_some()),
        _ if section == "evaluate.transfer" => evaluate.is_some_and(|e| e.transfer.is_some()),
        _ if section == "train.adversarial" => {
            spec.train.as_ref().is_some_and(|train| train.adversarial.is_some())
        }
        _ if section == "dissect.attack" => {
            spec.dissect.as_ref().is_some_and(|dissect| dissect.attack.is_some())
        }
        "train" => spec.train.is_some(),
        "evaluate" => spec.evaluate.is_some(),
        "attack" => spec.attack.is_some(),
        "neurons" => spec.neurons.is_some(),
        "dissect" => spec.dissect.is_some(),
        "consistency" => spec.consistency.is_some(),
        _ if section == "trace.detector" => {
            spec.trace.as_ref().is_some_and(|trace| trace.detector.is_some())
        }
        "trace" => spec.trace.is_some(),
        "study" => spec.study.is_some(),
        _ => true,
    };
    let mut rows = Vec::new();
    for section in std::iter::once("").chain(SECTIONS.iter().map(|(name, _)| *name)) {
        let keys: Vec<Row> = help::KEYS
            .iter()
            .filter(|key| !key.path.contains('['))
            .filter(|key| key.path.rsplit_once('.').map_or("", |(section, _)| section) == section)
            .filter(|key| is_used(key))
            .map(Row::Value)
            .collect();
        if here(section) && !keys.is_empty() {
            if !section.is_empty() {
                rows.push(Row::Section(section));
            }
            rows.extend(keys);
        }
    }
    rows
}

/// A value as one types it: words without quotes, the rest as TOML.
fn typed(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => inline(other),
    }
}

fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        toml::Value::Table(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::preset::PRESETS;

    fn around() -> Surroundings {
        Surroundings { folder: "/here".into(), home: None, variable: |_| Some("/data".into()) }
    }

    fn quickstart() -> Form {
        Form::new(Preset::find("quickstart").unwrap(), &around()).unwrap()
    }

    #[test]
    fn every_preset_is_a_form_without_changes() {
        for preset in PRESETS {
            let form = Form::new(preset, &around()).unwrap();
            assert_eq!(form.changes(), 0);
            assert!(form.problems.is_empty(), "{}: {:?}", preset.name, form.problems);
            assert!(form.rows.len() > 20);
        }
    }

    #[test]
    fn a_folder_of_labelled_images_is_asked_for_where_it_is_read() {
        let asks = |name: &str| {
            let form = Form::new(Preset::find(name).unwrap(), &around()).unwrap();
            let is_it =
                |row: &Row| matches!(row, Row::Value(key) if key.path == "dissect.data.path");
            form.rows.iter().any(is_it)
        };
        assert!(asks("table1-alexnet") && !asks("quickstart"));
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let form = quickstart();
        let shown = |path: &str| form.original_value(help::find(path).unwrap());
        assert_eq!(shown("train.optimizer.eps"), "1e-8");
        assert_eq!(shown("train.schedule.step_epochs"), "30");
        assert_eq!(shown("train.schedule.gamma"), "0.1");
    }

    #[test]
    fn an_attack_has_the_keys_and_the_defaults_of_its_method() {
        let mut form = quickstart();
        let shown = |form: &Form| -> Vec<String> {
            let keys = form.rows.iter().filter_map(|row| match row {
                Row::Value(key) => key.path.strip_prefix("attack.").map(|name| (key, name)),
                Row::Section(_) => None,
            });
            keys.map(|(key, name)| format!("{name} {}", form.value(key).0)).collect()
        };
        let rest = ["target none", "targets_per_image 1", "batch_size 100"];
        let fgsm = ["method fgsm", "epsilon 4", "norm linf"];
        assert_eq!(shown(&form), [&fgsm[..], &rest].concat());
        form.set(help::find("attack.method").unwrap(), "mim", &around());
        let mim = ["method mim", "epsilon 4", "steps 10", "step_size 0.4", "momentum 1"];
        assert_eq!(shown(&form), [&mim[..], &rest].concat());
        assert!(form.spec(&around()).is_ok(), "{:?}", form.problems);
    }

    #[test]
    fn every_value_shown_can_be_typed_back() {
        for preset in PRESETS {
            let form = Form::new(preset, &around()).unwrap();
            // A default that is typed is written, but changes nothing.
            let resolved = |document: &Document| {
                let mut spec = document.spec().unwrap();
                spec.methods_mut().into_iter().for_each(|(_, how)| *how = how.resolved());
                spec
            };
            let spec = resolved(&form.document);
            for row in &form.rows {
                let Row::Value(key) = row else { continue };
                let text = form.original_value(key);
                if text.is_empty() {
                    continue;
                }
                let mut document = form.document.clone();
                document.set(&format!("{}={text}", key.path)).unwrap();
                assert_eq!(resolved(&document), spec, "{}: {text}", key.path);
            }
        }
    }

    #[test]
    fn a_wrong_value_is_reported_at_its_field_and_a_good_one_clears_it() {
        let mut form = quickstart();
        let epochs = help::find("train.epochs").unwrap();
        form.set(epochs, "many", &around());
        assert!(form.problem(epochs).is_some());
        assert!(form.spec(&around()).is_err());
        form.set(epochs, "2", &around());
        assert!(form.problem(epochs).is_none());
        assert!(form.spec(&around()).unwrap().contains("epochs = 2"));
        assert_eq!(form.command(), "glassbox run quickstart --set train.epochs=2");
        let original = form.original_value(epochs);
        form.set(epochs, &original, &around());
        assert_eq!(form.changes(), 0);
    }

    #[test]
    fn words_are_stepped_through_and_commands_are_quoted() {
        let mut form = quickstart();
        let name = help::find("train.optimizer.name").unwrap();
        let before = form.value(name).0;
        assert!(form.step(name, true, &around()));
        assert_ne!(form.value(name).0, before);
        assert!(form.step(name, false, &around()));
        assert_eq!(form.value(name).0, before);
        let title = help::find("title").unwrap();
        assert!(!form.step(title, true, &around()));
        form.set(title, "it's mine", &around());
        assert!(form.command().ends_with(r"--set 'title=it'\''s mine'"), "{}", form.command());
    }
}
