//! The papers' figures of neurons (SCIENCE §3; A, Figures 2, 4-9): for each neuron a row or block
//! of the real pictures that excite it most, above a row of adversarial ones, named by what the real
//! ones have in common; below each picture its class, the network's answer where that is another,
//! and the activation.

mod drawn;
mod layout;
mod paint;
mod source;
mod typeface;

use std::path::PathBuf;

use super::number;
use super::raster::Raster;
use super::region::{self, Look};
use crate::error::{Error, Result};
use crate::run::results::neurons::{Layer, Neuron};

pub(super) use drawn::drawing;
pub(super) use layout::{TINY, columns};
pub use paint::png;
pub(super) use paint::{left_out_note, look_note, with_density};
pub use source::{Source, neuron};
pub(super) use typeface::{Style, Typeface, wrapped};

/// What a figure shows besides the pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// How what drives the neuron is shown; `None` = the pictures as they are.
    pub look: Option<Look>,
    /// Whether the clean originals of the adversarial pictures stand below them.
    pub originals: bool,
    /// The most exciting pictures of each row, at most so many; `None` = all that were kept.
    pub top: Option<usize>,
}

/// So many pictures a row are a figure; more are a wall. What `--top` changes.
pub const TOP: usize = 25;

/// Some neurons, one below the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Above them all.
    pub title: Option<String>,
    /// How what drives the neurons is shown.
    pub look: Option<Look>,
    /// The neurons.
    pub panels: Vec<Panel>,
}

/// One neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The run's id.
    pub run: String,
    /// The run's title.
    pub title: String,
    /// The step of training that this was seen at; `None` = the run's results.
    pub step: Option<u64>,
    /// The layer tap's name.
    pub layer: String,
    /// The channel.
    pub neuron: usize,
    /// How many the layer has.
    pub neurons: usize,
    /// What most of its real pictures show, or `silent`.
    pub name: String,
    /// Both rows in a line.
    pub story: String,
    /// How much of what it means is gone on adversarial pictures, at most 1.
    pub disagreement: Option<f64>,
    /// Side of the stored pictures, in pixels.
    pub image_size: usize,
    /// Real, adversarial, originals; those that hold anything.
    pub rows: Vec<Row>,
}

/// Whose pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// As they were taken.
    Real,
    /// After an attack.
    Adversarial,
    /// What the adversarial ones above them were made of.
    Original,
}

impl Side {
    /// What the row is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Adversarial => "adversarial",
            Self::Original => "originals",
        }
    }
}

/// Pictures of one kind, most exciting first.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Whose.
    pub side: Side,
    /// `None` = it is not known (the original of an adversarial picture).
    pub pictures: Vec<Option<Shown>>,
    /// How many the run kept; more than are shown where [`Options::top`] said so.
    pub kept: usize,
}

/// A picture and what is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The file.
    pub picture: PathBuf,
    /// The same, relative to the run folder.
    pub name: String,
    /// Its true class.
    pub label: String,
    /// What the network takes it for, where that is another class.
    pub answer: Option<String>,
    /// Spatial maximum of the channel.
    pub activation: f64,
    /// Its place among all images of its side, where it is not among the shown because of it.
    pub rank: Option<u64>,
    /// Its tile of the neuron's strip of regions.
    region: Option<Vec<u8>>,
}

impl Shown {
    /// `dog`, or `bus→dog` where the network takes it for something else.
    pub fn caption(&self) -> String {
        let answer = self.answer.as_ref();
        answer.map_or_else(|| self.label.clone(), |answer| format!("{}→{answer}", self.label))
    }

    /// `12.30`, or `4.100 · rank 57`.
    pub fn value(&self) -> String {
        let value = number::value(self.activation);
        self.rank.map_or(value.clone(), |rank| format!("{value} · rank {rank}"))
    }

    /// The pixels as they are in the file. Fails where the region is of another size.
    pub fn pixels(&self) -> Result<Raster> {
        let raster = Raster::read(&self.picture)?;
        let fits = |tile: &Vec<u8>| tile.len() == raster.pixels.len();
        if !self.region.as_ref().is_none_or(fits) {
            return Err(Error::failed(format!(
                "the picture '{}' and its region differ in size",
                self.picture.display()
            ))
            .hint("the run folder is damaged; run its spec again"));
        }
        Ok(raster)
    }

    /// The pixels with what drives the neuron made visible, in the picture's own size.
    pub fn looked_at(&self, look: Option<Look>) -> Result<Raster> {
        Ok(self.enlarged(&self.pixels()?, look, 1))
    }

    /// The same of its pixels, every pixel a square of `factor` × `factor`: a contour's line is drawn
    /// after that.
    pub(super) fn enlarged(&self, raster: &Raster, look: Option<Look>, factor: usize) -> Raster {
        let (Some(look), Some(tile)) = (look, &self.region) else {
            return raster.enlarged(factor);
        };
        if look == Look::Contour {
            let tile = enlarged_tile(tile, raster.width, factor);
            let large = raster.enlarged(factor);
            let line = (large.width.min(large.height) / 96).max(1);
            let (width, height) = (large.width, large.height);
            let (pixels, ..) = region::look(&large.pixels, width, height, &tile, look, line);
            return Raster { pixels, ..large };
        }
        let (width, height) = (raster.width, raster.height);
        let (pixels, width, height) = region::look(&raster.pixels, width, height, tile, look, 1);
        Raster { width, height, pixels }.enlarged(factor)
    }
}

impl Figure {
    /// How many pictures a row shows, and how many of them the run kept, where some row shows fewer.
    pub fn left_out(&self) -> Option<(usize, usize)> {
        let rows = self.panels.iter().flat_map(|panel| &panel.rows);
        let cut = rows.filter(|row| row.pictures.len() < row.kept);
        cut.map(|row| (row.pictures.len(), row.kept)).max_by_key(|(_, kept)| *kept)
    }

    /// The same neurons in as many figures as it takes for none to be huge: a canvas is held whole.
    pub fn pages(self) -> Vec<Self> {
        // Of 200 pixels a side with a caption: 250 MB.
        const PICTURES: usize = 1_200;
        let mut pages: Vec<Vec<Panel>> = Vec::new();
        let mut held = 0;
        for panel in self.panels {
            let pictures = panel.rows.iter().map(|row| row.pictures.len()).sum::<usize>();
            held += pictures;
            match pages.last_mut() {
                Some(page) if held <= PICTURES => page.push(panel),
                _ => {
                    held = pictures;
                    pages.push(vec![panel]);
                }
            }
        }
        let (title, look) = (self.title, self.look);
        pages.into_iter().map(|panels| Self { title: title.clone(), look, panels }).collect()
    }
}

fn enlarged_tile(tile: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let row = |row: &[u8]| -> Vec<u8> {
        row.iter().flat_map(|byte| std::iter::repeat_n(*byte, factor)).collect()
    };
    let rows = tile.chunks(width.max(1));
    rows.flat_map(|line| std::iter::repeat_n(row(line), factor).flatten()).collect()
}

/// The neurons of one layer that a report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Gallery {
    /// The run's id.
    pub run: String,
    /// The layer tap's name.
    pub layer: String,
    /// How many neurons the layer has.
    pub neurons: usize,
    /// How many of them no real image excites.
    pub silent: usize,
    /// What put the shown ones first.
    pub order: Order,
    /// Those neurons.
    pub figure: Figure,
}

/// What puts neurons first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// How much real and adversarial pictures disagree; then channel, as on the screen.
    Disagreement,
    /// The activation of the most exciting picture, where there are no adversarial ones.
    Activation,
}

impl Order {
    /// `disagreement of real and adversarial pictures`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disagreement => "disagreement of real and adversarial pictures",
            Self::Activation => "activation",
        }
    }
}

/// The first `most` neurons of each layer of a run.
pub fn galleries(source: &Source, most: usize, options: Options) -> Result<Vec<Gallery>> {
    source.neurons.layers.iter().map(|layer| gallery(source, layer, most, options)).collect()
}

fn gallery(source: &Source, layer: &Layer, most: usize, options: Options) -> Result<Gallery> {
    let (order, neurons) = ordered(layer);
    let shown = neurons.iter().filter(|neuron| !neuron.is_silent()).take(most);
    let panels: Vec<Panel> =
        shown.map(|neuron| source.panel(layer, neuron, options)).collect::<Result<_>>()?;
    let title = format!(
        "{} · {} of {} neurons, by {}",
        layer.layer,
        panels.len(),
        layer.neurons.len(),
        order.word()
    );
    Ok(Gallery {
        run: source.run(),
        layer: layer.layer.clone(),
        neurons: layer.neurons.len(),
        silent: layer.neurons.iter().filter(|neuron| neuron.is_silent()).count(),
        order,
        figure: Figure { title: Some(title), look: options.look, panels },
    })
}

fn ordered(layer: &Layer) -> (Order, Vec<&Neuron>) {
    let mut neurons: Vec<&Neuron> = layer.neurons.iter().collect();
    let disagrees = |neuron: &Neuron| neuron.disagreement().unwrap_or(f64::NEG_INFINITY);
    let order = if neurons.iter().any(|neuron| neuron.disagreement().is_some()) {
        Order::Disagreement
    } else {
        Order::Activation
    };
    let value = |neuron: &Neuron| match order {
        Order::Disagreement => disagrees(neuron),
        Order::Activation => neuron.top_activation(),
    };
    // Stable: equals stay in the order of their channel.
    neurons.sort_by(|a, b| value(b).total_cmp(&value(a)));
    (order, neurons)
}

#[cfg(test)]
pub(in crate::report) mod fixture;
#[cfg(test)]
mod tests;
