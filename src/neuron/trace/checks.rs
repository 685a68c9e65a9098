//! What stands beside the prediction difference: gradient × activation, and how far two orders of the
//! neurons agree.

use candle_core::Tensor;

use super::difference::{Follow, largest};
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};

/// Gradient × activation: for each image and neuron, Σ over positions of activation × ∂logit of the
/// followed class/∂activation, what a network that is straight from here on would lose with the
/// channel. `images` `[batch, channels, height, width]` on the model's device.
pub fn gradient_times_activation(
    model: &Model,
    tap: &str,
    images: &Tensor,
    classes: Follow<'_>,
) -> Result<Vec<Vec<f32>>> {
    let wanted = Wanted { taps: true, ..Wanted::default() };
    let pass = model.record(images, Mode::Evaluate, &[tap], wanted)?;
    let maps = pass.taps[0].detach();
    let of = Tensor::new(classes, images.device())?.unsqueeze(1)?;
    // No image's logits depend on another image: the sum's gradient is each one's own.
    let score = pass.logits.gather(&of, 1)?.sum_all()?;
    let gradients = pass.backward(&score)?;
    let (batch, neurons, ..) = maps.dims4()?;
    let Some(gradient) = gradients.taps.into_iter().next().flatten() else {
        // Nothing of the layer reaches the answer.
        return Ok(vec![vec![0.0; neurons]; batch]);
    };
    let product = (maps * gradient)?.flatten_from(2)?.sum(2)?;
    product.to_vec2::<f32>().map_err(Error::from)
}

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank. `None`
/// where one of the two is the same everywhere, or where there are fewer than two.
pub fn spearman(a: &[f32], b: &[f32]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let count = a.len().min(b.len());
    if count < 2 {
        return None;
    }
    // The mean of 1..=count, ties or not.
    let mean = f64::midpoint(count as f64, 1.0);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        ab += (a - mean) * (b - mean);
        aa += (a - mean).powi(2);
        bb += (b - mean).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

/// From 1, the smallest value first.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // + 0.0: the two zeros are one value.
    order.sort_by(|&a, &b| (values[a] + 0.0).total_cmp(&(values[b] + 0.0)));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let first = values[order[start]] + 0.0;
        let alike =
            order[start..].iter().take_while(|at| (values[**at] + 0.0).total_cmp(&first).is_eq());
        let end = start + alike.count();
        // The mean of start + 1 ..= end.
        let rank = (start + 1 + end) as f64 / 2.0;
        for &at in &order[start..end] {
            ranks[at] = rank;
        }
        start = end;
    }
    ranks
}

/// The share of the `top` largest values of one that are among those of the other; 0 of none.
pub fn overlap(a: &[f32], b: &[f32], top: usize) -> f64 {
    let (a, b) = (largest(a, top), largest(b, top));
    if a.is_empty() {
        return 0.0;
    }
    a.iter().filter(|place| b.contains(place)).count() as f64 / a.len() as f64
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Arch, ModelConfig, build};
    use crate::neuron::trace::{followed_logits, prediction_differences};

    #[test]
    fn after_the_last_layer_that_bends_gradient_times_activation_is_the_difference() {
        // The last tap is followed by a mean over its positions and a linear layer.
        let config = ModelConfig { seed: 5, ..ModelConfig::plain(6, 3, 32) };
        let model = build(Arch::Resnet20, config, &Device::Cpu).unwrap();
        let tap = model.taps().last().unwrap().name.clone();
        let pixels: Vec<f32> = (0..2 * 3 * 1024).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
        let images = Tensor::from_vec(pixels, (2, 3, 32, 32), &Device::Cpu).unwrap();
        let maps = model.features(&images, &[&tap]).unwrap().remove(0);
        let classes = [2, 5];
        let found = gradient_times_activation(&model, &tap, &images, &classes).unwrap();
        let differences = prediction_differences(&model, &tap, &maps, &classes).unwrap();
        let logits = followed_logits(&model, &tap, &maps).unwrap();
        let scale = logits.iter().flatten().fold(0.0_f32, |most, logit| most.max(logit.abs()));
        assert!(differences[0].logit.iter().any(|value| value.abs() > 1e-3 * scale));
        for (found, differences) in found.iter().zip(&differences) {
            for (found, expected) in found.iter().zip(&differences.logit) {
                assert!((found - expected).abs() < 1e-4 * scale, "{found} {expected}");
            }
        }
    }

    /// `scipy.stats.spearmanr`.
    #[test]
    fn correlation_is_scipys_with_ties() {
        let a = [1.0, 2.0, 2.0, 3.0, 5.0, 5.0, 0.0];
        let b = [2.0, 1.0, 4.0, 4.0, 4.0, 9.0, 1.0];
        assert!((spearman(&a, &b).unwrap() - 0.809_854_429_839_625_2).abs() < 1e-9);
        assert_eq!(spearman(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
    }

    #[test]
    fn overlap_is_the_share_that_both_name() {
        let (a, b) = ([5.0, 4.0, 1.0, 0.0], [0.0, 9.0, 8.0, 1.0]);
        assert_eq!(overlap(&a, &b, 2), 0.5);
        assert_eq!(overlap(&a, &b, 9), 1.0);
        assert_eq!(overlap(&a, &b, 0), 0.0);
    }

    proptest! {
        #[test]
        fn correlation_is_bounded_and_that_of_an_order_with_itself_is_1(
            values in proptest::collection::vec((-5_i8..5, -5_i8..5), 2..30),
        ) {
            let a: Vec<f32> = values.iter().map(|pair| f32::from(pair.0)).collect();
            let b: Vec<f32> = values.iter().map(|pair| f32::from(pair.1)).collect();
            let negative: Vec<f32> = a.iter().map(|value| -value).collect();
            let differ = |values: &[f32]| values.iter().any(|value| *value != values[0]);
            let found = spearman(&a, &b);
            prop_assert_eq!(found.is_some(), differ(&a) && differ(&b));
            if let Some(found) = found {
                prop_assert!((-1.0 - 1e-9..=1.0 + 1e-9).contains(&found));
                prop_assert!((found + spearman(&negative, &b).unwrap()).abs() < 1e-9);
            }
            if differ(&a) {
                prop_assert!((spearman(&a, &a).unwrap() - 1.0).abs() < 1e-9);
            }
        }
    }
}
