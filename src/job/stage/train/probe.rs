//! The fixed probe set: how the network stands, clean and under attack, while it trains; and the
//! alarm for catastrophic overfitting (SCIENCE §6).

use std::fmt::Write as _;
use std::sync::Arc;

use super::super::{chosen, runs_of};
use super::{BATCH, Training};
use crate::attack::evaluate::Accuracy;
use crate::attack::{Attack, Clean, Victims};
use crate::data::epoch_order;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::checkpoints;
use crate::job::context::{Context, Flow};
use crate::spec::{AttackMethod, Best, OnOverfitting};
use crate::train::{Reading, Verdict};

/// In place of an epoch where the probe set is drawn, so that it shares no draw with training.
pub(super) const PROBE: u64 = u64::MAX;

/// What to do about it, wherever the alarm is told.
const ADVICE: &str = "FGSM accuracy now means nothing: the gradients are masked. Train against \
    train.adversarial.method=pgd with a few steps, a smaller epsilon or learning rate, or more \
    consistency_weight";

/// What was measured on the probe set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    pub(super) clean: Accuracy,
    /// Under the probe's own attack; of no image if it has none.
    pub(super) adversarial: Accuracy,
    /// Under FGSM and PGD, for the alarm; adversarial training only.
    pub(super) both: Option<(Accuracy, Accuracy)>,
}

/// Whether training goes on after a look at the probe set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    GoOn,
    /// Asked to stop meanwhile.
    Stopped,
    /// The alarm ended training; `best` holds the last good weights.
    Restored,
}

impl Measured {
    /// The lowest adversarial accuracy, for `train.best`: FGSM alone would choose the networks that
    /// only hide their gradients.
    pub(super) fn adversarial_top1(&self) -> Option<f64> {
        let mut lowest = (self.adversarial.images > 0).then(|| self.adversarial.top1());
        if let Some((fgsm, pgd)) = &self.both {
            for top1 in [fgsm.top1(), pgd.top1()] {
                lowest = Some(lowest.map_or(top1, |lowest| lowest.min(top1)));
            }
        }
        lowest
    }
}

impl Training {
    /// Whether the probe is due at this step, within an epoch.
    pub(super) fn probe_is_due(&self) -> bool {
        let step = self.numbers.step;
        let every = self.probe_steps.filter(|every| step > 0 && step.is_multiple_of(*every));
        every.is_some() && self.numbers.probed != Some(step)
    }

    /// Measures the probe set, writes what it gave and hears the alarm.
    pub(super) fn probe(&mut self, context: &mut Context) -> Result<(Outlook, Measured)> {
        let Some(measured) = self.measure_probe(context)? else {
            return Ok((Outlook::Stopped, Measured::default()));
        };
        self.numbers.probed = Some(self.numbers.step);
        let mut metrics = Vec::new();
        if measured.adversarial.images > 0 {
            metrics.push(("adversarial_top1", measured.adversarial.top1()));
            metrics.push(("adversarial_top5", measured.adversarial.top5()));
            // In adversarial training that name is the objective's.
            let loss = if self.against.is_some() { "probe_loss" } else { "adversarial_loss" };
            metrics.push((loss, measured.adversarial.loss()));
        }
        if let Some((fgsm, pgd)) = &measured.both {
            metrics.push(("probe_top1", measured.clean.top1()));
            metrics.push(("fgsm_top1", fgsm.top1()));
            metrics.push(("pgd_top1", pgd.top1()));
            metrics.extend(pgd.features.mean().map(|distance| ("feature_distance", distance)));
        }
        let outlook = match &measured.both {
            None => Outlook::GoOn,
            Some((fgsm, pgd)) => {
                let reading = Reading {
                    step: self.numbers.step,
                    images: pgd.images as u64,
                    fgsm: fgsm.top1(),
                    pgd: pgd.top1(),
                };
                let raised = self.numbers.alarm.raised;
                let verdict = self.numbers.alarm.hear(reading);
                metrics.push(("overfitting", f64::from(u8::from(self.numbers.alarm.raised))));
                context.metrics(self.numbers.step, &metrics)?;
                return Ok((self.heed(context, verdict, reading, raised)?, measured));
            }
        };
        if !metrics.is_empty() {
            context.metrics(self.numbers.step, &metrics)?;
        }
        Ok((outlook, measured))
    }

    /// Does what `on_overfitting` says.
    fn heed(
        &mut self,
        context: &mut Context,
        verdict: Verdict,
        now: Reading,
        was_raised: bool,
    ) -> Result<Outlook> {
        let Some(against) = &self.against else { return Ok(Outlook::GoOn) };
        let restores = against.on_overfitting == OnOverfitting::Restore;
        let before = match verdict {
            Verdict::Worse => return Ok(Outlook::GoOn),
            Verdict::Good => {
                if was_raised {
                    context.log(&format!(
                        "step {}: PGD accuracy is back at {:.4}; the alarm is off",
                        now.step, now.pgd
                    ))?;
                }
                if restores {
                    checkpoints::save_good(context, &self.trainer, &self.numbers)?;
                }
                return Ok(Outlook::GoOn);
            }
            Verdict::Collapsed(before) => before,
        };
        let what = format!(
            "catastrophic overfitting: at step {} FGSM accuracy is {:.4} ({:.4} at step {}), but \
             PGD accuracy fell from {:.4} to {:.4}",
            now.step, now.fgsm, before.fgsm, before.step, before.pgd, now.pgd
        );
        match against.on_overfitting {
            OnOverfitting::Warn if was_raised => Ok(Outlook::GoOn),
            OnOverfitting::Warn => {
                context.log(&format!("warning: {what}. {ADVICE}"))?;
                Ok(Outlook::GoOn)
            }
            OnOverfitting::Stop => Err(Error::failed(what).hint(ADVICE)),
            OnOverfitting::Restore => {
                let step = checkpoints::good_becomes_best(context)?.ok_or_else(|| {
                    Error::failed(format!("{what}; and no good weights were kept")).hint(ADVICE)
                })?;
                context.log(&format!(
                    "warning: {what}. Training ends here, and best is the weights of step {step}, \
                     the last good ones. {ADVICE}"
                ))?;
                Ok(Outlook::Restored)
            }
        }
    }

    /// `None` = asked to stop meanwhile.
    fn measure_probe(&mut self, context: &mut Context) -> Result<Option<Measured>> {
        let mut measured = Measured::default();
        if self.spec.probe.images == 0 {
            return Ok(Some(measured));
        }
        let probe = self.spec.probe.clone();
        let runs = runs_of(context.folder()).to_owned();
        let attack = build::attack(context.spec(), &probe.how, &runs)?;
        let alarm = match &self.against {
            Some(_) => build::alarm_attacks(context.spec(), &probe, &runs)?,
            None => None,
        };
        let features = match &self.against {
            Some(against) => against.layers.clone(),
            None => Vec::new(),
        };
        let features: Vec<&str> = features.iter().map(String::as_str).collect();
        // A test split may be sorted by class, so its first images are no sample.
        let mut some = epoch_order(self.test.len(), context.spec().seed, PROBE, true);
        some.truncate(probe.images);
        some.sort_unstable();
        let mut measure =
            |attack: &dyn Attack, taps: &[&str]| self.accuracy(context, some.clone(), attack, taps);
        // Without an attack its accuracy is no adversarial one.
        if probe.how.method != AttackMethod::None {
            let Some(adversarial) = measure(&*attack, &[])? else { return Ok(None) };
            measured.adversarial = adversarial;
        }
        if let Some([fgsm, pgd]) = alarm {
            let Some(clean) = measure(&Clean, &[])? else { return Ok(None) };
            let Some(fgsm) = measure(&*fgsm, &[])? else { return Ok(None) };
            let Some(pgd) = measure(&*pgd, &features)? else { return Ok(None) };
            measured.clean = clean;
            measured.both = Some((fgsm, pgd));
        }
        Ok(Some(measured))
    }

    /// Accuracy under an attack on these test images, and the features' distance in `taps`. `None`
    /// = asked to stop meanwhile.
    pub(super) fn accuracy(
        &mut self,
        context: &mut Context,
        order: Vec<usize>,
        attack: &dyn Attack,
        taps: &[&str],
    ) -> Result<Option<Accuracy>> {
        let mut accuracy = Accuracy::default();
        let test = Arc::clone(&self.test);
        for batch in chosen(context, &test, order, BATCH, &self.test_damage)? {
            let batch = batch?.to_device(self.trainer.model.device())?;
            let victims = Victims {
                images: &batch.images,
                labels: &batch.labels,
                indices: &batch.indices,
                targets: None,
            };
            accuracy.add_with_features(&self.trainer.model, attack, &victims, taps)?;
            match context.progress(self.numbers.step, self.steps)? {
                Flow::Stop => return Ok(None),
                Flow::Checkpoint => self.save(context)?,
                Flow::Continue => {}
            }
        }
        Ok(Some(accuracy))
    }

    /// `, fgsm ε 4 0.4310; PGD 0.2210, feature distance 0.4132`: of a log line.
    pub(super) fn words(&self, measured: &Measured) -> String {
        let mut words = String::new();
        let probe = &self.spec.probe;
        if measured.adversarial.images > 0 {
            let method = crate::spec::word(probe.how.method);
            let (bound, top1) = (probe.how.bound(), measured.adversarial.top1());
            let _ = write!(words, ", {method} ε {bound} {top1:.4}");
        }
        if let Some((fgsm, pgd)) = &measured.both {
            let steps = probe.alarm_steps;
            let _ = write!(words, ", FGSM {:.4}, PGD-{steps} {:.4}", fgsm.top1(), pgd.top1());
            if let (Some(distance), Some(against)) = (pgd.features.mean(), &self.against) {
                let layers = against.layers.join(", ");
                let _ = write!(words, ", feature distance in {layers} {distance:.4}");
            }
        }
        words
    }

    /// The accuracy that decides which weights are the best.
    pub(super) fn merit(&self, clean: &Accuracy, measured: &Measured) -> Option<f64> {
        match self.spec.best {
            Some(Best::AdversarialTop1) => measured.adversarial_top1(),
            Some(Best::Top1) | None => Some(clean.top1()),
        }
    }
}
