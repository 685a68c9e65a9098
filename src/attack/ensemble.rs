//! The papers' optimization against several networks at once (SCIENCE §2; Dong, Su, Zhu and Bao,
//! arXiv 1708.05493, after Liu et al., arXiv 1611.02770, §3.2 and §5).

mod resize;

use candle_core::{Device, Tensor};

use super::adam::Adam;
use super::objective::{back, cross_entropy};
use super::{Aim, Attack, Ball, Victims};
use crate::error::{Error, Result};
use crate::model::{Mode, Model, Wanted};
use resize::Resize;

/// How several networks become one objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fusion {
    /// The mean of their cross-entropies.
    Loss,
    /// The cross-entropy of their mean probabilities.
    Probability,
    /// The cross-entropy of their mean logits.
    Logits,
}

/// x* = argmin over x' of λ·d(x, x') + (1/k)·Σᵢ CE(y*, fᵢ(x')), d the root mean squared deviation
/// in pixel levels, by Adam on the image. Without targets y* is the class that the networks
/// together think least likely, by their mean probability. Every network normalises for itself and
/// sees the image resized to its input.
#[derive(Debug)]
pub struct Ensemble {
    /// The networks; none = the one that the attack is run on.
    pub models: Vec<Model>,
    /// How they are joined.
    pub fusion: Fusion,
    /// The bound, if there is one.
    pub bound: Option<Ball>,
    /// Adam's steps.
    pub steps: usize,
    /// Adam's step size, in pixel levels.
    pub step_size: super::PixelLevels,
    /// λ.
    pub distortion_weight: f64,
}

impl Attack for Ensemble {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let models: Vec<&Model> =
            if self.models.is_empty() { vec![model] } else { self.models.iter().collect() };
        let members = Members::of(&models, victims.images)?;
        let least;
        let aim = if victims.targets.is_some() {
            Aim::of(victims)?
        } else {
            least = members.least_likely(victims.images)?;
            Aim::of(&Victims { targets: Some(&least), ..*victims })?
        };
        let origin = victims.images;
        let mut images = origin.clone();
        let mut adam = Adam::new(origin)?;
        for _ in 0..self.steps {
            let follow = members.gradient(&images, &aim, self.fusion)?;
            let gradient = (follow + self.distortion(&images, origin)?)?;
            images = adam.step(&images, &gradient, self.step_size.to_unit())?;
            images = match self.bound {
                Some(ball) => ball.project(&images, origin)?,
                None => images.clamp(0.0, 1.0)?,
            };
        }
        Ok(images)
    }
}

impl Ensemble {
    /// The gradient of λ·d; 0 where nothing has moved yet.
    fn distortion(&self, images: &Tensor, origin: &Tensor) -> Result<Tensor> {
        let change = (images - origin)?;
        let pixels = change.elem_count() / change.dim(0)?.max(1);
        let root = change.sqr()?.mean_keepdim((1, 2, 3))?.sqrt()?;
        let scale = self.distortion_weight * 255.0 / pixels.max(1) as f64;
        Ok((change.broadcast_div(&(root + 1e-12)?)? * scale)?)
    }
}

/// Logits `[batch, classes]` of images `[batch, channels, height, width]` in 0..1, which are resized
/// to the network's input as this attack resizes them.
pub fn logits(model: &Model, images: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = images.dims4()?;
    let side = model.config().image_size;
    let input = Resize::new([height, width], side, images.device())?.forward(images)?;
    Ok(model.forward(&input, Mode::Evaluate, &[])?.logits)
}

/// The networks, each with the way from the images to its input.
struct Members<'m>(Vec<(&'m Model, Resize)>);

impl<'m> Members<'m> {
    fn of(models: &[&'m Model], images: &Tensor) -> Result<Self> {
        let (_, _, height, width) = images.dims4()?;
        let classes = models.first().map_or(0, |model| model.classes());
        let members = models.iter().map(|&model| {
            if model.classes() != classes {
                return Err(Error::bad_input(format!(
                    "the networks of an ensemble tell {classes} and {} classes apart",
                    model.classes()
                )));
            }
            let side = model.config().image_size;
            Ok((model, Resize::new([height, width], side, images.device())?))
        });
        Ok(Self(members.collect::<Result<_>>()?))
    }

    /// The class of the smallest mean probability, `[batch]` u32.
    fn least_likely(&self, images: &Tensor) -> Result<Tensor> {
        let mut mean: Vec<Vec<f64>> = Vec::new();
        for (model, resize) in &self.0 {
            let input = resize.forward(images)?;
            let logits = model.forward(&input, Mode::Evaluate, &[])?.logits.to_vec2::<f32>()?;
            mean.resize_with(logits.len(), Vec::new);
            for (mean, row) in mean.iter_mut().zip(&logits) {
                mean.resize(row.len(), 0.0);
                for (mean, probability) in mean.iter_mut().zip(softmax(row)) {
                    *mean += probability;
                }
            }
        }
        let least = |row: &Vec<f64>| {
            let least = row.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
            least.map_or(0, |(class, _)| class as u32)
        };
        let least: Vec<u32> = mean.iter().map(least).collect();
        let count = least.len();
        Ok(Tensor::from_vec(least, count, &Device::Cpu)?.to_device(images.device())?)
    }

    /// The gradient of the joined cross-entropy with respect to the images.
    fn gradient(&self, images: &Tensor, aim: &Aim, fusion: Fusion) -> Result<Tensor> {
        let mut passes = Vec::with_capacity(self.0.len());
        let mut logits = Vec::with_capacity(self.0.len());
        for (model, resize) in &self.0 {
            let input = resize.forward(images)?;
            let pass = model.record(&input, Mode::Evaluate, &[], Wanted::INPUT)?;
            logits.push(pass.logits.to_vec2::<f32>()?);
            passes.push((pass, resize));
        }
        let count = aim.classes.len();
        let mut of_members: Vec<Vec<f32>> = vec![Vec::new(); passes.len()];
        for image in 0..count {
            let rows: Vec<&[f32]> = logits.iter().map(|rows| rows[image].as_slice()).collect();
            let class = aim.class(image, rows[0])?;
            for (gradient, row) in of_members.iter_mut().zip(joined(&rows, class, fusion)) {
                gradient.extend(row);
            }
        }
        let mut sum: Option<Tensor> = None;
        for ((pass, resize), gradient) in passes.into_iter().zip(of_members) {
            let gradient = resize.backward(&back(pass, gradient)?)?;
            sum = Some(match sum {
                Some(sum) => (sum + gradient)?,
                None => gradient,
            });
        }
        sum.ok_or_else(|| Error::failed("an ensemble without networks"))
    }
}

/// For each network the gradient of the joined cross-entropy of one image with respect to its
/// logits.
fn joined(rows: &[&[f32]], class: usize, fusion: Fusion) -> Vec<Vec<f32>> {
    let share = 1.0 / rows.len() as f64;
    match fusion {
        Fusion::Loss => rows
            .iter()
            .map(|row| {
                let mut gradient = vec![0.0; row.len()];
                cross_entropy(row, class, &mut gradient);
                for value in &mut gradient {
                    *value *= share as f32;
                }
                gradient
            })
            .collect(),
        Fusion::Probability => {
            let all: Vec<Vec<f64>> = rows.iter().map(|row| softmax(row)).collect();
            let mean: f64 = all.iter().map(|row| row[class] * share).sum();
            all.iter()
                .map(|row| {
                    let factor = -share * row[class] / mean.max(1e-300);
                    let hit = |at| if at == class { 1.0 } else { 0.0 };
                    row.iter().enumerate().map(|(at, p)| (factor * (hit(at) - p)) as f32).collect()
                })
                .collect()
        }
        Fusion::Logits => {
            let mut mean = vec![0.0_f32; rows.first().map_or(0, |row| row.len())];
            for row in rows {
                for (mean, logit) in mean.iter_mut().zip(*row) {
                    *mean += logit * share as f32;
                }
            }
            let mut gradient = vec![0.0; mean.len()];
            cross_entropy(&mean, class, &mut gradient);
            for value in &mut gradient {
                *value *= share as f32;
            }
            vec![gradient; rows.len()]
        }
    }
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let largest = row.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(f64::from(b)));
    let weights: Vec<f64> = row.iter().map(|&logit| (f64::from(logit) - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The joined cross-entropy, by its definition.
    fn loss(rows: &[Vec<f64>], class: usize, fusion: Fusion) -> f64 {
        let soft = |row: &[f64]| -> Vec<f64> {
            let total: f64 = row.iter().map(|logit| logit.exp()).sum();
            row.iter().map(|logit| logit.exp() / total).collect()
        };
        let count = rows.len() as f64;
        match fusion {
            Fusion::Loss => rows.iter().map(|row| -soft(row)[class].ln()).sum::<f64>() / count,
            Fusion::Probability => {
                -(rows.iter().map(|row| soft(row)[class]).sum::<f64>() / count).ln()
            }
            Fusion::Logits => {
                let mean: Vec<f64> = (0..rows[0].len())
                    .map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / count)
                    .collect();
                -soft(&mean)[class].ln()
            }
        }
    }

    #[test]
    fn joined_gradients_agree_with_finite_differences() {
        let rows = vec![vec![1.0, -0.5, 2.0], vec![0.25, 1.5, -1.0]];
        let single: Vec<Vec<f32>> =
            rows.iter().map(|row| row.iter().map(|&v| v as f32).collect()).collect();
        let single: Vec<&[f32]> = single.iter().map(Vec::as_slice).collect();
        for fusion in [Fusion::Loss, Fusion::Probability, Fusion::Logits] {
            let found = joined(&single, 1, fusion);
            for (member, gradient) in found.iter().enumerate() {
                for (at, &gradient) in gradient.iter().enumerate() {
                    let around = |by: f64| {
                        let mut rows = rows.clone();
                        rows[member][at] += by;
                        loss(&rows, 1, fusion)
                    };
                    let slope = (around(1e-5) - around(-1e-5)) / 2e-5;
                    assert!((slope - f64::from(gradient)).abs() < 1e-5, "{fusion:?}");
                }
            }
        }
    }
}
