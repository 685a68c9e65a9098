//! Folders in Broden's own format (Bau et al. 2017; SCIENCE §4.1): photographs, label maps of their
//! pixels as PNG, labels of whole images, and tables that name them.
//!
//! Everything but the pictures is read and checked when the folder is opened; pictures and label maps
//! are decoded when they are asked for.

mod catalogue;
mod index;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use self::catalogue::Catalogue;
use self::index::{Label, Row};
use super::decode::{self, Picture};
use super::files::require_folder;
use super::labelled::{Concept, Labelled, Labels};
use super::pictures::grey;
use super::resize::{Target, View, resize, to_planes};
use super::{Class, Dataset, Example};
use crate::error::text::shown;
use crate::error::{Error, Result};

/// Labelled images of a folder.
#[derive(Debug, Clone)]
pub struct Broden {
    folder: PathBuf,
    images: PathBuf,
    catalogue: Catalogue,
    rows: Vec<Row>,
    side: usize,
    channels: usize,
}

/// The first `limit` images (0 = all) of a Broden folder, as `[channels, side, side]`. Each picture
/// is scaled as a whole, so that its label maps still lie over it; with 1 of `channels` it becomes
/// grey. Anything that is wrong with the tables is an error that names the file and the line.
pub fn open(folder: &Path, side: usize, channels: usize, limit: usize) -> Result<Broden> {
    require_folder(folder, "index.csv, category.csv, label.csv and images/").map_err(|error| {
        error.hint("set dissect.data.path to the folder that holds Broden's index.csv")
    })?;
    if side == 0 || !matches!(channels, 1 | 3) {
        return Err(Error::bad_input(format!(
            "labelled photographs cannot be made {channels} × {side} × {side}: 1 or 3 channels are \
             possible, and 1 pixel a side or more"
        ))
        .hint("dissect a model of colour or grey pictures"));
    }
    let catalogue = Catalogue::read(folder)?;
    let rows = index::read(folder, &catalogue, limit)?;
    let images = folder.join("images");
    require_folder(&images, "the pictures and label maps of index.csv")
        .map_err(|error| error.hint(table::HINT))?;
    Ok(Broden { folder: folder.to_owned(), images, catalogue, rows, side, channels })
}

impl Broden {
    fn row(&self, index: usize) -> Result<&Row> {
        let beyond = || Error::failed(format!("there is no image {index} of {}", self.rows.len()));
        self.rows.get(index).ok_or_else(beyond)
    }

    /// The numbers of a label map, row by row: red + 256 · green.
    fn map(&self, row: &Row, file: &str) -> Result<Vec<u16>> {
        let path = self.images.join(file);
        let picture = decode::read(&path)?;
        let [height, width] = row.size.map(usize::from);
        let at = || {
            let index = shown(&self.folder.join("index.csv"));
            format!("{index} line {}", row.line)
        };
        if (picture.height, picture.width) != (height, width) {
            return Err(Error::bad_input(format!(
                "the label map {} has {} × {} pixels (rows × columns), expected {height} × {width}: \
                 sh and sw of {}",
                shown(&path),
                picture.height,
                picture.width,
                at()
            ))
            .hint(table::HINT));
        }
        let pixels = picture.pixels.as_chunks::<3>().0;
        let numbers: Vec<u16> =
            pixels.iter().map(|&[red, green, _]| u16::from_le_bytes([red, green])).collect();
        let mut last = 0;
        for (place, &number) in numbers.iter().enumerate() {
            // Labels come in areas: most pixels are as the one before.
            if number != last && number != 0 && !self.catalogue.has(number) {
                return Err(Error::bad_input(format!(
                    "the label map {} has the label {number} at row {}, column {}, which is not in \
                     label.csv",
                    shown(&path),
                    place / width,
                    place % width
                ))
                .hint(
                    "a pixel's label is red + 256 · green, 0 where there is none; mend the map, or \
                     name the label in label.csv and in a c_CATEGORY.csv",
                ));
            }
            last = number;
        }
        Ok(numbers)
    }
}

impl Dataset for Broden {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let Picture { pixels, height, width } =
            decode::read(&self.images.join(&*self.row(index)?.image))?;
        let target = Target::whole(self.side, self.side);
        let pixels = if self.channels == 1 {
            resize::<1>(View::whole(&grey(&pixels), height, width), target)
        } else {
            to_planes::<3>(&resize::<3>(View::whole(&pixels, height, width), target))
        };
        Ok(Example { pixels, label: 0 })
    }

    /// There are no classes: always 0.
    fn label(&self, _: usize) -> u32 {
        0
    }

    fn name(&self, index: usize) -> String {
        self.rows.get(index).map_or(String::new(), |row| row.image.to_string())
    }

    fn classes(&self) -> &[Class] {
        &[]
    }

    fn shape(&self) -> [usize; 3] {
        [self.channels, self.side, self.side]
    }
}

impl Labelled for Broden {
    fn categories(&self) -> &[String] {
        &self.catalogue.categories
    }

    fn concepts(&self) -> &[Concept] {
        &self.catalogue.concepts
    }

    fn labels(&self, index: usize) -> Result<Labels> {
        let row = self.row(index)?;
        let [height, width] = row.size.map(usize::from);
        let mut labels = Labels { height, width, ..Labels::default() };
        for (category, label) in &row.labels {
            let category = usize::from(*category);
            match label {
                Label::Whole(number) => labels.whole.push((category, *number)),
                Label::Map(file) => labels.maps.push((category, self.map(row, file)?)),
            }
        }
        Ok(labels)
    }
}
