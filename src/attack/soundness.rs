//! What can be measured of an attack and a network before their numbers are believed.

use candle_core::{D, Tensor};

use super::measure::predictions;
use super::{Attack, Victims};
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use crate::ops::cross_entropy::cross_entropy_per_image;

/// An input gradient whose L2 norm (loss per unit of a 0..1 pixel) is below this has vanished: the
/// step of any gradient attack then follows rounding, not the loss. A network that is merely sure
/// of itself stays above: with a probability of 1 − 10⁻⁸ its gradients are near 10⁻⁸.
pub const VANISHED: f32 = 1e-10;

/// How many of these images have an input gradient of the cross-entropy that has [`VANISHED`] (or is
/// no number). `images` is `[batch, channels, height, width]` in 0..1, `labels` `[batch]` u32.
pub fn vanishing(model: &Model, images: &Tensor, labels: &Tensor) -> Result<usize> {
    let pass = model.record(images, Mode::Evaluate, &[], Wanted::INPUT)?;
    let loss = cross_entropy_per_image(&pass.logits, labels, 0.0)?.sum_all()?;
    let gradient = pass.backward(&loss)?.input;
    let gradient = gradient
        .ok_or_else(|| Error::failed("the network has no gradient with respect to its input"))?
        .flatten_from(1)?;
    // Scaled first: the square of a norm near the bound would be lost in single precision.
    let scaled = (gradient * f64::from(1.0 / VANISHED))?;
    let squares: Vec<f32> = scaled.sqr()?.sum(D::Minus1)?.to_vec1()?;
    Ok(squares.iter().filter(|square| square.is_nan() || **square < 1.0).count())
}

/// Whether the network gives the same images other logits when it is asked again.
pub fn is_random(model: &Model, images: &Tensor) -> Result<bool> {
    let logits = || -> Result<Vec<u32>> {
        let logits = model.forward(images, Mode::Evaluate, &[])?.logits;
        let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        Ok(logits.into_iter().map(f32::to_bits).collect())
    };
    Ok(logits()? != logits()?)
}

/// What an attack changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// Images with a pixel that is another one.
    pub images: usize,
    /// Images that the network takes for another class.
    pub predictions: usize,
}

/// What `attack` changes of these images, to the last bit: with a bound of 0, nothing.
pub fn changed(model: &Model, attack: &dyn Attack, victims: &Victims<'_>) -> Result<Changed> {
    let attacked = attack.perturb(model, victims)?;
    let pixels =
        |images: &Tensor| -> Result<Vec<Vec<f32>>> { Ok(images.flatten_from(1)?.to_vec2()?) };
    let (before, after) = (pixels(victims.images)?, pixels(&attacked)?);
    let images = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    let answers = |images: &Tensor| -> Result<Vec<u32>> {
        predictions(&model.forward(images, Mode::Evaluate, &[])?.logits)
    };
    let (before, after) = (answers(victims.images)?, answers(&attacked)?);
    let predictions = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    Ok(Changed { images, predictions })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::attack::Clean;
    use crate::model::arch::sequential::Layer;
    use crate::model::{self, Arch, ModelConfig};

    /// Two classes of 8×8 grey images, from the sum over the pixels times `weight`.
    fn network(weight: f32) -> Model {
        let config = ModelConfig {
            mean: vec![0.0],
            std: vec![1.0],
            layers: vec![Layer::Flatten, Layer::Linear { outputs: 2 }],
            ..ModelConfig::plain(2, 1, 8)
        };
        let model = model::build(Arch::Sequential, config, &Device::Cpu).unwrap();
        let row = |sign: f32| Tensor::full(sign * weight, (1, 64), &Device::Cpu).unwrap();
        let weights = Tensor::cat(&[row(1.0), row(-1.0)], 0).unwrap();
        let bias = Tensor::zeros(2, candle_core::DType::F32, &Device::Cpu).unwrap();
        let tensors = [("1.weight".to_owned(), weights), ("1.bias".to_owned(), bias)];
        model.parameters().load(tensors.into()).unwrap();
        model
    }

    fn images() -> (Tensor, Tensor) {
        let images = Tensor::full(0.5f32, (3, 1, 8, 8), &Device::Cpu).unwrap();
        (images, Tensor::new(&[0u32, 0, 1], &Device::Cpu).unwrap())
    }

    #[test]
    fn gradients_vanish_where_the_network_is_flat_or_saturated() {
        let (images, labels) = images();
        assert_eq!(vanishing(&network(0.1), &images, &labels).unwrap(), 0);
        assert_eq!(vanishing(&network(0.0), &images, &labels).unwrap(), 3);
        // Logits of ±320: the softmax is exactly 1, and only the wrong image has a gradient.
        assert_eq!(vanishing(&network(10.0), &images, &labels).unwrap(), 2);
        // Sure, but not saturated: gradients are small and there.
        assert_eq!(vanishing(&network(0.3), &images, &labels).unwrap(), 0);
    }

    #[test]
    fn a_network_that_only_computes_is_not_random() {
        assert!(!is_random(&network(0.1), &images().0).unwrap());
    }

    /// Adds one pixel level, whatever the bound.
    struct Careless;

    impl Attack for Careless {
        fn perturb(&self, _: &Model, victims: &Victims<'_>) -> Result<Tensor> {
            Ok((victims.images + 1.0 / 255.0)?)
        }
    }

    #[test]
    fn an_attack_that_changes_anything_is_found() {
        let (images, labels) = images();
        let victims =
            Victims { images: &images, labels: &labels, indices: &[0, 1, 2], targets: None };
        let model = network(0.1);
        assert_eq!(changed(&model, &Clean, &victims).unwrap(), Changed::default());
        let found = changed(&model, &Careless, &victims).unwrap();
        assert_eq!(found, Changed { images: 3, predictions: 0 });
    }
}
