//! How numbers are written on the screen: few digits, always the same width for the same kind of
//! number, with units.

pub use crate::report::number::{duration, value};

/// A fraction of 0..1 in six characters: `0.9132`.
pub fn fraction(value: f64) -> String {
    format!("{value:.4}")
}

/// `43 %` of 0..1. Rounded down: 100 % is said of what is finished.
pub fn percent(fraction: f64) -> String {
    // So that 0.29, which is a little less in binary, is 29 %.
    format!("{} %", (fraction.clamp(0.0, 1.0) * 100.0 + 1e-9).floor())
}

/// A whole number with thousands apart: `1,204`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that leaves one to three digits before the point: `2.1 GiB`.
pub fn bytes(value: f64) -> String {
    let mut rest = value.max(0.0);
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if rest < 999.5 {
            return if unit == "B" || rest >= 99.95 {
                format!("{rest:.0} {unit}")
            } else {
                format!("{rest:.1} {unit}")
            };
        }
        rest /= 1024.0;
    }
    format!("{rest:.1} TiB")
}

/// A step on an axis: `0`, `250`, `5 k`, `1.5 M`.
pub fn steps(value: u64) -> String {
    let short = |divisor: f64, unit: &str| {
        let text = format!("{:.2}", value as f64 / divisor);
        format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match value {
        0..1_000 => value.to_string(),
        1_000..1_000_000 => short(1e3, "k"),
        _ => short(1e6, "M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_readable() {
        assert_eq!([0.0, 0.29, 0.996, 1.0].map(percent), ["0 %", "29 %", "99 %", "100 %"]);
        assert_eq!(count(0), "0");
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(bytes(2.1 * 1024.0 * 1024.0 * 1024.0), "2.1 GiB");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(duration(11_520.0), "3 h 12 m");
        assert_eq!(duration(725.0), "12 m 05 s");
        assert_eq!(duration(42.4), "42 s");
        assert_eq!(steps(5_000), "5 k");
        assert_eq!(steps(12_500), "12.5 k");
        assert_eq!(steps(1_500_000), "1.5 M");
    }
}
