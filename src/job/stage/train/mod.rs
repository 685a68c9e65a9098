//! `train`: epochs, the live numbers, checkpoints, and going on as if nothing had happened.

mod look;
mod probe;
mod window;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{log_damage, runs_of};
use crate::attack::Clean;
use crate::attack::evaluate::Accuracy;
use crate::data::Dataset;
use crate::data::{Batch, DamageReport, Loader, LoaderConfig, epoch_order};
use crate::device;
use crate::error::{Error, Result};
use crate::job::build::{self, Against};
use crate::job::checkpoints;
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::usage::Usage;
use crate::spec::{Best, Interval, Target, TargetName, TrainSpec};
use crate::train::checkpoint::{self, Numbers};
use crate::train::{StepReport, Trainer};
use look::Looks;
use probe::{Measured, Outlook};
use window::Window;

/// Images a batch while measuring: enough for the processor, little memory.
const BATCH: usize = 100;

/// A training under way.
struct Training {
    spec: TrainSpec,
    trainer: Trainer,
    /// `None` = ordinary training.
    against: Option<Against>,
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
    numbers: Numbers,
    steps: u64,
    /// Of the training split. Each split counts for itself: both number their images from 0.
    damage: Arc<DamageReport>,
    /// How many of them the log has told.
    damaged: usize,
    /// Of the test split.
    test_damage: Arc<DamageReport>,
    test_damaged: usize,
    usage: Usage,
    /// Bytes the machine has.
    memory_total: f64,
    window: Window,
    checkpoint_every: Interval,
    /// Epochs between two looks at the probe set.
    probe_epochs: u64,
    /// Steps between two of them within an epoch, if any.
    probe_steps: Option<u64>,
    last_checkpoint: (Instant, u64),
    /// Present: chosen neurons are looked at now and then.
    looks: Option<Looks>,
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
    let interval = |key: &str, text: &str| {
        text.parse::<Interval>()
            .map_err(|reason| Error::bad_input(format!("train.{key}: {reason}")))
    };
    let (probe_epochs, probe_steps) = match interval("probe.every", &train.probe.every)? {
        Interval::Epochs(epochs) => (epochs, None),
        Interval::Steps(steps) => (1, Some(steps)),
        Interval::Seconds(_) => {
            return Err(Error::bad_input("train.probe.every: expected epochs or steps"));
        }
    };
    let new = |looks| Looks::new(looks, &model, &*opened.test, spec.consistency.as_ref());
    let looks = train.neurons.as_ref().map(new).transpose()?;
    let mut usage = Usage::new();
    let mut training = Training {
        against: build::against(&spec, &model, runs_of(context.folder()))?,
        trainer: build::trainer(&train, model, class_names, steps_an_epoch, steps),
        train: opened.train,
        test: opened.test,
        numbers: Numbers::default(),
        steps,
        damage: Arc::default(),
        damaged: 0,
        test_damage: Arc::default(),
        test_damaged: 0,
        memory_total: usage.memory_total(),
        usage,
        window: Window::new(steps),
        checkpoint_every: interval("checkpoint_every", &train.checkpoint_every)?,
        probe_epochs,
        probe_steps,
        last_checkpoint: (Instant::now(), 0),
        looks,
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
            context.log(&format!(
                "training {} on {} images, {} parameters, {} steps in {} epochs",
                self.trainer.model.arch(),
                self.train.len(),
                self.trainer.model.parameters().count(),
                self.steps,
                self.spec.epochs,
            ))?;
            return self.introduce(context);
        };
        checkpoint::restore(&mut self.trainer, &record.numbers, tensors)?;
        self.numbers = record.numbers;
        self.last_checkpoint.1 = self.numbers.step;
        context.log(&format!("resumed from checkpoint step-{:06}", self.numbers.step))
    }

    /// Says in the log what adversarial training does, in numbers.
    fn introduce(&self, context: &mut Context) -> Result<()> {
        let adversarial = self.spec.adversarial.as_ref().zip(self.against.as_ref());
        let Some((section, against)) = adversarial else { return Ok(()) };
        let term = match &against.objective.consistency {
            Some(consistency) => {
                format!("β {} at {}", consistency.weight, consistency.layers.join(", "))
            }
            None => "β 0: plain adversarial training".into(),
        };
        let best = match self.spec.best {
            Some(Best::AdversarialTop1) => "the lowest adversarial accuracy of the probe set",
            Some(Best::Top1) | None => "clean top-1",
        };
        let aim = match section.target() {
            Target::Named(TargetName::None) => "away from the true class".to_owned(),
            Target::Named(TargetName::Random) => "towards a random class".into(),
            Target::Named(TargetName::LeastLikely) => "towards the least likely class".into(),
            Target::Class(class) => format!("towards class {class}"),
        };
        context.log(&format!(
            "adversarial training: {} ε {} {aim}, α {}, {term}, batch statistics {}; best is by \
             {best}",
            crate::spec::word(section.how.method),
            section.epsilon,
            section.clean_weight,
            crate::spec::word(section.batch_statistics),
        ))
    }

    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        // What adversarial training starts from: its numbers are compared with those at the end.
        if self.against.is_some() && self.numbers.step == 0 && self.numbers.probed.is_none() {
            let (outlook, measured) = self.probe(context)?;
            if outlook == Outlook::Stopped {
                self.save(context)?;
                return Ok(StageEnd::Stopped);
            }
            if measured.both.is_some() {
                let (clean, words) = (measured.clean.top1(), self.words(&measured));
                context.log(&format!("at the start: probe top-1 {clean:.4}{words}"))?;
            }
        }
        if self.numbers.step == 0 && self.look_if_due(context, Some(0))? == Flow::Stop {
            self.save(context)?;
            return Ok(StageEnd::Stopped);
        }
        while self.numbers.epoch < self.spec.epochs as u64 {
            match self.epoch(context)? {
                Outlook::GoOn => {}
                Outlook::Stopped => return Ok(StageEnd::Stopped),
                Outlook::Restored => return Ok(StageEnd::Done),
            }
            let all: Vec<usize> = (0..self.test.len()).collect();
            let Some(clean) = self.accuracy(context, all, &Clean, &[])? else {
                self.save(context)?;
                return Ok(StageEnd::Stopped);
            };
            let next = self.numbers.epoch + 1;
            if self.look_if_due(context, Some(next))? == Flow::Stop {
                self.save(context)?;
                return Ok(StageEnd::Stopped);
            }
            let due = next.is_multiple_of(self.probe_epochs) || next == self.spec.epochs as u64;
            let (outlook, measured) =
                if due { self.probe(context)? } else { (Outlook::GoOn, Measured::default()) };
            match outlook {
                Outlook::GoOn => self.finish_epoch(context, clean, &measured)?,
                Outlook::Stopped => {
                    self.save(context)?;
                    return Ok(StageEnd::Stopped);
                }
                Outlook::Restored => return Ok(StageEnd::Done),
            }
        }
        Ok(StageEnd::Done)
    }

    /// The batches of the current epoch that are not done yet.
    fn epoch(&mut self, context: &mut Context) -> Result<Outlook> {
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
        self.window.restart(context.seconds());
        while let Some(batch) = loader.next() {
            // Before the batch and not after the last one: a training that stopped here looks when
            // it resumes.
            if self.probe_is_due() {
                let before = context.seconds();
                let (outlook, _) = self.probe(context)?;
                self.window.leave_out(context.seconds() - before);
                match outlook {
                    Outlook::GoOn => {}
                    Outlook::Stopped => {
                        self.save(context)?;
                        return Ok(outlook);
                    }
                    Outlook::Restored => return Ok(outlook),
                }
            }
            let before = context.seconds();
            if self.look_if_due(context, None)? == Flow::Stop {
                self.save(context)?;
                return Ok(Outlook::Stopped);
            }
            self.window.leave_out(context.seconds() - before);
            let batch = batch?.to_device(self.trainer.model.device())?;
            let report = self
                .step(&batch)
                .map_err(|error| build::single::explain(error, batch.indices.len()))?;
            self.numbers.step = self.trainer.step;
            // Not a count: the loader passes over batches of which every image is damaged.
            self.numbers.batch = loader.position() as u64;
            self.numbers.epoch_loss += report.loss * report.images as f64;
            self.numbers.epoch_images += report.images as u64;
            self.numbers.epoch_correct += report.correct as u64;
            if let Some(of_step) = &report.adversarial {
                let images = report.images as f64;
                self.numbers.epoch_adversarial_loss += of_step.terms.adversarial * images;
                self.numbers.epoch_consistency += of_step.terms.consistency.unwrap_or(0.0) * images;
            }
            self.window.add(&report);
            if self.window.is_full() {
                self.emit(context)?;
            }
            match context.progress(self.numbers.step, self.steps)? {
                Flow::Stop => {
                    self.save(context)?;
                    return Ok(Outlook::Stopped);
                }
                Flow::Checkpoint => self.save(context)?,
                Flow::Continue if self.is_due() => self.save(context)?,
                Flow::Continue => {}
            }
        }
        if !self.window.is_empty() {
            self.emit(context)?;
        }
        log_damage(context, "training split", &self.damage, &mut self.damaged)?;
        Ok(Outlook::GoOn)
    }

    fn step(&mut self, batch: &Batch) -> Result<StepReport> {
        let Batch { images, labels, indices } = batch;
        let Some(against) = &self.against else { return self.trainer.step(images, labels) };
        let (model, step) = (&self.trainer.model, self.trainer.step);
        let adversarial = against.adversary.perturb(model, images, labels, indices, step)?;
        self.trainer.step_adversarial(images, &adversarial, labels, &against.objective)
    }

    fn emit(&mut self, context: &mut Context) -> Result<()> {
        let (resident, cpu) = self.usage.measure();
        // On a card its own memory is what runs short.
        let (used, total) = match device::memory(self.trainer.model.device()) {
            Some(card) => (card.used as f64, card.total as f64),
            None => (resident, self.memory_total),
        };
        let mut metrics = self.window.metrics(context.seconds());
        metrics.extend([("memory_bytes", used), ("memory_total_bytes", total)]);
        metrics.push(("cpu_percent", cpu));
        context.metrics(self.numbers.step, &metrics)?;
        self.window.restart(context.seconds());
        Ok(())
    }

    fn finish_epoch(
        &mut self,
        context: &mut Context,
        clean: Accuracy,
        measured: &Measured,
    ) -> Result<()> {
        log_damage(context, "test split", &self.test_damage, &mut self.test_damaged)?;
        let metrics = [("top1", clean.top1()), ("top5", clean.top5()), ("test_loss", clean.loss())];
        context.metrics(self.numbers.step, &metrics)?;
        let mean = |sum: f64| sum / self.numbers.epoch_images.max(1) as f64;
        let mut line = format!(
            "epoch {} of {}: loss {:.4}",
            self.numbers.epoch + 1,
            self.spec.epochs,
            mean(self.numbers.epoch_loss),
        );
        if let Some(against) = &self.against {
            let loss = mean(self.numbers.epoch_adversarial_loss);
            let _ = write!(line, ", adversarial {loss:.4}");
            if against.objective.consistency.is_some() {
                let consistency = mean(self.numbers.epoch_consistency);
                let _ = write!(line, ", consistency {consistency:.4}");
            }
        }
        let _ = write!(line, ", top-1 {:.4}{}", clean.top1(), self.words(measured));
        let merit = self.merit(&clean, measured);
        let best = self.numbers.best;
        let is_best = merit.is_some_and(|merit| best.is_none_or(|best| merit > best));
        self.numbers = Numbers {
            step: self.numbers.step,
            epoch: self.numbers.epoch + 1,
            best: if is_best { merit } else { best },
            probed: self.numbers.probed,
            alarm: self.numbers.alarm,
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
