//! `consistency`: level and consistency of each neuron by WordNet (SCIENCE §4.2): how few and how
//! close the classes are whose images excite it most, and whether its adversarial images are of the
//! same.
//!
//! All images are ranked as the neurons stage ranks them; then the classes of the share that excites
//! a neuron most are counted. A neuron that answers to all images alike is silent: it has no such
//! images.

mod measure;
mod outcome;

use std::fmt::Write as _;

use super::ranking::side::{Side, Work};
use super::ranking::{Asked, Ranking, clear};
use crate::error::{Error, Result};
use crate::job::build::{self, Nouns};
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::estimate::few_counted;
use crate::run::results::consistency::Consistency;
use crate::spec::ConsistencySpec;

pub(super) use self::measure::{Means, Measure};
use self::outcome::Outcome;

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
        if ranking.rank_both(context, [&mut real, &mut adversarial])? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
        for (which, side) in [("real", &real), ("adversarial", &adversarial)] {
            let few = few_counted(which, self.section.share, side.images());
            few.map_or(Ok(()), |few| context.log(&few))?;
        }
        let Self { ranking, section, nouns, seed } = self;
        let outcome = Outcome::new(ranking, section, nouns, *seed, [&real, &adversarial])?;
        let result = outcome.result()?;
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/consistency.json", &json)?;
        for line in lines(&result) {
            context.log(&line)?;
        }
        Ok(StageEnd::Done)
    }
}

/// What it found, in words.
fn lines(result: &Consistency) -> Vec<String> {
    let line = |layer: &crate::run::results::consistency::Layer| {
        let (mean, all) = (&layer.mean, layer.neurons.len());
        let silent = match layer.silent {
            0 => String::new(),
            silent if silent == all => {
                return format!("{}: all {all} neurons are silent", layer.layer);
            }
            silent => format!(", without {silent} silent ones"),
        };
        let mut line = format!("{}: mean LC {:.4}", layer.layer, mean.lc.mean);
        if let (Some(lc), Some(cs1), Some(cs2)) = (mean.adversarial_lc, mean.cs1, mean.cs2) {
            let (lc, cs1, cs2) = (lc.mean, cs1.mean, cs2.mean);
            let _ = write!(line, ", adversarial {lc:.4}; CS1 {cs1:.4}, CS2 {cs2:.4}");
        }
        line + &format!(" over {} neurons{silent}", all - layer.silent)
    };
    result.layers.iter().map(line).collect()
}
