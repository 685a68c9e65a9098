//! `glassbox show`: one run: state, last metrics, results.

mod concepts;
mod study;
mod trace;

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::print;
use crate::error::Result;
use crate::run::folder::RunFolder;
use crate::run::info::RunInfo;
use crate::run::latest::latest;
use crate::run::results::attack::Attack;
use crate::run::results::consistency::Consistency;
use crate::run::results::dissect::Dissect;
use crate::run::results::evaluate::{Evaluate, Network};
use crate::run::results::neurons::Neurons;
use crate::run::results::trace::Trace;
use crate::run::results::warning::Warning;
use crate::run::state::{State, Status};
use crate::spec::{self, Spec};
use crate::tui::glyphs::Glyphs;
use crate::tui::{number, text};

/// Prints a run.
pub fn run(folder: &RunFolder, glyphs: Glyphs, json: bool) -> Result<()> {
    if json { print::json(&whole(folder)?) } else { print::text(&summary(folder, glyphs)?) }
}

/// What every list and every `--json` says of a run.
pub(super) fn brief(folder: &RunFolder, info: &RunInfo, state: &State, status: Status) -> Value {
    json!({
        "id": folder.id(),
        "title": info.title,
        "created": info.created,
        // A path need not be UTF-8, JSON must.
        "folder": folder.path().to_string_lossy(),
        "device": info.device,
        "status": status.word(),
        "stage": state.stage,
        "progress": state.progress,
        "step": state.step,
        "steps": state.steps,
        "eta_s": state.eta_s,
        "reason": state.reason,
        "error": state.error,
        "metrics": latest(folder.path()),
    })
}

/// The same with the results, each as its file has it.
pub(super) fn whole(folder: &RunFolder) -> Result<Value> {
    let (state, status) = folder.status()?;
    let mut value = brief(folder, &folder.info()?, &state, status);
    let mut results = serde_json::Map::new();
    for name in spec::help::STAGES {
        if let Some(result) = folder.result::<Value>(name)? {
            results.insert((*name).into(), result);
        }
    }
    if let Some(of_study) = study::value(folder)? {
        let result = folder.result::<Value>("study")?.unwrap_or_default();
        results.insert("study".into(), result);
        value["runs"] = of_study;
    }
    value["results"] = Value::Object(results);
    Ok(value)
}

/// The same for people.
pub(super) fn summary(folder: &RunFolder, glyphs: Glyphs) -> Result<String> {
    let info = folder.info()?;
    let (state, status) = folder.status()?;
    let metrics = latest(folder.path());
    let longest = metrics.keys().map(|name| text::width(name)).max().unwrap_or(0);
    let column = (longest + 2).max(12);
    let mut out = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "{}{}", text::pad(name, column), text::clean(value));
    };
    row("run", &folder.id());
    row("title", &info.title);
    row("status", &standing(&state, status));
    if let Some(error) = &state.error {
        row("error", &error.message);
        if let Some(hint) = &error.hint {
            row("hint", hint);
        }
    }
    row("created", &format!("{} on {}", info.created, info.host));
    row("device", &info.device);
    row("folder", &folder.path().display().to_string());
    let spec = spec::read_resolved(&folder.path().join("spec.toml"));
    // Each run of a study has its own network.
    if let Some(spec) = spec.ok().filter(|spec| spec.study.is_none()) {
        row("network", &network(&spec));
        row("input", &input(&spec));
    }
    for (name, value) in metrics {
        row(&name, &shown(&name, value));
    }
    out += &study::table(folder)?;
    out += &results(folder)?;
    Ok(glyphs.text(&out))
}

/// `shapesnet, 16 classes, weights a.pth`.
fn network(spec: &Spec) -> String {
    let model = &spec.model;
    let classes = model.classes.map(|classes| format!(", {classes} classes")).unwrap_or_default();
    let from = model.weights.as_ref().map(|from| format!(", weights {from}")).unwrap_or_default();
    format!("{}{classes}{from}", spec::word(model.arch))
}

/// `64×64, mean 0.5, 0.5, 0.5, std 0.25, 0.25, 0.25`.
fn input(spec: &Spec) -> String {
    let numbers = |values: &Option<Vec<f64>>| {
        let values: Vec<String> = values.iter().flatten().map(f64::to_string).collect();
        values.join(", ")
    };
    let size = spec.data.image_size.unwrap_or_default();
    let (mean, std) = (numbers(&spec.model.mean), numbers(&spec.model.std));
    format!("{size}×{size}, mean {mean}, std {std}")
}

/// Where a run is, in words: `running: train, 43 %, 2 m 05 s left`.
pub(super) fn standing(state: &State, status: Status) -> String {
    let mut parts = Vec::new();
    if let Some(reason) = state.reason.as_ref().filter(|_| status == Status::Queued) {
        parts.push(reason.clone());
    } else if status != Status::Finished {
        parts.extend(state.stage.clone());
        parts.push(number::percent(state.progress));
    }
    if let Some(eta) = state.eta_s.filter(|_| status == Status::Running) {
        parts.push(format!("{} left", number::duration(eta)));
    }
    let word = status.word();
    if parts.is_empty() { word.into() } else { format!("{word}: {}", parts.join(", ")) }
}

/// A metric with its unit.
pub(super) fn shown(name: &str, value: f64) -> String {
    if name.ends_with("_bytes") {
        number::bytes(value)
    } else if name.contains("top") {
        number::fraction(value)
    } else {
        number::value(value)
    }
}

fn results(folder: &RunFolder) -> Result<String> {
    let mut out = String::new();
    if let Some(evaluate) = folder.result::<Evaluate>("evaluate")? {
        let features = evaluate.rows.iter().any(|row| row.feature_distance.is_some());
        let rows: Vec<Vec<String>> = evaluate
            .rows
            .iter()
            .map(|row| {
                let l2 = row.norm == "l2";
                let most = if l2 { row.l2_max } else { row.linf_max };
                let moved = row.feature_distance.map_or("–".to_owned(), number::value);
                let mut cells = vec![
                    row.attack.clone(),
                    row.epsilon.to_string(),
                    number::fraction(row.top1),
                    interval(row.interval()),
                    number::fraction(row.top5),
                    number::count(row.images),
                    format!("{}{}", number::value(most), if l2 { " l2" } else { "" }),
                ];
                cells.extend(features.then_some(moved));
                cells.push(marks(row.warnings.len()));
                cells
            })
            .collect();
        let mut headings =
            vec!["ATTACK", ">EPSILON", ">TOP1", "95 %", ">TOP5", ">IMAGES", ">LARGEST CHANGE"];
        headings.extend(features.then_some(">FEATURES MOVED"));
        headings.push("WARNINGS");
        let _ = write!(out, "\n{}", print::table(&headings, &rows));
        out += &left_out(evaluate.damaged, "test split");
        out += &curve(&evaluate);
        out += &transfer(&evaluate);
        for (about, warning) in evaluate.warnings() {
            out += &doubt(&about, warning);
        }
    }
    if let Some(attack) = folder.result::<Attack>("attack")? {
        let _ = writeln!(
            out,
            "\n{}: {} images, {:.1} % fooled; largest change {}",
            text::clean(&attack.name()),
            number::count(attack.images),
            100.0 * attack.success_rate,
            attack.largest_change(),
        );
        out += &left_out(attack.damaged, "test split");
        for model in attack.models.iter().filter(|_| attack.models.len() > 1) {
            let _ = writeln!(
                out,
                "  {}: top-1 {} → {}{}",
                text::clean(&model.arch),
                number::fraction(model.top1_clean),
                number::fraction(model.top1_adversarial),
                if model.white_box { "" } else { " (transfer)" }
            );
        }
        for warning in &attack.warnings {
            out += &doubt(&attack.name(), warning);
        }
    }
    if let Some(neurons) = folder.result::<Neurons>("neurons")? {
        let layers: Vec<String> = neurons
            .layers
            .iter()
            .map(|layer| format!("{} ({})", text::clean(&layer.layer), layer.neurons.len()))
            .collect();
        let _ = writeln!(out, "\nneurons of {}", layers.join(", "));
        out += &left_out(neurons.damaged, "test split");
    }
    if let Some(dissect) = folder.result::<Dissect>("dissect")? {
        out += &concepts::dissection(&dissect);
    }
    if let Some(consistency) = folder.result::<Consistency>("consistency")? {
        out += &concepts::consistency(&consistency);
    }
    if let Some(trace) = folder.result::<Trace>("trace")? {
        out += &trace::trace(&trace);
    }
    Ok(out)
}

/// What the numbers above are not over.
fn left_out(damaged: u64, of: &str) -> String {
    match damaged {
        0 => String::new(),
        1 => format!("  without 1 damaged image of the {of}, see log.txt\n"),
        _ => {
            let count = number::count(damaged);
            format!("  without {count} damaged images of the {of}, see log.txt\n")
        }
    }
}

/// `0.0850–0.0962`
fn interval([low, high]: [f64; 2]) -> String {
    format!("{}–{}", number::fraction(low), number::fraction(high))
}

/// A sign for each warning, which stand below.
fn marks(warnings: usize) -> String {
    "!".repeat(warnings)
}

fn doubt(about: &str, warning: &Warning) -> String {
    format!(
        "\nwarning: {}: {}\n    try: {}\n",
        text::clean(about),
        text::clean(&warning.message),
        text::clean(&warning.remedy)
    )
}

/// Accuracy against epsilon, a line a point.
fn curve(evaluate: &Evaluate) -> String {
    let Some(curve) = &evaluate.curve else { return String::new() };
    let rows: Vec<Vec<String>> = curve
        .points
        .iter()
        .map(|point| {
            vec![
                curve.attack.clone(),
                point.epsilon.to_string(),
                number::fraction(point.top1),
                interval(point.top1_interval),
                number::count(point.images),
            ]
        })
        .collect();
    let headings = ["CURVE", ">EPSILON", ">TOP1", "95 %", ">IMAGES"];
    format!("\n{}", print::table(&headings, &rows))
}

/// Who is fooled by images made on whom.
fn transfer(evaluate: &Evaluate) -> String {
    let Some(transfer) = &evaluate.transfer else { return String::new() };
    let name = |network: &Network| match &network.weights {
        Some(weights) => {
            format!("{} {}", network.arch, weights.rsplit('/').next().unwrap_or(weights))
        }
        None => network.arch.clone(),
    };
    let mut headings = vec!["MADE ON ↓ TOP1 OF →".to_owned()];
    headings.extend(transfer.targets.iter().map(|target| format!(">{}", name(target))));
    let mut rows = vec![line("no attack", transfer.clean_top1.iter().copied())];
    for (source, top1) in transfer.sources.iter().zip(&transfer.top1) {
        rows.push(line(&name(source), top1.iter().copied()));
    }
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    format!("\n{}", print::table(&headings, &rows))
}

fn line(name: &str, numbers: impl Iterator<Item = f64>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(numbers.map(number::fraction)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_says_in_words_where_it_is() {
        let waiting = State::queued(Some("waits for cpu".into()));
        assert_eq!(standing(&waiting, Status::Queued), "queued: waits for cpu");
        let running = State {
            status: Status::Running,
            stage: Some("train".into()),
            progress: 0.999,
            eta_s: Some(125.0),
            reason: None,
            ..waiting
        };
        assert_eq!(standing(&running, Status::Running), "running: train, 99 %, 2 m 05 s left");
        assert_eq!(standing(&running, Status::Lost), "lost: train, 99 %");
        assert_eq!(standing(&running, Status::Finished), "finished");
    }
}
