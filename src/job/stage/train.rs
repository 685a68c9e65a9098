//! `train`: epochs, the live numbers, checkpoints, and going on as if nothing had happened.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{chosen, log_damage, runs_of};
use crate::attack::evaluate::Accuracy;
use crate::attack::{Attack, Clean, Victims};
use crate::data::Dataset;
use crate::data::{DamageReport, Loader, LoaderConfig, epoch_order};
use crate::device;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::checkpoints;
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::usage::Usage;
use crate::spec::{Interval, TrainSpec};
use crate::train::checkpoint::{self, Numbers};
use crate::train::{StepReport, Trainer};

/// Most training events of a run: enough for any screen, and a file that stays small.
const EVENTS: u64 = 20_000;

/// Images a batch while measuring: enough for the processor, little memory.
const BATCH: usize = 100;

/// In place of an epoch where the probe set is drawn, so that it shares no draw with training.
const PROBE: u64 = u64::MAX;

/// A training under way.
struct Training {
    spec: TrainSpec,
    trainer: Trainer,
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
    numbers: Numbers,
    steps: u64,
    damage: Arc<DamageReport>,
    damaged: usize,
    usage: Usage,
    window: Window,
    checkpoint_every: Interval,
    last_checkpoint: (Instant, u64),
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(train) = spec.train.clone() else { return Ok(StageEnd::Done) };
    let opened = build::open_data(&spec)?;
    if opened.train.is_empty() {
        return Err(Error::bad_input("the data has no training images"));
    }
    let model = build::network(&spec, opened.train.shape()[0], runs_of(context.folder()))?;
    let class_names = opened.test.classes().iter().map(|class| class.name.clone()).collect();
    let steps_an_epoch = opened.train.len().div_ceil(train.batch_size) as u64;
    let steps = steps_an_epoch * train.epochs as u64;
    let mut training = Training {
        trainer: build::trainer(&train, model, class_names, steps_an_epoch, steps),
        train: opened.train,
        test: opened.test,
        numbers: Numbers::default(),
        steps,
        damage: Arc::default(),
        damaged: 0,
        usage: Usage::new(),
        window: Window::new(steps),
        checkpoint_every: train
            .checkpoint_every
            .parse()
            .map_err(|reason| Error::bad_input(format!("train.checkpoint_every: {reason}")))?,
        last_checkpoint: (Instant::now(), 0),
        spec: train,
    };
    training.resume(context)?;
    training.run(context)
}

impl Training {
    /// Goes on at the newest whole checkpoint, if there is one.
    fn resume(&mut self, context: &mut Context) -> Result<()> {
        let (found, complaints) = checkpoints::newest(context.folder())?;
        for complaint in complaints {
            context.log(&complaint)?;
        }
        let Some((record, tensors)) = found else {
            return context.log(&format!(
                "training {} on {} images, {} parameters, {} steps in {} epochs",
                self.trainer.model.arch(),
                self.train.len(),
                self.trainer.model.parameters().count(),
                self.steps,
                self.spec.epochs,
            ));
        };
        checkpoint::restore(&mut self.trainer, &record.numbers, tensors)?;
        self.numbers = record.numbers;
        self.last_checkpoint.1 = self.numbers.step;
        context.log(&format!("resumed from checkpoint step-{:06}", self.numbers.step))
    }

    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        while self.numbers.epoch < self.spec.epochs as u64 {
            if self.epoch(context)? == StageEnd::Stopped {
                return Ok(StageEnd::Stopped);
            }
            let Some((clean, adversarial)) = self.evaluate(context)? else {
                self.save(context)?;
                return Ok(StageEnd::Stopped);
            };
            self.finish_epoch(context, clean, adversarial)?;
        }
        Ok(StageEnd::Done)
    }

    /// The batches of the current epoch that are not done yet.
    fn epoch(&mut self, context: &mut Context) -> Result<StageEnd> {
        let seed = context.spec().seed;
        let data = context.spec().data.clone();
        let mut loader = Loader::new(LoaderConfig {
            order: epoch_order(self.train.len(), seed, self.numbers.epoch, true),
            augment: build::augmentations(&self.spec.augment),
            seed,
            epoch: self.numbers.epoch,
            workers: data.workers,
            start_batch: self.numbers.batch as usize,
            on_damaged: build::on_damaged(data.damaged),
            damage: Arc::clone(&self.damage),
            ..LoaderConfig::new(Arc::clone(&self.train), self.spec.batch_size)
        })?;
        self.window.restart();
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(self.trainer.model.device())?;
            let report = self.trainer.step(&batch.images, &batch.labels)?;
            self.numbers.step = self.trainer.step;
            // Not a count: the loader passes over batches of which every image is damaged.
            self.numbers.batch = loader.position() as u64;
            self.numbers.epoch_loss += report.loss * report.images as f64;
            self.numbers.epoch_images += report.images as u64;
            self.numbers.epoch_correct += report.correct as u64;
            self.window.add(&report);
            if self.window.is_full() {
                self.emit(context)?;
            }
            match context.progress(self.numbers.step, self.steps)? {
                Flow::Stop => {
                    self.save(context)?;
                    return Ok(StageEnd::Stopped);
                }
                Flow::Checkpoint => self.save(context)?,
                Flow::Continue if self.is_due() => self.save(context)?,
                Flow::Continue => {}
            }
        }
        if self.window.images > 0 {
            self.emit(context)?;
        }
        let (damage, damaged) = (Arc::clone(&self.damage), &mut self.damaged);
        log_damage(context, &damage, damaged)?;
        Ok(StageEnd::Done)
    }

    fn emit(&mut self, context: &mut Context) -> Result<()> {
        let window = &self.window;
        let images = window.images as f64;
        let (resident, cpu) = self.usage.measure();
        // On a card its own memory is what runs short.
        let on_card = device::memory_in_use(self.trainer.model.device());
        let memory_bytes = on_card.map_or(resident, |bytes| bytes as f64);
        context.metrics(
            self.numbers.step,
            &[
                ("loss", window.loss / images),
                ("train_top1", window.correct as f64 / images),
                ("learning_rate", window.learning_rate),
                ("images_per_second", images / window.since.elapsed().as_secs_f64().max(1e-9)),
                ("memory_bytes", memory_bytes),
                ("cpu_percent", cpu),
            ],
        )?;
        self.window.restart();
        Ok(())
    }

    /// Clean accuracy on the test split and accuracy of the probe under its attack. `None` = asked
    /// to stop meanwhile.
    fn evaluate(&mut self, context: &mut Context) -> Result<Option<(Accuracy, Accuracy)>> {
        let probe = self.spec.probe.clone();
        let attack = build::attack(context.spec(), &probe.how, runs_of(context.folder()))?;
        let all: Vec<usize> = (0..self.test.len()).collect();
        // A test split may be sorted by class, so its first images are no sample.
        let mut some = epoch_order(self.test.len(), context.spec().seed, PROBE, true);
        some.truncate(probe.images);
        some.sort_unstable();
        let Some(clean) = self.measure(context, all, &Clean)? else { return Ok(None) };
        let Some(adversarial) = self.measure(context, some, &*attack)? else { return Ok(None) };
        Ok(Some((clean, adversarial)))
    }

    /// Accuracy under an attack on these test images. `None` = asked to stop meanwhile.
    fn measure(
        &mut self,
        context: &mut Context,
        order: Vec<usize>,
        attack: &dyn Attack,
    ) -> Result<Option<Accuracy>> {
        let mut accuracy = Accuracy::default();
        let test = Arc::clone(&self.test);
        for batch in chosen(context, &test, order, BATCH, &self.damage)? {
            let batch = batch?.to_device(self.trainer.model.device())?;
            let victims = Victims {
                images: &batch.images,
                labels: &batch.labels,
                indices: &batch.indices,
                targets: None,
            };
            accuracy.add(&self.trainer.model, attack, &victims)?;
            match context.progress(self.numbers.step, self.steps)? {
                Flow::Stop => return Ok(None),
                Flow::Checkpoint => self.save(context)?,
                Flow::Continue => {}
            }
        }
        Ok(Some(accuracy))
    }

    fn finish_epoch(
        &mut self,
        context: &mut Context,
        clean: Accuracy,
        adversarial: Accuracy,
    ) -> Result<()> {
        let mut metrics =
            vec![("top1", clean.top1()), ("top5", clean.top5()), ("test_loss", clean.loss())];
        if adversarial.images > 0 {
            metrics.push(("adversarial_top1", adversarial.top1()));
            metrics.push(("adversarial_top5", adversarial.top5()));
            metrics.push(("adversarial_loss", adversarial.loss()));
        }
        context.metrics(self.numbers.step, &metrics)?;
        let mut line = format!(
            "epoch {} of {}: loss {:.4}, top-1 {:.4}",
            self.numbers.epoch + 1,
            self.spec.epochs,
            self.numbers.epoch_loss / self.numbers.epoch_images.max(1) as f64,
            clean.top1(),
        );
        if adversarial.images > 0 {
            let probe = &self.spec.probe;
            let _ = write!(
                line,
                ", {} ε {} {:.4}",
                crate::spec::word(probe.how.method),
                probe.how.bound(),
                adversarial.top1()
            );
        }
        let is_best = self.numbers.best_top1.is_none_or(|best| clean.top1() > best);
        let best_top1 = if is_best { Some(clean.top1()) } else { self.numbers.best_top1 };
        self.numbers = Numbers {
            step: self.numbers.step,
            epoch: self.numbers.epoch + 1,
            best_top1,
            ..Numbers::default()
        };
        if is_best {
            checkpoints::save_best(context, &self.trainer, &self.numbers)?;
            line += "; best so far";
        }
        if self.is_due() || self.numbers.epoch == self.spec.epochs as u64 {
            self.save(context)?;
            let _ = write!(line, "; checkpoint step-{:06}", self.numbers.step);
        }
        context.log(&line)
    }

    fn save(&mut self, context: &mut Context) -> Result<()> {
        checkpoints::save(context, &self.trainer, &self.numbers)?;
        self.last_checkpoint = (Instant::now(), self.numbers.step);
        Ok(())
    }

    fn is_due(&self) -> bool {
        let (at, step) = self.last_checkpoint;
        match self.checkpoint_every {
            // Asked within an epoch, where `batch` counts, it is not due.
            Interval::Epochs(epochs) => {
                self.numbers.batch == 0 && self.numbers.epoch.is_multiple_of(epochs.max(1))
            }
            Interval::Steps(steps) => self.numbers.step - step >= steps,
            Interval::Seconds(seconds) => at.elapsed() >= Duration::from_secs(seconds),
        }
    }
}

/// What has come since the last event.
struct Window {
    every: u64,
    steps: u64,
    images: usize,
    correct: usize,
    loss: f64,
    learning_rate: f64,
    since: Instant,
}

impl Window {
    fn new(total_steps: u64) -> Self {
        Self {
            every: total_steps.div_ceil(EVENTS).max(1),
            steps: 0,
            images: 0,
            correct: 0,
            loss: 0.0,
            learning_rate: 0.0,
            since: Instant::now(),
        }
    }

    fn add(&mut self, report: &StepReport) {
        self.steps += 1;
        self.images += report.images;
        self.correct += report.correct;
        self.loss += report.loss * report.images as f64;
        self.learning_rate = report.learning_rate;
    }

    fn is_full(&self) -> bool {
        self.steps >= self.every
    }

    fn restart(&mut self) {
        *self = Self { every: self.every, ..Self::new(1) };
    }
}
