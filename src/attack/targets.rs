//! Several targets for each image (SCIENCE §2: ten an image, drawn at random, or those that the
//! networks together hold least likely).

use candle_core::Tensor;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Target, logits};
use crate::error::{Error, Result};
use crate::model::Model;

/// The first part of the seed's streams is [`Target::Random`]'s own.
const STREAMS: u64 = 1 << 32;

impl Target {
    /// `count` different targets for each image, none of them its true class, by image. Random ones
    /// come from the seed and the image's index alone; the least likely ones go by the mean
    /// probability over `models`, the least likely first.
    pub fn choose_several(
        self,
        models: &[&Model],
        images: &Tensor,
        labels: &Tensor,
        indices: &[usize],
        count: usize,
    ) -> Result<Vec<Vec<u32>>> {
        let classes = models.iter().map(|model| model.classes()).min().unwrap_or(0);
        if count >= classes.max(1) {
            return Err(Error::bad_input(format!(
                "attack.targets_per_image = {count}, but the networks tell {classes} classes apart"
            ))
            .hint(format!("at most {}: the true class is no target", classes.saturating_sub(1))));
        }
        let labels: Vec<u32> = labels.to_vec1()?;
        match self {
            Self::Random { seed } => {
                let several = |(&index, &label): (&usize, &u32)| {
                    let mut random = ChaCha8Rng::seed_from_u64(seed);
                    random.set_stream(STREAMS + index as u64);
                    let mut others: Vec<u32> =
                        (0..classes as u32).filter(|class| *class != label).collect();
                    for place in 0..count {
                        let left = (others.len() - place) as u64;
                        // One multiplication: the bias is below the number of classes / 2^64.
                        let drawn = (u128::from(random.random::<u64>()) * u128::from(left)) >> 64;
                        others.swap(place, place + drawn as usize);
                    }
                    others.truncate(count);
                    others
                };
                Ok(indices.iter().zip(&labels).map(several).collect())
            }
            Self::LeastLikely => {
                let likely = mean_probabilities(models, images, classes)?;
                let several = |(row, &label): (&Vec<f64>, &u32)| {
                    let mut others: Vec<u32> =
                        (0..classes as u32).filter(|class| *class != label).collect();
                    others.sort_by(|&a, &b| row[a as usize].total_cmp(&row[b as usize]));
                    others.truncate(count);
                    others
                };
                Ok(likely.iter().zip(&labels).map(several).collect())
            }
            Self::Class(class) => Err(Error::bad_input(format!(
                "attack.target = {class} is one class, but attack.targets_per_image = {count}"
            ))
            .hint("set attack.target to random or least-likely")),
        }
    }
}

/// By image and class, the mean over networks. In double precision, so that very unlikely classes
/// still differ.
fn mean_probabilities(models: &[&Model], images: &Tensor, classes: usize) -> Result<Vec<Vec<f64>>> {
    let mut mean = vec![vec![0.0; classes]; images.dim(0)?];
    for model in models {
        let logits: Vec<Vec<f32>> = logits(model, images)?.to_vec2()?;
        for (mean, row) in mean.iter_mut().zip(&logits) {
            let largest = row.iter().fold(f64::NEG_INFINITY, |most, &l| most.max(f64::from(l)));
            let powers: Vec<f64> = row.iter().map(|&l| (f64::from(l) - largest).exp()).collect();
            let total: f64 = powers.iter().sum();
            for (mean, power) in mean.iter_mut().zip(&powers) {
                *mean += power / total / models.len() as f64;
            }
        }
    }
    Ok(mean)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::model::arch::sequential::Layer;
    use crate::model::{self, Arch, ModelConfig};

    /// Logits that are a bias and nothing else.
    fn network(bias: &[f32]) -> Model {
        let config = ModelConfig {
            classes: bias.len(),
            channels: 1,
            image_size: 8,
            mean: vec![0.0],
            std: vec![1.0],
            seed: 1,
            layers: vec![Layer::Flatten, Layer::Linear { outputs: bias.len() }],
        };
        let model = model::build(Arch::Sequential, config, &Device::Cpu).unwrap();
        let weights = Tensor::zeros((bias.len(), 64), DType::F32, &Device::Cpu).unwrap();
        let bias = Tensor::new(bias, &Device::Cpu).unwrap();
        let tensors = [("1.weight".to_owned(), weights), ("1.bias".to_owned(), bias)];
        model.parameters().load(tensors.into()).unwrap();
        model
    }

    fn choose(target: Target, models: &[&Model], indices: &[usize], count: usize) -> Vec<Vec<u32>> {
        let images = Tensor::zeros((indices.len(), 1, 8, 8), DType::F32, &Device::Cpu).unwrap();
        let labels: Vec<u32> = indices.iter().map(|index| (index % 5) as u32).collect();
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        target.choose_several(models, &images, &labels, indices, count).unwrap()
    }

    #[test]
    fn random_targets_differ_are_never_the_truth_and_depend_on_the_image_alone() {
        let model = network(&[0.0; 5]);
        let target = Target::Random { seed: 3 };
        let all = choose(target, &[&model], &[0, 1, 2, 3, 4, 5], 3);
        for (index, targets) in all.iter().enumerate() {
            let mut sorted = targets.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), 3, "{targets:?}");
            assert!(!targets.contains(&((index % 5) as u32)));
        }
        assert_eq!(choose(target, &[&model], &[4], 3)[0], all[4]);
        assert_ne!(choose(Target::Random { seed: 4 }, &[&model], &[0, 1, 2, 3, 4, 5], 3), all);
    }

    #[test]
    fn the_least_likely_go_by_the_mean_of_the_networks() {
        // Alone the first holds class 1 least likely, the second class 2; together it is class 3.
        let (a, b) = (network(&[5.0, -9.0, 2.0, -4.0, 0.0]), network(&[5.0, 2.0, -9.0, -4.0, 1.0]));
        assert_eq!(choose(Target::LeastLikely, &[&a], &[0], 2), [[1, 3]]);
        assert_eq!(choose(Target::LeastLikely, &[&a, &b], &[0], 1), [[3]]);
        // Image 3's own class is no target.
        assert_eq!(choose(Target::LeastLikely, &[&a], &[3], 2), [[1, 4]]);
    }
}
