//! `results/neurons.json` from what the stage has found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::REGIONS;
use crate::error::Result;
use crate::job::stage::pixels::PictureNames;
use crate::job::stage::ranking::found::{Found, Positions};
use crate::job::stage::ranking::strips;
use crate::job::stage::ranking::twins::Twin;
use crate::job::stage::ranking::{class_name, top_image};
use crate::neuron::rank::Ranks;
use crate::neuron::top::Ranked;
use crate::run::results::neurons::{
    Counterpart, Discrepancy, Layer, Neuron, Neurons, ReceptiveField, TopImage,
};
use crate::spec::Split;

/// By layer and neuron.
pub(super) type Discrepancies = BTreeMap<(usize, usize), Discrepancy>;

/// The first adversarial image of each original.
pub(super) fn first_twins(twins: &[Twin]) -> HashMap<usize, usize> {
    let mut first = HashMap::new();
    for (number, twin) in twins.iter().enumerate() {
        first.entry(twin.original).or_insert(number);
    }
    first
}

/// Everything that the result tells of.
pub(super) struct Outcome<'a> {
    pub(super) found: &'a Found<'a>,
    pub(super) names: &'a PictureNames,
    /// See [`first_twins`].
    pub(super) first: HashMap<usize, usize>,
    /// The folder of the real pictures, in the run folder.
    pub(super) pictures: &'a str,
    /// The same of the adversarial ones.
    pub(super) prefix: &'a str,
    pub(super) positions: &'a Positions,
    pub(super) discrepancies: &'a Discrepancies,
    pub(super) split: Split,
}

const REAL: usize = 0;
const ADVERSARIAL: usize = 1;

/// The rows of the images that stand across the attack from those shown, and their neurons' ranks.
struct Across {
    /// By side and image: prediction and answers.
    rows: [HashMap<usize, (u32, Vec<f32>)>; 2],
    /// By side, neuron (of all layers) and image.
    ranks: [HashMap<(usize, usize), u64>; 2],
}

impl Outcome<'_> {
    /// Real images that are shown: those that a neuron likes, and the originals of those
    /// adversarial ones.
    pub(super) fn originals_shown(&self) -> Result<BTreeSet<usize>> {
        let mut shown = self.found.liked(REAL);
        for twin in self.found.liked(ADVERSARIAL) {
            let original = self.found.twins[twin].original;
            // A damaged original has no picture.
            if !shown.contains(&original) && self.found.sides[REAL].rows().get(original)?.is_some()
            {
                shown.insert(original);
            }
        }
        Ok(shown)
    }

    /// Adversarial images that are shown: those that a neuron likes, and the first twin of each
    /// real one.
    pub(super) fn twins_shown(&self) -> BTreeSet<usize> {
        let mut shown = self.found.liked(ADVERSARIAL);
        shown.extend(self.found.liked(REAL).iter().filter_map(|image| self.first.get(image)));
        shown
    }

    /// The whole result.
    pub(super) fn result(&self) -> Result<Neurons> {
        let dataset = self.found.dataset;
        let [real, adversarial] = self.found.sides;
        let across = self.across()?;
        let mut first = 0;
        let mut layers = Vec::new();
        for (layer, tap) in self.found.taps.iter().enumerate() {
            let field = self.found.model.receptive_field(&tap.name);
            let keeps_regions = self.found.keeps_regions(layer);
            layers.push(Layer {
                layer: tap.name.clone(),
                receptive_field: field.map(|field| ReceptiveField {
                    size: field.size,
                    stride: field.stride,
                    start: field.start,
                }),
                neurons: (0..tap.shape[0])
                    .map(|neuron| {
                        self.neuron((layer, keeps_regions), neuron, first + neuron, &across)
                    })
                    .collect(),
            });
            first += tap.shape[0];
        }
        Ok(Neurons {
            classes: dataset.classes().iter().map(|class| class.name.clone()).collect(),
            split: match self.split {
                Split::Test => "test".into(),
                Split::Train => "train".into(),
            },
            real_images: real.images() as u64,
            damaged: (dataset.len() - real.images()) as u64,
            adversarial_images: adversarial.images() as u64,
            image_size: dataset.shape()[1],
            layers,
        })
    }

    fn neuron(
        &self,
        (layer, keeps_regions): (usize, bool),
        neuron: usize,
        of_all: usize,
        across: &Across,
    ) -> Neuron {
        let tap = &self.found.taps[layer];
        let side = |side: usize| {
            let ranked = &self.found.sides[side].tops()[layer].neurons()[neuron];
            let first = if side == REAL { 0 } else { self.real_tiles(layer, neuron) };
            let tell = |(rank, top): (usize, &Ranked)| {
                let position = self.positions[layer][neuron][first + rank];
                self.picture(side, top, position, of_all, across)
            };
            ranked.iter().enumerate().map(tell).collect::<Vec<TopImage>>()
        };
        let (real, adversarial) = (side(REAL), side(ADVERSARIAL));
        let threshold = self.found.sides[REAL].threshold(layer, neuron);
        let kept = threshold.is_some() && keeps_regions;
        Neuron {
            index: neuron,
            threshold: threshold.map(f64::from).filter(|threshold| threshold.is_finite()),
            regions: kept.then(|| strips::file(REGIONS, &tap.name, neuron)),
            discrepancy: self.discrepancies.get(&(layer, neuron)).cloned(),
            real,
            adversarial,
        }
    }

    fn real_tiles(&self, layer: usize, neuron: usize) -> usize {
        self.found.sides[REAL].tops()[layer].neurons()[neuron].len()
    }

    fn picture(
        &self,
        side: usize,
        top: &Ranked,
        position: [usize; 2],
        of_all: usize,
        across: &Across,
    ) -> TopImage {
        let dataset = &**self.found.dataset;
        let other = 1 - side;
        let counterpart = self.counterpart(side, top.image).and_then(|image| {
            let (prediction, row) = across.rows[other].get(&image)?;
            Some(Counterpart {
                picture: self.file(other, image),
                activation: f64::from(*row.get(of_all)?),
                rank: *across.ranks[other].get(&(of_all, image))?,
                prediction: class_name(dataset, *prediction),
                prediction_index: *prediction,
            })
        });
        let picture = self.file(side, top.image);
        let told = top_image(dataset, top, self.original(side, top.image), picture);
        TopImage { position, counterpart, ..told }
    }

    fn original(&self, side: usize, image: usize) -> usize {
        if side == REAL { image } else { self.found.twins[image].original }
    }

    /// The picture of an image of a side, in the run folder.
    fn file(&self, side: usize, image: usize) -> String {
        if side == REAL {
            format!("{}/{}", self.pictures, self.names.of_image(image))
        } else {
            format!("{}/{}", self.prefix, self.found.twins[image].name)
        }
    }

    /// The image across the attack from an image of `side`, if there is one.
    fn counterpart(&self, side: usize, image: usize) -> Option<usize> {
        match side {
            REAL => self.first.get(&image).copied(),
            _ => self.found.twins.get(image).map(|twin| twin.original),
        }
    }

    /// What lies across the attack from every picture shown.
    fn across(&self) -> Result<Across> {
        let mut across = Across { rows: Default::default(), ranks: Default::default() };
        for side in [REAL, ADVERSARIAL] {
            let other = 1 - side;
            let rows = self.found.sides[other].rows();
            let mut queries: Vec<(usize, f32, usize)> = Vec::new();
            let mut neurons = 0;
            for tops in self.found.sides[side].tops() {
                for (neuron, ranked) in tops.neurons().iter().enumerate() {
                    for top in ranked {
                        let Some(image) = self.counterpart(side, top.image) else { continue };
                        let row = match across.rows[other].get(&image) {
                            Some(row) => row,
                            None => match rows.get(image)? {
                                Some(row) => across.rows[other].entry(image).or_insert(row),
                                None => continue,
                            },
                        };
                        queries.push((neurons + neuron, row.1[neurons + neuron], image));
                    }
                }
                neurons += tops.neurons().len();
            }
            let mut ranks = Ranks::new(neurons, queries.clone());
            rows.read(0..usize::MAX, |image, _, row| {
                ranks.see(image, row);
                Ok(())
            })?;
            let of = queries.iter().map(|&(neuron, _, image)| (neuron, image));
            across.ranks[other] = of.zip(ranks.ranks()).collect();
        }
        Ok(across)
    }
}
