//! JPEG and PNG files, one folder a class, folders inside it as they come. Paths are kept, pictures
//! are decoded when they are asked for.
//!
//! A picture is scaled and cut as ImageNet models are measured (see [`CentreCrop::usual`]), except
//! one that already has the model's size: that is taken as it is, so that a written adversarial
//! image is read back pixel by pixel.

use std::path::{Path, PathBuf};

use super::decode::{self, Picture};
use super::files::{Entry, list, require_folder};
use super::loader::shuffle_by;
use super::random::{Purpose, stream};
use super::resize::{Target, View, resize, to_planes};
use super::wordnet::noun_name;
use super::{CentreCrop, Class, Dataset, Example, Part};
use crate::error::text::{escaped, shown};
use crate::error::{Error, Result};

const EXPECTED: &str = "a folder for each class and JPEG or PNG images in them";
/// Side of the result where none is asked for: what ImageNet models take.
pub const USUAL_SIDE: usize = 224;
/// Deeper folders are taken for a link that leads back to itself.
const DEEPEST: usize = 16;

/// How to open a folder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Side of the square images that come out.
    pub side: usize,
    /// Short side before the centre is cut out; `None` = as usual for `side`.
    pub resize: Option<usize>,
    /// Share of each class held out for testing, 0..1, where the folder has no `train` and `val`.
    pub holdout: f64,
    /// Decides which images are held out.
    pub seed: u64,
}

/// Images below one folder.
#[derive(Debug, Clone)]
pub struct ImageFolder {
    root: PathBuf,
    folders: Vec<String>,
    classes: Vec<Class>,
    /// Class, path below the class's folder with `/` between parts; by class, then by name.
    files: Vec<(u32, Box<str>)>,
    transform: CentreCrop,
    /// Pictures of the right size are left alone.
    as_they_are: bool,
}

/// The training and the test split of `path`, and what a user should know about them.
///
/// With `train/` and `val/` (or `test/`) below `path`, those; else a share of every class is held
/// out, at least one image and not all of them. The only image of a class is for testing: a class
/// that was never learnt can be measured, one that is never measured cannot be judged.
pub fn open(path: &Path, options: Options) -> Result<(ImageFolder, ImageFolder, Vec<String>)> {
    match pair(path)? {
        Some([train, test]) => open_pair(&train, &test, options),
        None => hold_out(path, options),
    }
}

/// The test split of [`open`] alone: of `train/`, which may hold millions of files, only the names of
/// the class folders are read.
pub fn open_test(path: &Path, options: Options) -> Result<ImageFolder> {
    match pair(path)? {
        Some([train, test]) => {
            let folders = list(&train)?.0.into_iter().filter(|entry| entry.is_folder);
            let folders: Vec<String> = folders.map(|folder| folder.name).collect();
            let found = scan_test(&test, &train, &folders, &mut Vec::new())?;
            Ok(found.into_folder(&test, options))
        }
        None => hold_out(path, options).map(|(_, test, _)| test),
    }
}

/// The folders of the training and of the test split, if there are such.
fn pair(path: &Path) -> Result<Option<[PathBuf; 2]>> {
    require_folder(path, EXPECTED)?;
    let train = path.join("train");
    if !holds_folders(&train)? {
        return Ok(None);
    }
    let test = ["val", "test"].map(|name| path.join(name)).into_iter().find(|test| test.is_dir());
    match test {
        Some(test) => Ok(Some([train, test])),
        None => Err(Error::bad_input(format!(
            "{} has a folder 'train', but neither 'val' nor 'test'",
            shown(path)
        ))
        .hint(format!("add one, or set data.path to {} to hold out a part of it", shown(&train)))),
    }
}

/// Every image below `path`, as one split.
pub fn open_whole(path: &Path, options: Options) -> Result<(ImageFolder, Vec<String>)> {
    require_folder(path, EXPECTED)?;
    let mut notes = Vec::new();
    let found = scan(path, &mut notes)?;
    Ok((found.into_folder(path, options), notes))
}

fn open_pair(
    train_path: &Path,
    test_path: &Path,
    options: Options,
) -> Result<(ImageFolder, ImageFolder, Vec<String>)> {
    let mut notes = Vec::new();
    let train = scan(train_path, &mut notes)?;
    let test = scan_test(test_path, train_path, &train.folders, &mut notes)?;
    Ok((train.into_folder(train_path, options), test.into_folder(test_path, options), notes))
}

/// What is below the folder of the test split, by the class `folders` of training.
fn scan_test(
    test_path: &Path,
    train_path: &Path,
    folders: &[String],
    notes: &mut Vec<String>,
) -> Result<Scan> {
    let test = scan(test_path, notes)?;
    if let Some(folder) = test.folders.iter().find(|folder| !folders.contains(folder)) {
        return Err(Error::bad_input(format!(
            "the class folder {} has no partner in {}",
            shown(&test_path.join(folder)),
            shown(train_path)
        ))
        .hint("both splits need the same class folders"));
    }
    // Classes are counted as in training, also where the test split lacks some.
    let mut files = Vec::with_capacity(test.files.len());
    for (class, folder) in folders.iter().enumerate() {
        let Some(found) = test.folders.iter().position(|other| other == folder) else { continue };
        let of_class = test.files.iter().filter(|(class, _)| *class as usize == found);
        files.extend(of_class.map(|(_, name)| (class as u32, name.clone())));
    }
    let missing = folders.len() - test.folders.len();
    if missing > 0 {
        notes.push(format!("{missing} classes have no images in {}", shown(test_path)));
    }
    Ok(Scan { folders: folders.to_vec(), files })
}

fn hold_out(path: &Path, options: Options) -> Result<(ImageFolder, ImageFolder, Vec<String>)> {
    let share = options.holdout;
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::bad_input(format!("a share of {share} cannot be held out for testing"))
            .hint("set data.holdout to a number from 0 to 1"));
    }
    let mut notes = Vec::new();
    let Scan { folders, files } = scan(path, &mut notes)?;
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let mut single = 0;
    for of_class in files.chunk_by(|a, b| a.0 == b.0) {
        let count = of_class.len();
        let held = match count {
            _ if share == 0.0 => 0,
            _ if share == 1.0 => count,
            1 => {
                single += 1;
                1
            }
            _ => ((count as f64 * share).round() as usize).clamp(1, count - 1),
        };
        let mut drawn: Vec<usize> = (0..count).collect();
        let class = of_class.first().map_or(0, |(class, _)| u64::from(*class));
        shuffle_by(&mut drawn, &mut stream(Purpose::Holdout, options.seed, class, 0));
        let (held, kept) = drawn.split_at_mut(held);
        for (split, drawn) in [(&mut test, held), (&mut train, kept)] {
            drawn.sort_unstable();
            split.extend(drawn.iter().map(|&index| of_class[index].clone()));
        }
    }
    notes.push(format!(
        "no 'train' and 'val' in {}: {} of {} images are held out for testing",
        shown(path),
        test.len(),
        test.len() + train.len()
    ));
    if single > 0 {
        notes.push(format!("{single} classes have a single image, which is kept for testing"));
    }
    let train = Scan { folders: folders.clone(), files: train };
    let test = Scan { folders, files: test };
    Ok((train.into_folder(path, options), test.into_folder(path, options), notes))
}

/// What is below one folder.
struct Scan {
    folders: Vec<String>,
    files: Vec<(u32, Box<str>)>,
}

impl Scan {
    fn into_folder(self, root: &Path, options: Options) -> ImageFolder {
        let transform = options.resize.map_or_else(
            || CentreCrop::usual(options.side),
            // The centre cannot be larger than what it is cut from.
            |resize| CentreCrop { resize: resize.max(options.side), crop: options.side },
        );
        ImageFolder {
            root: root.to_owned(),
            classes: self.folders.iter().map(|folder| class(folder)).collect(),
            folders: self.folders,
            files: self.files,
            transform,
            as_they_are: options.resize.is_none(),
        }
    }
}

fn class(folder: &str) -> Class {
    noun_name(folder).map_or_else(
        || Class { name: escaped(folder), wnid: None },
        |name| Class { name: name.into(), wnid: Some(folder.into()) },
    )
}

fn holds_folders(path: &Path) -> Result<bool> {
    Ok(path.is_dir() && list(path)?.0.iter().any(|entry| entry.is_folder))
}

/// Finds class folders and their images, both sorted by name.
fn scan(root: &Path, notes: &mut Vec<String>) -> Result<Scan> {
    let (entries, mut left_out) = list(root)?;
    let (folders, loose): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.is_folder);
    if folders.is_empty() {
        return Err(Error::bad_input(format!(
            "{} holds no folder, expected {EXPECTED}",
            shown(root)
        ))
        .hint("set data.path to the folder above the class folders"));
    }
    let mut ignored = loose.len();
    let mut files = Vec::new();
    for (class, folder) in folders.iter().enumerate() {
        let before = files.len();
        collect(&folder.path, "", class as u32, &mut files, (&mut ignored, &mut left_out), 0)?;
        if files.len() == before {
            return Err(Error::bad_input(format!(
                "the class folder {} holds no JPEG or PNG image",
                shown(&folder.path)
            ))
            .hint(
                "put images (.jpg, .jpeg, .png) into it, remove it, or let its name begin with a \
                 dot, which hides it",
            ));
        }
    }
    if ignored > 0 {
        notes.push(format!(
            "{ignored} files below {} are left out: not in a class folder, or not named .jpg, \
             .jpeg or .png",
            shown(root)
        ));
    }
    if let Some(first) = left_out.first() {
        notes.push(format!(
            "{} names below {} are left out; the first: {first}",
            left_out.len(),
            shown(root)
        ));
    }
    Ok(Scan { folders: folders.into_iter().map(|folder| folder.name).collect(), files })
}

fn collect(
    folder: &Path,
    prefix: &str,
    class: u32,
    files: &mut Vec<(u32, Box<str>)>,
    (ignored, left_out): (&mut usize, &mut Vec<String>),
    depth: usize,
) -> Result<()> {
    if depth > DEEPEST {
        return Err(Error::bad_input(format!("{} is nested too deeply", shown(folder)))
            .hint("look for a link that leads back to a folder above it"));
    }
    let (entries, unusable) = list(folder)?;
    left_out.extend(unusable);
    for Entry { name, path, is_folder } in entries {
        if is_folder {
            let below = format!("{prefix}{name}/");
            collect(&path, &below, class, files, (&mut *ignored, &mut *left_out), depth + 1)?;
        } else if is_image(&name) {
            files.push((class, format!("{prefix}{name}").into()));
        } else {
            *ignored += 1;
        }
    }
    Ok(())
}

/// Whether a file's name is that of a JPEG or PNG image.
pub(super) fn is_image(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        ["jpg", "jpeg", "png"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    })
}

impl ImageFolder {
    fn folder(&self, index: usize) -> &str {
        self.folders.get(self.label(index) as usize).map_or("", String::as_str)
    }

    fn below(&self, index: usize) -> &str {
        self.files.get(index).map_or("", |(_, name)| name)
    }

    fn picture(&self, index: usize) -> Result<Picture> {
        if index >= self.len() {
            return Err(Error::failed(format!("there is no image {index} of {}", self.len())));
        }
        decode::read(&self.path(index))
    }

    /// Where image `index` is.
    pub fn path(&self, index: usize) -> PathBuf {
        self.root.join(self.folder(index)).join(self.below(index))
    }
}

impl Dataset for ImageFolder {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let picture = self.picture(index)?;
        let side = self.transform.crop;
        let transform = if self.as_they_are && (picture.height, picture.width) == (side, side) {
            CentreCrop::scale(side)
        } else {
            self.transform
        };
        let pixels = transform.apply_rgb(&picture.pixels, picture.height, picture.width);
        Ok(Example { pixels, label: self.label(index) })
    }

    /// As torchvision trains ImageNet models: the part is one of the photograph, whose borders the
    /// centre that is measured never shows.
    fn part(
        &self,
        index: usize,
        choose: &mut dyn FnMut(usize, usize) -> Part,
    ) -> Result<Option<Example>> {
        let Picture { pixels, height, width } = self.picture(index)?;
        let Part { top, left, rows, columns } = choose(height, width);
        let view = View { pixels: &pixels, stride: width, left, top, width: columns, height: rows };
        let side = self.transform.crop;
        let pixels = to_planes::<3>(&resize::<3>(view, Target::whole(side, side)));
        Ok(Some(Example { pixels, label: self.label(index) }))
    }

    fn label(&self, index: usize) -> u32 {
        self.files.get(index).map_or(0, |(class, _)| *class)
    }

    fn name(&self, index: usize) -> String {
        format!("{}/{}", self.folder(index), self.below(index))
    }

    fn classes(&self) -> &[Class] {
        &self.classes
    }

    fn shape(&self) -> [usize; 3] {
        [3, self.transform.crop, self.transform.crop]
    }
}

#[cfg(test)]
mod tests;
