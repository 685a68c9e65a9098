//! `glassbox presets`: what ships, with a line on each.
#![allow(clippy::print_stdout, reason = "a command prints")]

use crate::error::Result;
use crate::spec::PRESETS;

/// Prints one line a preset: its name, and the first comment of its file.
pub fn run() -> Result<()> {
    let longest = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    for preset in PRESETS {
        println!("{:<longest$}  {}", preset.name, preset.summary());
    }
    Ok(())
}
