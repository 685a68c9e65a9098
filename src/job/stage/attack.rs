//! `attack`: a set of adversarial images of the test split, written as 8-bit PNGs and measured on
//! what was written (SCIENCE §2).
//!
//! Each finished batch leaves its record, after its pictures, so that a stopped attack goes on
//! where it was.

mod making;
mod outcome;

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::evaluate::cost_of_attack;
use super::networks::Networks;
use super::pixels::{self, PictureNames};
use super::sample::{self, Gradients, Sample};
use super::{log_damage, runs_of, trained_network};
use crate::attack::logits;
use crate::attack::measure::{Distances, predictions};
use crate::data::{Batch, DamageReport, Dataset};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::ledger::Ledger;
use crate::run::write;
use crate::spec::AttackSpec;

pub(in crate::job) use making::Making;

/// Where the images go, in the run folder.
pub const FOLDER: &str = "adversarial";

/// What the records of batches are filed under.
const PASS: &str = "set";

/// A line of `progress/attack.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    /// A batch whose pictures are written.
    Batch(Made),
    /// With a bound of 0 the attack changed nothing.
    Sound,
    /// What the network lets an attack see.
    Gradients(Gradients),
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Made {
    /// What the written pictures differ by from the originals.
    distances: Distances,
    /// By original, then by target.
    pictures: Vec<Picture>,
}

/// A written picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Picture {
    /// The original, by index in the test split.
    index: usize,
    /// What the attack aimed at.
    target: Option<u32>,
    /// Size of the file.
    bytes: u64,
    /// What each network says of the original.
    clean: Vec<u32>,
    /// What each network says of the picture.
    adversarial: Vec<u32>,
}

/// What it costs, in forward passes over the test split.
pub fn cost(section: &AttackSpec) -> f64 {
    (cost_of_attack(&section.how) + 1.0) * section.targets_per_image as f64 + 1.0
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.attack.clone() else { return Ok(StageEnd::Done) };
    let runs = runs_of(context.folder()).to_owned();
    let test = build::open_test(&spec)?;
    let mut networks = Networks::new(trained_network(context, &*test)?, &spec);
    let making = Making::new(&spec, section, &mut networks, &runs)?;
    let mut tried_on = making.made_on.clone();
    // A network that is none of the ensemble's sees a transfer attack; a fresh one tells nothing.
    let own = spec.train.is_some() || spec.model.weights.is_some();
    if own && !tried_on.contains(&0) {
        tried_on.push(0);
    }
    let mut set = Set {
        names: PictureNames::of(&*test),
        ledger: Ledger::open(context.folder(), "attack")?,
        making,
        networks,
        tried_on,
        test,
    };
    let end = set.run(context)?;
    if end == StageEnd::Done {
        set.ledger.close();
    }
    Ok(end)
}

/// The stage under way.
struct Set {
    making: Making,
    test: Arc<dyn Dataset>,
    names: PictureNames,
    networks: Networks,
    /// The networks that the images are tried on: those that they are made on first.
    tried_on: Vec<usize>,
    ledger: Ledger<Record>,
}

impl Set {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        if self.making.section.how.pixel_bound() < 1.0 {
            context
                .log("epsilon is below one pixel level: 8-bit images cannot hold such a change")?;
        }
        self.check(context)?;
        if self.make_all(context)? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
        let result = outcome::result(self);
        if result.pairs.is_empty() {
            return Err(Error::failed("no image could be read, so none was attacked"));
        }
        for line in outcome::lines(&result) {
            context.log(&line)?;
        }
        let json = serde_json::to_vec_pretty(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/attack.json", &json)?;
        Ok(StageEnd::Done)
    }

    /// Tries attack and network on a few images, before anything is made.
    fn check(&mut self, context: &Context) -> Result<()> {
        if self.ledger.get("zero", 0).is_some() && self.ledger.get("gradients", 0).is_some() {
            return Ok(());
        }
        let sample = Sample::of(context, &self.test, &self.networks)?;
        let model = &self.networks[self.making.made_on[0]].model;
        // Where it aims does not matter to an attack that may not move.
        let targets = self.making.target.map(|_| &sample.few.labels);
        let runs = runs_of(context.folder());
        let few = (model, &sample.few);
        sample::check_zero(context.spec(), &self.making.section.how, few, targets, runs)?;
        let seen = sample::gradients(model, &sample.images)?;
        self.ledger.put("zero", 0, Record::Sound)?;
        self.ledger.put("gradients", 0, Record::Gradients(seen))
    }

    /// Makes every batch that has no record yet.
    fn make_all(&mut self, context: &mut Context) -> Result<Flow> {
        self.forget_lost_pictures(context.folder());
        let (size, len) = (self.making.section.batch_size, self.test.len());
        let batches = len.div_ceil(size.max(1));
        let missing = |batch: &usize| self.ledger.get(PASS, *batch).is_none();
        let Some(first) = (0..batches).find(missing) else { return Ok(Flow::Continue) };
        let mut done = outcome::originals(&self.ledger);
        if done > 0 {
            context.log(&format!("goes on after {done} images of an earlier try"))?;
            context.progress(done, len as u64)?;
        }
        let damage = Arc::<DamageReport>::default();
        let mut loader = super::from(context, &self.test, size, first, &damage)?;
        while let Some(batch) = loader.next() {
            let batch = self.networks.take(batch?)?;
            let number = loader.position() - 1;
            if self.ledger.get(PASS, number).is_some() {
                continue;
            }
            let made = self.make(context.folder(), &batch)?;
            self.ledger.put(PASS, number, Record::Batch(made))?;
            done += batch.indices.len() as u64;
            let (clean, adversarial) = outcome::top1(self, 0);
            context.metrics(done, &[("top1", clean), ("adversarial_top1", adversarial)])?;
            if context.progress(done, len as u64)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        log_damage(context, "test split", &damage, &mut 0)?;
        Ok(Flow::Continue)
    }

    /// Pictures are not synced one by one: a power cut may have taken some that have a record.
    fn forget_lost_pictures(&mut self, folder: &Path) {
        let is_there = |picture: &Picture| {
            let path = folder.join(self.picture(picture.index, picture.target));
            std::fs::metadata(path).is_ok_and(|file| file.len() == picture.bytes)
        };
        let lost: Vec<usize> = self
            .ledger
            .pass(PASS)
            .filter(|(_, record)| match record {
                Record::Batch(made) => !made.pictures.par_iter().all(is_there),
                _ => true,
            })
            .map(|(batch, _)| batch)
            .collect();
        for batch in lost {
            self.ledger.forget(PASS, batch);
        }
    }

    /// Attacks a batch, writes what comes out, and looks at what was written.
    fn make(&self, folder: &Path, batch: &Batch) -> Result<Made> {
        let shape = self.test.shape();
        let clean = self.answers(&batch.images)?;
        let mut distances = Distances::default();
        let mut pictures = Vec::new();
        for targets in self.making.targets(&self.networks, batch)? {
            let made = self.making.make(&self.networks, batch, targets.as_deref(), shape)?;
            // From here on only what the files hold counts.
            distances = distances.and(made.distances);
            let bytes = made.bytes;
            let adversarial = self.answers(&made.images)?;
            for (at, &index) in batch.indices.iter().enumerate() {
                pictures.push(Picture {
                    index,
                    target: targets.as_ref().and_then(|targets| targets.get(at).copied()),
                    bytes: 0,
                    clean: clean.iter().map(|answers| answers[at]).collect(),
                    adversarial: adversarial.iter().map(|answers| answers[at]).collect(),
                });
            }
            let first = pictures.len() - bytes.len();
            bytes.par_iter().zip(&mut pictures[first..]).try_for_each(|(image, picture)| {
                let path = folder.join(self.picture(picture.index, picture.target));
                if let Some(parent) = path.parent() {
                    write::folder(parent)?;
                }
                let png = pixels::encode(image, shape)?;
                picture.bytes = png.len() as u64;
                write::whole_unsynced(&path, &png)
            })?;
        }
        // By original; stable, so the targets of each stay in their order.
        pictures.sort_by_key(|picture| picture.index);
        Ok(Made { distances, pictures })
    }

    /// What each network that the set is tried on takes these images for.
    fn answers(&self, images: &Tensor) -> Result<Vec<Vec<u32>>> {
        let answers = |&place: &usize| predictions(&logits(&self.networks[place].model, images)?);
        self.tried_on.iter().map(answers).collect()
    }

    /// The file of a picture, in the run folder: the original's name, and where it has several
    /// targets which one.
    fn picture(&self, index: usize, target: Option<u32>) -> String {
        let name = self.names.of_image(index);
        match target.filter(|_| self.making.section.targets_per_image > 1) {
            Some(target) => {
                let stem = name.strip_suffix(".png").unwrap_or(name);
                format!("{FOLDER}/{stem}.t{target}.png")
            }
            None => format!("{FOLDER}/{name}"),
        }
    }
}
