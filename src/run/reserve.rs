//! Room for a worker's last word. A run that meets a full disk must still be able to say so, or it
//! looks as if its worker had vanished: a file is kept beside the state, to be given up for it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::write;
use crate::error::Result;

/// The file's name in the run folder.
const FILE: &str = ".reserve";

/// A state and the scratch file it is written as, on file systems of large blocks too.
const BYTES: usize = 64 << 10;

/// Keeps room in a run folder. Errors where there is none.
pub fn keep(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    let kept = File::create(&path).and_then(|mut file| {
        // No zeros: some file systems store none of them.
        file.write_all(&vec![0x5a; BYTES])?;
        file.sync_all()
    });
    kept.map_err(|error| write::failed("write", &path, &error))
}

/// Gives the room up, if there is any.
pub fn give_up(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE));
}
