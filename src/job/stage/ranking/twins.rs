//! The adversarial images that are ranked, each with the image that it was made from.

use std::path::{Component, Path, PathBuf};

use crate::data::{Class, Dataset, Example};
use crate::error::text::escaped;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::Context;
use crate::job::stage::attack::FOLDER;
use crate::job::stage::pixels::{self, PictureNames};
use crate::job::stage::runs_of;
use crate::run::folder::RunFolder;

/// Twins of a folder that are compared with their originals before anything else.
const SAMPLE: usize = 16;

/// Root mean squared deviation in pixel levels: no attack here comes near it, two pictures that have
/// nothing to do with each other lie further apart.
const MOST_RMSD: f64 = 48.0;

/// An adversarial image and the image it was made from.
pub(in crate::job::stage) struct Twin {
    /// Of the split that is ranked.
    pub(in crate::job::stage) original: usize,
    pub(in crate::job::stage) path: PathBuf,
    /// Its name below the folder of the set: an original may have several twins.
    pub(in crate::job::stage) name: String,
    /// The class that the attack aimed at, where that is known.
    pub(in crate::job::stage) target: Option<u32>,
}

/// Adversarial images as a data set, by their numbers: so that they are decoded ahead.
pub(in crate::job::stage) struct Written {
    files: Vec<PathBuf>,
    shape: [usize; 3],
}

impl Written {
    /// PNGs of this shape.
    pub(in crate::job::stage) fn new(files: Vec<PathBuf>, shape: [usize; 3]) -> Self {
        Self { files, shape }
    }
}

impl Dataset for Written {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn example(&self, index: usize) -> Result<Example> {
        let beyond = || Error::failed(format!("there is no adversarial image {index}"));
        let pixels = pixels::read(self.files.get(index).ok_or_else(beyond)?, self.shape)?;
        Ok(Example { pixels, label: 0 })
    }

    fn label(&self, _: usize) -> u32 {
        0
    }

    fn name(&self, index: usize) -> String {
        self.files.get(index).map_or_else(String::new, |file| file.display().to_string())
    }

    fn classes(&self) -> &[Class] {
        &[]
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }
}

/// The adversarial images that `adversarial` of a section names, as in `source`, in the
/// order of the split.
pub(in crate::job::stage) fn find(
    context: &Context,
    section: &str,
    source: &str,
    dataset: &dyn Dataset,
    names: &PictureNames,
) -> Result<Vec<Twin>> {
    let folder = match source {
        "none" => return Ok(Vec::new()),
        "stage" => context.folder().to_owned(),
        other => match other.strip_prefix("run:") {
            Some(id) => RunFolder::resolve(runs_of(context.folder()), id)?.path().to_owned(),
            None => return in_folder(section, Path::new(other), dataset, names),
        },
    };
    let made = build::adversarial_set(section, source, &folder, dataset)?;
    let twin = |pair: &crate::run::results::attack::Pair| {
        let name = below(&pair.picture).ok_or_else(|| {
            Error::bad_input(format!(
                "{section}.adversarial = '{source}': its picture '{}' does not lie below '{FOLDER}'",
                escaped(&pair.picture)
            ))
            .hint("its results/attack.json is damaged")
        })?;
        Ok(Twin {
            original: pair.index as usize,
            path: folder.join(&pair.picture),
            name,
            target: pair.target,
        })
    };
    made.pairs.iter().map(twin).collect()
}

/// PNGs with the relative names of the originals.
fn in_folder(
    section: &str,
    folder: &Path,
    dataset: &dyn Dataset,
    names: &PictureNames,
) -> Result<Vec<Twin>> {
    let found: Vec<Twin> = (0..dataset.len())
        .map(|original| {
            let name = names.of_image(original).to_owned();
            Twin { original, path: folder.join(&name), name, target: None }
        })
        .filter(|twin| twin.path.is_file())
        .collect();
    for twin in found.iter().step_by((found.len() / SAMPLE).max(1)) {
        check_alike(section, twin, dataset)?;
    }
    if found.is_empty() {
        return Err(Error::bad_input(format!(
            "{section}.adversarial: '{}' holds no PNG with the relative name of an image",
            folder.display()
        ))
        .hint(format!("the first image is '{}'", names.of_image(0))));
    }
    Ok(found)
}

/// Errors if a picture cannot be a version of its original: another split may have the same names.
fn check_alike(section: &str, twin: &Twin, dataset: &dyn Dataset) -> Result<()> {
    let changed = pixels::read(&twin.path, dataset.shape())?;
    // What cannot be read is told of when it is ranked.
    let Ok(original) = dataset.example(twin.original) else { return Ok(()) };
    let squares =
        changed.iter().zip(&original.pixels).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let rmsd = (squares.sum::<f64>() / changed.len().max(1) as f64).sqrt();
    if rmsd <= MOST_RMSD {
        return Ok(());
    }
    Err(Error::bad_input(format!(
        "{section}.adversarial: '{}' is no version of '{}': their pixels lie {rmsd:.0} levels apart",
        twin.path.display(),
        escaped(&dataset.name(twin.original))
    ))
    .hint(format!("the folder must hold images of the split that {section}.split names")))
}

/// The name of a set's picture below the set's folder, if it lies there.
fn below(picture: &str) -> Option<String> {
    let name = picture.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    Path::new(name).components().all(plain).then(|| name.to_owned())
}
