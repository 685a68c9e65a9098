//! Images of one size held in memory as they are stored: what IDX and CIFAR-10 files become.

use super::transform::CentreCrop;
use super::{Class, Dataset, Example};
use crate::error::{Error, Result};

/// 8-bit images of one size, with their labels.
#[derive(Debug, Clone)]
pub struct InMemory {
    /// Image after image, each `stored`.
    pub(super) pixels: Vec<u8>,
    /// One a image, each below `classes.len()`.
    pub(super) labels: Vec<u8>,
    pub(super) classes: Vec<Class>,
    /// `[channels, height, width]` in memory.
    pub(super) stored: [usize; 3],
    /// Scaled to this square on the way out.
    pub(super) side: Option<usize>,
}

impl InMemory {
    fn as_stored(&self) -> bool {
        let [_, height, width] = self.stored;
        self.side.is_none_or(|side| [height, width] == [side, side])
    }
}

impl Dataset for InMemory {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let size: usize = self.stored.iter().product();
        let beyond = || Error::failed(format!("there is no image {index} of {}", self.len()));
        let label = u32::from(*self.labels.get(index).ok_or_else(beyond)?);
        let pixels = self.pixels.get(index * size..(index + 1) * size).ok_or_else(beyond)?;
        let pixels = match self.side {
            Some(side) if !self.as_stored() => {
                CentreCrop::scale(side).apply_planes(pixels, self.stored)
            }
            _ => pixels.to_vec(),
        };
        Ok(Example { pixels, label })
    }

    fn label(&self, index: usize) -> u32 {
        self.labels.get(index).copied().map_or(0, u32::from)
    }

    fn name(&self, index: usize) -> String {
        let class = self.classes.get(self.label(index) as usize);
        let folder = class.map_or_else(|| "unknown".to_owned(), |class| folder_name(&class.name));
        format!("{folder}/{index:06}.png")
    }

    fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn shape(&self) -> [usize; 3] {
        let [channels, height, width] = self.stored;
        self.side.map_or([channels, height, width], |side| [channels, side, side])
    }
}

/// A class name as a folder's: `T-shirt/top` → `T-shirt-top`. The image's number keeps names apart.
fn folder_name(class: &str) -> String {
    let name: String = class
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c })
        .collect();
    // No hidden folders, and none that means the folder above.
    if name.starts_with('.') { name.replacen('.', "-", 1) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_grey(side: Option<usize>) -> InMemory {
        let class = |name: &str| Class { name: name.into(), wnid: None };
        InMemory {
            pixels: vec![10, 20, 30, 40, 50, 60, 70, 80],
            labels: vec![1, 0],
            classes: vec![class("T-shirt/top"), class("..")],
            stored: [1, 2, 2],
            side,
        }
    }

    #[test]
    fn gives_back_what_was_stored() {
        let data = two_grey(None);
        assert_eq!(data.example(1).unwrap(), Example { pixels: vec![50, 60, 70, 80], label: 0 });
        assert_eq!(data.shape(), [1, 2, 2]);
        assert!(data.example(2).is_err());
    }

    #[test]
    fn scales_to_the_side_asked_for() {
        let data = two_grey(Some(4));
        assert_eq!(data.shape(), [1, 4, 4]);
        assert_eq!(data.example(0).unwrap().pixels.len(), 16);
    }

    #[test]
    fn names_are_safe_paths() {
        let data = two_grey(None);
        assert_eq!(data.name(0), "-./000000.png");
        assert_eq!(data.name(1), "T-shirt-top/000001.png");
    }
}
