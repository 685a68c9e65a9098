//! Which concepts each image has, in a file beside the rows: a bit an image and concept.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::data::labelled::Labels;
use crate::error::Result;
use crate::run::write;

/// The file under way.
pub(super) struct Presence {
    file: File,
    path: PathBuf,
    images: usize,
    /// Bytes an image.
    row: usize,
}

/// All of it, to be asked.
pub(super) struct Bits {
    row: usize,
    bytes: Vec<u8>,
}

impl Presence {
    /// Opens the file, or makes one.
    pub(super) fn open(folder: &Path, images: usize, concepts: usize) -> Result<Self> {
        let path = folder.join("presence");
        let failed = |error| write::failed("open", &path, &error);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        let row = concepts.div_ceil(8);
        file.set_len((images * row) as u64).map_err(failed)?;
        Ok(Self { file, path, images, row })
    }

    /// Writes down what the image at a place of the list has.
    pub(super) fn put(&self, place: usize, labels: &Labels) -> Result<()> {
        let mut row = vec![0_u8; self.row];
        let whole = labels.whole.iter().map(|(_, number)| *number);
        let maps = labels.maps.iter().flat_map(|(_, map)| map.iter().copied());
        for number in whole.chain(maps).filter(|number| *number > 0) {
            let bit = usize::from(number) - 1;
            if let Some(byte) = row.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
        self.file
            .write_all_at(&row, (place * self.row) as u64)
            .map_err(|error| write::failed("write", &self.path, &error))
    }

    /// Makes what was written so far outlast a power cut.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| write::failed("write", &self.path, &error))
    }

    /// Reads everything: some 150 bytes an image of Broden.
    pub(super) fn read(&self) -> Result<Bits> {
        let mut bytes = vec![0; self.images * self.row];
        self.file
            .read_exact_at(&mut bytes, 0)
            .map_err(|error| write::failed("read", &self.path, &error))?;
        Ok(Bits { row: self.row, bytes })
    }
}

impl Bits {
    /// Whether the image at a place has a concept.
    pub(super) fn has(&self, place: usize, number: u16) -> bool {
        let Some(bit) = usize::from(number).checked_sub(1) else { return false };
        let byte = self.bytes.get(place * self.row + bit / 8);
        byte.is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_what_its_maps_and_its_whole_have() {
        let folder = tempfile::tempdir().unwrap();
        let presence = Presence::open(folder.path(), 3, 20).unwrap();
        let labels = Labels {
            height: 1,
            width: 3,
            whole: vec![(0, 9)],
            maps: vec![(1, vec![0, 20, 0]), (1, vec![1, 1, 0])],
        };
        presence.put(1, &labels).unwrap();
        let bits = presence.read().unwrap();
        let of = |place| (0..=20).filter(|number| bits.has(place, *number)).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2)], [vec![], vec![1, 9, 20], vec![]]);
        // A pass that is begun anew writes over it.
        presence.put(1, &Labels::default()).unwrap();
        let again = Presence::open(folder.path(), 3, 20).unwrap().read().unwrap();
        assert!(!again.has(1, 9));
    }
}
