//! The `glassbox` command: parse, dispatch, map an error to an exit code.

use std::process::ExitCode;

use clap::Parser;
use glassbox::cli::{self, Cli, print};

/// Keeps freed memory for the next step of training: the system's allocator gives large blocks
/// back and takes fresh pages for every feature map, which costs more than most operators.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::talk(&format!("error: {error}"));
            if let Some(hint) = &error.hint {
                print::talk(&format!("hint: {hint}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}
