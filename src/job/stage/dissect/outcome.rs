//! `results/dissect.json`, and the files that it names, from what the passes have found.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor};

use super::count::Counts;
use super::presence::Presence;
use super::{ADVERSARIAL, PICTURES, Read, Stage, attacking, outlines, precision};
use crate::error::{Error, Result};
use crate::job::context::{Context, Flow};
use crate::job::stage::ranking::found::Found;
use crate::job::stage::ranking::strips;
use crate::model::LayerTap;
use crate::neuron::dissection::{Best, Dissection};
use crate::neuron::top::Ranked;
use crate::run::results::dissect::{
    ALL, Concept, Dissect, Layer, Match, Neuron, Picture, Sides, SweepPoint,
};
use crate::spec;

/// Thresholds of intersection over union at which the ratio is told: hundredths.
const SWEEP: std::ops::RangeInclusive<usize> = 1..=20;

const REAL: usize = 0;
const ADVERSARIAL_SIDE: usize = 1;

/// Everything that the result is made of.
pub(super) struct Outcome<'a> {
    pub(super) stage: &'a Stage,
    pub(super) found: &'a Found<'a>,
    pub(super) read: &'a Read,
    pub(super) presence: &'a Presence,
    /// With the thresholds of the real images.
    pub(super) real: &'a Counts,
    /// The same, and with their own thresholds.
    pub(super) adversarial: Option<&'a Counts>,
}

impl Outcome<'_> {
    /// Writes everything. `None` = asked to stop meanwhile.
    pub(super) fn write(&self, context: &mut Context) -> Result<Option<Dissect>> {
        let best: Vec<Vec<Best>> = self.of_real().iter().map(Dissection::best).collect();
        if !self.draw(context, &best)? {
            return Ok(None);
        }
        let folder = context.folder().join(PICTURES);
        self.stage.ranking.write_pictures(&folder, self.found.liked(REAL))?;
        let mut layers = Vec::new();
        let mut first = 0;
        for (layer, tap) in self.found.taps.iter().enumerate() {
            self.write_iou(context, layer, tap)?;
            layers.push(self.layer(layer, tap, first, &best[layer])?);
            first += tap.shape[0];
        }
        let result = self.result(layers)?;
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/dissect.json", &json)?;
        Ok(Some(result))
    }

    /// By layer.
    fn of_real(&self) -> &[Dissection] {
        &self.real[0]
    }

    /// A layer on the real images, on the attacked ones, and on these with their own thresholds.
    fn sides<T>(&self, layer: usize, of: impl Fn(&Dissection) -> T) -> Sides<T> {
        let attacked = |set: usize| self.adversarial.map(|counts| of(&counts[set][layer]));
        Sides {
            real: of(&self.of_real()[layer]),
            adversarial: attacked(0),
            rethresholded: attacked(1),
        }
    }

    fn result(&self, layers: Vec<Layer>) -> Result<Dissect> {
        let Stage { data, section, ranking, .. } = self.stage;
        let [real, adversarial] = self.found.sides;
        let category = |at: usize| data.categories().get(at).cloned().unwrap_or_default();
        let counts = self.of_real().first();
        let images = counts.map(Dissection::concept_images).unwrap_or_default();
        let pixels = counts.map(Dissection::concept_pixels).unwrap_or_default();
        let concept = |(at, concept): (usize, &crate::data::labelled::Concept)| Concept {
            number: u32::from(concept.number),
            name: concept.name.clone(),
            category: category(concept.category),
            images: images.get(at).copied().unwrap_or(0),
            pixels: pixels.get(at).copied().unwrap_or(0),
        };
        Ok(Dissect {
            data: spec::word(section.data.format),
            images: real.images() as u64,
            adversarial_images: adversarial.images() as u64,
            damaged: (data.len() - real.images()) as u64,
            attack: section.attack.as_ref().map(attacking::name).unwrap_or_default(),
            fooled: self.fooled()?,
            quantile: section.quantile,
            image_size: ranking.dataset.shape()[1],
            categories: data.categories().to_vec(),
            concepts: data.concepts().iter().enumerate().map(concept).collect(),
            layers,
        })
    }

    /// The share of the attacked images that are taken for something else than the clean ones.
    fn fooled(&self) -> Result<Option<f64>> {
        let (mut fooled, mut all) = (0_u64, 0_u64);
        self.found.sides[ADVERSARIAL_SIDE].rows().read(0..usize::MAX, |place, prediction, _| {
            all += 1;
            fooled += u64::from(self.read.predictions.get(place) != Some(&prediction));
            Ok(())
        })?;
        Ok((all > 0).then(|| fooled as f64 / all as f64))
    }

    fn layer(&self, layer: usize, tap: &LayerTap, first: usize, best: &[Best]) -> Result<Layer> {
        let threshold = self.stage.section.iou_threshold;
        let by_category = self.of_real()[layer].best_by_category();
        let best_of_all = self.sides(layer, Dissection::best);
        // Its best concept, then that of each category.
        let wanted: Vec<Vec<Option<u16>>> = best
            .iter()
            .zip(&by_category)
            .map(|(best, of)| std::iter::once(best).chain(of).map(|best| best.concept).collect())
            .collect();
        let rows = self.found.sides[REAL].rows();
        let bits = self.presence.read()?;
        let images = self.read.images.len();
        let precisions = precision::of_layer(rows, images, &bits, first, &wanted)?;
        let neurons = (0..tap.shape[0])
            .map(|index| {
                let of = |matches: &Vec<Best>| self.told(matches[index], None);
                let precision = |at: usize| precisions[index][at];
                let category = |(at, best): (usize, &Best)| self.told(*best, precision(at + 1));
                let pictures = self.pictures(layer, index, REAL);
                // None where its values are no numbers: then there is no picture.
                let drawn = !pictures.is_empty();
                Neuron {
                    index,
                    threshold: self.threshold(layer, index),
                    best: Sides {
                        real: self.told(best_of_all.real[index], precision(0)),
                        adversarial: best_of_all.adversarial.as_ref().map(of),
                        rethresholded: best_of_all.rethresholded.as_ref().map(of),
                    },
                    by_category: by_category[index].iter().enumerate().map(category).collect(),
                    pictures,
                    adversarial_pictures: self.pictures(layer, index, ADVERSARIAL_SIDE),
                    outlines: drawn.then(|| strips::file(outlines::FOLDER, &tap.name, index)),
                }
            })
            .collect();
        let null = self.sides(layer, |of| self.named(of.null_ratio(threshold)));
        Ok(Layer {
            layer: tap.name.clone(),
            threshold,
            neurons,
            ratio: self.sides(layer, |of| self.named(of.ratio(threshold))),
            interval: self.sides(layer, |of| self.named(of.intervals(threshold))),
            null: null.real,
            adversarial_null: null.adversarial,
            rethresholded_null: null.rethresholded,
            sweep: SWEEP.map(|hundredths| self.sweep(layer, hundredths as f64 / 100.0)).collect(),
            iou: iou_file(tap),
        })
    }

    /// JSON has no infinity: that of a neuron whose values are no numbers.
    fn threshold(&self, layer: usize, neuron: usize) -> Option<f64> {
        let threshold = self.found.sides[REAL].threshold(layer, neuron);
        threshold.map(f64::from).filter(|threshold| threshold.is_finite())
    }

    /// Values of the categories and of all, by name.
    fn named<T>(&self, values: Vec<T>) -> BTreeMap<String, T> {
        let categories = self.stage.data.categories().iter().cloned();
        categories.chain([ALL.to_owned()]).zip(values).collect()
    }

    fn sweep(&self, layer: usize, threshold: f64) -> SweepPoint {
        let all = |ratio: Vec<f64>| ratio.last().copied().unwrap_or(0.0);
        let null = self.sides(layer, |of| all(of.null_ratio(threshold)));
        SweepPoint {
            threshold,
            ratio: self.sides(layer, |of| all(of.ratio(threshold))),
            null: null.real,
            adversarial_null: null.adversarial,
            rethresholded_null: null.rethresholded,
        }
    }

    fn told(&self, best: Best, average_precision: Option<f64>) -> Match {
        let data = &self.stage.data;
        let number = best.concept.and_then(|number| usize::from(number).checked_sub(1));
        let Some(concept) = number.and_then(|at| data.concepts().get(at)) else {
            return Match::default();
        };
        Match {
            concept: concept.name.clone(),
            category: data.categories().get(concept.category).cloned().unwrap_or_default(),
            iou: best.iou,
            average_precision,
        }
    }

    fn pictures(&self, layer: usize, neuron: usize, side: usize) -> Vec<Picture> {
        let ranking = &self.stage.ranking;
        let ranked = &self.found.sides[side].tops()[layer].neurons()[neuron];
        let picture = |top: &Ranked| {
            let image = self.labelled(side, top.image);
            let name = ranking.names.of_image(image);
            let folder = if side == REAL { PICTURES } else { ADVERSARIAL };
            Picture {
                image: ranking.dataset.name(image),
                picture: format!("{folder}/{name}"),
                activation: f64::from(top.activation.value),
            }
        };
        ranked.iter().map(picture).collect()
    }

    /// The labelled image that an image of a side is, or is a version of.
    fn labelled(&self, side: usize, image: usize) -> usize {
        if side == REAL { image } else { self.found.twins[image].original }
    }

    fn write_iou(&self, context: &mut Context, layer: usize, tap: &LayerTap) -> Result<()> {
        let shape = (tap.shape[0], self.stage.data.concepts().len());
        let sides = self.sides(layer, Dissection::iou);
        let mut tensors = HashMap::new();
        let named = [
            ("real", Some(sides.real)),
            ("adversarial", sides.adversarial),
            ("rethresholded", sides.rethresholded),
        ];
        for (name, values) in named {
            let Some(values) = values else { continue };
            tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        }
        context
            .write_with(&iou_file(tap), |path| Ok(candle_core::safetensors::save(&tensors, path)?))
    }

    /// Looks at the pictures again and draws their outlines. `false` = asked to stop meanwhile.
    fn draw(&self, context: &mut Context, best: &[Vec<Best>]) -> Result<bool> {
        let run = context.folder().to_owned();
        let side = self.stage.ranking.dataset.shape()[1];
        let [done, _] = self.stage.ranking.progress;
        let all = done + self.found.looks() as u64;
        let mut progress = done;
        let advance = |context: &mut Context, images: usize| -> Result<Flow> {
            progress += images as u64;
            context.progress(progress, all)
        };
        let labels = outlines::Recent::default();
        let each = |layer: usize, neuron: usize, maps: &[strips::Map]| -> Result<()> {
            let tap = &self.found.taps[layer];
            let [_, height, width] = tap.shape;
            if self.found.sides[REAL].tops()[layer].neurons()[neuron].is_empty() {
                return Ok(());
            }
            let threshold = self.found.sides[REAL].threshold(layer, neuron);
            let threshold = threshold.unwrap_or(f32::INFINITY);
            let of_side = |side: usize| {
                let ranked = self.found.sides[side].tops()[layer].neurons()[neuron].iter();
                ranked.map(move |top| self.labelled(side, top.image))
            };
            let images = of_side(REAL).chain(of_side(ADVERSARIAL_SIDE));
            let concept = best[layer][neuron].concept;
            let mut tiles = Vec::with_capacity(maps.len());
            for (map, image) in maps.iter().zip(images) {
                // Those without a concept have nothing to be drawn.
                let of = |_| labels.of(image, || self.stage.data.labels(image));
                let own = concept.map(of).transpose()?;
                let concept = own.as_deref().zip(concept);
                let of = (map.as_slice(), [height, width]);
                tiles.push(outlines::tile(of, threshold, concept, side));
            }
            let file = run.join(strips::file(outlines::FOLDER, &tap.name, neuron));
            strips::save(&file, &tiles, side)
        };
        Ok(self.found.look(context, advance, each)?.is_some())
    }
}

/// Where a layer's intersections over unions are, in the run folder.
fn iou_file(tap: &LayerTap) -> String {
    format!("dissect/{}.safetensors", tap.name)
}
