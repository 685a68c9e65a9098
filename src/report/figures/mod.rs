//! Every figure of a report, each by a name of its own: made of results files alone, drawn as SVG
//! or as PNG, alone or inside a page.

mod accuracy;
mod axis;
mod bars;
mod concept;
mod concepts;
mod detector;
mod grid;
mod levels;
mod neurons;
mod plot;
mod trace;
mod training;
mod tree;

use super::drawing::Drawing;
use super::figure;
use super::region::Look;
use super::sections::Part;
use super::{Report, drawing};
use crate::error::Result;
use crate::run::folder::{RunFolder, short_name};
use crate::run::shell::quoted;
use std::fmt::Write as _;

pub(super) use levels::svg as chart;

pub use drawing::Ink;

/// What is asked of the figures of neurons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many neurons of each layer, those that disagree most.
    pub neurons: usize,
    /// How what drives them is shown.
    pub look: Option<Look>,
}

impl Default for Options {
    fn default() -> Self {
        Self { neurons: NEURONS, look: None }
    }
}

/// A page of them is read; the workbench shows all.
pub const NEURONS: usize = 12;

/// A figure of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedFigure {
    /// Unique among the figures of the report, also where cases are one; fit for a file's name:
    /// `neurons-conv5`, `curves-loss`, `roc`.
    pub name: String,
    /// As the paper has it: `Figure 3`.
    pub number: Option<String>,
    /// A few words.
    pub title: String,
    /// What a reader has to know.
    pub caption: String,
    /// The ids of the runs that it shows.
    pub runs: Vec<String>,
    /// What makes exactly this figure, typed into a shell.
    pub command: String,
    /// Where it stands in the report.
    pub part: Part,
    /// The files of the run folders that its numbers are in.
    pub source: String,
    drawing: Made,
}

/// How it is drawn.
#[derive(Debug, Clone, PartialEq)]
enum Made {
    Drawing(Drawing),
    /// Pictures that excite neurons: their PNG has 300 dots an inch and is laid out for them.
    Neurons(figure::Figure),
}

impl NamedFigure {
    /// As SVG that stands alone, or inside a page. Fails where a picture can't be read.
    pub fn svg(&self, ink: Ink) -> Result<String> {
        match &self.drawing {
            Made::Drawing(drawing) => drawing.svg(ink),
            Made::Neurons(figure) => figure::drawing(figure, &self.title)?.svg(ink),
        }
    }

    /// As PNG, dark on white. Fails where a picture can't be read.
    pub fn png(&self) -> Result<Vec<u8>> {
        match &self.drawing {
            Made::Drawing(drawing) => drawing.png(),
            Made::Neurons(figure) => figure::png(figure),
        }
    }

    /// Whether it shows pictures that excite neurons, which a page may set in its own way.
    pub fn is_of_neurons(&self) -> bool {
        matches!(self.drawing, Made::Neurons(_))
    }
}

/// What is known of a figure before it has a name that no other has.
struct Draft {
    name: String,
    number: Option<&'static str>,
    title: String,
    caption: String,
    runs: Vec<String>,
    part: Part,
    source: &'static str,
    made: Made,
}

/// Every figure that these runs have, in the order of the report.
pub fn of(report: &Report, folders: &[RunFolder]) -> Result<Vec<NamedFigure>> {
    with(report, folders, Options::default())
}

/// The same with other neurons.
pub fn with(report: &Report, folders: &[RunFolder], options: Options) -> Result<Vec<NamedFigure>> {
    let traced = trace::traced(folders)?;
    let ids: Vec<String> = traced.iter().map(|run| run.folder.id()).collect();
    let names = Names::of(ids.iter().map(String::as_str));
    let mut drafts = training::figures(folders)?;
    drafts.extend(accuracy::figures(report)?);
    drafts.extend(neurons::figures(folders, options)?);
    drafts.extend(concept::figures(folders)?);
    drafts.extend(concepts::figures(report)?);
    drafts.extend(tree::figures(report)?);
    drafts.extend(levels::figures(report)?);
    drafts.extend(trace::figures(&traced, &names)?);
    drafts.extend(detector::figures(&traced, &names)?);
    Ok(named(drafts, folders, options))
}

/// How figures of one run are called where several runs have such figures.
struct Names {
    several: bool,
}

impl Names {
    /// Of the runs that have such figures.
    fn of<'a>(runs: impl Iterator<Item = &'a str>) -> Self {
        let mut runs = runs;
        let first = runs.next();
        Self { several: runs.any(|run| Some(run) != first) }
    }

    /// The file's name.
    fn file(&self, run: &str, name: &str) -> String {
        if self.several { format!("{run}-{name}") } else { name.to_owned() }
    }

    fn title(&self, run: &str, title: &str) -> String {
        if self.several { format!("{title}, {}", short_name(run)) } else { title.to_owned() }
    }
}

/// `; runs: a, b`, where there are several.
fn of_run(runs: &[&str]) -> String {
    if runs.len() < 2 {
        return String::new();
    }
    let names: Vec<&str> = runs.iter().map(|run| short_name(run)).collect();
    format!("; runs {}", names.join(", "))
}

fn named(drafts: Vec<Draft>, folders: &[RunFolder], options: Options) -> Vec<NamedFigure> {
    let mut taken = std::collections::BTreeSet::new();
    drafts
        .into_iter()
        .map(|draft| {
            let name = free(&file_name(&draft.name), &mut taken);
            NamedFigure {
                command: command(folders, &name, options),
                name,
                number: draft.number.map(str::to_owned),
                title: draft.title,
                caption: draft.caption,
                runs: draft.runs,
                part: draft.part,
                source: draft.source.into(),
                drawing: draft.made,
            }
        })
        .collect()
}

/// The command that makes one figure of a report of these runs.
fn command(folders: &[RunFolder], name: &str, options: Options) -> String {
    let mut command = String::from("glassbox report");
    let mut ids: Vec<String> = Vec::new();
    for id in folders.iter().map(RunFolder::id) {
        if !ids.contains(&id) {
            let _ = write!(command, " {}", quoted(&id));
            ids.push(id);
        }
    }
    let _ = write!(command, " --figure {}", quoted(name));
    if options.neurons != NEURONS {
        let _ = write!(command, " --neurons {}", options.neurons);
    }
    if let Some(look) = options.look {
        let _ = write!(command, " --region {}", look.word());
    }
    command + " --format svg --out figures"
}

/// As a file may be called, on every system.
fn file_name(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}

/// The name, or the first of `NAME-2`, … that is not taken, also where names that differ in case are
/// one: layers `a/b` and `a-b`, and the pages of one figure.
fn free(name: &str, taken: &mut std::collections::BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while !taken.insert(free.to_lowercase()) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

#[cfg(test)]
mod tests;
