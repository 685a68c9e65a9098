//! The command line as scripts and people rely on it: exit codes, one JSON value, plain lines.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod concepts;
mod damaged;
mod detector;
mod figures;
mod input;
mod neurons;
mod output;
mod predict;
#[path = "../runs/mod.rs"]
mod runs;
mod silent;
mod stages;
mod steering;
mod study;
mod table1;
mod table2;
mod terminal;
mod trace;
mod training;
