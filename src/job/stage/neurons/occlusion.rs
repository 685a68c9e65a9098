//! Discrepancy maps of chosen neurons (SCIENCE §3 (b)): what drives them, found by hiding a patch of
//! each picture at a time.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::outcome::Discrepancies;
use super::second_look::Found;
use super::strips;
use crate::error::Result;
use crate::job::context::{Context, Flow};
use crate::job::stage::pixels;
use crate::neuron::discrepancy::{Occlusion, at_picture_size, discrepancy_maps, pooled, size_of};
use crate::neuron::region;
use crate::run::results::neurons::Discrepancy;

/// Where the strips of maps go, in the run folder.
const MAPS: &str = "neurons/discrepancy";

/// Where the strips of receptive fields go, in the run folder.
const FIELDS: &str = "neurons/receptive-fields";

/// How many forward passes it takes.
pub(super) fn passes(found: &Found<'_>, asked: &[usize]) -> u64 {
    let pictures: usize =
        (0..found.taps.len()).map(|layer| places(found, layer, asked).len()).sum();
    let [channels, height, width] = found.dataset.shape();
    let [rows, columns] = Occlusion::new(0, channels).places([height, width]);
    (pictures * rows * columns) as u64
}

/// Pictures of a layer that neurons are asked about, by side and image: the neurons, each with its
/// tile.
fn places(
    found: &Found<'_>,
    layer: usize,
    asked: &[usize],
) -> BTreeMap<(usize, usize), Vec<(usize, usize)>> {
    let mut places: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    let sides = found.sides.map(|side| side.tops()[layer].neurons());
    for &neuron in asked.iter().filter(|neuron| **neuron < sides[0].len()) {
        for (side, neurons) in sides.iter().enumerate() {
            let first = if side == 0 { 0 } else { sides[0][neuron].len() };
            for (rank, top) in neurons[neuron].iter().enumerate() {
                places.entry((side, top.image)).or_default().push((neuron, first + rank));
            }
        }
    }
    places
}

/// Makes the maps and writes their strips. `None` = asked to stop meanwhile; `done` hears how many
/// occluded pictures were looked at.
pub(super) fn run(
    found: &Found<'_>,
    context: &mut Context,
    asked: &[usize],
    mut done: impl FnMut(&mut Context, usize) -> Result<Flow>,
) -> Result<Option<Discrepancies>> {
    let mut discrepancies = Discrepancies::new();
    let [channels, height, width] = found.dataset.shape();
    let occlusion = Occlusion::new(context.spec().seed, channels);
    for (layer, tap) in found.taps.iter().enumerate() {
        let mut tiles: BTreeMap<usize, BTreeMap<usize, Vec<f32>>> = BTreeMap::new();
        for ((side, image), neurons) in places(found, layer, asked) {
            let picture = picture(found, side, image)?;
            let indices: Vec<usize> = neurons.iter().map(|(neuron, _)| *neuron).collect();
            let mut before = 0;
            let mut heard = |places: usize| {
                let new = places - std::mem::replace(&mut before, places);
                Ok(done(context, new)? != Flow::Stop)
            };
            let maps = discrepancy_maps(
                found.model,
                &picture,
                &tap.name,
                &indices,
                &occlusion,
                found.batch_size,
                &mut heard,
            )?;
            let Some(maps) = maps else { return Ok(None) };
            for ((neuron, tile), map) in neurons.into_iter().zip(maps) {
                let map = at_picture_size(&map, &occlusion, [height, width]);
                tiles.entry(neuron).or_default().insert(tile, map);
            }
        }
        for (neuron, maps) in tiles {
            let lit: Vec<Vec<u8>> = maps.values().map(|map| half_lit(map)).collect();
            let file = strips::file(MAPS, &tap.name, neuron);
            strips::save(&context.folder().join(&file), &lit, height)?;
            let of_real = found.sides[0].tops()[layer].neurons()[neuron].len();
            let real: Vec<Vec<f32>> = maps.into_values().take(of_real).collect();
            let field = pooled(&real, [height, width]);
            let receptive_field = strips::file(FIELDS, &tap.name, neuron);
            strips::save(&context.folder().join(&receptive_field), &[half_lit(&field)], height)?;
            let discrepancy =
                Discrepancy { maps: file, receptive_field, receptive_field_size: size_of(&field) };
            discrepancies.insert((layer, neuron), discrepancy);
        }
    }
    Ok(Some(discrepancies))
}

/// A tile that is lit where the map is at least half of its largest value; dark if nothing changed.
fn half_lit(map: &[f32]) -> Vec<u8> {
    let largest = map.iter().copied().fold(0.0, f32::max);
    region::tile(map, |value| largest > 0.0 && value >= largest / 2.0)
}

/// An image of a side, `[1, channels, height, width]`, where the model is.
fn picture(found: &Found<'_>, side: usize, image: usize) -> Result<Tensor> {
    if side == 1 {
        return found.twins_images(&[image]);
    }
    let example = found.dataset.example(image)?;
    let picture = pixels::from_bytes(&[example.pixels], found.dataset.shape())?;
    Ok(picture.to_device(found.model.device())?)
}
