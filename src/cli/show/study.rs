//! A study's runs: where each is, and the numbers by which one knows it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{brief, print, standing};
use crate::error::Result;
use crate::run::folder::RunFolder;
use crate::run::latest::{attack_of, latest};
use crate::run::study;
use crate::spec;
use crate::tui::number;

/// The runs of a study, in their order: those not started yet have no run. `None` = it is no study.
fn runs(folder: &RunFolder) -> Result<Option<Vec<(String, Option<RunFolder>)>>> {
    let Some(started) = study::read(folder)? else { return Ok(None) };
    let spec = spec::read_resolved(&folder.path().join("spec.toml"))?;
    let names = spec.study.into_iter().flat_map(|study| study.runs).map(|run| run.name);
    let found = names.map(|name| {
        let id = started.runs.iter().find(|run| run.name == name).map(|run| &run.run);
        // One that is gone is shown as one that is not there.
        let run = id.and_then(|id| study::open(folder, id).ok());
        (name, run)
    });
    Ok(Some(found.collect()))
}

/// Each as every list says it, with its name in the study.
pub(super) fn value(folder: &RunFolder) -> Result<Option<Value>> {
    let Some(runs) = runs(folder)? else { return Ok(None) };
    let mut values = Vec::new();
    for (name, run) in runs {
        let mut value = match run {
            Some(run) => {
                let (state, status) = run.status()?;
                brief(&run, &run.info()?, &state, status)
            }
            None => json!({ "id": null }),
        };
        value["name"] = name.into();
        values.push(value);
    }
    Ok(Some(values.into()))
}

/// The same for people; empty for a run that is no study.
pub(super) fn table(folder: &RunFolder) -> Result<String> {
    let Some(runs) = runs(folder)? else { return Ok(String::new()) };
    let mut rows = Vec::new();
    for (name, run) in runs {
        let Some(run) = run else {
            rows.push(vec![name, "–".into(), "not started".into(), "–".into(), "–".into()]);
            continue;
        };
        let (state, status) = run.status()?;
        let metrics = latest(run.path());
        rows.push(vec![
            name,
            run.id(),
            standing(&state, status),
            metrics.get("top1").map_or("–".to_owned(), |top1| number::fraction(*top1)),
            under_attack(&run, &metrics),
        ]);
    }
    let headings = ["RUN", "ID", "STATUS", ">TOP1", "UNDER ATTACK"];
    Ok(format!("\n{}", print::table(&headings, &rows)))
}

/// The adversarial top-1 and the attack that it is under.
fn under_attack(run: &RunFolder, metrics: &BTreeMap<String, f64>) -> String {
    let Some(top1) = metrics.get("adversarial_top1") else { return "–".into() };
    let attack = attack_of(run.path()).map_or_else(String::new, |attack| format!(" {attack}"));
    format!("{}{attack}", number::fraction(*top1))
}
