//! The names of WordNet 3.0's nouns, so that `n02099601` reads "golden retriever". The table is made
//! by `wordnet/make.py`; it holds names only, not how the nouns hang together.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

static PACKED: &[u8] = include_bytes!("wordnet/nouns.txt.gz");

/// The nouns that the 1,000 classes of ImageNet's challenge stand for, by class index.
static IMAGENET: &str = include_str!("wordnet/imagenet.txt");

/// Names of ImageNet's 1,000 classes, in the order in which every model counts them.
pub fn imagenet_classes() -> Vec<&'static str> {
    IMAGENET.lines().map(|wnid| noun_name(wnid).unwrap_or(wnid)).collect()
}

struct Table {
    names: String,
    /// Offset in WordNet's data.noun, where the name begins and ends in `names`; by offset.
    rows: Vec<(u32, u32, u32)>,
}

/// The first lemma of a noun, by its ImageNet-style id: `n02099601` → `golden retriever`. `None` if
/// that is no noun of WordNet 3.0.
///
/// The first call unpacks the table (82,115 nouns, some 20 ms).
pub fn noun_name(wnid: &str) -> Option<&'static str> {
    static TABLE: OnceLock<Table> = OnceLock::new();
    let offset = offset(wnid)?;
    let Table { names, rows } = TABLE.get_or_init(unpack);
    let (_, begin, end) = rows[rows.binary_search_by_key(&offset, |row| row.0).ok()?];
    names.get(begin as usize..end as usize)
}

/// `n` and eight digits.
fn offset(wnid: &str) -> Option<u32> {
    let digits = wnid.strip_prefix('n')?;
    let proper = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if proper { digits.parse().ok() } else { None }
}

/// Lines of "difference to the offset before", tab, name. The table is part of the binary, a test
/// reads all of it: what is not as expected cannot happen here and is passed over.
fn unpack() -> Table {
    let mut text = String::new();
    let _ = GzDecoder::new(PACKED).read_to_string(&mut text);
    let mut rows = Vec::new();
    let mut names = String::with_capacity(text.len());
    let mut offset = 0;
    for (difference, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        offset += difference.parse().unwrap_or(0);
        let begin = names.len() as u32;
        names.push_str(name);
        rows.push((offset, begin, names.len() as u32));
    }
    Table { names, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::test_data;

    #[test]
    fn nouns_are_found_by_their_id() {
        assert_eq!(noun_name("n02099601"), Some("golden retriever"));
        assert_eq!(noun_name("n00001740"), Some("entity"));
        assert_eq!(noun_name("n15300051"), Some("9/11"));
    }

    #[test]
    fn what_is_no_noun_has_no_name() {
        for id in ["", "n", "n0209960", "n002099601", "v02099601", "n02099602", "n+2099601", "dog"]
        {
            assert_eq!(noun_name(id), None, "{id}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        let table = unpack();
        assert_eq!(table.rows.len(), 82_115); // as WordNet 3.0's wnstats(7) counts nouns
        assert!(table.rows.is_sorted_by_key(|row| row.0));
        assert!(table.rows.iter().all(|&(_, begin, end)| begin < end));
    }

    #[test]
    fn imagenets_classes_are_in_order() {
        let names = imagenet_classes();
        assert_eq!(names.len(), 1000);
        assert_eq!(
            (names[0], names[207], names[999]),
            ("tench", "golden retriever", "toilet tissue")
        );
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
        }
    }
}
