//! `glassbox report`: the results of one or several runs as one set of tables.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::print;
use crate::error::{Error, Result};
use crate::report::{Report, csv, markdown};
use crate::run::folder::RunFolder;
use crate::run::write;

/// `glassbox report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Ids, beginnings of ids, or 'last'; several runs = one table
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<String>,
    /// What is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Md)]
    pub format: Format,
    /// Write files into this folder instead of to standard output, and print their names
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The formats that a report comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Format {
    /// Markdown, everything on one page.
    Md,
    /// A file a table; to standard output the accuracies alone.
    Csv,
    /// One JSON value.
    Json,
}

/// Prints the report of these runs, or writes it into a folder.
pub fn run(folders: &[RunFolder], format: Format, out: Option<&Path>) -> Result<()> {
    let files = files(&Report::of(folders)?, format)?;
    let Some(out) = out else {
        let first = files.first().map_or("", |(_, text)| text);
        return print::text(first);
    };
    write::folder(out)?;
    for (name, text) in files {
        let path = out.join(name);
        write::whole(&path, text.as_bytes())?;
        print::text(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// The files of a report; the first is what goes to standard output.
fn files(report: &Report, format: Format) -> Result<Vec<(&'static str, String)>> {
    Ok(match format {
        Format::Md => vec![("report.md", markdown::render(report))],
        Format::Json => {
            let json = serde_json::to_string_pretty(report)
                .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
            vec![("report.json", json + "\n")]
        }
        Format::Csv => {
            let mut files = vec![("accuracies.csv", csv::accuracies(report))];
            if !report.curves.is_empty() {
                files.push(("curves.csv", csv::curves(report)));
            }
            if !report.transfers.is_empty() {
                files.push(("transfers.csv", csv::transfers(report)));
            }
            if !report.sets.is_empty() {
                files.push(("sets.csv", csv::sets(report)));
            }
            files
        }
    })
}
