//! One pass over the real images, or over the adversarial ones: who excites each neuron most, and
//! above which value a neuron counts as firing. It can be left at any image and taken up again.

use std::path::Path;

use candle_core::Tensor;

use super::rows::Rows;
use super::saved::Saved;
use crate::attack::measure::predictions;
use crate::error::Result;
use crate::model::{LayerTap, Mode, Model};
use crate::neuron::activation::Maxima;
use crate::neuron::quantile::TopQuantiles;
use crate::neuron::top::TopImages;
use crate::run::write;

/// What both passes share.
pub(in crate::job::stage) struct Work<'a> {
    /// Where what is under way lies.
    pub(in crate::job::stage) folder: &'a Path,
    pub(in crate::job::stage) taps: &'a [LayerTap],
    /// A hash of the weights and the images: what another network has found is never taken up.
    pub(in crate::job::stage) key: [u8; 32],
}

/// A pass under way.
pub(in crate::job::stage) struct Side {
    taps: Vec<LayerTap>,
    rows: Rows,
    /// By layer.
    tops: Vec<TopImages>,
    /// By layer; of the passes that are asked for them.
    thresholds: Vec<TopQuantiles>,
    saved: Saved,
    /// The first image that may not have been looked at.
    next: usize,
    images: usize,
}

impl Side {
    /// Takes up the pass called `name` over `images` images, or begins it. `work` says where it keeps
    /// what it has. `above`: the share of positions that lie above the thresholds, if those are wanted.
    pub(in crate::job::stage) fn open(
        work: &Work<'_>,
        name: &str,
        (images, top): (usize, usize),
        above: Option<f64>,
    ) -> Result<Self> {
        let Work { folder, taps, key } = *work;
        write::folder(folder)?;
        let neurons = taps.iter().map(|tap| tap.shape[0]).sum();
        let quantiles = |tap: &LayerTap| {
            let [channels, height, width] = tap.shape;
            let total = (images * height * width) as u64;
            above.map(|above| TopQuantiles::new(channels, above, total))
        };
        let mut side = Self {
            taps: taps.to_vec(),
            rows: Rows::open(&folder.join(format!("{name}.rows")), neurons, images)?,
            tops: taps.iter().map(|tap| TopImages::new(tap.shape[0], top)).collect(),
            thresholds: taps.iter().filter_map(quantiles).collect(),
            saved: Saved::new(folder.join(format!("{name}.progress")), key),
            next: 0,
            images: 0,
        };
        if let Some((next, thresholds)) = side.read_progress() {
            (side.next, side.thresholds) = (next, thresholds);
            let (rows, tops, seen) = (&side.rows, &mut side.tops, &mut side.images);
            rows.read(0..next, |image, prediction, row| {
                *seen += 1;
                offer(tops, &side.taps, image, prediction, row);
                Ok(())
            })?;
        } else {
            side.rows.clear()?;
        }
        Ok(side)
    }

    /// Makes the pass called `name` begin anew when it is next opened.
    pub(in crate::job::stage) fn forget(work: &Work<'_>, name: &str) {
        let _ = std::fs::remove_file(work.folder.join(format!("{name}.progress")));
    }

    /// The first image that has not been looked at.
    pub(in crate::job::stage) fn next(&self) -> usize {
        self.next
    }

    /// How many images were ranked.
    pub(in crate::job::stage) fn images(&self) -> usize {
        self.images
    }

    /// By layer.
    pub(in crate::job::stage) fn tops(&self) -> &[TopImages] {
        &self.tops
    }

    /// Every neuron's answer to every image.
    pub(in crate::job::stage) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Above which value a neuron counts as firing; `None` where no image was looked at, or
    /// nobody asked for thresholds.
    pub(in crate::job::stage) fn threshold(&self, layer: usize, neuron: usize) -> Option<f32> {
        self.thresholds.get(layer).and_then(|thresholds| thresholds.threshold(neuron))
    }

    /// The same by layer and neuron; without one a neuron never fires.
    pub(in crate::job::stage) fn thresholds(&self) -> Vec<Vec<f32>> {
        let of = |(layer, tap): (usize, &LayerTap)| {
            let threshold = |neuron| self.threshold(layer, neuron).unwrap_or(f32::INFINITY);
            (0..tap.shape[0]).map(threshold).collect()
        };
        self.taps.iter().enumerate().map(of).collect()
    }

    /// Looks at a batch `[batch, channels, height, width]`. Batches come in the order of `indices`.
    pub(in crate::job::stage) fn add(
        &mut self,
        model: &Model,
        images: &Tensor,
        indices: &[usize],
    ) -> Result<()> {
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
    pub(in crate::job::stage) fn reach(&mut self, next: usize, now: bool) -> Result<()> {
        self.next = next;
        let (rows, thresholds) = (&self.rows, &self.thresholds);
        self.saved.save(next, now, || {
            // What the file counts as done must be there.
            rows.sync()?;
            Ok(thresholds.iter().map(TopQuantiles::to_bytes).collect())
        })
    }

    /// What an earlier try reached.
    fn read_progress(&self) -> Option<(usize, Vec<TopQuantiles>)> {
        let (next, states) = self.saved.read()?;
        if states.len() != self.thresholds.len() {
            return None;
        }
        let own = self.thresholds.iter().zip(&states);
        let thresholds = own.map(|(own, state)| own.from_bytes(state)).collect::<Option<_>>()?;
        Some((next, thresholds))
    }
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::{self, ModelConfig};

    const IMAGES: usize = 25;
    const BATCH: usize = 5;

    /// Looks at the batches of a range, and says how far it is after each.
    fn go_on(side: &mut Side, model: &Model, batches: std::ops::Range<usize>, save_at: usize) {
        for batch in batches {
            let indices: Vec<usize> = (batch * BATCH..(batch + 1) * BATCH).collect();
            // Every image its own, and one that is damaged.
            let value = |at: usize| ((at * 2_654_435_761 + batch * 97) % 1000) as f32 / 1000.0;
            let pixels: Vec<f32> = (0..BATCH * 3 * 28 * 28).map(value).collect();
            let images = Tensor::from_vec(pixels, (BATCH, 3, 28, 28), &Device::Cpu).unwrap();
            let kept = if batch == 1 { 1..BATCH } else { 0..BATCH };
            let images = images.narrow(0, kept.start, kept.len()).unwrap();
            side.add(model, &images, &indices[kept]).unwrap();
            side.reach((batch + 1) * BATCH, batch == save_at).unwrap();
        }
    }

    #[test]
    fn a_kill_after_a_record_changes_nothing_and_other_weights_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let config = ModelConfig::plain(4, 3, 28);
        let model = model::build(model::Arch::Shapesnet, config, &Device::Cpu).unwrap();
        let taps = &model.taps()[..2];
        let open = |name: &str, key: [u8; 32]| {
            let work = Work { folder: folder.path(), taps, key };
            Side::open(&work, name, (IMAGES, 3), Some(0.05)).unwrap()
        };
        let mut whole = open("whole", [1; 32]);
        go_on(&mut whole, &model, 0..5, 99);

        let mut killed = open("killed", [1; 32]);
        // What comes after the record is in the rows, and is looked at again.
        go_on(&mut killed, &model, 0..4, 1);
        drop(killed);
        let mut resumed = open("killed", [1; 32]);
        assert_eq!((resumed.next(), resumed.images()), (10, 9));
        go_on(&mut resumed, &model, 2..5, 99);
        assert_eq!(resumed.images(), whole.images());
        for (layer, tap) in taps.iter().enumerate() {
            let ranked = |side: &Side| -> Vec<Vec<(usize, f32)>> {
                let of = |top: &crate::neuron::top::Ranked| (top.image, top.activation.value);
                let neurons = side.tops()[layer].neurons().iter();
                neurons.map(|neuron| neuron.iter().map(of).collect()).collect()
            };
            assert_eq!(ranked(&resumed), ranked(&whole));
            for neuron in 0..tap.shape[0] {
                assert_eq!(resumed.threshold(layer, neuron), whole.threshold(layer, neuron));
            }
        }
        for image in 0..IMAGES {
            assert_eq!(resumed.rows().get(image).unwrap(), whole.rows().get(image).unwrap());
        }
        let other = open("killed", [2; 32]);
        assert_eq!((other.next(), other.images()), (0, 0));
    }
}
