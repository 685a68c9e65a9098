//! Pictures that a user points at, files and folders, without classes: what `predict` looks at.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{list, unreadable};
use super::{CentreCrop, Class, Dataset, Example, decode};
use crate::error::text::shown;
use crate::error::{Error, Result};

/// Deeper folders are a link that leads back.
const DEEPEST: usize = 32;

/// Pictures in the order in which they were named, those of a folder by name.
#[derive(Debug, Clone)]
pub struct Pictures {
    files: Vec<PathBuf>,
    transform: CentreCrop,
    channels: usize,
}

impl Pictures {
    /// The files at `paths`, and the JPEG and PNG files in folders among them and below. They are
    /// decoded when they are asked for, then cut by `transform`; with 1 of `channels` they become
    /// grey first. A path that leads nowhere and a folder without pictures are errors.
    pub fn find(paths: &[PathBuf], transform: CentreCrop, channels: usize) -> Result<Self> {
        if transform.resize < transform.crop {
            return Err(Error::bad_input(format!(
                "a centre of {} pixels cannot be cut out of {}",
                transform.crop, transform.resize
            ))
            .hint("--resize must be at least --crop"));
        }
        let mut files = Vec::new();
        for path in paths {
            let found = fs::metadata(path).map_err(|error| {
                unreadable(path, error).hint("name JPEG or PNG files, or folders of them")
            })?;
            if !found.is_dir() {
                files.push(path.clone());
                continue;
            }
            let before = files.len();
            collect(path, &mut files, 0)?;
            if files.len() == before {
                return Err(Error::bad_input(format!(
                    "the folder {} holds no JPEG or PNG image",
                    shown(path)
                ))
                .hint("images are told by their ending: .jpg, .jpeg, .png"));
            }
        }
        Ok(Self { files, transform, channels })
    }

    /// The same with every number in a path counted as one: `2.png` before `10.png`.
    #[must_use]
    pub fn in_natural_order(mut self) -> Self {
        self.files.sort_by_cached_key(|file| natural(&file.to_string_lossy()));
        self
    }

    /// The file of picture `index`.
    pub fn path(&self, index: usize) -> &Path {
        self.files.get(index).map_or(Path::new(""), PathBuf::as_path)
    }
}

/// A key that sorts numbers by their size: the texts between them, and their digits behind how many
/// there are; then the text itself, so that `01` and `1` have an order.
fn natural(text: &str) -> (Vec<(String, usize, String)>, String) {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let (digits, behind) = number.split_at(end);
        let digits = digits.trim_start_matches('0');
        parts.push((before.to_owned(), digits.len(), digits.to_owned()));
        rest = behind;
    }
    (parts, text.to_owned())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(Error::bad_input(format!("{} is nested too deeply", shown(folder)))
            .hint("look for a link that leads back to a folder above it"));
    }
    let (entries, left_out) = list(folder)?;
    if let Some(reason) = left_out.into_iter().next() {
        return Err(Error::bad_input(reason).hint("rename or remove it, or name the pictures"));
    }
    for entry in entries {
        if entry.is_folder {
            collect(&entry.path, files, depth + 1)?;
        } else if super::image_folder::is_image(&entry.name) {
            files.push(entry.path);
        }
    }
    Ok(())
}

impl Dataset for Pictures {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let beyond = || Error::failed(format!("there is no image {index} of {}", self.len()));
        let picture = decode::read(self.files.get(index).ok_or_else(beyond)?)?;
        let (height, width) = (picture.height, picture.width);
        let pixels = if self.channels == 1 {
            self.transform.apply_planes(&grey(&picture.pixels), [1, height, width])
        } else {
            self.transform.apply_rgb(&picture.pixels, height, width)
        };
        Ok(Example { pixels, label: 0 })
    }

    fn label(&self, _: usize) -> u32 {
        0
    }

    fn name(&self, index: usize) -> String {
        self.path(index).display().to_string()
    }

    fn classes(&self) -> &[Class] {
        &[]
    }

    fn shape(&self) -> [usize; 3] {
        [self.channels, self.transform.crop, self.transform.crop]
    }
}

/// Brightness by ITU-R 601-2, in fixed point as Pillow's `convert("L")`.
pub(super) fn grey(rgb: &[u8]) -> Vec<u8> {
    let level = |&[red, green, blue]: &[u8; 3]| {
        let sum = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
        ((sum + 0x8000) >> 16) as u8
    };
    rgb.as_chunks().0.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pillow 13.0: `Image.new("RGB", (1, 1), colour).convert("L")`.
    #[test]
    fn grey_is_pillows() {
        let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 200, 90, 1, 1, 2];
        assert_eq!(grey(&colours), [76, 150, 29, 255, 131, 1]);
    }

    #[test]
    fn numbers_in_names_are_counted_as_numbers() {
        let root = tempfile::tempdir().unwrap();
        let names = ["a10.png", "a9b2.png", "a9b11.png", "b1.png", "a09.png"];
        for name in names {
            fs::write(root.path().join(name), b"").unwrap();
        }
        let found = Pictures::find(&[root.path().to_owned()], CentreCrop::scale(8), 3).unwrap();
        let found = found.in_natural_order();
        let order: Vec<_> =
            (0..found.len()).map(|at| found.path(at).file_name().unwrap()).collect();
        assert_eq!(order, ["a09.png", "a9b2.png", "a9b11.png", "a10.png", "b1.png"]);
    }

    #[test]
    fn files_and_folders_come_in_the_order_named() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("b/deep")).unwrap();
        for name in ["z.txt", "b/2.JPG", "b/1.png", "b/deep/3.jpeg", "b/notes.txt"] {
            fs::write(path(name), b"").unwrap();
        }
        let crop = CentreCrop::scale(8);
        let pictures = Pictures::find(&[path("z.txt"), path("b")], crop, 3).unwrap();
        let names: Vec<&Path> = (0..pictures.len())
            .map(|index| pictures.path(index).strip_prefix(root.path()).unwrap())
            .collect();
        let expected = ["z.txt", "b/1.png", "b/2.JPG", "b/deep/3.jpeg"].map(Path::new);
        assert_eq!(names, expected);
        assert!(pictures.example(0).is_err() && pictures.example(9).is_err());
        fs::create_dir(path("empty")).unwrap();
        for wrong in ["empty", "nowhere"] {
            let error = Pictures::find(&[path(wrong)], crop, 3).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.message.contains(wrong) && error.hint.is_some());
        }
        let wide = CentreCrop { resize: 7, crop: 8 };
        assert_eq!(Pictures::find(&[path("b")], wide, 3).unwrap_err().exit_code(), 2);
    }
}
