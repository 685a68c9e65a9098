//! Every neuron's answer to every image, on the disk: what a pass over the data leaves, so that
//! memory does not grow with the data and a pass that was interrupted goes on.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::run::write;

/// A file of one row an image: a word, then an f32 a neuron, little-endian. The word is 0 where the
/// image has not been looked at, otherwise the class that the network took it for, plus 1.
#[derive(Debug)]
pub(in crate::job::stage) struct Rows {
    file: File,
    path: PathBuf,
    neurons: usize,
    images: usize,
}

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;

impl Rows {
    /// Opens the file, or makes one of empty rows.
    pub(in crate::job::stage) fn open(path: &Path, neurons: usize, images: usize) -> Result<Self> {
        let failed = |error| write::failed("open", path, &error);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed)?;
        let rows = Self { file, path: path.to_owned(), neurons, images };
        let length = (rows.bytes() * images) as u64;
        if rows.file.metadata().map_err(failed)?.len() != length {
            // Of another size it is of other work.
            rows.clear()?;
        }
        Ok(rows)
    }

    /// Empties every row.
    pub(in crate::job::stage) fn clear(&self) -> Result<()> {
        let length = (self.bytes() * self.images) as u64;
        let emptied = self.file.set_len(0).and_then(|()| self.file.set_len(length));
        emptied.map_err(|error| write::failed("write", &self.path, &error))
    }

    /// Bytes of a row.
    fn bytes(&self) -> usize {
        4 * (1 + self.neurons)
    }

    /// Writes an image's row: what the network took it for, and the neurons' answers, layer after
    /// layer.
    pub(in crate::job::stage) fn put(
        &self,
        image: usize,
        prediction: u32,
        layers: &[&[f32]],
    ) -> Result<()> {
        let mut row = Vec::with_capacity(self.bytes());
        row.extend((prediction + 1).to_le_bytes());
        row.extend(layers.iter().copied().flatten().flat_map(|value| value.to_le_bytes()));
        self.file
            .write_all_at(&row, (image * self.bytes()) as u64)
            .map_err(|error| write::failed("write", &self.path, &error))
    }

    /// Makes what was written so far outlast a power cut.
    pub(in crate::job::stage) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| write::failed("write", &self.path, &error))
    }

    /// The row of an image, if it was looked at.
    pub(in crate::job::stage) fn get(&self, image: usize) -> Result<Option<(u32, Vec<f32>)>> {
        let mut found = None;
        self.read(image..image + 1, |_, prediction, row| {
            found = Some((prediction, row.to_vec()));
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `each` with every image of a range that was looked at, in order: its index, what the
    /// network took it for, and the neurons' answers.
    pub(in crate::job::stage) fn read(
        &self,
        images: std::ops::Range<usize>,
        mut each: impl FnMut(usize, u32, &[f32]) -> Result<()>,
    ) -> Result<()> {
        // One row is read alone, without a block around it.
        let at_once = (BLOCK / self.bytes()).clamp(1, images.len().max(1));
        let mut bytes = vec![0; at_once * self.bytes()];
        let mut row = vec![0.0; self.neurons];
        let end = images.end.min(self.images);
        for first in images.clone().step_by(at_once).take_while(|first| *first < end) {
            let count = at_once.min(end - first);
            let block = &mut bytes[..count * self.bytes()];
            self.file
                .read_exact_at(block, (first * self.bytes()) as u64)
                .map_err(|error| write::failed("read", &self.path, &error))?;
            for (at, bytes) in block.chunks_exact(self.bytes()).enumerate() {
                let (words, _) = bytes.as_chunks::<4>();
                let Some((word, values)) = words.split_first() else { continue };
                let Some(prediction) = u32::from_le_bytes(*word).checked_sub(1) else { continue };
                for (value, word) in row.iter_mut().zip(values) {
                    *value = f32::from_le_bytes(*word);
                }
                each(first + at, prediction, &row)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_put_and_empty_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("real.rows");
        // More than a block.
        let images = 2 * BLOCK / 16 + 7;
        let rows = Rows::open(&path, 3, images).unwrap();
        let of = |image: usize| [image as f32, -0.5, f32::NAN];
        for image in (0..images).step_by(3) {
            let values = of(image);
            rows.put(image, image as u32 % 10, &[&values[..1], &values[1..]]).unwrap();
        }
        drop(rows);
        let rows = Rows::open(&path, 3, images).unwrap();
        let mut seen = Vec::new();
        rows.read(5..images, |image, prediction, row| {
            assert_eq!((prediction, row[0], row[1]), (image as u32 % 10, image as f32, -0.5));
            assert!(row[2].is_nan());
            seen.push(image);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (6..images).step_by(3).collect::<Vec<_>>());
        assert_eq!(rows.get(9).unwrap().unwrap().0, 9);
        assert!(rows.get(1).unwrap().is_none());
        assert!(rows.get(images + 5).unwrap().is_none());
        // Another network's file is begun anew.
        let other = Rows::open(&path, 2, images).unwrap();
        assert!(other.get(9).unwrap().is_none());
    }
}
