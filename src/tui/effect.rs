//! What to do about it: the only way in which `update` reaches the outside world. Plain data, so
//! tests compare it; `terminal`, `reader` and `launcher` carry it out.

use std::path::PathBuf;

use super::message::Notice;
use super::pictures;
use crate::run::live;

/// Something to be done outside `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start this spec as a user would: in a process and session of its own.
    StartRun {
        /// The whole TOML.
        spec: String,
    },
    /// The same with a spec that somebody typed in the editor: refused, it comes back.
    StartEdited {
        /// The whole TOML.
        spec: String,
    },
    /// Take up a run where it left off, in a process of its own.
    ResumeRun {
        /// Its id.
        run: String,
    },
    /// Write the report of these runs into the folder of the first one.
    WriteReport {
        /// Their ids.
        runs: Vec<String>,
    },
    /// Tell a run's worker.
    Control {
        /// The run's id.
        run: String,
        /// What.
        order: Order,
    },
    /// Keep a neuron's bookmark in its run.
    Bookmark {
        /// The run's id.
        run: String,
        /// The tap's name.
        layer: String,
        /// The channel.
        neuron: usize,
        /// What to remember; `None` takes the bookmark away.
        note: Option<String>,
    },
    /// Read these runs closely from now on, and no others.
    Follow(Vec<String>),
    /// Decode these pictures, the first ones first; forget what was asked for before.
    LoadPictures(Vec<pictures::Request>),
    /// Attack one image of this run's test split, by a small worker that is started for it once and
    /// kept: a newer question replaces one that still waits.
    Attack {
        /// The run's id.
        run: String,
        /// The question.
        ask: live::Ask,
    },
    /// End the small worker, if there is one.
    EndAttacks,
    /// Leave the screen to `$EDITOR` for a while, with a copy of this spec.
    EditSpec(PathBuf),
    /// The same with a spec that was edited before and is not right yet.
    EditAgain {
        /// The whole TOML.
        spec: String,
    },
    /// Into the clipboard of the user's terminal (OSC 52).
    Copy(String),
    /// Tell the user.
    Notify(Notice),
    /// Mouse reports on or off.
    CaptureMouse(bool),
    /// Draw everything anew.
    Redraw,
    /// The same, and send all pictures again: the terminal may be another one.
    SendAgain,
    /// Stop this process until the shell continues it.
    Suspend,
    /// End the workbench.
    Quit,
}

/// What a worker can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Hold still.
    Pause,
    /// Go on.
    Resume,
    /// Write a checkpoint.
    Checkpoint,
    /// Write a checkpoint and end.
    Stop,
}
