//! `glassbox completions SHELL`: a completion script on stdout.

use clap_complete::Shell;

use super::print;
use crate::error::{Error, Result};

/// Prints the script for `shell`, made from the command line's own description.
pub fn run(command: clap::Command, shell: Shell) -> Result<()> {
    print::text(&script(command, shell)?)
}

fn script(mut command: clap::Command, shell: Shell) -> Result<String> {
    // Into memory first: clap_complete panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "glassbox", &mut script);
    String::from_utf8(script)
        .map_err(|error| Error::failed("failed to make the completion script").caused_by(error))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use clap::{CommandFactory, ValueEnum};

    use super::super::Cli;
    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_its_flags() {
        for shell in Shell::value_variants() {
            let script = script(Cli::command(), *shell).unwrap();
            for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set())
            {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
            }
            for word in ["tensorboard", "metrics", "readonly", "completions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn bash_can_read_its_script() {
        let bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn();
        let Ok(mut bash) = bash else {
            println!("SKIPPED: no bash to read the script with");
            return;
        };
        let script = script(Cli::command(), Shell::Bash).unwrap();
        bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(bash.wait().unwrap().success());
    }
}
