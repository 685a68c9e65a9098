//! Run folders: making, opening, listing, and finding them by what people type.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::info::{FORMAT, RunInfo, Versions};
use super::state::{self, State, Status, this_host};
use super::{reserve, write};
use crate::error::{Error, Result};

/// Longest part of an id that comes from the title.
const SLUG_CHARS: usize = 40;

/// A run folder that is there and that this version understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// What a new run is made from.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// For people, and the middle of the id.
    pub title: &'a str,
    /// The resolved spec, as TOML.
    pub spec: &'a str,
    /// `cpu`, `cuda:0`.
    pub device: &'a str,
    /// The spec's seed.
    pub seed: u64,
    /// The command line.
    pub argv: Vec<String>,
}

/// A run as a list shows it. Broken folders are listed too, with the reason.
#[derive(Debug)]
pub struct Listed {
    /// The folder's name.
    pub id: String,
    /// What is known of it.
    pub run: Result<(RunFolder, RunInfo, State, Status)>,
}

impl RunFolder {
    /// Makes a run folder under `root`: `run.json`, `spec.toml`, `state.json` (`queued`).
    ///
    /// It appears under its name only when all three are in it, with room for the worker to say that
    /// there is none.
    pub fn create(root: &Path, run: &NewRun<'_>) -> Result<Self> {
        Self::create_member(root, run, None)
    }

    /// The same for a run that belongs to the study of this id.
    pub fn create_member(root: &Path, run: &NewRun<'_>, study: Option<&str>) -> Result<Self> {
        write::folder(root)?;
        let slug = slug(run.title);
        for _ in 0..100 {
            let now = jiff::Zoned::now();
            // The part of the second: keeps two runs of one second apart, and in their order.
            let part = (i64::from(now.subsec_nanosecond()) << 16) / 1_000_000_000;
            // Universal time: in the hour that clocks go through twice, later ids still come later.
            let stamp = now.with_time_zone(jiff::tz::TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
            let id = format!("{stamp}-{slug}-{part:04x}");
            let path = root.join(&id);
            if path.exists() {
                continue;
            }
            let making = root.join(format!("{}{id}", write::SCRATCH_PREFIX));
            let info = RunInfo {
                id,
                title: run.title.to_owned(),
                created: now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
                versions: Versions { format: FORMAT, glassbox: env!("CARGO_PKG_VERSION").into() },
                host: this_host(),
                device: run.device.to_owned(),
                argv: run.argv.clone(),
                seed: run.seed,
                study: study.map(str::to_owned),
            };
            write::folder_with(&path, &making, |making| {
                write::whole(&making.join("run.json"), &state::to_json(&info)?)?;
                write::whole(&making.join("spec.toml"), run.spec.as_bytes())?;
                State::queued(Some("its worker has not started yet".into())).write(making)?;
                reserve::keep(making)?;
                write::folder(&making.join("checkpoints"))?;
                write::folder(&making.join("results"))
            })?;
            return Ok(Self { path });
        }
        Err(Error::failed(format!("failed to find a free name in '{}'", root.display())))
    }

    /// Opens a run folder. Errors: not a run folder, or one of a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_owned() };
        folder.info()?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name.
    pub fn id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// `run.json`.
    pub fn info(&self) -> Result<RunInfo> {
        /// Read first, since a newer `run.json` may have another shape.
        #[derive(Deserialize)]
        struct Version {
            versions: VersionFormat,
        }
        #[derive(Deserialize)]
        struct VersionFormat {
            format: u32,
            #[serde(default)]
            glassbox: String,
        }
        let path = self.path.join("run.json");
        let text = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::bad_input(format!(
                "'{}' is not a run folder: it has no run.json",
                self.path.display()
            ))
            .hint("list the runs with: glassbox runs"),
            _ => write::failed("read", &path, &error),
        })?;
        let broken = |error: serde_json::Error| {
            Error::failed(format!("failed to read '{}': {error}", path.display()))
                .hint("the file is damaged; everything else in the folder may be whole")
        };
        let version: Version = serde_json::from_slice(&text).map_err(broken)?;
        if version.versions.format > FORMAT {
            return Err(Error::bad_input(format!(
                "run '{}' was written by glassbox {} in format {}; this version reads up to {FORMAT}",
                self.id(),
                version.versions.glassbox,
                version.versions.format,
            ))
            .hint("open it with a newer glassbox"));
        }
        serde_json::from_slice(&text).map_err(broken)
    }

    /// `state.json`.
    pub fn state(&self) -> Result<State> {
        State::read(&self.path)
    }

    /// `state.json`, and its status with `lost` concluded.
    pub fn status(&self) -> Result<(State, Status)> {
        let state = self.state()?;
        let status =
            state.conclude(state::now(), &this_host(), |pid| state::is_worker(pid, &self.path));
        Ok((state, status))
    }

    /// `spec.toml`.
    pub fn spec(&self) -> Result<String> {
        let path = self.path.join("spec.toml");
        fs::read_to_string(&path).map_err(|error| write::failed("read", &path, &error))
    }

    /// Reads one of `results/*.json`; `None` when its stage is not done.
    pub fn result<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path.join("results").join(format!("{name}.json"));
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(write::failed("read", &path, &error)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| Error::failed(format!("failed to read '{}': {error}", path.display())))
    }

    /// The runs under `root`, newest first; those of a study stand below it, in their order. A root
    /// that is not there has none.
    pub fn list(root: &Path) -> Result<Vec<Listed>> {
        let mut ids = ids(root)?;
        ids.sort_unstable_by(|a, b| age(b).cmp(&age(a)));
        let listed = ids.into_iter().map(|id| {
            let run = Self::open_all(&root.join(&id));
            Listed { id, run }
        });
        Ok(super::study::below_their_study(listed.collect()))
    }

    fn open_all(path: &Path) -> Result<(Self, RunInfo, State, Status)> {
        let folder = Self { path: path.to_owned() };
        let info = folder.info()?;
        let (state, status) = folder.status()?;
        Ok((folder, info, state, status))
    }

    /// Finds what people type: an id, a unique prefix of one, the short name that the workbench shows
    /// (the id without date and time) or a unique prefix of that, `last`, or a path to a run folder.
    /// `last` is no run of a study, but the study.
    pub fn resolve(root: &Path, word: &str) -> Result<Self> {
        // It would be the beginning of every id.
        if word.is_empty() {
            return Err(Error::bad_input("no run is named: the word for it is empty")
                .hint("name an id, the beginning of one, or 'last'"));
        }
        if word.contains(std::path::MAIN_SEPARATOR) {
            return Self::open(Path::new(word));
        }
        let mut ids = ids(root)?;
        ids.sort_unstable_by(|a, b| age(a).cmp(&age(b)));
        if word == "last" {
            // What lies there beside runs (`lost+found`, somebody's notes) is nobody's last run.
            // One that a study made is a part of the work that somebody started: that is the study.
            let is_run = |id: &&String| {
                let path = root.join(id);
                path.join("run.json").exists() && !super::study::is_part(root, &path)
            };
            let last = ids.iter().rev().find(is_run).ok_or_else(|| {
                Error::bad_input(format!("there are no runs in '{}'", root.display()))
                    .hint("start one with: glassbox run quickstart")
            })?;
            return Self::open(&root.join(last));
        }
        if ids.iter().any(|id| id == word) {
            return Self::open(&root.join(word));
        }
        let readings: [fn(&str, &str) -> bool; 3] = [
            |id, word| id.starts_with(word),
            |id, word| short_name(id) == word,
            |id, word| short_name(id).starts_with(word),
        ];
        let find = |reading: &fn(&str, &str) -> bool| -> Vec<&String> {
            ids.iter().filter(|id| reading(id, word)).collect()
        };
        let matching =
            readings.iter().map(find).find(|found| !found.is_empty()).unwrap_or_default();
        match matching.as_slice() {
            [id] => Self::open(&root.join(id)),
            [] => {
                let nearest = ids
                    .iter()
                    .max_by(|a, b| {
                        strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word))
                    })
                    .map(|id| format!(", nearest is '{id}'"))
                    .unwrap_or_default();
                Err(Error::bad_input(format!("there is no run '{word}'{nearest}"))
                    .hint("list the runs with: glassbox runs"))
            }
            several => {
                let names: Vec<&str> = several.iter().take(5).map(|id| id.as_str()).collect();
                Err(Error::bad_input(format!(
                    "'{word}' could be {} runs: {}{}",
                    several.len(),
                    names.join(", "),
                    if several.len() > 5 { ", …" } else { "" }
                ))
                .hint("type more of the id"))
            }
        }
    }
}

/// Where a file lies that a results file of the run in `folder` names. `None`: the name leads out of
/// the folder. Run folders come from anywhere, and what they name is opened.
pub fn inside(folder: &Path, relative: &str) -> Option<PathBuf> {
    let path = Path::new(relative);
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    (stays && !relative.is_empty()).then(|| folder.join(path))
}

/// Names of the run folders under `root`.
fn ids(root: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            let text = format!("'{}' is a file, not a folder of runs", root.display());
            return Err(Error::bad_input(text).hint("check --runs-dir or GLASSBOX_RUNS_DIR"));
        }
        Err(error) => return Err(write::failed("read the runs folder", root, &error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| write::failed("read the runs folder", root, &error))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A link to a folder counts: people move runs to bigger disks.
        if !name.starts_with('.') && entry.path().is_dir() {
            ids.push(name);
        }
    }
    Ok(ids)
}

/// Lower-case ASCII letters, digits and single dashes.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if slug.len() >= SLUG_CHARS {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "run".into() } else { slug.into() }
}

/// An id without its date and time: `quickstart-1035`. Ids of another form as they are.
pub fn short_name(id: &str) -> &str {
    let mut parts = id.splitn(3, '-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(date), Some(time), Some(name))
            if date.len() == 8 && time.len() == 6 && !name.is_empty() =>
        {
            name
        }
        _ => id,
    }
}

/// What ids are sorted by: the second, then the part of it at the end; the title between them says
/// nothing of when.
fn age(id: &str) -> (&str, &str, &str) {
    let second = id.get(..15).unwrap_or(id);
    (second, id.rsplit('-').next().unwrap_or_default(), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(root: &Path, title: &str) -> RunFolder {
        let run = NewRun { title, spec: "seed = 1\n", device: "cpu", seed: 1, argv: vec![] };
        RunFolder::create(root, &run).unwrap()
    }

    #[test]
    fn creates_what_the_design_names() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "AlexNet, feature-consistent");
        assert!(run.id().contains("-alexnet-feature-consistent-"), "{}", run.id());
        assert_eq!(run.info().unwrap().id, run.id());
        assert_eq!(run.state().unwrap().status, Status::Queued);
        assert_eq!(run.spec().unwrap(), "seed = 1\n");
        assert!(run.result::<serde_json::Value>("evaluate").unwrap().is_none());
    }

    #[test]
    fn finds_runs_by_what_people_type() {
        let root = tempfile::tempdir().unwrap();
        assert!(RunFolder::resolve(root.path(), "last").unwrap_err().hint.is_some());
        let run = create(root.path(), "one");
        assert_eq!(RunFolder::resolve(root.path(), "last").unwrap(), run);
        assert_eq!(RunFolder::resolve(root.path(), &run.id()).unwrap(), run);
        assert_eq!(RunFolder::resolve(root.path(), &run.id()[..12]).unwrap(), run);
        let short = short_name(&run.id()).to_owned();
        assert!(short.starts_with("one-") && short.len() == 8, "{short}");
        assert_eq!(RunFolder::resolve(root.path(), &short).unwrap(), run);
        // A title is the beginning of a short name, as long as one run alone has it.
        assert_eq!(RunFolder::resolve(root.path(), "one").unwrap(), run);
        let again = create(root.path(), "one");
        let error = RunFolder::resolve(root.path(), "one").unwrap_err();
        assert!(error.message.contains("could be 2 runs"), "{}", error.message);
        fs::remove_dir_all(again.path()).unwrap();
        // Of two with one short name neither is meant.
        let twin = root.path().join(format!("19991231-000000-{short}"));
        fs::create_dir(&twin).unwrap();
        let error = RunFolder::resolve(root.path(), &short).unwrap_err();
        assert!(error.message.contains("could be 2 runs"), "{}", error.message);
        fs::remove_dir(&twin).unwrap();
        create(root.path(), "two");
        let error = RunFolder::resolve(root.path(), "2").unwrap_err();
        assert!(error.message.contains("2 runs"), "{}", error.message);
        let error = RunFolder::resolve(root.path(), "zzz").unwrap_err();
        assert!(error.message.contains("no run 'zzz'"), "{}", error.message);
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn the_last_run_is_a_run_and_an_empty_word_is_none() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "one");
        for beside in ["lost+found", "zzz"] {
            fs::create_dir(root.path().join(beside)).unwrap();
        }
        assert_eq!(RunFolder::resolve(root.path(), "last").unwrap(), run);
        let error = RunFolder::resolve(root.path(), "").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.hint.unwrap().contains("'last'"));
    }

    #[test]
    fn runs_of_the_same_second_stand_in_the_order_in_which_they_were_made() {
        let root = tempfile::tempdir().unwrap();
        // Titles that fall, so that their order is not the order of the names.
        let made: Vec<String> =
            (0..40).map(|n| create(root.path(), &format!("t{:02}", 40 - n)).id()).collect();
        let last = RunFolder::resolve(root.path(), "last").unwrap();
        assert_eq!(Some(&last.id()), made.last());
        let listed: Vec<String> =
            RunFolder::list(root.path()).unwrap().into_iter().map(|listed| listed.id).collect();
        assert_eq!(listed, made.into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn lists_broken_folders_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        create(root.path(), "whole");
        fs::create_dir(root.path().join("99999999-broken")).unwrap();
        fs::create_dir(root.path().join(".slots")).unwrap();
        let listed = RunFolder::list(root.path()).unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed[0].run.as_ref().unwrap_err().message.contains("not a run folder"));
        assert!(listed[1].run.is_ok());
        assert!(RunFolder::list(&root.path().join("not there")).unwrap().is_empty());
    }

    #[test]
    fn refuses_a_folder_of_the_future() {
        let root = tempfile::tempdir().unwrap();
        let run = create(root.path(), "future");
        let text = r#"{"versions":{"format":99,"glassbox":"7.0.0"},"shape":"unknown"}"#;
        fs::write(run.path().join("run.json"), text).unwrap();
        let error = RunFolder::open(run.path()).unwrap_err();
        assert!(error.message.contains("glassbox 7.0.0"), "{}", error.message);
        assert!(error.hint.unwrap().contains("newer"));
    }

    #[test]
    fn what_a_results_file_names_lies_in_its_folder() {
        let run = Path::new("/runs/a");
        let there = inside(run, "neurons/pictures/dog/000001.png");
        assert_eq!(there, Some(run.join("neurons/pictures/dog/000001.png")));
        for outside in ["/etc/passwd", "../b/x.png", "neurons/../../x.png", "./../x", "..", ""] {
            assert_eq!(inside(run, outside), None, "{outside}");
        }
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("AlexNet, ε = 4!"), "alexnet-4");
        assert_eq!(slug("日本"), "run");
        assert_eq!(slug("../../etc"), "etc");
        assert!(slug(&"x".repeat(500)).len() <= SLUG_CHARS);
    }
}
