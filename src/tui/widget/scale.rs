//! Where values stand in a chart's rows: the ticks of its axis and the dots of its curves alike.

use crate::tui::widget::axis::Axis;

/// Where values stand in a plot: one rule for the ticks and for the dots of the curve.
///
/// The lowest tick stands on the axis below the plot. Ticks are whole rows apart where they are
/// evenly spaced, and each stands in the middle of its row.
#[derive(Debug)]
pub struct Scale {
    /// Its ticks and its range.
    pub axis: Axis,
    /// Rows of the plot.
    rows: u16,
    /// Those between the axis and its highest value.
    used: u16,
}

impl Scale {
    /// For a plot of `rows` rows.
    pub fn new(axis: Axis, rows: u16) -> Self {
        let used = match axis.even_gaps() {
            Some(gaps) if gaps <= rows => rows / gaps * gaps,
            _ => rows,
        };
        Self { axis, rows, used }
    }

    /// How many rows a curve from `min` to `max` takes up.
    pub fn height(&self, min: f64, max: f64) -> f64 {
        self.axis.share(min, max) * f64::from(self.used)
    }

    /// Rows from the top of the plot to the middle of the row that `value` is in.
    fn down(&self, value: f64) -> Option<f64> {
        let at = self.axis.position(value)?;
        Some(f64::from(self.rows) - at * f64::from(self.used))
    }

    /// The row of `value`; the one after the last is the axis.
    pub fn row(&self, value: f64) -> Option<u16> {
        Some(self.down(value)?.round() as u16)
    }

    /// The row of dots of `value`, four to a row.
    pub fn dot(&self, value: f64) -> Option<usize> {
        let dots = self.down(value)? * 4.0 + 1.5;
        Some((dots.round() as usize).min(usize::from(self.rows) * 4 - 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_LIMITS: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    proptest! {
        #[test]
        fn a_tick_stands_in_the_row_of_its_value(
            min in -100.0..100.0_f64,
            span in 0.001..1000.0_f64,
            rows in 2_u16..40,
        ) {
            let most = usize::from((rows / 2).min(4 + rows / 8)).max(1);
            let scale = Scale::new(Axis::linear(min, min + span, most, NO_LIMITS), rows);
            let mut apart = Vec::new();
            for pair in scale.axis.ticks.windows(2) {
                let rows = |value| scale.row(value).unwrap();
                apart.push(rows(pair[0].value) - rows(pair[1].value));
            }
            prop_assert!(apart.windows(2).all(|pair| pair[0] == pair[1]), "{apart:?}");
            for tick in &scale.axis.ticks {
                let (row, dot) = (scale.row(tick.value).unwrap(), scale.dot(tick.value).unwrap());
                // On the axis there are no dots: the lowest stands just above it.
                prop_assert_eq!(dot / 4, usize::from(row.min(rows - 1)));
            }
        }
    }
}
