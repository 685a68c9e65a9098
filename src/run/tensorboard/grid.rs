//! A neuron's pictures as one: the real ones that excite it most above the adversarial ones, from
//! the files of the run folder. Without words, which TensorBoard writes beside it.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::imageops::{self, FilterType};
use image::{ImageReader, Rgb, RgbImage};

use crate::error::{Error, Result};
use crate::run::results::neurons::{Layer, Neuron, TopImage};
use crate::run::write;

/// So many of each layer: event files are read whole, over and over.
pub(super) const NEURONS: usize = 16;
/// So many pictures a row.
const ACROSS: usize = 9;
/// Larger pictures are made smaller: a page of photographs would be megabytes.
const LARGEST: usize = 112;
/// Between pictures, in pixels.
const GAP: u32 = 2;
/// What is between the pictures: neither of TensorBoard's grounds.
const GROUND: Rgb<u8> = Rgb([128, 128, 128]);

/// The neurons that disagree most, then by channel; where there are no adversarial pictures those
/// with the largest activation. Silent ones have nothing to show.
pub(super) fn shown(layer: &Layer) -> Vec<&Neuron> {
    let mut neurons: Vec<&Neuron> =
        layer.neurons.iter().filter(|neuron| !neuron.is_silent()).collect();
    let any = neurons.iter().any(|neuron| neuron.disagreement().is_some());
    let value = |neuron: &Neuron| match neuron.disagreement() {
        Some(disagreement) => disagreement,
        None if any => f64::NEG_INFINITY,
        None => neuron.top_activation(),
    };
    // Stable: equals stay in the order of their channel.
    neurons.sort_by(|a, b| value(b).total_cmp(&value(a)));
    neurons.truncate(NEURONS);
    neurons
}

/// Width, height and PNG file of a neuron's grid. `side` is that of its pictures, in pixels.
pub(super) fn png(run: &Path, neuron: &Neuron, side: usize) -> Result<(u32, u32, Vec<u8>)> {
    let side = side.clamp(1, LARGEST) as u32;
    let rows: Vec<&[TopImage]> = [&neuron.real, &neuron.adversarial]
        .into_iter()
        .map(|row| &row[..row.len().min(ACROSS)])
        .filter(|row| !row.is_empty())
        .collect();
    let across = rows.iter().map(|row| row.len()).max().unwrap_or(0).max(1) as u32;
    let size = |count: u32| count * (side + GAP) - GAP;
    let (width, height) = (size(across), size(rows.len().max(1) as u32));
    let mut page = RgbImage::from_pixel(width, height, GROUND);
    for (down, row) in rows.iter().enumerate() {
        for (right, top) in row.iter().enumerate() {
            let picture = read(&run.join(&top.picture), side)?;
            let at = |index: usize| index as i64 * i64::from(side + GAP);
            imageops::replace(&mut page, &picture, at(right), at(down));
        }
    }
    let mut bytes = Vec::new();
    page.write_with_encoder(PngEncoder::new(&mut bytes))
        .map_err(|error| Error::failed(format!("failed to write a picture: {error}")))?;
    Ok((width, height, bytes))
}

fn read(path: &Path, side: u32) -> Result<RgbImage> {
    let opened = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = opened.map_err(|error| write::failed("read", path, &error))?;
    let picture = reader.decode().map_err(|error| {
        Error::failed(format!("failed to decode '{}': {error}", path.display()))
            .hint("the run folder is damaged; run its spec again")
    })?;
    let picture = picture.into_rgb8();
    if picture.dimensions() == (side, side) {
        return Ok(picture);
    }
    Ok(imageops::resize(&picture, side, side, FilterType::Triangle))
}
