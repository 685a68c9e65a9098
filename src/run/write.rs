//! Files that others read while we write them: whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Scratch names start with this; readers skip them, and a resumed run sweeps them away.
pub const SCRATCH_PREFIX: &str = ".tmp-";

static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Puts `bytes` at `path`: written beside it, synced, renamed over it, the folder synced.
///
/// A reader sees the old file or the new one, never half of either, also after `kill -9` at any
/// instant. Needs room for both copies. Errors name the file.
pub fn whole(path: &Path, bytes: &[u8]) -> Result<()> {
    whole_with(path, |scratch| {
        File::create(scratch)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|error| failed("write", path, &error))
    })
}

/// The same for a file that `fill` makes at the path it is given.
pub fn whole_with(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = scratch_for(path)?;
    let written = fill(&scratch).and_then(|()| {
        // File systems that allocate late (NFS over quota, a failing disk) report only here.
        File::open(&scratch)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&scratch, path))
            .map_err(|error| failed("write", path, &error))
    });
    if written.is_err() {
        let _ = fs::remove_file(&scratch);
        return written;
    }
    sync_folder(path.parent().unwrap_or(Path::new(".")));
    Ok(())
}

/// As [`whole`], but not synced: whole after `kill -9`, perhaps lost in a power cut. For many small
/// files that the stage would make again, and whose result file is synced after them.
pub fn whole_unsynced(path: &Path, bytes: &[u8]) -> Result<()> {
    let scratch = scratch_for(path)?;
    let written = fs::write(&scratch, bytes).and_then(|()| fs::rename(&scratch, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&scratch);
        failed("write", path, &error)
    })
}

/// Makes a folder and its parents. Errors name it.
pub fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| failed("make the folder", path, &error))
}

/// Makes the folder `path`, whole or not at all: `fill` fills `making`, a scratch folder beside it,
/// which then gets its name.
pub fn folder_with(
    path: &Path,
    making: &Path,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let made = folder(making).and_then(|()| fill(making)).and_then(|()| {
        fs::rename(making, path).map_err(|error| failed("make the folder", path, &error))
    });
    if made.is_err() {
        let _ = fs::remove_dir_all(making);
    }
    made
}

/// A file-system error as the user sees it: what we did, to which file, and what to do.
pub fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let message = format!("failed to {doing} '{}': {}", path.display(), reason(error));
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Some("make room on the disk, or put the runs elsewhere with --runs-dir, then resume")
        }
        std::io::ErrorKind::PermissionDenied => {
            Some("check who owns the folder, or choose another one with --runs-dir")
        }
        std::io::ErrorKind::ReadOnlyFilesystem => {
            Some("the file system is read-only; choose another folder with --runs-dir")
        }
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Some("check the path; --runs-dir says where runs live")
        }
        _ => None,
    };
    match hint {
        Some(hint) => Error::failed(message).hint(hint),
        None => Error::failed(message),
    }
}

/// An I/O error in words, without the `(os error 28)`.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::StorageFull => "the disk is full".into(),
        std::io::ErrorKind::QuotaExceeded => "the disk quota is used up".into(),
        std::io::ErrorKind::FileTooLarge => "the file would be larger than is allowed".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        std::io::ErrorKind::NotFound => "no such file or folder".into(),
        std::io::ErrorKind::NotADirectory => "a file stands where a folder should be".into(),
        _ => error.to_string(),
    }
}

/// Whether `name` is a scratch file of ours.
pub fn is_scratch(name: &str) -> bool {
    name.starts_with(SCRATCH_PREFIX)
}

fn scratch_for(path: &Path) -> Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::failed(format!("'{}' names no file", path.display())))?
        .to_string_lossy();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    // The ending stays, since some writers choose the format by it.
    Ok(path.with_file_name(format!("{SCRATCH_PREFIX}{}-{serial}-{name}", std::process::id())))
}

/// So that the rename itself survives a power cut. Not every file system can; none needs it to be
/// whole after `kill -9`.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(path) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_old_file_when_filling_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        whole(&path, b"old").unwrap();
        let error = whole_with(&path, |scratch| {
            fs::write(scratch, b"half").unwrap();
            Err(Error::failed("no"))
        });
        assert!(error.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "scratch file left behind");
    }

    #[test]
    fn leaves_nothing_of_a_folder_that_could_not_be_filled() {
        let root = tempfile::tempdir().unwrap();
        let (path, making) = (root.path().join("run"), root.path().join(".tmp-run"));
        let full = |making: &Path| {
            whole(&making.join("run.json"), b"{}")?;
            Err(Error::failed("the disk is full"))
        };
        assert!(folder_with(&path, &making, full).is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        folder_with(&path, &making, |making| whole(&making.join("run.json"), b"{}")).unwrap();
        assert!(path.join("run.json").exists() && !making.exists());
    }

    #[test]
    fn what_the_disk_says_is_told_with_what_to_do() {
        use std::io::{Error, ErrorKind};
        for (kind, words, hint) in [
            (ErrorKind::ReadOnlyFilesystem, "the file system is read-only", "another folder"),
            (ErrorKind::StorageFull, "the disk is full", "make room"),
            (ErrorKind::QuotaExceeded, "quota", "make room"),
            (ErrorKind::PermissionDenied, "permission denied", "who owns"),
            (ErrorKind::NotADirectory, "a file stands", "check the path"),
        ] {
            let error = failed("write", Path::new("/runs/state.json"), &Error::from(kind));
            assert_eq!(error.exit_code(), 1);
            assert!(error.message.contains("'/runs/state.json'"), "{}", error.message);
            assert!(error.message.contains(words), "{}", error.message);
            assert!(error.hint.unwrap().contains(hint), "{kind:?}");
        }
    }

    #[test]
    fn names_the_file_that_cannot_be_written() {
        let error = whole(Path::new("/nowhere/at/all/state.json"), b"x").unwrap_err();
        assert!(error.message.contains("/nowhere/at/all/state.json"), "{}", error.message);
    }
}
