//! How often a checkpoint is written: `"1 epoch"`, `"500 steps"`, `"10 min"`.

use std::fmt;
use std::str::FromStr;

/// A distance between two checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Passes over the training split.
    Epochs(u64),
    /// Optimizer steps.
    Steps(u64),
    /// Wall-clock time.
    Seconds(u64),
}

impl FromStr for Interval {
    type Err = String;

    /// A whole number from 1 and a unit, singular or plural.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || "expected a number and a unit: '1 epoch', '500 steps', '10 min'".to_owned();
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| expected())?;
        if number == 0 {
            return Err("the number must be at least 1".into());
        }
        match unit.trim() {
            "epoch" | "epochs" => Ok(Self::Epochs(number)),
            "step" | "steps" => Ok(Self::Steps(number)),
            "s" | "second" | "seconds" => Ok(Self::Seconds(number)),
            "min" | "minute" | "minutes" => Ok(Self::Seconds(number.saturating_mul(60))),
            "h" | "hour" | "hours" => Ok(Self::Seconds(number.saturating_mul(3600))),
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match *self {
            Self::Epochs(number) => (number, "epoch"),
            Self::Steps(number) => (number, "step"),
            Self::Seconds(number) if number % 60 == 0 => return write!(f, "{} min", number / 60),
            Self::Seconds(number) => return write!(f, "{number} s"),
        };
        write!(f, "{number} {unit}{}", if number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::Interval;

    #[test]
    fn reads_a_number_and_a_unit() {
        assert_eq!("1 epoch".parse(), Ok(Interval::Epochs(1)));
        assert_eq!("500 steps".parse(), Ok(Interval::Steps(500)));
        assert_eq!("10min".parse(), Ok(Interval::Seconds(600)));
        for wrong in ["", "epoch", "0 epochs", "-1 epoch", "1.5 epochs", "10 parsecs"] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["1 epoch", "2 epochs", "500 steps", "10 min", "90 s"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
    }
}
