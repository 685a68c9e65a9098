//! Discrepancy maps of chosen neurons (SCIENCE §3 (b)): what drives them, found by hiding a patch of
//! each picture at a time.

use candle_core::Tensor;

use super::outcome::Discrepancies;
use crate::error::Result;
use crate::job::context::{Context, Flow};
use crate::job::ledger::Ledger;
use crate::job::stage::pixels;
use crate::job::stage::ranking::found::Found;
use crate::job::stage::ranking::side::Side;
use crate::job::stage::ranking::strips;
use crate::model::LayerTap;
use crate::neuron::discrepancy::{Occlusion, at_picture_size, discrepancy_maps, pooled, size_of};
use crate::neuron::region;
use crate::run::results::neurons::Discrepancy;
use crate::spec::NeuronsSpec;

/// Where the strips of maps go, in the run folder.
const MAPS: &str = "neurons/discrepancy";

/// Where the strips of receptive fields go, in the run folder.
const FIELDS: &str = "neurons/receptive-fields";

/// How many forward passes it takes.
pub(super) fn passes(found: &Found<'_>, section: &NeuronsSpec) -> u64 {
    let [_, height, width] = found.dataset.shape();
    let [rows, columns] = patch(found, section, 0).places([height, width]);
    let asked = &section.discrepancy;
    let pictures: usize =
        pairs(found, asked).map(|(layer, neuron)| pictures(found, layer, neuron).len()).sum();
    (pictures * rows * columns) as u64
}

/// What hides a part of a picture.
fn patch(found: &Found<'_>, section: &NeuronsSpec, seed: u64) -> Occlusion {
    let (side, stride) = (section.discrepancy_patch, section.discrepancy_stride);
    Occlusion::sized(seed, found.dataset.shape()[0], side, stride)
}

/// The neurons that are asked about, by layer; not every layer has all.
fn pairs<'a>(
    found: &'a Found<'_>,
    asked: &'a [usize],
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let of_layer = move |(layer, tap): (usize, &LayerTap)| {
        let neurons = tap.shape[0];
        asked.iter().filter(move |neuron| **neuron < neurons).map(move |neuron| (layer, *neuron))
    };
    found.taps.iter().enumerate().flat_map(of_layer)
}

/// A neuron's pictures in the order of its tiles: side and image.
fn pictures(found: &Found<'_>, layer: usize, neuron: usize) -> Vec<(usize, usize)> {
    let of_side = |(side, of): (usize, &&Side)| {
        of.tops()[layer].neurons()[neuron].iter().map(move |top| (side, top.image)).collect()
    };
    found.sides.iter().enumerate().flat_map(|side| -> Vec<_> { of_side(side) }).collect()
}

/// Makes the maps and writes their strips, neuron by neuron: those that an earlier try has made are
/// kept. `None` = asked to stop meanwhile; `done` hears how many occluded pictures were looked at.
pub(super) fn run(
    found: &Found<'_>,
    context: &mut Context,
    section: &NeuronsSpec,
    mut done: impl FnMut(&mut Context, usize) -> Result<Flow>,
) -> Result<Option<Discrepancies>> {
    let mut discrepancies = Discrepancies::new();
    if section.discrepancy.is_empty() {
        return Ok(Some(discrepancies));
    }
    let occlusion = patch(found, section, context.spec().seed);
    let how = (&occlusion, section.discrepancy_share);
    let mut ledger = Ledger::<Discrepancy>::open(context.folder(), "occlusion")?;
    for (layer, neuron) in pairs(found, &section.discrepancy) {
        let tap = &found.taps[layer].name;
        if ledger.get(tap, neuron).is_none() {
            let made = look(found, context, (layer, neuron), how, &mut done)?;
            let Some(made) = made else { return Ok(None) };
            ledger.put(tap, neuron, made)?;
        }
        let made = ledger.get(tap, neuron).cloned();
        discrepancies.extend(made.map(|made| ((layer, neuron), made)));
    }
    ledger.close();
    Ok(Some(discrepancies))
}

/// One neuron's strips. `None` = asked to stop.
fn look(
    found: &Found<'_>,
    context: &mut Context,
    (layer, neuron): (usize, usize),
    (occlusion, share): (&Occlusion, f64),
    done: &mut impl FnMut(&mut Context, usize) -> Result<Flow>,
) -> Result<Option<Discrepancy>> {
    let tap = &found.taps[layer].name;
    let [_, height, width] = found.dataset.shape();
    let mut maps = Vec::new();
    for (side, image) in pictures(found, layer, neuron) {
        let picture = picture(found, side, image)?;
        let mut before = 0;
        let mut heard = |places: usize| {
            let new = places - std::mem::replace(&mut before, places);
            Ok(done(context, new)? != Flow::Stop)
        };
        let (one, batch) = ([neuron], found.batch_size);
        let made =
            discrepancy_maps(found.model, &picture, tap, &one, occlusion, batch, &mut heard)?;
        let Some(made) = made else { return Ok(None) };
        maps.extend(made.iter().map(|map| at_picture_size(map, occlusion, [height, width])));
    }
    let tiles: Vec<Vec<u8>> = maps.iter().map(|map| lit(map, share)).collect();
    let file = strips::file(MAPS, tap, neuron);
    strips::save(&context.folder().join(&file), &tiles, height)?;
    maps.truncate(found.sides[0].tops()[layer].neurons()[neuron].len());
    let field = pooled(&maps, [height, width]);
    let receptive_field = strips::file(FIELDS, tap, neuron);
    strips::save(&context.folder().join(&receptive_field), &[lit(&field, share)], height)?;
    let receptive_field_size = size_of(&field, share);
    Ok(Some(Discrepancy { maps: file, receptive_field, receptive_field_size }))
}

/// A tile that is lit where the map is at least a share of its largest value; dark if nothing changed.
fn lit(map: &[f32], share: f64) -> Vec<u8> {
    let largest = map.iter().copied().fold(0.0, f32::max);
    region::tile(map, |value| largest > 0.0 && f64::from(value) >= f64::from(largest) * share)
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
