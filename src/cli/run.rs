//! `glassbox run`: starts a run and, unless told not to, follows it to its end.

use super::follow::{End, Mouth, follow, verdict};
use super::{RunArgs, print, show};
use crate::error::Result;
use crate::job::{create, spawn};
use crate::run::control::{self, Command};
use crate::run::folder::RunFolder;
use crate::settings::Settings;
use crate::spec;
use crate::tui::glyphs::Glyphs;
use crate::tui::text;

/// Starts it.
pub fn run(args: &RunArgs, settings: &Settings, glyphs: Glyphs) -> Result<()> {
    let mut overrides = args.overrides.clone();
    overrides.extend(args.tensorboard.then(|| "tensorboard=true".to_owned()));
    let mut spec = spec::load(&args.source, &overrides)?;
    spec.tensorboard.get_or_insert(settings.tensorboard);
    for warning in spec::warnings(&spec)? {
        print::talk(&format!("warning: {warning}"));
    }
    let argv = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let folder = create::create(settings.runs_dir()?, spec, argv)?;
    spawn::spawn(folder.path(), settings.slots)?;
    if args.detach {
        return if args.json {
            print::json(&show::whole(&folder)?)
        } else {
            print::text(&format!("{}\n", text::clean(&folder.id())))
        };
    }
    print::talk(&format!("run {}", folder.id()));
    let mouth = Mouth::beside_a_result(glyphs);
    let end = follow(&folder, &mouth, |times| interrupt(&folder, times))?;
    if args.json {
        print::json(&show::whole(&folder)?)?;
    } else {
        print::text(&show::summary(&folder, glyphs)?)?;
    }
    match end {
        End::Run(status) => verdict(&folder, status),
        End::NobodyListens => Ok(()),
    }
}

/// Ctrl-C: once = checkpoint and stop, twice = at once.
fn interrupt(folder: &RunFolder, times: usize) -> Result<()> {
    if times == 1 {
        print::talk("stopping with a checkpoint; Ctrl-C again stops at once");
        return control::send(folder.path(), Command::Stop);
    }
    print::talk("stopping at once");
    spawn::end_now(folder)
}
