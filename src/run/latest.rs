//! The last value of every metric of a run, without reading its whole history.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::event::Event;
use super::results::evaluate::Evaluate;

/// Of a long history only the end is read, so that thousands of runs are listed quickly.
const TAIL: u64 = 64 << 10;

/// The last value of each metric near the end of a run folder's `events.jsonl`. A file that cannot
/// be read gives none: a list shows the run without them.
pub fn latest(folder: &Path) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    let Ok(bytes) = tail(&folder.join("events.jsonl")) else { return metrics };
    // A half line, at either end, is no event.
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(event) = serde_json::from_slice::<Event>(line) {
            metrics.extend(of_the_run(event));
        }
    }
    let table = std::fs::read(folder.join("results/evaluate.json")).ok();
    let table = table.and_then(|text| serde_json::from_slice::<Evaluate>(&text).ok());
    let headline = table.iter().flat_map(Evaluate::headline);
    metrics.extend(headline.map(|(name, value)| (name.to_owned(), value)));
    metrics
}

/// Which attack the adversarial accuracies of [`latest`] are under: the strongest that was
/// evaluated, `fgsm ε 8`, or until then the probe that training makes, `probe fgsm ε 4`. `spec` is
/// the run's own.
pub fn attack_behind(spec: &str, evaluated: Option<&Evaluate>) -> Option<String> {
    if let Some(row) = evaluated.and_then(Evaluate::strongest) {
        return Some(format!("{} ε {}", row.attack, row.epsilon));
    }
    let spec: toml::Table = spec.parse().ok()?;
    let probe = spec.get("train")?.get("probe")?;
    let epsilon = match probe.get("epsilon")? {
        toml::Value::Integer(levels) => levels.to_string(),
        other => other.as_float()?.to_string(),
    };
    Some(format!("probe {} ε {epsilon}", probe.get("method")?.as_str()?))
}

/// The same from a run folder.
pub fn attack_of(folder: &Path) -> Option<String> {
    let table = std::fs::read(folder.join("results/evaluate.json")).ok();
    let table = table.and_then(|text| serde_json::from_slice::<Evaluate>(&text).ok());
    let spec = std::fs::read_to_string(folder.join("spec.toml")).unwrap_or_default();
    attack_behind(&spec, table.as_ref())
}

/// The metrics of an event that tell of the run as a whole. Accuracies of later stages are of single
/// attacks, under way: a list shows the training's, and in the end those of the finished table.
pub fn of_the_run(event: Event) -> impl Iterator<Item = (String, f64)> {
    let training = event.stage == "train";
    event.metrics.into_iter().filter(move |(name, _)| training || !name.contains("top"))
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    // The file may grow meanwhile: no more than was there.
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use crate::run::results::evaluate::Row;

    use super::*;

    #[test]
    fn the_last_value_counts_and_half_lines_do_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(latest(folder.path()).is_empty());
        let line = |step: u64, metrics: &str| {
            format!("{{\"t\":1.0,\"stage\":\"train\",\"step\":{step},\"metrics\":{{{metrics}}}}}\n")
        };
        let mut text: String = (0..5000).map(|step| line(step, "\"loss\":9.0")).collect();
        text += &line(5000, "\"loss\":0.5,\"top1\":0.75");
        text += &line(5001, "\"loss\":0.25");
        text += "{\"t\":1.0,\"stage\":\"train\",\"step\":5002,\"metrics\":{\"loss\":7";
        std::fs::write(folder.path().join("events.jsonl"), text).unwrap();
        let metrics = latest(folder.path());
        assert_eq!((metrics["loss"], metrics["top1"]), (0.25, 0.75));
    }

    #[test]
    fn the_attack_is_the_evaluated_one_before_the_probe() {
        let spec = "[train.probe]\nmethod = \"fgsm\"\nepsilon = 4\n[attack]\nepsilon = 9\n";
        assert_eq!(attack_behind(spec, None).as_deref(), Some("probe fgsm ε 4"));
        let row = |attack: &str, epsilon: f64, top1: f64| Row {
            attack: attack.into(),
            epsilon,
            top1,
            top5: 1.0,
            images: 10,
            linf_max: epsilon,
            feature_distance: None,
        };
        let rows = vec![row("none", 0.0, 0.9), row("fgsm", 8.0, 0.1), row("fgsm", 4.0, 0.5)];
        let evaluated = Evaluate { rows };
        assert_eq!(attack_behind(spec, Some(&evaluated)).as_deref(), Some("fgsm ε 8"));
        assert_eq!(attack_behind("not toml [", None), None);
        assert_eq!(attack_behind("[attack]\nepsilon = 4", None), None);
    }
}
