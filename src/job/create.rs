//! From a spec to a run folder that a worker can take up.

use std::path::Path;

use super::build;
use super::context::log_line;
use crate::error::Result;
use crate::run::event::Appender;
use crate::run::folder::{NewRun, RunFolder};
use crate::spec::{self, Comments, Spec};

/// Makes the run folder of `spec` under `runs`, state `queued`. The spec in it is complete: what the
/// data, the weights or the machine decide is filled in; of a study, its runs' are. Errors: data, weights or a device that
/// cannot be used; then no folder is made.
pub fn create(runs: &Path, spec: Spec, argv: Vec<String>) -> Result<RunFolder> {
    if spec.study.is_some() {
        return super::study::create(runs, spec, argv);
    }
    make(runs, spec, argv, None)
}

/// The same for a run of the study of this id.
pub(super) fn create_member(
    runs: &Path,
    spec: Spec,
    argv: Vec<String>,
    study: &str,
) -> Result<RunFolder> {
    make(runs, spec, argv, Some(study))
}

fn make(runs: &Path, mut spec: Spec, argv: Vec<String>, study: Option<&str>) -> Result<RunFolder> {
    let notes = build::resolve(&mut spec, runs)?.notes;
    let text = spec::to_toml(&spec, Comments::Off);
    let run =
        NewRun { title: &spec.title, spec: &text, device: &spec.device, seed: spec.seed, argv };
    let folder = RunFolder::create_member(runs, &run, study)?;
    // What a user should know of data and weights, whatever the stages are.
    let mut log = Appender::open(&folder.path().join("log.txt"))?;
    for note in notes {
        log_line(&mut log, &format!("note: {note}"))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::results::attack::{Attack, Pair};

    #[test]
    fn the_folder_holds_the_spec_and_the_device() {
        let runs = tempfile::tempdir().unwrap();
        let spec = spec::load("quickstart", &["title='Two  words'".into()]).unwrap();
        let folder = create(runs.path(), spec, vec!["glassbox".into()]).unwrap();
        assert!(folder.id().contains("-two-words-"), "{}", folder.id());
        let info = folder.info().unwrap();
        assert_eq!((info.device.as_str(), info.argv.len()), ("cpu", 1));
        let read = spec::read_resolved(&folder.path().join("spec.toml")).unwrap();
        assert_eq!((read.device.as_str(), read.title.as_str()), ("cpu", "Two  words"));
        assert_eq!((read.model.classes, read.data.image_size), (Some(16), Some(64)));
    }

    #[test]
    fn a_run_named_by_a_short_word_is_written_whole() {
        let runs = tempfile::tempdir().unwrap();
        let spec = |set: &str| spec::load("quickstart", &[set.to_owned()]).unwrap();
        let first = create(runs.path(), spec("data.train_images=16"), vec![]).unwrap();
        let of_last = || create(runs.path(), spec("neurons.adversarial='run:last'"), vec![]);
        let error = of_last().unwrap_err();
        assert_eq!(error.exit_code(), 2, "its attack is not done");
        assert!(error.message.contains("no results/attack.json"), "{}", error.message);
        assert_eq!(std::fs::read_dir(runs.path()).unwrap().count(), 1, "no folder is made");
        let made = |pairs: Vec<Pair>| {
            let json = serde_json::to_vec(&Attack { pairs, ..Attack::default() }).unwrap();
            std::fs::write(first.path().join("results/attack.json"), json).unwrap();
        };
        made(vec![Pair { image: "of/another.png".into(), ..Pair::default() }]);
        let error = of_last().unwrap_err();
        assert!(error.message.contains("'of/another.png' is not number 0"), "{}", error.message);
        made(Vec::new());
        let second = of_last().unwrap();
        let read = spec::read_resolved(&second.path().join("spec.toml")).unwrap();
        assert_eq!(read.neurons.unwrap().adversarial, format!("run:{}", first.id()));
        let word = build::whole_word(&format!("run:{}", &first.id()), runs.path()).unwrap();
        assert_eq!(word, format!("run:{}@best", first.id()));
        let word = build::whole_word("run:last@last", runs.path()).unwrap();
        assert_eq!(word, format!("run:{}@last", second.id()));
        assert_eq!(build::whole_word("w.pth", runs.path()).unwrap(), "w.pth");
    }

    #[test]
    fn a_device_that_is_not_there_makes_no_folder() {
        let runs = tempfile::tempdir().unwrap();
        let spec = spec::load("quickstart", &["device='cuda:99'".into()]).unwrap();
        assert_eq!(create(runs.path(), spec, vec![]).unwrap_err().exit_code(), 2);
        assert_eq!(std::fs::read_dir(runs.path()).unwrap().count(), 0);
    }
}
