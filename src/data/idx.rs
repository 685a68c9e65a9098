//! MNIST's IDX files, plain or gzip: big-endian sizes, then bytes. Grey images of one size.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::files::{class_names, require_file, require_folder, unreadable};
use super::memory::InMemory;
use super::{Class, TooFewNames};
use crate::error::text::shown;
use crate::error::{Error, Result};

const DOWNLOAD_AGAIN: &str = "copy or download the file again";
const EXPECTED: &str = "IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte, \
                        t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, plain or .gz)";
/// Larger sides than any file of this kind has; a damaged header rarely stays below.
const LARGEST_SIDE: usize = 8192;

/// The training and the test split of `folder`.
///
/// Names come from `names`, else from `classes.txt` in the folder (one a line), else the classes
/// are called `0` to `9`. A label without a name is an error.
pub fn open(
    folder: &Path,
    side: Option<usize>,
    names: Option<Vec<String>>,
) -> Result<(InMemory, InMemory)> {
    require_folder(folder, EXPECTED)?;
    let names = match names {
        Some(names) => names,
        None => class_names(&folder.join("classes.txt"))?
            .unwrap_or_else(|| (0..10).map(|digit| digit.to_string()).collect()),
    };
    let classes: Vec<Class> = names.into_iter().map(|name| Class { name, wnid: None }).collect();
    let train = split(folder, "train", &classes, side)?;
    let test = split(folder, "t10k", &classes, side)?;
    if train.stored != test.stored {
        let size = |data: &InMemory| format!("{}×{}", data.stored[1], data.stored[2]);
        return Err(Error::bad_input(format!(
            "the training images of {} are {}, the test images {}",
            shown(folder),
            size(&train),
            size(&test)
        ))
        .hint("both splits must come from the same data set"));
    }
    Ok((train, test))
}

fn split(folder: &Path, split: &str, classes: &[Class], side: Option<usize>) -> Result<InMemory> {
    let images_path = find(folder, split, "images", 3)?;
    let labels_path = find(folder, split, "labels", 1)?;
    let (sizes, pixels) = read(&images_path, 3)?;
    let (_, labels) = read(&labels_path, 1)?;
    let [count, height, width] = sizes[..] else {
        return Err(Error::failed("an idx3 header without three sizes"));
    };
    if labels.len() != count {
        return Err(Error::bad_input(format!(
            "{} holds {count} images, but {} holds {} labels",
            shown(&images_path),
            shown(&labels_path),
            labels.len()
        ))
        .hint("the two files must belong together; copy or download both again"));
    }
    if let Some((index, &label)) =
        labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes.len())
    {
        return Err(TooFewNames { path: &labels_path, index, label, names: classes.len() }.into());
    }
    let stored = [1, height, width];
    Ok(InMemory { pixels, labels, classes: classes.to_vec(), stored, side })
}

/// `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, plain or `.gz`, the first that exists.
fn find(folder: &Path, split: &str, what: &str, dimensions: u8) -> Result<PathBuf> {
    for joint in ["-", "."] {
        for ending in ["", ".gz"] {
            let name = format!("{split}-{what}{joint}idx{dimensions}-ubyte{ending}");
            let path = folder.join(name);
            // A link to nothing or a folder of that name is told by what is done with it next.
            if path.symlink_metadata().is_ok() {
                require_file(&path, "an IDX file")?;
                return Ok(path);
            }
        }
    }
    let name = format!("{split}-{what}-idx{dimensions}-ubyte");
    Err(Error::bad_input(format!("there is no '{name}' (or '{name}.gz') in {}", shown(folder)))
        .hint(format!("set data.path to a folder with {EXPECTED}")))
}

/// Sizes and bytes of one file with as many `dimensions`.
fn read(path: &Path, dimensions: u8) -> Result<(Vec<usize>, Vec<u8>)> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    // By content, not by name: a browser may have unpacked the file and kept its name.
    let start = file.fill_buf().map_err(|error| unreadable(path, error))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        parse(MultiGzDecoder::new(file), dimensions, path)
    } else {
        parse(file, dimensions, path)
    }
}

/// Parses the content of one file. The header is not believed: memory grows with what is really
/// there.
fn parse(mut reader: impl Read, dimensions: u8, path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let mut magic = [0; 4];
    fill(&mut reader, &mut magic, path)?;
    // 0, 0, type of the elements (8 = unsigned byte), number of dimensions.
    let expected = [0, 0, 8, dimensions];
    if magic != expected {
        return Err(Error::bad_input(format!(
            "{} does not begin as an IDX file of {} does: found {magic:02x?}, expected \
             {expected:02x?}",
            shown(path),
            if dimensions == 3 { "grey images" } else { "labels" },
        ))
        .hint(format!("set data.path to a folder with {EXPECTED}")));
    }
    let mut sizes = Vec::new();
    for _ in 0..dimensions {
        let mut size = [0; 4];
        fill(&mut reader, &mut size, path)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    let plausible = sizes.iter().all(|&size| size > 0)
        && sizes.iter().skip(1).all(|&side| side <= LARGEST_SIDE);
    let total = sizes.iter().try_fold(1_usize, |total, &size| total.checked_mul(size));
    let (true, Some(total)) = (plausible, total) else {
        return Err(Error::bad_input(format!(
            "{} says its sizes are {sizes:?}, which cannot be",
            shown(path)
        ))
        .hint(DOWNLOAD_AGAIN));
    };
    let mut bytes = Vec::new();
    // One byte more than promised, to see whether the file goes on.
    reader.take(total as u64 + 1).read_to_end(&mut bytes).map_err(|error| damaged(path, error))?;
    if bytes.len() != total {
        let found = if bytes.len() < total {
            format!("ends after {} of {total} bytes of data", bytes.len())
        } else {
            format!("goes on after the {total} bytes of data that its header announces")
        };
        return Err(Error::bad_input(format!("{} {found}", shown(path))).hint(DOWNLOAD_AGAIN));
    }
    Ok((sizes, bytes))
}

fn fill(reader: &mut impl Read, buffer: &mut [u8], path: &Path) -> Result<()> {
    reader.read_exact(buffer).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "ends too early: it was cut off",
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "is damaged gzip data",
        _ => return unreadable(path, error),
    };
    Error::bad_input(format!("{} {what}", shown(path))).hint(DOWNLOAD_AGAIN).caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::data::Dataset;
    use crate::data::test_data;
    use crate::error::Kind;

    fn images(count: u32, side: u32) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3];
        for size in [count, side, side] {
            bytes.extend(size.to_be_bytes());
        }
        bytes.extend((0..count * side * side).map(|i| i as u8));
        bytes
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 1];
        bytes.extend((labels.len() as u32).to_be_bytes());
        bytes.extend(labels);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Three training and two test images, 4×4; each test spoils one file.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
        write("train-images-idx3-ubyte", images(3, 4));
        write("train-labels-idx1-ubyte.gz", gzip(&labels(&[2, 0, 1])));
        write("t10k-images.idx3-ubyte.gz", gzip(&images(2, 4)));
        write("t10k-labels.idx1-ubyte", labels(&[9, 1]));
        folder
    }

    fn message(folder: &Path) -> String {
        let error = open(folder, None, None).unwrap_err();
        assert_eq!(error.kind, Kind::BadInput, "{}", error.message);
        assert!(error.hint.is_some(), "no hint: {}", error.message);
        error.message
    }

    #[test]
    fn reads_plain_and_gzip_and_both_spellings() {
        let folder = folder();
        let (train, test) = open(folder.path(), None, None).unwrap();
        assert_eq!((train.len(), test.len(), train.shape()), (3, 2, [1, 4, 4]));
        let example = train.example(1).unwrap();
        assert_eq!((example.label, example.pixels[0], example.pixels[15]), (0, 16, 31));
        assert_eq!(test.name(0), "9/000000.png");
    }

    #[test]
    fn names_come_from_the_caller_or_from_classes_txt() {
        let folder = folder();
        let names: Vec<String> = (0..10).map(|i| format!("given {i}")).collect();
        let (train, _) = open(folder.path(), None, Some(names)).unwrap();
        assert_eq!(train.classes()[2].name, "given 2");
        fs::write(folder.path().join("classes.txt"), "a\nb\r\n\nc\nd\ne\nf\ng\nh\ni\nj\n").unwrap();
        let (train, _) = open(folder.path(), None, None).unwrap();
        assert_eq!(train.classes()[2].name, "c");
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = folder();
        fs::remove_file(folder.path().join("t10k-labels.idx1-ubyte")).unwrap();
        assert!(message(folder.path()).contains("no 't10k-labels-idx1-ubyte'"));
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_said_so() {
        let folder = folder();
        fs::remove_file(folder.path().join("train-images-idx3-ubyte")).unwrap();
        fs::create_dir(folder.path().join("train-images-idx3-ubyte")).unwrap();
        assert!(message(folder.path()).contains("is a folder, expected an IDX file"));
    }

    #[test]
    fn a_wrong_magic_number_is_shown_beside_the_right_one() {
        let folder = folder();
        fs::write(folder.path().join("train-images-idx3-ubyte"), labels(&[1, 2])).unwrap();
        let message = message(folder.path());
        assert!(message.contains("[00, 00, 08, 01], expected [00, 00, 08, 03]"), "{message}");
    }

    #[test]
    fn truncated_gzip_is_told_from_a_wrong_file() {
        let folder = folder();
        let path = folder.path().join("t10k-images.idx3-ubyte.gz");
        let whole = fs::read(&path).unwrap();
        for length in [3, 12, whole.len() / 2, whole.len() - 4] {
            fs::write(&path, &whole[..length]).unwrap();
            let message = message(folder.path());
            assert!(message.contains("ends too early"), "{length} bytes: {message}");
        }
    }

    #[test]
    fn damaged_gzip_is_told() {
        let folder = folder();
        let path = folder.path().join("t10k-images.idx3-ubyte.gz");
        let mut whole = fs::read(&path).unwrap();
        let checksum = whole.len() - 8;
        whole[checksum] ^= 0xff;
        fs::write(&path, &whole).unwrap();
        assert!(message(folder.path()).contains("is damaged gzip data"));
    }

    #[test]
    fn a_truncated_file_says_how_much_is_there() {
        let folder = folder();
        fs::write(folder.path().join("train-images-idx3-ubyte"), &images(3, 4)[..30]).unwrap();
        assert!(message(folder.path()).contains("ends after 14 of 48 bytes"));
        fs::write(folder.path().join("train-images-idx3-ubyte"), &images(3, 4)[..10]).unwrap();
        assert!(message(folder.path()).contains("ends too early"));
        fs::write(folder.path().join("train-images-idx3-ubyte"), b"").unwrap();
        assert!(message(folder.path()).contains("ends too early"));
    }

    #[test]
    fn a_file_longer_than_its_header_says_is_refused() {
        let folder = folder();
        let mut bytes = images(3, 4);
        bytes.push(0);
        fs::write(folder.path().join("train-images-idx3-ubyte"), bytes).unwrap();
        assert!(message(folder.path()).contains("goes on after the 48 bytes"));
    }

    #[test]
    fn a_header_that_cannot_be_costs_no_memory() {
        let folder = folder();
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend([0xff; 12]);
        fs::write(folder.path().join("train-images-idx3-ubyte"), bytes).unwrap();
        assert!(message(folder.path()).contains("which cannot be"));
    }

    #[test]
    fn counts_must_agree() {
        let folder = folder();
        fs::write(folder.path().join("t10k-labels.idx1-ubyte"), labels(&[1, 2, 3])).unwrap();
        let message = message(folder.path());
        assert!(message.contains("holds 2 images") && message.contains("holds 3 labels"));
    }

    #[test]
    fn a_label_without_a_name_says_where_names_go() {
        let folder = folder();
        fs::write(folder.path().join("t10k-labels.idx1-ubyte"), labels(&[1, 26])).unwrap();
        let error = open(folder.path(), None, None).unwrap_err();
        assert!(error.message.contains("label 26 of image 1"), "{}", error.message);
        assert!(error.message.contains("10 classes"), "{}", error.message);
        assert!(error.hint.unwrap().contains("classes.txt"));
    }

    #[test]
    fn splits_of_different_sizes_are_refused() {
        let folder = folder();
        fs::write(folder.path().join("train-images-idx3-ubyte"), images(3, 5)).unwrap();
        assert!(message(folder.path()).contains("are 5×5, the test images 4×4"));
    }

    #[test]
    fn fashion_mnist_is_read_whole() {
        let Some(folder) = test_data::folder("fashion-mnist") else { return };
        let (train, test) = open(&folder, Some(32), None).unwrap();
        assert_eq!((train.len(), test.len(), test.shape()), (60_000, 10_000, [1, 32, 32]));
        // The first ten test labels, as everyone's copy has them.
        let first: Vec<u32> = (0..10).map(|index| test.label(index)).collect();
        assert_eq!(first, [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
        // Each class has 6,000 and 1,000.
        for class in 0..10 {
            assert_eq!((0..60_000).filter(|&index| train.label(index) == class).count(), 6000);
        }
        assert_eq!(test.example(9_999).unwrap().pixels.len(), 32 * 32);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            head in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            // Half of them with a true beginning, or nothing would get past the magic number.
            let begun: Vec<u8> = [0, 0, 8, 3][..head].iter().copied().chain(bytes).collect();
            let path = Path::new("random");
            for dimensions in [1, 3] {
                let _ = parse(&begun[..], dimensions, path);
                let mut right = vec![0, 0, 8, dimensions];
                right.extend(&begun);
                if let Ok((sizes, data)) = parse(&right[..], dimensions, path) {
                    prop_assert_eq!(sizes.iter().product::<usize>(), data.len());
                }
            }
            let mut packed = vec![0x1f, 0x8b];
            packed.extend(&begun);
            let _ = parse(MultiGzDecoder::new(&packed[..]), 3, path);
        }
    }
}
