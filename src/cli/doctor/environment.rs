//! Environment variables that count, and those that are taken for one.

use super::Finding;
use crate::spec::nearest::nearest;

/// What the program reads, apart from the terminal's own and the presets' data.
const OURS: [&str; 9] = [
    "GLASSBOX_RUNS_DIR",
    "GLASSBOX_CONFIG",
    "GLASSBOX_IMAGES",
    "GLASSBOX_THEME",
    "GLASSBOX_ANSWER_MS",
    "GLASSBOX_SLOTS",
    "GLASSBOX_MOUSE",
    "GLASSBOX_ASCII",
    "GLASSBOX_TENSORBOARD",
];

/// What libraries read, and it shows in what the program does.
const THEIRS: [&str; 15] = [
    "NO_COLOR",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
    "TZ",
    "EDITOR",
    "VISUAL",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "RAYON_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "TMPDIR",
];

/// Of the tests alone.
const TESTS: &str = "GLASSBOX_TEST_DATA";

/// Those that are set.
pub(super) fn examine() -> Vec<Finding> {
    let variables = std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    });
    look(variables.collect())
}

fn look(mut variables: Vec<(String, String)>) -> Vec<Finding> {
    variables.sort();
    let counts = |name: &str| OURS.contains(&name) || THEIRS.contains(&name);
    let look = |(name, value): (String, String)| {
        if counts(&name) {
            return Some(Finding::ok(
                name,
                if value.is_empty() { "set to nothing" } else { &value },
            ));
        }
        if !name.starts_with("GLASSBOX_") || name == TESTS {
            return None;
        }
        let advice = match nearest(&name, OURS) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("the variables are {}", OURS.join(", ")),
        };
        Some(Finding::note(name, "nobody reads it", advice))
    };
    let found: Vec<Finding> = variables.into_iter().filter_map(look).collect();
    if found.is_empty() {
        return vec![Finding::ok("variables", "none that count are set")];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn variables_that_count_are_told_and_misspelt_ones_named() {
        let set = [("LANG", "C.UTF-8"), ("PASSWORD", "secret"), ("GLASSBOX_SLOT", "2")];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found = look(set.to_vec());
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].standing, Standing::Note);
        assert_eq!(found[0].advice.as_deref(), Some("did you mean GLASSBOX_SLOTS?"));
        assert_eq!(found[1], Finding::ok("LANG", "C.UTF-8"));
        assert_eq!(look(Vec::new()).len(), 1);
    }
}
