//! A run's network and test split, opened once, and attacks on single images of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};

use super::{Album, in_words, question};
use crate::attack::logits;
use crate::attack::measure::Distances;
use crate::data::{Batch, Dataset};
use crate::error::{Error, Kind, Result};
use crate::job::build;
use crate::job::checkpoints::{self, Stamp};
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
    /// Which weights the run's network has, in words.
    weights: String,
    /// Of the run's best weights, before these were read.
    stamp: Stamp,
    reopened: bool,
    /// The attack of the last question: people turn one key and go through the images.
    last: Option<(String, Making)>,
}

/// What the networks have answered, and how long the attack took.
struct Computed {
    attack: String,
    /// `[channels, height, width]` of the adversarial image.
    bytes: Vec<u8>,
    distances: Distances,
    /// Logits of the original and of the adversarial image.
    logits: [Vec<f32>; 2],
    took_ms: u64,
}

impl Bench {
    /// Opens them: on the run's device if that works, otherwise on the CPU, saying why.
    ///
    /// Errors: the run trains and has no weights of its own yet; others would be shown as its own.
    pub(super) fn open(run: &RunFolder, say: &mut dyn FnMut(&str)) -> Result<Self> {
        let mut spec = spec::read_resolved(&run.path().join("spec.toml"))?;
        if spec.train.is_some() && checkpoints::named(run.path(), "best")?.is_none() {
            return Err(Error::bad_input("the run has no trained weights yet").hint(
                "wait for the end of its first epoch; one that has failed before needs 'glassbox \
                 resume'",
            ));
        }
        let test = build::open_test(&spec)?;
        if test.is_empty() {
            return Err(Error::bad_input("the test split has no image")
                .hint("see data.limit and data.test_images in the run's spec.toml"));
        }
        let stamp = checkpoints::stamp_of_best(run.path());
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
        Ok(Self {
            run: run.clone(),
            spec,
            runs,
            test,
            networks,
            classes,
            weights,
            stamp,
            reopened: false,
            last: None,
        })
    }

    /// That it is open.
    pub(super) fn ready(&self) -> Answer {
        let images = self.test.len();
        Answer::Ready {
            images,
            classes: self.classes.clone(),
            labels: (0..images).map(|index| self.test.label(index)).collect(),
            weights: self.weights.clone(),
            device: self.spec.device.clone(),
        }
    }

    /// Whether the network was opened anew since this was asked last.
    pub(super) fn was_reopened(&mut self) -> bool {
        std::mem::take(&mut self.reopened)
    }

    /// Attacks an image, of a run that still trains with the best weights of now. A card that fails,
    /// because others have filled it meanwhile, is given up for the CPU, saying why.
    pub(super) fn attack(
        &mut self,
        ask: &Ask,
        album: &mut Album,
        say: &mut dyn FnMut(&str),
    ) -> Result<Attacked> {
        let stamp = checkpoints::stamp_of_best(self.run.path());
        if self.spec.train.is_some() && stamp != self.stamp {
            self.reopen(stamp, say)?;
        }
        let original = self.one(ask.image)?;
        let computed = match self.compute(ask, original.clone()) {
            Err(error) if error.kind == Kind::Failed && self.spec.device != "cpu" => {
                self.give_up_the_card(&error, say)?;
                self.compute(ask, original.clone())?
            }
            computed => computed?,
        };
        self.answer(ask, &original, computed, album)
    }

    /// Reads the run's best weights again.
    fn reopen(&mut self, stamp: Stamp, say: &mut dyn FnMut(&str)) -> Result<()> {
        match tried(&self.spec, &self.run, &*self.test) {
            Ok((model, weights)) => self.put(model, weights),
            Err(error) if self.spec.device != "cpu" => self.give_up_the_card(&error, say)?,
            Err(error) => return Err(error),
        }
        self.stamp = stamp;
        say("the run has better weights: these are used from now on");
        Ok(())
    }

    fn give_up_the_card(&mut self, error: &Error, say: &mut dyn FnMut(&str)) -> Result<()> {
        say(&on_the_cpu(&self.spec.device, error));
        to_cpu(&mut self.spec);
        let (model, weights) = tried(&self.spec, &self.run, &*self.test)?;
        self.put(model, weights);
        Ok(())
    }

    fn put(&mut self, model: Model, weights: String) {
        self.networks = Networks::new(model, &self.spec);
        self.weights = weights;
        // Its places are those of the networks before.
        self.last = None;
        self.reopened = true;
    }

    /// All that needs the device.
    fn compute(&mut self, ask: &Ask, original: Batch) -> Result<Computed> {
        let original = self.networks.take(original)?;
        let making = match self.last.take().filter(|(text, _)| *text == ask.attack) {
            Some((_, making)) => making,
            None => self.making(&ask.attack)?,
        };
        let started = Instant::now();
        let targets = making.targets(&self.networks, &original)?.into_iter().next().flatten();
        let made = making.make(&self.networks, &original, targets.as_deref(), self.test.shape())?;
        let took_ms = started.elapsed().as_millis() as u64;
        let aimed = targets.and_then(|targets| targets.first().copied());
        let towards = aimed.and_then(|class| self.classes.get(class as usize));
        let attack = question::in_words(&making.section.how, towards.map(String::as_str));
        self.last = Some((ask.attack.clone(), making));
        let of = |images: &Tensor| -> Result<Vec<f32>> {
            let rows = logits(&self.networks[0].model, images)?.to_vec2::<f32>()?;
            Ok(rows.into_iter().next().unwrap_or_default())
        };
        let logits = [of(&original.images)?, of(&made.images)?];
        let nothing = || Error::failed("the attack made no image");
        let bytes = made.bytes.into_iter().next().ok_or_else(nothing)?;
        Ok(Computed { attack, bytes, distances: made.distances, logits, took_ms })
    }

    /// Writes the pictures.
    fn answer(
        &self,
        ask: &Ask,
        original: &Batch,
        computed: Computed,
        album: &mut Album,
    ) -> Result<Attacked> {
        let Computed { attack, bytes, distances, logits: [clean, adversarial], took_ms } = computed;
        let (clean, adversarial) = (shares(&clean)?, shares(&adversarial)?);
        let original = pixels::to_bytes_within(&original.images, &original.images, 0.0)?;
        let original = original.first().map_or(&[][..], Vec::as_slice);
        let [original_file, adversarial_file] = album.put([original, &bytes], self.test.shape())?;
        Ok(Attacked {
            id: ask.id,
            image: ask.image,
            attack,
            label: self.test.label(ask.image),
            clean,
            adversarial,
            linf: distances.linf_max,
            l2: distances.l2_sum,
            took_ms,
            original_file,
            adversarial_file,
        })
    }

    /// Image `index`, on the CPU.
    fn one(&self, index: usize) -> Result<Batch> {
        let images = self.test.len();
        if index >= images {
            return Err(Error::bad_input(format!(
                "there is no image {index}: the test split has {images}, counted from 0"
            ))
            .hint(format!("ask for one of 0 to {}", images - 1)));
        }
        let example = self.test.example(index)?;
        Ok(Batch {
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
}

/// The softmax of one image's logits.
fn shares(logits: &[f32]) -> Result<Vec<f32>> {
    if logits.iter().any(|logit| !logit.is_finite()) {
        return Err(Error::failed("the network answers with what is no number")
            .hint("its training may have diverged: look at the run's loss"));
    }
    Ok(probabilities(logits).into_iter().map(|share| share as f32).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::folder::NewRun;

    #[test]
    fn a_run_that_has_not_trained_yet_is_refused_and_not_shown_with_other_weights() {
        let root = tempfile::tempdir().unwrap();
        for model in ["", "[model]\narch = 'shapesnet'\nweights = '/w/other.safetensors'\n"] {
            let spec = format!("[data]\nformat = 'shapes'\n{model}[train]\n");
            let (title, argv) = ("a", vec![]);
            let new = NewRun { title, spec: &spec, device: "cpu", seed: 1, argv };
            let run = RunFolder::create(root.path(), &new).unwrap();
            let error = Bench::open(&run, &mut |_| ()).err().unwrap();
            assert_eq!(error.message, "the run has no trained weights yet");
            assert!(error.exit_code() == 2 && error.hint.is_some());
        }
    }

    #[test]
    fn logits_that_are_no_numbers_are_a_failure_of_the_network() {
        assert_eq!(shares(&[0.0, 0.0]).unwrap(), [0.5, 0.5]);
        let error = shares(&[0.0, f32::NAN]).unwrap_err();
        assert!(error.hint.unwrap().contains("diverged"));
    }
}
