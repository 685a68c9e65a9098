//! `glassbox report --figure NAME`, and all figures as files.

use super::report::{File, Format, ReportArgs};
use crate::error::text::printable;
use crate::error::{Error, Result};
use crate::report::Report;
use crate::report::figures::{self, Ink, NEURONS, NamedFigure, Options};
use crate::report::ids;
use crate::run::folder::RunFolder;

/// What the options say must fit together. Bad input if not.
pub(super) fn check(args: &ReportArgs) -> Result<()> {
    let is_drawn = matches!(args.format, Format::Svg | Format::Png);
    if args.figure.is_some() && !is_drawn {
        return Err(Error::bad_input("--figure makes one figure, and this format holds tables")
            .hint("leave out --format, or give --format png --out DIR"));
    }
    if is_drawn && args.out.is_none() && (args.figure.is_none() || args.format == Format::Png) {
        return Err(Error::bad_input("figures are files, and no folder is given for them")
            .hint("add --out DIR"));
    }
    Ok(())
}

/// All figures of these runs, or the one that was asked for.
pub(super) fn files(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<File>> {
    let options = Options {
        neurons: args.neurons.unwrap_or(NEURONS),
        look: args.region.and_then(super::view::Region::look),
    };
    let all = figures::with(&Report::gather(folders)?, folders, options)?;
    if all.is_empty() {
        return Err(Error::bad_input(format!("no figures to draw: {} has none", ids(folders))).hint(
            "a spec with [train], [evaluate], [neurons], [dissect], [consistency] or [trace] makes \
             them, once that stage is done",
        ));
    }
    let asked = match &args.figure {
        None => all,
        Some(name) => vec![find(all, name)?],
    };
    asked.iter().map(|figure| file(figure, args.format)).collect()
}

fn find(all: Vec<NamedFigure>, name: &str) -> Result<NamedFigure> {
    let names: Vec<String> = all.iter().map(|figure| figure.name.clone()).collect();
    all.into_iter().find(|figure| figure.name == name).ok_or_else(|| {
        Error::bad_input(format!("there is no figure '{}'", printable(name)))
            .hint(format!("the figures of these runs: {}", names.join(", ")))
    })
}

fn file(figure: &NamedFigure, format: Format) -> Result<File> {
    let is_png = format == Format::Png;
    let bytes = if is_png { figure.png()? } else { figure.svg(Ink::Alone)?.into_bytes() };
    Ok((format!("{}.{}", figure.name, if is_png { "png" } else { "svg" }), bytes))
}
