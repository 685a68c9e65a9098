//! From a data set's class to a noun.

use super::{Synset, WordNet};
use crate::data::Class;

/// What a class is a picture of. The first of these that is a noun:
///
/// 1. its WordNet id, where it has one. An id that is not in this WordNet is no noun: another
///    version counts otherwise, and the name alone might mean another thing (`crane`);
/// 2. its name, in the most frequent sense: `cat`, `trouser`;
/// 3. the parts of a name with `/` or `,` in it: `T-shirt/top` is a T-shirt;
/// 4. the last word of each of these parts, which in English says what kind of thing it is:
///    `Ankle boot` is a boot.
///
/// Nothing is guessed beyond that, neither plurals nor similar spellings: `consistency.synsets` says
/// what a class is where its name does not.
pub fn noun_of_class(wordnet: &WordNet, class: &Class) -> Option<Synset> {
    if let Some(wnid) = &class.wnid {
        return wordnet.synset(wnid);
    }
    let first = |word: &str| wordnet.senses(word.trim()).first().copied();
    let parts = || class.name.split(['/', ',']).map(str::trim);
    let last_word = |part: &str| first(part.rsplit([' ', '_']).next()?);
    first(&class.name).or_else(|| parts().find_map(first)).or_else(|| parts().find_map(last_word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::data::shapes::{Shapes, Split};

    fn noun(name: &str) -> Option<String> {
        let wordnet = WordNet::embedded();
        let class = Class { name: name.into(), wnid: None };
        noun_of_class(wordnet, &class).map(|synset| wordnet.wnid(synset))
    }

    #[test]
    fn cifar10s_classes_are_the_nouns_they_should_be() {
        for (name, wnid) in [
            ("airplane", "n02691156"),
            ("automobile", "n02958343"),
            ("bird", "n01503061"),
            ("cat", "n02121620"),
            ("deer", "n02430045"),
            ("dog", "n02084071"),
            ("frog", "n01639765"),
            ("horse", "n02374451"),
            ("ship", "n04194289"),
            ("truck", "n04490091"),
        ] {
            assert_eq!(noun(name).as_deref(), Some(wnid), "{name}");
        }
    }

    #[test]
    fn fashion_mnists_classes_are_the_nouns_they_should_be() {
        for (name, wnid) in [
            ("T-shirt/top", "n03595614"), // jersey, T-shirt, tee shirt
            ("Trouser", "n04489008"),
            ("Pullover", "n04021028"),
            ("Dress", "n03236735"),
            ("Coat", "n03057021"),
            ("Sandal", "n04133789"),
            ("Shirt", "n04197391"),
            ("Sneaker", "n03472535"), // gym shoe, sneaker
            ("Bag", "n02773037"),     // a flexible container with a single opening
            ("Ankle boot", "n02872752"),
        ] {
            assert_eq!(noun(name).as_deref(), Some(wnid), "{name}");
        }
    }

    #[test]
    fn an_id_decides_alone() {
        let wordnet = WordNet::embedded();
        let class = |wnid: &str| Class { name: "crane".into(), wnid: Some(wnid.into()) };
        let found = noun_of_class(wordnet, &class("n02012849"));
        assert_eq!(found, wordnet.synset("n02012849"));
        assert_eq!(noun_of_class(wordnet, &class("n02012850")), None);
    }

    #[test]
    fn what_is_no_noun_stays_without_one() {
        for name in ["", "/", " , ", "xyzzy", "cats", "class 999x", "\u{1b}[2J"] {
            assert_eq!(noun(name), None, "{name:?}");
        }
        assert_eq!(noun("golden_retriever"), noun("Golden Retriever"));
        assert!(noun("golden_retriever").is_some());
    }

    #[test]
    fn every_class_of_shapes_has_a_noun() {
        let shapes = Shapes::new(0, Split::Test, 1);
        let wordnet = WordNet::embedded();
        for class in shapes.classes() {
            assert!(noun_of_class(wordnet, class).is_some(), "{class:?}");
        }
    }
}
