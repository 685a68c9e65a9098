//! The comma-separated files of a Broden folder, as Python's `csv` module writes them: a header, then
//! a record a line; a cell with a comma, a quote or a line end stands in quotes, and a quote in it
//! is doubled.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::data::files::unreadable;
use crate::error::text::{printable, shown};
use crate::error::{Error, Result};

/// What to do about a folder that is not as it should be.
pub(super) const HINT: &str = "mend or download the folder again; Broden's own layout is expected: \
    index.csv, category.csv, label.csv, a c_CATEGORY.csv for each category, and images/";

/// One file, read as a whole.
pub(super) struct Table {
    pub(super) path: PathBuf,
    text: String,
}

/// One record and where it stands.
pub(super) struct Record<'t> {
    path: &'t Path,
    pub(super) line: usize,
    pub(super) cells: Vec<Cow<'t, str>>,
}

impl Table {
    pub(super) fn read(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::bad_input(format!(
                "{} does not exist: a Broden folder is expected to have it",
                shown(&path)
            ))
            .hint(HINT)
            .caused_by(error),
            _ => unreadable(&path, error),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
                .split(|&byte| byte == b'\n')
                .count()
                - 1;
            Error::bad_input(format!("{} line {}: is not UTF-8 text", shown(&path), line + 1))
                .hint("write the file in UTF-8")
        })?;
        Ok(Self { path, text })
    }

    /// The header and the records below it. Every record has as many cells as the header.
    pub(super) fn records(&self) -> Result<(Record<'_>, Vec<Record<'_>>)> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        let mut reader = Reader { text, at: 0, line: 1 };
        let mut next = || -> Result<Option<Record<'_>>> {
            let found = reader.next_record().map_err(|(line, reason)| {
                Error::bad_input(format!("{} line {line}: {reason}", shown(&self.path))).hint(HINT)
            })?;
            Ok(found.map(|(line, cells)| Record { path: &self.path, line, cells }))
        };
        let Some(header) = next()? else {
            return Err(Error::bad_input(format!(
                "{} is empty, expected a line with the columns' names",
                shown(&self.path)
            ))
            .hint(HINT));
        };
        let mut records = Vec::new();
        while let Some(record) = next()? {
            if record.cells.len() != header.cells.len() {
                return Err(record.error(&format!(
                    "has {} cells, expected {} as in the first line",
                    record.cells.len(),
                    header.cells.len()
                )));
            }
            records.push(record);
        }
        Ok((header, records))
    }
}

impl Record<'_> {
    /// An error about this record; `what` is to be read after the line's number.
    pub(super) fn error(&self, what: &str) -> Error {
        Error::bad_input(format!("{} line {}: {what}", shown(self.path), self.line)).hint(HINT)
    }

    /// Of a header: where a column stands.
    pub(super) fn column(&self, name: &str) -> Result<usize> {
        let mut places = (0..self.cells.len()).filter(|&at| self.cells[at] == name);
        let Some(at) = places.next() else {
            let names: Vec<String> = self.cells.iter().map(|name| format!("'{name}'")).collect();
            return Err(self.error(&format!(
                "the column '{}' is missing, expected it among {}",
                printable(name),
                printable(&names.join(", "))
            )));
        };
        match places.next() {
            Some(_) => Err(self.error(&format!("the column '{}' is there twice", printable(name)))),
            None => Ok(at),
        }
    }

    /// The cell of column `at`, which is called `name`, as a whole number of a range.
    pub(super) fn number(&self, at: usize, name: &str, of: RangeInclusive<u16>) -> Result<u16> {
        let cell = self.cells[at].trim();
        cell.parse().ok().filter(|number| of.contains(number)).ok_or_else(|| {
            self.error(&format!(
                "{name} is '{}', expected a whole number from {} to {}",
                printable(cell),
                of.start(),
                of.end()
            ))
        })
    }
}

/// Goes through a text record by record.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

/// A line and what is wrong there.
type Flaw = (usize, &'static str);

/// A record's cells, and the line on which it begins.
type Line<'t> = (usize, Vec<Cow<'t, str>>);

impl<'t> Reader<'t> {
    /// The next record that is not an empty line, and the line on which it begins.
    fn next_record(&mut self) -> Result<Option<Line<'t>>, Flaw> {
        loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            let line = self.line;
            let mut cells = Vec::new();
            loop {
                let (cell, has_more) = self.cell()?;
                cells.push(cell);
                if !has_more {
                    break;
                }
            }
            if cells.len() > 1 || cells.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some((line, cells)));
            }
        }
    }

    /// The next cell, and whether another one follows on the same record.
    fn cell(&mut self) -> Result<(Cow<'t, str>, bool), Flaw> {
        let text: &'t str = self.text;
        let rest = &text[self.at..];
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            self.at += end;
            let cell = &rest[..end];
            let has_more = self.end();
            // Python ends lines by \r\n.
            let cell = if has_more { cell } else { cell.strip_suffix('\r').unwrap_or(cell) };
            return Ok((Cow::Borrowed(cell), has_more));
        };
        let begun = self.line;
        let mut from = 0;
        let close = loop {
            let Some(quote) = quoted[from..].find('"') else {
                return Err((begun, "a quote is opened and never closed"));
            };
            let at = from + quote;
            if !quoted[at + 1..].starts_with('"') {
                break at;
            }
            from = at + 2;
        };
        let inside = &quoted[..close];
        self.line += inside.matches('\n').count();
        self.at += close + 2;
        if text[self.at..].starts_with("\r\n") {
            self.at += 1;
        }
        if !matches!(text[self.at..].bytes().next(), None | Some(b',' | b'\n')) {
            return Err((self.line, "text follows a closing quote, expected a comma"));
        }
        let cell = if inside.contains('"') {
            Cow::Owned(inside.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(inside)
        };
        Ok((cell, self.end()))
    }

    /// Steps over what ends a cell; whether that was a comma.
    fn end(&mut self) -> bool {
        let end = self.text[self.at..].bytes().next();
        self.at += usize::from(end.is_some());
        self.line += usize::from(end == Some(b'\n'));
        end == Some(b',')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, Flaw> {
        let mut reader = Reader { text, at: 0, line: 1 };
        let mut all = Vec::new();
        while let Some((line, cells)) = reader.next_record()? {
            all.push((line, cells.into_iter().map(Cow::into_owned).collect()));
        }
        Ok(all)
    }

    /// What Python's csv.writer makes of a record.
    fn written(cells: &[String]) -> String {
        let cell = |cell: &String| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
    }

    #[test]
    fn cells_lines_and_quotes() {
        let text = "a,b\r\n\r\n1,\"x, \"\"y\"\"\nz\"\n,\n3,4";
        let expected = [
            (1, vec!["a", "b"]),
            (3, vec!["1", "x, \"y\"\nz"]),
            (5, vec!["", ""]),
            (6, vec!["3", "4"]),
        ];
        let expected = expected
            .map(|(line, cells)| (line, cells.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("").unwrap(), []);
        assert_eq!(read("a\n\"b").unwrap_err().0, 2);
        assert_eq!(read("\"a\"b\n").unwrap_err().0, 1);
    }

    proptest! {
        #[test]
        fn what_python_writes_comes_back(
            records in prop::collection::vec(prop::collection::vec("[a,\"\n\ré ;]{0,6}", 2..5), 0..6),
        ) {
            let text: String = records.iter().map(|cells| written(cells)).collect();
            let found: Vec<Vec<String>> =
                read(&text).unwrap().into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(found, records);
        }
    }
}
