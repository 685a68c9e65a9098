//! Ranks images by how much they excite each neuron, the real ones and their adversarial twins: what
//! several stages begin with.
//!
//! What the neurons answer goes to a file, so that memory does not grow with the data and a pass that
//! was interrupted goes on.

pub(super) mod found;
pub(super) mod rows;
pub(super) mod saved;
pub(super) mod side;
pub(super) mod strips;
pub(super) mod twins;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use self::side::Side;
use self::twins::Twin;
use super::pixels::{self, PictureNames};
use super::{from, log_damage, trained_network};
use crate::data::{DamageReport, Dataset};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow};
use crate::model::{LayerTap, Model};
use crate::neuron::top::Ranked;
use crate::run::results::neurons::TopImage;
use crate::run::write;
use crate::spec::{Spec, Split};

/// What is ranked, as a section of the spec has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The section's name.
    pub(super) section: &'static str,
    pub(super) layers: &'a [String],
    pub(super) split: Split,
    /// `stage`, `run:ID`, a folder, or `none`.
    pub(super) adversarial: &'a str,
    pub(super) batch_size: usize,
}

/// The network, and the images that its neurons are to rank.
pub(super) struct Ranking {
    pub(super) model: Model,
    pub(super) taps: Vec<LayerTap>,
    pub(super) dataset: Arc<dyn Dataset>,
    /// For people: `test split`.
    pub(super) called: &'static str,
    pub(super) names: PictureNames,
    pub(super) twins: Vec<Twin>,
    pub(super) batch_size: usize,
    /// How much of the stage is done, and how much there will be.
    pub(super) progress: [u64; 2],
}

impl Ranking {
    /// Opens all of it.
    pub(super) fn open(context: &mut Context, spec: &Spec, asked: Asked<'_>) -> Result<Self> {
        let (dataset, called) = match asked.split {
            Split::Test => (build::open_test(spec)?, "test split"),
            Split::Train => (build::open_data(spec)?.train, "training split"),
        };
        let mut ranking = Self::over(context, dataset, called, asked)?;
        let (section, adversarial) = (asked.section, asked.adversarial);
        let (dataset, names) = (&*ranking.dataset, &ranking.names);
        ranking.twins = twins::find(context, section, adversarial, dataset, names)?;
        Ok(ranking)
    }

    /// The same over images without twins.
    pub(super) fn over(
        context: &mut Context,
        dataset: Arc<dyn Dataset>,
        called: &'static str,
        asked: Asked<'_>,
    ) -> Result<Self> {
        let model = trained_network(context, &*dataset)?;
        let key = format!("{}.layers", asked.section);
        let layers = build::taps(&model, &key, asked.layers)?;
        let tap = |name: &String| model.taps().iter().find(|tap| tap.name == *name).cloned();
        Ok(Self {
            taps: layers.iter().filter_map(tap).collect(),
            names: PictureNames::of(&*dataset),
            twins: Vec::new(),
            batch_size: asked.batch_size.max(1),
            progress: [0, 0],
            model,
            dataset,
            called,
        })
    }

    /// A hash of the network's weights, of which images are ranked, and of `settings`.
    pub(super) fn key(&self, settings: &[u8]) -> Result<[u8; 32]> {
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
        hash.update(settings);
        Ok(hash.finalize().into())
    }

    /// Takes so many images as done, by an earlier try, each of so many steps, and says so.
    pub(super) fn goes_on(
        &mut self,
        context: &mut Context,
        images: usize,
        steps: u64,
    ) -> Result<()> {
        if images > 0 {
            context.log(&format!("goes on after {images} images of an earlier try"))?;
            self.progress[0] += images as u64 * steps;
        }
        Ok(())
    }

    /// Ranks the images of both sides, from where an earlier try has left them. Errors: no real one
    /// could be read.
    pub(super) fn rank_both(
        &mut self,
        context: &mut Context,
        [real, adversarial]: [&mut Side; 2],
    ) -> Result<Flow> {
        self.goes_on(context, real.next() + adversarial.next(), 1)?;
        if self.rank_real(context, real)? == Flow::Stop
            || self.rank_twins(context, adversarial)? == Flow::Stop
        {
            return Ok(Flow::Stop);
        }
        if real.images() == 0 {
            return Err(Error::failed("no image could be read, so none was ranked"));
        }
        Ok(Flow::Continue)
    }

    /// Ranks the real images.
    pub(super) fn rank_real(&mut self, context: &mut Context, side: &mut Side) -> Result<Flow> {
        let damage = Arc::<DamageReport>::default();
        let size = self.batch_size;
        // Whole batches only, as the loader counts; what comes twice of one would count twice.
        let first = side.next() / size;
        if side.next() >= self.dataset.len() {
            return Ok(Flow::Continue);
        }
        let mut loader = from(context, &self.dataset, size, first, &damage)?;
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(self.model.device())?;
            side.add(&self.model, &batch.images, &batch.indices)?;
            // Not a count: the loader passes over batches of which every image is damaged.
            let next = (loader.position() * size).min(self.dataset.len());
            if self.go_on(context, side, next, batch.indices.len())? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        side.reach(self.dataset.len(), true)?;
        log_damage(context, self.called, &damage, &mut 0)?;
        Ok(Flow::Continue)
    }

    /// Ranks the adversarial ones, by their numbers among the twins.
    fn rank_twins(&mut self, context: &mut Context, side: &mut Side) -> Result<Flow> {
        let shape = self.dataset.shape();
        let mut next = side.next();
        while next < self.twins.len() {
            let chunk = next..(next + self.batch_size).min(self.twins.len());
            let images: Vec<Vec<u8>> = self.twins[chunk.clone()]
                .par_iter()
                .map(|twin| pixels::read(&twin.path, shape))
                .collect::<Result<_>>()?;
            let images = pixels::from_bytes(&images, shape)?.to_device(self.model.device())?;
            let indices: Vec<usize> = chunk.clone().collect();
            side.add(&self.model, &images, &indices)?;
            next = chunk.end;
            if self.go_on(context, side, next, chunk.len())? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// After a batch: tells how far the stage is, keeps what a kill must not take, and asks what to
    /// do.
    pub(super) fn go_on(
        &mut self,
        context: &mut Context,
        side: &mut Side,
        next: usize,
        steps: usize,
    ) -> Result<Flow> {
        let flow = self.advance(context, steps)?;
        side.reach(next, flow != Flow::Continue)?;
        Ok(flow)
    }

    /// Tells how far the stage is after so many more steps, and asks what to do.
    pub(super) fn advance(&mut self, context: &mut Context, steps: usize) -> Result<Flow> {
        self.progress[0] += steps as u64;
        let [done, all] = self.progress;
        context.progress(done, all)
    }

    /// Writes the pictures of real images below `folder`.
    pub(super) fn write_pictures(
        &self,
        folder: &Path,
        images: impl IntoIterator<Item = usize>,
    ) -> Result<()> {
        let images: Vec<usize> = images.into_iter().collect();
        images.par_iter().try_for_each(|&image| {
            let example = self.dataset.example(image)?;
            let bytes = pixels::encode(&example.pixels, self.dataset.shape())?;
            put(&folder.join(self.names.of_image(image)), &bytes)
        })
    }
}

/// As results tell of an image that excites a neuron. `original` is its image in `dataset`.
pub(super) fn top_image(
    dataset: &dyn Dataset,
    top: &Ranked,
    original: usize,
    picture: String,
) -> TopImage {
    let label = dataset.label(original);
    TopImage {
        image: dataset.name(original),
        picture,
        activation: f64::from(top.activation.value),
        position: top.activation.position,
        label: class_name(dataset, label),
        label_index: label,
        prediction: class_name(dataset, top.prediction),
        prediction_index: top.prediction,
        counterpart: None,
    }
}

/// Empty for what is no class of the data.
pub(super) fn class_name(dataset: &dyn Dataset, index: u32) -> String {
    dataset.classes().get(index as usize).map_or_else(String::new, |class| class.name.clone())
}

/// Takes away what a stage had under way in `folder`, and the folder above if that is empty now.
pub(super) fn clear(run: &Path, folder: &str) {
    let folder = run.join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    if let Some(parent) = folder.parent() {
        let _ = std::fs::remove_dir(parent);
    }
}

/// Writes a file, and the folders that it lies in.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        write::folder(parent)?;
    }
    write::whole_unsynced(path, bytes)
}
