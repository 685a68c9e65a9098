//! Projected gradient descent (Madry et al., arXiv 1706.06083, §2.1; SCIENCE §2).

use candle_core::Tensor;

use super::aim::{rows, with_rows};
use super::bim::climb;
use super::objective::{cross_entropy, logits};
use super::random::{Spread, start};
use super::{Aim, Attack, Ball, Victims};
use crate::error::Result;
use crate::model::Model;

/// The basic iterative method from random starts in the ball. Of several restarts each image keeps
/// its best: one that fools the network, otherwise the one of the largest loss; images that are
/// fooled already sit the later ones out.
#[derive(Debug, Clone, Copy)]
pub struct Pgd {
    /// The bound.
    pub ball: Ball,
    /// Steps of each restart.
    pub steps: usize,
    /// Size of a step, in the unit of the bound.
    pub step_size: super::PixelLevels,
    /// How often it begins anew.
    pub restarts: usize,
    /// The run's.
    pub seed: u64,
}

impl Pgd {
    fn once(
        &self,
        model: &Model,
        images: &Tensor,
        indices: &[usize],
        aim: &Aim,
        restart: usize,
    ) -> Result<Tensor> {
        let from = start(images, indices, self.ball, Spread::Inside, self.seed, restart)?;
        climb(model, &from, images, aim, self.ball, self.steps, self.step_size.to_unit())
    }
}

impl Attack for Pgd {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = Aim::of(victims)?;
        let mut best = self.once(model, victims.images, victims.indices, &aim, 0)?;
        if self.restarts < 2 {
            return Ok(best);
        }
        let mut standing = standing(model, &best, &aim)?;
        for restart in 1..self.restarts {
            let open: Vec<usize> =
                (0..standing.len()).filter(|&image| !standing[image].reached).collect();
            if open.is_empty() {
                break;
            }
            let (images, part) = (rows(victims.images, &open)?, aim.part(&open));
            let indices: Vec<usize> = open.iter().map(|&image| victims.indices[image]).collect();
            let tried = self.once(model, &images, &indices, &part, restart)?;
            let found = self::standing(model, &tried, &part)?;
            let better: Vec<usize> =
                (0..open.len()).filter(|&at| found[at].beats(standing[open[at]])).collect();
            let places: Vec<usize> = better.iter().map(|&at| open[at]).collect();
            best = with_rows(&best, &places, &rows(&tried, &better)?)?;
            for (&at, &place) in better.iter().zip(&places) {
                standing[place] = found[at];
            }
        }
        Ok(best)
    }
}

/// How far an image has come.
#[derive(Debug, Clone, Copy)]
struct Standing {
    reached: bool,
    /// The larger, the better for the attack.
    loss: f32,
}

impl Standing {
    fn beats(self, other: Self) -> bool {
        (self.reached, self.loss) > (other.reached, other.loss)
    }
}

fn standing(model: &Model, images: &Tensor, aim: &Aim) -> Result<Vec<Standing>> {
    let all = logits(model, images)?;
    let mut unused = Vec::new();
    all.iter()
        .enumerate()
        .map(|(image, row)| {
            unused.resize(row.len(), 0.0);
            let loss = cross_entropy(row, aim.class(image, row)?, &mut unused);
            Ok(Standing {
                reached: aim.is_reached(image, row),
                loss: loss * aim.direction() as f32,
            })
        })
        .collect()
}
