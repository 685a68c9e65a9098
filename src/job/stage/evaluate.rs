//! `evaluate`: accuracy on the test split, clean and under each attack (SCIENCE §5).

use std::sync::Arc;

use super::{in_order, log_damage, runs_of, trained_network};
use crate::attack::Victims;
use crate::attack::evaluate::Accuracy;
use crate::data::DamageReport;
use crate::error::{Error, Result};
use crate::job::build;
use crate::job::context::{Context, Flow, StageEnd};
use crate::run::results::evaluate::{Evaluate, Row};
use crate::spec::{self, AttackMethod};

/// Runs the stage.
pub fn run(context: &mut Context) -> Result<StageEnd> {
    let spec = context.spec().clone();
    let Some(evaluate) = spec.evaluate.clone() else { return Ok(StageEnd::Done) };
    let test = build::open_data(&spec)?.test;
    let model = trained_network(context, &*test)?;
    let damage = Arc::<DamageReport>::default();
    let steps = (test.len() * evaluate.attacks.len()) as u64;
    let mut done = 0;
    let mut rows = Vec::new();
    let features = build::feature_layers(&spec);
    let taps: Vec<&str> = features.iter().map(String::as_str).collect();
    for item in &evaluate.attacks {
        let attack = build::attack(&spec, item, runs_of(context.folder()))?;
        let mut accuracy = Accuracy::default();
        for batch in in_order(context, &test, evaluate.batch_size, &damage)? {
            let batch = batch?;
            let victims = Victims {
                images: &batch.images,
                labels: &batch.labels,
                indices: &batch.indices,
                targets: None,
            };
            // The images as they are lie at no distance from themselves.
            let taps = if item.method == AttackMethod::None { &[] } else { &taps[..] };
            accuracy.add_with_features(&model, &*attack, &victims, taps)?;
            done += batch.indices.len() as u64;
            let (first, fifth) = match item.method {
                AttackMethod::None => ("top1", "top5"),
                _ => ("adversarial_top1", "adversarial_top5"),
            };
            context.metrics(done, &[(first, accuracy.top1()), (fifth, accuracy.top5())])?;
            if context.progress(done, steps)? == Flow::Stop {
                return Ok(StageEnd::Stopped);
            }
        }
        let name = spec::word(item.method);
        let moved = match accuracy.features.mean() {
            Some(distance) => format!("; features in {} moved by {distance:.4}", taps.join(", ")),
            None => String::new(),
        };
        context.log(&format!(
            "{name} ε {}: top-1 {:.4}, top-5 {:.4} over {} images; largest perturbation \
             {:.2}/255{moved}",
            item.bound(),
            accuracy.top1(),
            accuracy.top5(),
            accuracy.images,
            accuracy.distances.linf_max,
        ))?;
        rows.push(Row {
            attack: name,
            epsilon: item.bound(),
            top1: accuracy.top1(),
            top5: accuracy.top5(),
            images: accuracy.images as u64,
            linf_max: accuracy.distances.linf_max,
            feature_distance: accuracy.features.mean(),
        });
    }
    log_damage(context, &damage, &mut 0)?;
    let json = serde_json::to_vec_pretty(&Evaluate { rows })
        .map_err(|error| Error::failed(format!("failed to write JSON: {error}")))?;
    context.write("results/evaluate.json", &json)?;
    Ok(StageEnd::Done)
}
