//! The one error of the house: a kind that chooses the exit code, a message, a hint.

pub mod text;

use std::fmt;

/// What went wrong, from the caller's point of view. Chooses the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The user's input cannot be worked with: exit code 2.
    BadInput,
    /// The input was fine, the work failed: exit code 1.
    Failed,
    /// The user interrupted it: exit code 130.
    Interrupted,
}

/// A failure that a user can act on.
///
/// `message` says what was being done and to which thing (`failed to read weights 'a.pth': …`),
/// `hint` says what to do about it.
#[derive(Debug)]
pub struct Error {
    /// Chooses the exit code.
    pub kind: Kind,
    /// One sentence: file, line or key, what was found, what was expected.
    pub message: String,
    /// What to do, if there is something.
    pub hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// `Result` with the house's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// The user's input cannot be worked with (exit code 2).
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Kind::BadInput, message)
    }

    /// The work failed (exit code 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The user interrupted the work (exit code 130).
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Kind::Interrupted, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The process exit code for this error.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::BadInput => 2,
            Kind::Failed => 1,
            Kind::Interrupted => 130,
        }
    }
}

/// A tensor operation that failed is the program's fault or the machine's, never the input's.
impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        // With RUST_BACKTRACE set its message would carry the whole backtrace.
        let mut plain = &error;
        while let candle_core::Error::WithBacktrace { inner, .. } = plain {
            plain = inner;
        }
        Self::failed(format!("a tensor operation failed: {plain}")).caused_by(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
