//! The `glassbox` command: parse, dispatch, map an error to an exit code.

#![allow(clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use glassbox::cli::workbench;
use glassbox::error::Error;

/// A terminal workbench for people who study how image classifiers fail.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    workbench: workbench::Flags,
    /// Where runs live
    #[arg(long, value_name = "FOLDER")]
    runs_dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match open(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if let Some(hint) = &error.hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn open(cli: &Cli) -> Result<(), Error> {
    let places = directories::ProjectDirs::from("", "", "glassbox").ok_or_else(|| {
        Error::failed("there is no home folder").hint("set HOME, or give --runs-dir")
    })?;
    let state = places.state_dir().unwrap_or_else(|| places.data_dir());
    let runs_dir = cli.runs_dir.clone().unwrap_or_else(|| places.data_dir().join("runs"));
    let settings = places.config_dir().join("settings.toml");
    let text = std::fs::read_to_string(&settings).ok();
    workbench::run(
        &cli.workbench,
        runs_dir,
        cli.runs_dir.is_some(),
        state.join("glassbox.log"),
        text.map(|text| (settings.display().to_string(), text)),
        Vec::new(),
    )
}
