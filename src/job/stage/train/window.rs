//! What has come since the last event of a training.

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
    /// On the run's clock, seconds.
    since: f64,
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
    /// An empty one; [`Self::restart`] says from when on it counts.
    pub(super) fn new(total_steps: u64) -> Self {
        Self {
            every: total_steps.div_ceil(EVENTS).max(1),
            steps: 0,
            images: 0,
            correct: 0,
            loss: 0.0,
            adversarial: None,
            learning_rate: 0.0,
            since: 0.0,
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

    /// The means, under the names of DESIGN §5, and the rate at `now` on the run's clock.
    pub(super) fn metrics(&self, now: f64) -> Vec<(&'static str, f64)> {
        let images = self.images as f64;
        let mut metrics = vec![
            ("loss", self.loss / images),
            ("train_top1", self.correct as f64 / images),
            ("learning_rate", self.learning_rate),
            ("images_per_second", images / (now - self.since).max(1e-9)),
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

    /// Leaves out seconds that went to something else than training.
    pub(super) fn leave_out(&mut self, seconds: f64) {
        self.since += seconds;
    }

    /// Begins anew at `now` on the run's clock, which stands still while the run is paused.
    pub(super) fn restart(&mut self, now: f64) {
        *self = Self { every: self.every, since: now, ..Self::new(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_training_alone() {
        let report = StepReport {
            loss: 1.0,
            correct: 4,
            adversarial: None,
            images: 100,
            learning_rate: 0.1,
        };
        let rate = |window: &Window, now: f64| {
            let metrics = window.metrics(now);
            metrics.into_iter().find(|(name, _)| *name == "images_per_second").unwrap().1
        };
        let mut window = Window::new(1);
        window.restart(30.0);
        window.add(&report);
        assert_eq!(rate(&window, 32.0), 50.0);
        window.leave_out(1.0);
        assert_eq!(rate(&window, 32.0), 100.0);
        window.restart(40.0);
        window.add(&report);
        assert_eq!(rate(&window, 44.0), 25.0);
    }
}
