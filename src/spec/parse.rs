//! Text → [`Spec`]. Remembers where each key was written, and reports everything that is wrong at
//! once. Touches no file and no environment.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::help::{self, ValueKind};
use super::problem::{Complaint, Problem};
use super::{Epsilon, Spec, check};
use crate::error::text::escaped;

/// A spec as someone wrote it, with `--set` already laid over: values and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    name: String,
    values: toml::Table,
    origins: BTreeMap<String, Origin>,
}

/// Where a key was written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// Line and column of the text, from 1.
    Text(usize, usize),
    /// Laid over the text: what errors call that place.
    Laid(String),
}

impl Document {
    /// Reads TOML. `name` is what errors call the text: a file's path, a preset's name.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let at = |offset: usize| position(text, offset);
        let (tree, mut mistakes) = DeTable::parse_recoverable(text);
        mistakes.sort_by_key(|mistake| mistake.span().map(|span| span.start));
        let broken = |mistake: &toml::de::Error| {
            let (line, column) = at(mistake.span().map_or(0, |span| span.start));
            Problem {
                key: String::new(),
                place: format!("{name}:{line}:{column}"),
                message: format!("not valid TOML: {}", one_line(mistake)),
                hint: None,
            }
        };
        if !mistakes.is_empty() {
            return Err(mistakes.iter().map(broken).collect());
        }
        let values = toml::from_str(text).map_err(|mistake| vec![broken(&mistake)])?;
        let mut origins = BTreeMap::new();
        note_table(&mut origins, "", tree.get_ref(), &at);
        Ok(Self { name: name.into(), values, origins })
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value that was written for `path`, if one was.
    pub fn value(&self, path: &str) -> Option<&toml::Value> {
        lookup(&self.values, path)
    }

    /// The same document without a section.
    pub(super) fn without(&self, section: &str) -> Self {
        let mut other = self.clone();
        other.values.remove(section);
        other
    }

    /// Puts another value where one is, as if it had been written there.
    pub(super) fn replace(&mut self, path: &str, value: toml::Value) {
        let mut root = toml::Value::Table(self.values.clone());
        if put_at(&mut root, &mut steps(path), path, value).is_ok()
            && let toml::Value::Table(values) = root
        {
            self.values = values;
        }
    }

    /// Where a key was written, or the nearest section that was: `a.toml:3:1`.
    pub(super) fn place(&self, key: &str) -> String {
        match self.origin(key) {
            Some(Origin::Text(line, column)) => format!("{}:{line}:{column}", self.name),
            Some(Origin::Laid(place)) => place.clone(),
            None => self.name.clone(),
        }
    }

    /// Puts `value` at `path`, making the sections on the way. Fails with a sentence where a step
    /// of the path is no table or no item; `place` is what errors call its origin. Called by
    /// [`super::overrides`].
    pub(super) fn put(
        &mut self,
        path: &str,
        value: toml::Value,
        place: &str,
    ) -> Result<(), String> {
        // On a copy: a failure half-way must leave nothing behind.
        let mut root = toml::Value::Table(self.values.clone());
        put_at(&mut root, &mut steps(path), path, value)?;
        if let toml::Value::Table(values) = root {
            self.values = values;
        }
        // What stood below the path is gone, so its old places are too.
        let below =
            |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.origins.retain(|key, _| !below(key));
        self.origins.insert(path.into(), Origin::Laid(place.into()));
        Ok(())
    }

    /// Everything that is wrong and can be told from the text alone, in the order of writing.
    pub fn problems(&self) -> Vec<Problem> {
        self.spec().err().unwrap_or_default()
    }

    /// The spec, or everything that is wrong with it.
    pub fn spec(&self) -> Result<Spec, Vec<Problem>> {
        let mut complaints = Vec::new();
        check_table(&mut complaints, "", &self.values);
        if !complaints.is_empty() {
            return Err(self.locate(complaints));
        }
        // The walk above has found everything it knows; what is left for serde has no place.
        let spec: Spec = self.values.clone().try_into().map_err(|error: toml::de::Error| {
            vec![Problem {
                key: String::new(),
                place: self.name.clone(),
                message: one_line(&error),
                hint: None,
            }]
        })?;
        let complaints = check::check(&spec);
        if !complaints.is_empty() {
            return Err(self.locate(complaints));
        }
        if let Some(study) = &spec.study {
            self.members(study)?;
        }
        Ok(spec)
    }

    /// Gives each complaint the place of its key, or of the nearest section that was written.
    pub fn locate(&self, complaints: Vec<Complaint>) -> Vec<Problem> {
        let mut located: Vec<((usize, usize), Problem)> = complaints
            .into_iter()
            .map(|Complaint { key, message, hint }| {
                let order = match self.origin(&key) {
                    Some(Origin::Text(line, column)) => (*line, *column),
                    Some(Origin::Laid(_)) | None => (usize::MAX, 0),
                };
                let place = self.place(&key);
                (order, Problem { key, place, message, hint })
            })
            .collect();
        located.sort_by_key(|(order, _)| *order);
        located.into_iter().map(|(_, problem)| problem).collect()
    }

    fn origin(&self, key: &str) -> Option<&Origin> {
        let mut key = key;
        loop {
            if let Some(origin) = self.origins.get(key) {
                return Some(origin);
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }
}

/// What the TOML reader says, without line breaks and control codes.
pub(super) fn one_line(mistake: &toml::de::Error) -> String {
    escaped(&mistake.message().replace('\n', ", "))
}

/// One step of a path: `evaluate.attacks[1]` is name, name, index.
enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

/// The value at a path of a table, if there is one.
pub(super) fn lookup<'t>(table: &'t toml::Table, path: &str) -> Option<&'t toml::Value> {
    let mut steps = steps(path);
    let Some(Step::Name(first)) = steps.next() else { return None };
    let mut value = table.get(first)?;
    for step in steps {
        value = match step {
            Step::Name(name) => value.get(name)?,
            Step::Index(index) => value.get(index)?,
        };
    }
    Some(value)
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split(['.', '[']).map(|part| {
        let index = part.strip_suffix(']').and_then(|digits| digits.parse().ok());
        index.map_or(Step::Name(part), Step::Index)
    })
}

fn put_at<'p>(
    place: &mut toml::Value,
    steps: &mut impl Iterator<Item = Step<'p>>,
    path: &str,
    value: toml::Value,
) -> Result<(), String> {
    let next = match (steps.next(), place) {
        (None, place) => {
            *place = value;
            return Ok(());
        }
        (Some(Step::Name(name)), toml::Value::Table(table)) => {
            table.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new()))
        }
        (Some(Step::Index(index)), toml::Value::Array(items)) => {
            let count = items.len();
            items
                .get_mut(index)
                .ok_or_else(|| format!("'{path}' counts from 0 and the list has {count} items"))?
        }
        (Some(Step::Name(name)), _) => {
            return Err(format!("'{path}': what stands before '{name}' is no section"));
        }
        (Some(Step::Index(index)), _) => {
            return Err(format!("'{path}': what stands before [{index}] is no list in this spec"));
        }
    };
    put_at(next, steps, path, value)
}

/// Line and column, from 1, of a byte of the text; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn note_table(
    origins: &mut BTreeMap<String, Origin>,
    prefix: &str,
    table: &DeTable<'_>,
    at: &impl Fn(usize) -> (usize, usize),
) {
    for (key, value) in table {
        let path = help::join(prefix, key.get_ref());
        let (line, column) = at(key.span().start);
        origins.insert(path.clone(), Origin::Text(line, column));
        note_value(origins, &path, value.get_ref(), at);
    }
}

fn note_value(
    origins: &mut BTreeMap<String, Origin>,
    path: &str,
    value: &DeValue<'_>,
    at: &impl Fn(usize) -> (usize, usize),
) {
    match value {
        DeValue::Table(table) => note_table(origins, path, table, at),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                let (line, column) = at(item.span().start);
                origins.insert(path.clone(), Origin::Text(line, column));
                note_value(origins, &path, item.get_ref(), at);
            }
        }
        _ => {}
    }
}

/// Compares a table with [`help::KEYS`]: unknown keys, wrong types, values out of range.
fn check_table(complaints: &mut Vec<Complaint>, prefix: &str, table: &toml::Table) {
    for (name, value) in table {
        let path = help::join(prefix, name);
        if let Some(key) = help::find(&path) {
            check_value(complaints, &path, key.kind, value);
        } else if help::SECTIONS.iter().any(|(section, _)| *section == path) {
            match value {
                toml::Value::Table(table) => check_table(complaints, &path, table),
                _ => complaints.push(Complaint::new(
                    &path,
                    format!(
                        "is {}, expected a section with the keys {}",
                        shown(value),
                        help::children(&path).join(", ")
                    ),
                )),
            }
        } else {
            complaints.push(unknown(&path));
        }
    }
    let missing = help::KEYS.iter().filter(|key| {
        key.required
            && key.path.rsplit_once('.').is_some_and(|(section, name)| {
                section == help::pattern(prefix) && !table.contains_key(name)
            })
    });
    for key in missing {
        let name = key.path.rsplit('.').next().unwrap_or(key.path);
        complaints.push(Complaint::new(
            help::join(prefix, name),
            format!("is missing, expected {}", key.kind),
        ));
    }
}

/// The complaint about a key that no spec has.
pub(super) fn unknown(path: &str) -> Complaint {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    // TOML lets keys hold anything; what is printed must not.
    let name = escaped(name);
    let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    let message = match help::nearest_path(path) {
        Some(near) if near.rsplit_once('.').map_or("", |(section, _)| section) == section => {
            let near = near.rsplit('.').next().unwrap_or_default();
            format!("unknown key '{name}'{place}, did you mean '{near}'?")
        }
        Some(near) => format!("unknown key '{name}'{place}, did you mean '{near}'?"),
        None => format!(
            "unknown key '{name}'{place}, expected one of {}",
            help::children(section).join(", ")
        ),
    };
    Complaint { key: path.into(), message, hint: None }
}

fn check_value(complaints: &mut Vec<Complaint>, path: &str, kind: ValueKind, value: &toml::Value) {
    use toml::Value::{Array, Boolean, Float, Integer, String, Table};
    let fits = match (kind, value) {
        (ValueKind::Text | ValueKind::Path(_) | ValueKind::Layers, String(_))
        | (ValueKind::Flag, Boolean(_)) => true,
        (ValueKind::Integer(range) | ValueKind::Number(range), Integer(number)) => {
            range.contains(*number as f64)
        }
        (ValueKind::Number(range), Float(number)) => range.contains(*number),
        (ValueKind::Choice(words) | ValueKind::ChoiceOrIndex(words), String(word)) => {
            words.contains(&word.as_str())
        }
        (ValueKind::ChoiceOrIndex(_), Integer(index)) => *index >= 0,
        (ValueKind::Epsilon, value) => {
            let epsilon = value.clone().try_into::<Epsilon>();
            epsilon.is_ok_and(|epsilon| epsilon.draw().is_ok())
        }
        (ValueKind::Layers, Array(items)) if !items.is_empty() => {
            return check_items(complaints, path, ValueKind::Text, items);
        }
        (ValueKind::Texts, Array(items)) => {
            return check_items(complaints, path, ValueKind::Text, items);
        }
        (ValueKind::Choices(words), Array(items)) => {
            return check_items(complaints, path, ValueKind::Choice(words), items);
        }
        (ValueKind::Numbers(range), Array(items)) => {
            check_items(complaints, path, ValueKind::Number(range), items);
            // Serde would say so too, but without the key.
            if path == "train.optimizer.betas" && items.len() != 2 {
                let message = format!("has {} numbers, expected 2", items.len());
                complaints.push(Complaint::new(path, message));
            }
            return;
        }
        (ValueKind::Integers(range), Array(items)) => {
            return check_items(complaints, path, ValueKind::Integer(range), items);
        }
        (ValueKind::Tables, Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                match item {
                    Table(table) => check_table(complaints, &path, table),
                    _ => complaints.push(Complaint::new(
                        &path,
                        format!(
                            "is {}, expected a table with the keys {}",
                            shown(item),
                            help::children(&path).join(", ")
                        ),
                    )),
                }
            }
            return;
        }
        _ => false,
    };
    if fits {
        return;
    }
    let near = match (kind, value) {
        (ValueKind::Choice(words) | ValueKind::ChoiceOrIndex(words), String(word)) => {
            super::nearest::nearest(word, words.iter().copied())
        }
        _ => None,
    };
    let meant = near.map_or(std::string::String::new(), |near| format!("; did you mean '{near}'?"));
    complaints.push(Complaint::new(path, format!("is {}, expected {kind}{meant}", shown(value))));
}

fn check_items(
    complaints: &mut Vec<Complaint>,
    path: &str,
    kind: ValueKind,
    items: &[toml::Value],
) {
    for (index, item) in items.iter().enumerate() {
        check_value(complaints, &format!("{path}[{index}]"), kind, item);
    }
}

/// A value as a message shows it: texts in single quotes, control codes escaped, long ones cut.
fn shown(value: &toml::Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        toml::Value::String(text) => format!("'{}'", escaped(text)),
        other => escaped(&other.to_string()),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
