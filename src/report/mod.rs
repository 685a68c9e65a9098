//! Tables and figures from results files, for papers and notes: Markdown, HTML, CSV, JSON, LaTeX, PNG.
//! Several runs stand in one table. Reads run folders; computes nothing that no results file holds.

mod appendix;
mod chart;
mod consistency;
mod control;
pub mod csv;
mod detector;
pub mod difference;
mod dissection;
mod drawing;
mod facts;
pub mod figure;
pub mod figures;
mod findings;
pub mod html;
pub mod hypernym_tree;
pub mod latex;
pub mod markdown;
mod names;
pub mod number;
mod published;
pub mod raster;
pub mod region;
mod sections;
mod trace;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::run::folder::RunFolder;
use crate::run::results::attack::Attack;
use crate::run::results::consistency::Consistency;
use crate::run::results::dissect::Dissect;
use crate::run::results::evaluate::{Curve, Evaluate, Transfer};
use crate::run::results::trace::Trace;
use crate::spec::{self, Spec};

pub use consistency::OfNeurons;
pub use dissection::{Difference, Dissection};
use facts::LOOKED_AT;
pub use facts::{Facts, Look, Training};
use names::Names;
pub use published::Published;
pub use published::concepts::{PublishedCurve, PublishedRatio};
pub use sections::Part;
pub use trace::{PublishedRatios, Traced};

/// What the results of some runs say, side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// In the order in which they were asked for.
    pub runs: Vec<Run>,
    /// SCIENCE §5's table: a row for each run and attack.
    pub rows: Vec<Row>,
    /// Accuracy against epsilon, for each run that has it.
    pub curves: Vec<OfRun<Curve>>,
    /// Who is fooled by images made on whom, for each run that has it.
    pub transfers: Vec<OfRun<Transfer>>,
    /// The sets of adversarial images, without their list.
    pub sets: Vec<OfRun<Attack>>,
    /// Table 1: what the neurons detect, for each run that was dissected.
    pub dissections: Vec<Dissection>,
    /// The same neurons in two runs, where exactly two were dissected.
    pub differences: Vec<Difference>,
    /// Level and consistency of the neurons by WordNet, for each run that has it.
    pub consistencies: Vec<OfNeurons>,
    /// The neurons behind predictions, for each run that was traced.
    pub traces: Vec<Traced>,
    /// How each run was made.
    pub facts: Vec<Facts>,
    /// What the results say, in sentences.
    pub findings: Vec<String>,
    /// What makes these numbers doubtful.
    pub warnings: Vec<Doubt>,
    /// What a reader should know about the published numbers.
    pub notes: Vec<String>,
}

/// A run, and what it was about.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Run {
    /// The folder's name.
    pub id: String,
    /// For people.
    pub title: String,
    /// `alexnet`.
    pub network: String,
    /// Where its weights are from: a file, `run:ID`, `trained in this run` or `fresh`.
    pub weights: String,
    /// `image-folder /data/imagenet`.
    pub data: String,
    /// The spec's.
    pub seed: u64,
}

/// A row of SCIENCE §5's table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The run's id.
    pub run: String,
    /// `alexnet`.
    pub network: String,
    /// `none`, `fgsm`.
    pub attack: String,
    /// Which norm epsilon bounds; empty without an attack.
    pub norm: String,
    /// Pixel levels of 255.
    pub epsilon: f64,
    /// Steps of an attack that makes several.
    pub steps: Option<u64>,
    /// Fraction, 0..1.
    pub top1: f64,
    /// Its 95 % confidence interval.
    pub top1_interval: [f64; 2],
    /// Fraction, 0..1.
    pub top5: f64,
    /// Its 95 % confidence interval.
    pub top5_interval: [f64; 2],
    /// How many images this is over.
    pub images: u64,
    /// Largest change of a pixel measured, in pixel levels of 255.
    pub linf_max: f64,
    /// How many warnings stand beside it.
    pub warnings: usize,
    /// What the paper has for this network under this attack.
    pub published: Option<Published>,
}

/// A part of a run's results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfRun<T> {
    /// The run's id.
    pub run: String,
    /// As its results file has it.
    #[serde(flatten)]
    pub result: T,
}

/// A warning and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The run's id.
    pub run: String,
    /// `fgsm ε 4, pgd ε 4`.
    pub about: String,
    /// What was seen.
    pub message: String,
    /// What to do to find out.
    #[serde(rename = "try")]
    pub remedy: String,
}

impl Report {
    /// Of these runs. Bad input if none of them has a result that a table shows.
    pub fn of(folders: &[RunFolder]) -> Result<Self> {
        let report = Self::gather(folders)?;
        if report.is_empty() {
            return Err(Error::bad_input(format!(
                "no results to report: {} has none of results/evaluate.json, results/attack.json, \
                 results/dissect.json, results/consistency.json and results/trace.json",
                ids(folders)
            ))
            .hint(
                "a spec with [evaluate], [attack], [dissect], [consistency] or [trace] makes them, \
                 once those stages are done",
            ));
        }
        Ok(report)
    }

    /// Of these runs, whatever they have.
    pub fn gather(folders: &[RunFolder]) -> Result<Self> {
        let mut report = Self {
            runs: Vec::new(),
            rows: Vec::new(),
            curves: Vec::new(),
            transfers: Vec::new(),
            sets: Vec::new(),
            dissections: Vec::new(),
            differences: Vec::new(),
            consistencies: Vec::new(),
            traces: Vec::new(),
            facts: Vec::new(),
            findings: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        let mut specs = Vec::new();
        for folder in folders {
            specs.extend(report.add(folder)?.map(|spec| (folder.id(), spec)));
        }
        report.differences = dissection::differences(&report.dissections);
        report.notes.extend(dissection::notes(&report.dissections));
        report.notes.extend(control::notes(&specs));
        report.findings = findings::of(&report);
        Ok(report)
    }

    /// Whether no table has a row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.sets.is_empty()
            && self.curves.is_empty()
            && !self.has_concepts()
            && self.traces.is_empty()
            && self.facts.iter().all(|facts| facts.training.is_none())
    }

    /// Whether it says what neurons mean.
    pub fn has_concepts(&self) -> bool {
        !self.dissections.is_empty() || !self.consistencies.is_empty()
    }

    /// What it is called: the title of its only run, or what the titles begin with.
    pub(crate) fn title(&self) -> String {
        let [first, rest @ ..] = self.runs.as_slice() else { return "No runs".into() };
        if rest.is_empty() {
            return first.title.clone();
        }
        let mut common: Vec<&str> = first.title.split_whitespace().collect();
        for run in rest {
            let same = common.iter().zip(run.title.split_whitespace());
            let same = same.take_while(|(a, b)| **a == *b).count();
            common.truncate(same);
        }
        let common = common.join(" ");
        let common = common.trim_end_matches([':', ',', '-', '–', '·', ' ']);
        if common.is_empty() {
            format!("{} runs", self.runs.len())
        } else {
            format!("{common}: {} runs", self.runs.len())
        }
    }

    /// What its runs are called.
    fn names(&self) -> Names {
        Names::new(&self.runs)
    }

    /// Answers the run's spec, once.
    fn add(&mut self, folder: &RunFolder) -> Result<Option<Spec>> {
        let info = folder.info()?;
        let spec = spec::read_resolved(&folder.path().join("spec.toml"))?;
        let id = folder.id();
        if self.runs.iter().any(|run| run.id == id) {
            return Ok(None);
        }
        let network = spec::word(spec.model.arch);
        self.runs.push(Run {
            id: id.clone(),
            title: info.title,
            network: network.clone(),
            weights: weights(&spec),
            data: data(&spec),
            seed: spec.seed,
        });
        if let Some(mut evaluate) = folder.result::<Evaluate>("evaluate")? {
            for (about, warning) in evaluate.warnings() {
                self.doubt(&id, about, warning);
            }
            for row in std::mem::take(&mut evaluate.rows) {
                self.rows.push(Row {
                    run: id.clone(),
                    network: network.clone(),
                    published: published::of(&spec, &row),
                    top1_interval: row.interval(),
                    top5_interval: row.interval5(),
                    warnings: row.warnings.len(),
                    attack: row.attack,
                    norm: row.norm,
                    epsilon: row.epsilon,
                    steps: row.steps,
                    top1: row.top1,
                    top5: row.top5,
                    images: row.images,
                    linf_max: row.linf_max,
                });
            }
            let of_run = |result| OfRun { run: id.clone(), result };
            self.curves.extend(evaluate.curve.map(of_run));
            let of_run = |result| OfRun { run: id.clone(), result };
            self.transfers.extend(evaluate.transfer.map(of_run));
            self.note(published::notes(&spec));
        }
        if let Some(mut result) = folder.result::<Attack>("attack")? {
            // Thousands of lines; the run folder has them.
            result.pairs.clear();
            let about = format!("set {}", result.name());
            for warning in &result.warnings {
                self.doubt(&id, about.clone(), warning);
            }
            self.sets.push(OfRun { run: id, result });
        }
        self.add_concepts(folder, &spec, &network)?;
        if let Some(result) = folder.result::<Trace>("trace")? {
            let (run, published) = (folder.id(), published::ratios(&spec, &result.layer));
            self.traces.push(Traced { run, network, result, published });
        }
        self.facts.push(facts::of(folder, &spec)?);
        Ok(Some(spec))
    }

    /// What the run says about its neurons.
    fn add_concepts(&mut self, folder: &RunFolder, spec: &Spec, network: &str) -> Result<()> {
        let (run, network) = (folder.id(), network.to_owned());
        if let Some(mut result) = folder.result::<Dissect>("dissect")? {
            // As many pictures as there are neurons, many times; the run folder has them.
            for neuron in result.layers.iter_mut().flat_map(|layer| &mut layer.neurons) {
                neuron.pictures.clear();
                neuron.adversarial_pictures.clear();
                neuron.outlines = None;
            }
            let of = |layer| published::concepts::ratio(folder, spec, &result, layer);
            let published: Vec<_> = result.layers.iter().filter_map(of).collect();
            self.note(published::concepts::dissection_notes(spec, !published.is_empty()));
            let (run, network) = (run.clone(), network.clone());
            self.dissections.push(Dissection { run, network, result, published });
        }
        if let Some(result) = folder.result::<Consistency>("consistency")? {
            let of = |layer: &crate::run::results::consistency::Layer| {
                published::concepts::curve(folder, spec, &result, &layer.layer)
            };
            let published: Vec<_> = result.layers.iter().map(of).collect();
            if published.iter().any(Option::is_some) {
                self.note(vec![published::concepts::curve_note()]);
            }
            self.note(consistency::notes(&run, &result));
            self.consistencies.push(OfNeurons { run, network, result, published });
        }
        Ok(())
    }

    /// Each once.
    fn note(&mut self, notes: Vec<String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    fn doubt(&mut self, run: &str, about: String, warning: &crate::run::results::warning::Warning) {
        self.warnings.push(Doubt {
            run: run.into(),
            about,
            message: warning.message.clone(),
            remedy: warning.remedy.clone(),
        });
    }
}

/// The runs' ids, for a message.
pub(crate) fn ids(folders: &[RunFolder]) -> String {
    folders.iter().map(RunFolder::id).collect::<Vec<_>>().join(", ")
}

fn weights(spec: &Spec) -> String {
    match &spec.model.weights {
        _ if spec.train.is_some() => "trained in this run".into(),
        Some(from) => from.clone(),
        None => "fresh".into(),
    }
}

fn data(spec: &Spec) -> String {
    let format = spec::word(spec.data.format);
    let path = spec.data.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
    let limit = match spec.data.limit {
        0 => String::new(),
        limit => format!(", {limit} images a split"),
    };
    format!("{format}{path}{limit}")
}

/// A share as the papers print it, in percent: `54.53`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

#[cfg(test)]
mod concept_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;
