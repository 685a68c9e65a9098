//! What a Broden folder's labels mean: `category.csv`, `label.csv` and a `c_CATEGORY.csv` for each
//! category.

use std::path::Path;

use super::index::OTHER_COLUMNS;
use super::table::{HINT, Record, Table};
use crate::data::labelled::Concept;
use crate::error::text::{escaped, printable, shown};
use crate::error::{Error, Result};

/// Categories and concepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Catalogue {
    pub(super) categories: Vec<String>,
    /// By number − 1; of numbers that are left out the name is empty.
    pub(super) concepts: Vec<Concept>,
}

impl Catalogue {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let categories = categories(folder)?;
        let (mut concepts, lines) = labels(folder, &categories)?;
        // The largest coverage so far of each concept.
        let mut most: Vec<Option<f64>> = vec![None; concepts.len()];
        for (category, name) in categories.iter().enumerate() {
            for (number, coverage) in coverages(folder, name, &concepts)? {
                let most = &mut most[usize::from(number) - 1];
                // Of equals the later category, as in the published code.
                if most.is_none_or(|most| coverage >= most) {
                    *most = Some(coverage);
                    concepts[usize::from(number) - 1].category = category;
                }
            }
        }
        let homeless = concepts
            .iter()
            .zip(&most)
            .find(|(concept, most)| !concept.name.is_empty() && most.is_none());
        if let Some((Concept { number, name, .. }, _)) = homeless {
            let line = lines[usize::from(*number) - 1];
            return Err(Error::bad_input(format!(
                "{} line {line}: label {number} ('{}') is in no c_CATEGORY.csv, expected it in that \
                 of a category it belongs to",
                shown(&folder.join("label.csv")),
                printable(name)
            ))
            .hint(HINT));
        }
        Ok(Self { categories, concepts })
    }

    /// Whether a label of this number is known.
    pub(super) fn has(&self, number: u16) -> bool {
        let at = usize::from(number).checked_sub(1);
        at.and_then(|at| self.concepts.get(at)).is_some_and(|concept| !concept.name.is_empty())
    }
}

fn categories(folder: &Path) -> Result<Vec<String>> {
    let table = Table::read(folder, "category.csv")?;
    let (header, records) = table.records()?;
    let column = header.column("name")?;
    let mut names: Vec<String> = Vec::new();
    for record in &records {
        let name = record.cells[column].trim();
        // It is a part of a file's name.
        let is_plain = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(record.error(&format!(
                "'{}' is no name of a category, expected letters, digits, '-' and '_'",
                printable(name)
            )));
        }
        // index.csv has columns of these names; what all categories have in common is called so.
        if OTHER_COLUMNS.contains(&name) || name == "all" {
            return Err(record.error(&format!(
                "a category cannot be called '{name}', expected another name than all, {}",
                OTHER_COLUMNS.join(", ")
            )));
        }
        if names.iter().any(|other| other == name) {
            return Err(record.error(&format!("the category '{name}' is there twice")));
        }
        names.push(name.to_owned());
    }
    if names.is_empty() {
        return Err(Error::bad_input(format!(
            "{} has no category, expected one a line",
            shown(&table.path)
        ))
        .hint(HINT));
    }
    Ok(names)
}

/// Every concept, in no category yet, and the line that it stands on.
fn labels(folder: &Path, categories: &[String]) -> Result<(Vec<Concept>, Vec<usize>)> {
    let table = Table::read(folder, "label.csv")?;
    let (header, records) = table.records()?;
    let [number, name, category] = ["number", "name", "category"].map(|name| header.column(name));
    let (number, name, category) = (number?, name?, category?);
    let mut concepts: Vec<Concept> = Vec::new();
    let mut lines = Vec::new();
    for record in &records {
        let number = record.number(number, "number", 0..=u16::MAX)?;
        // 0 is no label; some sets name it all the same.
        let Some(at) = usize::from(number).checked_sub(1) else { continue };
        let name = escaped(record.cells[name].trim());
        if name.is_empty() {
            return Err(record.error(&format!("label {number} has no name")));
        }
        check_categories(record, &record.cells[category], categories)?;
        while concepts.len() <= at {
            let number = concepts.len() as u16 + 1;
            concepts.push(Concept { number, name: String::new(), category: 0 });
            lines.push(0);
        }
        if !concepts[at].name.is_empty() {
            return Err(record
                .error(&format!("label {number} is there twice, first in line {}", lines[at])));
        }
        concepts[at].name = name;
        lines[at] = record.line;
    }
    if concepts.is_empty() {
        return Err(Error::bad_input(format!(
            "{} has no label, expected one a line",
            shown(&table.path)
        ))
        .hint(HINT));
    }
    Ok((concepts, lines))
}

/// `object(120);part(3)`: each must be a category.
fn check_categories(record: &Record<'_>, cell: &str, categories: &[String]) -> Result<()> {
    for item in cell.split(';').map(str::trim).filter(|item| !item.is_empty()) {
        let name = item.split_once('(').map_or(item, |(name, _)| name);
        if !categories.iter().any(|category| category == name) {
            return Err(record.error(&format!(
                "the category '{}' is unknown, expected one of category.csv: {}",
                printable(name),
                categories.join(", ")
            )));
        }
    }
    Ok(())
}

/// How much of all images each concept covers as a label of a category: the sum of its shares.
fn coverages(folder: &Path, category: &str, concepts: &[Concept]) -> Result<Vec<(u16, f64)>> {
    let table = Table::read(folder, &format!("c_{category}.csv"))?;
    let (header, records) = table.records()?;
    let (number, coverage) = (header.column("number")?, header.column("coverage")?);
    let mut found = Vec::with_capacity(records.len());
    for record in &records {
        let number = record.number(number, "number", 0..=u16::MAX)?;
        let Some(at) = usize::from(number).checked_sub(1) else { continue };
        if concepts.get(at).is_none_or(|concept| concept.name.is_empty()) {
            return Err(record.error(&format!("label {number} is not in label.csv")));
        }
        let cell = record.cells[coverage].trim();
        let share = cell.parse().ok().filter(|share: &f64| share.is_finite() && *share >= 0.0);
        let share = share.ok_or_else(|| {
            record.error(&format!("coverage is '{}', expected a number from 0 on", printable(cell)))
        })?;
        found.push((number, share));
    }
    Ok(found)
}
