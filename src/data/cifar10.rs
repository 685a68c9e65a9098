//! CIFAR-10's binary batches: records of one label and 32×32 RGB, plane after plane.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{Entry, class_names, list, require_file, require_folder, unreadable};
use super::memory::InMemory;
use super::{Class, TooFewNames};
use crate::error::text::shown;
use crate::error::{Error, Result};

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
const RECORD: usize = 1 + PIXELS;
const NAMES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const EXPECTED: &str = "CIFAR-10's binary version (data_batch_1.bin …, test_batch.bin)";

/// The training split (every `data_batch_*.bin`, by number) and the test split of `folder`. The
/// files may hold any number of whole records.
///
/// Names come from `batches.meta.txt` if it is there.
pub fn open(folder: &Path, side: Option<usize>) -> Result<(InMemory, InMemory)> {
    require_folder(folder, EXPECTED)?;
    let names = class_names(&folder.join("batches.meta.txt"))?
        .unwrap_or_else(|| NAMES.map(str::to_owned).to_vec());
    let classes: Vec<Class> = names.into_iter().map(|name| Class { name, wnid: None }).collect();

    let (entries, _) = list(folder)?;
    let mut batches: Vec<(u64, PathBuf)> = entries
        .iter()
        .filter_map(|Entry { name, path, .. }| {
            let number = name.strip_prefix("data_batch_")?.strip_suffix(".bin")?;
            Some((number.parse().ok()?, path.clone()))
        })
        .collect();
    batches.sort(); // data_batch_10 after data_batch_2
    let train: Vec<PathBuf> = batches.into_iter().map(|(_, path)| path).collect();
    let test: Vec<PathBuf> = entries
        .into_iter()
        .filter(|entry| entry.name == "test_batch.bin")
        .map(|entry| entry.path)
        .collect();
    for (files, missing) in [(&train, "data_batch_1.bin"), (&test, "test_batch.bin")] {
        if files.is_empty() {
            return Err(Error::bad_input(format!("there is no '{missing}' in {}", shown(folder)))
                .hint(format!(
                    "set data.path to the folder with {EXPECTED}; the archive unpacks to \
                     cifar-10-batches-bin"
                )));
        }
    }
    Ok((read(&train, &classes, side)?, read(&test, &classes, side)?))
}

fn read(files: &[PathBuf], classes: &[Class], side: Option<usize>) -> Result<InMemory> {
    let mut data = InMemory {
        pixels: Vec::new(),
        labels: Vec::new(),
        classes: classes.to_vec(),
        stored: [3, SIDE, SIDE],
        side,
    };
    for path in files {
        require_file(path, "a CIFAR-10 batch")?;
        let bytes = fs::read(path).map_err(|error| unreadable(path, error))?;
        append(&mut data, &bytes, path)?;
    }
    Ok(data)
}

/// Adds the records of one file.
fn append(data: &mut InMemory, bytes: &[u8], path: &Path) -> Result<()> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(Error::bad_input(format!(
            "{} has {} bytes, which is not a whole number of {RECORD}-byte records",
            shown(path),
            bytes.len()
        ))
        .hint(
            "copy or download the file again; only CIFAR-10's binary version is read, not the \
             Python version and not CIFAR-100",
        ));
    }
    data.pixels.reserve(bytes.len() / RECORD * PIXELS);
    for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
        let (&label, pixels) = record.split_first().unwrap_or((&0, &[]));
        let names = data.classes.len();
        if usize::from(label) >= names {
            return Err(TooFewNames { path, index, label, names }.into());
        }
        data.labels.push(label);
        data.pixels.extend_from_slice(pixels);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::Dataset;
    use crate::data::test_data;
    use crate::error::Kind;

    fn records(labels: &[u8]) -> Vec<u8> {
        labels
            .iter()
            .flat_map(|&label| {
                let mut record = vec![label; RECORD];
                record[1] = 100 + label; // top left, red
                record
            })
            .collect()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, labels) in
            [("data_batch_1.bin", [1]), ("data_batch_10.bin", [3]), ("data_batch_2.bin", [2])]
        {
            fs::write(folder.path().join(name), records(&labels)).unwrap();
        }
        fs::write(folder.path().join("test_batch.bin"), records(&[9, 0])).unwrap();
        folder
    }

    fn failure(folder: &Path) -> Error {
        let error = open(folder, None).unwrap_err();
        assert_eq!(error.kind, Kind::BadInput, "{}", error.message);
        assert!(error.hint.is_some(), "no hint: {}", error.message);
        error
    }

    #[test]
    fn reads_batches_by_number() {
        let folder = folder();
        let (train, test) = open(folder.path(), None).unwrap();
        assert_eq!(train.labels, [1, 2, 3]);
        assert_eq!((test.len(), test.shape()), (2, [3, 32, 32]));
        let example = test.example(0).unwrap();
        assert_eq!((example.label, example.pixels[0], example.pixels[1]), (9, 109, 9));
        assert_eq!(test.name(0), "truck/000000.png");
        let (_, scaled) = open(folder.path(), Some(16)).unwrap();
        assert_eq!(scaled.example(0).unwrap().pixels.len(), 3 * 16 * 16);
    }

    #[test]
    fn names_come_from_the_meta_file() {
        let folder = folder();
        let names = "n0\nn1\nn2\nn3\nn4\nn5\nn6\nn7\nn8\nn9\n\n";
        fs::write(folder.path().join("batches.meta.txt"), names).unwrap();
        let (train, _) = open(folder.path(), None).unwrap();
        assert_eq!((train.classes().len(), &*train.classes()[9].name), (10, "n9"));
    }

    #[test]
    fn a_missing_batch_is_named() {
        let folder = folder();
        fs::remove_file(folder.path().join("test_batch.bin")).unwrap();
        assert!(failure(folder.path()).message.contains("no 'test_batch.bin' in"));
        let empty = tempfile::tempdir().unwrap();
        assert!(failure(empty.path()).message.contains("no 'data_batch_1.bin' in"));
    }

    #[test]
    fn a_cut_off_file_is_told_by_its_size() {
        let folder = folder();
        for length in [0, 1, RECORD - 1, RECORD + 1] {
            fs::write(folder.path().join("data_batch_2.bin"), vec![0; length]).unwrap();
            let message = failure(folder.path()).message;
            assert!(
                message.contains(&format!("data_batch_2.bin' has {length} bytes")),
                "{message}"
            );
        }
    }

    #[test]
    fn a_label_out_of_range_is_refused() {
        let folder = folder();
        fs::write(folder.path().join("data_batch_2.bin"), records(&[3, 10])).unwrap();
        let message = failure(folder.path()).message;
        assert!(message.contains("label 10 of image 1 in"), "{message}");
    }

    #[test]
    fn a_folder_in_place_of_a_batch_is_an_error() {
        let folder = folder();
        fs::remove_file(folder.path().join("test_batch.bin")).unwrap();
        fs::create_dir(folder.path().join("test_batch.bin")).unwrap();
        assert!(failure(folder.path()).message.contains("is a folder, expected"));
    }

    #[test]
    fn the_real_files_are_read() {
        let Some(folder) = test_data::folder("cifar-10-subset") else { return };
        let (train, test) = open(&folder, None).unwrap();
        assert_eq!((train.len(), test.len()), (4000, 1000));
        // The first labels of data_batch_1 and test_batch, as everyone's copy has them.
        assert_eq!(train.labels[..6], [6, 9, 9, 4, 1, 1]);
        assert_eq!(test.labels[..6], [3, 8, 8, 0, 6, 6]);
        assert_eq!(test.classes()[3].name, "cat");
        // The first test picture begins with RGB 158, 112, 49.
        let cat = test.example(0).unwrap().pixels;
        assert_eq!([cat[0], cat[1024], cat[2048]], [158, 112, 49]);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            size in prop_oneof![0..4 * RECORD, Just(RECORD), Just(3 * RECORD)], seed: u8,
        ) {
            let bytes: Vec<u8> =
                (0..size).map(|i| (i as u8).wrapping_mul(seed).wrapping_add(seed)).collect();
            let classes = vec![Class { name: "only".into(), wnid: None }; 128];
            let mut data = InMemory {
                pixels: vec![], labels: vec![], classes, stored: [3, SIDE, SIDE], side: None,
            };
            if append(&mut data, &bytes, Path::new("random")).is_ok() {
                prop_assert_eq!(data.len() * RECORD, size);
                prop_assert_eq!(data.pixels.len(), data.len() * PIXELS);
            }
        }
    }
}
