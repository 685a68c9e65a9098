//! One pass over the real images, or over the adversarial ones: who excites each neuron most, and
//! above which value a neuron counts as firing. It can be left at any image and taken up again.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candle_core::Tensor;

use super::rows::Rows;
use crate::attack::measure::predictions;
use crate::error::Result;
use crate::model::{LayerTap, Mode, Model};
use crate::neuron::activation::Maxima;
use crate::neuron::quantile::TopQuantiles;
use crate::neuron::top::TopImages;
use crate::run::write;

/// The share of positions that lie above a neuron's threshold (SCIENCE §4.1).
const ABOVE: f64 = 0.005;

/// How much work a kill may cost: so long, and more where writing it down takes long itself.
const SAVE_EVERY: Duration = Duration::from_secs(15);

/// Of the time at most one part in so many goes into that.
const SHARE: u32 = 20;

/// A pass under way.
pub(super) struct Side {
    taps: Vec<LayerTap>,
    rows: Rows,
    /// By layer.
    tops: Vec<TopImages>,
    /// By layer; of the real images alone.
    thresholds: Vec<TopQuantiles>,
    progress: PathBuf,
    /// The first image that may not have been looked at.
    next: usize,
    images: usize,
    saved: Instant,
    save_every: Duration,
}

impl Side {
    /// Takes up the pass called `name` over `images` images, or begins it. `folder` is where it
    /// keeps what it has. `thresholds`: whether those are wanted.
    pub(super) fn open(
        folder: &Path,
        name: &str,
        taps: &[LayerTap],
        (images, top): (usize, usize),
        thresholds: bool,
    ) -> Result<Self> {
        write::folder(folder)?;
        let neurons = taps.iter().map(|tap| tap.shape[0]).sum();
        let quantiles = |tap: &LayerTap| {
            let [channels, height, width] = tap.shape;
            TopQuantiles::new(channels, ABOVE, (images * height * width) as u64)
        };
        let mut side = Self {
            taps: taps.to_vec(),
            rows: Rows::open(&folder.join(format!("{name}.rows")), neurons, images)?,
            tops: taps.iter().map(|tap| TopImages::new(tap.shape[0], top)).collect(),
            thresholds: if thresholds { taps.iter().map(quantiles).collect() } else { Vec::new() },
            progress: folder.join(format!("{name}.progress")),
            next: 0,
            images: 0,
            saved: Instant::now(),
            save_every: SAVE_EVERY,
        };
        if let Some((next, thresholds)) = side.read_progress() {
            (side.next, side.thresholds) = (next, thresholds);
            let (rows, tops, seen) = (&side.rows, &mut side.tops, &mut side.images);
            rows.read(0..next, |image, prediction, row| {
                *seen += 1;
                offer(tops, &side.taps, image, prediction, row);
                Ok(())
            })?;
        }
        Ok(side)
    }

    /// The first image that has not been looked at.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// How many images were ranked.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// By layer.
    pub(super) fn tops(&self) -> &[TopImages] {
        &self.tops
    }

    /// Every neuron's answer to every image.
    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Above which value a neuron counts as firing; `None` where no image was looked at, or on the
    /// adversarial side.
    pub(super) fn threshold(&self, layer: usize, neuron: usize) -> Option<f32> {
        self.thresholds.get(layer).and_then(|thresholds| thresholds.threshold(neuron))
    }

    /// Looks at a batch `[batch, channels, height, width]`. Batches come in the order of `indices`.
    pub(super) fn add(&mut self, model: &Model, images: &Tensor, indices: &[usize]) -> Result<()> {
        let names: Vec<&str> = self.taps.iter().map(|tap| tap.name.as_str()).collect();
        let output = model.forward(images, Mode::Evaluate, &names)?;
        let predictions = predictions(&output.logits)?;
        let mut maxima = Vec::with_capacity(self.taps.len());
        for (layer, maps) in output.taps.iter().enumerate() {
            let (_, channels, height, width) = maps.dims4()?;
            let values: Vec<f32> = maps.flatten_all()?.to_vec1()?;
            let of_layer = Maxima::of(&values, channels, width, height * width);
            self.tops[layer].offer_batch(indices, &predictions, &of_layer);
            maxima.push(of_layer);
            if let Some(thresholds) = self.thresholds.get_mut(layer) {
                thresholds.add_maps(&values, height * width);
            }
        }
        for (at, (&index, &prediction)) in indices.iter().zip(&predictions).enumerate() {
            let layers: Vec<&[f32]> = maxima.iter().map(|layer| layer.image(at).0).collect();
            self.rows.put(index, prediction, &layers)?;
        }
        self.images += indices.len();
        Ok(())
    }

    /// Says that everything before image `next` is done; writes it down now and then, or at once if
    /// `now`.
    pub(super) fn reach(&mut self, next: usize, now: bool) -> Result<()> {
        self.next = next;
        if !now && self.saved.elapsed() < self.save_every {
            return Ok(());
        }
        let begun = Instant::now();
        // What the file counts as done must be there.
        self.rows.sync()?;
        let mut bytes = (self.next as u64).to_le_bytes().to_vec();
        for thresholds in &self.thresholds {
            let state = thresholds.to_bytes();
            bytes.extend((state.len() as u64).to_le_bytes());
            bytes.extend(state);
        }
        write::whole(&self.progress, &bytes)?;
        self.saved = Instant::now();
        self.save_every = SAVE_EVERY.max(begun.elapsed() * SHARE);
        Ok(())
    }

    /// What an earlier try reached. Anything but a whole record of this work is none.
    fn read_progress(&self) -> Option<(usize, Vec<TopQuantiles>)> {
        let bytes = std::fs::read(&self.progress).ok()?;
        let mut left = bytes.as_slice();
        let next = number(&mut left)?;
        let mut thresholds = Vec::new();
        for own in &self.thresholds {
            let length = number(&mut left)?;
            let state = left.split_off(..length)?;
            thresholds.push(own.from_bytes(state)?);
        }
        left.is_empty().then_some((next, thresholds))
    }
}

/// Takes eight bytes off the front.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

/// Where in an image its answers lie no row says: the second look finds that.
fn offer(tops: &mut [TopImages], taps: &[LayerTap], image: usize, prediction: u32, row: &[f32]) {
    let mut left = row;
    for (top, tap) in tops.iter_mut().zip(taps) {
        let (values, rest) = left.split_at(tap.shape[0].min(left.len()));
        left = rest;
        top.offer(image, prediction, values, &vec![0; values.len()], 1);
    }
}
