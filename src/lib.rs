//! Glassbox: a terminal workbench for adversarial interpretability research.
//!
//! The map of the house. Data flows one way, `spec → job → run folder → screen`, and every folder
//! may use only what stands below it (`tests/architecture.rs` checks this).
//!
//! | room | what lives there |
//! |---|---|
//! | [`cli`] | one file a command; prints, and nothing else |
//! | [`tui`] | the workbench: screens, widgets, pictures, theme, keymap; reads run folders, starts workers |
//! | [`report`] | tables from results files, for papers and notes |
//! | [`job`] | a worker: executes a spec's stages, writes the run folder |
//! | [`run`] | the run folder: create, append events, read and follow, state, control, slots |
//! | [`spec`] | what a user asks for: TOML, overrides, validation, presets |
//! | [`train`] | the training loop, objective, optimizer, schedule, checkpoint |
//! | [`attack`] | adversarial attacks: a model, images, labels in; images out |
//! | [`neuron`] | what the network's neurons answer to |
//! | [`model`] | architectures, layer taps, weights in and out |
//! | [`data`] | datasets, decoding, transforms, batching ahead |
//! | [`ops`] | the training-grade operators that candle lacks |
//! | [`device`] | choosing and describing a device |
//! | [`settings`] | flags over environment over settings file over defaults; every path |
//! | [`error`] | one error: kind, message, hint; text from outside made fit to be shown |

pub mod attack;
pub mod cli;
pub mod data;
pub mod device;
pub mod error;
pub mod job;
pub mod model;
pub mod neuron;
pub mod ops;
pub mod report;
pub mod run;
pub mod settings;
pub mod spec;
pub mod train;
pub mod tui;
