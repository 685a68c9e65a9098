//! What happened: everything that can change the workbench comes in as one of these.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::pictures;
use super::screen::Click;
use super::world::{Machine, World};
use crate::run::live;

/// Something that happened outside `update`.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key went down (or repeats).
    KeyPressed(KeyEvent),
    /// The mouse did something.
    Pointed(Pointer),
    /// Text was pasted.
    Pasted(String),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// The terminal window got the focus.
    FocusGained,
    /// The reader saw the runs change. The newest replaces every earlier one.
    WorldChanged(Arc<World>),
    /// CPU and memory changed.
    MachineChanged(Machine),
    /// A toast's time may be over.
    ToastExpired,
    /// An effect is done, or was not possible.
    Noticed(Notice),
    /// A worker was started: its run's id.
    RunStarted(String),
    /// A copy of a spec came back from the editor with changes.
    SpecEdited(String),
    /// A run could not be started from an edited spec.
    SpecRefused {
        /// The whole TOML.
        spec: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A picture was decoded, or could not be.
    PictureLoaded(pictures::Loaded),
    /// The small worker behind the attack screen said something of this run.
    AttackAnswered {
        /// The run's id.
        run: String,
        /// The newest question that it had been given.
        asked: u64,
        /// What.
        answer: live::Answer,
    },
    /// The program was asked to end (SIGTERM, SIGHUP, SIGINT).
    Terminated,
}

/// What the mouse did, and what of the last frame it did it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// What it did.
    pub gesture: Gesture,
    /// What lay there.
    pub on: Option<Click>,
    /// The cell.
    pub column: u16,
    /// The cell.
    pub row: u16,
}

/// What the mouse can do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// The left button went down.
    Press,
    /// The mouse moved with the left button down.
    Drag,
    /// The left button went up.
    Release,
    /// The wheel turned up.
    WheelUp,
    /// The wheel turned down.
    WheelDown,
}

/// A line for the user that goes away by itself, unless it is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad.
    pub severity: Severity,
    /// One sentence or two; may hold text from files.
    pub text: String,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It worked.
    Info,
    /// It worked, but.
    Warning,
    /// It did not. Stays until a key is pressed.
    Error,
}

impl Notice {
    /// It worked.
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: text.into() }
    }

    /// It worked, but.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: text.into() }
    }

    /// It did not.
    pub fn error(text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, text: text.into() }
    }
}
