//! The detectors' passes: real images first, one half of which sets the thresholds, then each attack
//! on those of the other half that the network has right, then the run's set.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::attacks::{self, AwareKeys};
use super::pairs::Pairs;
use super::parts::{Fooled, Held, Part, Parts, Real};
use super::{Ended, Progress, Subject, drawn};
use crate::attack::{Attack, Aware, PixelLevels, Target, Victims};
use crate::data::DamageReport;
use crate::error::text::printable;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow};
use crate::job::stage::evaluate::cost_of_attack;
use crate::job::stage::{chosen, log_damage, read_before, runs_of};
use crate::neuron::trace::detector::{Detector, SCORES, Scores};
use crate::neuron::trace::roc;
use crate::run::folder::RunFolder;
use crate::run::results::attack::Attack as Made;
use crate::run::results::interval::wilson;
use crate::run::results::trace;
use crate::spec::DetectorSpec;

/// The detectors at work.
struct Judge<'a> {
    subject: &'a Subject<'a>,
    detector: Detector<'a>,
    section: &'a DetectorSpec,
    thresholds: Vec<f64>,
    real: Real,
}

/// How a part holds what an attack has done.
const FOOLED: Held<Fooled> = (Part::Fooled, Part::fooled);

/// Sets the detectors' thresholds and tries them against every attack of `[evaluate]`, made anew on
/// this network, against one that knows them, and against the run's set.
pub(super) fn detector(
    context: &mut Context,
    subject: &Subject<'_>,
    section: &DetectorSpec,
    (parts, progress): (&mut Parts, &mut Progress),
) -> Result<Ended<trace::Detector>> {
    let Subject { network, tap, reference, measure, .. } = *subject;
    let detector = Detector { model: network, tap, reference, measure, top: subject.section.top };
    let mut judge =
        Judge { subject, detector, section, thresholds: Vec::new(), real: Real::default() };
    let before = progress[0];
    let how = (Part::Real as fn(Real) -> Part, Part::real as fn(&Part) -> Option<&Real>);
    let done = parts.take("real", how, || judge.look_at_real(context, progress))?;
    let Ended::Done(real) = done else { return Ok(Ended::Stopped) };
    let images = section.images.min(subject.test.len()) as u64;
    progress[0] = before + images * (1 + subject.differences);
    let scores = judge.set_thresholds(real)?;
    for score in &scores {
        context.log(&format!(
            "{}: above {:.4} suspected, {:.1} % of {} real images",
            score.name,
            score.threshold,
            score.false_positives * 100.0,
            judge.real.tried.len()
        ))?;
    }
    let Ended::Done(attacks) = judge.try_attacks(context, (parts, progress))? else {
        return Ok(Ended::Stopped);
    };
    Ok(Ended::Done(trace::Detector {
        reference_images: reference.images,
        false_positive_rate: section.false_positive_rate,
        calibration_images: judge.real.calibration.len() as u64,
        real_images: judge.real.tried.len() as u64,
        scores,
        attacks,
    }))
}

impl Judge<'_> {
    /// A drawn part of the test split: its even places set the thresholds, its odd ones try them.
    fn look_at_real(&self, context: &mut Context, progress: &mut Progress) -> Result<Ended<Real>> {
        let Subject { network, test, spec, .. } = *self.subject;
        let order = drawn(test.len(), self.section.images, spec.seed, *b"detector");
        let calibration = calibration(test.len(), self.section.images, spec.seed);
        let (size, count) = (self.size(), order.len());
        let damage: Arc<DamageReport> = Arc::default();
        let (before, cost) = (progress[0], 1 + self.subject.differences);
        let mut real = Real::default();
        let mut loader = chosen(context, test, order, size, &damage)?;
        while let Some(batch) = loader.next() {
            let batch = batch?.to_device(network.device())?;
            let seen = self.detector.look(&batch.images)?;
            let all: Vec<usize> = (0..batch.indices.len()).collect();
            let scores = self.detector.scores(&seen, &all)?;
            let labels: Vec<u32> = batch.labels.to_vec1()?;
            for (at, scores) in scores.into_iter().enumerate() {
                let index = batch.indices[at];
                if calibration.contains(&index) {
                    real.calibration.push(scores);
                    continue;
                }
                real.tried.push(scores);
                if seen.predictions[at] == labels[at] {
                    real.right.push(index);
                }
            }
            progress[0] = before + (loader.position() * size).min(count) as u64 * cost;
            if context.progress(progress[0], progress[1])? == Flow::Stop {
                return Ok(Ended::Stopped);
            }
        }
        log_damage(context, "test split", &damage, &mut 0)?;
        Ok(Ended::Done(real))
    }

    /// By the calibration half, at the rate that is asked for.
    fn set_thresholds(&mut self, real: Real) -> Result<Vec<trace::Score>> {
        let rate = self.section.false_positive_rate;
        let none = || {
            Error::failed("no real image was left to set or to try a detector's threshold on")
                .hint("raise trace.detector.images")
        };
        if real.tried.is_empty() {
            return Err(none());
        }
        let mut found = Vec::with_capacity(SCORES.len());
        for (at, name) in SCORES.into_iter().enumerate() {
            let threshold =
                roc::threshold(&column(&real.calibration, at), rate).ok_or_else(none)?;
            let tried = real.tried.len() as u64;
            let suspected = roc::suspected(&column(&real.tried, at), threshold);
            self.thresholds.push(threshold);
            found.push(trace::Score {
                name: name.to_owned(),
                threshold,
                false_positives: suspected as f64 / tried as f64,
                interval: wilson(suspected, tried),
            });
        }
        self.real = real;
        Ok(found)
    }

    fn try_attacks(
        &self,
        context: &mut Context,
        (parts, progress): (&mut Parts, &mut Progress),
    ) -> Result<Ended<Vec<trace::Attacked>>> {
        let spec = self.subject.spec;
        let mut attacked = Vec::new();
        for (name, how) in attacks::of(spec) {
            let attack = build::attack(spec, &how, runs_of(context.folder()))?;
            let with = (&*attack, None, cost_of_attack(&how) as u64);
            let Ended::Done(fooled) = self.attack(context, &name, with, (parts, progress))? else {
                return Ok(Ended::Stopped);
            };
            attacked.push(self.judge(context, name, false, &fooled)?);
        }
        if let Some(keys) = attacks::aware(spec, self.section) {
            if self.subject.network.classes() < 2 {
                context.log(
                    "no attack that knows the detector by distance: there is one class only",
                )?;
            } else {
                let (aware, target) = (self.aware(&keys), Target::Random { seed: spec.seed });
                let with: (&dyn Attack, _, _) = (&aware, Some(target), 3 * keys.steps as u64);
                let Ended::Done(fooled) =
                    self.attack(context, &keys.name, with, (parts, progress))?
                else {
                    return Ok(Ended::Stopped);
                };
                attacked.push(self.judge(context, keys.name, true, &fooled)?);
            }
        }
        if !self.subject.twins.is_empty() {
            let name = format!("set {}", set_name(context, &self.subject.section.adversarial)?);
            let done = parts.take("tried set", FOOLED, || self.look_at_set(context, progress))?;
            let Ended::Done(fooled) = done else { return Ok(Ended::Stopped) };
            attacked.push(self.judge(context, name, false, &fooled)?);
        }
        Ok(Ended::Done(attacked))
    }

    /// The attack that knows the detector by distances.
    fn aware(&self, keys: &AwareKeys) -> Aware<'_> {
        let reference = self.subject.reference;
        let classes = 0..self.subject.network.classes() as u32;
        Aware {
            epsilon: PixelLevels(keys.epsilon),
            steps: keys.steps,
            step_size: PixelLevels(keys.step_size),
            weight: keys.weight,
            tap: self.subject.tap,
            means: classes.map(|class| reference.class_mean(class)).collect(),
            seed: self.subject.spec.seed,
        }
    }

    /// Attacks those of the tried images that the network has right, with an attack of this name, its
    /// targets, and the passes that it takes an image.
    fn attack(
        &self,
        context: &mut Context,
        name: &str,
        (attack, target, cost): (&dyn Attack, Option<Target>, u64),
        (parts, progress): (&mut Parts, &mut Progress),
    ) -> Result<Ended<Fooled>> {
        let (before, cost) = (progress[0], cost + 1 + self.subject.differences);
        let name = format!("attack {name}");
        let done = parts
            .take(&name, FOOLED, || self.attack_all(context, (attack, target), cost, progress))?;
        // What was not attacked, as the network has it wrong, is done with.
        let planned = self.section.images.min(self.subject.test.len()) / 2;
        progress[0] = before + planned as u64 * cost;
        Ok(done)
    }

    fn attack_all(
        &self,
        context: &mut Context,
        (attack, target): (&dyn Attack, Option<Target>),
        cost: u64,
        progress: &mut Progress,
    ) -> Result<Ended<Fooled>> {
        let Subject { network, test, .. } = *self.subject;
        let (order, before) = (self.real.right.clone(), progress[0]);
        let mut fooled = Fooled::default();
        // A loader over no images would say that none could be read.
        if !order.is_empty() {
            let loader = read_before(context, test, order, self.size(), 0)?;
            for batch in loader {
                let batch = batch?.to_device(network.device())?;
                let (images, labels, indices) = (&batch.images, &batch.labels, &batch.indices);
                let targets =
                    target.map(|to| to.choose(network, images, labels, indices)).transpose()?;
                let victims = Victims { images, labels, indices, targets: targets.as_ref() };
                let seen = self.detector.look(&attack.perturb(network, &victims)?)?;
                let labels: Vec<u32> = labels.to_vec1()?;
                let wrong: Vec<usize> =
                    (0..labels.len()).filter(|&at| seen.predictions[at] != labels[at]).collect();
                fooled.scores.extend(self.detector.scores(&seen, &wrong)?);
                fooled.attacked += labels.len() as u64;
                progress[0] = before + fooled.attacked * cost;
                if context.progress(progress[0], progress[1])? == Flow::Stop {
                    return Ok(Ended::Stopped);
                }
            }
        }
        Ok(Ended::Done(fooled))
    }

    /// The run's set, or a drawn part of it as large as that of the test split: images of which the
    /// network has the original right, and whose original has set no threshold.
    fn look_at_set(&self, context: &mut Context, progress: &mut Progress) -> Result<Ended<Fooled>> {
        let Subject { test, twins, spec, .. } = *self.subject;
        let calibration = calibration(test.len(), self.section.images, spec.seed);
        let originals: Vec<usize> = twins.iter().map(|twin| twin.original).collect();
        let apart = apart(&originals, &calibration);
        let (all, left) = (originals.len(), apart.len());
        if left < all {
            context.log(&format!(
                "of the set's {all} images {} are not judged: their originals set the thresholds",
                all - left
            ))?;
        }
        let mut places: Vec<usize> = drawn(left, self.section.images, spec.seed, *b"adversar")
            .into_iter()
            .map(|at| apart[at])
            .collect();
        places.sort_unstable();
        if places.len() < left {
            let count = places.len();
            context.log(&format!(
                "of the other {left} images {count} are judged, drawn by the seed: as many as \
                 trace.detector.images"
            ))?;
        }
        let (before, cost) = (progress[0], 2 + self.subject.differences);
        let mut fooled = Fooled::default();
        // A loader over no images would say that none could be read.
        if places.is_empty() {
            return Ok(Ended::Done(fooled));
        }
        let mut pairs = Pairs::open(context, self.subject, places)?;
        while let Some(batch) = pairs.next()? {
            let clean = self.detector.look(&batch.originals)?.predictions;
            let seen = self.detector.look(&batch.adversarial)?;
            let right: Vec<usize> =
                (0..clean.len()).filter(|&at| clean[at] == batch.labels[at]).collect();
            fooled.attacked += right.len() as u64;
            let wrong: Vec<usize> =
                right.into_iter().filter(|&at| seen.predictions[at] != batch.labels[at]).collect();
            fooled.scores.extend(self.detector.scores(&seen, &wrong)?);
            progress[0] = before + pairs.position() as u64 * cost;
            if context.progress(progress[0], progress[1])? == Flow::Stop {
                return Ok(Ended::Stopped);
            }
        }
        pairs.log_lost(context)?;
        Ok(Ended::Done(fooled))
    }

    /// How well each detector tells these images from the real ones.
    fn judge(
        &self,
        context: &mut Context,
        attack: String,
        aware: bool,
        fooled: &Fooled,
    ) -> Result<trace::Attacked> {
        let curves = curves(&self.real.tried, &fooled.scores, &self.thresholds);
        let (images, wrong) = (fooled.attacked, fooled.scores.len() as u64);
        let areas: Vec<String> =
            curves.iter().map(|curve| format!("{} {:.3}", curve.score, curve.auc)).collect();
        let areas = match areas.as_slice() {
            [] => "nothing to detect".to_owned(),
            areas => format!("AUC {}", areas.join(", ")),
        };
        context.log(&format!("{attack}: {wrong} of {images} images fool the network; {areas}"))?;
        Ok(trace::Attacked { attack, aware, images, fooled: wrong, curves })
    }

    fn size(&self) -> usize {
        self.subject.section.batch_size.max(1)
    }
}

/// The images of a test split of `test` that set the thresholds: of those drawn the even places.
pub(super) fn calibration(test: usize, images: usize, seed: u64) -> HashSet<usize> {
    drawn(test, images, seed, *b"detector").into_iter().step_by(2).collect()
}

/// The places of those adversarial images whose original, an index into the test split, has set no
/// threshold: what a threshold is tried on has no part in it.
pub(super) fn apart(originals: &[usize], calibration: &HashSet<usize>) -> Vec<usize> {
    (0..originals.len()).filter(|&place| !calibration.contains(&originals[place])).collect()
}

/// One score of many images.
fn column(scores: &[Scores], at: usize) -> Vec<f64> {
    scores.iter().map(|scores| scores[at]).collect()
}

/// One curve a score; none where one side has no image.
pub(super) fn curves(
    real: &[Scores],
    adversarial: &[Scores],
    thresholds: &[f64],
) -> Vec<trace::Roc> {
    let of = |(at, &threshold): (usize, &f64)| {
        let positive = column(adversarial, at);
        let roc::Curve { auc, interval, points } = roc::curve(&column(real, at), &positive)?;
        let (detected, all) = (roc::suspected(&positive, threshold), positive.len() as u64);
        Some(trace::Roc {
            score: SCORES[at].to_owned(),
            auc,
            interval,
            detected: detected as f64 / all as f64,
            detected_interval: wilson(detected, all),
            points,
        })
    };
    thresholds.iter().enumerate().filter_map(of).collect()
}

/// What the set is called that `trace.adversarial` names: the attack that made it, or its folder.
fn set_name(context: &Context, source: &str) -> Result<String> {
    let folder = match source.strip_prefix("run:") {
        _ if source == "stage" => context.folder().to_owned(),
        Some(id) => RunFolder::resolve(runs_of(context.folder()), id)?.path().to_owned(),
        None => {
            let name = Path::new(source).file_name().unwrap_or_default();
            return Ok(printable(&name.to_string_lossy()));
        }
    };
    let made: Option<Made> = RunFolder::open(&folder)?.result("attack")?;
    Ok(made.map_or_else(|| "of another run".to_owned(), |made| printable(&made.name())))
}
