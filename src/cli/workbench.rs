//! `glassbox`: the workbench, full screen.

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::tui::workbench::{self, Options};

/// Opens it. `readonly` starts and stops nothing; `problem` is what is wrong with the settings file,
/// if that could not be used.
pub fn run(settings: &Settings, readonly: bool, problem: Option<Error>) -> Result<()> {
    let options = Options {
        runs_dir: settings.runs_dir()?.to_owned(),
        runs_dir_is_given: settings.runs_dir_is_given,
        log_file: settings.log_file(),
        cache: settings.cache(),
        readonly,
        ascii: settings.ascii,
        no_mouse: !settings.mouse,
        images: settings.images.clone(),
        patience: settings.patience,
        theme: settings.theme.clone(),
        themes: settings.themes(),
        settings: settings
            .file
            .as_ref()
            .map(|file| (file.path.display().to_string(), file.text.clone())),
        problem: problem.map(|error| match error.hint {
            Some(hint) => format!("{} ({hint})", error.message),
            None => error.message,
        }),
    };
    workbench::run(&options)
}
