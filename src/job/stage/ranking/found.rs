//! A second look at the images that some neuron likes: where in them each neuron fires.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;
use rayon::prelude::*;

use super::Ranking;
use super::side::Side;
use super::strips::{self, Map};
use super::twins::Twin;
use crate::data::{DamageReport, Dataset};
use crate::error::Result;
use crate::job::context::{Context, Flow};
use crate::job::stage::{chosen, pixels};
use crate::model::{LayerTap, Model};
use crate::neuron::activation::Maxima;
use crate::neuron::top::TopImages;

/// Feature maps that are held at once: layers are looked at in as few groups as that allows.
const MOST_VALUES: usize = 64 << 20;

/// What the pass over all images has found, and the images themselves.
pub(in crate::job::stage) struct Found<'a> {
    pub(in crate::job::stage) model: &'a Model,
    pub(in crate::job::stage) taps: &'a [LayerTap],
    pub(in crate::job::stage) dataset: &'a Arc<dyn Dataset>,
    pub(in crate::job::stage) twins: &'a [Twin],
    /// The real side, then the adversarial one.
    pub(in crate::job::stage) sides: [&'a Side; 2],
    pub(in crate::job::stage) batch_size: usize,
}

/// Where in each of a neuron's pictures its largest value lies: by layer, neuron and tile.
pub(in crate::job::stage) type Positions = Vec<Vec<Vec<[usize; 2]>>>;

/// Some neurons of a layer.
type Part = (usize, Range<usize>);

/// A picture of a neuron: part (of its group), neuron (in its part), tile.
type Place = (usize, usize, usize);

impl<'a> Found<'a> {
    /// Of a ranking whose passes are done.
    pub(in crate::job::stage) fn of(ranking: &'a Ranking, sides: [&'a Side; 2]) -> Self {
        let Ranking { model, taps, dataset, twins, batch_size, .. } = ranking;
        Self { model, taps, dataset, twins, sides, batch_size: *batch_size }
    }

    /// The images of a side (0 real, 1 adversarial) that some neuron likes.
    pub(in crate::job::stage) fn liked(&self, side: usize) -> BTreeSet<usize> {
        let tops = self.sides[side].tops().iter().flat_map(TopImages::neurons);
        tops.flatten().map(|ranked| ranked.image).collect()
    }

    /// The same of some neurons.
    fn liked_by(&self, side: usize, (layer, neurons): &Part) -> Vec<usize> {
        let tops = &self.sides[side].tops()[*layer].neurons()[neurons.clone()];
        tops.iter().flatten().map(|ranked| ranked.image).collect()
    }

    /// What is looked at together: neurons of as few groups as their maps can be held in.
    fn groups(&self) -> Vec<Vec<Part>> {
        let mut groups = vec![Vec::<Part>::new()];
        let mut held = 0;
        for (layer, tap) in self.taps.iter().enumerate() {
            for (neuron, tiles) in self.tiles(layer).into_iter().enumerate() {
                let values = tiles * tap.shape[1] * tap.shape[2];
                if held > 0 && held + values > MOST_VALUES {
                    groups.push(Vec::new());
                    held = 0;
                }
                held += values;
                let Some(group) = groups.last_mut() else { continue };
                match group.last_mut() {
                    Some((last, neurons)) if *last == layer => neurons.end = neuron + 1,
                    _ => group.push((layer, neuron..neuron + 1)),
                }
            }
        }
        groups
    }

    /// Whether the layer's strips are kept: with very many pictures a neuron they would be huge.
    pub(in crate::job::stage) fn keeps_regions(&self, layer: usize) -> bool {
        self.tiles(layer).into_iter().all(|tiles| tiles <= strips::MOST_TILES)
    }

    /// How many pictures each neuron of a layer has.
    pub(in crate::job::stage) fn tiles(&self, layer: usize) -> Vec<usize> {
        let [real, adversarial] = self.sides.map(|side| side.tops()[layer].neurons());
        real.iter()
            .zip(adversarial)
            .map(|(real, adversarial)| real.len() + adversarial.len())
            .collect()
    }

    /// How many images it will look at.
    pub(in crate::job::stage) fn looks(&self) -> usize {
        let of = |group: &Vec<Part>| {
            let of_side = |side: usize| {
                let liked = group.iter().flat_map(|part| self.liked_by(side, part));
                liked.collect::<BTreeSet<usize>>().len()
            };
            of_side(0) + of_side(1)
        };
        self.groups().iter().map(of).sum()
    }

    /// Looks, and finds the positions. `each` gets the maps of every neuron (its layer, its number),
    /// one a picture, from all threads at once. `None` = asked to stop meanwhile; `done` hears how
    /// many images were looked at.
    pub(in crate::job::stage) fn look(
        &self,
        context: &mut Context,
        mut done: impl FnMut(&mut Context, usize) -> Result<Flow>,
        each: impl Fn(usize, usize, &[Map]) -> Result<()> + Sync,
    ) -> Result<Option<Positions>> {
        let mut positions: Positions = vec![Vec::new(); self.taps.len()];
        for group in self.groups() {
            let mut maps: Vec<Vec<Vec<Map>>> = group
                .iter()
                .map(|(layer, neurons)| {
                    let tiles = &self.tiles(*layer)[neurons.clone()];
                    tiles.iter().map(|tiles| vec![Map::new(); *tiles]).collect()
                })
                .collect();
            for which in [0, 1] {
                if !self.look_at(context, &group, which, &mut maps, &mut done)? {
                    return Ok(None);
                }
            }
            for ((layer, neurons), maps) in group.iter().zip(&maps) {
                let width = self.taps[*layer].shape[2];
                let found = maps.par_iter().map(|maps| first_largest(maps, width));
                positions[*layer].extend(found.collect::<Vec<_>>());
                maps.par_iter()
                    .zip(neurons.clone())
                    .try_for_each(|(maps, neuron)| each(*layer, neuron, maps))?;
            }
        }
        Ok(Some(positions))
    }

    /// Takes the feature maps of one side's images. `false` = asked to stop.
    fn look_at(
        &self,
        context: &mut Context,
        group: &[Part],
        which: usize,
        maps: &mut [Vec<Vec<Map>>],
        done: &mut impl FnMut(&mut Context, usize) -> Result<Flow>,
    ) -> Result<bool> {
        let mut places: BTreeMap<usize, Vec<Place>> = BTreeMap::new();
        for (at, (layer, neurons)) in group.iter().enumerate() {
            let [real, ranked] = [0, which].map(|side| self.sides[side].tops()[*layer].neurons());
            for (place, neuron) in neurons.clone().enumerate() {
                let first = if which == 0 { 0 } else { real[neuron].len() };
                for (rank, top) in ranked[neuron].iter().enumerate() {
                    places.entry(top.image).or_default().push((at, place, first + rank));
                }
            }
        }
        let name = |part: &Part| self.taps[part.0].name.as_str();
        let taps: Vec<&str> = group.iter().map(name).collect();
        let mut take = |images: &Tensor, indices: &[usize]| -> Result<()> {
            for (at, tap) in self.model.features(images, &taps)?.iter().enumerate() {
                let area = tap.dim(2)? * tap.dim(3)?;
                let channels = tap.dim(1)?;
                let values: Vec<f32> = tap.flatten_all()?.to_vec1()?;
                for (image, index) in values.chunks_exact(channels * area).zip(indices) {
                    let of_layer = places[index].iter().filter(|place| place.0 == at);
                    for &(_, place, tile) in of_layer {
                        let neuron = group[at].1.start + place;
                        maps[at][place][tile] = image[neuron * area..(neuron + 1) * area].to_vec();
                    }
                }
            }
            Ok(())
        };
        let liked: Vec<usize> = places.keys().copied().collect();
        if which == 0 {
            // They could all be read before: the pass over all images has counted the damaged.
            let damage = Arc::<DamageReport>::default();
            for batch in chosen(context, self.dataset, liked, self.batch_size, &damage)? {
                let batch = batch?.to_device(self.model.device())?;
                take(&batch.images, &batch.indices)?;
                if done(context, batch.indices.len())? == Flow::Stop {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        for chunk in liked.chunks(self.batch_size.max(1)) {
            take(&self.twins_images(chunk)?, chunk)?;
            if done(context, chunk.len())? == Flow::Stop {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adversarial images by number, `[batch, channels, height, width]`, where the model is.
    pub(in crate::job::stage) fn twins_images(&self, numbers: &[usize]) -> Result<Tensor> {
        let images: Vec<Vec<u8>> = numbers
            .par_iter()
            .map(|&number| pixels::read(&self.twins[number].path, self.dataset.shape()))
            .collect::<Result<_>>()?;
        let images = pixels::from_bytes(&images, self.dataset.shape())?;
        Ok(images.to_device(self.model.device())?)
    }
}

fn first_largest(maps: &[Map], width: usize) -> Vec<[usize; 2]> {
    let position = |map: &Map| {
        let largest = Maxima::of(map, 1, width, map.len()).activation(0, 0);
        largest.map_or([0, 0], |largest| largest.position)
    };
    maps.iter().map(position).collect()
}
