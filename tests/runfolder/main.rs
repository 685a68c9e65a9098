//! Run folders and real workers: killed, resumed, queued, out of room; and the folders of every
//! version since the first.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod dissected;
mod killed;
mod live;
mod queue;
#[path = "../runs/mod.rs"]
mod runs;
mod study;
mod tensorboard;
mod traced;
mod trouble;
mod versions;
