//! How measured values are written, in figures and on the screen: one value, one number.

/// A measured value in at most six characters: `2.113`, `0.0713`, `1204`, `3.1e-5`.
pub fn value(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else if value > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    match size {
        0.0 => "0.000".into(),
        _ if size < 0.000_95 => scientific(value),
        _ if size < 0.999_95 => format!("{value:.4}"),
        _ if size < 9.9995 => format!("{value:.3}"),
        _ if size < 99.995 => format!("{value:.2}"),
        _ if size < 999.95 => format!("{value:.1}"),
        _ if size < 99_999.5 => format!("{value:.0}"),
        _ => scientific(value),
    }
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.1e}");
    if text.len() <= 6 { text } else { format!("{value:.0e}") }
}

/// A stretch of time in its two largest units: `3 h 12 m`, `12 m 05 s`, `42 s`.
pub fn duration(seconds: f64) -> String {
    let total =
        if seconds.is_finite() { seconds.max(0.0).round() as u64 } else { return "–".into() };
    let (days, hours) = (total / 86_400, total / 3_600 % 24);
    let (minutes, seconds) = (total / 60 % 60, total % 60);
    if days > 0 {
        format!("{days} d {hours:02} h")
    } else if hours > 0 {
        format!("{hours} h {minutes:02} m")
    } else if minutes > 0 {
        format!("{minutes} m {seconds:02} s")
    } else {
        format!("{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_to_six_characters() {
        for exponent in -40..40 {
            for mantissa in [1.0, 1.5, 4.999_96, 9.999_96, 99_999.5] {
                let text = value(mantissa * 10_f64.powi(exponent));
                assert!(text.len() <= 6, "{text}");
            }
        }
        assert_eq!(value(2.113_4), "2.113");
        assert_eq!(value(0.071_32), "0.0713");
        assert_eq!(value(0.999_99), "1.000");
        assert_eq!(value(f64::NAN), "NaN");
    }
}
