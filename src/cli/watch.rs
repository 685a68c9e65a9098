//! `glassbox watch`: follows a run in plain lines. Ctrl-C leaves the run alone.

use super::follow::{End, Mouth, follow, verdict};
use super::{print, show};
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;

/// How much of the past is told first.
const LAST_LINES: usize = 10;

/// Follows a run to its end. With `json` the lines go to standard error, and the run as it ended,
/// as for `show`, to standard output.
pub fn run(folder: &RunFolder, json: bool) -> Result<()> {
    let mouth = if json { Mouth::Talk } else { Mouth::Out { last: LAST_LINES } };
    let id = folder.id();
    let end = follow(folder, &mouth, |_| {
        Err(Error::interrupted(format!("run '{id}' goes on; this only stopped watching it")))
    })?;
    let End::Run(status) = end else { return Ok(()) };
    if json {
        print::json(&show::whole(folder)?)?;
    } else {
        print::text(&format!("{}\n", show::standing(&folder.state()?, status)))?;
    }
    verdict(folder, status)
}
