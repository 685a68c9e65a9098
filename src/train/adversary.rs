//! Who makes the adversarial images of a step: x* is made anew each step, against the network as it
//! then is, in evaluation mode (SCIENCE §6).

use candle_core::Tensor;

use super::epsilon::EpsilonDraw;
use crate::attack::{Attack, SignSteps, Target, Victims};
use crate::error::Result;
use crate::model::Model;

/// An attack inside training. What it draws depends on the seed, the step and the image's index
/// alone, so that a resumed training draws what an uninterrupted one would have.
pub struct Adversary {
    /// How.
    pub method: Method,
    /// Towards which class; `None` = away from the true one.
    pub target: Option<Aim>,
    /// The run's.
    pub seed: u64,
}

/// An attack with one bound for all images, or with one for each.
pub enum Method {
    /// Any attack, made with a seed of its own for every step.
    Whole(Box<MakeAttack>),
    /// Steps along the sign of the gradient, each image within the epsilon that it draws.
    Drawn(SignSteps, EpsilonDraw),
}

/// An attack from its seed.
pub type MakeAttack = dyn Fn(u64) -> Result<Box<dyn Attack>> + Send + Sync;

/// Where a targeted attack aims in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Another class than the true one, another in each step.
    Random,
    /// The class that the clean image is least likely to be, to the network as it is.
    LeastLikely,
    /// This one.
    Class(u32),
}

impl Adversary {
    /// The adversarial versions, `[batch, channels, height, width]` in 0..1, of a batch for step
    /// `step`; `indices` are the images' places in their set.
    pub fn perturb(
        &self,
        model: &Model,
        images: &Tensor,
        labels: &Tensor,
        indices: &[usize],
        step: u64,
    ) -> Result<Tensor> {
        let seed = seed_of(self.seed, step);
        let target = self.target.map(|aim| match aim {
            Aim::Random => Target::Random { seed },
            Aim::LeastLikely => Target::LeastLikely,
            Aim::Class(class) => Target::Class(class),
        });
        let targets =
            target.map(|target| target.choose(model, images, labels, indices)).transpose()?;
        let victims = Victims { images, labels, indices, targets: targets.as_ref() };
        match &self.method {
            Method::Whole(attack) => attack(seed)?.perturb(model, &victims),
            Method::Drawn(steps, epsilon) => {
                let bounds = epsilon.draw(self.seed, step, indices);
                steps.perturb(model, &victims, &bounds, seed)
            }
        }
    }
}

/// SplitMix64 (Steele et al. 2014) of both: steps that follow one another get unrelated seeds.
fn seed_of(seed: u64, step: u64) -> u64 {
    let x = seed.wrapping_add((step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::fixture::{batch, goes_on_bit_for_bit, model};
    use crate::train::{BatchStatistics, Consistency, ConsistencyGradient, Objective, Trainer};

    const INDICES: [usize; 4] = [5, 17, 2, 40];

    fn adversary(epsilon: EpsilonDraw) -> Adversary {
        let steps = SignSteps { count: 2, size: 0.75, random_start: true, momentum: None };
        Adversary { method: Method::Drawn(steps, epsilon), target: Some(Aim::Random), seed: 3 }
    }

    fn step(trainer: &mut Trainer, adversary: &Adversary) {
        let (images, labels) = batch(trainer.step);
        let (model, number) = (&trainer.model, trainer.step);
        let adversarial = adversary.perturb(model, &images, &labels, &INDICES, number).unwrap();
        let objective = Objective {
            clean_weight: 0.5,
            consistency: Some(Consistency {
                weight: 0.1,
                layers: vec!["conv5".into()],
                gradient: ConsistencyGradient::Both,
            }),
            statistics: BatchStatistics::Shared,
        };
        trainer.step_adversarial(&images, &adversarial, &labels, &objective).unwrap();
    }

    #[test]
    fn an_interrupted_adversarial_training_equals_an_uninterrupted_one_bit_for_bit() {
        let adversary = adversary(EpsilonDraw::Normal { deviation: 4.0, cut: 8.0 });
        goes_on_bit_for_bit(|trainer| step(trainer, &adversary));
    }

    #[test]
    fn every_image_stays_within_its_own_bound_and_depends_on_nobody_else() {
        let model = model();
        let (images, labels) = batch(0);
        let draw = EpsilonDraw::Uniform { min: 1.0, max: 16.0 };
        let adversary = adversary(draw);
        let made = adversary.perturb(&model, &images, &labels, &INDICES, 9).unwrap();
        let bounds = draw.draw(3, 9, &INDICES);
        let change = (&made - &images).unwrap().abs().unwrap().flatten_from(1).unwrap();
        let largest: Vec<f32> = change.max(1).unwrap().to_vec1().unwrap();
        for (largest, bound) in largest.iter().zip(&bounds) {
            let levels = f64::from(*largest) * 255.0;
            assert!(levels <= bound + 1e-3 && levels > 0.4 * bound, "{levels} of {bound}");
        }
        let (one, label) = (images.narrow(0, 2, 1).unwrap(), labels.narrow(0, 2, 1).unwrap());
        let alone = adversary.perturb(&model, &one, &label, &INDICES[2..3], 9).unwrap();
        let numbers = |tensor: Tensor| -> Vec<f32> {
            tensor.contiguous().unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        // A sign may turn where the gradient is nearly 0: rounding differs with the batch.
        let pairs = numbers(alone).into_iter().zip(numbers(made.narrow(0, 2, 1).unwrap()));
        let same = pairs.filter(|(a, b)| (a - b).abs() < 1e-6).count();
        assert!(same >= 776, "{same} of 784");
        let other = adversary.perturb(&model, &images, &labels, &INDICES, 10).unwrap();
        assert!(numbers(other) != numbers(made), "every step has its own draws");
    }
}
