//! `evaluate`: accuracy on the test split, clean and under each attack, against epsilon, and of
//! images made on other networks (SCIENCE §5).
//!
//! All of it is passes over the test split: an attack on one network, its images tried on one or
//! more. Each finished batch leaves its record, so that a stopped evaluation goes on where it was.

mod outcome;
mod passes;
mod record;

use std::sync::Arc;

use candle_core::Tensor;

use self::passes::{Pass, Plan};
use self::record::{BatchRecord, Record, Tally};
use super::networks::Networks;
use super::sample::{self, Sample};
use super::{log_damage, runs_of, trained_network};
use crate::attack::feature_distance::FeatureDistance;
use crate::attack::measure::Distances;
use crate::attack::{Victims, logits};
use crate::data::{Batch, DamageReport, Dataset};
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::job::ledger::Ledger;
use crate::model::Mode;
use crate::spec::{EvaluateSpec, MethodSpec};

/// What it costs, in forward passes over the test split.
pub fn cost(section: &EvaluateSpec) -> f64 {
    passes::cost_of(section)
}

/// What attacking an image costs, in forward passes.
pub(super) fn cost_of_attack(how: &MethodSpec) -> f64 {
    passes::cost(how) as f64
}

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(section) = spec.evaluate.clone() else { return Ok(StageEnd::Done) };
    let test = build::open_test(&spec)?;
    let mut networks = Networks::new(trained_network(context, &*test)?, &spec);
    let plan = Plan::of(&section, &mut networks, runs_of(context.folder()))?;
    let mut evaluation = Evaluation {
        ledger: Ledger::open(context.folder(), "evaluate")?,
        sample: Sample::of(context, &test, &networks)?,
        networks,
        test,
        section,
        damage: Arc::default(),
        seen: 0,
        work: 0,
        whole: 0,
    };
    let end = evaluation.run(context, &plan)?;
    if end == StageEnd::Done {
        evaluation.ledger.close();
    }
    Ok(end)
}

/// The stage under way.
struct Evaluation {
    section: EvaluateSpec,
    test: Arc<dyn Dataset>,
    networks: Networks,
    sample: Sample,
    ledger: Ledger<Record>,
    damage: Arc<DamageReport>,
    /// Images that went through a pass, over all passes: what events count.
    seen: u64,
    /// The same in passes through a network, of `whole`: how far the stage is.
    work: u64,
    whole: u64,
}

impl Evaluation {
    fn run(&mut self, context: &mut Context, plan: &Plan) -> Result<StageEnd> {
        // Rows and points that differ in nothing but epsilon are one attack.
        let mut tried: Vec<(usize, MethodSpec)> = Vec::new();
        for pass in &plan.passes {
            let how = MethodSpec { epsilon: None, step_size: None, ..pass.how.clone() };
            if !tried.contains(&(pass.source, how.clone())) {
                self.check_zero(context, pass)?;
                tried.push((pass.source, how));
            }
        }
        self.look_at_gradients()?;
        self.take_up(context, plan)?;
        for pass in &plan.passes {
            if self.attack_all(context, pass)? == Flow::Stop {
                return Ok(StageEnd::Stopped);
            }
            self.try_more_steps(context, pass)?;
            let tally = outcome::sum(&self.ledger, &pass.name);
            if tally.images == 0 {
                return Err(Error::failed("no image could be read, so nothing was evaluated"));
            }
            for line in outcome::lines(pass, &tally, &self.networks) {
                context.log(&line)?;
            }
        }
        log_damage(context, "test split", &self.damage, &mut 0)?;
        let of_split = self.test.len() as u64;
        let result = outcome::results(plan, &self.ledger, &self.networks, of_split);
        for (about, warning) in result.warnings() {
            context.log(&format!("warning: {about}: {}", warning.sentence()))?;
        }
        let json = serde_json::to_vec_pretty(&result)
            .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
        context.write("results/evaluate.json", &json)?;
        Ok(StageEnd::Done)
    }

    /// Counts what is done, so that time left is told from the speed now.
    fn take_up(&mut self, context: &mut Context, plan: &Plan) -> Result<()> {
        let images = self.test.len() as u64;
        self.whole = plan.passes.iter().map(|pass| pass.cost() * images).sum();
        for pass in &plan.passes {
            let done = outcome::sum(&self.ledger, &pass.name).images;
            self.seen += done;
            self.work += done * pass.cost();
        }
        if self.seen > 0 {
            context.log(&format!("goes on after {} images of an earlier try", self.seen))?;
            context.progress(self.work, self.whole)?;
        }
        Ok(())
    }

    /// Whatever an attack does with a bound of 0 is a mistake in it, and its numbers are worthless.
    fn check_zero(&mut self, context: &mut Context, pass: &Pass) -> Result<()> {
        let name = format!("{}:zero", pass.name);
        if !pass.attacks() || self.ledger.get(&name, 0).is_some() {
            return Ok(());
        }
        let few = (&self.networks[pass.source].model, &self.sample.few);
        sample::check_zero(context.spec(), &pass.how, few, None, runs_of(context.folder()))?;
        self.ledger.put(&name, 0, Record::Sound)
    }

    /// What the run's own network lets an attack see.
    fn look_at_gradients(&mut self) -> Result<()> {
        if self.ledger.get("gradients", 0).is_none() {
            let seen = sample::gradients(&self.networks[0].model, &self.sample.images)?;
            self.ledger.put("gradients", 0, Record::Gradients(seen))?;
        }
        Ok(())
    }

    /// Takes a pass over every batch that has no record yet.
    fn attack_all(&mut self, context: &mut Context, pass: &Pass) -> Result<Flow> {
        let size = self.section.batch_size;
        let batches = self.test.len().div_ceil(size.max(1));
        let missing = |batch: &usize| self.ledger.get(&pass.name, *batch).is_none();
        let Some(first) = (0..batches).find(missing) else { return Ok(Flow::Continue) };
        let attack = build::attack(context.spec(), &pass.how, runs_of(context.folder()))?;
        // Layers of the run's own network; and the images as they are lie at no distance from
        // themselves.
        let measures = pass.attacks() && pass.source == 0;
        let layers = if measures { build::feature_layers(context.spec()) } else { Vec::new() };
        let taps: Vec<&str> = layers.iter().map(String::as_str).collect();
        let mut tally = outcome::sum(&self.ledger, &pass.name);
        let mut loader = super::from(context, &self.test, size, first, &self.damage)?;
        while let Some(batch) = loader.next() {
            let batch = self.networks.take(batch?)?;
            let number = loader.position() - 1;
            if self.ledger.get(&pass.name, number).is_some() {
                continue;
            }
            let source = &self.networks[pass.source].model;
            let images = attack.perturb(source, &victims(&batch))?;
            let (features, networks) = self.look(pass, &batch, &images, &taps)?;
            let record = BatchRecord {
                images: batch.indices.len() as u64,
                distances: Distances::of(&images, &batch.images)?,
                features,
                networks,
            };
            self.seen += record.images;
            self.work += record.images * pass.cost();
            tally.add(&record);
            self.ledger.put(&pass.name, number, Record::Batch(record))?;
            let (first, fifth) = pass.metrics();
            let (top1, top5) = (tally.top1(0), tally.top5(0));
            context.metrics(self.seen, &[(first, top1), (fifth, top5)])?;
            if context.progress(self.work, self.whole)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// How each network of a pass fares on what has become of a batch, and how far that lies from the
    /// originals in `taps` of the network it was made on: one pass for both.
    fn look(
        &self,
        pass: &Pass,
        batch: &Batch,
        images: &Tensor,
        taps: &[&str],
    ) -> Result<(FeatureDistance, Vec<Tally>)> {
        let mut distance = FeatureDistance::default();
        let mut tallies = Vec::with_capacity(pass.targets.len());
        for &target in &pass.targets {
            let model = &self.networks[target].model;
            let taps = if target == pass.source { taps } else { &[] };
            let output = model.forward(images, Mode::Evaluate, taps)?;
            if !taps.is_empty() {
                distance.add(&model.features(&batch.images, taps)?, &output.taps)?;
            }
            tallies.push(Tally::of(&output.logits, batch)?);
        }
        Ok((distance, tallies))
    }

    /// Whether twice the steps would find notably more, on a sample.
    fn try_more_steps(&mut self, context: &Context, pass: &Pass) -> Result<()> {
        let name = format!("{}:more", pass.name);
        let Some(more) = pass.more.as_ref().filter(|_| self.ledger.get(&name, 0).is_none()) else {
            return Ok(());
        };
        let batch = &self.sample.images;
        let attack = build::attack(context.spec(), more, runs_of(context.folder()))?;
        let model = &self.networks[pass.source].model;
        let images = attack.perturb(model, &victims(batch))?;
        let after = Tally::of(&logits(model, &images)?, batch)?;
        let before = outcome::sum(&self.ledger, &pass.name);
        let right = |index: &&usize| before.networks.first().is_some_and(|t| t.is_right(**index));
        let record = Record::MoreSteps {
            images: batch.indices.len() as u64,
            right: batch.indices.iter().filter(right).count() as u64,
            more: after.right.len() as u64,
        };
        self.ledger.put(&name, 0, record)
    }
}

fn victims(batch: &Batch) -> Victims<'_> {
    Victims { images: &batch.images, labels: &batch.labels, indices: &batch.indices, targets: None }
}
