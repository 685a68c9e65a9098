//! Follows a run folder from outside. Never writes to it.
//!
//! Polls: inotify sees no writes over NFS, and a run folder may lie on one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::event::Event;

/// Most that one poll reads of a file, so that a huge history arrives in bites.
const BITE: u64 = 4 << 20;

/// What is new since the last poll.
#[derive(Debug, Default)]
pub struct Update {
    /// New lines of `events.jsonl`.
    pub events: Vec<Event>,
    /// New lines of `log.txt`.
    pub log: Vec<String>,
    /// Whole lines of `events.jsonl` that are no events (of a newer version, or damaged).
    pub unreadable: usize,
    /// The files were replaced or cut: everything seen before is void.
    pub restarted: bool,
    /// There is more to read right now.
    pub more: bool,
}

/// Remembers how far it has read.
#[derive(Debug)]
pub struct Follower {
    events: Tail,
    log: Tail,
}

impl Follower {
    /// Follows the run folder at `path` from its beginning.
    pub fn new(path: &Path) -> Self {
        Self { events: Tail::new(path.join("events.jsonl")), log: Tail::new(path.join("log.txt")) }
    }

    /// Reads what has come since. Files that are not there yet give nothing.
    pub fn poll(&mut self) -> Update {
        // Both, since a reader that is told so forgets all that it had of either.
        let restarted = self.events.has_shrunk() || self.log.has_shrunk();
        if restarted {
            self.events.restart();
            self.log.restart();
        }
        let mut update = Update { restarted, ..Update::default() };
        self.events.read(&mut update.more, |line| match serde_json::from_slice(line) {
            Ok(event) => update.events.push(event),
            Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
            Err(_) => update.unreadable += 1,
        });
        self.log.read(&mut update.more, |line| {
            update.log.push(String::from_utf8_lossy(line).into_owned());
        });
        update
    }
}

/// One file that only grows, line by line.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    /// Where the first line begins that was not handed out. Never inside a line: a worker that
    /// resumes cuts off the half line that a kill has left, and writes another in its place.
    offset: u64,
    /// What one poll reads.
    bite: u64,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, bite: BITE }
    }

    fn has_shrunk(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() < self.offset)
    }

    fn restart(&mut self) {
        self.offset = 0;
        self.bite = BITE;
    }

    /// Hands every new whole line to `each`.
    fn read(&mut self, more: &mut bool, mut each: impl FnMut(&[u8])) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let Ok(length) = file.metadata().map(|metadata| metadata.len()) else { return };
        if length <= self.offset || file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut bytes = Vec::new();
        if file.take(self.bite).read_to_end(&mut bytes).is_err() {
            return;
        }
        *more |= self.offset + (bytes.len() as u64) < length;
        let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') else {
            // A line longer than the bite: a larger one next time.
            if bytes.len() as u64 == self.bite {
                self.bite = self.bite.saturating_mul(2);
            }
            return;
        };
        self.bite = BITE;
        self.offset += end as u64 + 1;
        bytes[..end].split(|&byte| byte == b'\n').for_each(&mut each);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_lines(
            lines in proptest::collection::vec("[a-zé]{0,12}", 0..12),
            cuts in proptest::collection::vec(0usize..200, 0..12),
        ) {
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log.txt");
            let mut tail = Tail::new(path.clone());
            // So small that lines are longer, and grows.
            tail.bite = 3;
            let mut seen = Vec::new();
            for to in cuts {
                std::fs::write(&path, &text.as_bytes()[..to]).unwrap();
                let mut more = true;
                while std::mem::take(&mut more) {
                    tail.read(&mut more, |line| {
                        seen.push(String::from_utf8(line.to_vec()).unwrap());
                    });
                }
            }
            prop_assert_eq!(seen, lines);
        }
    }

    #[test]
    fn waits_for_the_end_of_a_line_and_skips_what_it_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut follower = Follower::new(folder.path());
        assert!(follower.poll().events.is_empty());
        std::fs::write(&path, "{\"t\":1.0,\"stage\":\"train\",\"step\":1,\"metr").unwrap();
        assert!(follower.poll().events.is_empty());
        let whole =
            "{\"t\":1.0,\"stage\":\"train\",\"step\":1,\"metrics\":{\"loss\":0.5}}\nnonsense\n";
        std::fs::write(&path, whole).unwrap();
        let update = follower.poll();
        assert_eq!(update.events.len(), 1);
        assert_eq!(update.events[0].metrics["loss"], 0.5);
        assert_eq!(update.unreadable, 1);
        assert!(follower.poll().events.is_empty());
    }

    #[test]
    fn starts_again_when_the_file_has_shrunk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let mut follower = Follower::new(folder.path());
        assert_eq!(follower.poll().log, ["one", "two"]);
        std::fs::write(&path, "new\n").unwrap();
        let update = follower.poll();
        assert!(update.restarted);
        assert_eq!(update.log, ["new"]);
    }

    #[test]
    fn when_one_file_has_shrunk_both_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (events, log) = (folder.path().join("events.jsonl"), folder.path().join("log.txt"));
        let event = "{\"t\":1.0,\"stage\":\"train\",\"step\":1,\"metrics\":{\"loss\":0.5}}\n";
        std::fs::write(&events, event).unwrap();
        std::fs::write(&log, "one\ntwo\n").unwrap();
        let mut follower = Follower::new(folder.path());
        follower.poll();
        std::fs::write(&log, "one\n").unwrap();
        let update = follower.poll();
        assert!(update.restarted);
        assert_eq!((update.events.len(), update.log.len()), (1, 1));
        std::fs::write(&events, "").unwrap();
        let update = follower.poll();
        assert!(update.restarted);
        assert_eq!((update.events.len(), update.log.len()), (0, 1));
    }

    #[test]
    fn a_half_line_that_was_cut_off_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        std::fs::write(&path, "one\nhalf a li").unwrap();
        let mut follower = Follower::new(folder.path());
        assert_eq!(follower.poll().log, ["one"]);
        // Cut off, and grown over what was there, between two looks.
        std::fs::write(&path, "one\nanother line, longer\n").unwrap();
        let update = follower.poll();
        assert!(!update.restarted);
        assert_eq!(update.log, ["another line, longer"]);
    }
}
