//! A study's run folder and those of its runs: which belong together.

use std::collections::HashMap;
use std::path::Path;

use super::folder::{Listed, RunFolder};
use super::results::study::Study;
use super::{state, write};
use crate::error::{Error, Result};
use crate::spec;

/// The result's name.
const RESULT: &str = "study";

/// The runs that a study has started, in their order; `None` of a run that is no study.
pub fn read(folder: &RunFolder) -> Result<Option<Study>> {
    if let Some(study) = folder.result::<Study>(RESULT)? {
        return Ok(Some(study));
    }
    // The specs of older runs must not keep anybody from their results.
    let spec = spec::read_resolved(&folder.path().join("spec.toml"));
    Ok(spec.is_ok_and(|spec| spec.study.is_some()).then(Study::default))
}

/// Writes `results/study.json`.
pub fn write(folder: &RunFolder, study: &Study) -> Result<()> {
    let path = folder.path().join("results").join(format!("{RESULT}.json"));
    write::whole(&path, &state::to_json(study)?)
}

/// The run folders that hold a run's results: of a study those of its runs, in their order, otherwise
/// its own. Errors: a study that has started none yet, a run of it that is gone.
pub fn members(folder: &RunFolder) -> Result<Vec<RunFolder>> {
    let Some(study) = read(folder)? else { return Ok(vec![folder.clone()]) };
    if study.runs.is_empty() {
        let text = format!("the study '{}' has started none of its runs yet", folder.id());
        return Err(Error::bad_input(text)
            .hint(format!("see where it is with: glassbox show {}", folder.id())));
    }
    study.runs.iter().map(|member| open(folder, &member.run)).collect()
}

/// That a command can look at this run: bad input for a study, which names its runs.
pub fn alone(folder: &RunFolder) -> Result<()> {
    let Some(study) = read(folder)? else { return Ok(()) };
    let runs: Vec<&str> = study.runs.iter().map(|member| member.run.as_str()).collect();
    let named = if runs.is_empty() { "none yet".to_owned() } else { runs.join(", ") };
    let text = format!("'{}' is a study: what there is to see is in its runs", folder.id());
    Err(Error::bad_input(text).hint(format!("name one of them: {named}")))
}

/// Opens the run `id` of a study, which lies beside it.
pub fn open(study: &RunFolder, id: &str) -> Result<RunFolder> {
    let beside = study.path().parent().unwrap_or(Path::new("."));
    // Study files come from anywhere: what they name is a folder beside them, and nothing else.
    let path = super::folder::inside(beside, id).filter(|path| path.parent() == Some(beside));
    let gone = || {
        Error::bad_input(format!("run '{id}' of the study '{}' is not there", study.id()))
            .hint("name the runs that are, one by one; glassbox runs lists them")
    };
    let path = path.filter(|path| path.join("run.json").exists()).ok_or_else(gone)?;
    RunFolder::open(&path)
}

/// The run that a study has made for a member of this title and has not written down: it was killed
/// just then.
pub fn forgotten(study: &RunFolder, title: &str, known: &Study) -> Result<Option<RunFolder>> {
    let beside = study.path().parent().unwrap_or(Path::new("."));
    let found = RunFolder::list(beside)?.into_iter().find_map(|listed| {
        let (folder, info, ..) = listed.run.ok()?;
        let is_new = known.runs.iter().all(|member| member.run != listed.id);
        let is_its = info.study.is_some_and(|of| of == study.id()) && info.title == title;
        (is_its && is_new).then_some(folder)
    });
    Ok(found)
}

/// Whether the run in `path` belongs to a study that is there.
pub(super) fn is_part(root: &Path, path: &Path) -> bool {
    let info = RunFolder::open(path).and_then(|folder| folder.info());
    info.ok().and_then(|info| info.study).is_some_and(|study| {
        // Run files come from anywhere: what they name is a folder beside them, and nothing else.
        let path = super::folder::inside(root, &study).filter(|path| path.parent() == Some(root));
        path.is_some_and(|path| path.join("run.json").exists())
    })
}

/// Puts the runs of each study below it, the first one first. `listed` is newest first.
pub(super) fn below_their_study(listed: Vec<Listed>) -> Vec<Listed> {
    let study_of =
        |one: &Listed| one.run.as_ref().ok().and_then(|(_, info, ..)| info.study.clone());
    if listed.iter().all(|one| study_of(one).is_none()) {
        return listed;
    }
    let ids: Vec<String> = listed.iter().map(|one| one.id.clone()).collect();
    let mut parts: HashMap<String, Vec<Listed>> = HashMap::new();
    let mut whole = Vec::new();
    for one in listed {
        match study_of(&one).filter(|study| ids.contains(study)) {
            Some(study) => parts.entry(study).or_default().push(one),
            None => whole.push(one),
        }
    }
    let mut ordered = Vec::with_capacity(ids.len());
    for one in whole {
        let below = parts.remove(&one.id).unwrap_or_default();
        ordered.push(one);
        ordered.extend(below.into_iter().rev());
    }
    // A study within a study is nothing that we write; none of its runs may vanish for it.
    ordered.extend(parts.into_values().flatten());
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::folder::NewRun;
    use crate::run::results::study::Member;

    fn new(root: &Path, title: &str, spec: &str, study: Option<&str>) -> RunFolder {
        let run = NewRun { title, spec, device: "cpu", seed: 1, argv: Vec::new() };
        RunFolder::create_member(root, &run, study).unwrap()
    }

    const STUDY: &str = "[train]\n[study]\nruns = [{ name = \"a\" }, { name = \"b\" }]\n";

    #[test]
    fn a_study_has_the_results_of_its_runs_and_another_run_its_own() {
        let root = tempfile::tempdir().unwrap();
        let alone = new(root.path(), "alone", "[train]\n", None);
        assert_eq!(read(&alone).unwrap(), None);
        assert_eq!(members(&alone).unwrap(), std::slice::from_ref(&alone));

        let study = new(root.path(), "study", STUDY, None);
        assert_eq!(read(&study).unwrap(), Some(Study::default()));
        let error = members(&study).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message.contains("none of its runs"), "{}", error.message);
        assert!(super::alone(&alone).is_ok());
        assert_eq!(super::alone(&study).unwrap_err().exit_code(), 2);

        let first = new(root.path(), "study · a", "[train]\n", Some(&study.id()));
        let named = |run: String| Study { runs: vec![Member { name: "a".into(), run }] };
        assert_eq!(forgotten(&study, "study · a", &Study::default()).unwrap(), Some(first.clone()));
        assert_eq!(forgotten(&study, "study · b", &Study::default()).unwrap(), None);
        write(&study, &named(first.id())).unwrap();
        assert_eq!(members(&study).unwrap(), std::slice::from_ref(&first));
        let error = super::alone(&study).unwrap_err();
        assert!(error.hint.unwrap().contains(&first.id()));
        assert_eq!(forgotten(&study, "study · a", &named(first.id())).unwrap(), None);
        for nowhere in ["20260101-000000-gone-0000", "../x", "", "a/b"] {
            write(&study, &named(nowhere.into())).unwrap();
            assert_eq!(members(&study).unwrap_err().exit_code(), 2, "{nowhere}");
        }
    }

    #[test]
    fn the_runs_of_a_study_are_listed_below_it_and_never_the_last() {
        let root = tempfile::tempdir().unwrap();
        let before = new(root.path(), "before", "[train]\n", None);
        let study = new(root.path(), "study", STUDY, None);
        let first = new(root.path(), "study · a", "[train]\n", Some(&study.id()));
        let after = new(root.path(), "after", "[train]\n", None);
        let second = new(root.path(), "study · b", "[train]\n", Some(&study.id()));
        let order = || -> Vec<String> {
            RunFolder::list(root.path()).unwrap().into_iter().map(|one| one.id).collect()
        };
        let expected = [&after, &study, &first, &second, &before].map(RunFolder::id);
        assert_eq!(order(), expected);
        assert_eq!(RunFolder::resolve(root.path(), "last").unwrap(), after);
        std::fs::remove_dir_all(after.path()).unwrap();
        assert_eq!(RunFolder::resolve(root.path(), "last").unwrap(), study);
        // Without their study they are runs like any other.
        std::fs::remove_dir_all(study.path()).unwrap();
        assert_eq!(RunFolder::resolve(root.path(), "last").unwrap(), second);
        assert_eq!(order(), [&second, &first, &before].map(RunFolder::id));
        // Nor are they a study's that lies elsewhere, or is none.
        for nowhere in ["", "/", "..", "."] {
            let newest = new(root.path(), "newest", "[train]\n", Some(nowhere));
            let last = RunFolder::resolve(root.path(), "last").unwrap();
            assert_eq!(last, newest, "{nowhere}");
        }
    }
}
