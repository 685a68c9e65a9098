//! `--set train.epochs=2`: one key of a document, from the command line or a form.

use super::help::{self, ValueKind};
use super::parse::{self, Document};
use super::problem::Problem;
use crate::error::text::escaped;

impl Document {
    /// Lays `KEY=VALUE` over the document. The value is TOML; a bare word is a text, and where the
    /// key wants a text anything is. Sections come into being as needed.
    pub fn set(&mut self, argument: &str) -> Result<(), Problem> {
        self.lay(argument, &format!("--set {}", escaped(argument)))
    }

    /// The same for an argument that was written elsewhere: errors call it `place`.
    pub(super) fn lay(&mut self, argument: &str, place: &str) -> Result<(), Problem> {
        let problem = |key: &str, message: String| Problem {
            key: key.into(),
            place: place.into(),
            message,
            hint: None,
        };
        let Some((key, text)) = argument.split_once('=') else {
            return Err(problem("", "expected KEY=VALUE, for example train.epochs=2".into()));
        };
        let (key, text) = (key.trim(), text.trim());
        let section = help::SECTIONS.iter().any(|(section, _)| *section == key);
        let item = key.ends_with(']') && help::find(&format!("{key}.method")).is_some();
        let known = help::find(key);
        if known.is_none() && !section && !item {
            return Err(problem(key, parse::unknown(key).message));
        }
        let value = read(text, known.map(|key| key.kind))
            .map_err(|message| problem(key, format!("'{key}' is not valid TOML: {message}")))?;
        self.put(key, value, place).map_err(|message| problem(key, message))
    }
}

fn read(text: &str, kind: Option<ValueKind>) -> Result<toml::Value, String> {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .map(|mut table| (table.len() == 1).then(|| table.remove("value")).flatten());
    let wants_text =
        matches!(kind, Some(ValueKind::Text | ValueKind::Path(_) | ValueKind::Choice(_)));
    match parsed {
        Ok(Some(value)) if value.is_str() || !wants_text => Ok(value),
        // `title=2026` and `data.path=[a]/b` are what they look like.
        Ok(_) if wants_text => Ok(toml::Value::String(text.into())),
        Ok(_) => Err("one value was expected".into()),
        Err(_) if wants_text && !text.starts_with(['"', '\'']) => {
            Ok(toml::Value::String(text.into()))
        }
        Err(error) if text.starts_with(['"', '\'', '[', '{']) => Err(parse::one_line(&error)),
        Err(_) => Ok(toml::Value::String(text.into())),
    }
}
