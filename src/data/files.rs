//! Finding and reading what a user pointed at. Every failure names the path, says what was expected
//! there and what to do; text from outside never carries control codes into a message.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::text::{escaped, shown};
use crate::error::{Error, Result};

/// The error for a path that could not be opened or read.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let path = shown(path);
    let failure = match error.kind() {
        io::ErrorKind::NotFound => Error::bad_input(format!("{path} does not exist"))
            .hint("check data.path; a relative path starts at the folder glassbox was started in"),
        io::ErrorKind::PermissionDenied => Error::bad_input(format!(
            "no permission to read {path}"
        ))
        .hint("give yourself read permission (chmod u+rX), or copy the data to a place of yours"),
        _ => Error::failed(format!("failed to read {path}: {error}"))
            .hint("check the disk and the connection to it, then start again"),
    };
    failure.caused_by(error)
}

/// Errors unless `path` is a folder; `expected` says what it should hold.
pub(super) fn require_folder(path: &Path, expected: &str) -> Result<()> {
    let found = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if found.is_dir() {
        return Ok(());
    }
    Err(Error::bad_input(format!("{} is a file, expected a folder with {expected}", shown(path)))
        .hint("set data.path to the folder"))
}

/// Errors unless `path` is a file.
pub(super) fn require_file(path: &Path, expected: &str) -> Result<()> {
    let found = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if found.is_file() {
        return Ok(());
    }
    Err(Error::bad_input(format!("{} is a folder, expected {expected}", shown(path)))
        .hint("set data.path to the folder that holds the file itself"))
}

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
}

/// What a folder holds, sorted by name, hidden things left out, and why others had to be left out
/// too: a name that is not UTF-8 cannot go into results and onto the screen and lead back to the
/// file, a link to a folder above has no end. A link that leads nowhere counts as a file.
pub(super) fn list(folder: &Path) -> Result<(Vec<Entry>, Vec<String>)> {
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            left_out.push(format!("the name of {} is not UTF-8", shown(&path)));
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        // Only a link costs a second look at the disk: a folder may hold a million files.
        let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
        let is_folder = if kind.is_symlink() {
            fs::metadata(&path).is_ok_and(|found| found.is_dir())
        } else {
            kind.is_dir()
        };
        if is_folder && kind.is_symlink() && leads_back(&path, folder) {
            left_out.push(format!("{} is a link to a folder above it", shown(&path)));
            continue;
        }
        entries.push(Entry { name, path, is_folder });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    left_out.sort();
    Ok((entries, left_out))
}

fn leads_back(link: &Path, folder: &Path) -> bool {
    let whole = (fs::canonicalize(link), fs::canonicalize(folder));
    matches!(whole, (Ok(target), Ok(folder)) if folder.starts_with(&target))
}

/// Class names from a text file, one a line; empty lines are left out. `None` if there is no file.
pub(super) fn class_names(path: &Path) -> Result<Option<Vec<String>>> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
            Error::bad_input(format!("{} is not UTF-8 text", shown(path)))
                .hint("write one class name a line, in UTF-8")
                .caused_by(error)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error)),
    };
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(escaped).collect();
    if names.is_empty() {
        return Err(Error::bad_input(format!("{} names no class", shown(path)))
            .hint("write one class name a line, or remove the file"));
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_is_named_byte_by_byte() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
        fs::write(folder.path().join(name), b"").unwrap();
        let (entries, left_out) = list(folder.path()).unwrap();
        assert!(entries.is_empty());
        assert!(left_out[0].contains("caf\\xe9.png"), "{left_out:?}");
        assert!(left_out[0].contains("not UTF-8"), "{left_out:?}");
    }

    /// Tests may run as root, whom no permission stops: the operating system's answer is made up.
    #[test]
    fn what_may_not_be_read_is_bad_input_with_the_cure() {
        let error =
            unreadable(Path::new("/secret"), io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(error.kind, Kind::BadInput);
        assert_eq!(error.message, "no permission to read '/secret'");
        assert!(error.hint.unwrap().contains("chmod"));
    }

    #[test]
    fn a_disk_that_fails_is_not_the_users_mistake() {
        let error = unreadable(Path::new("/data"), io::Error::other("I/O error"));
        assert_eq!(error.kind, Kind::Failed);
    }

    #[test]
    fn a_file_in_place_of_a_folder_is_said_so_and_the_other_way_round() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, b"").unwrap();
        let error = require_folder(&file, "images").unwrap_err();
        assert!(error.message.contains("is a file, expected a folder with images"));
        let error = require_file(folder.path(), "labels").unwrap_err();
        assert!(error.message.contains("is a folder, expected labels"));
        let error = require_folder(&folder.path().join("nothing"), "images").unwrap_err();
        assert!(error.message.contains("does not exist"));
        assert_eq!(error.kind, Kind::BadInput);
    }

    #[test]
    fn listing_is_sorted_and_leaves_hidden_things_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.png", "a.png", ".DS_Store"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        fs::create_dir(folder.path().join("c")).unwrap();
        let found: Vec<(String, bool)> =
            list(folder.path()).unwrap().0.into_iter().map(|e| (e.name, e.is_folder)).collect();
        let expected = [("a.png", false), ("b.png", false), ("c", true)];
        assert_eq!(found, expected.map(|(name, is_folder)| (name.to_owned(), is_folder)));
    }
}
