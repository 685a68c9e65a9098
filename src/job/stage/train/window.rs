//! What has come since the last event of a training.

use std::time::Instant;

use crate::train::StepReport;

/// Most training events of a run: enough for any screen, and a file that stays small.
const EVENTS: u64 = 20_000;

/// Sums over the steps since the last event.
pub(super) struct Window {
    every: u64,
    steps: u64,
    images: usize,
    correct: usize,
    loss: f64,
    adversarial: Option<Adversarial>,
    learning_rate: f64,
    since: Instant,
}

/// Of adversarial training.
#[derive(Default)]
struct Adversarial {
    correct: usize,
    loss: f64,
    consistency: Option<f64>,
    total: f64,
}

impl Window {
    pub(super) fn new(total_steps: u64) -> Self {
        Self {
            every: total_steps.div_ceil(EVENTS).max(1),
            steps: 0,
            images: 0,
            correct: 0,
            loss: 0.0,
            adversarial: None,
            learning_rate: 0.0,
            since: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, report: &StepReport) {
        let images = report.images as f64;
        self.steps += 1;
        self.images += report.images;
        self.correct += report.correct;
        self.loss += report.loss * images;
        self.learning_rate = report.learning_rate;
        if let Some(of_step) = &report.adversarial {
            let sums = self.adversarial.get_or_insert_default();
            sums.correct += of_step.correct;
            sums.loss += of_step.terms.adversarial * images;
            sums.total += of_step.terms.total * images;
            if let Some(consistency) = of_step.terms.consistency {
                *sums.consistency.get_or_insert(0.0) += consistency * images;
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.steps >= self.every
    }

    pub(super) fn is_empty(&self) -> bool {
        self.images == 0
    }

    /// The means, under the names of DESIGN §5, and the rate.
    pub(super) fn metrics(&self) -> Vec<(&'static str, f64)> {
        let images = self.images as f64;
        let mut metrics = vec![
            ("loss", self.loss / images),
            ("train_top1", self.correct as f64 / images),
            ("learning_rate", self.learning_rate),
            ("images_per_second", images / self.since.elapsed().as_secs_f64().max(1e-9)),
        ];
        if let Some(sums) = &self.adversarial {
            metrics.push(("adversarial_loss", sums.loss / images));
            metrics.push(("total_loss", sums.total / images));
            metrics.push(("train_adversarial_top1", sums.correct as f64 / images));
            if let Some(consistency) = sums.consistency {
                metrics.push(("consistency_loss", consistency / images));
            }
        }
        metrics
    }

    pub(super) fn restart(&mut self) {
        *self = Self { every: self.every, ..Self::new(1) };
    }
}
