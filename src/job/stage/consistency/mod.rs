//! `consistency`: level and consistency of each neuron by WordNet (SCIENCE §4.2): how few and how
//! close the classes are whose images excite it most, and whether its adversarial images are of the
//! same.
//!
//! All images are ranked as the neurons stage ranks them; then the classes of the share that excites
//! a neuron most are counted.

mod measure;
mod outcome;

use super::ranking::side::{Side, Work};
use super::ranking::{Asked, Ranking, clear};
use crate::error::{Error, Result};
use crate::job::build::{self, Nouns};
use crate::job::context::{Context, Flow, StageEnd};
use crate::neuron::top_set::TopSets;
use crate::run::results::consistency::Consistency;
use crate::spec::ConsistencySpec;

pub(super) use self::measure::{Means, Measure};
use self::outcome::{Counted, Outcome};

/// What a pass has found so far, until the stage is done.
const UNDER_WAY: &str = "progress/consistency";

/// What it costs, in forward passes over the test split.
pub fn cost(section: &ConsistencySpec) -> f64 {
    if section.adversarial == "none" { 1.0 } else { 2.0 }
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.consistency.clone() else { return Ok(StageEnd::Done) };
    let asked = Asked {
        section: "consistency",
        layers: &section.layers,
        split: section.split,
        adversarial: &section.adversarial,
        batch_size: section.batch_size,
    };
    let ranking = Ranking::open(context, &spec, asked)?;
    let nouns = build::nouns(&section, ranking.dataset.classes())?;
    let mut stage = Stage { ranking, section, nouns, seed: spec.seed };
    let end = stage.run(context)?;
    if end == StageEnd::Done {
        clear(context.folder(), UNDER_WAY);
    }
    Ok(end)
}

/// The stage under way.
struct Stage {
    ranking: Ranking,
    section: ConsistencySpec,
    nouns: Nouns,
    seed: u64,
}

impl Stage {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        let folder = context.folder().join(UNDER_WAY);
        let ranking = &mut self.ranking;
        let work = Work { folder: &folder, taps: &ranking.taps, key: ranking.key(&[])? };
        // Which images are the top share is told by the rows: how many could be read is not known
        // before.
        let mut real = Side::open(&work, "real", (ranking.dataset.len(), 0), None)?;
        let mut adversarial = Side::open(&work, "adversarial", (ranking.twins.len(), 0), None)?;
        ranking.progress[1] = (ranking.dataset.len() + ranking.twins.len()) as u64;
        ranking.goes_on(context, real.next() + adversarial.next(), 1)?;
        if ranking.rank_real(context, &mut real)? == Flow::Stop
            || ranking.rank_twins(context, &mut adversarial)? == Flow::Stop
        {
            return Ok(StageEnd::Stopped);
        }
        if real.images() == 0 {
            return Err(Error::failed("no image could be read, so none was ranked"));
        }
        let sides = [self.count(&real, 0)?, self.count(&adversarial, 1)?];
        let result = self.outcome(&sides).result();
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/consistency.json", &json)?;
        for line in lines(&result) {
            context.log(&line)?;
        }
        Ok(StageEnd::Done)
    }

    fn outcome<'a>(&'a self, sides: &'a [Counted; 2]) -> Outcome<'a> {
        let Self { ranking, section, nouns, seed } = self;
        Outcome { ranking, section, nouns, seed: *seed, sides }
    }

    /// The images of a side that excite each neuron most, and what the network took all for.
    fn count(&self, side: &Side, salt: u64) -> Result<Counted> {
        let images = side.images();
        let top = share_of(self.section.share, images);
        let neurons = self.ranking.taps.iter().map(|tap| tap.shape[0]).sum();
        let mut sets = TopSets::new(neurons, top, salt);
        let mut predictions = Vec::new();
        side.rows().read(0..usize::MAX, |image, prediction, row| {
            sets.offer(image as u32, row);
            predictions.resize(image, 0);
            predictions.push(prediction);
            Ok(())
        })?;
        Ok(Counted { images, top, sets: sets.images(), predictions })
    }
}

/// ⌈share · images⌉, as one counts by hand: 7 % of 100 are 7.
fn share_of(share: f64, images: usize) -> usize {
    let exact = share * images as f64;
    ((exact - 1e-9 * exact.max(1.0)).ceil() as usize).clamp(images.min(1), images)
}

/// What it found, in words.
fn lines(result: &Consistency) -> Vec<String> {
    let line = |layer: &crate::run::results::consistency::Layer| {
        let mean = &layer.mean;
        let mut line = format!("{}: mean LC {:.4}", layer.layer, mean.lc.mean);
        if let (Some(lc), Some(cs1), Some(cs2)) = (mean.adversarial_lc, mean.cs1, mean.cs2) {
            line += &format!(
                ", adversarial {:.4}; CS1 {:.4}, CS2 {:.4} over {} neurons",
                lc.mean,
                cs1.mean,
                cs2.mean,
                layer.neurons.len()
            );
        }
        line
    };
    result.layers.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_never_none_of_some() {
        for (share, images, expected) in [
            (0.01, 40, 1),
            (0.01, 10_000, 100),
            (0.07, 100, 7),
            (0.01, 101, 2),
            (1.0, 17, 17),
            (1e-9, 5, 1),
            (0.5, 0, 0),
        ] {
            assert_eq!(share_of(share, images), expected, "{share} of {images}");
        }
    }
}
