//! `results/*.json`: what a stage leaves behind (DESIGN §5). Plain structs, both directions.

pub mod attack;
pub mod consistency;
pub mod dissect;
pub mod evaluate;
pub mod interval;
pub mod neurons;
pub mod story;
pub mod study;
pub mod trace;
pub mod warning;
