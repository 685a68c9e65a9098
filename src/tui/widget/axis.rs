//! Axes: round numbers that cover a range, and where a value lies between them.

use crate::tui::number;

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where.
    pub value: f64,
    /// What is written there.
    pub label: String,
}

/// A range of values with round ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Lowest first.
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// Covers `min..=max` with at most about `most` ticks, its ends being ticks themselves.
    /// `floor` and `ceiling` are values that the axis never needs to pass (0 and 1 for fractions).
    pub fn linear(min: f64, max: f64, most: usize, limits: (f64, f64)) -> Self {
        // Nearer to the ends of what f64 can hold, their difference is infinite.
        const MOST: f64 = 1e300;
        let (min, max) = spread(min.clamp(-MOST, MOST), max.clamp(-MOST, MOST));
        // A range that nearly reaches zero shows it.
        let min = if min > 0.0 && min < 0.4 * max { 0.0 } else { min };
        let step = round_step((max - min) / most.max(1) as f64);
        let low = ((min / step + 1e-9).floor() * step).max(limits.0.min(min));
        let high = ((max / step - 1e-9).ceil() * step).min(limits.1.max(max));
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let decimals = (-step.log10().floor()).max(if high < 10.0 { 1.0 } else { 0.0 }) as usize;
        let ticks = (first..=last)
            .map(|index| {
                let value = index as f64 * step;
                let text = format!("{value:.decimals$}");
                let label = if text.len() > 5 { number::value(value) } else { text };
                Tick { value, label }
            })
            .collect();
        Self { low, high, log: false, ticks }
    }

    /// The same in powers of ten. `min` must be above zero.
    pub fn log(min: f64, max: f64, most: usize) -> Self {
        let (mut low, mut high) = (round_down(min), -1.0);
        if max > 0.0 {
            high = round_up(max);
        }
        if high <= low {
            (low, high) = (low / 10.0, low * 10.0);
        }
        let decades = (high / low).log10();
        let mantissas: &[f64] =
            if decades * 3.0 <= most as f64 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / most.max(1) as f64).ceil().max(1.0) as i32;
        let (from, to) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let ticks = (from..=to)
            .filter(|exponent| exponent.rem_euclid(stride) == 0)
            .flat_map(|exponent| mantissas.iter().map(move |m| m * 10_f64.powi(exponent)))
            .filter(|value| *value >= low * 0.999 && *value <= high * 1.001)
            .map(|value| Tick { value, label: log_label(value) })
            .collect();
        Self { low, high, log: true, ticks }
    }

    /// Steps along the bottom; the ends are where the data ends.
    pub fn steps(first: u64, last: u64, most: usize) -> Self {
        let (low, high) = (first as f64, last.max(first + 1) as f64);
        let step = round_step((high - low) / most.max(1) as f64).max(1.0);
        let (from, to) = ((low / step).ceil() as u64, (high / step).floor() as u64);
        let ticks = (from..=to)
            .map(|index| {
                let value = index as f64 * step;
                Tick { value, label: number::steps(value as u64) }
            })
            .collect();
        Self { low, high, log: false, ticks }
    }

    /// The same for what comes in fractions.
    pub fn parts(first: f64, last: f64, most: usize) -> Self {
        let high = if last > first { last } else { first + 1.0 };
        let step = round_step((high - first) / most.max(1) as f64);
        let (from, to) = ((first / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let tick = |index: i64| {
            let value = index as f64 * step;
            Tick { value, label: format!("{value:.decimals$}") }
        };
        Self { low: first, high, log: false, ticks: (from..=to).map(tick).collect() }
    }

    /// How many gaps of one size the ticks leave from end to end, if they do.
    pub fn even_gaps(&self) -> Option<u16> {
        let (first, last) = (self.ticks.first()?, self.ticks.last()?);
        let near = |a: f64, b: f64| (a - b).abs() <= (self.high - self.low).abs() * 1e-6;
        let whole = near(first.value, self.low) && near(last.value, self.high);
        (!self.log && whole && self.ticks.len() > 1).then(|| self.ticks.len() as u16 - 1)
    }

    /// The part of the axis that `min..=max` takes up.
    pub fn share(&self, min: f64, max: f64) -> f64 {
        match (self.position(min), self.position(max)) {
            (Some(low), Some(high)) => high - low,
            _ => 0.0,
        }
    }

    /// 0 at the low end, 1 at the high end. `None` for what cannot be shown: not finite, or not
    /// above zero on a logarithmic axis.
    pub fn position(&self, value: f64) -> Option<f64> {
        if !value.is_finite() || (self.log && value <= 0.0) {
            return None;
        }
        let at = if self.log {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        Some(at.clamp(0.0, 1.0))
    }
}

// A range of no width cannot be drawn.
fn spread(min: f64, max: f64) -> (f64, f64) {
    if max - min > min.abs().max(max.abs()) * 1e-9 {
        return (min, max);
    }
    let half = if min == 0.0 { 1.0 } else { min.abs() * 0.5 };
    (min - half, max + half)
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|m| m * power);
    steps.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(10.0 * power)
}

fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [5.0, 2.0, 1.0].map(|m| m * power).into_iter().find(|v| *v <= value * 1.001).unwrap_or(power)
}

fn round_up(value: f64) -> f64 {
    round_step(value)
}

fn log_label(value: f64) -> String {
    match value {
        0.000_99..1.0 => {
            let decimals = (-(value.log10() + 1e-9).floor()) as usize;
            format!("{value:.decimals$}")
        }
        1.0..99_999.0 => format!("{value:.0}"),
        _ => format!("{value:.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    const NO_LIMITS: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    #[test]
    fn numbers_are_round() {
        assert_eq!(
            labels(&Axis::linear(0.1, 3.7, 4, NO_LIMITS)),
            ["0.0", "1.0", "2.0", "3.0", "4.0"]
        );
        assert_eq!(
            labels(&Axis::linear(0.62, 0.97, 4, (0.0, 1.0))),
            ["0.6", "0.7", "0.8", "0.9", "1.0"]
        );
        assert_eq!(labels(&Axis::linear(5.0, 5.0, 3, NO_LIMITS)), ["0", "5", "10"]);
        assert_eq!(labels(&Axis::log(0.003, 4.0, 6)), ["0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::log(0.5, 4.0, 6)), ["0.5", "1", "2", "5"]);
        assert_eq!(labels(&Axis::steps(0, 17_000, 4)), ["0", "5 k", "10 k", "15 k"]);
        assert_eq!(labels(&Axis::parts(0.0, 2.0, 4)), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(&Axis::parts(0.0, 8.0, 4)), ["0", "2", "4", "6", "8"]);
    }

    #[test]
    fn a_fraction_never_leaves_its_range() {
        let axis = Axis::linear(0.1, 0.95, 2, (0.0, 1.0));
        assert_eq!(axis.position(1.0), Some(1.0));
        assert_eq!(axis.position(0.0), Some(0.0));
    }

    #[test]
    fn what_cannot_be_shown_has_no_place() {
        assert_eq!(Axis::log(0.1, 1.0, 4).position(0.0), None);
        assert_eq!(Axis::linear(0.0, 1.0, 4, NO_LIMITS).position(f64::NAN), None);
    }

    proptest! {
        #[test]
        fn any_range_is_covered_by_few_ticks(
            a in -1e12_f64..1e12, width in 0.0_f64..1e12, scale in -20_i32..3, most in 1_usize..12,
        ) {
            let (min, max) = (a * 10_f64.powi(scale), (a + width) * 10_f64.powi(scale));
            let axis = Axis::linear(min, max, most, NO_LIMITS);
            prop_assert!(!axis.ticks.is_empty() && axis.ticks.len() <= most + 3, "{:?}", axis);
            let (low, high) = (axis.position(min).unwrap(), axis.position(max).unwrap());
            prop_assert!(low <= high);
            if min > 0.0 {
                let axis = Axis::log(min, max, most);
                prop_assert!(axis.ticks.len() <= 3 * most + 4, "{:?}", axis);
                prop_assert!(axis.position(min).unwrap() <= axis.position(max).unwrap());
            }
        }
    }
}
