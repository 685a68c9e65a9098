//! Widgets: plain data and a theme in, cells out. They know no run, no key and no file.

pub mod axis;
pub mod curve;
pub mod dots;
pub mod gauge;
pub mod log;
