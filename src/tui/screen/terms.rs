//! The language in which lists of neurons are filtered: words and small comparisons, all of which
//! must hold. Each list has words of its own; see [`Subject`].
//!
//! | term | keeps neurons |
//! |---|---|
//! | `dog` | with something that contains it |
//! | `147` | with this index |
//! | `label:dog` | whose text of this name contains it |
//! | `iou>0.1` | by a number of this name |
//! | `marked`, `real!=adv` | of which this is true |
//! | `!dog` | that the term does not keep |
//! | `"table lamp"` | a word with blanks in it |

/// What is listed, and what can be said of it.
pub(super) trait Subject {
    /// Numbers by name. A subject without the value is not kept.
    const NUMBERS: &'static [&'static str];
    /// Texts by name, with what they want: `("label", "a class, like label:dog")`.
    const TEXTS: &'static [(&'static str, &'static str)];
    /// What is true of it or not: every spelling of each, the one that is told first.
    const SIGNS: &'static [&'static [&'static str]];

    /// What a bare number means.
    fn index(&self) -> usize;
    /// Whether a bare number means it.
    fn is_index(&self, index: usize) -> bool {
        self.index() == index
    }
    /// What a bare word means, in lower case.
    fn contains(&self, word: &str) -> bool;
    /// One of [`Self::NUMBERS`].
    fn number(&self, name: &str) -> Option<f64>;
    /// Whether one of [`Self::TEXTS`] contains a word in lower case.
    fn text(&self, name: &str, word: &str) -> bool;
    /// One of [`Self::SIGNS`], by its first spelling.
    fn sign(&self, name: &str) -> bool;
}

type Comparison = fn(f64, f64) -> bool;

/// Longest first: `>=` is not `>`.
const COMPARISONS: [(&str, Comparison); 7] = [
    (">=", |a, b| a >= b),
    ("<=", |a, b| a <= b),
    ("!=", |a, b| a != b),
    ("==", |a, b| a == b),
    (">", |a, b| a > b),
    ("<", |a, b| a < b),
    ("=", |a, b| a == b),
];

/// What was typed, understood as far as possible.
#[derive(Debug, Default)]
pub(super) struct Filter {
    terms: Vec<Term>,
    /// What of it means nothing, and what would. That part keeps every neuron.
    pub(super) problem: Option<String>,
}

#[derive(Debug)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Word(String),
    Index(usize),
    Text(&'static str, String),
    Compare(&'static str, Comparison, f64),
    Sign(&'static str),
}

impl Filter {
    /// Never fails: see [`Filter::problem`].
    pub(super) fn parse<S: Subject>(text: &str) -> Self {
        let mut filter = Self::default();
        for (token, is_quoted) in tokens(text) {
            let bare = token.strip_prefix('!').filter(|_| !is_quoted);
            let negated = bare.is_some();
            let token = bare.unwrap_or(&token);
            // Somebody is about to type it.
            if token.is_empty() {
                continue;
            }
            match if is_quoted { Ok(word(token)) } else { test::<S>(token) } {
                Ok(test) => filter.terms.push(Term { negated, test }),
                Err(problem) => filter.problem = filter.problem.or(Some(problem)),
            }
        }
        filter
    }

    /// Whether a subject is to be listed.
    pub(super) fn keeps<S: Subject>(&self, subject: &S) -> bool {
        self.terms.iter().all(|term| term.test.holds(subject) != term.negated)
    }

    /// The numbers and signs that it asks for.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.terms.iter().filter_map(|term| match term.test {
            Test::Compare(name, ..) | Test::Sign(name) | Test::Text(name, _) => Some(name),
            Test::Word(_) | Test::Index(_) => None,
        })
    }
}

impl Test {
    fn holds<S: Subject>(&self, subject: &S) -> bool {
        match self {
            Self::Word(word) => subject.contains(word),
            Self::Index(index) => subject.is_index(*index),
            Self::Text(name, word) => subject.text(name, word),
            Self::Compare(name, holds, with) => {
                subject.number(name).is_some_and(|value| holds(value, *with))
            }
            Self::Sign(name) => subject.sign(name),
        }
    }
}

fn word(text: &str) -> Test {
    Test::Word(text.to_lowercase())
}

fn test<S: Subject>(token: &str) -> Result<Test, String> {
    let sign = S::SIGNS.iter().find(|spellings| spellings.contains(&token));
    if let Some(name) = sign.and_then(|spellings| spellings.first()) {
        return Ok(Test::Sign(name));
    }
    if let Some((name, rest)) = token.split_once(':') {
        return match S::TEXTS.iter().find(|(known, _)| *known == name) {
            Some((_, wants)) if rest.is_empty() => Err(format!("{name}: wants {wants}")),
            Some((name, _)) => Ok(Test::Text(name, rest.to_lowercase())),
            None => {
                let names: Vec<_> = S::TEXTS.iter().map(|(name, _)| format!("{name}:")).collect();
                Err(format!("'{name}:' is unknown; there is {}", names.join(", ")))
            }
        };
    }
    let Some(at) = token.find(['<', '>', '=', '!']) else {
        return Ok(token.parse().map_or_else(|_| word(token), Test::Index));
    };
    let (name, rest) = token.split_at(at);
    let Some(name) = S::NUMBERS.iter().find(|known| **known == name) else {
        let looks_like_one = S::SIGNS.iter().filter_map(|spellings| spellings.first());
        let looks_like_one = looks_like_one.filter(|sign| sign.contains("!="));
        let names: Vec<_> = S::NUMBERS.iter().chain(looks_like_one).copied().collect();
        return Err(format!("'{name}' cannot be compared; there are {}", names.join(", ")));
    };
    let found =
        COMPARISONS.iter().find_map(|(sign, holds)| Some((rest.strip_prefix(sign)?, holds)));
    let number = found.and_then(|(number, holds)| Some((number.parse::<f64>().ok()?, holds)));
    match number {
        Some((number, holds)) if number.is_finite() => Ok(Test::Compare(name, *holds, number)),
        _ => Err(format!("'{token}' wants a number, like {name}>0.5")),
    }
}

/// The terms, and whether each is quoted as a whole. A quote that is still open goes to the end.
fn tokens(text: &str) -> Vec<(String, bool)> {
    let mut tokens = Vec::new();
    let (mut token, mut is_quoted, mut inside) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => {
                is_quoted |= token.is_empty() && !inside;
                inside = !inside;
            }
            c if c.is_whitespace() && !inside => {
                tokens.push((std::mem::take(&mut token), std::mem::take(&mut is_quoted)));
            }
            // `concept:"table lamp"`, too: blanks inside quotes belong to the term.
            c => token.push(c),
        }
    }
    tokens.push((token, is_quoted));
    tokens
}
