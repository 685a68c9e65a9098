//! `neurons/bookmarks.json`: neurons that somebody wants to find again, with a note each.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::write;
use crate::error::{Error, Result};

/// Where they are, in the run folder.
pub const FILE: &str = "neurons/bookmarks.json";

/// All of a run's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmarks {
    /// In the order in which they were set.
    pub bookmarks: Vec<Bookmark>,
}

/// A neuron to find again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The tap's name.
    pub layer: String,
    /// The channel.
    pub neuron: usize,
    /// May be empty.
    #[serde(default)]
    pub note: String,
}

impl Bookmarks {
    /// A run's; none where it has no file. Bad input if the file is damaged.
    pub fn read(run: &Path) -> Result<Self> {
        let path = run.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(write::failed("read", &path, &error)),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::bad_input(format!("'{}' is damaged: {error}", path.display()))
                .hint("mend it or take it away: nothing else depends on it")
        })
    }

    /// Writes them beside and renames.
    pub fn write(&self, run: &Path) -> Result<()> {
        let path = run.join(FILE);
        if let Some(folder) = path.parent() {
            write::folder(folder)?;
        }
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        write::whole(&path, &json)
    }

    /// The bookmark of a neuron.
    pub fn of(&self, layer: &str, neuron: usize) -> Option<&Bookmark> {
        self.bookmarks.iter().find(|mark| mark.layer == layer && mark.neuron == neuron)
    }

    /// Sets a neuron's bookmark, in place of the one that it has; `None` takes it away.
    pub fn set(&mut self, layer: &str, neuron: usize, note: Option<String>) {
        let same = |mark: &Bookmark| mark.layer == layer && mark.neuron == neuron;
        match (self.bookmarks.iter_mut().find(|mark| same(mark)), note) {
            (Some(mark), Some(note)) => mark.note = note,
            (Some(_), None) => self.bookmarks.retain(|mark| !same(mark)),
            (None, Some(note)) => {
                self.bookmarks.push(Bookmark { layer: layer.into(), neuron, note });
            }
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_survive_the_file_and_a_damaged_file_is_told() {
        let run = tempfile::tempdir().unwrap();
        let mut marks = Bookmarks::read(run.path()).unwrap();
        marks.set("conv5", 147, Some("dogs".into()));
        marks.set("conv4", 3, Some(String::new()));
        marks.set("conv5", 147, Some("dogs, and buses when attacked".into()));
        marks.set("conv4", 3, None);
        marks.write(run.path()).unwrap();
        let read = Bookmarks::read(run.path()).unwrap();
        assert_eq!(read, marks);
        assert_eq!(read.of("conv5", 147).unwrap().note, "dogs, and buses when attacked");
        assert!(read.of("conv4", 3).is_none());
        std::fs::write(run.path().join(FILE), "[").unwrap();
        let error = Bookmarks::read(run.path()).unwrap_err();
        assert!(error.message.contains("bookmarks.json"), "{error:?}");
    }
}
