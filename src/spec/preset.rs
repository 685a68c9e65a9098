//! The specs that ship: `presets/*.toml`, embedded.

use super::{Document, Problem, nearest};
use crate::error::text::escaped;
use crate::error::{Error, Result};

/// One spec that ships.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// What the command line calls it: the file's name without `.toml`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// Every preset, in the order in which people meet them.
        pub const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            text: include_str!(concat!("../../presets/", $name, ".toml")),
        }),*];
    };
}

presets![
    "quickstart",
    "fashion-mnist",
    "cifar10",
    "image-folder",
    "imagenet64",
    "shapes-consistent",
    "fashion-consistent",
    "concepts-shapes",
    "concepts-shapes-consistent",
    "concepts-cifar10",
    "paper-small",
    "paper",
    "table1-alexnet",
    "table1-alexnet-consistent",
    "table1-vgg16",
    "table1-vgg16-consistent",
    "table1-resnet18",
    "table1-resnet18-consistent",
    "table2-shapes",
    "table2-cifar10-resnet20",
    "table2-alexnet",
    "table2-alexnet-consistent",
    "table2-vgg16",
    "table2-vgg16-consistent",
    "table2-resnet18",
    "table2-resnet18-consistent",
];

impl Preset {
    /// The line about it: the file's first comment.
    pub fn summary(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }

    /// It, as a document to lay overrides over; errors name it by its place in the repository.
    pub fn document(&self) -> Result<Document, Vec<Problem>> {
        Document::parse(&format!("presets/{}.toml", self.name), self.text)
    }

    /// The preset of this name; the error names the nearest.
    pub fn find(name: &str) -> Result<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let shown = escaped(name);
            let error = match nearest::nearest(name, PRESETS.iter().map(|preset| preset.name)) {
                Some(near) => {
                    format!("no spec file and no preset '{shown}', did you mean '{near}'?")
                }
                None => format!("no spec file and no preset '{shown}'"),
            };
            Error::bad_input(error).hint("glassbox presets lists what ships; a file ends in .toml")
        })
    }
}
