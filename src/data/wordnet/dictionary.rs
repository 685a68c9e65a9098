//! WordNet's own files, data.noun and index.noun, in a folder of the user's (wndb(5WN)).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::ancestry::depths;
use super::rows::{Rows, Strings};
use super::table::{Table, Word};
use super::{Flaw, Synset, eight_digits, folded};
use crate::data::files::{require_folder, unreadable};
use crate::error::text::{printable, shown};
use crate::error::{Error, Result};

const HINT: &str = "set consistency.wordnet to the folder dict of WordNet 2.1 or later, or remove \
                    it: WordNet 3.0 is part of glassbox";
/// Hypernym and instance hypernym.
const PARENTS: [&str; 2] = ["@", "@i"];

/// A file of lines, each of fields between blanks.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// A line's number, from 1, and the fields of it that are not read yet.
struct Line<'a> {
    path: &'a Path,
    number: usize,
    fields: std::str::SplitAsciiWhitespace<'a>,
}

/// A line of data.noun.
struct Row<'a> {
    offset: u32,
    line: usize,
    words: Vec<&'a str>,
    /// Their offsets.
    parents: Vec<u32>,
}

/// See [`WordNet::open`](super::WordNet::open).
pub(super) fn read(folder: &Path) -> Result<Table> {
    require_folder(folder, "WordNet's data.noun and index.noun")
        .map_err(|error| error.hint(HINT))?;
    let data = File::read(folder.join("data.noun"))?;
    let index = File::read(folder.join("index.noun"))?;
    let rows = rows(&data)?;
    let senses = senses(&index, &rows)?;
    let spellings = spellings(&rows);
    let numbers: HashMap<&str, u32> =
        spellings.iter().zip(0..).map(|(spelling, number)| (&**spelling, number)).collect();
    let (mut parents, mut words) = (Vec::new(), Vec::new());
    for (place, row) in rows.iter().enumerate() {
        for &offset in &row.parents {
            let parent = place_of(&rows, offset).ok_or_else(|| {
                data.wrong(row.line, "a hypernym that is in the file", &format!("{offset:08}"))
            })?;
            parents.push(parent);
        }
        for word in &row.words {
            let sense = senses.get(&(key(word), Synset(place as u32))).copied();
            let sense = sense.ok_or_else(|| {
                let expected = format!("words that {} leads here from", shown(&index.path));
                data.wrong(row.line, &expected, word)
            })?;
            let spelling = numbers.get(&*spelled(word)).copied().unwrap_or(0);
            words.push(Word { spelling, sense });
        }
    }
    let parents = Rows::new(rows.iter().map(|row| row.parents.len()), parents);
    let words = Rows::new(rows.iter().map(|row| row.words.len()), words);
    let text = Strings::new(spellings.iter().map(String::len), spellings.concat());
    let (Some(parents), Some(words), Some(spellings)) = (parents, words, text) else {
        return Err(Error::failed(format!("the nouns in {} do not add up", shown(folder))));
    };
    let depths = depths(&parents).map_err(|flaw| flawed(flaw, &data, &rows))?;
    let offsets = rows.iter().map(|row| row.offset).collect();
    Ok(Table { offsets, parents, words, spellings, depths })
}

/// Why the nouns are no hierarchy.
fn flawed(flaw: Flaw, data: &File, rows: &[Row<'_>]) -> Error {
    let path = shown(&data.path);
    let line = |synset: Synset| rows[synset.place()].line;
    bad_input(match flaw {
        Flaw::Empty => format!("{path} holds no noun"),
        Flaw::Cycle(synset) => format!(
            "{path} line {}: expected hypernyms that lead up to a noun without any, found that they \
             lead in a circle",
            line(synset)
        ),
        Flaw::Roots([one, other]) => format!(
            "{path} line {}: expected a hypernym, found none; only one noun may be without, as that of \
             line {} is",
            line(other),
            line(one)
        ),
    })
}

fn bad_input(message: String) -> Error {
    Error::bad_input(message).hint(HINT)
}

impl File {
    fn read(path: PathBuf) -> Result<Self> {
        match fs::read(&path) {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(error) => Err(unreadable(&path, error).hint(HINT)),
        }
    }

    fn wrong(&self, line: usize, expected: &str, found: &str) -> Error {
        wrong(&self.path, line, expected, found)
    }

    /// Lines that are not of the licence, which begin with blanks, without what comes after ` | `:
    /// glosses may be in any encoding.
    fn lines(&self) -> impl Iterator<Item = Result<Line<'_>>> {
        let lines = self.bytes.split(|byte| *byte == b'\n').enumerate();
        lines.filter(|(_, line)| !line.starts_with(b"  ") && !line.trim_ascii().is_empty()).map(
            |(at, line)| {
                let end = line.windows(3).position(|three| three == b" | ").unwrap_or(line.len());
                match std::str::from_utf8(&line[..end]) {
                    Ok(text) => Ok(Line {
                        path: &self.path,
                        number: at + 1,
                        fields: text.split_ascii_whitespace(),
                    }),
                    Err(_) => Err(bad_input(format!(
                        "{} line {}: expected UTF-8 text",
                        shown(&self.path),
                        at + 1
                    ))),
                }
            },
        )
    }
}

fn wrong(path: &Path, line: usize, expected: &str, found: &str) -> Error {
    let path = shown(path);
    bad_input(format!("{path} line {line}: expected {expected}, found '{}'", printable(found)))
}

impl<'a> Line<'a> {
    fn wrong(&self, expected: &str, found: &str) -> Error {
        wrong(self.path, self.number, expected, found)
    }

    fn next(&mut self, expected: &str) -> Result<&'a str> {
        self.fields.next().ok_or_else(|| {
            let (path, line) = (shown(self.path), self.number);
            bad_input(format!("{path} line {line}: expected {expected}, the line ends before it"))
        })
    }

    fn offset(&mut self, expected: &str) -> Result<u32> {
        let field = self.next(expected)?;
        eight_digits(field).ok_or_else(|| self.wrong(expected, field))
    }

    fn number(&mut self, expected: &str, radix: u32) -> Result<usize> {
        let field = self.next(expected)?;
        let proper = field.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let number = if proper { usize::from_str_radix(field, radix).ok() } else { None };
        number.ok_or_else(|| self.wrong(expected, field))
    }

    fn noun(&mut self) -> Result<()> {
        match self.next("the part of speech, n")? {
            "n" => Ok(()),
            other => Err(self.wrong("the part of speech, n", other)),
        }
    }

    fn end(&mut self) -> Result<()> {
        match self.fields.next() {
            None => Ok(()),
            Some(more) => Err(self.wrong("the end of the line", more)),
        }
    }
}

/// data.noun, in the order of the offsets:
/// `offset file n words (hex) (word number)… pointers (sign offset pos source/target)… | gloss`
fn rows(data: &File) -> Result<Vec<Row<'_>>> {
    let mut rows = Vec::new();
    for line in data.lines() {
        let mut line = line?;
        let offset = line.offset("an offset of eight digits")?;
        line.next("the number of a lexicographer's file")?;
        line.noun()?;
        let count = line.number("how many words, in hexadecimal", 16)?;
        if count == 0 {
            return Err(line.wrong("at least one word", "00"));
        }
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(line.next("a word")?);
            line.number("the number of a word, in hexadecimal", 16)?;
        }
        let count = line.number("how many pointers", 10)?;
        let mut parents = Vec::new();
        for _ in 0..count {
            let sign = line.next("the sign of a pointer")?;
            let to = line.offset("a pointer's offset of eight digits")?;
            let kind = line.next("a pointer's part of speech")?;
            line.next("the words that a pointer joins")?;
            if PARENTS.contains(&sign) && kind == "n" && !parents.contains(&to) {
                parents.push(to);
            }
        }
        line.end()?;
        rows.push(Row { offset, line: line.number, words, parents });
    }
    rows.sort_by_key(|row| row.offset);
    for pair in rows.windows(2) {
        if pair[0].offset == pair[1].offset {
            let found = format!("{:08}, which line {} has too", pair[1].offset, pair[0].line);
            return Err(data.wrong(pair[1].line, "an offset of its own", &found));
        }
    }
    Ok(rows)
}

fn place_of(rows: &[Row<'_>], offset: u32) -> Option<Synset> {
    let place = rows.binary_search_by_key(&offset, |row| row.offset).ok()?;
    Some(Synset(place as u32))
}

/// Which sense of a word a synset is, from index.noun:
/// `lemma n synsets signs sign… senses tagged offset…`, the most frequent sense first.
fn senses(index: &File, rows: &[Row<'_>]) -> Result<HashMap<(String, Synset), u32>> {
    let mut senses = HashMap::new();
    for line in index.lines() {
        let mut line = line?;
        let lemma = line.next("a word")?;
        line.noun()?;
        let count = line.number("how many synsets", 10)?;
        for _ in 0..line.number("how many signs of pointers", 10)? {
            line.next("the sign of a pointer")?;
        }
        line.number("how many senses", 10)?;
        line.number("how many senses occur in texts", 10)?;
        let key = key(lemma);
        for sense in 0..count {
            let offset = line.offset("a synset's offset of eight digits")?;
            let place = place_of(rows, offset);
            let synset = place.filter(|synset| {
                rows[synset.place()].words.iter().any(|word| folded(word).eq(key.chars()))
            });
            let synset = synset.ok_or_else(|| {
                line.wrong(
                    "the offset of a noun in data.noun with that word",
                    &format!("{offset:08}"),
                )
            })?;
            senses.entry((key.clone(), synset)).or_insert(sense as u32);
        }
        line.end()?;
    }
    Ok(senses)
}

/// The words as they are spelled, in the table's order.
fn spellings(rows: &[Row<'_>]) -> Vec<String> {
    let words = rows.iter().flat_map(|row| &row.words);
    let mut all: Vec<(String, String)> = words.map(|word| (key(word), spelled(word))).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(|(_, spelling)| spelling).collect()
}

fn spelled(word: &str) -> String {
    word.replace('_', " ")
}

fn key(word: &str) -> String {
    folded(word).collect()
}

#[cfg(test)]
mod tests;
