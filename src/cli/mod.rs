//! One file a command; prints, and nothing else.

pub mod check;
pub mod completions;
pub mod doctor;
pub mod presets;
pub mod print;
pub mod view;
pub mod workbench;
