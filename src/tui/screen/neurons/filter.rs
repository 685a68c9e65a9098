//! The language of the list's filter: words and small comparisons, all of which must hold.
//!
//! | term | keeps neurons |
//! |---|---|
//! | `dog` | with a picture of a class that contains it |
//! | `147` | with this index |
//! | `label:dog` | whose favourite class contains it |
//! | `act>10` | by activation, disagreement (`diff`) or loss under attack (`change`) |
//! | `real!=adv` | whose favourite class is another on adversarial pictures |
//! | `marked` | with a bookmark |
//! | `!dog` | that the term does not keep |
//! | `"table lamp"` | a word with blanks in it |

use crate::run::results::neurons::Neuron;

type Quantity = fn(&Neuron) -> Option<f64>;
type Comparison = fn(f64, f64) -> bool;

/// What can be compared with a number, by name. A neuron without the value is not kept.
const QUANTITIES: [(&str, Quantity); 3] = [
    ("act", |neuron| Some(neuron.top_activation())),
    ("diff", Neuron::disagreement),
    ("change", Neuron::change),
];
/// Longest first: `>=` is not `>`.
const SIGNS: [(&str, Comparison); 7] = [
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
    Label(String),
    Compare(Quantity, Comparison, f64),
    Differs,
    Marked,
}

impl Filter {
    /// Never fails: see [`Filter::problem`].
    pub(super) fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for (token, is_quoted) in tokens(text) {
            let bare = token.strip_prefix('!').filter(|_| !is_quoted);
            let negated = bare.is_some();
            let token = bare.unwrap_or(&token);
            // Somebody is about to type it.
            if token.is_empty() {
                continue;
            }
            match if is_quoted { Ok(word(token)) } else { test(token) } {
                Ok(test) => filter.terms.push(Term { negated, test }),
                Err(problem) => filter.problem = filter.problem.or(Some(problem)),
            }
        }
        filter
    }

    /// Whether a neuron is to be listed.
    pub(super) fn keeps(&self, neuron: &Neuron, is_marked: bool) -> bool {
        self.terms.iter().all(|term| term.test.holds(neuron, is_marked) != term.negated)
    }
}

impl Test {
    fn holds(&self, neuron: &Neuron, is_marked: bool) -> bool {
        match self {
            Self::Word(word) => {
                let mut tops = neuron.real.iter().chain(&neuron.adversarial);
                tops.any(|top| top.label.to_lowercase().contains(word))
            }
            Self::Index(index) => neuron.index == *index,
            Self::Label(word) => neuron
                .favourite()
                .is_some_and(|favourite| favourite.label.to_lowercase().contains(word)),
            Self::Compare(value, holds, with) => {
                value(neuron).is_some_and(|value| holds(value, *with))
            }
            Self::Differs => {
                let real = neuron.favourite().map(|favourite| favourite.class);
                let adversarial = neuron.adversarial_favourite().map(|(_, class)| class);
                adversarial.is_some() && real != adversarial
            }
            Self::Marked => is_marked,
        }
    }
}

fn word(text: &str) -> Test {
    Test::Word(text.to_lowercase())
}

fn test(token: &str) -> Result<Test, String> {
    match token {
        "marked" => return Ok(Test::Marked),
        "real!=adv" | "adv!=real" => return Ok(Test::Differs),
        _ => {}
    }
    if let Some((name, rest)) = token.split_once(':') {
        return match (name, rest) {
            ("label", "") => Err("label: wants a class, like label:dog".into()),
            ("label", class) => Ok(Test::Label(class.to_lowercase())),
            _ => Err(format!("'{name}:' is unknown; there is label:")),
        };
    }
    let Some(at) = token.find(['<', '>', '=', '!']) else {
        return Ok(token.parse().map_or_else(|_| word(token), Test::Index));
    };
    let (name, rest) = token.split_at(at);
    let names = || {
        let names = QUANTITIES.iter().map(|(name, _)| *name);
        names.chain(["real!=adv"]).collect::<Vec<_>>().join(", ")
    };
    let Some((_, value)) = QUANTITIES.iter().find(|(known, _)| *known == name) else {
        return Err(format!("'{name}' cannot be compared; there are {}", names()));
    };
    let sign = SIGNS.iter().find_map(|(sign, holds)| Some((rest.strip_prefix(sign)?, holds)));
    let number = sign.and_then(|(number, holds)| Some((number.parse::<f64>().ok()?, holds)));
    match number {
        Some((number, holds)) if number.is_finite() => Ok(Test::Compare(*value, *holds, number)),
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
            c => token.push(c),
        }
    }
    tokens.push((token, is_quoted));
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::fixture;

    fn kept(text: &str) -> Vec<usize> {
        let filter = Filter::parse(text);
        assert_eq!(filter.problem, None, "{text}");
        let neurons = fixture::neurons();
        let layer = neurons.layers[1].neurons.iter();
        layer.filter(|neuron| filter.keeps(neuron, neuron.index == 3)).map(|n| n.index).collect()
    }

    #[test]
    fn every_term_means_what_the_help_says() {
        assert_eq!(kept("147"), [147]);
        assert_eq!(kept("marked"), [3]);
        assert_eq!(kept("").len(), 256);
        assert_eq!(kept("!147").len(), 255);
        assert_eq!(kept("!").len(), 256);
        let dogs = kept("label:DOG");
        assert!(dogs.contains(&147) && dogs.len() < kept("dog").len());
        assert_eq!(kept("label:dog !147").len(), dogs.len() - 1);
        assert!(kept("act>30.5").iter().all(|index| *index < 41));
        assert_eq!(kept("act>=0 act<0"), [] as [usize; 0]);
        let (some, others) = (kept("diff>0.5"), kept("diff<=0.5"));
        assert_eq!(some.len() + others.len(), 256);
        assert!(!some.is_empty() && !others.is_empty());
        let (moved, loyal) = (kept("real!=adv"), kept("!real!=adv"));
        assert_eq!(moved.len() + loyal.len(), 256);
        assert_eq!(kept("\"air plane\""), [] as [usize; 0]);
        assert!(!kept("\"airplane\"").is_empty());
    }

    #[test]
    fn what_means_nothing_is_told_and_keeps_everything() {
        let cases = [
            ("act>dog", "'act>dog' wants a number, like act>0.5"),
            ("act>", "wants a number"),
            ("diff!0.5", "wants a number"),
            ("act>nan", "wants a number"),
            ("iou>0.1", "'iou' cannot be compared; there are act, diff, change, real!=adv"),
            ("label:", "like label:dog"),
            ("class:dog", "there is label:"),
        ];
        let neurons = fixture::neurons();
        for (text, told) in cases {
            let filter = Filter::parse(text);
            let problem = filter.problem.as_deref().unwrap_or_default();
            assert!(problem.contains(told), "{text}: {problem}");
            assert!(filter.keeps(&neurons.layers[1].neurons[0], false), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_panics(text in "\\PC*|[!<>=:\" a-z0-9.-]*") {
            let filter = Filter::parse(&text);
            let neurons = fixture::neurons();
            for neuron in &neurons.layers[0].neurons {
                filter.keeps(neuron, true);
            }
        }

        #[test]
        fn a_term_and_its_negation_part_the_layer(
            term in "[a-z]{1,5}|[0-9]{1,3}|label:[a-z]{1,3}|(act|diff)(>|<|>=|=)[0-9]{1,2}|marked"
        ) {
            let (yes, no) = (Filter::parse(&term), Filter::parse(&format!("!{term}")));
            let neurons = fixture::neurons();
            for neuron in &neurons.layers[0].neurons {
                prop_assert_ne!(yes.keeps(neuron, false), no.keeps(neuron, false));
            }
        }
    }
}
