//! Lines that come in while an answer is being made: a newer one takes the place of an older one
//! that still waits.

use std::io::BufRead;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};

/// The newest line that nobody has taken yet.
pub(super) struct Questions(Arc<Slot>);

#[derive(Default)]
struct Slot {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    line: Option<String>,
    ended: bool,
    /// Nobody is to be called any more.
    over: bool,
}

impl Slot {
    // A panic elsewhere leaves a line, which is still a line.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Questions {
    /// Reads `input` on a thread of its own until it ends, then calls `ended`.
    pub(super) fn read(
        mut input: impl BufRead + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> Result<Self> {
        let slot = Arc::new(Slot::default());
        let theirs = Arc::clone(&slot);
        let read = move || {
            let mut line = Vec::new();
            // Input that cannot be read has ended.
            while input.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                theirs.lock().line = Some(String::from_utf8_lossy(&line).trim().to_owned());
                theirs.changed.notify_one();
                line.clear();
            }
            let mut waiting = theirs.lock();
            waiting.ended = true;
            theirs.changed.notify_one();
            // Called with the lock: whoever forgets it knows that it was not called, and will not be.
            if !waiting.over {
                ended();
            }
        };
        let started = std::thread::Builder::new().name("questions".into()).spawn(read);
        started.map_err(|error| Error::failed(format!("failed to start a thread: {error}")))?;
        Ok(Self(slot))
    }

    /// From now on an end of the input calls nobody.
    pub(super) fn forget_ended(&self) {
        self.0.lock().over = true;
    }

    /// Waits for a line; `None` = there are no more.
    pub(super) fn next(&self) -> Option<String> {
        let mut waiting = self.0.lock();
        loop {
            if let Some(line) = waiting.line.take() {
                return Some(line);
            }
            if waiting.ended {
                return None;
            }
            waiting = self.0.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_newest_line_replaces_those_that_wait_and_the_end_is_told() {
        let (input, mut pen) = std::io::pipe().unwrap();
        let (send, ended) = mpsc::channel();
        let questions =
            Questions::read(BufReader::new(input), move || send.send(()).unwrap()).unwrap();
        pen.write_all(b"first\n").unwrap();
        assert_eq!(questions.next().as_deref(), Some("first"));
        pen.write_all(b"second\nthird\r\nf\xffurth").unwrap();
        assert!(ended.try_recv().is_err());
        drop(pen);
        ended.recv().unwrap();
        assert_eq!(questions.next().as_deref(), Some("f\u{fffd}urth"));
        assert_eq!(questions.next(), None);
    }

    #[test]
    fn an_end_that_is_forgotten_calls_nobody() {
        let (input, pen) = std::io::pipe().unwrap();
        let (send, ended) = mpsc::channel::<()>();
        let questions =
            Questions::read(BufReader::new(input), move || send.send(()).unwrap()).unwrap();
        questions.forget_ended();
        drop(pen);
        assert_eq!(questions.next(), None);
        // The sender is gone with the thread, and has sent nothing.
        assert!(ended.recv().is_err());
    }
}
