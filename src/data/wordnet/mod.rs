//! The nouns of WordNet 3.0 (Miller 1995) and how they hang together (SCIENCE §4.2): what each is
//! called, what it is a kind of, how far two lie apart.
//!
//! A table of all of them is part of the binary (`nouns.bin`, made by `make.py` from WordNet's own
//! files); other versions are read from a user's dictionary folder. Only hypernyms (`@`) and instance
//! hypernyms (`@i`) are kept, all of them: the nouns form a directed graph without cycles below one
//! root, `entity`.

mod ancestry;
mod class;
mod dictionary;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::OnceLock;

pub use ancestry::Ancestry;
pub use class::noun_of_class;

use self::rows::Rows;
use self::table::{PACKED, Table, Word};
use crate::error::Result;

/// The nouns that the 1,000 classes of ImageNet's challenge stand for, by class index.
static IMAGENET: &str = include_str!("imagenet.txt");

/// Names of ImageNet's 1,000 classes, in the order in which every model counts them.
pub fn imagenet_classes() -> Vec<&'static str> {
    IMAGENET.lines().map(|wnid| noun_name(wnid).unwrap_or(wnid)).collect()
}

/// The first lemma of a noun, by its ImageNet-style id: `n02099601` → `golden retriever`. `None` if
/// that is no noun of WordNet 3.0.
pub fn noun_name(wnid: &str) -> Option<&'static str> {
    let wordnet = WordNet::embedded();
    wordnet.synset(wnid).map(|synset| wordnet.name(synset))
}

/// A noun in one of its meanings, with all words for it: its place in the [`WordNet`] that it is of.
/// In another one it means something else. In the order of WordNet's file, data.noun.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Synset(u32);

impl Synset {
    fn place(self) -> usize {
        self.0 as usize
    }
}

/// All nouns of a WordNet.
#[derive(Debug, Clone, Default)]
pub struct WordNet {
    table: Table,
    /// By spelling: which sense, and what that is. Made when it is first asked for.
    senses: OnceLock<Rows<(u32, Synset)>>,
}

/// Why a table is no hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// There is no noun.
    Empty,
    /// This one is a kind of itself, by way of others.
    Cycle(Synset),
    /// Neither of these is a kind of anything.
    Roots([Synset; 2]),
}

impl WordNet {
    /// WordNet 3.0, which is inside the binary. The first call copies it out (a few milliseconds;
    /// `glassbox doctor` measures them).
    pub fn embedded() -> &'static Self {
        static WORDNET: OnceLock<WordNet> = OnceLock::new();
        // The table is part of the binary and a test reads all of it: what is not as expected cannot
        // happen here.
        WORDNET.get_or_init(|| Self::of(Table::unpack(PACKED).unwrap_or_default()))
    }

    /// Reads `data.noun` and `index.noun` in a dictionary folder of WordNet 2.1 or later (wndb(5WN)).
    /// Errors name the file and the line, what was expected and what is there.
    pub fn open(dictionary: &Path) -> Result<Self> {
        dictionary::read(dictionary).map(Self::of)
    }

    fn of(table: Table) -> Self {
        Self { table, senses: OnceLock::new() }
    }

    fn senses_of(&self, spelling: usize) -> &[(u32, Synset)] {
        let senses = self.senses.get_or_init(|| {
            let words = &self.table.words;
            let cells = (0..words.len()).flat_map(|place| {
                let cell =
                    move |word: &Word| (word.spelling as usize, (word.sense, Synset(place as u32)));
                words.row(place).iter().map(cell)
            });
            Rows::sorted(self.table.spellings.len(), cells)
        });
        senses.row(spelling)
    }

    /// Every noun, in the order of data.noun.
    pub fn synsets(&self) -> impl ExactSizeIterator<Item = Synset> + use<> {
        (0..self.table.offsets.len() as u32).map(Synset)
    }

    /// By its ImageNet-style id, `n` and the eight digits of its offset in data.noun: `n02084071`.
    pub fn synset(&self, wnid: &str) -> Option<Synset> {
        let place = self.table.offsets.binary_search(&offset(wnid)?).ok()?;
        Some(Synset(place as u32))
    }

    /// What a word means, the most frequent sense first. Lower and upper case are alike, and so are
    /// `_` and a blank. Nothing where it is no noun.
    pub fn senses(&self, lemma: &str) -> Vec<Synset> {
        let spellings = &self.table.spellings;
        let first = spellings.partition_point(|spelling| folded(spelling).lt(folded(lemma)));
        // Turkey and turkey are spelled apart and count their senses together.
        let mut senses: Vec<(u32, Synset)> = (first..spellings.len())
            .take_while(|&at| folded(spellings.get(at)).eq(folded(lemma)))
            .flat_map(|at| self.senses_of(at).iter().copied())
            .collect();
        senses.sort_unstable();
        // Sun and sun are words of one synset.
        senses.dedup();
        senses.into_iter().map(|(_, synset)| synset).collect()
    }

    /// By an id (`n02084071`), else the most frequent sense of a word (`dog`).
    pub fn find(&self, noun: &str) -> Option<Synset> {
        self.synset(noun).or_else(|| self.senses(noun).first().copied())
    }

    /// `n02084071`
    pub fn wnid(&self, synset: Synset) -> String {
        format!("n{:08}", self.table.offsets.get(synset.place()).copied().unwrap_or(0))
    }

    /// Its first word: `golden retriever`.
    pub fn name(&self, synset: Synset) -> &str {
        self.words(synset).next().unwrap_or_default()
    }

    /// All its words, in WordNet's order.
    pub fn lemmas(&self, synset: Synset) -> Vec<String> {
        self.words(synset).map(str::to_owned).collect()
    }

    fn words(&self, synset: Synset) -> impl Iterator<Item = &str> {
        let words = self.table.words.row(synset.place()).iter();
        words.map(|word| self.table.spellings.get(word.spelling as usize))
    }

    /// What it is a kind or an instance of; nothing for the root.
    pub fn parents(&self, synset: Synset) -> &[Synset] {
        self.table.parents.row(synset.place())
    }
}

/// `n` and eight digits.
fn offset(wnid: &str) -> Option<u32> {
    eight_digits(wnid.strip_prefix('n')?)
}

/// As WordNet writes offsets.
fn eight_digits(digits: &str) -> Option<u32> {
    let proper = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if proper { digits.parse().ok() } else { None }
}

/// What words are compared by, and spellings ordered by.
fn folded(word: &str) -> impl Iterator<Item = char> {
    word.chars().map(|c| if c == '_' { ' ' } else { c }).flat_map(char::to_lowercase)
}
