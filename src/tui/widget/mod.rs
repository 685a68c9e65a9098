//! Widgets: plain data and a theme in, cells out. They know no run, no key and no file.

pub mod axis;
pub mod curve;
pub mod dialog;
pub mod dots;
pub mod field;
pub mod footer;
pub mod gauge;
pub mod grid;
pub mod header;
pub mod list;
pub mod log;
pub mod palette;
pub mod scale;
pub mod toast;
