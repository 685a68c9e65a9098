//! Flags over environment over settings file over defaults; every path.
//!
//! Reads only: nothing is ever written into the user's configuration folder.

mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::text::{printable, shown};
use crate::error::{Error, Result};

/// What the command line says. It wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--runs-dir`
    pub runs_dir: Option<PathBuf>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--theme`
    pub theme: Option<String>,
    /// `--images`
    pub images: Option<String>,
    /// `--no-mouse`
    pub no_mouse: bool,
    /// `--ascii`
    pub ascii: bool,
}

/// The user's folders, by the system's own convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The settings file and themes; only ever read.
    pub config: PathBuf,
    /// What may be deleted at any time.
    pub cache: PathBuf,
    /// The program's own log.
    pub state: PathBuf,
    /// Runs, unless they are elsewhere.
    pub data: PathBuf,
}

impl Folders {
    /// Those of this user; `None` where there is no home folder.
    pub fn here() -> Option<Self> {
        let places = directories::ProjectDirs::from("", "", "glassbox")?;
        Some(Self {
            config: places.config_dir().to_owned(),
            cache: places.cache_dir().to_owned(),
            // Only Linux has a folder for state.
            state: places.state_dir().unwrap_or_else(|| places.data_dir()).to_owned(),
            data: places.data_dir().to_owned(),
        })
    }
}

/// The settings file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, for the keymap to read its `keys` from.
    pub text: String,
}

/// What holds, from all four sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    runs_dir: Option<PathBuf>,
    /// Whether somebody said where runs live: then commands that are copied say it, too.
    pub runs_dir_is_given: bool,
    /// A theme's name; `None` = what suits the terminal.
    pub theme: Option<String>,
    /// How pictures are drawn; `auto` = what suits the terminal.
    pub images: String,
    /// How long the terminal may take to say what it can.
    pub patience: Duration,
    /// Whether the workbench takes the mouse.
    pub mouse: bool,
    /// Whether the workbench draws without Unicode.
    pub ascii: bool,
    /// How many runs may use one device at a time, at least 1.
    pub slots: usize,
    /// Whether runs whose spec does not say it write TensorBoard's event files.
    pub tensorboard: bool,
    /// `None` where there is no home folder.
    pub folders: Option<Folders>,
    /// `None` where there is no such file.
    pub file: Option<SettingsFile>,
}

impl Settings {
    /// The settings of this process.
    pub fn load(flags: &Flags) -> Result<Self> {
        Self::from(flags, |name| std::env::var_os(name), Folders::here())
    }

    /// The same without the settings file: the workbench opens even when that is wrong.
    pub fn without_file(flags: &Flags) -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name);
        Self::lay(flags, &variable, Folders::here(), None, &file::Values::default())
    }

    fn from(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<OsString>,
        folders: Option<Folders>,
    ) -> Result<Self> {
        let given = flags.config.clone().or_else(|| path_in(&variable, "GLASSBOX_CONFIG"));
        let must_exist = given.is_some();
        let path = given.or_else(|| Some(folders.as_ref()?.config.join("config.toml")));
        let file = path.map(|path| read(path, must_exist)).transpose()?.flatten();
        let values = match &file {
            Some(file) => file::Values::parse(&file.path, &file.text)?,
            None => file::Values::default(),
        };
        Self::lay(flags, &variable, folders, file, &values)
    }

    fn lay(
        flags: &Flags,
        variable: &impl Fn(&str) -> Option<OsString>,
        folders: Option<Folders>,
        file: Option<SettingsFile>,
        values: &file::Values,
    ) -> Result<Self> {
        let given = flags.runs_dir.clone().or_else(|| path_in(variable, "GLASSBOX_RUNS_DIR"));
        let given = given.map(|path| absolute(&path)).transpose()?.or(values.runs_dir.clone());
        let runs_dir_is_given = given.is_some();
        let theme = flags.theme.clone().or(word_in(variable, "GLASSBOX_THEME")?);
        let images = match &flags.images {
            Some(images) => Some(images.clone()),
            None => word_in(variable, "GLASSBOX_IMAGES")?,
        };
        if let Some(images) = &images {
            file::check_images(images).map_err(|what| {
                Error::bad_input(format!("GLASSBOX_IMAGES = '{}': {what}", printable(images)))
            })?;
        }
        let answer = word_in(variable, "GLASSBOX_ANSWER_MS")?
            .map(|word| {
                let number = word.parse().ok().and_then(file::check_answer);
                number.ok_or_else(|| wrong("GLASSBOX_ANSWER_MS", &word, file::ANSWER))
            })
            .transpose()?;
        let slots = word_in(variable, "GLASSBOX_SLOTS")?
            .map(|word| {
                word.parse().ok().filter(|slots| *slots > 0).ok_or_else(|| {
                    wrong("GLASSBOX_SLOTS", &word, "a number of runs a device, from 1")
                })
            })
            .transpose()?;
        Ok(Self {
            runs_dir: given.or_else(|| Some(folders.as_ref()?.data.join("runs"))),
            runs_dir_is_given,
            theme: theme.or_else(|| values.theme.clone()),
            images: images.or_else(|| values.images.clone()).unwrap_or_else(|| "auto".into()),
            patience: Duration::from_millis(answer.or(values.answer_ms).unwrap_or(200)),
            mouse: !flags.no_mouse
                && yes_in(variable, "GLASSBOX_MOUSE")?.or(values.mouse).unwrap_or(true),
            ascii: flags.ascii
                || yes_in(variable, "GLASSBOX_ASCII")?.or(values.ascii).unwrap_or(false),
            slots: slots.or(values.slots).unwrap_or(1),
            tensorboard: yes_in(variable, "GLASSBOX_TENSORBOARD")?
                .or(values.tensorboard)
                .unwrap_or(false),
            folders,
            file,
        })
    }

    /// Where runs live. Bad input where neither the user nor the system says it.
    pub fn runs_dir(&self) -> Result<&Path> {
        self.runs_dir.as_deref().ok_or_else(|| {
            Error::bad_input("there is no home folder, so there is no place for runs")
                .hint("say where runs live: --runs-dir FOLDER, or GLASSBOX_RUNS_DIR=FOLDER")
        })
    }

    /// Where the workbench reports a panic: beside the system's other logs of this user, or in the
    /// temporary folder where there is no home.
    pub fn log_file(&self) -> PathBuf {
        let folder = self.folders.as_ref().map(|folders| folders.state.clone());
        folder.unwrap_or_else(std::env::temp_dir).join("glassbox.log")
    }

    /// Where files go that may be deleted at any time: a folder of this user's in the temporary one
    /// where there is no home.
    pub fn cache(&self) -> PathBuf {
        let own = || format!("glassbox-{}", rustix::process::geteuid().as_raw());
        let folder = self.folders.as_ref().map(|folders| folders.cache.clone());
        folder.unwrap_or_else(|| std::env::temp_dir().join(own()))
    }

    /// The user's own themes, `themes/*.toml` beside the settings file: name and text.
    pub fn themes(&self) -> Vec<(String, String)> {
        let Some(folders) = &self.folders else { return Vec::new() };
        let Ok(entries) = std::fs::read_dir(folders.config.join("themes")) else {
            return Vec::new();
        };
        let mut themes: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "toml"))
            .filter_map(|entry| {
                let name = entry.path().file_stem()?.to_str()?.to_owned();
                Some((name, std::fs::read_to_string(entry.path()).ok()?))
            })
            .collect();
        themes.sort();
        themes
    }
}

fn read(path: PathBuf, must_exist: bool) -> Result<Option<SettingsFile>> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(SettingsFile { path, text })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => {
            let shown = shown(&path);
            Err(Error::bad_input(format!("failed to read the settings file {shown}: {error}"))
                .hint("--config FILE reads another one"))
        }
    }
}

/// Workers run in another folder, and a copied command may too.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| {
        Error::bad_input(format!("{} cannot be the runs folder: {error}", shown(path)))
    })
}

/// Variables that are set to nothing count as not set.
fn path_in(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn word_in(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<String>> {
    variable(name)
        .filter(|value| !value.is_empty())
        .map(|value| {
            value
                .into_string()
                .map_err(|value| wrong(name, &value.to_string_lossy(), "text in UTF-8"))
        })
        .transpose()
}

fn yes_in(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<bool>> {
    word_in(variable, name)?
        .map(|word| match word.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(wrong(name, &word, "1 or 0")),
        })
        .transpose()
}

fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::bad_input(format!("{name} = '{}', expected {expected}", printable(value)))
}

#[cfg(test)]
mod tests;
