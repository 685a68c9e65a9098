//! Carlini and Wagner's L2 attack (arXiv 1608.04644, §VI.A). Looks for the smallest perturbation;
//! has no bound of its own.

use candle_core::Tensor;

use super::adam::Adam;
use super::aim::{rows, with_rows};
use super::objective::{look, other};
use super::{Aim, Attack, Ball, Victims};
use crate::error::Result;
use crate::model::Model;

/// Keeps tanh⁻¹ finite at black and white: the authors' factor.
const INSIDE: f64 = 0.999_999;
/// By this c grows as long as nothing has been found: the authors' factor.
const GROWTH: f32 = 10.0;

/// min ‖x* − x‖² + c·max(Z_y − max Z_other, −κ) over w, x* = (tanh w + 1)/2, by Adam; c by bisection
/// for each image. Images whose objective has stopped falling, looked at ten times, are left.
#[derive(Debug, Clone, Copy)]
pub struct CarliniWagner {
    /// Larger perturbations are shortened to it, and then may fail.
    pub bound: Option<Ball>,
    /// Adam's steps for each c.
    pub steps: usize,
    /// κ: by how much the wrong logit must lead.
    pub confidence: f64,
    /// Adam's.
    pub learning_rate: f64,
    /// Values of c.
    pub search_steps: usize,
    /// The first of them.
    pub initial_c: f64,
}

/// The smallest perturbation of an image so far, and what is known of c.
#[derive(Debug, Clone, Copy)]
struct Found {
    distance: f32,
    c: f32,
    /// The largest c that did not do.
    low: f32,
    /// The smallest that did.
    high: f32,
}

impl Attack for CarliniWagner {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::of(victims)?;
        let c = self.initial_c as f32;
        let start = Found { distance: f32::INFINITY, c, low: 0.0, high: f32::INFINITY };
        let mut found = vec![start; aim.classes.len()];
        let mut best = victims.images.clone();
        for _ in 0..self.search_steps {
            let did = self.minimise(model, victims.images, &aim, &mut found, &mut best)?;
            for (found, did) in found.iter_mut().zip(did) {
                if did {
                    found.high = found.high.min(found.c);
                } else {
                    found.low = found.low.max(found.c);
                }
                let middle = f32::midpoint(found.low, found.high);
                found.c = if middle.is_finite() { middle } else { found.c * GROWTH };
            }
        }
        match self.bound {
            Some(ball) => ball.project(&best, victims.images),
            None => Ok(best),
        }
    }
}

impl CarliniWagner {
    /// Minimises for each image's c; says for which images that c did.
    fn minimise(
        &self,
        model: &Model,
        images: &Tensor,
        aim: &Aim,
        found: &mut [Found],
        best: &mut Tensor,
    ) -> Result<Vec<bool>> {
        let mut did = vec![false; found.len()];
        let mut open: Vec<usize> = (0..found.len()).collect();
        let mut costs = vec![f32::INFINITY; found.len()];
        let (mut origin, mut part) = (images.clone(), aim.clone());
        let mut w = arctanh(&images.affine(2.0 * INSIDE, -INSIDE)?)?;
        let mut adam = Adam::new(images)?;
        let look_every = (self.steps / 10).max(1);
        for step in 0..self.steps {
            let tanh = w.tanh()?;
            let made = tanh.affine(0.5, 0.5)?;
            let change = (&made - &origin)?;
            let squares = change.sqr()?.sum((1, 2, 3))?.to_vec1::<f32>()?;
            let weights: Vec<f32> = open.iter().map(|&image| found[image].c).collect();
            let seen = look(model, &made, |image, row, gradient| {
                let class = part.class(image, row)?;
                let rival = other(row, class);
                // Downwards, for the attack: what is to lose minus what is to win.
                let (lose, win) = if part.targeted { (rival, class) } else { (class, rival) };
                let margin = row[lose] - row[win];
                if f64::from(margin) > -self.confidence {
                    gradient[lose] += weights[image];
                    gradient[win] -= weights[image];
                }
                Ok(weights[image] * margin.max(-self.confidence as f32))
            })?;
            let better: Vec<bool> = (0..open.len())
                .map(|at| {
                    let row = &seen.logits[at];
                    let class = part.classes[at] as usize;
                    let lead = row[other(row, class)] - row[class];
                    let lead = if part.targeted { -lead } else { lead };
                    let reached = part.is_reached(at, row) && lead >= self.confidence as f32;
                    did[open[at]] |= reached;
                    reached && squares[at] < found[open[at]].distance
                })
                .collect();
            let at: Vec<usize> = (0..open.len()).filter(|&at| better[at]).collect();
            let places: Vec<usize> = at.iter().map(|&at| open[at]).collect();
            for (&at, &place) in at.iter().zip(&places) {
                found[place].distance = squares[at];
            }
            *best = with_rows(best, &places, &rows(&made, &at)?)?;
            // d/dw = d/dx* · (1 − tanh² w)/2
            let slope = tanh.sqr()?.affine(-0.5, 0.5)?;
            let gradient = ((change * 2.0)? + seen.gradient)?;
            w = adam.step(&w, &(gradient * slope)?, self.learning_rate)?;
            if step % look_every == 0 {
                let falls: Vec<usize> = (0..open.len())
                    .filter(|&at| {
                        let cost = squares[at] + seen.losses[at];
                        let stays = cost > costs[open[at]];
                        costs[open[at]] = cost;
                        !stays
                    })
                    .collect();
                if falls.is_empty() {
                    break;
                }
                if falls.len() < open.len() {
                    (w, origin) = (rows(&w, &falls)?, rows(&origin, &falls)?);
                    adam.first = rows(&adam.first, &falls)?;
                    adam.second = rows(&adam.second, &falls)?;
                    part = part.part(&falls);
                    open = falls.iter().map(|&at| open[at]).collect();
                }
            }
        }
        Ok(did)
    }
}

fn arctanh(values: &Tensor) -> Result<Tensor> {
    let ratio = (values.affine(1.0, 1.0)? / values.affine(-1.0, 1.0)?)?;
    Ok((ratio.log()? * 0.5)?)
}
