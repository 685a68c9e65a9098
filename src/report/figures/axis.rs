//! Axes with round marks.

/// An axis, and where its marks are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub from: f64,
    pub to: f64,
    step: f64,
}

impl Axis {
    /// Round ends around these values, and four to ten marks.
    pub(super) fn around(least: f64, most: f64) -> Self {
        let (least, most) = if most > least {
            (least, most)
        } else {
            // One value: some room on both sides, 0 and 1 around 0.
            let half = if least == 0.0 { 1.0 } else { least.abs() * 0.5 };
            (if least == 0.0 { 0.0 } else { least - half }, least + half)
        };
        let step = step(most - least);
        let from = (least / step + 1e-9).floor() * step;
        let to = (most / step - 1e-9).ceil() * step;
        Self { from, to, step }
    }

    /// From 0 to a round end.
    pub(super) fn from_zero(most: f64) -> Self {
        Self::around(0.0, if most > 0.0 { most } else { 1.0 })
    }

    /// With these ends.
    pub(super) fn between(from: f64, to: f64) -> Self {
        Self { from, to, step: step(to - from) }
    }

    /// Where along it a value is, 0..1.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// The marks and what is written beside them, at most about so many.
    pub(super) fn marks(&self, most: usize) -> Vec<(f64, String)> {
        let mut step = self.step;
        while (self.to - self.from) / step > most as f64 + 0.5 {
            step = wider(step);
        }
        let first = (self.from / step - 1e-9).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        let digits = if step < 1.0 { (-step.log10().floor()).clamp(0.0, 9.0) as usize } else { 0 };
        // 2.5 has a digit more than its size says.
        let mark = |at: i64| {
            let value = at as f64 * step;
            (value, label(value, digits, self.from.abs().max(self.to.abs())))
        };
        (first..=last).map(mark).collect()
    }
}

/// `0.25`; `12 k` where thousands are many.
fn label(value: f64, digits: usize, largest: f64) -> String {
    let text = if largest >= 20_000.0 && value != 0.0 {
        let thousands = value / 1000.0;
        let digits = usize::from((thousands - thousands.round()).abs() > 1e-9);
        format!("{thousands:.digits$} k")
    } else {
        format!("{value:.digits$}")
    };
    text.replace('-', "−")
}

fn step(span: f64) -> f64 {
    let size = 10_f64.powf((span / 4.0).log10().floor());
    // The widest step that still gives four marks.
    let steps = [10.0, 5.0, 2.0, 1.0].map(|times| times * size);
    steps.into_iter().find(|step| span / step >= 4.0 - 1e-9).unwrap_or(size)
}

/// The next round step: 1, 2, 5, 10.
fn wider(step: f64) -> f64 {
    let size = 10_f64.powf((step * 1.0001).log10().floor());
    let first = step / size;
    size * if first < 1.5 {
        2.0
    } else if first < 3.0 {
        5.0
    } else {
        10.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: Axis, most: usize) -> Vec<String> {
        axis.marks(most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(labels(Axis::between(0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Axis::from_zero(38_000.0), 4), ["0", "10 k", "20 k", "30 k", "40 k"]);
        assert_eq!(labels(Axis::around(-0.3, 0.1), 4), ["−0.3", "−0.2", "−0.1", "0.0", "0.1"]);
        assert_eq!(Axis::from_zero(0.0), Axis::from_zero(1.0));
    }

    proptest! {
        #[test]
        fn an_axis_holds_its_values_and_has_few_marks(least in -1e6..1e6_f64, span in 0.0..1e6_f64) {
            let most = least + span;
            let axis = Axis::around(least, most);
            let slack = 1e-6 * (1.0 + least.abs().max(most.abs()));
            prop_assert!(axis.from <= least + slack && axis.to >= most - slack, "{axis:?}");
            let marks = axis.marks(6);
            prop_assert!((1..=8).contains(&marks.len()), "{marks:?}");
            prop_assert!(marks.iter().all(|(at, _)| (-0.01..=1.01).contains(&axis.place(*at))));
        }
    }
}
