//! `glassbox report`: the results of one or several runs as one set of tables, with their neurons'
//! figures where the format can hold pictures; with --out alone all that can be taken away.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};

use super::print;
use super::view::Region;
use crate::error::{Error, Result};
use crate::report::figure::{self, Gallery, Options, Panel, Source};
use crate::report::html::Drawing;
use crate::report::{Report, csv, html, ids, latex, markdown};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::Neurons;
use crate::run::write;
use crate::tui::shell::quoted;

/// `glassbox report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Ids, beginnings of ids, or 'last'; several runs = one table
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<String>,
    /// What is written [default: md to standard output; with --out everything]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write files into this folder instead of to standard output, and print their names. Without
    /// --format: the page, the Markdown, every table as CSV and for LaTeX, every figure
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many neurons of each layer, those that disagree most [default: 12; html and png]
    #[arg(long, value_name = "N", value_parser = neurons())]
    pub neurons: Option<usize>,
    /// Show in each picture what drives the neuron [default: off; html and png]
    #[arg(long, value_enum, value_name = "LOOK")]
    pub region: Option<Region>,
}

// A page of them is read; the workbench shows all.
const NEURONS: usize = 12;

fn neurons() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..).map(|count| count as usize)
}

/// The formats that a report comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Format {
    /// Markdown, everything on one page.
    Md,
    /// One page that stands alone, with the neurons' pictures.
    Html,
    /// A file a table; to standard output the first alone, the accuracies where there are any.
    Csv,
    /// One JSON value.
    Json,
    /// A LaTeX table a file, for \input; to standard output all of them. Needs booktabs.
    Tex,
    /// A figure a layer; needs --out.
    Png,
}

/// A file's name and its bytes.
type File = (String, Vec<u8>);

/// Prints the report of these runs, or writes it into a folder.
pub fn run(folders: &[RunFolder], args: &ReportArgs) -> Result<()> {
    let everything = args.format.is_none() && args.out.is_some();
    let format = args.format.unwrap_or(Format::Md);
    let has_pictures = everything || matches!(format, Format::Html | Format::Png);
    if !has_pictures && (args.neurons.is_some() || args.region.is_some()) {
        return Err(Error::bad_input("--neurons and --region choose pictures, and this has none")
            .hint("add --format html, or --format png --out DIR"));
    }
    if format == Format::Png && args.out.is_none() {
        return Err(Error::bad_input("figures are files, and no folder is given for them")
            .hint("add --out DIR"));
    }
    let files = if everything { all(folders, args)? } else { files(folders, args, format)? };
    let Some(out) = &args.out else {
        // Of CSV one table: two of them one below the other are none.
        let most = if format == Format::Tex { files.len() } else { 1 };
        for (_, bytes) in files.iter().filter(|(name, _)| name != DOCUMENT).take(most) {
            print::text(&String::from_utf8_lossy(bytes))?;
        }
        return Ok(());
    };
    write::folder(out)?;
    for (name, bytes) in files {
        let path = out.join(name);
        write::whole(&path, &bytes)?;
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// The LaTeX document that takes in the other files.
const DOCUMENT: &str = "tables.tex";

/// Whatever can be taken away.
fn all(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<File>> {
    let report = Report::gather(folders)?;
    let mut all = vec![file("report.html", page(folders, args)?)];
    let drawings = drawings(&report, folders)?;
    all.push(file("report.md", markdown::with_figures(&report, &drawings)));
    if !report.is_empty() {
        all.extend(files(folders, args, Format::Csv)?);
        all.extend(latex::render(&report).into_iter().map(|(name, text)| file(&name, text)));
    }
    let has_neurons =
        |folder: &RunFolder| folder.result::<Neurons>("neurons").ok().flatten().is_some();
    if folders.iter().any(has_neurons) {
        all.extend(figures(folders, args)?);
    }
    Ok(all)
}

fn file(name: &str, text: String) -> File {
    (name.to_owned(), text.into_bytes())
}

/// The files of a report; the first is what goes to standard output.
fn files(folders: &[RunFolder], args: &ReportArgs, format: Format) -> Result<Vec<File>> {
    let named = |files: Vec<(String, String)>| {
        files.into_iter().map(|(name, text)| file(&name, text)).collect()
    };
    Ok(match format {
        Format::Md => {
            let report = Report::of(folders)?;
            let drawings = drawings(&report, folders)?;
            vec![file("report.md", markdown::with_figures(&report, &drawings))]
        }
        Format::Html => vec![file("report.html", page(folders, args)?)],
        Format::Json => {
            let json = serde_json::to_string_pretty(&Report::of(folders)?)
                .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
            vec![file("report.json", json + "\n")]
        }
        Format::Csv => named(csv::all(&Report::of(folders)?)),
        Format::Tex => {
            let tables = latex::render(&Report::of(folders)?);
            if tables.is_empty() {
                return Err(Error::bad_input(format!("no tables for LaTeX: {}", ids(folders)))
                    .hint("--format csv has those that there are"));
            }
            named(tables)
        }
        Format::Png => figures(folders, args)?,
    })
}

/// Every drawn figure of these runs.
fn drawings(_report: &Report, _folders: &[RunFolder]) -> Result<Vec<Drawing>> {
    Ok(Vec::new())
}

fn page(folders: &[RunFolder], args: &ReportArgs) -> Result<String> {
    let report = Report::gather(folders)?;
    let galleries = galleries(folders, args)?;
    if report.is_empty() && galleries.is_empty() {
        return Err(Error::bad_input(format!(
            "no results to report: {} has none of results/evaluate.json, results/attack.json, \
             results/neurons.json, results/dissect.json, results/consistency.json and \
             results/trace.json",
            ids(folders)
        ))
        .hint(
            "a spec with [evaluate], [attack], [neurons], [dissect], [consistency] or [trace] makes \
             them, once those stages are done",
        ));
    }
    let look = args.region.unwrap_or(Region::Off);
    let command = |panel: &Panel| command(panel, look);
    let drawings = drawings(&report, folders)?;
    let page = html::Page {
        report: &report,
        galleries: &galleries,
        command: &command,
        drawings: &drawings,
    };
    let (text, unread) = html::render(&page);
    if unread > 0 {
        print::talk(&format!("note: {unread} pictures could not be read; the page says where"));
    }
    Ok(text)
}

fn figures(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<File>> {
    let mut galleries = galleries(folders, args)?;
    galleries.retain(|gallery| !gallery.figure.panels.is_empty());
    let Some(first) = galleries.first().map(|gallery| gallery.run.clone()) else {
        return Err(Error::bad_input(format!("no neurons to draw: {} has none", ids(folders)))
            .hint("a spec with [neurons] makes them, once that stage is done"));
    };
    let several = galleries.iter().any(|gallery| gallery.run != first);
    let mut taken = BTreeSet::new();
    let mut files = Vec::new();
    for gallery in galleries {
        let run = if several { format!("{}-", gallery.run) } else { String::new() };
        let name = format!("{run}neurons-{}", file_name(&gallery.layer));
        for page in gallery.figure.pages() {
            files.push((free_name(&name, &mut taken), figure::png(&page)?));
        }
    }
    Ok(files)
}

/// Of every run that has neurons, once.
fn galleries(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<Gallery>> {
    let look = args.region.unwrap_or(Region::Off).look();
    let options = Options { look, originals: false, top: Some(figure::TOP) };
    let mut galleries = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        let is_twice = folders[..index].iter().any(|earlier| earlier.id() == folder.id());
        if is_twice || folder.result::<Neurons>("neurons")?.is_none() {
            continue;
        }
        let source = Source::open(folder, None)?;
        galleries.extend(figure::galleries(&source, args.neurons.unwrap_or(NEURONS), options)?);
    }
    Ok(galleries)
}

/// The command that makes a neuron's figure.
fn command(panel: &Panel, look: Region) -> String {
    let region = look.to_possible_value().filter(|_| look != Region::Off);
    let region = region.map(|value| format!(" --region {}", value.get_name())).unwrap_or_default();
    format!(
        "glassbox view {} --layer {} --neuron {}{region} --out figure.png",
        quoted(&panel.run),
        quoted(&panel.layer),
        panel.neuron
    )
}

/// A layer's name as a file may be called.
fn file_name(layer: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    layer.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

/// `NAME.png`, or the first of `NAME-2.png`… that no other file has, also where names that differ in
/// case are one: layers `a/b` and `a-b`, and the pages of one figure.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut file = format!("{name}.png");
    let mut number = 2;
    while !taken.insert(file.to_lowercase()) {
        file = format!("{name}-{number}.png");
        number += 1;
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_figures_have_one_file() {
        let mut taken = BTreeSet::new();
        let layers = ["a/b", "a-b", "A-B", "c", "a-b-2"];
        let names = layers.map(|layer| free_name(&file_name(layer), &mut taken));
        assert_eq!(names, ["a-b.png", "a-b-2.png", "A-B-3.png", "c.png", "a-b-2-2.png"]);
    }

    #[test]
    fn a_layer_names_a_file_in_its_folder() {
        assert_eq!(file_name("features.10"), "features.10");
        assert_eq!(file_name("../../etc/x"), "..-..-etc-x");
    }
}
