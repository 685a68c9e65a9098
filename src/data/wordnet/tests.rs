//! The table against the oracles: every pair, every depth.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::data::test_data;

fn wordnet() -> &'static WordNet {
    WordNet::embedded()
}

fn noun(wnid: &str) -> Synset {
    wordnet().synset(wnid).unwrap()
}

fn wnids(synsets: &[Synset]) -> Vec<String> {
    synsets.iter().map(|&synset| wordnet().wnid(synset)).collect()
}

#[test]
fn nouns_are_found_by_their_id() {
    assert_eq!(noun_name("n02099601"), Some("golden retriever"));
    assert_eq!(noun_name("n00001740"), Some("entity"));
    assert_eq!(noun_name("n15300051"), Some("9/11"));
}

#[test]
fn what_is_no_noun_has_no_name() {
    for id in ["", "n", "n0209960", "n002099601", "v02099601", "n02099602", "n+2099601", "dog"] {
        assert_eq!(noun_name(id), None, "{id}");
    }
}

#[test]
fn imagenets_classes_are_in_order() {
    let names = imagenet_classes();
    assert_eq!(names.len(), 1000);
    assert_eq!((names[0], names[207], names[999]), ("tench", "golden retriever", "toilet tissue"));
    assert!(IMAGENET.lines().all(|wnid| noun_name(wnid).is_some()));
    let Some(path) = test_data::folder("imagenet/synset_words.txt") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let theirs = text.lines().map(|line| line.split(' ').next().unwrap());
    assert!(theirs.eq(IMAGENET.lines()));
}

#[test]
fn all_of_imagenets_classes_have_their_names() {
    let Some(path) = test_data::folder("imagenet/synset_words.txt") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 1000);
    for line in text.lines() {
        let (wnid, lemmas) = line.split_once(' ').unwrap();
        assert_eq!(noun_name(wnid), lemmas.split(", ").next(), "{wnid}");
        // Three Latin names lost a letter in that list; WordNet has it.
        let lemmas = lemmas.replace("icans", "icanus");
        assert_eq!(wordnet().lemmas(noun(wnid)).join(", "), lemmas, "{wnid}");
    }
}

#[test]
fn a_word_has_its_senses_in_wordnets_order_however_it_is_spelled() {
    let turkey = ["n01794158", "n09039411", "n10224295", "n07647731", "n07365193"];
    assert_eq!(wnids(&wordnet().senses("turkey")), turkey);
    // The bird is "turkey", the country "Turkey".
    assert_eq!(wordnet().senses("Turkey"), wordnet().senses("TURKEY"));
    assert_eq!(wordnet().senses("golden_Retriever"), [noun("n02099601")]);
    assert_eq!(wordnet().senses("golden retriever"), [noun("n02099601")]);
    // One synset has both "Sun" and "sun".
    let sun = wordnet().senses("sun");
    let mut once = sun.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(sun.len(), once.len());
    for word in ["", " ", "xyzzy", "zzz", "'", "\u{1b}"] {
        assert_eq!(wordnet().senses(word), [], "{word:?}");
    }
}

#[test]
fn a_noun_is_found_by_id_or_by_its_first_sense() {
    assert_eq!(wordnet().find("n02012849"), Some(noun("n02012849")));
    assert_eq!(wordnet().find("dog"), Some(noun("n02084071")));
    assert_eq!(wordnet().find("n02012850"), None);
    assert_eq!(wordnet().find("hammer and tong"), None);
}

#[test]
fn the_root_is_entity() {
    assert_eq!(wordnet().root(), noun("n00001740"));
    assert_eq!(wordnet().parents(wordnet().root()), []);
    assert_eq!(wordnet().max_depth(wordnet().root()), 0);
}

/// Columns by their name, and rows.
type Table = (HashMap<String, usize>, Vec<Vec<String>>);

/// A file in data/oracles.
fn oracle(name: &str) -> Option<Table> {
    let text = std::fs::read_to_string(test_data::folder(&format!("oracles/{name}"))?).unwrap();
    let mut rows = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let columns = rows.next().unwrap().into_iter().zip(0..).collect();
    Some((columns, rows.collect()))
}

#[test]
fn every_depth_is_the_oracles() {
    let Some((columns, rows)) = oracle("wordnet_depths.csv") else { return };
    assert_eq!(rows.len(), 1000);
    for (row, imagenet) in rows.iter().zip(IMAGENET.lines()) {
        let column = |name: &str| row[columns[name]].as_str();
        assert_eq!(column("wnid"), imagenet);
        let synset = noun(column("wnid"));
        let lemma = wordnet().name(synset).replace(' ', "_");
        assert_eq!(lemma, column("first_lemma"));
        let ours = [
            wordnet().min_depth(synset),
            wordnet().max_depth(synset),
            wordnet().parents(synset).len(),
            wordnet().closure(&[synset]).len() - 1,
        ];
        let theirs = ["min_depth", "max_depth", "n_parents", "n_ancestors"]
            .map(|name| column(name).parse::<usize>().unwrap());
        assert_eq!(ours, theirs, "{row:?}");
    }
}

#[test]
fn every_pair_is_the_oracles() {
    let Some((columns, rows)) = oracle("wordnet_pairs.csv") else { return };
    assert_eq!(rows.len(), 200);
    for row in &rows {
        let column = |name: &str| row[columns[name]].as_str();
        let whole = |name: &str| column(name).parse::<usize>().unwrap();
        let close = |name: &str, ours: f64| {
            let theirs: f64 = column(name).parse().unwrap();
            assert!((ours - theirs).abs() < 1e-12, "{name}: {ours}, {theirs} in {row:?}");
        };
        let (a, b) = (noun(column("wnid_a")), noun(column("wnid_b")));
        assert_eq!(wordnet().distance(a, b), whole("shortest_path_edges"), "{row:?}");
        close("path_similarity", wordnet().path_similarity(a, b));
        close("wup_maxlch", wordnet().wu_palmer(a, b));
        let deepest = wordnet().common_ancestors(a, b);
        assert_eq!(wnids(&deepest).join(";"), column("lch_by_max_depth"));
        let one = wordnet().common_ancestor(a, b);
        assert!(deepest.contains(&one));
        assert_eq!(wordnet().max_depth(one), whole("lch_max_depth"));
        assert_eq!(wordnet().min_depth(a), whole("min_depth_a"));
        assert_eq!(wordnet().min_depth(b), whole("min_depth_b"));

        // The columns of other conventions, by what ours are made of.
        let mine = wordnet().closure(&[a]);
        let common: Vec<Synset> =
            wordnet().closure(&[b]).into_iter().filter(|synset| mine.contains(synset)).collect();
        let depth = common.iter().map(|&synset| wordnet().min_depth(synset)).max().unwrap();
        assert_eq!(depth, whole("lch_min_depth"));
        let mut by_min = common;
        by_min.retain(|&synset| wordnet().min_depth(synset) == depth);
        by_min.sort_unstable();
        assert_eq!(wnids(&by_min).join(";"), column("lch_by_min_depth"));
        let nodes = |edges: usize| edges as f64 + 1.0;
        let sides = nodes(wordnet().min_depth(a)) + nodes(wordnet().min_depth(b));
        close("wup_mindepth", 2.0 * nodes(depth) / sides);
        // nltk breaks ties by a name that the table has not: one of them gives its value.
        let theirs: f64 = column("wup_nltk").parse().unwrap();
        let like_nltk = |z: Synset| {
            let doubled = 2.0 * nodes(wordnet().max_depth(z));
            doubled / ((wordnet().distance(a, z) + wordnet().distance(b, z)) as f64 + doubled)
        };
        assert!(by_min.iter().any(|&z| (like_nltk(z) - theirs).abs() < 1e-12), "{row:?}");
    }
}

#[test]
fn the_table_is_what_wordnets_files_say() {
    let Some(folder) = test_data::folder("wordnet-3.0/dict") else { return };
    let read = WordNet::open(&folder).unwrap();
    assert!(read.table == wordnet().table);
    // By another way: every line of index.noun.
    let index = std::fs::read_to_string(folder.join("index.noun")).unwrap();
    let mut lemmas = 0;
    for line in index.lines().filter(|line| !line.starts_with("  ")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let count: usize = fields[2].parse().unwrap();
        let offsets = &fields[fields.len() - count..];
        let theirs = offsets.iter().map(|offset| format!("n{offset}"));
        assert!(wnids(&wordnet().senses(fields[0])).into_iter().eq(theirs), "{line}");
        lemmas += 1;
    }
    assert_eq!(lemmas, 117_798);
}

/// Fewest edges up to each ancestor, one way after the other.
fn ways_up(synset: Synset, edges: usize, found: &mut HashMap<Synset, usize>) {
    let known = found.entry(synset).or_insert(edges);
    *known = edges.min(*known);
    for &parent in wordnet().parents(synset) {
        ways_up(parent, edges + 1, found);
    }
}

fn any_noun() -> impl Strategy<Value = Synset> {
    (0..82_115_u32).prop_map(Synset)
}

proptest! {
    #[test]
    fn two_nouns_are_as_near_as_all_ways_say(a in any_noun(), b in any_noun()) {
        let (mut from_a, mut from_b) = (HashMap::new(), HashMap::new());
        ways_up(a, 0, &mut from_a);
        ways_up(b, 0, &mut from_b);
        let common: Vec<(Synset, usize)> = from_a
            .iter()
            .filter_map(|(synset, up)| Some((*synset, up + from_b.get(synset)?)))
            .collect();
        let wordnet = wordnet();
        let shortest = common.iter().map(|(_, edges)| *edges).min().unwrap();
        prop_assert_eq!(wordnet.distance(a, b), shortest);
        let depth = common.iter().map(|(synset, _)| wordnet.max_depth(*synset)).max().unwrap();
        let deepest =
            common.iter().filter(|(synset, _)| wordnet.max_depth(*synset) == depth).copied();
        let similarity = |(_, edges): (Synset, usize)| {
            let doubled = 2.0 * (depth as f64 + 1.0);
            doubled / (edges as f64 + doubled)
        };
        let best = deepest.clone().map(similarity).fold(0.0, f64::max);
        prop_assert_eq!(wordnet.wu_palmer(a, b), best);
        let nearest = deepest.min_by_key(|&(synset, edges)| (edges, synset)).unwrap().0;
        prop_assert_eq!(wordnet.common_ancestor(a, b), nearest);
        prop_assert_eq!(wordnet.common_ancestor_of(&[b, a, b]), Some(nearest));
    }

    #[test]
    fn nearness_is_symmetric_and_bounded(a in any_noun(), b in any_noun()) {
        let wordnet = wordnet();
        prop_assert_eq!(wordnet.distance(a, b), wordnet.distance(b, a));
        prop_assert_eq!(wordnet.wu_palmer(a, b), wordnet.wu_palmer(b, a));
        prop_assert_eq!(wordnet.common_ancestor(a, b), wordnet.common_ancestor(b, a));
        for similarity in [wordnet.wu_palmer(a, b), wordnet.path_similarity(a, b)] {
            prop_assert!(0.0 < similarity && similarity <= 1.0);
            prop_assert_eq!(similarity == 1.0, a == b);
        }
        prop_assert_eq!(wordnet.wu_palmer(a, a), 1.0);
        prop_assert_eq!(wordnet.path_similarity(b, b), 1.0);
        prop_assert_eq!(wordnet.distance(a, b) == 0, a == b);
        prop_assert!(wordnet.min_depth(a) <= wordnet.max_depth(a));
    }

    #[test]
    fn a_closure_has_each_noun_once_and_after_its_parents(
        all in proptest::collection::vec(any_noun(), 1..9),
    ) {
        let wordnet = wordnet();
        let closure = wordnet.closure(&all);
        prop_assert_eq!(closure[0], wordnet.root());
        prop_assert!(all.iter().all(|synset| closure.contains(synset)));
        for (place, &synset) in closure.iter().enumerate() {
            let above = &closure[..place];
            prop_assert!(!above.contains(&synset));
            prop_assert!(wordnet.parents(synset).iter().all(|parent| above.contains(parent)));
            let is_needed = all.contains(&synset)
                || closure.iter().any(|&below| wordnet.parents(below).contains(&synset));
            prop_assert!(is_needed);
        }
    }

    #[test]
    fn what_many_have_in_common_is_above_all_of_them(
        all in proptest::collection::vec(any_noun(), 1..9),
    ) {
        let wordnet = wordnet();
        let common = wordnet.common_ancestor_of(&all).unwrap();
        let closures: Vec<Vec<Synset>> =
            all.iter().map(|&synset| wordnet.closure(&[synset])).collect();
        prop_assert!(closures.iter().all(|closure| closure.contains(&common)));
        let is_deeper = |synset: &Synset| wordnet.max_depth(*synset) > wordnet.max_depth(common);
        let deeper = closures[0].iter().filter(|synset| is_deeper(synset));
        let mut of_all =
            deeper.filter(|synset| closures.iter().all(|closure| closure.contains(synset)));
        prop_assert_eq!(of_all.next(), None);
        let mut turned = all.clone();
        turned.reverse();
        turned.push(all[0]);
        prop_assert_eq!(wordnet.common_ancestor_of(&turned), Some(common));
    }
}

#[test]
fn nothing_has_nothing_in_common() {
    assert_eq!(wordnet().common_ancestor_of(&[]), None);
    assert_eq!(wordnet().closure(&[]), []);
    let dog = noun("n02084071");
    assert_eq!(wordnet().common_ancestor_of(&[dog]), Some(dog));
}
