//! A layer's means: LC and consis of real and of adversarial images, CS1, CS2, with their intervals.
//!
//! ```text
//! LC      0.184 [0.171, 0.198] → 0.092 [0.081, 0.104]   −0.092 [−0.105, −0.080]
//! CS1     0.612 [0.590, 0.633]
//! ```

use super::shown::Shown;
use crate::run::results::consistency::{Consistency, Estimate, Means};
use crate::tui::number;
use crate::tui::text;
use crate::tui::theme::Role;

/// Cells of the longest line, and of one without the interval of the change.
const LONG: usize = 76;
const MIDDLE: usize = 57;

/// `0.184 [0.171, 0.198]`; `0.184 [–]`: of too few neurons for an interval.
pub(super) fn interval(estimate: &Estimate) -> String {
    match estimate.interval {
        Some([low, high]) => format!("{:.3} [{low:.3}, {high:.3}]", estimate.mean),
        None => format!("{:.3} [–]", estimate.mean),
    }
}

/// The same with its sign: of a change.
fn change(estimate: &Estimate, with_interval: bool) -> String {
    let signed = |value: f64| {
        let sign = if value < 0.0 { "−" } else { "+" };
        format!("{sign}{:.3}", value.abs())
    };
    let mean = signed(estimate.mean);
    match estimate.interval.filter(|_| with_interval) {
        Some([low, high]) => format!("{mean} [{}, {}]", signed(low), signed(high)),
        None => mean,
    }
}

/// Of every run that has them. Of several the LC of each comes first: what does not fit is cut off at
/// the end.
pub(super) fn lines(shown: &Shown<'_>, room: usize) -> Vec<(Role, String)> {
    let runs = shown.runs();
    let several = runs.len() > 1;
    let (mut lines, mut rest) = (Vec::new(), Vec::new());
    for (at, seen) in runs.iter().enumerate() {
        let (Some(results), Some(layer)) =
            (seen.detail.consistency.as_deref(), seen.meanings.levels)
        else {
            continue;
        };
        let (all, silent) = (layer.neurons.len(), layer.silent);
        let heard = all.saturating_sub(silent);
        let mut head = about(results, heard);
        if several {
            head = format!("{} {} · {head}", at + 1, seen.name());
        }
        if seen.detail.unreadable.contains_key("consistency") {
            head += " · a newer consistency.json cannot be read";
        }
        lines.push((Role::Muted, text::fit(&head, room)));
        if let Some(few) = results.few() {
            let words = format!("{few} images a neuron are few: LC is high whatever it does");
            lines.push((Role::Warning, text::fit(&words, room)));
        }
        if silent > 0 {
            let words = format!("{silent} of {all} neurons silent, in no mean");
            lines.push((Role::Warning, text::fit(&words, room)));
        }
        // Of none there is no mean.
        if heard > 0 {
            let number = if several { format!("{} ", at + 1) } else { String::new() };
            let means = of_means(&layer.mean, room.saturating_sub(number.len()));
            let mut means = means.into_iter().map(|line| (Role::Text, format!("{number}{line}")));
            lines.extend(means.next());
            rest.extend(means);
            if !several {
                lines.append(&mut rest);
            }
        }
    }
    lines.append(&mut rest);
    lines
}

/// What the means are over.
fn about(results: &Consistency, neurons: usize) -> String {
    let [real, adversarial] = results.top;
    let mut words = format!(
        "means of {} neurons, top {} of {} images",
        number::count(neurons as u64),
        number::count(real),
        number::count(results.real_images)
    );
    if results.adversarial_images > 0 {
        words = format!("{words} → {} adversarial", number::count(adversarial));
    }
    words = format!("{words} · {}, sigma {}", results.kernel, results.sigma);
    if results.against == "prediction" {
        words += " · CS2 against the prediction";
    }
    words
}

fn of_means(means: &Means, room: usize) -> Vec<String> {
    let pair = |word: &str,
                real: &Estimate,
                adversarial: Option<&Estimate>,
                changed: Option<&Estimate>| {
        let Some(adversarial) = adversarial else {
            return format!("{word:<7}{}", interval(real));
        };
        let mut line = if room >= MIDDLE {
            format!("{word:<7}{} → {}", interval(real), interval(adversarial))
        } else {
            format!("{word:<7}{:.3} → {:.3}", real.mean, adversarial.mean)
        };
        if let Some(changed) = changed {
            line = format!("{line} {}", change(changed, room >= LONG));
        }
        line
    };
    let mut lines = vec![
        pair("LC", &means.lc, means.adversarial_lc.as_ref(), means.lc_change.as_ref()),
        pair(
            "consis",
            &means.consistency,
            means.adversarial_consistency.as_ref(),
            means.consistency_change.as_ref(),
        ),
    ];
    let alone = [("CS1", means.cs1.as_ref()), ("CS2", means.cs2.as_ref())];
    let alone: Vec<String> = alone
        .iter()
        .filter_map(|(word, estimate)| Some(format!("{word:<7}{}", interval((*estimate)?))))
        .collect();
    let beside = alone.join("   ");
    if text::width(&beside) <= room {
        lines.extend((!beside.is_empty()).then_some(beside));
    } else {
        lines.extend(alone);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_with_its_sign() {
        let fall = Estimate { mean: -0.092, interval: Some([-0.105, 0.001]) };
        assert_eq!(change(&fall, true), "−0.092 [−0.105, +0.001]");
        assert_eq!(change(&fall, false), "−0.092");
        let of_few = Estimate { interval: None, ..fall };
        assert_eq!(change(&of_few, true), "−0.092");
        assert_eq!(interval(&of_few), "-0.092 [–]");
    }

    #[test]
    fn lines_are_as_long_as_there_is_room() {
        let lc = Estimate { mean: 0.184, interval: Some([0.171, 0.198]) };
        let attacked = Estimate { mean: 0.092, interval: Some([0.081, 0.104]) };
        let fall = Estimate { mean: -0.092, interval: Some([-0.105, -0.08]) };
        let means = Means {
            lc,
            consistency: lc,
            adversarial_lc: Some(attacked),
            lc_change: Some(fall),
            cs1: Some(lc),
            cs2: Some(lc),
            ..Means::default()
        };
        for room in [30, 57, 76, 100] {
            let lines = of_means(&means, room);
            assert!(lines.iter().all(|line| text::width(line) <= room), "{room}: {lines:?}");
        }
        assert_eq!(
            of_means(&means, 80)[0],
            "LC     0.184 [0.171, 0.198] → 0.092 [0.081, 0.104] −0.092 [−0.105, −0.080]"
        );
        assert_eq!(of_means(&Means::default(), 80).len(), 2);
    }
}
