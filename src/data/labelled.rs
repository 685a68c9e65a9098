//! Images whose pixels are labelled with concepts, as Network Dissection needs them (SCIENCE §4.1):
//! Broden's folders, and the scenes that the program draws itself.

use super::Dataset;
use crate::error::Result;

pub use super::broden::{Broden, open as open_broden};
pub use super::shapes::{LabelledShapes, labelled as shapes};

/// Something that pixels or whole images are labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// Number in the label maps.
    pub number: u16,
    /// For people: `roof`. Empty = no concept has this number.
    pub name: String,
    /// The category it belongs to, by its place in [`Labelled::categories`]: of those in which it
    /// occurs the one where it covers most.
    pub category: usize,
}

/// What one image is labelled with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Rows of a label map.
    pub height: usize,
    /// Columns of a label map.
    pub width: usize,
    /// Concepts of the whole image: the category whose column has it, and its number.
    pub whole: Vec<(usize, u16)>,
    /// Label maps `[height, width]`, row by row, 0 = none: the category whose column has it, and the
    /// concepts' numbers. A category may have several.
    pub maps: Vec<(usize, Vec<u16>)>,
}

/// Images with labels, which can be fetched in any order from any thread.
pub trait Labelled: Dataset {
    /// Names of the kinds of concepts.
    fn categories(&self) -> &[String];
    /// Every concept, by number from 1 on: `concepts()[n - 1].number == n`.
    fn concepts(&self) -> &[Concept];
    /// The labels of image `index`, all of them numbers of [`Self::concepts`]. Errors name the file.
    fn labels(&self, index: usize) -> Result<Labels>;
}
