//! DeepFool (Moosavi-Dezfooli, Fawzi and Frossard, arXiv 1511.04599, algorithm 2), in L2,
//! untargeted. Looks for the smallest perturbation; has no bound of its own.

use candle_core::Tensor;

use super::aim::{choose, column, rows, with_rows};
use super::objective::{back, prediction};
use super::projection::lengths;
use super::{Aim, Attack, Ball, Victims};
use crate::error::Result;
use crate::model::{Mode, Model, Wanted};

/// Classes looked at besides the true one, the likeliest: the authors' code takes ten with it.
const RIVALS: usize = 9;

/// Again and again to the nearest boundary of the network made linear, and a little beyond, until
/// the network sees something else.
#[derive(Debug, Clone, Copy)]
pub struct DeepFool {
    /// Larger perturbations are shortened to it, and then may fail.
    pub bound: Option<Ball>,
    /// Most steps.
    pub steps: usize,
    /// η: each step goes 1 + η times as far as the boundary.
    pub overshoot: f64,
}

impl Attack for DeepFool {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::away(victims, "deepfool")?;
        let mut images = victims.images.clone();
        let mut open: Vec<usize> = (0..aim.classes.len()).collect();
        for _ in 0..self.steps {
            let part = aim.part(&open);
            let here = rows(&images, &open)?;
            let (moved, right) = self.step(model, &here, &part)?;
            let still: Vec<usize> = (0..open.len()).filter(|&at| right[at]).collect();
            let places: Vec<usize> = still.iter().map(|&at| open[at]).collect();
            images = with_rows(&images, &places, &rows(&moved, &still)?)?;
            open = places;
            if open.is_empty() {
                break;
            }
        }
        match self.bound {
            Some(ball) => ball.project(&images, victims.images),
            None => Ok(images),
        }
    }
}

impl DeepFool {
    /// Where the images go next, and which of them the network still sees right: only those are to
    /// go.
    fn step(&self, model: &Model, images: &Tensor, aim: &Aim) -> Result<(Tensor, Vec<bool>)> {
        let pass = model.record(images, Mode::Evaluate, &[], Wanted::INPUT)?;
        let all = pass.logits.to_vec2::<f32>()?;
        let mut right = Vec::with_capacity(all.len());
        let mut rivals = Vec::with_capacity(all.len());
        for (image, row) in all.iter().enumerate() {
            let own = aim.class(image, row)?;
            right.push(prediction(row) as usize == own);
            let mut others: Vec<usize> = (0..row.len()).filter(|&class| class != own).collect();
            others.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
            others.truncate(RIVALS);
            rivals.push((own, others));
        }
        let count = rivals.iter().map(|(_, others)| others.len()).max().unwrap_or(0);
        if !right.contains(&true) {
            return Ok((images.clone(), right));
        }
        let mut nearest = vec![(f32::INFINITY, 0.0_f32); all.len()];
        let mut normals = images.zeros_like()?;
        for rank in 0..count {
            let mut gradients = Vec::new();
            for (row, (own, others)) in all.iter().zip(&rivals) {
                let start = gradients.len();
                gradients.resize(start + row.len(), 0.0);
                if let Some(&other) = others.get(rank) {
                    gradients[start + other] = 1.0;
                    gradients[start + own] = -1.0;
                }
            }
            let normal = back(pass.clone(), gradients)?;
            let norms = lengths(&normal)?.flatten_all()?.to_vec1::<f32>()?;
            let mut closer = vec![false; all.len()];
            for (image, (row, (own, others))) in all.iter().zip(&rivals).enumerate() {
                let Some(&other) = others.get(rank) else { continue };
                let gap = (row[other] - row[*own]).abs();
                let distance = gap / norms[image];
                if distance < nearest[image].0 {
                    // The step is the normal, of length 1, times the distance.
                    nearest[image] = (distance, gap / (norms[image] * norms[image]));
                    closer[image] = true;
                }
            }
            normals = choose(&closer, &normal, &normals)?;
        }
        let beyond = (1.0 + self.overshoot) as f32;
        let scales = nearest.iter().map(|(_, scale)| scale * beyond).collect();
        let step = normals.broadcast_mul(&column(scales, images.device())?)?;
        Ok(((images + step)?.clamp(0.0, 1.0)?, right))
    }
}
