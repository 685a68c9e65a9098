//! Results to standard output. Unlike `println!`, a reader that has gone (`… | head`) is no panic.

use std::io::{self, Write};

use crate::error::{Error, Result};

/// Writes `text` whole.
pub fn text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::failed(format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
