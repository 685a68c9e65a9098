//! How a run was made: its settings, versions, machine and times, and how its training went. Read
//! from `run.json`, `state.json`, `spec.toml` and `events.jsonl`; a folder of an older version knows
//! less, and then less is said.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::run::event::{self, Event};
use crate::run::folder::RunFolder;
use crate::run::state::{Machine, StageTime};
use crate::spec::{Best, Spec};

/// How a run was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facts {
    /// The run's id.
    pub run: String,
    /// This crate's version that made the folder.
    pub glassbox: String,
    /// The folder's format.
    pub format: u32,
    /// RFC 3339, with offset.
    pub created: String,
    /// `finished`
    pub status: String,
    /// The host that created it.
    pub host: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// What the worker ran on, if it has told.
    pub machine: Option<Machine>,
    /// The command line.
    pub argv: Vec<String>,
    /// How long each stage took, if the worker has told.
    pub times: Vec<StageTime>,
    /// Every key of the resolved spec with its value as TOML, in the file's order of keys.
    pub settings: Vec<(String, String)>,
    /// How the training went, if it has been trained.
    pub training: Option<Training>,
}

/// What the events of a training say.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Training {
    /// The metric that chose the best checkpoint.
    pub chosen_by: String,
    /// Optimizer steps.
    pub steps: u64,
    /// Mean of `images_per_second` over its events.
    pub images_per_second: Option<f64>,
    /// The looks at the held-out or test images: the one with the best [`Self::chosen_by`], and the
    /// last one.
    pub looks: Vec<Look>,
}

/// What was measured after an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Look {
    /// `best` or `last`.
    pub which: String,
    /// The optimizer step.
    pub step: u64,
    /// By name, as the events have them.
    pub metrics: BTreeMap<String, f64>,
}

/// What is measured of a look, in the order of the table.
pub(super) const LOOKED_AT: [&str; 7] =
    ["test_loss", "top1", "top5", "adversarial_top1", "fgsm_top1", "pgd_top1", "feature_distance"];

/// Of a run; its `state.json` may be missing.
pub(super) fn of(folder: &RunFolder, spec: &Spec) -> Result<Facts> {
    let info = folder.info()?;
    let state = folder.status().ok();
    let (times, machine, status) = match state {
        Some((state, status)) => (state.times, state.machine, status.word().to_owned()),
        None => (Vec::new(), None, String::new()),
    };
    let training = match &spec.train {
        Some(train) => {
            // A folder of an older version does not say.
            let chosen_by = crate::spec::word(train.best.unwrap_or(Best::Top1));
            training(event::read(folder.path())?, chosen_by)?
        }
        None => None,
    };
    Ok(Facts {
        run: folder.id(),
        glassbox: info.versions.glassbox,
        format: info.versions.format,
        created: info.created,
        status,
        host: info.host,
        device: info.device,
        machine,
        argv: info.argv,
        times,
        settings: settings(&folder.spec()?),
        training,
    })
}

/// One pass, since a history may be larger than memory: of it only looks are kept.
fn training(
    events: impl Iterator<Item = Result<Event>>,
    chosen_by: String,
) -> Result<Option<Training>> {
    let mut steps: Option<u64> = None;
    let (mut sum, mut count) = (0.0, 0_u64);
    // A look writes several lines at one step; after a resume the later line wins.
    let mut looks: BTreeMap<u64, BTreeMap<String, f64>> = BTreeMap::new();
    for event in events {
        let event = event?;
        if event.stage != "train" {
            continue;
        }
        steps = steps.max(Some(event.step));
        for (name, value) in event.metrics {
            if name == "images_per_second" {
                sum += value;
                count += 1;
            } else if LOOKED_AT.contains(&name.as_str()) {
                looks.entry(event.step).or_default().insert(name, value);
            }
        }
    }
    let Some(steps) = steps else { return Ok(None) };
    let speed = (count > 0).then(|| sum / count as f64);
    // Probes within an epoch choose nothing.
    looks.retain(|_, metrics| metrics.contains_key("top1"));
    let merit = |step: &u64| merit(&looks[step], &chosen_by);
    let better = |a: &&u64, b: &&u64| {
        let of = |step: &u64| merit(step).unwrap_or(f64::NEG_INFINITY);
        // Of equals the earlier one, which is the one that is kept.
        of(a).total_cmp(&of(b)).then(b.cmp(a))
    };
    let measured = |step: &&u64| merit(step).is_some();
    let look = |which: &str, step: u64| Look {
        which: which.into(),
        step,
        metrics: looks.get(&step).cloned().unwrap_or_default(),
    };
    let best = looks.keys().filter(measured).max_by(better).map(|step| look("best", *step));
    let last = looks.keys().next_back().map(|step| look("last", *step));
    let looks = best.into_iter().chain(last).collect();
    Ok(Some(Training { chosen_by, steps, images_per_second: speed, looks }))
}

/// What chose the best weights: of several attacks, the accuracy under the one that leaves the lowest.
fn merit(metrics: &BTreeMap<String, f64>, chosen_by: &str) -> Option<f64> {
    let names: &[&str] = match chosen_by {
        "adversarial_top1" => &["adversarial_top1", "fgsm_top1", "pgd_top1"],
        other => &[other],
    };
    names.iter().filter_map(|name| metrics.get(*name).copied()).min_by(f64::total_cmp)
}

/// Every value of a TOML text under its whole key: `evaluate.attacks[0].epsilon`.
fn settings(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        flatten("", &toml::Value::Table(table), &mut all);
    }
    all
}

fn flatten(key: &str, value: &toml::Value, all: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            // Plain values before sections, as a TOML file has them.
            let (sections, plain): (Vec<_>, Vec<_>) =
                table.iter().partition(|(_, value)| is_section(value));
            for (name, value) in plain.into_iter().chain(sections) {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, all);
            }
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (at, item) in items.iter().enumerate() {
                flatten(&format!("{key}[{at}]"), item, all);
            }
        }
        value => all.push((key.to_owned(), value.to_string())),
    }
}

fn is_section(value: &toml::Value) -> bool {
    value.is_table()
        || value.as_array().is_some_and(|items| items.iter().any(toml::Value::is_table))
}

/// The keys whose values differ between runs, with the value of each run, `–` where it has none: in
/// the order of the first run that has the key.
pub(super) fn differing(facts: &[Facts]) -> Vec<(String, Vec<String>)> {
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in facts.iter().flat_map(|of| &of.settings) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let value = |of: &Facts, key: &String| {
        let found = of.settings.iter().find(|(name, _)| name == key);
        found.map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
    };
    keys.into_iter()
        .filter_map(|key| {
            let values: Vec<String> = facts.iter().map(|of| value(of, key)).collect();
            let differ = values.iter().any(|value| *value != values[0]);
            differ.then(|| (key.clone(), values))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_flat_and_plain_values_come_first() {
        let text = "seed = 1\n[data]\nmean = [0.5, 1]\n[[evaluate.attacks]]\nmethod = 'fgsm'\n";
        let all = settings(text);
        let shown: Vec<String> = all.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected = ["seed=1", "data.mean=[0.5, 1]", "evaluate.attacks[0].method=\"fgsm\""];
        assert_eq!(shown, expected);
    }

    #[test]
    fn keys_that_differ_are_told_with_what_is_missing() {
        let of = |pairs: &[(&str, &str)]| Facts {
            settings: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Facts::default()
        };
        let both = [of(&[("a", "1"), ("b", "2")]), of(&[("a", "1"), ("b", "3"), ("c", "4")])];
        let expected = [
            ("b".to_owned(), vec!["2".into(), "3".into()]),
            ("c".into(), vec!["–".into(), "4".into()]),
        ];
        assert_eq!(differing(&both), expected);
        assert!(differing(&both[..1]).is_empty());
    }

    #[test]
    fn the_best_look_is_that_of_the_metric_that_chose_it() {
        let event = |step, metrics: &[(&str, f64)]| Event {
            t: 0.0,
            stage: "train".into(),
            step,
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        };
        let events = [
            event(1, &[("loss", 2.0), ("images_per_second", 100.0)]),
            event(1, &[("top1", 0.9), ("adversarial_top1", 0.5)]),
            event(2, &[("top1", 0.95), ("images_per_second", 200.0)]),
            // The attack of the training leaves more, another one less.
            event(2, &[("adversarial_top1", 0.6), ("pgd_top1", 0.25)]),
        ];
        let events = events.into_iter().map(Ok);
        let training = training(events, "adversarial_top1".into()).unwrap().unwrap();
        let steps: Vec<u64> = training.looks.iter().map(|look| look.step).collect();
        assert_eq!((steps, training.images_per_second), (vec![1, 2], Some(150.0)));
        assert_eq!(training.looks[1].metrics["top1"], 0.95);
        assert_eq!(super::training(std::iter::empty(), "top1".into()).unwrap(), None);
    }
}
