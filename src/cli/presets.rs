//! `glassbox presets`: what ships, with a line on each.

use std::fmt::Write as _;

use super::print;
use crate::error::Result;
use crate::spec::PRESETS;

/// Prints one line a preset: its name, and the first comment of its file.
pub fn run() -> Result<()> {
    let longest = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or(0);
    let mut lines = String::new();
    for preset in PRESETS {
        let _ = writeln!(lines, "{:<longest$}  {}", preset.name, preset.summary());
    }
    print::text(&lines)
}
