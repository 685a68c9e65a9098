//! Dictionaries as people have them, whole and broken.

use proptest::prelude::*;

use super::super::WordNet;
use super::*;
use crate::error::Kind;

const DATA: &[u8] = b"  1 A licence of two lines,  \n  2 each after two blanks.  \n\
    00000100 03 n 01 entity 0 001 ~ 00000200 n 0000 | that which is\n\
    00000200 05 n 02 animal 0 living_thing 1 002 @ 00000100 n 0000 + 00000001 v 0101 | a being  \n\
    00000300 05 n 01 Dog 0 002 @ 00000200 n 0000 @i 00000100 n 0000 | a caf\xe9 | n 12\n\
    00000400 05 n 0a dog f a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 001 @ 00000100 n 0000 | a man\n";
const INDEX: &[u8] = b"  1 A licence.\n\
    a n 1 1 @ 1 0 00000400  \nb n 1 1 @ 1 0 00000400  \nc n 1 1 @ 1 0 00000400  \n\
    d n 1 1 @ 1 0 00000400  \ne n 1 1 @ 1 0 00000400  \nf n 1 1 @ 1 0 00000400  \n\
    g n 1 1 @ 1 0 00000400  \nh n 1 1 @ 1 0 00000400  \ni n 1 1 @ 1 0 00000400  \n\
    animal n 1 2 @ ~ 1 0 00000200  \n\
    dog n 2 1 @ 2 1 00000400 00000300  \n\
    entity n 1 1 ~ 1 0 00000100  \n\
    living_thing n 1 1 @ 1 0 00000200  \n";

fn open(data: &[u8], index: &[u8]) -> Result<WordNet> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data.noun"), data).unwrap();
    fs::write(folder.path().join("index.noun"), index).unwrap();
    WordNet::open(folder.path())
}

#[test]
fn a_dictionary_is_read() {
    let wordnet = open(DATA, INDEX).unwrap();
    let noun = |offset: u32| wordnet.synset(&format!("n{offset:08}")).unwrap();
    assert_eq!(wordnet.synsets().len(), 4);
    assert_eq!(wordnet.root(), noun(100));
    assert_eq!(wordnet.senses("DOG"), [noun(400), noun(300)]);
    assert_eq!(wordnet.find("Living Thing"), Some(noun(200)));
    assert_eq!((wordnet.name(noun(300)), wordnet.name(noun(400))), ("Dog", "dog"));
    assert_eq!(wordnet.lemmas(noun(200)), ["animal", "living thing"]);
    assert_eq!(wordnet.lemmas(noun(400)).len(), 10); // 0a in hexadecimal
    assert_eq!(wordnet.parents(noun(300)), [noun(200), noun(100)]);
    assert_eq!((wordnet.min_depth(noun(300)), wordnet.max_depth(noun(300))), (1, 2));
    assert_eq!(wordnet.distance(noun(300), noun(400)), 2);
    assert_eq!(wordnet.wnid(noun(400)), "n00000400");
}

#[test]
fn lines_may_be_in_any_order_and_end_as_in_windows() {
    let turned = |text: &[u8]| {
        let mut lines: Vec<&[u8]> = text.trim_ascii_end().split(|byte| *byte == b'\n').collect();
        lines.reverse();
        lines.join(&b"\r\n"[..])
    };
    let wordnet = open(&turned(DATA), &turned(INDEX)).unwrap();
    assert!(wordnet.table == open(DATA, INDEX).unwrap().table);
}

#[test]
fn what_is_wrong_is_told_with_file_and_line() {
    let good = |text: &[u8], from: &str, to: &str| {
        let at = text.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()
    };
    for (from, to, line, expected) in [
        ("00000200 05", "0000200 05", 4, "an offset of eight digits, found '0000200'"),
        ("00000200 05", "0000+200 05", 4, "an offset of eight digits, found '0000+200'"),
        ("05 n 02", "05 v 02", 4, "the part of speech, n, found 'v'"),
        ("n 02 animal", "n zz animal", 4, "how many words, in hexadecimal, found 'zz'"),
        ("n 02 animal", "n +2 animal", 4, "how many words, in hexadecimal, found '+2'"),
        ("n 01 entity 0", "n 00", 3, "at least one word, found '00'"),
        ("n 02 animal", "n 03 animal", 4, "the number of a word, in hexadecimal, found '@'"),
        ("n 02 animal", "n ff animal", 4, "the number of a word"),
        ("002 @ 00000100", "xx2 @ 00000100", 4, "how many pointers, found 'xx2'"),
        ("002 @ 00000100", "003 @ 00000100", 4, "the sign of a pointer, the line ends before it"),
        ("002 @ 00000100", "001 @ 00000100", 4, "the end of the line, found '+'"),
        ("+ 00000001", "+ 1", 4, "a pointer's offset of eight digits, found '1'"),
        ("@ 00000200 n", "@ 00000201 n", 5, "a hypernym that is in the file, found '00000201'"),
        ("00000300 05", "00000200 05", 5, "an offset of its own"),
        ("001 ~ 00000200", "001 @ 00000300", 3, "lead in a circle"),
        ("@ 00000100 n 0000 + ", "@ 00000300 n 0000 + ", 4, "lead in a circle"),
        ("@ 00000100 n 0000 + ", "~ 00000100 n 0000 + ", 4, "a hypernym, found none"),
        ("entity 0", "\u{1b}[2J x", 3, "the number of a word, in hexadecimal, found 'x'"),
    ] {
        let error = open(&good(DATA, from, to), INDEX).unwrap_err();
        let message = &error.message;
        assert_eq!(error.kind, Kind::BadInput, "{message}");
        assert!(message.contains("data.noun' line "), "{from} → {to}: {message}");
        assert!(message.contains(&format!("line {line}: expected ")), "{from} → {to}: {message}");
        assert!(message.contains(expected), "{from} → {to}: {message}");
        assert!(error.hint.unwrap().contains("consistency.wordnet"));
    }
    for (from, to, line, expected) in [
        ("animal n 1", "animal a 1", 11, "the part of speech, n, found 'a'"),
        ("animal n 1", "animal n x", 11, "how many synsets, found 'x'"),
        ("dog n 2", "dog n 3", 12, "a synset's offset of eight digits, the line ends before it"),
        ("dog n 2", "dog n 1", 12, "the end of the line, found '00000300'"),
        ("1 0 00000200", "1 0 00000201", 11, "with that word, found '00000201'"),
        ("1 0 00000200", "1 0 00000300", 11, "with that word, found '00000300'"),
        ("1 0 00000200", "1 0", 11, "a synset's offset of eight digits"),
        ("~ 1 0 00000100", "", 13, "the sign of a pointer, the line ends before it"),
    ] {
        let error = open(DATA, &good(INDEX, from, to)).unwrap_err();
        let message = &error.message;
        assert_eq!(error.kind, Kind::BadInput, "{message}");
        assert!(message.contains("index.noun' line "), "{from} → {to}: {message}");
        assert!(message.contains(&format!("line {line}: expected ")), "{from} → {to}: {message}");
        assert!(message.contains(expected), "{from} → {to}: {message}");
    }
    // A word that index.noun has not is told where it is used.
    let error = open(DATA, &good(INDEX, "living_thing n", "entity n")).unwrap_err();
    assert!(error.message.contains("index.noun' line 14"), "{}", error.message);
    let error = open(DATA, &good(INDEX, "living_thing n 1 1 @ 1 0 00000200", "")).unwrap_err();
    assert!(error.message.contains("data.noun' line 4"), "{}", error.message);
    assert!(error.message.contains("found 'living_thing'"), "{}", error.message);
}

#[test]
fn text_that_is_no_text_is_told() {
    let broken = [b"00000100 03 n 01 caf\xe9 0 000 | x\n", DATA].concat();
    let error = open(&broken, INDEX).unwrap_err();
    assert!(error.message.ends_with("data.noun' line 1: expected UTF-8 text"), "{error}");
}

#[test]
fn an_empty_or_missing_file_is_told() {
    let error = open(b"  1 A licence.\n\n", b"").unwrap_err();
    assert!(error.message.ends_with("data.noun' holds no noun"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = WordNet::open(folder.path()).unwrap_err();
    assert!(error.message.ends_with("data.noun' does not exist"), "{error}");
    assert!(error.hint.unwrap().contains("consistency.wordnet"));
    fs::write(folder.path().join("data.noun"), DATA).unwrap();
    let error = WordNet::open(folder.path()).unwrap_err();
    assert!(error.message.ends_with("index.noun' does not exist"), "{error}");
    let error = WordNet::open(&folder.path().join("data.noun")).unwrap_err();
    assert!(error.message.contains("is a file, expected a folder"), "{error}");
    assert_eq!(error.kind, Kind::BadInput);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        in_data in any::<bool>(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"0123456789 \n@n"[..])],
        cut in any::<bool>(),
    ) {
        let (mut data, mut index) = (DATA.to_vec(), INDEX.to_vec());
        let text = if in_data { &mut data } else { &mut index };
        let at = at.index(text.len());
        text[at] = byte;
        if cut {
            text.truncate(at);
        }
        match open(&data, &index) {
            Ok(wordnet) => {
                // Whatever came out of it, going up ends.
                for synset in wordnet.synsets() {
                    prop_assert!(wordnet.closure(&[synset]).contains(&wordnet.root()));
                }
            }
            Err(error) => {
                prop_assert_eq!(error.kind, Kind::BadInput);
                prop_assert!(error.message.contains(".noun'"), "{}", error.message);
            }
        }
    }
}
