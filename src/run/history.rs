//! `neurons/history/`: what chosen neurons liked while the network was trained, one file a look.

use std::path::{Path, PathBuf};

/// Where they are, in the run folder. `000400.json` is step 400's, in the format of
/// `results/neurons.json`; its adversarial pictures are in `000400/`.
pub const FOLDER: &str = "neurons/history";

/// The file of a step, relative to the run folder.
pub fn file(step: u64) -> String {
    format!("{FOLDER}/{step:06}.json")
}

/// The folder of a step's own pictures, relative to the run folder.
pub fn pictures(step: u64) -> String {
    format!("{FOLDER}/{step:06}")
}

/// The steps that a run folder holds, in order, each with its file. None where it holds none.
pub fn steps(run: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let entries = match std::fs::read_dir(run.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut steps = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let step = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".json"))
            .and_then(|digits| digits.parse().ok());
        steps.extend(step.map(|step| (step, path)));
    }
    steps.sort_unstable();
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_order_and_other_files_are_none() {
        let run = tempfile::tempdir().unwrap();
        assert!(steps(run.path()).unwrap().is_empty());
        std::fs::create_dir_all(run.path().join(pictures(400))).unwrap();
        for name in [file(1_000_400), file(400), format!("{FOLDER}/.000500.json.tmp")] {
            std::fs::write(run.path().join(name), "{}").unwrap();
        }
        let found: Vec<u64> =
            steps(run.path()).unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(found, [400, 1_000_400]);
    }
}
