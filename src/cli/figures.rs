//! `glassbox report --figure NAME`, and all figures as files.

use super::print;
use super::report::{File, Format, ReportArgs};
use crate::error::text::printable;
use crate::error::{Error, Result};
use crate::report::Report;
use crate::report::figures::{self, Ink, NEURONS, NamedFigure, Options};
use crate::report::ids;
use crate::run::folder::RunFolder;

/// What the options say must fit together. Bad input if not.
pub(super) fn check(args: &ReportArgs) -> Result<()> {
    let is_drawn = matches!(args.format, Some(Format::Svg | Format::Png));
    if args.figure.is_some() && !is_drawn {
        return Err(Error::bad_input("--figure makes one figure, and this format holds tables")
            .hint("leave out --format, or give --format png --out DIR"));
    }
    if is_drawn && args.out.is_none() && (args.figure.is_none() || args.format == Some(Format::Png))
    {
        return Err(Error::bad_input("figures are files, and no folder is given for them")
            .hint("add --out DIR"));
    }
    Ok(())
}

/// All figures of these runs, or the one that was asked for.
pub(super) fn files(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<File>> {
    let all = figures::with(&Report::gather(folders)?, folders, options(args))?;
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
    asked.iter().map(|figure| file(figure, args.format.unwrap_or(Format::Svg))).collect()
}

fn find(all: Vec<NamedFigure>, name: &str) -> Result<NamedFigure> {
    let names: Vec<String> = all.iter().map(|figure| figure.name.clone()).collect();
    all.into_iter().find(|figure| figure.name == name).ok_or_else(|| {
        Error::bad_input(format!("there is no figure '{}'", printable(name)))
            .hint(format!("the figures of these runs: {}", names.join(", ")))
    })
}

/// These figures as SVG and as PNG. What can't be drawn, since a picture of it is gone, is left out and
/// said.
pub(super) fn both(figures: &[NamedFigure]) -> Vec<File> {
    let mut files = Vec::new();
    for figure in figures {
        for format in [Format::Svg, Format::Png] {
            match file(figure, format) {
                Ok(file) => files.push(file),
                Err(error) => print::talk(&format!("note: {}: {}", figure.name, error.message)),
            }
        }
    }
    files
}

/// How the figures of neurons are asked for.
pub(super) fn options(args: &ReportArgs) -> Options {
    Options {
        neurons: args.neurons.unwrap_or(NEURONS),
        look: args.region.and_then(super::view::Region::look),
    }
}

fn file(figure: &NamedFigure, format: Format) -> Result<File> {
    let is_png = format == Format::Png;
    let bytes = if is_png { figure.png()? } else { figure.svg(Ink::Alone)?.into_bytes() };
    Ok((format!("{}.{}", figure.name, if is_png { "png" } else { "svg" }), bytes))
}
