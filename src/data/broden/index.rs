//! `index.csv`: which images there are, and where their labels are.

use std::collections::HashMap;
use std::path::{Component, Path};

use super::catalogue::Catalogue;
use super::table::{HINT, Record, Table};
use crate::error::text::{escaped, printable, shown};
use crate::error::{Error, Result};

/// Columns that are no category. What a picture's own size (`ih`, `iw`) and part of the data
/// (`split`) are does not matter here.
pub(super) const OTHER_COLUMNS: [&str; 6] = ["image", "split", "ih", "iw", "sh", "sw"];

/// No larger label maps are taken: room is made for them before any is read.
const LARGEST_SIDE: u16 = 4096;

/// One labelled image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Below `images/`, with `/` between parts.
    pub(super) image: Box<str>,
    /// Line of index.csv.
    pub(super) line: usize,
    /// Rows and columns of its label maps.
    pub(super) size: [u16; 2],
    /// Category and label.
    pub(super) labels: Box<[(u16, Label)]>,
}

/// One item of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// Of the whole image.
    Whole(u16),
    /// A PNG below `images/`.
    Map(Box<str>),
}

/// The first `limit` images, 0 = all.
pub(super) fn read(folder: &Path, catalogue: &Catalogue, limit: usize) -> Result<Vec<Row>> {
    let table = Table::read(folder, "index.csv")?;
    let (header, records) = table.records()?;
    let [image, height, width] = ["image", "sh", "sw"].map(|name| header.column(name));
    let (image, height, width) = (image?, height?, width?);
    let columns: Vec<usize> =
        catalogue.categories.iter().map(|name| header.column(name)).collect::<Result<_>>()?;
    let is_known = |name: &str| {
        OTHER_COLUMNS.contains(&name) || catalogue.categories.iter().any(|other| other == name)
    };
    if let Some(name) = header.cells.iter().find(|name| !is_known(name)) {
        return Err(header.error(&format!(
            "the column '{}' is no category of category.csv, expected {}",
            printable(name),
            catalogue.categories.join(", ")
        )));
    }
    if records.is_empty() {
        return Err(Error::bad_input(format!(
            "{} has no image, expected one a line below the columns' names",
            shown(&table.path)
        ))
        .hint(HINT));
    }
    let kept = if limit == 0 { records.len() } else { limit.min(records.len()) };
    let mut rows: Vec<Row> = Vec::with_capacity(kept);
    let mut lines: HashMap<&str, usize> = HashMap::with_capacity(records.len());
    for record in &records {
        let name = path(record, &record.cells[image], "image")?;
        if let Some(line) = lines.insert(name, record.line) {
            return Err(record.error(&format!(
                "the image '{}' is there twice, first in line {line}",
                printable(name)
            )));
        }
        let size = [
            record.number(height, "sh", 1..=LARGEST_SIDE)?,
            record.number(width, "sw", 1..=LARGEST_SIDE)?,
        ];
        let mut labels = Vec::new();
        for (category, &column) in columns.iter().enumerate() {
            for item in record.cells[column].split(';').map(str::trim) {
                if !item.is_empty() {
                    let of = &catalogue.categories[category];
                    labels.push((category as u16, label(record, item, of, catalogue)?));
                }
            }
        }
        // Lines beyond the limit are checked too: a folder that is broken is broken.
        if rows.len() < kept {
            rows.push(Row { image: name.into(), line: record.line, size, labels: labels.into() });
        }
    }
    Ok(rows)
}

fn label(record: &Record<'_>, item: &str, category: &str, catalogue: &Catalogue) -> Result<Label> {
    if item.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = item.parse().ok().filter(|&number| catalogue.has(number));
        return number.map(Label::Whole).ok_or_else(|| {
            record.error(&format!(
                "the label {} in the column '{category}' is not in label.csv",
                printable(item)
            ))
        });
    }
    let path = path(record, item, category)?;
    if !Path::new(path).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return Err(record.error(&format!(
            "'{}' in the column '{category}' is no label, expected a label's number or a PNG below \
             images/",
            printable(item)
        )));
    }
    Ok(Label::Map(path.into()))
}

/// A path that stays below `images/`.
fn path<'c>(record: &Record<'_>, cell: &'c str, column: &str) -> Result<&'c str> {
    let cell = cell.trim();
    let mut parts = Path::new(cell).components().peekable();
    let is_below = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    if !is_below || cell.contains('\\') || escaped(cell) != cell {
        return Err(record.error(&format!(
            "'{}' in the column '{column}' is no file below images/, expected a relative path \
             without '..' and control characters",
            printable(cell)
        )));
    }
    Ok(cell)
}
