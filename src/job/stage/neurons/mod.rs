//! `neurons`: the images that excite each neuron most, real and adversarial (SCIENCE §3), and what
//! a screen needs to draw them without the model.
//!
//! One pass over the real images and one over the adversarial ones rank them all; what the neurons
//! answer goes to a file, so that memory does not grow with the data and a pass that was
//! interrupted goes on. Then the few images that some neuron likes are looked at again, for where
//! in them it fires.

mod occlusion;
mod outcome;

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::attack::FOLDER;
use super::ranking::found::Found;
use super::ranking::side::{Side, Work};
use super::ranking::{Asked, Ranking, clear, put, strips};
use crate::error::{Error, Result};
use crate::job::context::{Context, Flow, StageEnd};
use crate::run::write;
use crate::spec::{NeuronsSpec, Split};
use outcome::Outcome;

/// Where the pictures of real images go, in the run folder: those of the test split, which looks
/// during training share.
pub(super) const PICTURES: &str = "neurons/pictures";

/// The same of the training split, whose images may have the same names.
const TRAINING_PICTURES: &str = "neurons/training-pictures";

/// Where adversarial twins go that another run or program made.
const TWINS: &str = "neurons/adversarial";

/// Where the strips of lit regions go, in the run folder.
const REGIONS: &str = "neurons/regions";

/// What a pass has found so far, until the stage is done.
const UNDER_WAY: &str = "progress/neurons";

/// What it costs, in forward passes over the test split: both sides, and those that are looked at
/// again. Of occlusion only the order of magnitude: how many images there are nobody knows here.
pub fn cost(section: &NeuronsSpec) -> f64 {
    4.0 + 0.3 * (section.discrepancy.len() * section.top) as f64
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.neurons.clone() else { return Ok(StageEnd::Done) };
    let asked = Asked {
        section: "neurons",
        layers: &section.layers,
        split: section.split,
        adversarial: &section.adversarial,
        batch_size: section.batch_size,
    };
    let ranking = Ranking::open(context, &spec, asked)?;
    let mut stage = Stage { ranking, section };
    let end = stage.run(context)?;
    if end == StageEnd::Done {
        clear(context.folder(), UNDER_WAY);
    }
    Ok(end)
}

/// The stage under way.
struct Stage {
    ranking: Ranking,
    section: NeuronsSpec,
}

impl Stage {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        let folder = context.folder().join(UNDER_WAY);
        let ranking = &mut self.ranking;
        let work = Work { folder: &folder, taps: &ranking.taps, key: ranking.key(&[])? };
        let (top, above) = (self.section.top, Some(self.section.quantile));
        let mut real = Side::open(&work, "real", (ranking.dataset.len(), top), above)?;
        let adversarial = (ranking.twins.len(), top);
        let mut adversarial = Side::open(&work, "adversarial", adversarial, None)?;
        ranking.progress[1] = expected_passes(ranking, top);
        if ranking.rank_both(context, [&mut real, &mut adversarial])? == Flow::Stop {
            return Ok(StageEnd::Stopped);
        }
        let ranking = &self.ranking;
        let found = Found::of(ranking, [&real, &adversarial]);
        let images = (ranking.dataset.len() + ranking.twins.len()) as u64;
        let passes = images + found.looks() as u64;
        let occlusions = occlusion::passes(&found, &self.section);
        for (layer, tap) in found.taps.iter().enumerate() {
            if found.keeps_regions(layer) {
                continue;
            }
            let most = strips::MOST_TILES;
            let pictures = found.tiles(layer).into_iter().max().unwrap_or(0);
            context.log(&format!(
                "{}: {pictures} pictures a neuron are too many for regions, which are kept of up \
                 to {most}",
                tap.name
            ))?;
        }
        let mut progress = images;
        let mut advance = |context: &mut Context, images: usize| {
            progress += images as u64;
            context.progress(progress, passes + occlusions)
        };
        let run = context.folder().to_owned();
        let side = ranking.dataset.shape()[1];
        let draw = |layer: usize, neuron: usize, maps: &[strips::Map]| -> Result<()> {
            let threshold = real.threshold(layer, neuron);
            let Some(threshold) = threshold.filter(|_| found.keeps_regions(layer)) else {
                return Ok(());
            };
            let tap = &found.taps[layer];
            let [_, height, width] = tap.shape;
            let file = run.join(strips::file(REGIONS, &tap.name, neuron));
            strips::by_feature_map(&file, maps, threshold, [height, width], side)
        };
        let Some(positions) = found.look(context, &mut advance, draw)? else {
            return Ok(StageEnd::Stopped);
        };
        let Some(discrepancies) = occlusion::run(&found, context, &self.section, &mut advance)?
        else {
            return Ok(StageEnd::Stopped);
        };
        let own = self.section.adversarial == "stage";
        let outcome = Outcome {
            found: &found,
            names: &ranking.names,
            first: outcome::first_twins(&ranking.twins),
            pictures: self.pictures(),
            prefix: if own { FOLDER } else { TWINS },
            positions: &positions,
            discrepancies: &discrepancies,
            split: self.section.split,
        };
        ranking.write_pictures(&run.join(self.pictures()), outcome.originals_shown()?)?;
        if !own {
            self.copy_twins(context, &outcome.twins_shown())?;
        }
        let result = outcome.result()?;
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/neurons.json", &json)?;
        context.pictures(result.real_images + result.adversarial_images, &result)?;
        let layers: Vec<&str> = found.taps.iter().map(|tap| tap.name.as_str()).collect();
        context.log(&format!(
            "ranked {} real and {} adversarial images for {} neurons of {}",
            result.real_images,
            result.adversarial_images,
            result.layers.iter().map(|layer| layer.neurons.len()).sum::<usize>(),
            layers.join(", ")
        ))?;
        Ok(StageEnd::Done)
    }

    /// The folder of the real images' pictures.
    fn pictures(&self) -> &'static str {
        if self.section.split == Split::Test { PICTURES } else { TRAINING_PICTURES }
    }

    /// Copies adversarial images, so that the run folder stands alone.
    fn copy_twins(&self, context: &Context, numbers: &BTreeSet<usize>) -> Result<()> {
        let folder = context.folder().join(TWINS);
        let numbers: Vec<usize> = numbers.iter().copied().collect();
        numbers.par_iter().try_for_each(|&number| {
            let twin = &self.ranking.twins[number];
            let bytes = std::fs::read(&twin.path)
                .map_err(|error| write::failed("read", &twin.path, &error))?;
            put(&folder.join(&twin.name), &bytes)
        })
    }
}

/// How much there will be to do, as long as nobody knows which images the neurons like: never more
/// than each neuron's whole share.
fn expected_passes(ranking: &Ranking, top: usize) -> u64 {
    let (real, adversarial) = (ranking.dataset.len(), ranking.twins.len());
    let shares = ranking.taps.iter().map(|tap| tap.shape[0] * top).sum::<usize>();
    (real + adversarial + shares.min(real) + shares.min(adversarial)) as u64
}
