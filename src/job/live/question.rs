//! What a question means: the keys of its attack by the same rules as `[attack]`, and the attack in
//! words once every key has its value.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::run::live::Answer;
use crate::spec::expand::Surroundings;
use crate::spec::{self, AttackSpec, DataFormat, Document, MethodSpec, Norm, Problem};

/// The answer to a line that is no [`crate::run::live::Ask`].
pub(super) fn no_question(line: &str, error: &serde_json::Error) -> Answer {
    #[derive(Deserialize)]
    struct Number {
        id: u64,
    }
    let id = serde_json::from_str::<Number>(line).map_or(0, |number| number.id);
    let why = format!(
        "this is no question: {error} (expected a line such as {{\"id\":1,\"image\":0,\"attack\":\
         \"method = 'pgd', epsilon = 8\"}})"
    );
    Answer::Refused { id, why }
}

/// The attack that `text` asks for, every key with its value: `method = "pgd", epsilon = 8`, with
/// or without the braces of an inline table. Errors as those of a spec's `[attack]`.
///
/// An epsilon of 0, which a spec refuses because nothing would come of it, is an attack here: whoever
/// turns epsilon down to nothing is to see nothing.
pub(super) fn attack(text: &str, format: DataFormat) -> Result<AttackSpec> {
    let text = text.trim();
    let table = if text.starts_with('{') { text.to_owned() } else { format!("{{ {text} }}") };
    // How many channels the networks of an ensemble see.
    let data = format!("[data]\nformat = \"{}\"\npath = \".\"\n", spec::word(format));
    let mut document = Document::parse("question", &data).map_err(|problems| refusal(&problems))?;
    let one = |problem: Problem| refusal(&[problem]);
    document.set(&format!("attack={table}")).map_err(one)?;
    let number = |value: &toml::Value| value.as_float().or(value.as_integer().map(|n| n as f64));
    let nothing = document.value("attack.epsilon").and_then(number) == Some(0.0);
    let mut written = None;
    if nothing {
        written = document.value("attack").cloned();
        document.set("attack.epsilon=1").map_err(one)?;
    }
    let around = Surroundings::here()
        .map_err(|error| Error::failed(format!("failed to find the current folder: {error}")))?;
    let resolved = document.resolve(&around).map_err(|problems| refusal(&problems))?;
    let missing = || Error::failed("the question has lost its attack");
    let mut section = resolved.attack.ok_or_else(missing)?;
    if let Some(written) = written {
        let written: AttackSpec = written.try_into().map_err(|_| missing())?;
        let models = section.how.models;
        section.how = MethodSpec { epsilon: Some(0.0), models, ..written.how }.resolved();
    }
    if section.targets_per_image > 1 {
        return Err(Error::bad_input(format!(
            "'attack.targets_per_image' is {}, but a question gets one picture",
            section.targets_per_image
        ))
        .hint("leave it out"));
    }
    Ok(section)
}

/// All problems in one line; they have no place that anybody could look up.
fn refusal(problems: &[Problem]) -> Error {
    let in_words = |problem: &Problem| match &problem.hint {
        Some(hint) => format!("{} ({hint})", problem.message),
        None => problem.message.clone(),
    };
    Error::bad_input(problems.iter().map(in_words).collect::<Vec<_>>().join("; "))
}

/// `pgd ε 8 · 20 steps of 1 · 1 restart`: an attack with every key that it has. `towards` is the
/// name of the class that it aimed at.
pub(super) fn in_words(how: &MethodSpec, towards: Option<&str>) -> String {
    let how = how.resolved();
    let bound = how.epsilon.map_or(String::new(), |epsilon| format!(" ε {}", short(epsilon)));
    let norm = if how.norm == Some(Norm::L2) { " (L2)" } else { "" };
    let first = format!("{}{bound}{norm}", spec::word(how.method));
    let count = |count: Option<usize>, one: &str, many: &str| {
        count.map(|count| format!("{count} {}", if count == 1 { one } else { many }))
    };
    let size = how.step_size.map_or(String::new(), |size| format!(" of {}", short(size)));
    let number = |name: &str, value: Option<f64>| value.map(|it| format!("{name} {}", short(it)));
    let parts = [
        Some(first),
        count(how.steps, "step", "steps").map(|steps| steps + &size),
        count(how.restarts, "restart", "restarts"),
        number("momentum", how.momentum),
        number("overshoot", how.overshoot),
        number("confidence", how.confidence),
        number("learning rate", how.learning_rate),
        count(how.search_steps, "search step", "search steps"),
        number("first c", how.initial_c),
        count(how.queries, "query", "queries"),
        number("λ", how.distortion_weight),
        how.fusion.map(|fusion| format!("fusion of {}", spec::word(fusion))),
        count(Some(how.models.len()).filter(|count| *count > 0), "network", "networks"),
        towards.map(|class| format!("towards {class}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Three decimals at most.
fn short(number: f64) -> String {
    ((number * 1000.0).round() / 1000.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::AttackMethod;

    fn asked(text: &str) -> AttackSpec {
        attack(text, DataFormat::Shapes).unwrap()
    }

    #[test]
    fn a_question_reads_as_the_section_does_and_every_key_has_its_value() {
        let written = asked("method = 'pgd', epsilon = 8, steps = 10");
        assert_eq!(asked("{ method = 'pgd', epsilon = 8, steps = 10 }"), written);
        let text = "[attack]\nmethod = 'pgd'\nepsilon = 8\nsteps = 10\n";
        let around = Surroundings::here().unwrap();
        let of_spec = Document::parse("t", text).unwrap().resolve(&around).unwrap();
        assert_eq!(Some(written.clone()), of_spec.attack);
        assert_eq!(in_words(&written.how, None), "pgd ε 8 · 10 steps of 2 · 1 restart");
    }

    #[test]
    fn every_method_is_told_in_words_with_all_its_keys() {
        for (text, words) in [
            ("method = 'fgsm', epsilon = 0.5, norm = 'l2'", "fgsm ε 0.5 (L2)"),
            ("method = 'mim', epsilon = 10, steps = 3", "mim ε 10 · 3 steps of 3.333 · momentum 1"),
            ("method = 'deepfool'", "deepfool · 50 steps · overshoot 0.02"),
            ("method = 'square', epsilon = 8", "square ε 8 · 1 restart · 5000 queries"),
            (
                "method = 'cw', steps = 1",
                "cw · 1 step · confidence 0 · learning rate 0.01 · 6 search steps · first c 1",
            ),
            ("method = 'ensemble'", "ensemble · 20 steps of 5 · λ 0.1 · fusion of loss"),
        ] {
            assert_eq!(in_words(&asked(text).how, None), words);
        }
        let how = MethodSpec::new(AttackMethod::Fgsm, Some(4.0));
        assert_eq!(in_words(&how, Some("dog")), "fgsm ε 4 · towards dog");
    }

    #[test]
    fn a_bound_of_nothing_is_an_attack_and_the_other_keys_follow_it() {
        let how = asked("method = 'pgd', epsilon = 0, norm = 'linf'").how;
        assert_eq!((how.epsilon, how.step_size), (Some(0.0), Some(0.0)));
        assert_eq!(asked("method = 'bim', epsilon = 0.0, step_size = 2").how.step_size, Some(2.0));
    }

    #[test]
    fn what_is_wrong_is_told_as_in_a_spec_and_without_a_place() {
        for (text, expected) in [
            ("method = 'pgdd'", "did you mean 'pgd'?"),
            (
                "method = 'fgsm', epsilon = 8, steps = 3",
                "'attack.steps' is no key of method = \"fgsm\"",
            ),
            ("method = 'fgsm', epsilon = 300", "expected a number, 0 to 255"),
            ("method = 'fgsm', epsilon = -1", "'attack.epsilon' is -1"),
            ("method = 'fgsm', epsilom = 1", "did you mean 'epsilon'?"),
            ("method = 'none'", "makes no adversarial images"),
            ("method = 'deepfool', target = 'random'", "cannot aim at a class"),
            ("method = 'pgd', target = 'random', targets_per_image = 2", "gets one picture"),
            ("method = ", "not valid TOML"),
            ("method = 'pgd' } x = {", "TOML"),
            (
                "method = 'ensemble', models = [{ arch = 'alexnet', weights = '/no.pth' }]",
                "/no.pth",
            ),
        ] {
            let error = attack(text, DataFormat::Shapes).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.message.contains(expected), "{text}: {}", error.message);
            for place in ["question:", "--set attack="] {
                assert!(!error.message.contains(place), "{}", error.message);
            }
        }
    }

    #[test]
    fn a_line_that_is_no_question_is_refused_by_its_number_if_it_has_one() {
        for (line, expected) in [("{\"id\":7}", 7), ("nonsense", 0), ("", 0)] {
            let error = serde_json::from_str::<crate::run::live::Ask>(line).unwrap_err();
            let Answer::Refused { id, why } = no_question(line, &error) else { panic!("{line}") };
            assert!(id == expected && why.contains("expected a line such as"), "{why}");
        }
    }
}
