//! Auto-PGD (Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of
//! diverse parameter-free attacks", arXiv 2003.01690, algorithm 1), on the cross-entropy and on the
//! difference of logits ratio. The latter is the untargeted one of AutoAttack, not APGD-T.

use candle_core::Tensor;

use super::aim::{choose, column, rows, with_rows};
use super::objective::{logits, look, other};
use super::projection::lengths;
use super::random::{Spread, start};
use super::{Aim, Attack, Ball, Norm, Victims};
use crate::error::Result;
use crate::model::Model;

/// ρ: a step must have raised the loss in this share of a stretch, or it is halved.
const RHO: f64 = 0.75;
/// α: how much of a step is new; the rest is the last one.
const MOMENTUM: f64 = 0.75;
/// Where the step size is looked at first, and by how much the stretches shrink, down to the last:
/// shares of the steps.
const FIRST: f64 = 0.22;
const SHRINK: f64 = 0.03;
const SHORTEST: f64 = 0.06;

/// What APGD raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApgdLoss {
    /// Cross-entropy.
    CrossEntropy,
    /// −(z_y − max z_other) / (z₁ − z₃), z₁ ≥ z₂ ≥ z₃ the largest logits: no scale of the logits
    /// makes its gradient vanish.
    DifferenceOfLogitsRatio,
}

/// Gradient steps with momentum, whose size is halved for an image at checkpoints unless its loss
/// has risen, and which then go on from its best point. Images that the network sees wrongly from
/// the start are left as they are, and one that is fooled is done.
#[derive(Debug, Clone, Copy)]
pub struct Apgd {
    /// The bound; the first steps are twice as long.
    pub ball: Ball,
    /// What is raised.
    pub loss: ApgdLoss,
    /// Steps of each restart.
    pub steps: usize,
    /// How often it begins anew, for the images not fooled yet.
    pub restarts: usize,
    /// The run's.
    pub seed: u64,
}

impl Attack for Apgd {
    fn perturb(&self, model: &Model, victims: &Victims<'_>) -> Result<Tensor> {
        let aim = match self.loss {
            ApgdLoss::CrossEntropy => Aim::of(victims)?,
            ApgdLoss::DifferenceOfLogitsRatio => Aim::away(victims, "apgd-dlr")?,
        };
        let clean = logits(model, victims.images)?;
        let mut best = victims.images.clone();
        let mut losses = vec![f32::NEG_INFINITY; clean.len()];
        let mut open: Vec<usize> =
            (0..clean.len()).filter(|&image| !aim.is_reached(image, &clean[image])).collect();
        for restart in 0..self.restarts {
            if open.is_empty() {
                break;
            }
            let images = rows(victims.images, &open)?;
            let indices: Vec<usize> = open.iter().map(|&image| victims.indices[image]).collect();
            let start = start(&images, &indices, self.ball, Spread::Outermost, self.seed, restart)?;
            let found = self.once(model, &images, start, &aim.part(&open))?;
            let better: Vec<usize> = (0..open.len())
                .filter(|&at| found.reached[at] || found.losses[at] > losses[open[at]])
                .collect();
            let places: Vec<usize> = better.iter().map(|&at| open[at]).collect();
            best = with_rows(&best, &places, &rows(&found.images, &better)?)?;
            for (&at, &place) in better.iter().zip(&places) {
                losses[place] = found.losses[at];
            }
            let still = open.iter().zip(&found.reached).filter(|(_, reached)| !**reached);
            open = still.map(|(&image, _)| image).collect();
        }
        Ok(best)
    }
}

/// What one restart came to, an entry an image.
struct Outcome {
    /// The fooling image, or the one of the largest loss.
    images: Tensor,
    reached: Vec<bool>,
    losses: Vec<f32>,
}

/// The images that are still being attacked, row by row.
struct State {
    /// Their places among those the restart began with.
    places: Vec<usize>,
    aim: Aim,
    origin: Tensor,
    now: Tensor,
    before: Tensor,
    gradient: Tensor,
    best: Tensor,
    best_gradient: Tensor,
    rows: Vec<Row>,
}

/// The numbers of one image.
#[derive(Debug, Clone, Copy)]
struct Row {
    best_loss: f32,
    /// The size of its steps, pixels in 0..1.
    size: f64,
    last_loss: f32,
    /// Of the steps since the last checkpoint, how many raised the loss.
    rises: usize,
    /// The best loss at the last checkpoint, and whether the step was halved there.
    checked: (f32, bool),
}

impl Apgd {
    fn once(&self, model: &Model, images: &Tensor, start: Tensor, aim: &Aim) -> Result<Outcome> {
        let share = |share: f64| ((share * self.steps as f64) as usize).max(1);
        let (mut stretch, shrink, shortest) = (share(FIRST), share(SHRINK), share(SHORTEST));
        let count = aim.classes.len();
        let mut outcome = Outcome {
            images: start.clone(),
            reached: vec![false; count],
            losses: vec![f32::NEG_INFINITY; count],
        };
        let seen = look(model, &start, |image, row, grad| self.loss(aim, image, row, grad))?;
        let mut state = State {
            places: (0..count).collect(),
            aim: aim.clone(),
            origin: images.clone(),
            now: start.clone(),
            before: start.clone(),
            best: start,
            gradient: seen.gradient.clone(),
            best_gradient: seen.gradient,
            rows: seen
                .losses
                .iter()
                .map(|&loss| Row {
                    best_loss: loss,
                    size: 2.0 * self.ball.epsilon.to_unit(),
                    // As AutoAttack has it: the first step counts as a rise if its loss is above 0.
                    last_loss: 0.0,
                    rises: 0,
                    checked: (loss, true),
                })
                .collect(),
        };
        state.leave(&mut outcome, &seen.logits)?;
        let mut since = 0;
        for step in 0..self.steps {
            if state.places.is_empty() {
                break;
            }
            let next = self.step(&state, if step == 0 { 1.0 } else { MOMENTUM })?;
            state.before = std::mem::replace(&mut state.now, next);
            let aim = &state.aim;
            let seen =
                look(model, &state.now, |image, row, grad| self.loss(aim, image, row, grad))?;
            state.gradient = seen.gradient;
            let mut risen = vec![false; state.rows.len()];
            for ((row, &loss), risen) in state.rows.iter_mut().zip(&seen.losses).zip(&mut risen) {
                row.rises += usize::from(loss > row.last_loss);
                row.last_loss = loss;
                *risen = loss > row.best_loss;
                row.best_loss = if *risen { loss } else { row.best_loss };
            }
            state.best = choose(&risen, &state.now, &state.best)?;
            state.best_gradient = choose(&risen, &state.gradient, &state.best_gradient)?;
            state.leave(&mut outcome, &seen.logits)?;
            since += 1;
            if since == stretch {
                state.check(stretch)?;
                since = 0;
                stretch = stretch.saturating_sub(shrink).max(shortest);
            }
        }
        for (at, &place) in state.places.iter().enumerate() {
            outcome.losses[place] = state.rows[at].best_loss;
        }
        outcome.images = with_rows(&outcome.images, &state.places, &state.best)?;
        Ok(outcome)
    }

    /// Where the images go next: a projected gradient step, mixed with the last one.
    fn step(&self, state: &State, new: f64) -> Result<Tensor> {
        let device = state.now.device();
        let sizes = state.rows.iter().map(|row| row.size as f32).collect();
        let sizes = column(sizes, device)?;
        let direction = match self.ball.norm {
            Norm::Linf => state.gradient.sign()?,
            Norm::L2 => state.gradient.broadcast_div(&(lengths(&state.gradient)? + 1e-12)?)?,
        };
        let moved = (&state.now + direction.broadcast_mul(&sizes)?)?;
        let moved = self.ball.project(&moved, &state.origin)?;
        let step = ((moved - &state.now)? * new)?;
        let last = ((&state.now - &state.before)? * (1.0 - new))?;
        self.ball.project(&((&state.now + step)? + last)?, &state.origin)
    }

    fn loss(&self, aim: &Aim, image: usize, row: &[f32], gradient: &mut [f32]) -> Result<f32> {
        match self.loss {
            ApgdLoss::CrossEntropy => aim.cross_entropy(image, row, gradient),
            ApgdLoss::DifferenceOfLogitsRatio => Ok(ratio(row, aim.class(image, row)?, gradient)),
        }
    }
}

impl State {
    /// At a checkpoint after `stretch` steps: halves the steps of images that rose too seldom, or
    /// found nothing better since the last checkpoint at the same step size, and puts those back to
    /// their best point.
    fn check(&mut self, stretch: usize) -> Result<()> {
        let mut back = vec![false; self.rows.len()];
        for (row, back) in self.rows.iter_mut().zip(&mut back) {
            let (best, halved) = row.checked;
            let oscillates = row.rises as f64 <= stretch as f64 * RHO;
            *back = oscillates || (!halved && best >= row.best_loss);
            row.checked = (row.best_loss, *back);
            row.rises = 0;
            if *back {
                row.size /= 2.0;
            }
        }
        self.now = choose(&back, &self.best, &self.now)?;
        self.gradient = choose(&back, &self.best_gradient, &self.gradient)?;
        Ok(())
    }

    /// Lets go of the images that are fooled; `logits` are those of the images now.
    fn leave(&mut self, outcome: &mut Outcome, logits: &[Vec<f32>]) -> Result<()> {
        let (done, stay): (Vec<usize>, Vec<usize>) =
            (0..self.places.len()).partition(|&at| self.aim.is_reached(at, &logits[at]));
        if done.is_empty() {
            return Ok(());
        }
        let places: Vec<usize> = done.iter().map(|&at| self.places[at]).collect();
        outcome.images = with_rows(&outcome.images, &places, &rows(&self.now, &done)?)?;
        for (&at, &place) in done.iter().zip(&places) {
            outcome.reached[place] = true;
            outcome.losses[place] = self.rows[at].last_loss;
        }
        let keep = |images: &Tensor| rows(images, &stay);
        self.places = stay.iter().map(|&at| self.places[at]).collect();
        self.rows = stay.iter().map(|&at| self.rows[at]).collect();
        self.aim = self.aim.part(&stay);
        if stay.is_empty() {
            return Ok(());
        }
        for images in [
            &mut self.origin,
            &mut self.now,
            &mut self.before,
            &mut self.gradient,
            &mut self.best,
            &mut self.best_gradient,
        ] {
            *images = keep(images)?;
        }
        Ok(())
    }
}

/// The difference of logits ratio of an image and its gradient with respect to the logits. With
/// two classes, where there is no third logit, the difference alone.
fn ratio(logits: &[f32], class: usize, gradient: &mut [f32]) -> f32 {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // Ascending and stable, as the reference sorts; of equal logits the last counts as larger.
    order.sort_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    let rival = other(logits, class);
    let difference = logits[rival] - logits[class];
    let [.., third, _, first] = order[..] else {
        gradient[rival] += 1.0;
        gradient[class] -= 1.0;
        return difference;
    };
    let scale = logits[first] - logits[third] + 1e-12;
    gradient[rival] += 1.0 / scale;
    gradient[class] -= 1.0 / scale;
    gradient[first] -= difference / (scale * scale);
    gradient[third] += difference / (scale * scale);
    difference / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_its_definition_and_its_gradient_agrees_with_differences() {
        let logits = [2.0_f32, -1.0, 3.5, 0.25];
        let mut gradient = [0.0; 4];
        assert_eq!(ratio(&logits, 0, &mut gradient), 1.5 / 3.25);
        let mut unused = [0.0; 4];
        assert_eq!(ratio(&logits, 2, &mut unused), -1.5 / 3.25);
        for class in 0..4 {
            let mut gradient = [0.0; 4];
            ratio(&logits, class, &mut gradient);
            for (at, gradient) in gradient.into_iter().enumerate() {
                let around = |by: f32| {
                    let mut logits = logits;
                    logits[at] += by;
                    ratio(&logits, class, &mut [0.0; 4])
                };
                let slope = (around(1e-2) - around(-1e-2)) / 2e-2;
                assert!((slope - gradient).abs() < 1e-3, "{class}, {at}: {slope}, {gradient}");
            }
        }
        assert_eq!(ratio(&[1.0, 4.0], 0, &mut [0.0; 2]), 3.0);
    }
}
