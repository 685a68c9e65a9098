//! The cost of a study: of each of its runs, and of all together.

use std::fmt::Write as _;

use super::{Passes, TIME, cost, print, runs_of};
use crate::error::Result;
use crate::job::estimate::Estimate;
use crate::job::study;
use crate::settings::Settings;
use crate::spec::study::members;
use crate::spec::{Comments, Spec, to_toml};
use crate::tui::number;

/// Prints the study with every key, and what it will cost.
pub(super) fn run(spec: &Spec, settings: &Settings) -> Result<()> {
    let mut text = to_toml(spec, Comments::On);
    let mut estimates = Vec::new();
    for member in members(spec)? {
        let name = member.name.clone();
        let from = member.weights_of();
        let from = from.map(|(name, which)| format!(", from the {which} weights of {name}"));
        let runs = runs_of(&member.spec, settings)?;
        let estimate = study::estimate(member, runs)?;
        for note in &estimate.notes {
            print::talk(&format!("note: {name}: {note}"));
        }
        let _ = writeln!(text, "\n# run {name}{}", from.unwrap_or_default());
        for line in cost(&estimate) {
            let _ = writeln!(text, "# {line}");
        }
        estimates.push(estimate);
    }
    let _ = writeln!(text, "\n# {} runs in all", estimates.len());
    for line in sum(&estimates) {
        let _ = writeln!(text, "# {line}");
    }
    let _ = writeln!(text, "# {TIME}");
    print::text(&text)
}

/// What can be added up.
fn sum(estimates: &[Estimate]) -> Vec<String> {
    let total =
        |of: fn(&Estimate) -> usize| number::count(estimates.iter().map(of).sum::<usize>() as u64);
    let mut lines = Vec::new();
    if estimates.iter().any(|estimate| estimate.train.is_some()) {
        lines.push(format!(
            "train      {} steps, {} images",
            total(|estimate| estimate.train.map_or(0, |train| train.steps)),
            total(|estimate| estimate.train.map_or(0, |train| train.images)),
        ));
    }
    if estimates.iter().any(|estimate| estimate.evaluate.is_some()) {
        lines.push(format!(
            "evaluate   {} images forward, {} of them attacked first",
            total(|estimate| estimate.evaluate.map_or(0, |Passes { forward, .. }| forward)),
            total(|estimate| estimate.evaluate.map_or(0, |Passes { gradient, .. }| gradient)),
        ));
    }
    let bytes = |of: fn(&Estimate) -> u64| estimates.iter().map(of).sum::<u64>();
    let bytes = bytes(|estimate| estimate.attack.map_or(0, |attack| attack.most_bytes))
        + bytes(|estimate| estimate.dissect.map_or(0, |dissect| dissect.most_bytes));
    if bytes > 0 {
        lines.push(format!("pictures   adversarial PNGs, up to {}", number::bytes(bytes as f64)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn the_runs_of_a_study_are_added_up() {
        let sets =
            ["data.train_images=16", "data.test_images=4", "train.epochs=2", "train.batch_size=8"];
        let mut sets: Vec<String> = sets.map(str::to_owned).to_vec();
        sets.push("study.runs=[{ name = 'a' }, { name = 'b', set = ['train.epochs=3'] }]".into());
        let spec = spec::load("quickstart", &sets).unwrap();
        let nowhere = std::path::Path::new("");
        let estimates: Vec<Estimate> = members(&spec)
            .unwrap()
            .into_iter()
            .map(|member| study::estimate(member, nowhere).unwrap())
            .collect();
        let lines = sum(&estimates).join("\n");
        // Two steps an epoch, of sixteen images.
        assert!(lines.contains("10 steps, 80 images"), "{lines}");
    }
}
