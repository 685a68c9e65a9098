//! The images that can be picked: what the run's attack made of each, which of them a filter lets
//! through.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::live::{Live, Split};
use crate::run::results::attack::{Attack, Pair};
use crate::run::results::neurons::Neurons;
use crate::tui::theme::Role;
use crate::tui::world::RunDetail;

/// What an attack made of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Right before, wrong after.
    Fooled,
    /// Right before and after.
    Held,
    /// Wrong before: nothing to be fooled.
    Wrong,
    /// Nobody attacked it yet.
    Unknown,
}

impl Outcome {
    pub(super) fn of(label: u32, before: Option<u32>, after: Option<u32>) -> Self {
        match (before, after) {
            (Some(before), _) if before != label => Self::Wrong,
            (Some(_), Some(after)) if after != label => Self::Fooled,
            (Some(_), Some(_)) => Self::Held,
            _ => Self::Unknown,
        }
    }

    /// Symbol, word, colour: any one of them tells.
    pub(super) fn sign(self) -> (&'static str, &'static str, Role) {
        match self {
            Self::Fooled => ("✗", "fooled", Role::Adversarial),
            Self::Held => ("✓", "held", Role::Real),
            Self::Wrong => ("–", "wrong before", Role::Muted),
            Self::Unknown => ("·", "not tried", Role::Muted),
        }
    }
}

/// Which outcomes are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Listed {
    #[default]
    All,
    Fooled,
    Held,
}

impl Listed {
    pub(super) fn next(self) -> Self {
        match self {
            Self::All => Self::Fooled,
            Self::Fooled => Self::Held,
            Self::Held => Self::All,
        }
    }

    fn has(self, outcome: Outcome) -> bool {
        match self {
            Self::All => true,
            Self::Fooled => outcome == Outcome::Fooled,
            Self::Held => outcome == Outcome::Held,
        }
    }
}

/// One image of the test split, attacked once; several rows where it was aimed at several classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Position in the test split.
    pub(super) image: usize,
    pub(super) label: u32,
    /// What the network answers to the original.
    pub(super) before: Option<u32>,
    /// What it answers to the adversarial image.
    pub(super) after: Option<u32>,
    /// Which of the run's own pairs it is; `None` = the run did not attack it.
    pub(super) pair: Option<usize>,
}

impl Row {
    pub(super) fn outcome(&self) -> Outcome {
        Outcome::of(self.label, self.before, self.after)
    }

    /// Whether its outcome is the live attack's, not the run's.
    pub(super) fn is_live(&self) -> bool {
        self.pair.is_none() && self.outcome() != Outcome::Unknown
    }
}

/// Every image that is known of: the run's pairs, and once the worker has the test split open all
/// of it, with what was seen live where the run itself saw nothing.
pub(super) fn all(attack: Option<&Attack>, live: &Live) -> Vec<Row> {
    let pairs = attack.map_or(&[][..], |attack| &attack.pairs);
    let mut rows: Vec<Row> = pairs.iter().enumerate().map(|(at, pair)| of_pair(at, pair)).collect();
    let Some(split) = live.split() else { return rows };
    let mut is_there = vec![false; split.labels.len()];
    for row in &rows {
        if let Some(there) = is_there.get_mut(row.image) {
            *there = true;
        }
    }
    for (image, label) in split.labels.iter().enumerate().filter(|(image, _)| !is_there[*image]) {
        let seen = live.seen(image);
        let (before, after) = (seen.map(|seen| seen.0), seen.map(|seen| seen.1));
        rows.push(Row { image, label: *label, before, after, pair: None });
    }
    // Stable: several targets of an image stay in the run's order.
    rows.sort_by_key(|row| row.image);
    rows
}

fn of_pair(at: usize, pair: &Pair) -> Row {
    Row {
        image: usize::try_from(pair.index).unwrap_or(usize::MAX),
        label: pair.label,
        before: Some(pair.prediction_clean),
        after: Some(pair.prediction_adversarial),
        pair: Some(at),
    }
}

/// What classes are called.
#[derive(Debug)]
pub(super) enum Names {
    /// By the network that is open.
    Live(Arc<Split>),
    /// By the neurons stage.
    Stored(Arc<Neurons>),
    /// By the folders that the attack's images lie in.
    Folders(BTreeMap<u32, String>),
}

impl Names {
    pub(super) fn new(detail: Option<&RunDetail>, live: &Live) -> Self {
        if let Some(split) = live.split() {
            return Self::Live(Arc::clone(split));
        }
        if let Some(neurons) = detail.and_then(|detail| detail.neurons.as_ref()) {
            return Self::Stored(Arc::clone(neurons));
        }
        let pairs = detail.and_then(|detail| detail.attack.as_deref()).map(|a| &a.pairs);
        let mut names: BTreeMap<u32, String> = BTreeMap::new();
        for pair in pairs.into_iter().flatten() {
            if let Some((folder, _)) = pair.image.split_once('/') {
                names.entry(pair.label).or_insert_with(|| folder.to_owned());
            }
        }
        Self::Folders(names)
    }

    /// `dog`, or `class 5` where nobody knows a name.
    pub(super) fn of(&self, class: u32) -> Cow<'_, str> {
        let known = match self {
            Self::Live(split) => split.classes.get(class as usize).map(String::as_str),
            Self::Stored(neurons) => neurons.classes.get(class as usize).map(String::as_str),
            Self::Folders(names) => names.get(&class).map(String::as_str),
        };
        known.map_or_else(|| format!("class {class}").into(), Cow::Borrowed)
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Search<'a> {
    pub(super) listed: Listed,
    pub(super) words: &'a str,
    /// An image that stays whatever becomes of it: it would vanish under the cursor.
    pub(super) kept: Option<usize>,
}

/// The rows that a search lets through. Each word must be found: an outcome's first letters, part
/// of a class that the image is, was or is taken for, or the image's number.
pub(super) fn filtered(rows: Vec<Row>, search: Search<'_>, names: &Names) -> Vec<Row> {
    const OUTCOMES: [Outcome; 4] =
        [Outcome::Fooled, Outcome::Held, Outcome::Wrong, Outcome::Unknown];
    let Search { listed, words: filter, kept } = search;
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() && listed == Listed::All {
        return rows;
    }
    // Classes are few and rows are many: a class is looked at once a word.
    let mut found: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
    let mut matches = |row: &Row| {
        let own = [row.outcome()];
        let is_kept = row.pair.is_none() && Some(row.image) == kept;
        let outcomes = if is_kept { &OUTCOMES[..] } else { &own[..] };
        if !outcomes.iter().any(|outcome| listed.has(*outcome)) {
            return false;
        }
        let classes = [Some(row.label), row.before, row.after];
        for class in classes.into_iter().flatten() {
            found.entry(class).or_insert_with(|| {
                let name = names.of(class).to_lowercase();
                words.iter().map(|word| name.contains(word.as_str())).collect()
            });
        }
        words.iter().enumerate().all(|(at, word)| {
            outcomes.iter().any(|outcome| outcome.sign().1.starts_with(word.as_str()))
                || word.parse() == Ok(row.image)
                || classes.into_iter().flatten().any(|class| found[&class][at])
        })
    };
    rows.into_iter().filter(|row| matches(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::Folders([(0, "cat".into()), (1, "table lamp".into()), (2, "dog".into())].into())
    }

    fn rows() -> Vec<Row> {
        let row = |image, label, before, after| Row {
            image,
            label,
            before: Some(before),
            after: Some(after),
            pair: Some(image),
        };
        let untried = Row { image: 4, label: 2, before: None, after: None, pair: None };
        vec![row(0, 0, 0, 2), row(1, 0, 0, 0), row(2, 1, 2, 2), row(3, 2, 2, 1), untried]
    }

    fn shown(listed: Listed, filter: &str) -> Vec<usize> {
        let search = Search { listed, words: filter, kept: None };
        filtered(rows(), search, &names()).iter().map(|row| row.image).collect()
    }

    #[test]
    fn outcomes_classes_and_numbers_are_found_and_combine() {
        assert_eq!(shown(Listed::All, ""), [0, 1, 2, 3, 4]);
        assert_eq!(shown(Listed::All, "fooled"), [0, 3]);
        assert_eq!(shown(Listed::All, "held"), [1]);
        assert_eq!(shown(Listed::All, "wrong"), [2]);
        assert_eq!(shown(Listed::All, "CAT"), [0, 1]);
        assert_eq!(shown(Listed::All, "fooled dog"), [0, 3]);
        assert_eq!(shown(Listed::All, "fooled table lamp"), [3]);
        assert_eq!(shown(Listed::All, "4"), [4]);
        assert_eq!(shown(Listed::Fooled, "cat"), [0]);
        assert_eq!(shown(Listed::Held, ""), [1]);
        assert_eq!(shown(Listed::Held, "fooled"), Vec::<usize>::new());
    }

    #[test]
    fn an_image_does_not_vanish_for_what_became_of_it() {
        let search = |words| Search { listed: Listed::Fooled, words, kept: Some(4) };
        let images = |words| {
            let rows = filtered(rows(), search(words), &names());
            rows.iter().map(|row| row.image).collect::<Vec<_>>()
        };
        assert_eq!(images("held"), [4]);
        assert_eq!(images("dog"), [0, 3, 4]);
        assert_eq!(images("cat"), [0]);
    }

    #[test]
    fn a_class_without_a_name_has_its_number() {
        assert_eq!(names().of(7), "class 7");
        assert_eq!(names().of(1), "table lamp");
    }
}
