//! The set of adversarial images that another run has made, for `adversarial` of a section.

use std::path::Path;

use crate::data::Dataset;
use crate::error::text::printable;
use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::run::results::attack::Attack;

/// What the run in `folder` has made of the images of `test`; `section` and `source` are how
/// the spec names it.
/// Errors: its attack is not done, or was on other images.
pub fn adversarial_set(
    section: &str,
    source: &str,
    folder: &Path,
    test: &dyn Dataset,
) -> Result<Attack> {
    let made: Attack = RunFolder::open(folder)?.result("attack")?.ok_or_else(|| {
        Error::bad_input(format!(
            "{section}.adversarial = '{source}', but '{}' has no results/attack.json",
            folder.display()
        ))
        .hint("name a run whose [attack] stage is done, or add [attack] to this spec")
    })?;
    for pair in &made.pairs {
        let original = pair.index as usize;
        if original >= test.len() || test.name(original) != pair.image {
            return Err(Error::bad_input(format!(
                "{section}.adversarial = '{source}': its image '{}' is not number {original} of \
                 this run's test split",
                printable(&pair.image)
            ))
            .hint("both runs must read the same data with the same limit"));
        }
    }
    Ok(made)
}
