//! `glassbox check`: validates, shows the spec with every key, tells the cost; starts nothing.
//! Standard output is a spec itself: `glassbox check quickstart > mine.toml` makes one's own.

mod study;

use std::fmt::Write as _;
use std::path::Path;

use super::print;
use crate::error::Result;
use crate::job::build;
use crate::job::estimate::{Estimate, Passes};
use crate::settings::Settings;
use crate::spec::{self, Comments, Spec};
use crate::tui::{number, text};

/// Checks `source`, a spec file or a preset, with `overrides` laid over it. Where runs live matters
/// only to a spec that names one.
pub fn run(source: &str, overrides: &[String], settings: &Settings) -> Result<()> {
    let mut spec = spec::load(source, overrides)?;
    spec.tensorboard.get_or_insert(settings.tensorboard);
    for warning in spec::warnings(&spec)? {
        print::talk(&format!("warning: {warning}"));
    }
    if spec.study.is_some() {
        return study::run(&spec, settings);
    }
    let runs = runs_of(&spec, settings)?;
    let estimate = build::estimate(&mut spec, runs)?;
    for note in &estimate.notes {
        print::talk(&format!("note: {note}"));
    }
    print::text(&render(&spec, &estimate))
}

fn runs_of<'s>(spec: &Spec, settings: &'s Settings) -> Result<&'s Path> {
    if names_a_run(spec) {
        return settings.runs_dir();
    }
    Ok(settings.runs_dir().unwrap_or(Path::new("")))
}

fn names_a_run(spec: &Spec) -> bool {
    let ranked = spec.neurons.as_ref().map(|section| &section.adversarial);
    let counted = spec.consistency.as_ref().map(|section| &section.adversarial);
    let traced = spec.trace.as_ref().map(|section| &section.adversarial);
    [spec.model.weights.as_ref(), ranked, counted, traced]
        .into_iter()
        .flatten()
        .any(|word| word.starts_with("run:"))
}

/// The spec with a comment on every key; what it will cost, as comments at its end.
fn render(spec: &Spec, estimate: &Estimate) -> String {
    let mut text = spec::to_toml(spec, Comments::On);
    text.push('\n');
    for line in cost(estimate) {
        let _ = writeln!(text, "# {line}");
    }
    let _ = writeln!(text, "# {TIME}");
    text
}

const TIME: &str = "time       measured as soon as it runs; `glassbox watch` shows what is left";

fn cost(estimate: &Estimate) -> Vec<String> {
    let count = |number: usize| number::count(number as u64);
    let bytes = |number: u64| number::bytes(number as f64);
    let [channels, height, width] = estimate.shape;
    let mut lines = vec![
        format!(
            "data       {} images to train on, {} to test on, {} classes, {channels}×{height}×{width}",
            count(estimate.train_images),
            count(estimate.test_images),
            estimate.classes.len()
        ),
        format!("classes    {}", names(&estimate.classes)),
        format!("network    {} weights; layers that can be read:", count(estimate.weights)),
    ];
    let names = estimate.taps.iter().map(|tap| match &tap.alias {
        Some(alias) => format!("{} = {alias}", tap.name),
        None => tap.name.clone(),
    });
    let names: Vec<String> = names.collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (tap, name) in estimate.taps.iter().zip(names) {
        let [channels, height, width] = tap.shape;
        lines
            .push(format!("             {name:<longest$} {channels:>4} neurons, {height}×{width}"));
    }
    if let Some(train) = estimate.train {
        lines.push(format!(
            "train      {} steps, {} an epoch, {} images; a checkpoint takes {}",
            count(train.steps),
            count(train.steps_an_epoch),
            count(train.images),
            bytes(train.checkpoint_bytes)
        ));
        if let Some(Passes { forward, gradient }) = train.attack {
            lines.push(format!(
                "             and as many attacked ones: {} forward, {} forward and back to make them",
                count(forward),
                count(gradient)
            ));
        }
    }
    if let Some(Passes { forward, gradient }) = estimate.evaluate {
        lines.push(format!(
            "evaluate   {} images forward, {} of them attacked first",
            count(forward),
            count(gradient)
        ));
    }
    if let Some(attack) = estimate.attack {
        lines.push(format!(
            "attack     {} adversarial PNGs, up to {}",
            count(attack.images),
            bytes(attack.most_bytes)
        ));
    }
    if let Some(neurons) = estimate.neurons {
        let real = if neurons.sides == 1 { "real" } else { "real and adversarial" };
        lines.push(format!(
            "neurons    {} in {}, {} {real} pictures to show",
            count(neurons.neurons),
            layers(neurons.layers),
            count(neurons.pictures)
        ));
    }
    if let Some(dissect) = estimate.dissect {
        lines.push(format!(
            "dissect    {} in {}, {} labelled images, {} concepts",
            count(dissect.neurons),
            layers(dissect.layers),
            count(dissect.images),
            count(dissect.concepts)
        ));
        if let Some(Passes { forward, gradient }) = dissect.attack {
            lines.push(format!(
                "             and as many attacked ones: {} forward, {} forward and back to make them",
                count(forward),
                count(gradient)
            ));
            lines.push(format!(
                "             {} adversarial PNGs, up to {}",
                count(dissect.images),
                bytes(dissect.most_bytes)
            ));
        }
    }
    if let Some(consistency) = estimate.consistency {
        let sides = if consistency.sides == 1 { "" } else { ", and their attacked versions" };
        lines.push(format!(
            "consistency {} in {}, {} images ranked{sides}",
            count(consistency.neurons),
            layers(consistency.layers),
            count(consistency.images)
        ));
    }
    if let Some(trace) = estimate.trace {
        let sides = if trace.sides == 1 { "" } else { ", and adversarial ones" };
        lines.push(format!(
            "trace      {} neurons, {} images answered{sides}, {} of the training split to compare",
            count(trace.neurons),
            count(trace.images),
            count(trace.reference)
        ));
        lines.push(format!(
            "             up to {} predictions traced: {} passes through what follows the layer",
            count(trace.predictions),
            count(trace.passes)
        ));
    }
    lines
}

fn layers(count: usize) -> String {
    if count == 1 { "1 layer".into() } else { format!("{count} layers") }
}

/// The first few names, each fit for the end of a comment.
fn names(classes: &[String]) -> String {
    // About what fits a line.
    const SHOWN: usize = 8;
    let shown: Vec<String> =
        classes.iter().take(SHOWN).map(|name| text::clean(name).into_owned()).collect();
    match classes.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::estimate::{
        AttackEstimate, ConsistencyEstimate, DissectEstimate, NeuronsEstimate, Tap, TraceEstimate,
        TrainEstimate,
    };
    use crate::spec::Document;

    fn example() -> Estimate {
        Estimate {
            train_images: 6000,
            test_images: 1000,
            classes: vec!["cat".into(), "dog".into()],
            notes: Vec::new(),
            shape: [3, 64, 64],
            weights: 98_540,
            taps: vec![Tap { name: "conv1".into(), alias: None, shape: [16, 32, 32] }],
            train: Some(TrainEstimate {
                steps_an_epoch: 94,
                steps: 752,
                images: 48_000,
                attack: Some(Passes { forward: 48_000, gradient: 336_000 }),
                checkpoint_bytes: 788_320,
            }),
            evaluate: Some(Passes { forward: 4000, gradient: 3000 }),
            attack: Some(AttackEstimate { images: 1000, most_bytes: 12_422_000 }),
            neurons: Some(NeuronsEstimate { layers: 1, neurons: 16, sides: 2, pictures: 288 }),
            dissect: Some(DissectEstimate {
                images: 500,
                concepts: 135,
                layers: 1,
                neurons: 16,
                attack: Some(Passes { forward: 500, gradient: 10_000 }),
                most_bytes: 6_211_000,
            }),
            consistency: Some(ConsistencyEstimate {
                layers: 2,
                neurons: 48,
                sides: 2,
                images: 1000,
            }),
            trace: Some(TraceEstimate {
                neurons: 128,
                images: 1000,
                sides: 2,
                reference: 5000,
                predictions: 600,
                passes: 153_600,
            }),
        }
    }

    #[test]
    fn what_is_printed_is_the_same_spec_again() {
        let spec = spec::load("quickstart", &["train.epochs=3".into()]).unwrap();
        let text = render(&spec, &example());
        let again = Document::parse("check", &text).unwrap().spec().unwrap();
        assert_eq!(again, spec, "{text}");
    }

    #[test]
    fn only_a_spec_that_names_a_run_needs_a_place_for_runs() {
        let spec = |set: &str| spec::load("quickstart", &[set.to_owned()]).unwrap();
        assert!(!names_a_run(&spec("seed=1")));
        assert!(names_a_run(&spec("model.weights='run:last'")));
        assert!(names_a_run(&spec("neurons.adversarial='run:last'")));
        assert!(names_a_run(&spec("consistency.adversarial='run:last'")));
        assert!(names_a_run(&spec("trace.adversarial='run:last'")));
    }

    #[test]
    fn the_cost_is_told_in_words() {
        let lines = cost(&example()).join("\n");
        for part in [
            "6,000 images",
            "752 steps",
            "770 KiB",
            "up to 11.8 MiB",
            "288 real and",
            "336,000 forward and back",
            "16 in 1 layer, 288 real and",
            "16 in 1 layer, 500 labelled images, 135 concepts",
            "10,000 forward and back",
            "500 adversarial PNGs, up to 5.9 MiB",
            "48 in 2 layers, 1,000 images ranked, and their attacked versions",
            "128 neurons, 1,000 images answered, and adversarial ones, 5,000 of the training split",
            "up to 600 predictions traced: 153,600 passes",
        ] {
            assert!(lines.contains(part), "{part} is not in\n{lines}");
        }
    }
}
