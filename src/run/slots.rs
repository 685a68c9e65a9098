//! Who may use which device, without a daemon: tickets that the kernel tears up when their holder
//! dies.
//!
//! A run that wants a device takes the next number in `.slots/<host>-<device>/` and holds a lock on
//! its ticket for as long as it lives. It may go when fewer tickets with lower numbers are still
//! locked than the device has slots. So the order is first come, first served, and a worker that is
//! killed gives its slot back by dying.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::state::this_host;
use super::write;
use crate::error::Result;

/// A place in the queue of one device; dropped or killed, it is free again.
#[derive(Debug)]
pub struct Ticket {
    number: u64,
    path: PathBuf,
    folder: PathBuf,
    // Holds the lock. Never read, only dropped.
    _lock: File,
}

/// Who stands before a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The run that has had the device longest.
    pub run: String,
    /// Its worker.
    pub pid: u32,
    /// How many are before us, those that run included.
    pub count: usize,
}

impl Ticket {
    /// Takes the next number for `device` of this host, for the run `id`.
    pub fn take(runs: &Path, device: &str, id: &str) -> Result<Self> {
        let device: String =
            device.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = runs.join(".slots").join(format!("{}-{device}", this_host()));
        write::folder(&folder)?;
        let counter_path = folder.join("next");
        let failed = |error: std::io::Error| write::failed("queue in", &counter_path, &error);
        // Held until the ticket is locked, so that nobody sees it unlocked and tears it up.
        let mut counter = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&counter_path)
            .map_err(failed)?;
        flock(&counter, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let mut text = String::new();
        counter.read_to_string(&mut text).map_err(failed)?;
        // A damaged counter may not hand out a number twice: the tickets that lie there count too.
        let highest = tickets(&folder)?.last().map_or(0, |(number, _)| *number);
        let number = text.trim().parse::<u64>().unwrap_or(0).max(highest) + 1;
        counter.rewind().map_err(failed)?;
        counter.set_len(0).map_err(failed)?;
        counter.write_all(number.to_string().as_bytes()).map_err(failed)?;

        let path = folder.join(format!("{number:012}"));
        let failed = |error: std::io::Error| write::failed("queue in", &path, &error);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(failed)?;
        lock.write_all(format!("{} {id}\n", std::process::id()).as_bytes()).map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| failed(error.into()))?;
        Ok(Self { number, path, folder, _lock: lock })
    }

    /// Who must end before this ticket may go, if the device has `slots` places; `None` = go.
    pub fn ahead(&self, slots: usize) -> Result<Option<Ahead>> {
        let mut before = Vec::new();
        for (number, path) in tickets(&self.folder)? {
            if number >= self.number {
                break;
            }
            // Gone meanwhile: its holder ended.
            let Ok(mut file) = File::open(&path) else { continue };
            if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
                // Nobody holds it: the holder died without tearing it up.
                let _ = fs::remove_file(&path);
                continue;
            }
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            let (pid, run) = text.trim().split_once(' ').unwrap_or(("0", ""));
            before.push((pid.parse().unwrap_or(0), run.to_owned()));
        }
        if before.len() < slots.max(1) {
            return Ok(None);
        }
        let count = before.len();
        Ok(before.into_iter().next().map(|(pid, run)| Ahead { run, pid, count }))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The tickets that lie there, lowest number first.
fn tickets(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries =
        fs::read_dir(folder).map_err(|error| write::failed("read the queue", folder, &error))?;
    let mut tickets: Vec<(u64, PathBuf)> = entries
        .filter_map(std::result::Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    tickets.sort_unstable();
    Ok(tickets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_first_served() {
        let runs = tempfile::tempdir().unwrap();
        let take = |id: &str| Ticket::take(runs.path(), "cuda:0", id).unwrap();
        let (first, second, third) = (take("a"), take("b"), take("c"));
        assert_eq!(first.ahead(1).unwrap(), None);
        assert_eq!(second.ahead(1).unwrap().unwrap().run, "a");
        let before_third = third.ahead(1).unwrap().unwrap();
        assert_eq!((before_third.run.as_str(), before_third.count), ("a", 2));
        assert_eq!(before_third.pid, std::process::id());
        assert_eq!(second.ahead(2).unwrap(), None);
        drop(first);
        assert_eq!(second.ahead(1).unwrap(), None);
        assert_eq!(third.ahead(1).unwrap().unwrap().count, 1);
        drop(second);
        assert_eq!(third.ahead(1).unwrap(), None);
    }

    #[test]
    fn devices_do_not_wait_for_each_other() {
        let runs = tempfile::tempdir().unwrap();
        let _cpu = Ticket::take(runs.path(), "cpu", "a").unwrap();
        let gpu = Ticket::take(runs.path(), "cuda:0", "b").unwrap();
        assert_eq!(gpu.ahead(1).unwrap(), None);
    }

    #[test]
    fn a_ticket_whose_holder_died_counts_for_nothing() {
        let runs = tempfile::tempdir().unwrap();
        let dead = Ticket::take(runs.path(), "cpu", "dead").unwrap();
        let path = dead.path.clone();
        drop(dead);
        // As `kill -9` leaves it: the file is there, the lock is not.
        fs::write(&path, "4711 dead\n").unwrap();
        let next = Ticket::take(runs.path(), "cpu", "next").unwrap();
        assert_eq!(next.ahead(1).unwrap(), None);
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_counter_does_no_harm() {
        let runs = tempfile::tempdir().unwrap();
        let first = Ticket::take(runs.path(), "cpu", "a").unwrap();
        fs::write(first.folder.join("next"), "nonsense").unwrap();
        let second = Ticket::take(runs.path(), "cpu", "b").unwrap();
        assert!(second.number > first.number);
    }
}
