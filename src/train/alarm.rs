//! The alarm for catastrophic overfitting (SCIENCE §6; Wong, Rice and Kolter, arXiv 2001.03994,
//! §5): within a few steps the network learns to hold against one large step and falls to many
//! small ones. FGSM accuracy then stays or rises while PGD accuracy collapses.

use serde::{Deserialize, Serialize};

/// PGD accuracy must have lost this share of its best.
const LOST: f64 = 0.5;

/// FGSM accuracy may have lost this share of what PGD lost: where both fall together, training
/// fails otherwise.
const GONE_ALONG: f64 = 0.25;

/// PGD accuracy within this share of its best is as good as it was.
const AS_GOOD: f64 = 0.9;

/// Standard errors of the best accuracy that chance may take away.
const CHANCE: f64 = 3.0;

/// Accuracies of the fixed probe set, 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Steps done.
    pub step: u64,
    /// Images in the set.
    pub images: u64,
    /// Under FGSM.
    pub fgsm: f64,
    /// Under PGD with the same bound.
    pub pgd: f64,
}

/// What a reading says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// PGD accuracy is at its best or near it: a state to go back to.
    Good,
    /// It has fallen, but not so far, or FGSM accuracy has fallen with it.
    Worse,
    /// FGSM accuracy is up, or stayed, while PGD accuracy collapsed since this reading.
    Collapsed(Reading),
}

/// What the alarm remembers; part of a checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The reading with the highest PGD accuracy.
    #[serde(default)]
    pub best: Option<Reading>,
    /// Whether the last reading but `Worse` ones said that it collapsed.
    #[serde(default)]
    pub raised: bool,
}

impl Alarm {
    /// Takes in a reading.
    pub fn hear(&mut self, now: Reading) -> Verdict {
        let verdict = self.judge(now);
        if self.best.is_none_or(|best| now.pgd > best.pgd) {
            self.best = Some(now);
        }
        match verdict {
            Verdict::Good => self.raised = false,
            Verdict::Collapsed(_) => self.raised = true,
            Verdict::Worse => {}
        }
        verdict
    }

    fn judge(&self, now: Reading) -> Verdict {
        let Some(best) = self.best else { return Verdict::Good };
        if now.pgd >= AS_GOOD * best.pgd {
            return Verdict::Good;
        }
        let lost = best.pgd - now.pgd;
        let chance = (best.pgd * (1.0 - best.pgd) / best.images.max(1) as f64).sqrt() * CHANCE;
        let gone_along = best.fgsm - now.fgsm;
        if lost >= LOST * best.pgd && lost > chance && gone_along <= GONE_ALONG * lost {
            return Verdict::Collapsed(best);
        }
        Verdict::Worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verdicts over a series of (FGSM, PGD) accuracies.
    fn hear(series: &[(f64, f64)], images: u64) -> Vec<&'static str> {
        let mut alarm = Alarm::default();
        let reading = |(at, &(fgsm, pgd)): (usize, &(f64, f64))| {
            let step = at as u64 * 100;
            match alarm.hear(Reading { step, images, fgsm, pgd }) {
                Verdict::Good => "good",
                Verdict::Worse => "worse",
                Verdict::Collapsed(_) => "collapsed",
            }
        };
        series.iter().enumerate().map(reading).collect()
    }

    #[test]
    fn hears_the_published_collapse() {
        // As arXiv 2001.03994, figure 3: within an epoch PGD falls to 0, FGSM rises.
        let series = [(0.2, 0.05), (0.45, 0.38), (0.5, 0.42), (0.86, 0.03), (0.95, 0.0)];
        assert_eq!(hear(&series, 500), ["good", "good", "good", "collapsed", "collapsed"]);
    }

    #[test]
    fn is_silent_while_training_goes_well_or_fails_otherwise() {
        let well = [(0.3, 0.0), (0.4, 0.3), (0.42, 0.33), (0.41, 0.31), (0.44, 0.35)];
        assert_eq!(hear(&well, 500), ["good"; 5]);
        // Both fall: the learning rate is too high, or the targets are wrong.
        let together = [(0.5, 0.4), (0.2, 0.12), (0.1, 0.1)];
        assert_eq!(hear(&together, 500), ["good", "worse", "worse"]);
        // A slow decline is no collapse.
        let slow = [(0.5, 0.4), (0.5, 0.34), (0.52, 0.3)];
        assert_eq!(hear(&slow, 500), ["good", "worse", "worse"]);
    }

    #[test]
    fn an_ordinary_network_that_never_held_against_pgd_raises_nothing() {
        let series = [(0.3, 0.01), (0.35, 0.0), (0.33, 0.002)];
        assert_eq!(hear(&series, 500)[1..], ["worse", "worse"]);
    }

    #[test]
    fn a_few_images_are_no_evidence() {
        let series = [(0.6, 0.5), (0.6, 0.2)];
        assert_eq!(hear(&series, 500), ["good", "collapsed"]);
        assert_eq!(hear(&series, 10), ["good", "worse"]);
    }

    #[test]
    fn is_raised_until_it_is_good_again_and_says_what_was_best() {
        let mut alarm = Alarm::default();
        let mut hear = |step, fgsm, pgd| {
            let verdict = alarm.hear(Reading { step, images: 500, fgsm, pgd });
            (verdict, alarm.raised)
        };
        let best = Reading { step: 1, images: 500, fgsm: 0.5, pgd: 0.4 };
        assert_eq!(hear(1, 0.5, 0.4), (Verdict::Good, false));
        assert_eq!(hear(2, 0.6, 0.1), (Verdict::Collapsed(best), true));
        assert_eq!(hear(3, 0.5, 0.3), (Verdict::Worse, true));
        assert_eq!(hear(4, 0.5, 0.39), (Verdict::Good, false));
    }
}
