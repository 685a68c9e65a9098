//! A run's network and test split, opened once, and attacks on single images of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};

use super::{Album, in_words, question};
use crate::attack::logits;
use crate::data::{Batch, Dataset};
use crate::error::{Error, Kind, Result};
use crate::job::build;
use crate::job::predict::{class_names, probabilities};
use crate::job::stage::attack::Making;
use crate::job::stage::networks::Networks;
use crate::job::stage::{network_of, pixels, runs_of};
use crate::model::Model;
use crate::run::folder::RunFolder;
use crate::run::live::{Answer, Ask, Attacked};
use crate::spec::{self, Spec};

/// What the questions are about.
pub(super) struct Bench {
    run: RunFolder,
    spec: Spec,
    runs: PathBuf,
    test: Arc<dyn Dataset>,
    networks: Networks,
    classes: Vec<String>,
    /// The attack of the last question: people turn one key and go through the images.
    last: Option<(String, Making)>,
}

impl Bench {
    /// Opens them: on the run's device if that works, otherwise on the CPU, saying why.
    pub(super) fn open(run: &RunFolder, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let mut spec = spec::read_resolved(&run.path().join("spec.toml"))?;
        let test = build::open_data(&spec)?.test;
        if test.is_empty() {
            return Err(Error::bad_input("the test split has no image")
                .hint("see data.limit and data.test_images in the run's spec.toml"));
        }
        let (model, weights) = match tried(&spec, run, &*test) {
            Err(error) if spec.device != "cpu" => {
                say(&on_the_cpu(&spec.device, &error));
                to_cpu(&mut spec);
                tried(&spec, run, &*test)?
            }
            found => found?,
        };
        say(&format!("weights: {weights}; device: {}", spec.device));
        let runs = runs_of(run.path()).to_owned();
        let classes = names(&spec, &model, &*test, &runs)?;
        let networks = Networks::new(model, &spec);
        Ok(Self { run: run.clone(), spec, runs, test, networks, classes, last: None })
    }

    /// That it is open.
    pub(super) fn ready(&self) -> Answer {
        let images = self.test.len();
        Answer::Ready {
            images,
            classes: self.classes.clone(),
            labels: (0..images).map(|index| self.test.label(index)).collect(),
        }
    }

    /// Attacks an image. A card that fails, because others have filled it meanwhile, is given up
    /// for the CPU, saying why.
    pub(super) fn attack(
        &mut self,
        ask: &Ask,
        album: &mut Album,
        say: &mut dyn FnMut(&str),
    ) -> Result<Attacked> {
        match self.try_attack(ask, album) {
            Err(error) if error.kind == Kind::Failed && self.spec.device != "cpu" => {
                say(&on_the_cpu(&self.spec.device, &error));
                to_cpu(&mut self.spec);
                self.last = None;
                let (model, _) = tried(&self.spec, &self.run, &*self.test)?;
                self.networks = Networks::new(model, &self.spec);
                self.try_attack(ask, album)
            }
            outcome => outcome,
        }
    }

    fn try_attack(&mut self, ask: &Ask, album: &mut Album) -> Result<Attacked> {
        let batch = self.one(ask.image)?;
        let making = match self.last.take().filter(|(text, _)| *text == ask.attack) {
            Some((_, making)) => making,
            None => self.making(&ask.attack)?,
        };
        let started = Instant::now();
        let targets = making.targets(&self.networks, &batch)?.into_iter().next().flatten();
        let shape = self.test.shape();
        let made = making.make(&self.networks, &batch, targets.as_deref(), shape)?;
        let took_ms = started.elapsed().as_millis() as u64;
        let aimed = targets.and_then(|targets| targets.first().copied());
        let towards = aimed.and_then(|class| self.classes.get(class as usize));
        let attack = question::in_words(&making.section.how, towards.map(String::as_str));
        self.last = Some((ask.attack.clone(), making));

        let clean = self.probabilities(&batch.images)?;
        let adversarial = self.probabilities(&made.images)?;
        let original = pixels::to_bytes_within(&batch.images, &batch.images, 0.0)?;
        let beyond = || Error::failed("the attack made no image");
        let images = [original.first().ok_or_else(beyond)?, made.bytes.first().ok_or_else(beyond)?];
        let [original_file, adversarial_file] = album.put(images.map(Vec::as_slice), shape)?;
        Ok(Attacked {
            id: ask.id,
            image: ask.image,
            attack,
            label: self.test.label(ask.image),
            clean,
            adversarial,
            linf: made.distances.linf_max,
            l2: made.distances.l2_sum,
            took_ms,
            original_file,
            adversarial_file,
        })
    }

    /// Image `index` where the networks are.
    fn one(&self, index: usize) -> Result<Batch> {
        let images = self.test.len();
        if index >= images {
            return Err(Error::bad_input(format!(
                "there is no image {index}: the test split has {images}, counted from 0"
            ))
            .hint(format!("ask for one of 0 to {}", images - 1)));
        }
        let example = self.test.example(index)?;
        self.networks.take(Batch {
            images: pixels::from_bytes(&[example.pixels], self.test.shape())?,
            labels: Tensor::new(&[example.label], &Device::Cpu)?,
            indices: vec![index],
        })
    }

    /// The attack that `text` asks for, with the networks that it needs.
    fn making(&mut self, text: &str) -> Result<Making> {
        let section = question::attack(text, self.spec.data.format)?;
        // Networks that other sections name are of no concern here.
        let (train, evaluate) = (None, None);
        let mut spec = Spec { attack: Some(section.clone()), train, evaluate, ..self.spec.clone() };
        build::resolve_members(&mut spec, self.test.shape()[0], &self.runs)?;
        let section = spec.attack.clone().unwrap_or(section);
        Making::new(&spec, section, &mut self.networks, &self.runs)
    }

    /// What the run's own network says of one image.
    fn probabilities(&self, image: &Tensor) -> Result<Vec<f32>> {
        let rows = logits(&self.networks[0].model, image)?.to_vec2::<f32>()?;
        let row = rows.first().map_or(&[][..], Vec::as_slice);
        if row.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::failed("the network answers with what is no number")
                .hint("its training may have diverged: look at the run's loss"));
        }
        Ok(probabilities(row).into_iter().map(|share| share as f32).collect())
    }
}

/// The run's network on the device of `spec`, after it has shown that it computes there.
fn tried(spec: &Spec, run: &RunFolder, test: &dyn Dataset) -> Result<(Model, String)> {
    let [channels, height, width] = test.shape();
    let (model, weights) = network_of(spec, run.path(), channels)?;
    let networks = Networks::new(model, spec);
    let blank = Tensor::zeros((1, channels, height, width), DType::F32, &networks.device())?;
    logits(&networks[0].model, &blank)?.to_vec2::<f32>()?;
    Ok((networks.into_own()?, weights))
}

fn to_cpu(spec: &mut Spec) {
    spec.device = "cpu".into();
    spec.precision = Some(spec::Precision::F32);
}

fn on_the_cpu(device: &str, error: &Error) -> String {
    format!("computes on the CPU, since {device} cannot be used: {}", in_words(error))
}

/// What each output stands for: as the weights say, else as the data does.
fn names(
    spec: &Spec,
    model: &Model,
    test: &dyn Dataset,
    runs: &std::path::Path,
) -> Result<Vec<String>> {
    let of_data: Vec<String> = test.classes().iter().map(|class| class.name.clone()).collect();
    let outputs = model.classes();
    if of_data.len() == outputs {
        return Ok(of_data);
    }
    let header = match &spec.model.weights {
        Some(word) => build::header("model", spec.model.arch, word, runs)?,
        None => None,
    };
    let of_weights = class_names(header.as_ref(), outputs);
    let known = if of_weights.len() == outputs { of_weights } else { of_data };
    Ok((0..outputs)
        .map(|class| known.get(class).cloned().unwrap_or_else(|| class.to_string()))
        .collect())
}
