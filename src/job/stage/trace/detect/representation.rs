//! The representation ratios of the run's adversarial images.

use rayon::prelude::*;

use super::pairs::{PairBatch, Pairs};
use super::parts::{Part, Parts, Ratios};
use super::{Ended, Progress, Subject};
use crate::attack::measure::predictions;
use crate::error::Result;
use crate::job::context::{Context, Flow};
use crate::model::Mode;
use crate::neuron::trace::reference::flattened;
use crate::neuron::trace::representation::{self, r_mean, r_pair};
use crate::run::results::trace;

/// Looks at every adversarial image and its original. `None` where there is none whose class to reach
/// is another than the true one.
pub(super) fn representation(
    context: &mut Context,
    subject: &Subject<'_>,
    parts: &mut Parts,
    progress: &mut Progress,
) -> Result<Ended<Option<trace::Representation>>> {
    if subject.twins.is_empty() {
        return Ok(Ended::Done(None));
    }
    let targeted = subject.twins.iter().all(|twin| twin.target.is_some());
    let before = progress[0];
    let how = (Part::Ratios as fn(Ratios) -> Part, Part::ratios as fn(&Part) -> Option<&Ratios>);
    let done = parts.take("representation", how, || look(context, subject, targeted, progress))?;
    let Ended::Done(found) = done else { return Ok(Ended::Stopped) };
    progress[0] = before + super::representation_work(subject.twins.len());
    if found.mean.is_empty() && found.pair.is_empty() {
        context.log(
            "no adversarial image has a representation ratio: all are to be their own class",
        )?;
        return Ok(Ended::Done(None));
    }
    let seed = subject.spec.seed;
    let result = trace::Representation {
        reference_images: subject.reference.images,
        nearest_among: subject.reference.kept() as u64,
        towards: if targeted { "target" } else { "prediction" }.to_owned(),
        mean: ratio(&found.mean, seed),
        pair: ratio(&found.pair, seed),
    };
    context.log(&format!(
        "representation ratios of {} adversarial images: r_mean {:.3}, r_pair {:.3}, whose nearest \
         are sought among {} of {} reference images",
        result.mean.images.max(result.pair.images),
        result.mean.mean,
        result.pair.mean,
        result.nearest_among,
        result.reference_images
    ))?;
    Ok(Ended::Done(Some(result)))
}

/// Both ratios of every image.
fn look(
    context: &mut Context,
    subject: &Subject<'_>,
    targeted: bool,
    progress: &mut Progress,
) -> Result<Ended<Ratios>> {
    let mut pairs = Pairs::open(context, subject, (0..subject.twins.len()).collect())?;
    let before = progress[0];
    let mut found = Ratios::default();
    while let Some(batch) = pairs.next()? {
        add(subject, targeted, &batch, &mut found)?;
        progress[0] = before + super::representation_work(pairs.position());
        if context.progress(progress[0], progress[1])? == Flow::Stop {
            return Ok(Ended::Stopped);
        }
    }
    pairs.log_lost(context)?;
    Ok(Ended::Done(found))
}

fn add(subject: &Subject<'_>, targeted: bool, batch: &PairBatch, found: &mut Ratios) -> Result<()> {
    let Subject { network, tap, reference, .. } = *subject;
    let output = network.forward(&batch.adversarial, Mode::Evaluate, &[tap])?;
    let answers = predictions(&output.logits)?;
    let originals = network.features(&batch.originals, &[tap])?;
    for (adversarial, originals) in output.taps.iter().zip(&originals) {
        let (adversarial, originals) = (flattened(adversarial)?, flattened(originals)?);
        let of = |at: usize| {
            let label = batch.labels[at];
            let target = batch.targets[at].filter(|_| targeted);
            let reached = target.unwrap_or(answers[at]);
            if reached == label {
                return (None, None);
            }
            let phi = &adversarial[at];
            (
                r_mean(reference, phi, label, reached),
                r_pair(reference, phi, &originals[at], reached),
            )
        };
        let ratios: Vec<_> = (0..adversarial.len()).into_par_iter().map(of).collect();
        found.mean.extend(ratios.iter().filter_map(|(mean, _)| *mean));
        found.pair.extend(ratios.iter().filter_map(|(_, pair)| *pair));
    }
    Ok(())
}

fn ratio(ratios: &[f64], seed: u64) -> trace::Ratio {
    let representation::Ratios { images, mean, interval, median, below_one, histogram } =
        representation::Ratios::of(ratios, seed);
    trace::Ratio { images, mean, interval, median, below_one, histogram }
}
