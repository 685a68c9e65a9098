//! A report as CSV (RFC 4180): one file a table, fractions 0..1.

pub mod concepts;
pub mod trace;

use super::sections;
use super::{LOOKED_AT, Report};
use crate::error::text::clean;
use crate::run::shell::quoted;

/// SCIENCE §5's table.
pub fn accuracies(report: &Report) -> String {
    let head = "run,network,attack,norm,epsilon,steps,top1,top1_low,top1_high,top5,top5_low,\
                top5_high,images,linf_max,warnings,published_top1,published_top5";
    let rows = report.rows.iter().map(|row| {
        vec![
            row.run.clone(),
            row.network.clone(),
            row.attack.clone(),
            row.norm.clone(),
            row.epsilon.to_string(),
            row.steps.map_or_else(String::new, |steps| steps.to_string()),
            row.top1.to_string(),
            row.top1_interval[0].to_string(),
            row.top1_interval[1].to_string(),
            row.top5.to_string(),
            row.top5_interval[0].to_string(),
            row.top5_interval[1].to_string(),
            row.images.to_string(),
            row.linf_max.to_string(),
            row.warnings.to_string(),
            optional(row.published.map(|published| published.top1)),
            optional(row.published.map(|published| published.top5)),
        ]
    });
    lines(head, rows)
}

/// Every point of every curve.
pub fn curves(report: &Report) -> String {
    let rows = report.curves.iter().flat_map(|curve| {
        curve.result.points.iter().map(move |point| {
            vec![
                curve.run.clone(),
                curve.result.attack.clone(),
                curve.result.norm.clone(),
                point.epsilon.to_string(),
                point.top1.to_string(),
                point.top1_interval[0].to_string(),
                point.top1_interval[1].to_string(),
                point.images.to_string(),
            ]
        })
    });
    lines("run,attack,norm,epsilon,top1,top1_low,top1_high,images", rows)
}

/// Every pair of every transfer table.
pub fn transfers(report: &Report) -> String {
    let rows = report.transfers.iter().flat_map(|transfer| {
        let table = &transfer.result;
        table.sources.iter().enumerate().flat_map(move |(row, source)| {
            table.targets.iter().enumerate().map(move |(column, target)| {
                let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
                let interval = table.top1_interval.get(row).and_then(|line| line.get(column));
                vec![
                    transfer.run.clone(),
                    table.attack.clone(),
                    table.epsilon.to_string(),
                    source.arch.clone(),
                    source.weights.clone().unwrap_or_default(),
                    target.arch.clone(),
                    target.weights.clone().unwrap_or_default(),
                    number(table.top1.get(row).and_then(|line| line.get(column)).copied()),
                    number(interval.map(|ends| ends[0])),
                    number(interval.map(|ends| ends[1])),
                    number(table.clean_top1.get(column).copied()),
                    table.images.to_string(),
                ]
            })
        })
    });
    let head = "run,attack,epsilon,source,source_weights,target,target_weights,top1,top1_low,\
                top1_high,clean_top1,images";
    lines(head, rows)
}

/// The sets of adversarial images, a row for each network that they were tried on.
pub fn sets(report: &Report) -> String {
    let rows = report.sets.iter().flat_map(|set| {
        let result = &set.result;
        result.models.iter().map(move |model| {
            vec![
                set.run.clone(),
                result.method.clone(),
                result.epsilon.to_string(),
                result.targeted.to_string(),
                model.arch.clone(),
                model.weights.clone().unwrap_or_default(),
                model.white_box.to_string(),
                model.top1_clean.to_string(),
                model.top1_adversarial.to_string(),
                model.target_rate.map_or_else(String::new, |rate| rate.to_string()),
                result.images.to_string(),
                result.linf_max.to_string(),
                result.l2_mean.to_string(),
                result.rmsd_mean.to_string(),
            ]
        })
    });
    let head = "run,attack,epsilon,targeted,network,weights,white_box,top1_clean,top1_adversarial,\
                target_rate,images,linf_max,l2_mean,rmsd_mean";
    lines(head, rows)
}

/// Writes one table.
type Table = fn(&Report) -> String;

/// Every table of the report in a file of its own, the accuracies first; a table without rows is left
/// out.
pub fn all(report: &Report) -> Vec<(String, String)> {
    // A run that was only dissected has no accuracies to begin with.
    let no_concepts = !report.has_concepts() && report.traces.is_empty();
    let accuracies = (!report.rows.is_empty() || no_concepts)
        .then(|| ("accuracies.csv".to_owned(), accuracies(report)));
    let mut files: Vec<(String, String)> = accuracies.into_iter().collect();
    let tables: [(&str, Table); 22] = [
        ("curves.csv", curves),
        ("transfers.csv", transfers),
        ("sets.csv", sets),
        ("table1.csv", concepts::table_1),
        ("table1-sweep.csv", concepts::sweep),
        ("concepts.csv", concepts::neurons),
        ("concepts-changed.csv", concepts::differences),
        ("consistency.csv", concepts::consistency),
        ("consistency-sweep.csv", concepts::sigmas),
        ("consistency-curves.csv", concepts::curves),
        ("consistency-neurons.csv", concepts::levels),
        ("trace.csv", trace::kinds),
        ("trace-agreement.csv", trace::agreement),
        ("trace-neurons.csv", trace::neurons),
        ("trace-predictions.csv", trace::predictions),
        ("representation.csv", trace::representation),
        ("detector-scores.csv", trace::scores),
        ("detector.csv", trace::detector),
        ("roc.csv", trace::roc),
        ("training.csv", training),
        ("times.csv", times),
        ("settings.csv", settings),
    ];
    let has_rows = |text: &String| text.lines().nth(1).is_some();
    let found = tables.map(|(name, table)| (name.to_owned(), table(report)));
    files.extend(found.into_iter().filter(|(_, text)| has_rows(text)));
    files.push(("runs.csv".into(), runs(report)));
    files.push(("machines.csv".into(), machines(report)));
    for section in sections::of(report) {
        // What was looked at, whose numbers are whole as they are shown.
        if section.file.ends_with("-data.csv") {
            let head: Vec<String> = section.columns.iter().map(|c| cell(&c.name)).collect();
            files.push((section.file.to_owned(), lines(&head.join(","), section.rows.into_iter())));
        }
    }
    files
}

/// What is known of how each run was made.
pub fn runs(report: &Report) -> String {
    let rows = report.runs.iter().zip(&report.facts).map(|(run, facts)| {
        vec![
            run.id.clone(),
            run.title.clone(),
            run.network.clone(),
            run.weights.clone(),
            run.data.clone(),
            run.seed.to_string(),
            facts.created.clone(),
            facts.status.clone(),
            facts.glassbox.clone(),
            facts.format.to_string(),
            facts.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        ]
    });
    lines("run,title,network,weights,data,seed,started,status,glassbox,format,command", rows)
}

/// What each run ran on.
pub fn machines(report: &Report) -> String {
    let rows = report.facts.iter().map(|facts| {
        let machine = facts.machine.clone().unwrap_or_default();
        let number = |value: u64| if value > 0 { value.to_string() } else { String::new() };
        vec![
            facts.run.clone(),
            facts.host.clone(),
            facts.device.clone(),
            machine.cpu,
            number(machine.cores as u64),
            number(machine.memory),
            machine.gpu.unwrap_or_default(),
            number(machine.gpu_memory.unwrap_or_default()),
            machine.system,
        ]
    });
    lines("run,host,device,processor,cores,memory_bytes,card,card_memory_bytes,system", rows)
}

/// How long each stage took.
pub fn times(report: &Report) -> String {
    let rows = report.facts.iter().flat_map(|facts| {
        facts
            .times
            .iter()
            .map(move |time| vec![facts.run.clone(), time.stage.clone(), time.seconds.to_string()])
    });
    lines("run,stage,seconds", rows)
}

/// Every key of every run.
pub fn settings(report: &Report) -> String {
    let rows = report.facts.iter().flat_map(|facts| {
        facts
            .settings
            .iter()
            .map(move |(key, value)| vec![facts.run.clone(), key.clone(), value.clone()])
    });
    lines("run,key,value", rows)
}

/// The best and the last look of each training.
pub fn training(report: &Report) -> String {
    let rows = report.facts.iter().flat_map(|facts| {
        facts.training.iter().flat_map(move |training| {
            training.looks.iter().map(move |look| {
                let mut cells = vec![facts.run.clone(), look.which.clone(), look.step.to_string()];
                cells.extend(
                    LOOKED_AT.iter().map(|name| optional(look.metrics.get(*name).copied())),
                );
                cells.push(training.chosen_by.clone());
                cells.push(optional(training.images_per_second));
                cells
            })
        })
    });
    let head = format!("run,look,step,{},best_by,images_per_second", LOOKED_AT.join(","));
    lines(&head, rows)
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn lines(head: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = format!("{head}\n");
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        out += &cells.join(",");
        out.push('\n');
    }
    out
}

fn cell(text: &str) -> String {
    let text = clean(text);
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}
