//! The folders that small workers put their pictures into: `attacks/HOST-PID-NUMBER` in the cache,
//! one a worker, gone with it. Those of a workbench that was killed are swept by a later one.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::run::state::this_host;

/// Makes them.
#[derive(Debug)]
pub(super) struct Pictures {
    root: PathBuf,
    host: String,
    number: u64,
}

impl Pictures {
    /// In this cache folder, which may not be there yet.
    pub(super) fn of(cache: &Path) -> Self {
        Self { root: cache.join("attacks"), host: this_host(), number: 0 }
    }

    /// Removes what is left of workbenches on this host that have ended without doing so. The cache
    /// may be shared with other hosts, whose processes nobody here can see.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| self.owner(name));
            if owner.is_some_and(|pid| !is_alive(pid)) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The process that made the folder of this name, if it was one of this host.
    fn owner(&self, name: &str) -> Option<i32> {
        // From the right: a host's name may hold dashes and numbers itself.
        let (rest, _) = name.rsplit_once('-')?;
        let (host, pid) = rest.rsplit_once('-')?;
        (host == self.host).then(|| pid.parse().ok())?
    }

    /// A new one, which nobody else may read.
    pub(super) fn folder(&mut self) -> std::io::Result<PathBuf> {
        self.number += 1;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.root)?;
        let name = format!("{}-{}-{}", self.host, std::process::id(), self.number);
        let folder = self.root.join(name);
        // Of a process that had this one's number.
        let _ = fs::remove_dir_all(&folder);
        // Not made if something else lies there: somebody's link, in a folder that all share.
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(folder)
    }
}

fn is_alive(pid: i32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_swept_and_no_others() {
        let cache = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::of(cache.path());
        pictures.sweep();
        let own = pictures.folder().unwrap();
        assert_ne!(own, pictures.folder().unwrap());
        let mut dead = std::process::Command::new("true").spawn().unwrap();
        dead.wait().unwrap();
        let host = this_host();
        let folder = |name: String| {
            let path = cache.path().join("attacks").join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("a.png"), "x").unwrap();
            path
        };
        let left = folder(format!("{host}-{}-1", dead.id()));
        // The third is of a host whose name begins with this one's and a number of a dead process.
        let others = [
            folder(format!("else-{}-1", dead.id())),
            folder("notes".into()),
            folder(format!("{host}-{}-4242-1", dead.id())),
        ];
        pictures.sweep();
        assert!(!left.exists());
        assert!(own.exists() && others.iter().all(|path| path.exists()));
        let mode = fs::metadata(own).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o700);
    }
}
