//! `glassbox watch`: follows a run in plain lines. Ctrl-C leaves the run alone.

use super::follow::{End, Mouth, follow, verdict};
use super::{print, show};
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::tui::glyphs::Glyphs;
use crate::tui::text;

/// How much of the past is told first.
const LAST_LINES: usize = 10;

/// Follows a run to its end. With `json` the lines go to standard error, and the run as it ended,
/// as for `show`, to standard output.
pub fn run(folder: &RunFolder, glyphs: Glyphs, json: bool) -> Result<()> {
    let mouth = if json { Mouth::talk(glyphs) } else { Mouth::out(LAST_LINES, glyphs) };
    let id = folder.id();
    let end = follow(folder, &mouth, |_| {
        Err(Error::interrupted(format!("run '{id}' goes on; this only stopped watching it")))
    })?;
    let End::Run(status) = end else { return Ok(()) };
    if json {
        print::json(&show::whole(folder)?)?;
    } else {
        let standing = show::standing(&folder.state()?, status);
        print::text(&format!("{}\n", glyphs.text(&text::clean(&standing))))?;
    }
    verdict(folder, status)
}
