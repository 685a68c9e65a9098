//! The workbench: screens, widgets, pictures, theme, keymap. Reads run folders, starts workers, does
//! no maths.

pub mod history;
pub mod number;
pub mod theme;
pub mod widget;
pub mod world;
