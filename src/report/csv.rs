//! A report as CSV (RFC 4180): one file a table, fractions 0..1.

pub mod concepts;

use super::Report;
use crate::error::text::clean;

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
