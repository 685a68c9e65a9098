//! `glassbox show`: one run: state, last metrics, results.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::print;
use crate::error::Result;
use crate::run::folder::RunFolder;
use crate::run::info::RunInfo;
use crate::run::latest::latest;
use crate::run::results::attack::Attack;
use crate::run::results::evaluate::Evaluate;
use crate::run::results::neurons::Neurons;
use crate::run::state::{State, Status};
use crate::spec::{self, Spec};
use crate::tui::{number, text};

/// Prints a run.
pub fn run(folder: &RunFolder, json: bool) -> Result<()> {
    if json { print::json(&whole(folder)?) } else { print::text(&summary(folder)?) }
}

/// What every list and every `--json` says of a run.
pub(super) fn brief(folder: &RunFolder, info: &RunInfo, state: &State, status: Status) -> Value {
    json!({
        "id": folder.id(),
        "title": info.title,
        "created": info.created,
        "folder": folder.path(),
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
    for name in ["evaluate", "attack", "neurons"] {
        if let Some(result) = folder.result::<Value>(name)? {
            results.insert(name.into(), result);
        }
    }
    value["results"] = Value::Object(results);
    Ok(value)
}

/// The same for people.
pub(super) fn summary(folder: &RunFolder) -> Result<String> {
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
    if let Ok(spec) = spec::read_resolved(&folder.path().join("spec.toml")) {
        row("network", &network(&spec));
        row("input", &input(&spec));
    }
    for (name, value) in metrics {
        row(&name, &shown(&name, value));
    }
    out += &results(folder)?;
    Ok(out)
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
        parts.push(percent(state.progress));
    }
    if let Some(eta) = state.eta_s.filter(|_| status == Status::Running) {
        parts.push(format!("{} left", number::duration(eta)));
    }
    let word = status.word();
    if parts.is_empty() { word.into() } else { format!("{word}: {}", parts.join(", ")) }
}

/// `43 %`. Rounded down: 100 % is said of what is finished.
pub(super) fn percent(fraction: f64) -> String {
    format!("{} %", (fraction.clamp(0.0, 1.0) * 100.0).floor())
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
                let moved = row.feature_distance.map_or("–".to_owned(), number::value);
                let mut cells = vec![
                    row.attack.clone(),
                    row.epsilon.to_string(),
                    number::fraction(row.top1),
                    number::fraction(row.top5),
                    number::count(row.images),
                    number::value(row.linf_max),
                ];
                cells.extend(features.then_some(moved));
                cells
            })
            .collect();
        let mut headings =
            vec!["ATTACK", ">EPSILON", ">TOP1", ">TOP5", ">IMAGES", ">LARGEST CHANGE"];
        headings.extend(features.then_some(">FEATURES MOVED"));
        let _ = write!(out, "\n{}", print::table(&headings, &rows));
    }
    if let Some(attack) = folder.result::<Attack>("attack")? {
        let _ = writeln!(
            out,
            "\n{} at epsilon {}: {} images, {} fooled; largest change {} of 255",
            text::clean(&attack.method),
            attack.epsilon,
            number::count(attack.images),
            percent(attack.success_rate),
            number::value(attack.linf_max),
        );
    }
    if let Some(neurons) = folder.result::<Neurons>("neurons")? {
        let layers: Vec<String> = neurons
            .layers
            .iter()
            .map(|layer| format!("{} ({})", text::clean(&layer.layer), layer.neurons.len()))
            .collect();
        let _ = writeln!(out, "\nneurons of {}", layers.join(", "));
    }
    Ok(out)
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
