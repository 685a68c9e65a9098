//! What a reader needs to make the numbers again: ids, versions, machines, times, settings, and where
//! each number is from. And how trainings went.

use super::facts::{self, Facts, LOOKED_AT};
use super::sections::{Column, Part, RUN, Section, columns};
use super::{Report, number, percent};
use crate::run::shell::quoted;

/// How trainings went.
pub(super) fn training(report: &Report) -> Option<Section> {
    let mut rows = Vec::new();
    for facts in &report.facts {
        let Some(training) = &facts.training else { continue };
        for look in &training.looks {
            let mut cells = vec![facts.run.clone(), look.which.clone(), look.step.to_string()];
            cells.extend(LOOKED_AT.iter().map(|name| match look.metrics.get(*name) {
                Some(value) if name.contains("top") => percent(*value),
                Some(value) => number::value(*value),
                None => "–".into(),
            }));
            cells.push(training.chosen_by.clone());
            cells
                .push(training.images_per_second.map_or_else(|| "–".into(), |v| format!("{v:.1}")));
            rows.push(cells);
        }
    }
    if rows.is_empty() {
        return None;
    }
    let mut columns = columns(&[RUN, "look", ">step"]);
    let named = |name: &&str| {
        let unit = if name.contains("top") { " %" } else { "" };
        let name = name.replace("_top", " top-").replace('_', " ");
        let name = if name.starts_with("top") { name.replace("top", "top-") } else { name };
        Column { name: format!("{name}{unit}"), is_number: true }
    };
    columns.extend(LOOKED_AT.iter().map(named));
    columns.push(Column { name: "best by".into(), is_number: false });
    columns.push(Column { name: "images/s".into(), is_number: true });
    Some(Section {
        heading: Some("How the training went".into()),
        part: Part::Training,
        source: "events.jsonl: stage train, by step; images_per_second, their mean",
        file: "training.csv",
        columns,
        rows,
        after: Some(
            "As measured while it was trained. Best: the checkpoint that the other stages use. What \
             chose it is higher than it would be on other images, by having been chosen."
                .into(),
        ),
        ..Section::default()
    })
}

/// The appendix; `others` are the tables before it.
pub(super) fn sections(report: &Report, others: &[Section]) -> Vec<Section> {
    if report.facts.is_empty() {
        return Vec::new();
    }
    let mut sections = vec![made(report), machines(report)];
    sections.extend(times(report));
    sections.extend(differing(report));
    sections.extend(settings(report));
    sections.push(commands(report));
    sections.push(sources(report, others));
    sections
}

fn made(report: &Report) -> Section {
    let names = report.names();
    let rows = report.facts.iter().map(|facts| {
        let seed = report.runs.iter().find(|run| run.id == facts.run).map(|run| run.seed);
        vec![
            names.of(&facts.run).to_owned(),
            facts.run.clone(),
            facts.created.clone(),
            facts.status.clone(),
            seed.map_or_else(String::new, |seed| seed.to_string()),
            facts.glassbox.clone(),
            facts.format.to_string(),
        ]
    });
    Section {
        heading: Some("Runs, ids and versions".into()),
        part: Part::Appendix,
        source: "run.json; state.json: status",
        file: "runs.csv",
        columns: columns(&[
            "name",
            "id",
            "started",
            "status",
            ">seed",
            ">glassbox",
            ">folder's format",
        ]),
        rows: rows.collect(),
        ..Section::default()
    }
}

/// Bytes in GiB: `23.5 GiB`.
fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn machines(report: &Report) -> Section {
    let names = report.names();
    let rows = report.facts.iter().map(|facts| {
        let none = || "not recorded".to_owned();
        let machine = facts.machine.as_ref();
        let known = machine.filter(|machine| !machine.cpu.is_empty());
        let card = machine.and_then(|machine| {
            let memory = machine.gpu_memory.map(|bytes| format!(", {}", gib(bytes)));
            Some(format!("{}{}", machine.gpu.as_ref()?, memory.unwrap_or_default()))
        });
        vec![
            names.of(&facts.run).to_owned(),
            facts.host.clone(),
            facts.device.clone(),
            known.map_or_else(none, |machine| machine.cpu.clone()),
            known.map_or_else(|| "–".into(), |machine| machine.cores.to_string()),
            known.filter(|m| m.memory > 0).map_or_else(|| "–".into(), |m| gib(m.memory)),
            card.unwrap_or_else(|| "–".into()),
            known.map_or_else(|| "–".into(), |machine| machine.system.clone()),
        ]
    });
    Section {
        heading: Some("Machines".into()),
        part: Part::Appendix,
        source: "run.json: host, device; state.json: machine",
        file: "machines.csv",
        columns: columns(&[
            RUN,
            "host",
            "device",
            "processor",
            ">cores",
            ">memory",
            "card",
            "system",
        ]),
        rows: rows.collect(),
        ..Section::default()
    }
}

fn times(report: &Report) -> Option<Section> {
    let names = report.names();
    let mut rows = Vec::new();
    for facts in &report.facts {
        let all: f64 = facts.times.iter().map(|time| time.seconds).sum();
        for time in &facts.times {
            rows.push(vec![
                names.of(&facts.run).to_owned(),
                time.stage.clone(),
                format!("{:.1}", time.seconds),
                number::duration(time.seconds),
            ]);
        }
        if facts.times.len() > 1 {
            let name = names.of(&facts.run).to_owned();
            rows.push(vec![name, "all".into(), format!("{all:.1}"), number::duration(all)]);
        }
    }
    let old = report.facts.iter().any(|facts| facts.times.is_empty());
    let old = old.then(|| {
        "Of a run that is not here none is recorded: no stage of it is done, or an older version made \
         it."
        .to_owned()
    });
    (!rows.is_empty()).then(|| Section {
        heading: Some("How long the stages took".into()),
        part: Part::Appendix,
        source: "state.json: times",
        file: "times.csv",
        columns: columns(&[RUN, "stage", ">seconds", ">time"]),
        rows,
        after: old,
        ..Section::default()
    })
}

fn differing(report: &Report) -> Option<Section> {
    if report.facts.len() < 2 {
        return None;
    }
    let names = report.names();
    let rows: Vec<Vec<String>> = facts::differing(&report.facts)
        .into_iter()
        .map(|(key, values)| std::iter::once(key).chain(values).collect())
        .collect();
    let mut heads = columns(&["key"]);
    let name = |facts: &Facts| Column { name: names.of(&facts.run).to_owned(), is_number: false };
    heads.extend(report.facts.iter().map(name));
    (!rows.is_empty()).then(|| Section {
        heading: Some("Settings that differ".into()),
        part: Part::Appendix,
        source: "spec.toml of each run",
        file: "settings.csv",
        columns: heads,
        rows,
        ..Section::default()
    })
}

fn settings(report: &Report) -> impl Iterator<Item = Section> {
    let names = report.names();
    report.facts.iter().map(move |facts| Section {
        heading: Some("All settings".into()),
        run: Some(names.of(&facts.run).to_owned()),
        part: Part::Appendix,
        source: "spec.toml",
        file: "settings.csv",
        lines: facts.settings.iter().map(|(key, value)| format!("{key} = {value}")).collect(),
        ..Section::default()
    })
}

fn commands(report: &Report) -> Section {
    let shown = |facts: &Facts| {
        let words: Vec<String> = facts.argv.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    };
    // The runs of a study were started by one line.
    let mut lines: Vec<String> = Vec::new();
    for line in report.facts.iter().map(shown) {
        if !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    Section {
        heading: Some("Command lines".into()),
        part: Part::Appendix,
        before: Some(
            "What was typed to start the runs, in their order; a line that started several stands \
             once."
                .into(),
        ),
        source: "run.json: argv",
        file: "runs.csv",
        lines,
        ..Section::default()
    }
}

fn sources(report: &Report, others: &[Section]) -> Section {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for section in others {
        let heading = section.heading.clone().unwrap_or_else(|| Part::Overview.title().to_owned());
        let row = vec![heading, section.source.to_owned(), section.file.to_owned()];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    let ids: Vec<String> = report.runs.iter().map(|run| quoted(&run.id)).collect();
    let ids = ids.join(" ");
    Section {
        heading: Some("Where the numbers are".into()),
        part: Part::Appendix,
        before: Some(
            "Files are in the run folder of the run that a row names. A percentage is a share of its \
             file times 100; everything else is as in the file, rounded."
                .into(),
        ),
        columns: columns(&["table", "file: fields", "CSV with every digit"]),
        rows,
        after: Some("The commands that make this report, its tables as CSV and for LaTeX:".into()),
        commands: vec![
            format!("glassbox report {ids} --out report"),
            format!("glassbox report {ids} --format csv --out tables"),
            format!("glassbox report {ids} --format tex --out tables"),
        ],
        ..Section::default()
    }
}
