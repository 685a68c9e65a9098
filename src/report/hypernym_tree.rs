//! The tree of the classes of a neuron's images, with the noun that all of them are kinds of marked
//! (SCIENCE §4.2, Figure 3): deep = a specific level, one tight subtree = consistent.

use std::collections::BTreeMap;

use crate::run::results::consistency::{Consistency, Level, Noun};

/// From WordNet's root to the classes of a neuron's images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// WordNet's root; `None` where no image excites the neuron.
    pub root: Option<Node>,
}

/// A noun of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its place in the results' nouns.
    pub noun: usize,
    /// Of a class that is there: its share of the images, 0..1.
    pub share: Option<f64>,
    /// Whether it is the lowest noun that all of the classes are kinds of.
    pub is_common_ancestor: bool,
    /// Kinds of it, the largest share below first, ties by place.
    pub children: Vec<Node>,
}

/// A line of the tree as it is drawn: a chain of nouns, none of which but the last forks, is a class
/// or is the common ancestor.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From the root on, for each fork above but the nearest: whether more of its branches follow
    /// below this line.
    pub guides: Vec<bool>,
    /// Whether it is the last branch of the fork that it hangs on; so is the first line.
    pub is_last: bool,
    /// Places in the results' nouns, from above; never empty.
    pub nouns: Vec<usize>,
    /// Of the last of them, if it is a class that is there.
    pub share: Option<f64>,
    /// Whether the last of them is the common ancestor.
    pub is_common_ancestor: bool,
}

/// The tree of one side of a neuron. A class with several parents stands once, below the parent
/// through which the way to the common ancestor is shortest, ties by place; from the root to the
/// common ancestor there is one chain, the shortest. What the results contradict themselves about, a
/// class without a way to the root, is left out.
pub fn tree(results: &Consistency, level: &Level) -> Tree {
    let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
    for (class, share) in &level.classes {
        let class = results.classes.get(*class as usize);
        if let Some(class) = class.filter(|class| class.noun < results.nouns.len()) {
            *shares.entry(class.noun).or_default() += share;
        }
    }
    let to_root = Distances::to(&results.nouns, 0);
    let to_ancestor = Distances::to(&results.nouns, level.ancestor);
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut is_placed = vec![false; results.nouns.len()];
    for &class in shares.keys() {
        let mut noun = class;
        // Each noun hangs on one parent, so a way that meets a placed one is known from there on.
        while to_root.0[noun].is_some() && !std::mem::replace(&mut is_placed[noun], true) {
            let parent = to_ancestor.parent(&results.nouns, noun);
            let Some(parent) = parent.or_else(|| to_root.parent(&results.nouns, noun)) else {
                break;
            };
            children.entry(parent).or_default().push(noun);
            noun = parent;
        }
    }
    let growth = Growth { shares, children, ancestor: level.ancestor };
    Tree { root: is_placed.first().is_some_and(|placed| *placed).then(|| growth.node(0).0) }
}

/// Edges of the shortest way from each noun up to one of them, where it is a short one.
struct Distances(Vec<Option<usize>>);

/// No noun of WordNet is deeper than 19. What a file has below this is left out: a tree is gone
/// through by calls that call themselves, and the stack is not endless.
const DEEPEST: usize = 64;

impl Distances {
    fn to(nouns: &[Noun], target: usize) -> Self {
        let mut distances: Vec<Option<usize>> = vec![None; nouns.len()];
        for (place, noun) in nouns.iter().enumerate() {
            // A noun comes after what it is a kind of: a file that says otherwise makes no circle.
            let parents = noun.parents.iter().filter(|parent| **parent < place);
            let nearest = parents.filter_map(|parent| distances[*parent]).min();
            let here = nearest.map(|distance| distance + 1).filter(|here| *here <= DEEPEST);
            distances[place] = if place == target { Some(0) } else { here };
        }
        Self(distances)
    }

    /// The parent on the shortest way; `None` at its end, and where there is no way.
    fn parent(&self, nouns: &[Noun], noun: usize) -> Option<usize> {
        if self.0[noun].is_none_or(|distance| distance == 0) {
            return None;
        }
        let parents = nouns[noun].parents.iter().copied().filter(|parent| *parent < noun);
        let (_, parent) = parents.filter_map(|parent| Some((self.0[parent]?, parent))).min()?;
        Some(parent)
    }
}

struct Growth {
    shares: BTreeMap<usize, f64>,
    children: BTreeMap<usize, Vec<usize>>,
    ancestor: usize,
}

impl Growth {
    /// A noun with all below it, and the share of the images there.
    fn node(&self, noun: usize) -> (Node, f64) {
        let below = self.children.get(&noun).map(Vec::as_slice).unwrap_or_default();
        let mut below: Vec<(Node, f64)> = below.iter().map(|child| self.node(*child)).collect();
        below.sort_by(|(a, a_share), (b, b_share)| {
            b_share.total_cmp(a_share).then(a.noun.cmp(&b.noun))
        });
        let share = self.shares.get(&noun).copied();
        let total = share.unwrap_or(0.0) + below.iter().map(|(_, share)| share).sum::<f64>();
        let node = Node {
            noun,
            share,
            is_common_ancestor: noun == self.ancestor,
            children: below.into_iter().map(|(node, _)| node).collect(),
        };
        (node, total)
    }
}

impl Tree {
    /// As it is drawn, from above.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(root) = &self.root {
            root.draw(&[], true, &mut lines);
        }
        lines
    }
}

impl Node {
    fn draw(&self, guides: &[bool], is_last: bool, lines: &mut Vec<Line>) {
        let mut nouns = vec![self.noun];
        let mut end = self;
        while let ([only], None, false) =
            (end.children.as_slice(), end.share, end.is_common_ancestor)
        {
            end = only;
            nouns.push(end.noun);
        }
        let is_first = lines.is_empty();
        lines.push(Line {
            guides: guides.to_vec(),
            is_last,
            nouns,
            share: end.share,
            is_common_ancestor: end.is_common_ancestor,
        });
        let mut below = guides.to_vec();
        if !is_first {
            below.push(!is_last);
        }
        for (at, child) in end.children.iter().enumerate() {
            child.draw(&below, at + 1 == end.children.len(), lines);
        }
    }
}

impl Line {
    /// What stands before its nouns: `│  ├─ `, or in ASCII `|  |- `. The first line has nothing.
    pub fn indent(&self, is_first: bool, ascii: bool) -> String {
        if is_first {
            return String::new();
        }
        let [through, fork, last] =
            if ascii { ["|  ", "|- ", "`- "] } else { ["│  ", "├─ ", "└─ "] };
        let guides = self.guides.iter().map(|more| if *more { through } else { "   " });
        guides.chain([if self.is_last { last } else { fork }]).collect()
    }

    /// Its nouns' names as the results have them: `carnivore › canine`.
    pub fn names(&self, results: &Consistency) -> String {
        let names = self.nouns.iter().filter_map(|noun| results.nouns.get(*noun));
        names.map(|noun| noun.name.as_str()).collect::<Vec<_>>().join(" › ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::results::consistency::Class;

    /// entity → animal → {dog, pet → dog, cat → {lion, lynx}}, entity → thing → cup; the cat is no
    /// pet, the dog is an animal and a pet.
    fn results() -> Consistency {
        let nouns: [(&str, &[usize]); 8] = [
            ("entity", &[]),
            ("animal", &[0]),
            ("pet", &[1]),
            ("thing", &[0]),
            ("cat", &[1]),
            ("dog", &[2, 1]),
            ("lion", &[4]),
            ("cup", &[3]),
        ];
        let noun = |(name, parents): (&str, &[usize])| Noun {
            wnid: String::new(),
            name: name.into(),
            depth: 0,
            parents: parents.to_vec(),
        };
        let class = |noun| Class { name: String::new(), noun };
        Consistency {
            classes: [5, 6, 7, 4].map(class).to_vec(),
            nouns: nouns.map(noun).to_vec(),
            ..Consistency::default()
        }
    }

    fn level(ancestor: usize, classes: &[(u32, f64)]) -> Level {
        Level { ancestor, classes: classes.to_vec(), ..Level::default() }
    }

    fn drawn(results: &Consistency, level: &Level) -> Vec<String> {
        let lines = tree(results, level).lines();
        let texts = lines.iter().enumerate().map(|(at, line)| {
            let mark = if line.is_common_ancestor { " *" } else { "" };
            let share = line.share.map(|share| format!(" {share}")).unwrap_or_default();
            format!("{}{}{share}{mark}", line.indent(at == 0, true), line.names(results))
        });
        texts.collect()
    }

    #[test]
    fn the_classes_hang_below_their_common_ancestor() {
        let results = results();
        assert_eq!(
            drawn(&results, &level(1, &[(0, 0.5), (1, 0.3), (3, 0.2)])),
            ["entity › animal *", "|- cat 0.2", "|  `- lion 0.3", "`- dog 0.5"],
            "cat and lion together are as many as the dogs, and stand first by place"
        );
        assert_eq!(
            drawn(&results, &level(0, &[(0, 0.25), (1, 0.25), (2, 0.5)])),
            [
                "entity *",
                "|- animal",
                "|  |- cat › lion 0.25",
                "|  `- dog 0.25",
                "`- thing › cup 0.5"
            ]
        );
    }

    #[test]
    fn a_single_class_is_its_own_ancestor() {
        assert_eq!(drawn(&results(), &level(6, &[(1, 1.0)])), ["entity › animal › cat › lion 1 *"]);
    }

    #[test]
    fn a_neuron_that_nothing_excites_has_no_tree() {
        assert_eq!(tree(&results(), &level(0, &[])), Tree::default());
        assert_eq!(tree(&Consistency::default(), &level(3, &[(0, 1.0)])), Tree::default());
    }

    #[test]
    fn results_that_contradict_themselves_do_no_harm() {
        let mut results = results();
        // A circle, a noun without a way to the root, places that are not there.
        results.nouns[2].parents = vec![5, 99];
        results.nouns[3].parents = vec![];
        results.classes[3].noun = 99;
        let level = level(4, &[(0, 0.4), (1, 0.2), (2, 0.2), (3, 0.1), (7, 0.1)]);
        assert_eq!(
            drawn(&results, &level),
            ["entity › animal", "|- dog 0.4", "`- cat *", "   `- lion 0.2"]
        );
    }

    #[test]
    fn a_chain_without_end_is_left_out() {
        let mut results = results();
        let first = results.nouns.len();
        for place in first..first + 200_000 {
            results.nouns.push(Noun { parents: vec![place - 1], ..Noun::default() });
        }
        results.classes[1].noun = results.nouns.len() - 1;
        for ancestor in [0, first, results.nouns.len() - 2] {
            let level = level(ancestor, &[(0, 0.5), (1, 0.5)]);
            let lines = tree(&results, &level).lines();
            let drawn: Vec<usize> = lines.iter().flat_map(|line| line.nouns.clone()).collect();
            assert_eq!(drawn, [0, 1, 5], "the dog alone");
        }
    }

    /// Nouns in which each but the first has one to three parents before it, some of them classes.
    fn any_results() -> impl Strategy<Value = (Consistency, Level)> {
        let parents = proptest::collection::vec(any::<prop::sample::Index>(), 1..4);
        let nouns = proptest::collection::vec(parents, 1..40);
        let classes = proptest::collection::btree_map(0_u32..10, 0.01..1.0_f64, 1..10);
        let of_classes = proptest::collection::vec(any::<prop::sample::Index>(), 10);
        (nouns, classes, of_classes).prop_map(|(parents, shares, of_classes)| {
            let mut nouns = vec![Noun::default()];
            for parents in parents {
                let parents = parents.iter().map(|parent| parent.index(nouns.len())).collect();
                nouns.push(Noun { parents, ..Noun::default() });
            }
            let class = |place: &prop::sample::Index| Class {
                name: String::new(),
                noun: place.index(nouns.len()),
            };
            let classes: Vec<Class> = of_classes.iter().map(class).collect();
            let reached = shares.keys().map(|class| above(&nouns, classes[*class as usize].noun));
            let ancestor = reached
                .reduce(|a, b| a.into_iter().filter(|noun| b.contains(noun)).collect())
                .and_then(|common| common.into_iter().max())
                .unwrap_or(0);
            let level = level(ancestor, &shares.into_iter().collect::<Vec<_>>());
            (Consistency { classes, nouns, ..Consistency::default() }, level)
        })
    }

    /// A noun and all that it is a kind of.
    fn above(nouns: &[Noun], noun: usize) -> Vec<usize> {
        let mut all = vec![noun];
        let mut at = 0;
        while let Some(noun) = all.get(at).copied() {
            for parent in &nouns[noun].parents {
                if !all.contains(parent) {
                    all.push(*parent);
                }
            }
            at += 1;
        }
        all
    }

    fn walk<'t>(node: &'t Node, above: Option<usize>, found: &mut Vec<(&'t Node, Option<usize>)>) {
        found.push((node, above));
        node.children.iter().for_each(|child| walk(child, Some(node.noun), found));
    }

    proptest! {
        #[test]
        fn every_class_stands_once_below_the_ancestor((results, level) in any_results()) {
            let tree = tree(&results, &level);
            let mut found = Vec::new();
            walk(tree.root.as_ref().unwrap(), None, &mut found);
            let mut nouns: Vec<usize> = found.iter().map(|(node, _)| node.noun).collect();
            nouns.sort_unstable();
            nouns.dedup();
            prop_assert_eq!(nouns.len(), found.len(), "no noun stands twice");
            let total: f64 = found.iter().filter_map(|(node, _)| node.share).sum();
            let expected: f64 = level.classes.iter().map(|(_, share)| share).sum();
            prop_assert!((total - expected).abs() < 1e-9);
            for (node, above) in &found {
                if let Some(above) = above {
                    prop_assert!(results.nouns[node.noun].parents.contains(above));
                } else {
                    prop_assert_eq!(node.noun, 0);
                }
                prop_assert!(node.share.is_some() || !node.children.is_empty(), "no dead ends");
                // Above the common ancestor there is one chain.
                let above_it = node.noun < level.ancestor
                    && super::tests::above(&results.nouns, level.ancestor).contains(&node.noun);
                if above_it {
                    prop_assert_eq!(node.children.len(), 1);
                    prop_assert!(node.share.is_none());
                }
            }
            let marked = found.iter().filter(|(node, _)| node.is_common_ancestor).count();
            prop_assert_eq!(marked, 1);
            // Drawn, each noun stands in exactly one line.
            let mut drawn: Vec<usize> =
                tree.lines().into_iter().flat_map(|line| line.nouns).collect();
            drawn.sort_unstable();
            prop_assert_eq!(drawn, nouns);
        }
    }
}
