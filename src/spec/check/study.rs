//! `[study]`: its runs have names that tell them apart and may name folders. What each of them does is
//! checked with its keys laid over.

use crate::error::text::escaped;
use crate::spec::problem::Complaint;
use crate::spec::study::StudySpec;

/// Longer ones would fill the run's id.
const LONGEST_NAME: usize = 30;

pub(super) fn check(study: &StudySpec, complain: &mut impl FnMut(Complaint)) {
    if study.runs.is_empty() {
        complain(Complaint::new("study.runs", "is empty, so there is nothing to do").hint(
            "runs = [{ name = \"ordinary\" }, { name = \"longer\", set = [\"train.epochs=20\"] }]",
        ));
    }
    for (index, run) in study.runs.iter().enumerate() {
        let key = format!("study.runs[{index}].name");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let (name, length) = (&run.name, run.name.chars().count());
        if name.is_empty() {
            complain(Complaint::new(&key, "is empty").hint("name = \"ordinary\""));
        } else if !name.chars().all(fits) || name.starts_with('.') || length > LONGEST_NAME {
            let message = format!(
                "is '{}', expected at most {LONGEST_NAME} letters, digits, '-', '_' and '.', the \
                 first no '.'",
                escaped(name)
            );
            complain(Complaint::new(&key, message));
        }
        // Also where names that differ in case are one.
        let same =
            study.runs[..index].iter().position(|other| other.name.eq_ignore_ascii_case(name));
        if let Some(other) = same.filter(|_| !name.is_empty()) {
            complain(Complaint::new(
                &key,
                format!("is '{}', as study.runs[{other}].name is", escaped(name)),
            ));
        }
    }
}
