//! Datasets, decoding, transforms, batching ahead. Pixels outside a model are 0..1 (or 8-bit).

mod augment;
mod broden;
pub mod cifar10;
pub mod decode;
pub mod files;
pub mod idx;
pub mod image_folder;
pub mod labelled;
mod loader;
mod memory;
pub mod pictures;
mod random;
mod resize;
pub mod shapes;
mod source;
#[cfg(test)]
pub(crate) mod test_data;
mod transform;
pub mod wordnet;

use std::path::Path;

use candle_core::Tensor;

pub use augment::{Augmentation, Part};
pub use loader::{Damage, DamageReport, Loader, LoaderConfig, OnDamaged, epoch_order};
pub use pictures::Pictures;
pub use source::{Format, Opened, Source, open, open_test};
pub use transform::CentreCrop;

use crate::error::{Error, Result, text};

/// A class of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// For people: `golden retriever`.
    pub name: String,
    /// WordNet 3.0 noun, as ImageNet counts: `n02099601`.
    pub wnid: Option<String>,
}

/// One decoded image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// `[channels, height, width]`, 8-bit, as the model's input size wants it.
    pub pixels: Vec<u8>,
    /// Class index.
    pub label: u32,
}

/// Images that can be fetched in any order from any thread.
pub trait Dataset: Send + Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Whether there is nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Decodes image `index`. Errors name the file.
    fn example(&self, index: usize) -> Result<Example>;
    /// Image `index` cut down to the part that `choose` draws, which is told the rows and columns of
    /// the stored picture, and scaled to [`Self::shape`]. `None`: there is no more of the picture
    /// than [`Self::example`] gives. Errors name the file.
    fn part(
        &self,
        _index: usize,
        _choose: &mut dyn FnMut(usize, usize) -> Part,
    ) -> Result<Option<Example>> {
        Ok(None)
    }
    /// The class of image `index`, without decoding it.
    fn label(&self, index: usize) -> u32;
    /// Relative name, unique in the split, with `/` between parts and an extension:
    /// `n02099601/0001.JPEG`, `cat/000017.png`.
    fn name(&self, index: usize) -> String;
    /// Classes, by index.
    fn classes(&self) -> &[Class];
    /// `[channels, height, width]` of every example.
    fn shape(&self) -> [usize; 3];
}

/// Images for one step.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, channels, height, width]`, f32 in 0..1.
    pub images: Tensor,
    /// `[batch]`, u32.
    pub labels: Tensor,
    /// Which images of the dataset these are.
    pub indices: Vec<usize>,
}

impl Batch {
    /// The same on `device`; on its own it stays as it is.
    pub fn to_device(self, device: &candle_core::Device) -> Result<Self> {
        Ok(Self {
            images: self.images.to_device(device)?,
            labels: self.labels.to_device(device)?,
            indices: self.indices,
        })
    }
}

/// A label that no class name belongs to.
struct TooFewNames<'a> {
    path: &'a Path,
    index: usize,
    label: u8,
    names: usize,
}

impl From<TooFewNames<'_>> for Error {
    fn from(TooFewNames { path, index, label, names }: TooFewNames<'_>) -> Self {
        Self::bad_input(format!(
            "label {label} of image {index} in {} is out of range: the data has {names} classes, \
             counted from 0",
            text::shown(path)
        ))
        .hint(
            "if the file is whole, name all its classes, one a line: IDX in classes.txt, CIFAR-10 \
             in batches.meta.txt, in the same folder",
        )
    }
}
