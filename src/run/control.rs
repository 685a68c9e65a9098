//! The other direction: what a watcher asks of a worker, through the file `control`.

use std::fs;
use std::path::Path;

use super::write;
use crate::error::Result;

/// The file's name in the run folder.
const FILE: &str = "control";

/// What can be asked of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Hold still; keep the device.
    Pause,
    /// Go on.
    Resume,
    /// Write a checkpoint now, then go on.
    Checkpoint,
    /// Write a checkpoint after this step, then end.
    Stop,
    /// End now, without a checkpoint.
    StopNow,
}

impl Command {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Pause, "pause"),
        (Self::Resume, "resume"),
        (Self::Checkpoint, "checkpoint"),
        (Self::Stop, "stop"),
        (Self::StopNow, "stop-now"),
    ];

    /// The word in the file.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(command, _)| *command == self).map_or("", |(_, word)| word)
    }
}

/// Asks. A later request replaces one that was not taken yet.
pub fn send(folder: &Path, command: Command) -> Result<()> {
    write::whole(&folder.join(FILE), format!("{}\n", command.word()).as_bytes())
}

/// Whether a scratch file of this name will be a request when it is whole.
pub fn is_request(scratch: &str) -> bool {
    scratch.strip_suffix(FILE).is_some_and(|before| before.ends_with('-'))
}

/// Takes the request, if there is one. Words that are none are taken and ignored, so that a typo
/// in a hand-written file does no harm.
pub fn take(folder: &Path) -> Option<Command> {
    let path = folder.join(FILE);
    // Moved away before it is read, so that a request written meanwhile is not lost.
    let taken = folder.join(format!("{}control", write::SCRATCH_PREFIX));
    fs::rename(&path, &taken).ok()?;
    let text = fs::read_to_string(&taken).ok()?;
    let _ = fs::remove_file(&taken);
    let word = text.trim();
    Command::ALL.iter().find(|(_, known)| *known == word).map(|(command, _)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_scratch_name() {
        assert!(is_request(".tmp-311-0-control"));
        assert!(!is_request(".tmp-311-0-state.json") && !is_request(".tmp-311-0-mycontrol"));
    }

    #[test]
    fn every_request_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(take(folder.path()), None);
        for (command, _) in Command::ALL {
            send(folder.path(), command).unwrap();
            assert_eq!(take(folder.path()), Some(command));
            assert_eq!(take(folder.path()), None);
        }
        fs::write(folder.path().join(FILE), "dance").unwrap();
        assert_eq!(take(folder.path()), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
