//! `shapes`, the data set that ships inside: pictures of sixteen kinds of things, drawn on demand.
//!
//! Each picture shows one main object (its label) in one of eight places, with clutter around it
//! and in front of it; form, colours, patterns, materials, pose, size and light vary. Every pixel
//! can be asked for its labels in Network Dissection's six categories. A picture depends on
//! (seed, split, index) only and is the same, bit for bit, on every machine.

use self::classes::{CLASSES, ROWS};
use self::dice::{Dice, Purpose};
use crate::data::{Class, Dataset, Example};
use crate::error::Result;

mod animals;
mod canvas;
mod classes;
mod color;
mod composition;
mod concepts;
mod dice;
mod labelled;
mod paint;
mod path;
mod plants;
mod scenery;
mod things;
mod vehicles;

pub use self::canvas::LabelMaps;
pub use self::concepts::{Category, Concept, concepts};
pub use self::labelled::{LabelledShapes, labelled};

/// Which of two disjoint streams of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// To learn from.
    Train,
    /// Held out.
    Test,
}

impl Split {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// A picture with everything known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// `[3, size, size]`, 8-bit; the same as [`Dataset::example`] gives.
    pub pixels: Vec<u8>,
    /// Class index.
    pub label: u32,
    /// What each pixel shows, `[size, size]` per category.
    pub labels: LabelMaps,
}

/// One split of the drawn data set.
#[derive(Debug, Clone)]
pub struct Shapes {
    seed: u64,
    split: Split,
    images: usize,
    size: usize,
    classes: Vec<Class>,
}

impl Shapes {
    /// Side of a picture in pixels, unless [`Shapes::with_image_size`] asks for another.
    pub const IMAGE_SIZE: usize = 64;

    /// The first `images` pictures of a split.
    pub fn new(seed: u64, split: Split, images: usize) -> Self {
        let class = |row: &classes::Row| Class {
            name: row.name().to_owned(),
            wnid: Some(row.wnid.to_owned()),
        };
        let classes = ROWS.iter().map(class).collect();
        Self { seed, split, images, size: Self::IMAGE_SIZE, classes }
    }

    /// The same pictures drawn with `size` × `size` pixels (at least 1).
    pub fn with_image_size(self, size: usize) -> Self {
        Self { size: size.max(1), ..self }
    }

    /// Picture `index` with its label maps, for a tenth more time than [`Dataset::example`].
    pub fn scene(&self, index: usize) -> Scene {
        let label = self.label(index);
        let mut labels = LabelMaps::new(self.size, self.size);
        let pixels = self.draw(index, label, Some(&mut labels));
        Scene { pixels, label, labels }
    }

    fn draw(&self, index: usize, label: u32, labels: Option<&mut LabelMaps>) -> Vec<u8> {
        let mut dice = Dice::new(self.seed, self.split, Purpose::Picture, index as u64);
        composition::draw(&mut dice, label as usize, self.size, labels)
    }
}

impl Dataset for Shapes {
    fn len(&self) -> usize {
        self.images
    }

    fn example(&self, index: usize) -> Result<Example> {
        let label = self.label(index);
        Ok(Example { pixels: self.draw(index, label, None), label })
    }

    /// Every block of sixteen pictures shows every class once, in an order of its own.
    fn label(&self, index: usize) -> u32 {
        let block = (index / CLASSES) as u64;
        let mut dice = Dice::new(self.seed, self.split, Purpose::Labels, block);
        let mut order: [u32; CLASSES] = std::array::from_fn(|class| class as u32);
        dice.shuffle(&mut order);
        order[index % CLASSES]
    }

    fn name(&self, index: usize) -> String {
        let class = ROWS[self.label(index) as usize].name().replace(' ', "-");
        format!("{class}/{}-{index:06}.png", self.split.name())
    }

    fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn shape(&self) -> [usize; 3] {
        [3, self.size, self.size]
    }
}

#[cfg(test)]
mod tests;
