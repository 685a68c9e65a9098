//! `glassbox completions SHELL`: a completion script on stdout.

use clap_complete::Shell;

use super::print;
use crate::error::{Error, Result};

/// Prints the script for `shell`, made from the command line's own description.
pub fn run(mut command: clap::Command, shell: Shell) -> Result<()> {
    // Into memory first: clap_complete panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "glassbox", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Error::failed("failed to make the completion script").caused_by(error))?;
    print::text(&script)
}
