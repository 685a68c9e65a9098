//! `glassbox`: the workbench, full screen.

use std::path::PathBuf;

use clap::Args;

use crate::error::Result;
use crate::tui::workbench::{self, Options};

/// How the workbench looks and what it may do.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Start and stop nothing
    #[arg(long)]
    pub readonly: bool,
    /// Draw without Unicode
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
    /// dark, light, high-contrast, or a file of the themes folder [default: what suits the terminal]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
}

/// Opens it. `settings` is the settings file's name and text.
pub fn run(
    flags: &Flags,
    runs_dir: PathBuf,
    runs_dir_is_given: bool,
    log_file: PathBuf,
    settings: Option<(String, String)>,
    themes: Vec<(String, String)>,
) -> Result<()> {
    let options = Options {
        runs_dir,
        runs_dir_is_given,
        log_file,
        readonly: flags.readonly,
        ascii: flags.ascii,
        no_mouse: flags.no_mouse,
        theme: flags.theme.clone(),
        themes,
        settings,
        problem: None,
    };
    workbench::run(&options)
}
