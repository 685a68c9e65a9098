//! `glassbox report`: the results of one or several runs as one set of tables, with their neurons'
//! figures where the format can hold pictures.

use std::path::PathBuf;

use clap::builder::{ArgPredicate, TypedValueParser};
use clap::{Args, ValueEnum};

use super::view::Region;
use super::{figures, print};
use crate::error::{Error, Result};
use crate::report::figure::{self, Gallery, Options, Panel, Source};
use crate::report::figures::NEURONS;
use crate::report::{Report, csv, html, ids, markdown};
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
    /// What is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Md)]
    // A figure is no table.
    #[arg(default_value_if("figure", ArgPredicate::IsPresent, "svg"))]
    pub format: Format,
    /// This figure alone; a name that there is not lists all names [svg and png]
    #[arg(long, value_name = "NAME")]
    pub figure: Option<String>,
    /// Write files into this folder instead of to standard output, and print their names
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
    /// All figures, or the one that --figure names; all need --out.
    Svg,
    /// The same as pixels; needs --out.
    Png,
}

/// A file's name and its bytes.
pub(super) type File = (String, Vec<u8>);

/// Prints the report of these runs, or writes it into a folder.
pub fn run(folders: &[RunFolder], args: &ReportArgs) -> Result<()> {
    let has_pictures = matches!(args.format, Format::Html | Format::Svg | Format::Png);
    if !has_pictures && (args.neurons.is_some() || args.region.is_some()) {
        return Err(Error::bad_input("--neurons and --region choose pictures, and this has none")
            .hint("add --format html, or --format png --out DIR"));
    }
    figures::check(args)?;
    let files = files(folders, args)?;
    let Some(out) = &args.out else {
        let Some((_, bytes)) = files.first() else { return Ok(()) };
        return print::text(&String::from_utf8_lossy(bytes));
    };
    write::folder(out)?;
    for (name, bytes) in files {
        let path = out.join(name);
        write::whole(&path, &bytes)?;
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// The files of a report; the first is what goes to standard output.
fn files(folders: &[RunFolder], args: &ReportArgs) -> Result<Vec<File>> {
    let file = |name: &str, text: String| (name.to_owned(), text.into_bytes());
    Ok(match args.format {
        Format::Md => vec![file("report.md", markdown::render(&Report::of(folders)?))],
        Format::Html => vec![file("report.html", page(folders, args)?)],
        Format::Json => {
            let json = serde_json::to_string_pretty(&Report::of(folders)?)
                .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
            vec![file("report.json", json + "\n")]
        }
        Format::Csv => {
            let report = Report::of(folders)?;
            let mut files = Vec::new();
            // A run that was only dissected has no accuracies to begin with.
            if !report.rows.is_empty() || !report.has_concepts() {
                files.push(file("accuracies.csv", csv::accuracies(&report)));
            }
            if !report.curves.is_empty() {
                files.push(file("curves.csv", csv::curves(&report)));
            }
            if !report.transfers.is_empty() {
                files.push(file("transfers.csv", csv::transfers(&report)));
            }
            if !report.sets.is_empty() {
                files.push(file("sets.csv", csv::sets(&report)));
            }
            if !report.dissections.is_empty() {
                files.push(file("table1.csv", csv::concepts::table_1(&report)));
                files.push(file("table1-sweep.csv", csv::concepts::sweep(&report)));
                files.push(file("concepts.csv", csv::concepts::neurons(&report)));
            }
            if !report.differences.is_empty() {
                files.push(file("concepts-changed.csv", csv::concepts::differences(&report)));
            }
            if !report.consistencies.is_empty() {
                files.push(file("consistency.csv", csv::concepts::consistency(&report)));
                files.push(file("consistency-curves.csv", csv::concepts::curves(&report)));
                files.push(file("consistency-neurons.csv", csv::concepts::levels(&report)));
            }
            files
        }
        Format::Svg | Format::Png => figures::files(folders, args)?,
    })
}

fn page(folders: &[RunFolder], args: &ReportArgs) -> Result<String> {
    let report = Report::gather(folders)?;
    let galleries = galleries(folders, args)?;
    if report.is_empty() && galleries.is_empty() {
        return Err(Error::bad_input(format!(
            "no results to report: {} has none of results/evaluate.json, results/attack.json, \
             results/neurons.json, results/dissect.json and results/consistency.json",
            ids(folders)
        ))
        .hint(
            "a spec with [evaluate], [attack], [neurons], [dissect] or [consistency] makes them, once \
             those stages are done",
        ));
    }
    let look = args.region.unwrap_or(Region::Off);
    let command = |panel: &Panel| command(panel, look);
    let page = html::Page { report: &report, galleries: &galleries, command: &command };
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
