//! `glassbox man`: the manual page, made from the command line's own description.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::print;
use crate::error::{Error, Result};
use crate::run::write;

/// `glassbox man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder, and print their names
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// Prints the program's page; with `out` a page for it and for each command, into that folder.
pub fn run(command: Command, out: Option<&Path>) -> Result<()> {
    let pages = pages(command)?;
    let Some(out) = out else {
        let Some((_, page)) = pages.into_iter().next() else { return Ok(()) };
        return print::text(&page);
    };
    write::folder(out)?;
    for (name, page) in pages {
        let path = out.join(name);
        write::whole(&path, page.as_bytes())?;
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// File name and text of every page, the program's own first.
fn pages(command: Command) -> Result<Vec<(String, String)>> {
    let mut command = command.disable_help_subcommand(true);
    // Gives the commands their whole names and the flags of all.
    command.build();
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    std::iter::once(&command).chain(commands).map(page).collect()
}

fn page(command: &Command) -> Result<(String, String)> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let failed = |what: &str| Error::failed(format!("failed to make the page {name}: {what}"));
    let page = Man::new(command.clone()).title(name.to_uppercase());
    let mut bytes = Vec::new();
    page.render(&mut bytes).map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(&error.to_string()))?;
    Ok((format!("{name}.1"), text))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_flags() {
        let pages = pages(Cli::command()).unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "glassbox.1");
        assert!(
            names.contains(&"glassbox-run.1") && names.contains(&"glassbox-man.1"),
            "{names:?}"
        );
        assert!(!names.contains(&"glassbox-worker.1"), "{names:?}");
        let page = |name: &str| &pages.iter().find(|(file, _)| file == name).unwrap().1;
        assert!(page("glassbox.1").starts_with(".ie"), "{}", page("glassbox.1"));
        assert!(page("glassbox-run.1").contains("tensorboard"), "{}", page("glassbox-run.1"));
        assert!(page("glassbox.1").contains("glassbox\\-run(1)"), "{}", page("glassbox.1"));
    }
}
