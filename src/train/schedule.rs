//! How the learning rate goes: a pure function of the step, so that a resumed run needs no memory.

use std::f64::consts::PI;

/// A schedule over a training of known length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// After the warm-up, and for `Constant` ever after.
    pub peak: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Steps in all.
    pub total_steps: u64,
    /// What comes after the warm-up.
    pub shape: Shape,
}

/// What comes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// The same all the way.
    Constant,
    /// Multiplied by `gamma` every `every` steps, counted from the first step.
    Step {
        /// Steps between two drops.
        every: u64,
        /// Factor of each drop.
        gamma: f64,
    },
    /// Half a cosine from the peak to 0 (Loshchilov and Hutter 2017, eq. 5, without restarts).
    Cosine,
}

impl Schedule {
    /// The learning rate of step number `step`, from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            // The first step is not wasted on 0.
            return self.peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        match self.shape {
            Shape::Constant => self.peak,
            Shape::Step { every, gamma } => self.peak * gamma.powf((step / every.max(1)) as f64),
            Shape::Cosine => {
                let length = self.total_steps.saturating_sub(self.warmup_steps).max(1);
                let done = (step - self.warmup_steps) as f64 / length as f64;
                self.peak * 0.5 * (1.0 + (PI * done.min(1.0)).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warms_up_then_falls_along_a_cosine() {
        let schedule =
            Schedule { peak: 0.1, warmup_steps: 10, total_steps: 110, shape: Shape::Cosine };
        assert!((schedule.at(0) - 0.01).abs() < 1e-12);
        assert!((schedule.at(9) - 0.1).abs() < 1e-12);
        assert!((schedule.at(10) - 0.1).abs() < 1e-12);
        assert!((schedule.at(60) - 0.05).abs() < 1e-12);
        assert!(schedule.at(110).abs() < 1e-12);
        assert!(schedule.at(1000).abs() < 1e-12);
    }

    #[test]
    fn drops_in_steps() {
        let shape = Shape::Step { every: 100, gamma: 0.1 };
        let schedule = Schedule { peak: 1.0, warmup_steps: 0, total_steps: 300, shape };
        let rates: Vec<f64> = [0, 99, 100, 250].map(|step| schedule.at(step)).to_vec();
        for (rate, expected) in rates.iter().zip([1.0, 1.0, 0.1, 0.01]) {
            assert!((rate - expected).abs() < 1e-12);
        }
    }
}
