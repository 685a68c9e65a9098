//! The prediction difference of each neuron (SCIENCE §7): by how much a class's score falls when the
//! neuron's channel is set to 0, PD_n(x) = f_y(x) − f_y(x | channel n = 0).
//!
//! Only what follows the layer is computed again, for many channels of many images at once. A channel
//! that is 0 everywhere makes no difference, and needs no pass.

use candle_core::{Tensor, bail};

use crate::error::{Error, Result};
use crate::model::Model;

/// Bytes of feature maps that go through the rest of the network at once. What follows a layer that
/// is worth looking at is no larger than its maps, so that a pass takes a few times as much.
const MOST_BYTES: usize = 64 << 20;

/// More maps than this at once are no faster.
const MOST_MAPS: usize = 1024;

/// By how much the score of the followed class falls without each neuron of a layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Differences {
    /// Of its softmax probability, by neuron; −1..1.
    pub probability: Vec<f32>,
    /// Of its logit, by neuron.
    pub logit: Vec<f32>,
}

/// What of a class makes a neuron influential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Its softmax probability.
    Probability,
    /// Its logit.
    Logit,
}

impl Differences {
    /// By neuron.
    pub fn by(&self, measure: Measure) -> &[f32] {
        match measure {
            Measure::Probability => &self.probability,
            Measure::Logit => &self.logit,
        }
    }

    /// Those of a class between the whole answer and the answers without a neuron each.
    fn push(&mut self, class: usize, whole: &[f32], without: &[f32]) {
        let score = |logits: &[f32]| probabilities(logits).get(class).copied().unwrap_or(0.0);
        let logit = |logits: &[f32]| logits.get(class).copied().map_or(0.0, f64::from);
        self.probability.push((score(whole) - score(without)) as f32);
        self.logit.push((logit(whole) - logit(without)) as f32);
    }
}

/// The class of each image of a batch whose score is followed.
pub type Follow<'a> = &'a [u32];

/// What a channel that is taken away becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Removed<'a> {
    /// 0 everywhere.
    Zero,
    /// Everywhere its own of these, by neuron: its mean over some images.
    Means(&'a [f32]),
}

/// PD of every neuron for each image of the batch: `maps` `[batch, neurons, height, width]` of the tap
/// in evaluation, on the model's device; a class an image. Errors: a tap from which the network cannot
/// be gone through, a class that it does not have.
pub fn prediction_differences(
    model: &Model,
    tap: &str,
    maps: &Tensor,
    classes: Follow<'_>,
) -> Result<Vec<Differences>> {
    let active = active(maps)?;
    let rows: Vec<(usize, Vec<usize>)> = active
        .iter()
        .enumerate()
        .flat_map(|(image, active)| {
            let is_active = active.iter().enumerate().filter(|(_, is_active)| **is_active);
            is_active.map(move |(neuron, _)| (image, vec![neuron]))
        })
        .collect();
    let whole = whole(model, tap, maps, classes)?;
    let mut without = logits_without(model, tap, maps, &rows, Removed::Zero)?.into_iter();
    let of_image = |(image, active): (usize, &Vec<bool>)| {
        let mut differences = Differences::default();
        for &is_active in active {
            let logits = if is_active { without.next() } else { None };
            let logits = logits.as_deref().unwrap_or(&whole[image]);
            differences.push(classes[image] as usize, &whole[image], logits);
        }
        differences
    };
    Ok(active.iter().enumerate().map(of_image).collect())
}

/// The same with each channel set to its mean, `means` by neuron, instead of to 0.
pub fn mean_differences(
    model: &Model,
    tap: &str,
    maps: &Tensor,
    classes: Follow<'_>,
    means: &[f32],
) -> Result<Vec<Differences>> {
    let (images, neurons, ..) = maps.dims4()?;
    let every = (0..images).flat_map(|image| (0..neurons).map(move |one| (image, vec![one])));
    let rows: Vec<(usize, Vec<usize>)> = every.collect();
    let whole = whole(model, tap, maps, classes)?;
    let without = logits_without(model, tap, maps, &rows, Removed::Means(means))?;
    let mut all = vec![Differences::default(); images];
    for ((image, _), logits) in rows.iter().zip(&without) {
        all[*image].push(classes[*image] as usize, &whole[*image], logits);
    }
    Ok(all)
}

/// The neurons with the largest differences, the largest first; ties by index. NaN comes last.
pub fn influential(differences: &Differences, measure: Measure, top: usize) -> Vec<usize> {
    largest(differences.by(measure), top)
}

/// The places of the largest values, the largest first; ties by place. NaN comes last.
pub(super) fn largest(values: &[f32], top: usize) -> Vec<usize> {
    let rank = |at: usize| if values[at].is_nan() { f32::NEG_INFINITY } else { values[at] + 0.0 };
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)).then(a.cmp(&b)));
    order.truncate(top);
    order
}

/// Logits of each row, which is an image of the batch and the channels that it is looked at without.
/// `maps` `[batch, neurons, height, width]`, on the model's device. Errors: an image or a channel that
/// there is not, and as [`prediction_differences`].
pub fn logits_without(
    model: &Model,
    tap: &str,
    maps: &Tensor,
    rows: &[(usize, Vec<usize>)],
    removed: Removed<'_>,
) -> Result<Vec<Vec<f32>>> {
    let (images, neurons, height, width) = maps.dims4()?;
    for (image, channels) in rows {
        if *image >= images || channels.iter().any(|channel| *channel >= neurons) {
            return Err(Error::failed(format!(
                "no image {image} of {images}, or no channels {channels:?} of {neurons}"
            )));
        }
    }
    let bytes = (neurons * height * width * size_of::<f32>()).max(1);
    let at_once = (MOST_BYTES / bytes).clamp(1, MOST_MAPS);
    let mut logits = Vec::with_capacity(rows.len());
    for rows in rows.chunks(at_once) {
        let maps = without(maps, rows, neurons, removed)?;
        logits.extend(model.forward_from(tap, &maps)?.to_vec2::<f32>()?);
    }
    Ok(logits)
}

/// The maps of some rows, where their channels are removed.
fn without(
    maps: &Tensor,
    rows: &[(usize, Vec<usize>)],
    neurons: usize,
    removed: Removed<'_>,
) -> candle_core::Result<Tensor> {
    let device = maps.device();
    let images: Vec<u32> = rows.iter().map(|(image, _)| *image as u32).collect();
    let images = Tensor::from_vec(images, rows.len(), device)?;
    let mut kept = vec![1.0_f32; rows.len() * neurons];
    for ((_, channels), kept) in rows.iter().zip(kept.chunks_exact_mut(neurons.max(1))) {
        for &channel in channels {
            kept[channel] = 0.0;
        }
    }
    let instead = match removed {
        Removed::Zero => None,
        Removed::Means(means) if means.len() == neurons => {
            let instead = |(at, kept): (usize, &f32)| (1.0 - kept) * means[at % neurons.max(1)];
            Some(kept.iter().enumerate().map(instead).collect::<Vec<f32>>())
        }
        Removed::Means(means) => bail!("{} means for {neurons} neurons", means.len()),
    };
    let shape = (rows.len(), neurons, 1, 1);
    let kept = Tensor::from_vec(kept, shape, device)?;
    let left = maps.index_select(&images, 0)?.broadcast_mul(&kept)?;
    match instead {
        None => Ok(left),
        Some(instead) => left.broadcast_add(&Tensor::from_vec(instead, shape, device)?),
    }
}

/// Logits of whole maps, one row an image.
pub fn followed_logits(model: &Model, tap: &str, maps: &Tensor) -> Result<Vec<Vec<f32>>> {
    Ok(model.forward_from(tap, maps)?.to_vec2::<f32>()?)
}

/// The same, where each image has its class.
fn whole(model: &Model, tap: &str, maps: &Tensor, classes: Follow<'_>) -> Result<Vec<Vec<f32>>> {
    let images = maps.dim(0)?;
    let unknown = classes.iter().find(|class| **class as usize >= model.classes());
    if classes.len() != images || unknown.is_some() {
        return Err(Error::failed(format!(
            "{} classes are followed in {images} images, of {} classes",
            classes.len(),
            model.classes()
        )));
    }
    followed_logits(model, tap, maps)
}

/// For each image and neuron, whether the channel is anything but 0.
fn active(maps: &Tensor) -> Result<Vec<Vec<bool>>> {
    // On the card only a number a channel comes back. NaN is not 0.
    let nonzero = maps.flatten_from(2)?.ne(0.0_f32)?.to_dtype(candle_core::DType::U8)?;
    let any = nonzero.max(2)?.to_vec2::<u8>()?;
    Ok(any.into_iter().map(|image| image.into_iter().map(|any| any != 0).collect()).collect())
}

/// The softmax of one image's logits.
pub fn probabilities(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::{self, Arch, Mode, ModelConfig};

    fn model() -> Model {
        let config = ModelConfig { seed: 5, ..ModelConfig::plain(6, 3, 32) };
        model::build(Arch::Shapesnet, config, &Device::Cpu).unwrap()
    }

    fn maps(model: &Model, tap: &str) -> Tensor {
        let pixels: Vec<f32> =
            (0..3 * 3 * 32 * 32).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
        let images = Tensor::from_vec(pixels, (3, 3, 32, 32), &Device::Cpu).unwrap();
        model.forward(&images, Mode::Evaluate, &[tap]).unwrap().taps.remove(0)
    }

    /// The maps with some channels overwritten, one value after the other.
    fn overwritten(maps: &Tensor, image: usize, channels: &[usize], value: f32) -> Tensor {
        let (_, neurons, height, width) = maps.dims4().unwrap();
        let mut values = maps.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for channel in channels {
            let start = (image * neurons + channel) * height * width;
            values[start..start + height * width].fill(value);
        }
        Tensor::from_vec(values, maps.dims(), &Device::Cpu).unwrap()
    }

    #[test]
    fn a_difference_is_that_of_the_network_without_the_channel() {
        let model = model();
        let tap = model.taps().last().unwrap().name.clone();
        let maps = maps(&model, &tap);
        let neurons = maps.dim(1).unwrap();
        let classes = [4, 0, 5];
        let found = prediction_differences(&model, &tap, &maps, &classes).unwrap();
        let whole = followed_logits(&model, &tap, &maps).unwrap();
        let mut moved = 0;
        for (image, &class) in classes.iter().enumerate() {
            for neuron in [0, 1, neurons / 2, neurons - 1] {
                let maps = overwritten(&maps, image, &[neuron], 0.0);
                let without = &followed_logits(&model, &tap, &maps).unwrap()[image];
                let class = class as usize;
                let logit = whole[image][class] - without[class];
                let score = probabilities(&whole[image])[class] - probabilities(without)[class];
                let differences = &found[image];
                assert!((differences.logit[neuron] - logit).abs() < 1e-5);
                assert!((f64::from(differences.probability[neuron]) - score).abs() < 1e-6);
                moved += usize::from(logit != 0.0);
            }
        }
        assert!(moved > 2);
    }

    #[test]
    fn means_take_the_place_of_channels() {
        let model = model();
        let tap = model.taps().last().unwrap().name.clone();
        let maps = maps(&model, &tap);
        let neurons = maps.dim(1).unwrap();
        let means = vec![0.75; neurons];
        let rows = [(2, vec![3, 1]), (0, vec![]), (1, vec![neurons - 1])];
        let found = logits_without(&model, &tap, &maps, &rows, Removed::Means(&means)).unwrap();
        for ((image, channels), found) in rows.iter().zip(&found) {
            let maps = overwritten(&maps, *image, channels, 0.75);
            let expected = &followed_logits(&model, &tap, &maps).unwrap()[*image];
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
        let of_one = mean_differences(&model, &tap, &maps, &[1, 1, 1], &means).unwrap();
        let whole = followed_logits(&model, &tap, &maps).unwrap();
        let expected = whole[1][1] - found[2][1];
        assert!((of_one[1].logit[neurons - 1] - expected).abs() < 1e-5);
    }

    #[test]
    fn what_is_silent_makes_no_difference_and_what_there_is_not_is_refused() {
        let model = model();
        let tap = model.taps().last().unwrap().name.clone();
        let maps = maps(&model, &tap);
        let all: Vec<usize> = (0..maps.dim(1).unwrap()).collect();
        let dark = overwritten(&maps, 1, &all, 0.0);
        let found = prediction_differences(&model, &tap, &dark, &[0, 0, 0]).unwrap();
        assert!(found[1].logit.iter().chain(&found[1].probability).all(|value| *value == 0.0));
        assert!(found[0].logit.iter().any(|value| *value != 0.0));
        assert!(prediction_differences(&model, &tap, &maps, &[0, 0, 6]).is_err());
        assert!(prediction_differences(&model, &tap, &maps, &[0, 0]).is_err());
        assert!(logits_without(&model, &tap, &maps, &[(3, vec![])], Removed::Zero).is_err());
        let few = Removed::Means(&[0.0]);
        assert!(logits_without(&model, &tap, &maps, &[(0, vec![0])], few).is_err());
    }

    #[test]
    fn the_most_influential_come_first_and_ties_by_index() {
        let differences = Differences {
            probability: vec![0.1, f32::NAN, 0.3, 0.1, -0.2],
            logit: vec![0.0, -0.0, 2.0, 3.0, 0.0],
        };
        assert_eq!(influential(&differences, Measure::Probability, 4), [2, 0, 3, 4]);
        assert_eq!(influential(&differences, Measure::Logit, 9), [3, 2, 0, 1, 4]);
    }
}
