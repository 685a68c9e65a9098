//! `glassbox runs`: the runs, newest first; broken folders with the reason.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{print, show};
use crate::error::Result;
use crate::run::folder::{Listed, RunFolder};
use crate::run::latest::{attack_of, latest};
use crate::run::state::Status;
use crate::tui::glyphs::{Glyphs, StatusSign};
use crate::tui::number;

/// Prints the runs under `root`.
pub fn run(root: &Path, glyphs: Glyphs, json: bool) -> Result<()> {
    let listed = RunFolder::list(root)?;
    if json {
        return print::json(&listed.iter().map(value).collect::<Vec<_>>());
    }
    if listed.is_empty() {
        print::talk(&format!(
            "no runs in '{}'\nhint: start one with: glassbox run quickstart",
            root.display()
        ));
        return Ok(());
    }
    let headings = ["ID", "STATUS", ">DONE", ">LEFT", ">TOP1", ">UNDER ATTACK", ">AGE", "TITLE"];
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    print::text(&glyphs.text(&print::table(&headings, &rows)))
}

fn value(listed: &Listed) -> Value {
    match &listed.run {
        Ok((folder, info, state, status)) => show::brief(folder, info, state, *status),
        Err(error) => json!({
            "id": listed.id,
            "status": "unreadable",
            "error": { "message": error.message, "hint": error.hint },
        }),
    }
}

fn row(listed: &Listed) -> Vec<String> {
    let (folder, info, state, status) = match &listed.run {
        Ok(run) => run,
        Err(error) => {
            let mut row = vec![listed.id.clone(), "! unreadable".into()];
            row.resize(7, String::new());
            row.push(error.message.clone());
            return row;
        }
    };
    let metrics = latest(folder.path());
    let metric =
        |name: &str| metrics.get(name).map_or("–".to_owned(), |value| number::fraction(*value));
    let sign = StatusSign::of(*status);
    let left = state.eta_s.filter(|_| *status == Status::Running);
    vec![
        listed.id.clone(),
        format!("{} {}", sign.symbol, sign.word),
        number::percent(state.progress),
        left.map_or("–".to_owned(), number::duration),
        metric("top1"),
        under_attack(folder.path(), &metrics),
        age(&info.created).map_or("–".to_owned(), number::duration),
        info.title.clone(),
    ]
}

/// The adversarial top-1 and the attack that it is under.
fn under_attack(folder: &Path, metrics: &BTreeMap<String, f64>) -> String {
    match (metrics.get("adversarial_top1"), attack_of(folder)) {
        (Some(top1), Some(attack)) => format!("{} {attack}", number::fraction(*top1)),
        (Some(top1), None) => number::fraction(*top1),
        (None, _) => "–".to_owned(),
    }
}

/// Seconds since an RFC 3339 time; `None` = it is none.
fn age(created: &str) -> Option<f64> {
    let created: jiff::Timestamp = created.parse().ok()?;
    Some(jiff::Timestamp::now().duration_since(created).as_secs_f64())
}
