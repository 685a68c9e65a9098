//! The settings file: which keys there are, and what is wrong in one, with its line.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::error::text::{escaped, printable};
use crate::error::{Error, Result};
use crate::spec::nearest::nearest;

/// Every key. `keys` is read by the keymap.
const KEYS: [&str; 9] =
    ["runs_dir", "theme", "images", "answer_ms", "mouse", "ascii", "slots", "tensorboard", "keys"];

/// How pictures can be drawn.
pub const IMAGES: [&str; 6] = ["auto", "kitty", "sixel", "iterm2", "half", "off"];

/// What the file says; `None` = nothing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Values {
    pub(super) runs_dir: Option<PathBuf>,
    pub(super) theme: Option<String>,
    pub(super) images: Option<String>,
    pub(super) answer_ms: Option<u64>,
    pub(super) mouse: Option<bool>,
    pub(super) ascii: Option<bool>,
    pub(super) slots: Option<usize>,
    pub(super) tensorboard: Option<bool>,
}

impl Values {
    /// Reads the file's text. Errors name file, line, key, and the nearest valid one.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let shown = escaped(&path.display().to_string());
        let at = |offset: usize| {
            let before = text.as_bytes().iter().take(offset);
            format!("{shown}:{}", 1 + before.filter(|byte| **byte == b'\n').count())
        };
        let table = DeTable::parse(text).map_err(|error| {
            let place = at(error.span().map_or(0, |span| span.start));
            Error::bad_input(format!("{place}: {}", error.message()))
                .hint("the settings file is TOML, one KEY = VALUE a line")
        })?;
        let mut values = Self::default();
        for (key, value) in table.get_ref() {
            let place = at(key.span().start);
            let key: &str = key.get_ref();
            values.take(key, value.get_ref()).map_err(|wrong| match wrong {
                Wrong::Key => {
                    let error =
                        Error::bad_input(format!("{place}: unknown setting '{}'", printable(key)));
                    match nearest(key, KEYS) {
                        Some(meant) => error.hint(format!("did you mean '{meant}'?")),
                        None => error.hint(format!("the settings are {}", KEYS.join(", "))),
                    }
                }
                Wrong::Value(expected) => {
                    Error::bad_input(format!("{place}: '{key}' must be {expected}"))
                }
            })?;
        }
        Ok(values)
    }

    fn take(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), Wrong> {
        match key {
            "runs_dir" => {
                let path = value.as_str().and_then(expanded);
                self.runs_dir = Some(path.ok_or_else(|| {
                    Wrong::Value("a folder, absolute or starting with ~ or $VAR".into())
                })?);
            }
            "theme" => self.theme = Some(string(value, "a theme's name")?),
            "images" => {
                let images = string(value, &one_of(&IMAGES))?;
                check_images(&images).map_err(Wrong::Value)?;
                self.images = Some(images);
            }
            "answer_ms" => {
                let answer = whole(value).and_then(|number| check_answer(number as u64));
                self.answer_ms = Some(answer.ok_or_else(|| Wrong::Value(ANSWER.into()))?);
            }
            "mouse" => self.mouse = Some(boolean(value)?),
            "ascii" => self.ascii = Some(boolean(value)?),
            "slots" => {
                self.slots = Some(whole(value).filter(|slots| *slots > 0).ok_or_else(|| {
                    Wrong::Value("how many runs may use one device, from 1".into())
                })?);
            }
            "tensorboard" => self.tensorboard = Some(boolean(value)?),
            "keys" => {}
            _ => return Err(Wrong::Key),
        }
        Ok(())
    }
}

/// What is wrong with a row of the file.
enum Wrong {
    Key,
    /// What was expected.
    Value(String),
}

/// Whether `images` is a way to draw pictures; otherwise what is expected.
pub(super) fn check_images(images: &str) -> Result<(), String> {
    if IMAGES.contains(&images) { Ok(()) } else { Err(one_of(&IMAGES)) }
}

/// What `answer_ms` must be.
pub(super) const ANSWER: &str =
    "how many milliseconds the terminal may take to answer, from 20 to 5000";

/// Whether that is a time to wait.
pub(super) fn check_answer(number: u64) -> Option<u64> {
    Some(number).filter(|number| (20..=5000).contains(number))
}

fn whole(value: &DeValue<'_>) -> Option<usize> {
    match value {
        DeValue::Integer(number) => usize::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

fn string(value: &DeValue<'_>, expected: &str) -> Result<String, Wrong> {
    value.as_str().map(str::to_owned).ok_or_else(|| Wrong::Value(expected.to_owned()))
}

fn boolean(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::Value("true or false".into()))
}

/// A relative path would mean another folder wherever the program is started.
fn expanded(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(shellexpand::full(text).ok()?.into_owned());
    path.is_absolute().then_some(path)
}
