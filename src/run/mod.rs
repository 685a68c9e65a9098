//! The run folder (DESIGN §5): the only contract between a worker and whoever watches it.
//! `std::fs` and text formats only; no tensor, no terminal.

pub mod bookmarks;
pub mod control;
pub mod event;
pub mod folder;
pub mod follow;
pub mod history;
pub mod info;
pub mod latest;
pub mod live;
pub mod reserve;
pub mod results;
pub mod shell;
pub mod slots;
pub mod state;
pub mod study;
pub mod tensorboard;
pub mod write;
