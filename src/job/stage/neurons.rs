//! `neurons`: the images that excite each neuron most, real and adversarial (SCIENCE §3), and what
//! a screen needs to draw them without the model.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use candle_core::Tensor;
use rayon::prelude::*;

use super::attack::FOLDER;
use super::pixels::{self, PictureNames};
use super::{in_order, log_damage, runs_of, trained_network};
use crate::attack::measure::predictions;
use crate::data::DamageReport;
use crate::data::Dataset;
use crate::error::text::escaped;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::model::{Mode, Model};
use crate::neuron::activation::spatial_maxima;
use crate::neuron::top::{Ranked, TopImages};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::{Layer, Neuron, Neurons, TopImage};
use crate::run::write;

/// Where the pictures of real images go, in the run folder.
const PICTURES: &str = "neurons/pictures";

/// Where adversarial twins go that another run or program made.
const TWINS: &str = "neurons/adversarial";

/// An adversarial image and the test image it was made from.
struct Twin {
    original: usize,
    path: PathBuf,
    /// Its name below the folder of the set: an original may have several twins.
    name: String,
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.neurons.clone() else { return Ok(StageEnd::Done) };
    let test = build::open_test(&spec)?;
    let model = trained_network(context, &*test)?;
    let layers = build::taps(&model, "neurons.layers", &section.layers)?;
    let names = PictureNames::of(&*test);
    let twins = twins(context, &section.adversarial, &*test, &names)?;
    let steps = (test.len() + twins.len()) as u64;
    let mut real = Ranking::new(&model, &layers, section.top);
    let mut adversarial = real.clone();
    let damage = Arc::<DamageReport>::default();
    let mut done = 0;
    for batch in in_order(context, &test, section.batch_size, &damage)? {
        let batch = batch?.to_device(model.device())?;
        real.add(&model, &batch.images, &batch.indices)?;
        done += batch.indices.len() as u64;
        if context.progress(done, steps)? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
    }
    log_damage(context, "test", &damage, &mut 0)?;
    for (number, chunk) in twins.chunks(section.batch_size.max(1)).enumerate() {
        let images: Vec<Vec<u8>> = chunk
            .par_iter()
            .map(|twin| pixels::read(&twin.path, test.shape()))
            .collect::<Result<_>>()?;
        let first = number * section.batch_size.max(1);
        let indices: Vec<usize> = (first..first + chunk.len()).collect();
        let images = pixels::from_bytes(&images, test.shape())?.to_device(model.device())?;
        adversarial.add(&model, &images, &indices)?;
        done += chunk.len() as u64;
        if context.progress(done, steps)? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
    }
    write_pictures(context, &*test, &names, &real)?;
    let own = section.adversarial == "stage";
    if !own {
        copy_twins(context, &adversarial, &twins)?;
    }
    let prefix = if own { FOLDER } else { TWINS };
    let classes: Vec<String> = test.classes().iter().map(|class| class.name.clone()).collect();
    let result = Neurons {
        split: "test".into(),
        real_images: real.images as u64,
        damaged: (test.len() - real.images) as u64,
        adversarial_images: adversarial.images as u64,
        image_size: test.shape()[1],
        layers: layers
            .iter()
            .enumerate()
            .map(|(layer, name)| Layer {
                layer: name.clone(),
                receptive_field: None,
                neurons: neurons(
                    (&real.layers[layer], |image| {
                        (image, format!("{PICTURES}/{}", names.of_image(image)))
                    }),
                    (&adversarial.layers[layer], |image: usize| {
                        (twins[image].original, format!("{prefix}/{}", twins[image].name))
                    }),
                    &Told { test: &*test, classes: &classes },
                ),
            })
            .collect(),
        classes,
    };
    let json = serde_json::to_vec(&result)
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    context.write("results/neurons.json", &json)?;
    context.log(&format!(
        "ranked {} real and {} adversarial images for {} neurons of {}",
        result.real_images,
        result.adversarial_images,
        result.layers.iter().map(|layer| layer.neurons.len()).sum::<usize>(),
        layers.join(", ")
    ))?;
    Ok(StageEnd::Done)
}

/// The rankings of every layer asked for.
#[derive(Clone)]
struct Ranking {
    names: Vec<String>,
    layers: Vec<TopImages>,
    images: usize,
}

impl Ranking {
    fn new(model: &Model, names: &[String], top: usize) -> Self {
        let channels = |name: &String| {
            model.taps().iter().find(|tap| tap.name == *name).map_or(0, |tap| tap.shape[0])
        };
        Self {
            names: names.to_vec(),
            layers: names.iter().map(|name| TopImages::new(channels(name), top)).collect(),
            images: 0,
        }
    }

    fn add(&mut self, model: &Model, images: &Tensor, indices: &[usize]) -> Result<()> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let output = model.forward(images, Mode::Evaluate, &names)?;
        let predictions = predictions(&output.logits)?;
        for (layer, map) in self.layers.iter_mut().zip(&output.taps) {
            let maxima = spatial_maxima(map)?;
            layer.offer_batch(indices, &predictions, &maxima);
        }
        self.images += indices.len();
        Ok(())
    }

    /// Every image that some neuron likes, once.
    fn shown(&self) -> BTreeSet<usize> {
        self.layers.iter().flat_map(TopImages::neurons).flatten().map(|r| r.image).collect()
    }
}

/// The adversarial images that the spec names, in the order of the test split.
fn twins(
    context: &mut Context,
    source: &str,
    test: &dyn Dataset,
    names: &PictureNames,
) -> Result<Vec<Twin>> {
    let (folder, pairs) = match source {
        "none" => return Ok(Vec::new()),
        "stage" => (context.folder().to_owned(), true),
        other => match other.strip_prefix("run:") {
            Some(id) => {
                (RunFolder::resolve(runs_of(context.folder()), id)?.path().to_owned(), true)
            }
            None => (PathBuf::from(other), false),
        },
    };
    if pairs {
        let made = build::adversarial_set(source, &folder, test)?;
        return made
            .pairs
            .iter()
            .map(|pair| {
                let name = below(&pair.picture).ok_or_else(|| {
                    Error::bad_input(format!(
                        "neurons.adversarial = '{source}': its picture '{}' does not lie below \
                         '{FOLDER}'",
                        escaped(&pair.picture)
                    ))
                    .hint("its results/attack.json is damaged")
                })?;
                Ok(Twin { original: pair.index as usize, path: folder.join(&pair.picture), name })
            })
            .collect();
    }
    let found: Vec<Twin> = (0..test.len())
        .map(|original| {
            let name = names.of_image(original).to_owned();
            Twin { original, path: folder.join(&name), name }
        })
        .filter(|twin| twin.path.is_file())
        .collect();
    if found.is_empty() {
        return Err(Error::bad_input(format!(
            "neurons.adversarial: '{}' holds no PNG with the relative name of a test image",
            folder.display()
        ))
        .hint(format!("the first test image is '{}'", names.of_image(0))));
    }
    Ok(found)
}

/// The name of a set's picture below the set's folder, if it lies there.
fn below(picture: &str) -> Option<String> {
    let name = picture.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    Path::new(name).components().all(plain).then(|| name.to_owned())
}

/// Writes the picture of every real image that some neuron likes.
fn write_pictures(
    context: &Context,
    test: &dyn Dataset,
    names: &PictureNames,
    ranking: &Ranking,
) -> Result<()> {
    let folder = context.folder().join(PICTURES);
    let shown: Vec<usize> = ranking.shown().into_iter().collect();
    shown.par_iter().try_for_each(|&image| {
        let bytes = pixels::encode(&test.example(image)?.pixels, test.shape())?;
        put(&folder.join(names.of_image(image)), &bytes)
    })
}

/// Copies the adversarial images that some neuron likes, so that the run folder stands alone.
fn copy_twins(context: &Context, ranking: &Ranking, twins: &[Twin]) -> Result<()> {
    let folder = context.folder().join(TWINS);
    let shown: Vec<usize> = ranking.shown().into_iter().collect();
    shown.par_iter().try_for_each(|&number| {
        let twin = &twins[number];
        let bytes =
            std::fs::read(&twin.path).map_err(|error| write::failed("read", &twin.path, &error))?;
        put(&folder.join(&twin.name), &bytes)
    })
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        write::folder(parent)?;
    }
    write::whole_unsynced(path, bytes)
}

/// What a result tells of an image beside its number.
struct Told<'a> {
    test: &'a dyn Dataset,
    classes: &'a [String],
}

/// One layer's neurons; each side says which test image and picture a ranked image stands for.
fn neurons(
    (real, of_real): (&TopImages, impl Fn(usize) -> (usize, String)),
    (adversarial, of_adversarial): (&TopImages, impl Fn(usize) -> (usize, String)),
    told: &Told<'_>,
) -> Vec<Neuron> {
    let Told { test, classes } = told;
    let class = |index: u32| classes.get(index as usize).cloned().unwrap_or_default();
    let describe = |ranked: &Ranked, (image, picture): (usize, String)| {
        let name = test.name(image);
        let label = test.label(image);
        TopImage {
            picture,
            image: name,
            activation: f64::from(ranked.activation.value),
            position: ranked.activation.position,
            label: class(label),
            label_index: label,
            prediction: class(ranked.prediction),
            prediction_index: ranked.prediction,
            counterpart: None,
        }
    };
    real.neurons()
        .iter()
        .zip(adversarial.neurons())
        .enumerate()
        .map(|(index, (real, adversarial))| Neuron {
            index,
            real: real.iter().map(|r| describe(r, of_real(r.image))).collect(),
            adversarial: adversarial.iter().map(|r| describe(r, of_adversarial(r.image))).collect(),
            threshold: None,
            regions: None,
            discrepancy: None,
        })
        .collect()
}
