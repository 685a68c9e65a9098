//! A worker: executes a spec's stages, writes the run folder. The only folder that sees both the
//! maths and the run folder.

pub mod context;
pub mod plan;
pub mod stage;
