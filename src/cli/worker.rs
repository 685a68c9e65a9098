//! `glassbox worker RUN_FOLDER`: the process that executes a run. Hidden; `run` and `resume` start
//! it, and so may whatever can start a process on a host that sees the folder.
//!
//! `glassbox worker RUN --live --pictures FOLDER` is the small worker behind the attack screen.

use std::io::{BufReader, stdin, stdout};
use std::path::Path;

use super::WorkerArgs;
use super::print;
use crate::error::Result;
use crate::job;
use crate::run::folder::RunFolder;

/// Works until the run ends, or until there are no more questions. `slots` is asked for only when
/// the command line does not say it, `find` only for a run that is named by no path.
pub fn run(
    args: &WorkerArgs,
    slots: impl FnOnce() -> Result<usize>,
    find: impl FnOnce(&str) -> Result<RunFolder>,
) -> Result<()> {
    if let Some(pictures) = args.pictures.as_deref().filter(|_| args.live) {
        return live(&folder(&args.folder, find)?, pictures);
    }
    let slots = match args.slots {
        Some(slots) => slots as usize,
        None => slots()?,
    };
    job::work(&args.folder, slots)
}

fn folder(path: &Path, find: impl FnOnce(&str) -> Result<RunFolder>) -> Result<RunFolder> {
    match path.to_str() {
        Some(word) if !word.contains(std::path::MAIN_SEPARATOR) => find(word),
        _ => RunFolder::open(path),
    }
}

fn live(run: &RunFolder, pictures: &Path) -> Result<()> {
    job::live::step_back();
    let asker = job::live::Asker {
        answers: stdout().lock(),
        pictures: pictures.to_owned(),
        say: &mut print::talk,
    };
    // Whoever asked is gone: what is under way is of no use to anybody.
    job::live::serve(run, BufReader::new(stdin()), asker, || std::process::exit(0))
}
