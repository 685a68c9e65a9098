//! `neurons`: the images that excite each neuron most, real and adversarial (SCIENCE §3), and what
//! a screen needs to draw them without the model.
//!
//! One pass over the real images and one over the adversarial ones rank them all; what the neurons
//! answer goes to a file, so that memory does not grow with the data and a pass that was
//! interrupted goes on. Then the few images that some neuron likes are looked at again, for where
//! in them it fires.

mod occlusion;
mod outcome;
mod rows;
mod second_look;
mod side;
mod strips;
pub(super) mod twins;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::attack::FOLDER;
use super::pixels::{self, PictureNames};
use super::{from, log_damage, trained_network};
use crate::data::{DamageReport, Dataset};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::model::{LayerTap, Model};
use crate::run::write;
use crate::spec::{NeuronsSpec, Split};
use outcome::Outcome;
use second_look::Found;
use side::{Side, Work};
use twins::Twin;

/// Where the pictures of real images go, in the run folder: those of the test split, which looks
/// during training share.
pub(super) const PICTURES: &str = "neurons/pictures";

/// The same of the training split, whose images may have the same names.
const TRAINING_PICTURES: &str = "neurons/training-pictures";

/// Where adversarial twins go that another run or program made.
const TWINS: &str = "neurons/adversarial";

/// What a pass has found so far, until the stage is done.
const UNDER_WAY: &str = "progress/neurons";

/// What it costs, in forward passes over the test split: both sides, and those that are looked at
/// again. Of occlusion only the order of magnitude: how many images there are nobody knows here.
pub fn cost(section: &NeuronsSpec) -> f64 {
    4.0 + 0.3 * (section.discrepancy.len() * section.top) as f64
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.neurons.clone() else { return Ok(StageEnd::Done) };
    let dataset = match section.split {
        Split::Test => build::open_test(&spec)?,
        Split::Train => build::open_data(&spec)?.train,
    };
    let model = trained_network(context, &*dataset)?;
    let layers = build::taps(&model, "neurons.layers", &section.layers)?;
    let tap = |name: &String| model.taps().iter().find(|tap| tap.name == *name).cloned();
    let taps: Vec<LayerTap> = layers.iter().filter_map(tap).collect();
    let names = PictureNames::of(&*dataset);
    let twins = twins::find(context, &section.adversarial, &*dataset, &names)?;
    let mut stage = Stage { model, taps, dataset, names, twins, section, progress: 0 };
    let end = stage.run(context)?;
    if end == StageEnd::Done {
        let _ = std::fs::remove_dir_all(context.folder().join(UNDER_WAY));
        if let Some(parent) = Path::new(UNDER_WAY).parent() {
            let _ = std::fs::remove_dir(context.folder().join(parent));
        }
    }
    Ok(end)
}

/// The stage under way.
struct Stage {
    model: Model,
    taps: Vec<LayerTap>,
    dataset: Arc<dyn Dataset>,
    names: PictureNames,
    twins: Vec<Twin>,
    section: NeuronsSpec,
    /// How many of them are done.
    progress: u64,
}

impl Stage {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        let folder = context.folder().join(UNDER_WAY);
        let work = Work { folder: &folder, taps: &self.taps, key: self.key()? };
        let (top, above) = (self.section.top, Some(self.section.quantile));
        let real = (self.dataset.len(), top);
        let mut real = Side::open(&work, "real", real, above)?;
        let adversarial = (self.twins.len(), top);
        let mut adversarial = Side::open(&work, "adversarial", adversarial, None)?;
        let before = real.next() + adversarial.next();
        if before > 0 {
            context.log(&format!("goes on after {before} images of an earlier try"))?;
            self.progress = before as u64;
        }
        if self.rank_real(context, &mut real)? == Flow::Stop
            || self.rank_adversarial(context, &mut adversarial)? == Flow::Stop
        {
            return Ok(StageEnd::Stopped);
        }
        if real.images() == 0 {
            return Err(Error::failed("no image could be read, so none was ranked"));
        }
        let (model, taps, dataset, twins) =
            (&self.model, self.taps.as_slice(), &self.dataset, self.twins.as_slice());
        let batch_size = self.section.batch_size;
        let sides = [&real, &adversarial];
        let found = Found { model, taps, dataset, twins, sides, batch_size };
        let passes = (self.dataset.len() + self.twins.len() + found.looks()) as u64;
        let occlusions = occlusion::passes(&found, &self.section);
        for (layer, tap) in taps.iter().enumerate().filter(|(at, _)| !found.keeps_regions(*at)) {
            let most = strips::MOST_TILES;
            let pictures = found.tiles(layer).into_iter().max().unwrap_or(0);
            context.log(&format!(
                "{}: {pictures} pictures a neuron are too many for regions, which are kept of up \
                 to {most}",
                tap.name
            ))?;
        }
        let mut progress = (self.dataset.len() + self.twins.len()) as u64;
        let mut advance = |context: &mut Context, images: usize| {
            progress += images as u64;
            context.progress(progress, passes + occlusions)
        };
        let Some(positions) = found.look(context, &mut advance)? else {
            return Ok(StageEnd::Stopped);
        };
        let Some(discrepancies) = occlusion::run(&found, context, &self.section, &mut advance)?
        else {
            return Ok(StageEnd::Stopped);
        };
        let own = self.section.adversarial == "stage";
        let outcome = Outcome {
            found: &found,
            names: &self.names,
            first: outcome::first_twins(twins),
            pictures: self.pictures(),
            prefix: if own { FOLDER } else { TWINS },
            positions: &positions,
            discrepancies: &discrepancies,
            split: self.section.split,
        };
        self.write_pictures(context, &outcome.originals_shown()?)?;
        if !own {
            self.copy_twins(context, &outcome.twins_shown())?;
        }
        let result = outcome.result()?;
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/neurons.json", &json)?;
        let layers: Vec<&str> = taps.iter().map(|tap| tap.name.as_str()).collect();
        context.log(&format!(
            "ranked {} real and {} adversarial images for {} neurons of {}",
            result.real_images,
            result.adversarial_images,
            result.layers.iter().map(|layer| layer.neurons.len()).sum::<usize>(),
            layers.join(", ")
        ))?;
        Ok(StageEnd::Done)
    }

    /// How much there will be to do, as long as nobody knows which images the neurons like: never
    /// more than each neuron's whole share.
    fn expected_passes(&self) -> u64 {
        let (real, adversarial) = (self.dataset.len(), self.twins.len());
        let shares = self.taps.iter().map(|tap| tap.shape[0] * self.section.top).sum::<usize>();
        (real + adversarial + shares.min(real) + shares.min(adversarial)) as u64
    }

    /// A hash of the network's weights and of which images are ranked.
    fn key(&self) -> Result<[u8; 32]> {
        let mut hash = Sha256::new();
        for (name, tensor) in self.model.parameters().to_tensors()? {
            hash.update(name.as_bytes());
            let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
            for chunk in values.chunks(1 << 16) {
                let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
                hash.update(bytes);
            }
        }
        hash.update((self.dataset.len() as u64).to_le_bytes());
        for index in 0..self.dataset.len() {
            hash.update(self.names.of_image(index).as_bytes());
        }
        for twin in &self.twins {
            hash.update(twin.path.as_os_str().as_encoded_bytes());
        }
        Ok(hash.finalize().into())
    }

    fn rank_real(&mut self, context: &mut Context, side: &mut Side) -> Result<Flow> {
        let damage = Arc::<DamageReport>::default();
        let size = self.section.batch_size.max(1);
        // Whole batches only, as the loader counts; what comes twice of one would count twice.
        let first = side.next() / size;
        if side.next() >= self.dataset.len() {
            return Ok(Flow::Continue);
        }
        let mut loader = from(context, &self.dataset, size, first, &damage)?;
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(self.model.device())?;
            side.add(&self.model, &batch.images, &batch.indices)?;
            self.progress += batch.indices.len() as u64;
            // Not a count: the loader passes over batches of which every image is damaged.
            let next = (loader.position() * size).min(self.dataset.len());
            if self.go_on(context, side, next)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        side.reach(self.dataset.len(), true)?;
        let split = if self.section.split == Split::Test { "test" } else { "training" };
        log_damage(context, split, &damage, &mut 0)?;
        Ok(Flow::Continue)
    }

    fn rank_adversarial(&mut self, context: &mut Context, side: &mut Side) -> Result<Flow> {
        let shape = self.dataset.shape();
        let mut next = side.next();
        while next < self.twins.len() {
            let chunk = next..(next + self.section.batch_size.max(1)).min(self.twins.len());
            let images: Vec<Vec<u8>> = self.twins[chunk.clone()]
                .par_iter()
                .map(|twin| pixels::read(&twin.path, shape))
                .collect::<Result<_>>()?;
            let images = pixels::from_bytes(&images, shape)?.to_device(self.model.device())?;
            let indices: Vec<usize> = chunk.clone().collect();
            side.add(&self.model, &images, &indices)?;
            self.progress += chunk.len() as u64;
            next = chunk.end;
            if self.go_on(context, side, next)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// After a batch: tells how far it is, keeps what a kill must not take, and asks what to do.
    fn go_on(&self, context: &mut Context, side: &mut Side, next: usize) -> Result<Flow> {
        let flow = context.progress(self.progress, self.expected_passes())?;
        side.reach(next, flow != Flow::Continue)?;
        Ok(flow)
    }

    /// The folder of the real images' pictures.
    fn pictures(&self) -> &'static str {
        if self.section.split == Split::Test { PICTURES } else { TRAINING_PICTURES }
    }

    /// Writes the pictures of real images.
    fn write_pictures(&self, context: &Context, images: &BTreeSet<usize>) -> Result<()> {
        let folder = context.folder().join(self.pictures());
        let images: Vec<usize> = images.iter().copied().collect();
        images.par_iter().try_for_each(|&image| {
            let example = self.dataset.example(image)?;
            let bytes = pixels::encode(&example.pixels, self.dataset.shape())?;
            put(&folder.join(self.names.of_image(image)), &bytes)
        })
    }

    /// Copies adversarial images, so that the run folder stands alone.
    fn copy_twins(&self, context: &Context, numbers: &BTreeSet<usize>) -> Result<()> {
        let folder = context.folder().join(TWINS);
        let numbers: Vec<usize> = numbers.iter().copied().collect();
        numbers.par_iter().try_for_each(|&number| {
            let twin = &self.twins[number];
            let bytes = std::fs::read(&twin.path)
                .map_err(|error| write::failed("read", &twin.path, &error))?;
            put(&folder.join(&twin.name), &bytes)
        })
    }
}

pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        write::folder(parent)?;
    }
    write::whole_unsynced(path, bytes)
}
