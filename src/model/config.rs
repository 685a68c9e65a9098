//! What a network is built for: its architecture, classes, image size and normalisation.

use std::fmt;
use std::str::FromStr;

use super::printable;
use super::shapesnet::Shapesnet;
use crate::error::{Error, Result};

/// Architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// See [`Shapesnet`].
    Shapesnet,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Shapesnet];

    /// The name in specs and weight files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shapesnet => "shapesnet",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Arch {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|arch| arch.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::bad_input(format!("unknown architecture '{}'", printable(name)))
                .hint(format!("known architectures: {known}"))
        })
    }
}

/// What a network is built for.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Outputs.
    pub classes: usize,
    /// Channels of an image: 1 or 3.
    pub channels: usize,
    /// Side of the square images.
    pub image_size: usize,
    /// Per channel, of 0..1 pixels; subtracted inside the model.
    pub mean: Vec<f64>,
    /// Per channel, of 0..1 pixels; divided by inside the model.
    pub std: Vec<f64>,
    /// Draws the initial weights.
    pub seed: u64,
}

impl ModelConfig {
    pub(super) fn check(&self, arch: Arch) -> Result<()> {
        let smallest = match arch {
            Arch::Shapesnet => Shapesnet::MIN_SIZE,
        };
        let fail = |message: String| Err(Error::bad_input(message));
        if self.classes == 0 {
            return fail("a network needs at least one class".into());
        }
        if !matches!(self.channels, 1 | 3) {
            return fail(format!("{arch} takes images of 1 or 3 channels, not {}", self.channels));
        }
        if self.image_size < smallest {
            return fail(format!(
                "{arch} takes images of at least {smallest}×{smallest} pixels, not {0}×{0}",
                self.image_size
            ));
        }
        for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != self.channels {
                return fail(format!(
                    "model.{key} has {} values, the images have {} channels",
                    values.len(),
                    self.channels
                ));
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return fail(format!("model.{key} holds {value}, which is not a number"));
            }
        }
        match self.std.iter().find(|&&value| value <= 0.0) {
            Some(value) => fail(format!("model.std holds {value}, it must be above 0")),
            None => Ok(()),
        }
    }
}
