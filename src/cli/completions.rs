//! `glassbox completions SHELL`: a completion script on stdout.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::error::{Error, Result};

/// Prints the script for `shell`, made from the command line's own description.
pub fn run(mut command: clap::Command, shell: Shell) -> Result<()> {
    // Into memory first: clap_complete panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "glassbox", &mut script);
    match io::stdout().lock().write_all(&script) {
        // `glassbox completions zsh | head` is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::failed("failed to write the completion script").caused_by(error))
        }
        _ => Ok(()),
    }
}
