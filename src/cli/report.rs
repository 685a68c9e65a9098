//! `glassbox report`: the results of one or several runs as one set of tables, with their neurons'
//! figures where the format can hold pictures; with --out alone all that can be taken away.

use std::path::{Path, PathBuf};

use clap::builder::{ArgPredicate, TypedValueParser};
use clap::{Args, ValueEnum};

use super::view::Region;
use super::{figures, print};
use crate::error::{Error, Result};
use crate::report::figure::{self, Gallery, Options, Panel, Source};
use crate::report::figures::{Ink, NEURONS, NamedFigure};
use crate::report::html::Drawing;
use crate::report::{Report, csv, html, ids, latex, markdown};
use crate::run::folder::RunFolder;
use crate::run::results::neurons::Neurons;
use crate::run::{tensorboard, write};
use crate::tui::shell::quoted;

/// `glassbox report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Ids, beginnings of ids, or 'last'; several runs = one table
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<String>,
    /// What is written [default: md to standard output, and everything into the run's folder report/;
    /// with --out everything there]
    #[arg(long, value_enum, value_name = "FORMAT")]
    // A figure is no table.
    #[arg(default_value_if("figure", ArgPredicate::IsPresent, "svg"))]
    pub format: Option<Format>,
    /// This figure alone; a name that there is not lists all names [svg and png]
    #[arg(long, value_name = "NAME")]
    pub figure: Option<String>,
    /// Write files into this folder instead of to standard output, and print their names. Without
    /// --format: the page, the Markdown, every table as CSV and for LaTeX, every figure
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many neurons of each layer, those that disagree most [default: 12; html and figures]
    #[arg(long, value_name = "N", value_parser = neurons())]
    pub neurons: Option<usize>,
    /// Show in each picture what drives the neuron [default: off; html and figures]
    #[arg(long, value_enum, value_name = "LOOK")]
    pub region: Option<Region>,
}

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
    /// All figures, or the one that --figure names; all need --out.
    Svg,
    /// The same as pixels; needs --out.
    Png,
    /// TensorBoard's event files, a folder a run; needs --out.
    Tensorboard,
}

/// A file's name and its bytes.
pub(super) type File = (String, Vec<u8>);

/// Prints the report of these runs, or writes it into a folder. `home` is the run that was asked for
/// first: a study, or the first of `folders`. With `readonly` nothing is written into its folder.
pub fn run(
    home: &RunFolder,
    folders: &[RunFolder],
    args: &ReportArgs,
    readonly: bool,
) -> Result<()> {
    let everything = args.format.is_none() && args.out.is_some();
    let format = args.format.unwrap_or(Format::Md);
    let has_pictures = everything || matches!(format, Format::Html | Format::Svg | Format::Png);
    if !has_pictures && (args.neurons.is_some() || args.region.is_some()) {
        return Err(Error::bad_input("--neurons and --region choose pictures, and this has none")
            .hint("add --format html, or --format png --out DIR"));
    }
    if format == Format::Tensorboard {
        return event_files(folders, args.out.as_deref());
    }
    figures::check(args)?;
    if args.format.is_none() && args.out.is_none() {
        return print_and_write(home, folders, args, readonly);
    }
    let files = if everything {
        let report = Report::gather(folders)?;
        let figures = named_figures(&report, folders, args)?;
        all(&report, &figures, folders, args)?
    } else {
        files(folders, args, format)?
    };
    let Some(out) = &args.out else {
        // Of CSV one table: two of them one below the other are none.
        let most = if format == Format::Tex { files.len() } else { 1 };
        for (_, bytes) in files.iter().filter(|(name, _)| name != DOCUMENT).take(most) {
            print::text(&String::from_utf8_lossy(bytes))?;
        }
        return Ok(());
    };
    for path in write_into(out, &files)? {
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Their paths.
fn write_into(out: &Path, files: &[File]) -> Result<Vec<PathBuf>> {
    write::folder(out)?;
    let write = |(name, bytes): &File| {
        let path = out.join(name);
        write::whole(&path, bytes).map(|()| path)
    };
    files.iter().map(write).collect()
}

/// The Markdown to standard output, and whatever can be taken away into the folder of the run. A run
/// that belongs to somebody else can be read all the same.
fn print_and_write(
    home: &RunFolder,
    folders: &[RunFolder],
    args: &ReportArgs,
    readonly: bool,
) -> Result<()> {
    let report = Report::of(folders)?;
    let figures = named_figures(&report, folders, args)?;
    print::text(&markdown::with_figures(&report, &drawings(&figures, false)))?;
    if readonly {
        print::talk("note: --readonly changes no run: nothing is written beside this");
        return Ok(());
    }
    let files = all(&report, &figures, folders, args)?;
    let written = write_into(&home.path().join("report"), &files);
    print::talk(&match written.as_deref() {
        Ok([page, others @ ..]) => format!("{} and {} more files", page.display(), others.len()),
        Ok([]) => String::new(),
        Err(error) => format!("note: nothing is written beside this: {error}"),
    });
    Ok(())
}

/// TensorBoard's event files: a folder a run, named by it.
fn event_files(folders: &[RunFolder], out: Option<&Path>) -> Result<()> {
    let out = out.ok_or_else(|| {
        Error::bad_input("event files are files, and no folder is given for them")
            .hint("add --out DIR, which `tensorboard --logdir DIR` then reads")
    })?;
    for (index, folder) in folders.iter().enumerate() {
        if folders[..index].iter().any(|earlier| earlier.id() == folder.id()) {
            continue;
        }
        let path = out.join(folder.id());
        tensorboard::export(folder, &path)?;
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// The LaTeX document that takes in the other files.
const DOCUMENT: &str = "tables.tex";

/// Whatever can be taken away.
fn all(
    report: &Report,
    figures: &[NamedFigure],
    folders: &[RunFolder],
    args: &ReportArgs,
) -> Result<Vec<File>> {
    let mut all = vec![file("report.html", page(report, figures, folders, args)?)];
    all.push(file("report.md", markdown::with_figures(report, &drawings(figures, false))));
    if !report.is_empty() {
        let tables = csv::all(report).into_iter().chain(latex::render(report));
        all.extend(tables.map(|(name, text)| file(&name, text)));
    }
    all.extend(figures::both(figures));
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
            let named = named_figures(&report, folders, args)?;
            vec![file("report.md", markdown::with_figures(&report, &drawings(&named, false)))]
        }
        Format::Html => {
            let report = Report::gather(folders)?;
            let figures = named_figures(&report, folders, args)?;
            vec![file("report.html", page(&report, &figures, folders, args)?)]
        }
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
        Format::Svg | Format::Png => figures::files(folders, args)?,
        // Not held in memory: written by `event_files`.
        Format::Tensorboard => Vec::new(),
    })
}

fn named_figures(
    report: &Report,
    folders: &[RunFolder],
    args: &ReportArgs,
) -> Result<Vec<NamedFigure>> {
    crate::report::figures::with(report, folders, figures::options(args))
}

/// The figures as a page has them; without their drawings where there is no room for any. What can't
/// be drawn keeps its place, and says so.
fn drawings<'a>(
    figures: impl IntoIterator<Item = &'a NamedFigure>,
    with_svg: bool,
) -> Vec<Drawing> {
    let drawing = |figure: &NamedFigure| {
        let drawn = if with_svg { figure.svg(Ink::Page) } else { Ok(String::new()) };
        let (svg, problem) = match drawn {
            Ok(svg) => (svg, None),
            Err(error) => (String::new(), Some(error.message)),
        };
        Drawing {
            name: figure.name.clone(),
            number: figure.number.clone(),
            title: figure.title.clone(),
            caption: figure.caption.clone(),
            command: figure.command.clone(),
            part: figure.part,
            source: figure.source.clone(),
            svg,
            problem,
        }
    };
    figures.into_iter().map(drawing).collect()
}

fn page(
    report: &Report,
    figures: &[NamedFigure],
    folders: &[RunFolder],
    args: &ReportArgs,
) -> Result<String> {
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
    // The page sets the neurons' pictures in its own way: they fit a phone.
    let drawings = drawings(figures.iter().filter(|figure| !figure.is_of_neurons()), true);
    let page = html::Page { report, galleries: &galleries, command: &command, drawings: &drawings };
    let (text, unread) = html::render(&page);
    if unread > 0 {
        print::talk(&format!("note: {unread} pictures could not be read; the page says where"));
    }
    Ok(text)
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
