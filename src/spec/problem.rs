//! What is wrong with a spec: one key, one place, one sentence; and many of them as one error.

use std::fmt;

use crate::error::Error;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, dotted; empty where the text itself is broken.
    pub key: String,
    /// `quickstart.toml:12:3` or `--set train.epochs=x`; the file's name alone where the key is
    /// missing.
    pub place: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Something wrong with a key, before it is known where the key was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The key, dotted.
    pub key: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Complaint {
    /// A complaint that names its key.
    pub fn new(key: impl Into<String>, message: impl fmt::Display) -> Self {
        let key = key.into();
        let message = format!("'{key}' {message}");
        Self { key, message, hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All problems as one error; `None` if there are none.
pub fn to_error(problems: &[Problem]) -> Option<Error> {
    match problems {
        [] => None,
        [problem] => {
            let error = Error::bad_input(problem.to_string());
            Some(match &problem.hint {
                Some(hint) => error.hint(hint.clone()),
                None => error,
            })
        }
        _ => {
            let lines = problems.iter().map(|problem| match &problem.hint {
                Some(hint) => format!("  {problem} ({hint})"),
                None => format!("  {problem}"),
            });
            let lines: Vec<String> = lines.collect();
            let message = format!("{} problems in the spec:\n{}", problems.len(), lines.join("\n"));
            Some(Error::bad_input(message))
        }
    }
}
