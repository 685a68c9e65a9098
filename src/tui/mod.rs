//! The workbench: screens, widgets, pictures, theme, keymap. Reads run folders, starts workers, does
//! no maths.

pub mod action;
pub mod app;
pub mod attacks;
pub mod capability;
pub mod effect;
#[cfg(test)]
pub mod fixture;
pub mod glyphs;
pub mod history;
pub mod keymap;
pub mod launcher;
pub mod message;
pub mod number;
pub mod pictures;
pub mod reader;
pub mod screen;
pub use crate::run::shell;
pub mod signals;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod widget;
pub mod workbench;
pub mod world;
