//! What the classes of the data are in WordNet.

use std::path::Path;

use crate::data::Class;
use crate::data::wordnet::{Synset, WordNet, noun_of_class};
use crate::error::text::{escaped, printable};
use crate::error::{Error, Result};
use crate::neuron::consistency::Affinity;
use crate::spec::{self, ConsistencySpec};

/// Every class's noun, and the WordNet that it is one of.
#[derive(Debug)]
pub struct Nouns {
    /// The user's own; `None` = the one inside.
    own: Option<WordNet>,
    /// `3.0`, or the dictionary's folder.
    pub source: String,
    /// By class.
    pub of_class: Vec<Synset>,
}

impl Nouns {
    /// The hierarchy.
    pub fn wordnet(&self) -> &WordNet {
        match &self.own {
            Some(own) => own,
            None => WordNet::embedded(),
        }
    }
}

/// The nouns of the data's classes as `[consistency]` has them, or as the data do. Errors: a
/// dictionary that cannot be read; a class without a noun; a list of another length, or with a word
/// that is none.
pub fn nouns(section: &ConsistencySpec, classes: &[Class]) -> Result<Nouns> {
    let (own, source) = match &section.wordnet {
        Some(folder) => (Some(WordNet::open(Path::new(folder))?), folder.clone()),
        None => (None, "3.0".to_owned()),
    };
    let mut nouns = Nouns { own, source, of_class: Vec::new() };
    let wordnet = nouns.wordnet();
    nouns.of_class = match section.synsets.as_slice() {
        [] => of_data(wordnet, classes)?,
        listed if listed.len() == classes.len() => listed
            .iter()
            .enumerate()
            .map(|(index, noun)| wordnet.find(noun).ok_or_else(|| unknown(wordnet, index, noun)))
            .collect::<Result<_>>()?,
        listed => {
            return Err(Error::bad_input(format!(
                "consistency.synsets has {} nouns, but the data has {} classes",
                listed.len(),
                classes.len()
            ))
            .hint("one noun a class, in the order of the classes; `glassbox check` lists them"));
        }
    };
    Ok(nouns)
}

fn of_data(wordnet: &WordNet, classes: &[Class]) -> Result<Vec<Synset>> {
    let without: Vec<(usize, &Class)> = classes
        .iter()
        .enumerate()
        .filter(|(_, class)| noun_of_class(wordnet, class).is_none())
        .collect();
    let Some((index, class)) = without.first() else {
        return Ok(classes.iter().filter_map(|class| noun_of_class(wordnet, class)).collect());
    };
    let more = match without.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more have none"),
    };
    let named = class.wnid.as_ref().map(|wnid| format!(" ({})", printable(wnid)));
    Err(Error::bad_input(format!(
        "class {index} '{}'{} is no noun of WordNet{more}, so consistency cannot be measured",
        printable(&class.name),
        named.unwrap_or_default(),
    ))
    .hint(format!(
        "name the nouns of all {} classes in their order: consistency.synsets = [\"dog\", \
         \"n02121620\", …]",
        classes.len()
    )))
}

fn unknown(wordnet: &WordNet, index: usize, noun: &str) -> Error {
    let is_id = |word: &str| {
        word.strip_prefix('n').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let error = Error::bad_input(format!(
        "consistency.synsets[{index}] = '{}' is no noun of WordNet",
        escaped(noun)
    ));
    if is_id(noun) {
        return error.hint("an id is n and eight digits, the noun's offset in data.noun");
    }
    let lemmas: Vec<String> = wordnet.synsets().flat_map(|synset| wordnet.lemmas(synset)).collect();
    match spec::nearest::nearest(noun, lemmas.iter().map(String::as_str)) {
        Some(nearest) => error.hint(format!("did you mean '{nearest}'?")),
        None => error.hint("a WordNet id as n02084071, or a word as dog"),
    }
}

/// The measure that a spec names.
pub fn affinity(affinity: spec::Affinity) -> Affinity {
    match affinity {
        spec::Affinity::Gaussian => Affinity::Gaussian,
        spec::Affinity::Exponential => Affinity::Exponential,
        spec::Affinity::WuPalmer => Affinity::WuPalmer,
        spec::Affinity::Path => Affinity::Path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> Class {
        Class { name: name.into(), wnid: None }
    }

    fn refused(synsets: &[&str], classes: &[Class]) -> Error {
        let synsets = synsets.iter().map(|noun| (*noun).to_owned()).collect();
        let section = ConsistencySpec { synsets, ..ConsistencySpec::default() };
        let error = nouns(&section, classes).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error
    }

    #[test]
    fn a_list_names_the_nouns_by_id_or_word() {
        let synsets = vec!["n02084071".into(), "cat".into()];
        let section = ConsistencySpec { synsets, ..ConsistencySpec::default() };
        let found = nouns(&section, &[class("0"), class("1")]).unwrap();
        let names: Vec<&str> =
            found.of_class.iter().map(|synset| found.wordnet().name(*synset)).collect();
        assert_eq!((names.as_slice(), found.source.as_str()), (&["dog", "cat"][..], "3.0"));
    }

    #[test]
    fn what_is_no_noun_is_named_with_what_to_do() {
        let error = refused(&[], &[class("dog"), class("xyzzy"), class("plugh")]);
        assert!(error.message.contains("class 1 'xyzzy'"), "{}", error.message);
        assert!(error.message.contains("1 more"), "{}", error.message);
        assert!(error.hint.unwrap().contains("consistency.synsets"));
        let error = refused(&["dog"], &[class("dog"), class("cat")]);
        assert!(error.message.contains("1 nouns") && error.message.contains("2 classes"));
        let error = refused(&["dog", "elephantt"], &[class("dog"), class("cat")]);
        assert!(error.message.contains("consistency.synsets[1] = 'elephantt'"));
        assert!(error.hint.unwrap().contains("'elephant'"));
        let error = refused(&["n99999999"], &[class("dog")]);
        assert!(error.hint.unwrap().contains("eight digits"));
    }
}
