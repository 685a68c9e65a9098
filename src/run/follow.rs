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
        let mut update = Update::default();
        update.restarted |=
            self.events.read(&mut update.more, |line| match serde_json::from_slice(line) {
                Ok(event) => update.events.push(event),
                Err(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Err(_) => update.unreadable += 1,
            });
        update.restarted |= self.log.read(&mut update.more, |line| {
            update.log.push(String::from_utf8_lossy(line).into_owned());
        });
        update
    }
}

/// One file that only grows, line by line.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    offset: u64,
    /// The beginning of a line whose end has not come yet.
    half: Vec<u8>,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, half: Vec::new() }
    }

    /// Hands every new whole line to `each`. Returns whether the file had shrunk.
    fn read(&mut self, more: &mut bool, mut each: impl FnMut(&[u8])) -> bool {
        let Ok(mut file) = File::open(&self.path) else { return false };
        let Ok(length) = file.metadata().map(|metadata| metadata.len()) else { return false };
        let restarted = length < self.offset;
        if restarted {
            self.offset = 0;
            self.half.clear();
        }
        if length == self.offset || file.seek(SeekFrom::Start(self.offset)).is_err() {
            return restarted;
        }
        let mut bytes = Vec::new();
        let Ok(read) = file.take(BITE).read_to_end(&mut bytes) else { return restarted };
        self.offset += read as u64;
        *more |= self.offset < length;
        self.feed(&bytes, &mut each);
        restarted
    }

    fn feed(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line = &rest[..end];
            if self.half.is_empty() {
                each(line);
            } else {
                self.half.extend_from_slice(line);
                each(&self.half);
                self.half.clear();
            }
            rest = &rest[end + 1..];
        }
        self.half.extend_from_slice(rest);
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
            let mut tail = Tail::new(PathBuf::new());
            let mut seen = Vec::new();
            let mut from = 0;
            for to in cuts {
                tail.feed(&text.as_bytes()[from..to], &mut |line| {
                    seen.push(String::from_utf8(line.to_vec()).unwrap());
                });
                from = to;
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
}
