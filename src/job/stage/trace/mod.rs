//! `trace`: from predictions back to the neurons that brought them (SCIENCE §7), of the test split, of
//! adversarial images, or of pictures that a user points at.
//!
//! First the network answers every image, then some of each kind, right, wrong and adversarial, are
//! drawn evenly over the set and traced. Each finished batch leaves its record, so that a stopped
//! stage goes on where it was; what the reference images do is gathered anew, which takes one pass.

mod detect;
mod follow;
mod look;
mod outcome;
mod reference;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::follow::Traced;
use self::look::{Given, Seen, Set};
use super::ranking::{Asked, Ranking, clear};
use super::{evaluate, log_damage};
use crate::data::{DamageReport, Dataset};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::ledger::Ledger;
use crate::model::LayerTap;
use crate::spec::{Spec, Split, TraceSpec};

/// Where what belongs to records lies, until the stage is done.
const UNDER_WAY: &str = "progress/trace";

/// A line of `progress/trace.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    /// What the network says of a batch.
    Seen(Seen),
    /// The neurons behind the predictions of a batch.
    Traced(Vec<Traced>),
}

/// Why predictions are looked at, in the words of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Right,
    Wrong,
    Adversarial,
    Given,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Adversarial => "adversarial",
            Self::Given => "given",
        }
    }
}

/// The predictions of a kind that are traced.
struct Chosen {
    kind: Kind,
    set: Set,
    /// By their places in the set, ascending.
    images: Vec<usize>,
    /// Those of them that are kept with picture and ablations.
    kept: BTreeSet<usize>,
}

/// What it costs, in forward passes over the test split: the split itself, the adversarial images,
/// the reference images, and what is traced, of which nobody knows here how many there are.
pub fn cost(spec: &Spec, section: &TraceSpec) -> f64 {
    let adversarial = f64::from(u8::from(section.adversarial != "none"));
    let attacked = spec.evaluate.as_ref().filter(|_| section.detector.is_some());
    3.0 + 2.0 * adversarial + attacked.map_or(0.0, evaluate::cost)
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.trace.clone() else { return Ok(StageEnd::Done) };
    let asked = Asked {
        section: "trace",
        layers: &[],
        split: Split::Test,
        adversarial: &section.adversarial,
        batch_size: section.batch_size,
    };
    let ranking = Ranking::open(context, &spec, asked)?;
    let tap = build::tap_to_trace(&section, &ranking.model)?;
    let given = build::given_pictures(&section, ranking.dataset.shape())?;
    let given = given.map(|pictures| Arc::new(Given::new(pictures, &section.images)));
    let settings = serde_json::to_vec(&(&section, given.as_ref().map(|given| given.names())))
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    let key = ranking.key(&settings)?;
    let mut stage = Stage {
        ledger: Ledger::open(context.folder(), "trace")?,
        // Enough to tell one from another.
        key: key[..6].iter().fold(String::new(), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        }),
        reference: build::open_data(&spec)?.train,
        damage: Arc::default(),
        ranking,
        tap,
        given,
        section,
        spec,
    };
    let end = stage.run(context)?;
    if end == StageEnd::Done {
        clear(context.folder(), UNDER_WAY);
        stage.ledger.close();
    }
    Ok(end)
}

/// The stage under way.
struct Stage {
    ranking: Ranking,
    spec: Spec,
    section: TraceSpec,
    tap: LayerTap,
    /// The pictures pointed at, where they are traced instead of the test split.
    given: Option<Arc<Given>>,
    /// The training split.
    reference: Arc<dyn Dataset>,
    ledger: Ledger<Record>,
    /// A hash of weights, images and settings: the records of others are none of ours.
    key: String,
    damage: Arc<DamageReport>,
}

impl Stage {
    fn run(&mut self, context: &mut Context) -> Result<StageEnd> {
        let sets = self.sets();
        self.plan(&sets);
        for set in &sets {
            if self.look(context, set)? == Flow::Stop {
                return Ok(StageEnd::Stopped);
            }
        }
        log_damage(context, self.called(), &self.damage, &mut 0)?;
        let chosen = self.choose(&sets)?;
        self.plan_exactly(&sets, &chosen);
        let Some(reference) = self.gather(context)? else { return Ok(StageEnd::Stopped) };
        for of_kind in &chosen {
            if self.follow(context, of_kind, &reference)? == Flow::Stop {
                return Ok(StageEnd::Stopped);
            }
        }
        let mut result = self.result(context, &sets, &chosen)?;
        let Some(()) = self.detect(context, &reference, &mut result)? else {
            return Ok(StageEnd::Stopped);
        };
        let json = serde_json::to_vec(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/trace.json", &json)?;
        for line in outcome::lines(&result) {
            context.log(&line)?;
        }
        Ok(StageEnd::Done)
    }

    /// The images that are traced first of all, for people.
    fn called(&self) -> &'static str {
        if self.given.is_some() { "given pictures" } else { self.ranking.called }
    }

    /// What tracing an image counts in the progress, in images looked at: each neuron is two passes
    /// through what follows the layer.
    fn weight(&self) -> u64 {
        (self.tap.shape[0] as u64).div_ceil(8)
    }

    /// How much there will be to do, as long as nobody knows what is right and wrong.
    fn plan(&mut self, sets: &[Set]) {
        let kinds = |set: &Set| if set.is_split() && self.section.images == "all" { 2 } else { 1 };
        let limit = |set: &Set| match self.section.limit {
            0 => set.dataset.len(),
            _ if set.is_given() => set.dataset.len(),
            limit => limit.saturating_mul(kinds(set)).min(set.dataset.len()),
        };
        let traced: usize = sets.iter().map(limit).fold(0, usize::saturating_add);
        self.plan_for(sets, traced);
    }

    /// The same once it is known.
    fn plan_exactly(&mut self, sets: &[Set], chosen: &[Chosen]) {
        self.plan_for(sets, chosen.iter().map(|of_kind| of_kind.images.len()).sum());
    }

    fn plan_for(&mut self, sets: &[Set], traced: usize) {
        let looks: usize = sets.iter().map(|set| set.dataset.len()).sum();
        let reference = self.reference_images().len();
        let traced = traced as u64 * self.weight();
        self.ranking.progress[1] = (looks + reference) as u64 + traced + self.detection_work();
    }
}
